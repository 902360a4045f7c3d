//! Boundaries translate failures of their own kind; everything else ends its owner.

use std::collections::BTreeMap;
use std::io::{Error as IoError, ErrorKind};

use foundation::boundary::{self, Failure, Network, Process, Store};
use foundation::{
    Actor, Category, ChildSpec, Context, Error, Flow, Init, Reply, Result, Supervisor,
};
use testkit::{eventually, panics};

use crate::fixture::system;

/// All kinds of I/O errors that have a name.
const NAMED: [ErrorKind; 39] = [
    ErrorKind::AddrInUse,
    ErrorKind::AddrNotAvailable,
    ErrorKind::AlreadyExists,
    ErrorKind::ArgumentListTooLong,
    ErrorKind::BrokenPipe,
    ErrorKind::ConnectionAborted,
    ErrorKind::ConnectionRefused,
    ErrorKind::ConnectionReset,
    ErrorKind::CrossesDevices,
    ErrorKind::Deadlock,
    ErrorKind::DirectoryNotEmpty,
    ErrorKind::ExecutableFileBusy,
    ErrorKind::FileTooLarge,
    ErrorKind::HostUnreachable,
    ErrorKind::Interrupted,
    ErrorKind::InvalidData,
    ErrorKind::InvalidFilename,
    ErrorKind::InvalidInput,
    ErrorKind::IsADirectory,
    ErrorKind::NetworkDown,
    ErrorKind::NetworkUnreachable,
    ErrorKind::NotADirectory,
    ErrorKind::NotConnected,
    ErrorKind::NotFound,
    ErrorKind::NotSeekable,
    ErrorKind::Other,
    ErrorKind::OutOfMemory,
    ErrorKind::PermissionDenied,
    ErrorKind::QuotaExceeded,
    ErrorKind::ReadOnlyFilesystem,
    ErrorKind::ResourceBusy,
    ErrorKind::StaleNetworkFileHandle,
    ErrorKind::StorageFull,
    ErrorKind::TimedOut,
    ErrorKind::TooManyLinks,
    ErrorKind::UnexpectedEof,
    ErrorKind::Unsupported,
    ErrorKind::WouldBlock,
    ErrorKind::WriteZero,
];

/// What a boundary makes of each kind of I/O error: its codes, each with its kinds in the order of
/// [`NAMED`], and `bug` with those that it does not translate.
fn translated<K: boundary::Kind>() -> BTreeMap<String, String>
where
    IoError: Failure<K>,
{
    let mut all = BTreeMap::<String, Vec<String>>::new();
    for kind in NAMED {
        let failure = Failure::<K>::translate(&IoError::from(kind));
        let code = failure.map_or("bug".to_owned(), |error| error.code().to_owned());
        all.entry(code).or_default().push(format!("{kind:?}"));
    }
    all.into_iter().map(|(code, kinds)| (code, kinds.join(" "))).collect()
}

fn table<const N: usize>(rows: [(&str, &str); N]) -> BTreeMap<String, String> {
    rows.map(|(code, kinds)| (code.to_owned(), kinds.to_owned())).into()
}

#[test]
fn the_network_translates_what_peers_and_wires_do() {
    // ERR-4
    let expected = table([
        (
            "network_error",
            "AddrInUse AddrNotAvailable BrokenPipe ConnectionAborted ConnectionRefused \
             ConnectionReset HostUnreachable Interrupted InvalidData NetworkDown \
             NetworkUnreachable NotConnected NotFound OutOfMemory PermissionDenied TimedOut \
             UnexpectedEof WouldBlock WriteZero",
        ),
        (
            "bug",
            "AlreadyExists ArgumentListTooLong CrossesDevices Deadlock DirectoryNotEmpty \
             ExecutableFileBusy FileTooLarge InvalidFilename InvalidInput IsADirectory \
             NotADirectory NotSeekable Other QuotaExceeded ReadOnlyFilesystem ResourceBusy \
             StaleNetworkFileHandle StorageFull TooManyLinks Unsupported",
        ),
    ]);
    assert_eq!(translated::<Network>(), expected);
}

#[test]
fn a_store_tells_failing_from_refusing_from_damaged() {
    // ERR-4
    let expected = table([
        (
            "store_error",
            "BrokenPipe ConnectionAborted ConnectionRefused ConnectionReset Deadlock \
             ExecutableFileBusy FileTooLarge HostUnreachable Interrupted NetworkDown \
             NetworkUnreachable NotConnected OutOfMemory QuotaExceeded ReadOnlyFilesystem \
             ResourceBusy StaleNetworkFileHandle StorageFull TimedOut WouldBlock WriteZero",
        ),
        (
            "store_refused",
            "AlreadyExists CrossesDevices DirectoryNotEmpty InvalidFilename IsADirectory \
             NotADirectory NotFound PermissionDenied TooManyLinks Unsupported",
        ),
        ("store_corrupt", "InvalidData UnexpectedEof"),
        ("bug", "AddrInUse AddrNotAvailable ArgumentListTooLong InvalidInput NotSeekable Other"),
    ]);
    assert_eq!(translated::<Store>(), expected);
}

#[test]
fn a_process_tells_failing_from_no_such_program() {
    // ERR-4
    let expected = table([
        (
            "process_error",
            "BrokenPipe ExecutableFileBusy Interrupted InvalidData OutOfMemory ResourceBusy \
             TimedOut UnexpectedEof WouldBlock WriteZero",
        ),
        (
            "program_not_found",
            "InvalidFilename IsADirectory NotADirectory NotFound PermissionDenied",
        ),
        (
            "bug",
            "AddrInUse AddrNotAvailable AlreadyExists ArgumentListTooLong ConnectionAborted \
             ConnectionRefused ConnectionReset CrossesDevices Deadlock DirectoryNotEmpty \
             FileTooLarge HostUnreachable InvalidInput NetworkDown \
             NetworkUnreachable NotConnected NotSeekable Other QuotaExceeded \
             ReadOnlyFilesystem StaleNetworkFileHandle StorageFull TooManyLinks Unsupported",
        ),
    ]);
    assert_eq!(translated::<Process>(), expected);
}

#[test]
fn what_the_system_reports_without_a_kind_is_a_failure_of_whatever_it_meets() {
    // EIO on every system that has numbers.
    let failing_disk = || Err::<(), _>(IoError::from_raw_os_error(5));
    assert_eq!(boundary::store(failing_disk()).unwrap_err().code(), "store_error");
    assert_eq!(boundary::network(failing_disk()).unwrap_err().code(), "network_error");
    assert_eq!(boundary::process(failing_disk()).unwrap_err().code(), "process_error");
}

#[test]
fn a_refused_connection_carries_what_the_system_said() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = boundary::network(std::net::TcpStream::connect(address)).unwrap_err();
    assert_eq!(error.details()["kind"], "ConnectionRefused");
    assert!(error.is_retryable());
    assert!(error.report().to_string().contains("caused by: Connection refused"), "{error:?}");
}

#[test]
fn json_says_where_it_is_wrong() {
    let parse = |text: &str| boundary::json(serde_json::from_str::<[u8; 1]>(text));
    assert_eq!(parse("[7]").unwrap(), [7]);
    for (text, line, column) in [("", 1, 0), ("[", 1, 1), ("[\n 700]", 2, 4), ("[1] x", 1, 5)] {
        let error = parse(text).unwrap_err();
        assert_eq!((error.code(), error.category()), ("invalid_json", Category::Validation));
        assert_eq!(error.details()["line"], line, "{text:?}");
        assert_eq!(error.details()["column"], column, "{text:?}");
    }
    let no_text = boundary::json(serde_json::from_value::<u8>("x".into())).unwrap_err();
    assert!(no_text.details().is_empty());
    let no_text = vec![0xff];
    assert_eq!(boundary::json(str::from_utf8(&no_text)).unwrap_err().code(), "invalid_json");
    assert_eq!(boundary::json(String::from_utf8(no_text)).unwrap_err().code(), "invalid_json");
}

#[test]
fn what_was_translated_before_passes_as_it_is() {
    let refusal = Error::business("closed_today");
    let carried = Err::<(), _>(IoError::other(refusal.clone()));
    assert_eq!(boundary::network(carried).unwrap_err(), refusal);
    // Also where a reader has said it to a parser.
    let reading = || serde_json::from_reader::<_, u8>(Failing(Some(refusal.clone())));
    assert_eq!(boundary::json(reading()).unwrap_err(), refusal);
    assert_eq!(Error::from(reading().unwrap_err()), refusal);
}

#[test]
fn the_errors_of_a_library_are_what_its_user_says_they_are() {
    use std::sync::mpsc::TryRecvError;
    let translate = |error: &TryRecvError| match error {
        TryRecvError::Empty => Some(Error::infrastructure("busy")),
        TryRecvError::Disconnected => None,
    };
    let busy = || Err::<(), _>(TryRecvError::Empty);
    let crossed = [
        boundary::network_by(busy(), translate),
        boundary::store_by(busy(), translate),
        boundary::process_by(busy(), translate),
    ];
    for error in crossed.map(Result::unwrap_err) {
        assert_eq!(error.code(), "busy");
        assert!(error.report().to_string().contains("caused by: receiving on an empty channel"));
    }
    let bug = || Err::<(), _>(TryRecvError::Disconnected);
    assert!(
        panics(|| drop(boundary::store_by(bug(), translate))).contains("no failure of a store")
    );
    assert_eq!(boundary::store_by(Ok::<_, TryRecvError>(7), translate).unwrap(), 7);
}

#[test]
fn what_is_not_of_the_kind_is_a_bug_and_panics_where_it_was_found() {
    let bug = || Err::<(), _>(IoError::new(ErrorKind::InvalidInput, "an empty address"));
    for crossing in [
        (|| drop(boundary::network(Err::<(), _>(IoError::other("a bug"))))) as fn(),
        || drop(boundary::store(Err::<(), _>(IoError::other("a bug")))),
        || drop(boundary::process(Err::<(), _>(IoError::other("a bug")))),
    ] {
        assert!(panics(crossing).contains("a bug"));
    }
    let said = panics(|| drop(boundary::network(bug())));
    assert!(said.contains("no failure of the network") && said.contains("an empty address"));
    let reading = serde_json::from_reader::<_, u8>(Failing(None));
    let said = panics(|| drop(boundary::json(reading)));
    assert!(said.contains("no failure of JSON"), "{said}");
}

/// A reader that fails before there is any JSON.
struct Failing(Option<Error>);

impl std::io::Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(self.0.clone().map_or(ErrorKind::ConnectionReset.into(), IoError::other))
    }
}

/// Does what its messages say at the boundary of the network.
struct Caller;

enum Call {
    Fail(ErrorKind, Reply<Result<()>>),
    Alive(Reply<()>),
}

impl Actor for Caller {
    type Args = ();
    type Message = Call;

    async fn init((): (), _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, call: Call, _: &mut Context<Self>) -> Result<Flow> {
        match call {
            Call::Fail(kind, reply) => {
                reply.send(boundary::network(Err::<(), _>(IoError::from(kind))));
            }
            Call::Alive(reply) => reply.send(()),
        }
        Ok(Flow::Continue)
    }
}

#[tokio::test(start_paused = true)]
async fn an_expected_failure_is_an_answer_and_a_bug_restarts_its_owner() {
    // ERR-4
    let system = system().await;
    let caller = ChildSpec::<Caller>::actor("caller", ());
    let supervisor = Supervisor::one_for_one().child(caller).start(&system).await.unwrap();
    let caller = supervisor.child::<Caller>("caller").await.unwrap();
    let first = caller.pid();

    let expected = caller.ask(|reply| Call::Fail(ErrorKind::TimedOut, reply)).await.unwrap();
    assert_eq!(expected.unwrap_err().code(), "network_error");
    assert_eq!(caller.pid(), first);

    let bug = caller.ask(|reply| Call::Fail(ErrorKind::InvalidInput, reply)).await;
    assert_eq!(bug.unwrap_err().code(), "actor_stopped");
    let again = || (caller.pid() != first).then_some(()).ok_or("it has not started again");
    eventually(again).await;
    caller.ask(Call::Alive).await.unwrap();
    system.stop().await.unwrap();
}
