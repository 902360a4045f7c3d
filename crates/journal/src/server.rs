//! The journal as a process: the one actor that opens the store, keeps it, and opens it again under
//! a later epoch when it has failed.
//!
//! When the journal stops because of a failure, the actor ends with that error. Its supervisor
//! starts it again, which opens the store anew; `rest_for_one` starts everything that is above it
//! again too, so that all of it reads what is really there.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use foundation::{
    Actor, ChildSpec, Context, Error, ExitReason, Flow, Home, InSystem, Init, Pid, Reply, Result,
};

use crate::embedded::RedbOptions;
use crate::handle::Journal;
use crate::memory::MemoryOptions;
use crate::sync::Mutex;

/// How long opening may take: a store that was not closed is repaired, which takes about as long as
/// reading it, and that of a very large one takes minutes.
const OPEN_WITHIN: Duration = Duration::from_mins(30);
/// How often what has passed its retention is dropped.
const RETAIN_EVERY: Duration = Duration::from_mins(1);
/// What the actor's own tasks are counted under.
const LIBRARY: &str = "journal";

/// The actor that has the journal.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::{ActorRef, Supervisor, System};
/// use journal::{JournalMessage, JournalServer, MemoryOptions};
///
/// let system = System::builder().start().await?;
/// let server = JournalServer::child("journal", MemoryOptions::default());
/// Supervisor::rest_for_one().child(server.registered()).start(&system).await?;
///
/// let server: ActorRef<JournalServer> = system.lookup("journal")?;
/// let journal = server.ask(JournalMessage::journal).await?;
/// assert_eq!(journal.durability().name(), "memory");
/// # system.stop().await
/// # })?;
/// # Ok::<_, foundation::Error>(())
/// ```
///
#[derive(Debug)]
pub struct JournalServer {
    journal: Journal,
}

/// What a journal server is started from: how to open the store.
#[derive(Clone)]
pub struct JournalServerArgs {
    open: Arc<Open>,
    /// The journal of the incarnation before, which has to have let go of the store.
    before: Arc<Mutex<Option<Journal>>>,
}

type Open = dyn Fn(Home) -> Pin<Box<dyn Future<Output = Result<Journal>> + Send>> + Send + Sync;

/// What a journal server is told.
#[derive(Debug)]
pub struct JournalMessage(Told);

#[derive(Debug)]
enum Told {
    Journal(Reply<Journal>),
    /// The journal of that incarnation has stopped by itself. A later one may hear of it.
    Ended(Pid, Option<Error>),
    Retain,
}

impl JournalServer {
    /// A child called `name` that has the journal which `args` opens, such as
    /// [`RedbOptions`] or [`MemoryOptions`].
    ///
    /// Permanent, as every actor is unless its specification says otherwise. Opening may take 30
    /// minutes, because a store that was not closed is repaired first; set another
    /// [`start_within`](ChildSpec::start_within) if that is wrong.
    pub fn child(name: impl Into<Arc<str>>, args: impl Into<JournalServerArgs>) -> ChildSpec<Self> {
        ChildSpec::actor(name, args.into()).start_within(OPEN_WITHIN)
    }
}

impl JournalMessage {
    /// Asks for the journal.
    #[must_use]
    pub const fn journal(reply: Reply<Journal>) -> Self {
        Self(Told::Journal(reply))
    }
}

impl JournalServerArgs {
    /// A journal that `open` opens, once for each incarnation: for engines of others.
    pub fn new<F>(open: impl Fn(Home) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Journal>> + Send + 'static,
    {
        let open: Arc<Open> = Arc::new(move |home| Box::pin(open(home)));
        Self { open, before: Arc::default() }
    }
}

impl From<RedbOptions> for JournalServerArgs {
    fn from(options: RedbOptions) -> Self {
        Self::new(move |home| {
            let options = options.clone();
            async move { options.open(&home).await }
        })
    }
}

/// Each incarnation begins with an empty journal.
impl From<MemoryOptions> for JournalServerArgs {
    fn from(options: MemoryOptions) -> Self {
        Self::new(move |home| std::future::ready(options.open(&home)))
    }
}

impl Actor for JournalServer {
    type Args = JournalServerArgs;
    type Message = JournalMessage;

    async fn init(args: JournalServerArgs, cx: &mut Context<Self>) -> Result<Init<Self>> {
        // One that was killed has not closed its journal, which holds the lock of the file.
        let before = args.before.lock().take();
        if let Some(before) = before {
            // How it ended was told to whoever appended to it.
            let _ = before.close().await;
        }
        let journal = (args.open)(cx.home()).await?;
        *args.before.lock() = Some(journal.clone());
        let (ended, me, pid) = (journal.clone(), cx.me(), cx.pid());
        cx.home().executor(LIBRARY).execute(async move {
            let cause = ended.ended().await;
            // Fails when the server has ended itself, and then nobody has to know.
            let _ = me.tell(JournalMessage(Told::Ended(pid, cause))).await;
        });
        cx.send_every(RETAIN_EVERY, || JournalMessage(Told::Retain));
        Ok(Init::Ready(Self { journal }))
    }

    async fn handle(&mut self, message: JournalMessage, cx: &mut Context<Self>) -> Result<Flow> {
        match message.0 {
            Told::Journal(reply) => reply.send(self.journal.clone()),
            Told::Ended(pid, cause) if pid == cx.pid() => {
                return cause.map_or(Ok(Flow::Stop(ExitReason::Shutdown)), Err);
            }
            Told::Ended(..) => {}
            // A failure ends the journal, which is told.
            Told::Retain => {
                if self.journal.retain().await.is_ok_and(|retained| retained.more) {
                    // Behind what has come meanwhile, and until nothing is left.
                    cx.send_after(Duration::ZERO, JournalMessage(Told::Retain));
                }
            }
        }
        Ok(Flow::Continue)
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<Self>) {
        // How it ended was told to whoever appended to it.
        let _ = self.journal.close().await;
    }
}

impl fmt::Debug for JournalServerArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalServerArgs").finish_non_exhaustive()
    }
}
