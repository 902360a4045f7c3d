//! What only real threads show: actors that hold theirs, and messages between several.

use std::sync::Arc;
use std::time::Duration;

use foundation::{
    Actor, ActorRef, ChildSpec, Context, ExitReason, Flow, Init, Result, Shutdown, System,
    TaskPool, TaskPoolOptions, TaskSupervisor,
};
use testkit::{Gate, Log, eventually};

/// Holds its thread over every message.
#[derive(Debug)]
pub(crate) struct Blocking(Arc<Gate>, Log);

impl Actor for Blocking {
    type Args = (Arc<Gate>, Log);
    type Message = ();

    async fn init((gate, log): Self::Args, _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self(gate, log)))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow> {
        self.0.hold_thread();
        self.1.push("lets go");
        Ok(Flow::Continue)
    }
}

/// A system with an actor that holds its thread, and one that was started after it.
async fn blocked() -> (System, ActorRef<Blocking>, ActorRef<Blocking>, Arc<Gate>, Log) {
    let system = System::builder().name("blocked").start().await.unwrap();
    let (gate, log) = (Arc::new(Gate::default()), Log::default());
    let spec = |name| {
        let args = (Arc::clone(&gate), log.clone());
        ChildSpec::<Blocking>::actor(name, args)
            .shutdown(Shutdown::Within(Duration::from_millis(50)))
    };
    let bystander = system.start(spec("bystander")).await.unwrap();
    let holder = system.start(spec("holder")).await.unwrap();
    holder.tell(()).await.unwrap();
    gate.is_held().await;
    (system, holder, bystander, gate, log)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_actor_that_holds_its_thread_is_reported_and_the_others_stop() {
    // K01
    let (system, holder, bystander, gate, log) = blocked().await;
    let error = system.stop().await.unwrap_err();
    assert_eq!((error.code(), &error.details()["actor"]), ("unresponsive", &"holder".into()));
    assert_eq!(error.details()["pid"], holder.pid().to_string());
    assert_eq!(bystander.exited().await, ExitReason::Shutdown);
    assert!(holder.is_alive());
    // When it lets go it finds that it was killed.
    gate.open();
    assert_eq!(holder.exited().await, ExitReason::Killed);
    assert_eq!(log.count("lets go"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_library_that_holds_its_thread_is_reported_and_does_not_hold_up_the_stop() {
    let system = System::builder().name("blocked").start().await.unwrap();
    let gate = Arc::new(Gate::default());
    let held = Arc::clone(&gate);
    system.executor("hyper").execute(async move { held.hold_thread() });
    gate.is_held().await;
    let error = system.stop().await.unwrap_err();
    assert_eq!((error.code(), &error.details()["hyper"]), ("unresponsive", &1.into()));
    gate.open();
}

#[test]
fn on_a_single_thread_the_rest_stops_when_the_thread_is_free() {
    // K02: nothing runs while the only thread is held, and all of it afterwards.
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_time().build().unwrap();
    runtime.block_on(async {
        let (system, holder, bystander, gate, _) = blocked().await;
        let opening = async { gate.open() };
        let (stopped, ()) = tokio::join!(system.stop(), opening);
        stopped.unwrap();
        assert!(holder.exited().await.is_clean() || holder.exited().await == ExitReason::Killed);
        assert_eq!(bystander.exited().await, ExitReason::Shutdown);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_between_many_senders_and_a_small_mailbox() {
    struct Sum(u64);
    enum Message {
        Add(u64),
        Total(foundation::Reply<u64>),
    }
    impl Actor for Sum {
        type Args = ();
        type Message = Message;
        async fn init((): (), _: &mut Context<Self>) -> Result<Init<Self>> {
            Ok(Init::Ready(Self(0)))
        }
        async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow> {
            match message {
                Message::Add(n) => self.0 += n,
                Message::Total(reply) => reply.send(self.0),
            }
            Ok(Flow::Continue)
        }
    }
    let system = System::builder().name("many").start().await.unwrap();
    let executor = system.executor("senders");
    for capacity in [1, 2, 16] {
        let mailbox = foundation::Mailbox::bounded(capacity);
        let spec = ChildSpec::<Sum>::actor("sum", ()).mailbox(mailbox);
        let sum = system.start(spec).await.unwrap();
        for _ in 0..8 {
            let sum = sum.clone();
            executor.execute(async move {
                for _ in 0..2000 {
                    sum.tell(Message::Add(1)).await.unwrap();
                }
            });
        }
        eventually(|| match system.census().libraries["senders"] {
            0 => Ok(()),
            senders => Err(format!("{senders} still send")),
        })
        .await;
        assert_eq!(sum.ask(Message::Total).await.unwrap(), 16_000, "capacity {capacity}");
    }
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_is_closed_says_which_of_its_tasks_hold_their_threads() {
    let system = System::builder().name("closed").start().await.unwrap();
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    let pool = TaskPool::new(&tasks, "held", TaskPoolOptions::new(2)).unwrap();
    let gate = Arc::new(Gate::default());
    let held = Arc::clone(&gate);
    let holding = pool.async_nolink(async move {
        held.hold_thread();
        Ok(())
    });
    let waiting = pool.async_nolink(std::future::pending::<Result<()>>()).unwrap();
    gate.is_held().await;
    let error = pool.close(Duration::ZERO).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["left"]), ("unresponsive", &1.into()));
    assert_eq!(waiting.await.unwrap_err().code(), "pool_closed");
    // What it was about to give is given, and its place is free.
    gate.open();
    holding.unwrap().await.unwrap();
    pool.idle(Duration::from_mins(1)).await.unwrap();
    assert_eq!((pool.stats().running, pool.stats().is_closed), (0, true));
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_of_a_library_is_counted_and_waited_for_when_the_system_stops() {
    let system = System::builder().start().await.unwrap();
    let (gate, log) = (Arc::new(Gate::default()), Log::default());
    let executor = system.executor("library");
    let held = (Arc::clone(&gate), log.clone());
    let thread = move || {
        assert_eq!(std::thread::current().name(), Some("library-thread"));
        held.0.hold_thread();
        held.1.push("the thread ends");
    };
    executor.thread("library-thread", thread).unwrap();
    let census = system.census();
    assert_eq!((census.threads["library"], census.libraries["library"]), (1, 0));
    assert_eq!(system.strays(), 0, "a thread is no task");

    // It is told in time, as whoever starts one sees to: when a task of its library is dropped.
    let opens = OpensWhenDropped(Arc::clone(&gate));
    executor.execute(async move {
        let _opens = opens;
        std::future::pending::<()>().await;
    });
    system.stop().await.unwrap();
    assert_eq!(log.entries(), ["the thread ends"]);
    let late = executor.thread("library-thread", || ()).unwrap_err();
    assert_eq!(late.code(), "system_stopping");
}

/// The story: a journal that took longer than a second to close had its stop end `unresponsive`, and
/// the details named its library with 0 tasks: what was left were its threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_waits_in_vain_says_which_library_has_threads_left_and_which_has_tasks() {
    let system = System::builder().start().await.unwrap();
    let (gate, of_task) = (Arc::new(Gate::default()), Arc::new(Gate::default()));
    for library in ["journal", "http"] {
        for thread in 0..2 {
            let held = Arc::clone(&gate);
            let name = format!("{library}-{thread}");
            system.executor(library).thread(&name, move || held.hold_thread()).unwrap();
        }
    }
    let task = Arc::clone(&of_task);
    system.executor("http").execute(async move { task.hold_thread() });
    // Those that have ended are not named.
    system.executor("idle").execute(std::future::pending());
    system.executor("idle").thread("idle", || ()).unwrap();
    eventually(|| match system.census().threads["idle"] {
        0 => Ok(()),
        threads => Err(format!("{threads} threads")),
    })
    .await;
    of_task.is_held().await;
    let error = system.stop().await.unwrap_err();
    of_task.open();
    gate.open();
    assert_eq!(error.code(), "unresponsive");
    assert_eq!(error.message(), "tasks or threads of libraries do not end");
    let details = serde_json::json!({ "http": 1, "threads": { "http": 2, "journal": 2 } });
    assert_eq!(serde_json::to_value(error.details()).unwrap(), details);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_that_panics_ends_alone() {
    let system = System::builder().start().await.unwrap();
    system.executor("library").thread("library-thread", || panic!("oops")).unwrap();
    eventually(|| match system.census().threads["library"] {
        0 => Ok(()),
        threads => Err(format!("{threads} threads")),
    })
    .await;
    system.stop().await.unwrap();
}

/// Opens a gate when it is dropped.
struct OpensWhenDropped(Arc<Gate>);

impl Drop for OpensWhenDropped {
    fn drop(&mut self) {
        self.0.open();
    }
}
