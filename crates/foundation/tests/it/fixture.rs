//! One actor that does whatever a test tells it, and writes down what happens to it.

use std::time::Duration;

use foundation::{
    Actor, ActorRef, ChildSpec, Context, Error, ExitReason, Flow, Init, Mailbox, Reply, Result,
    Shutdown, System, TimerKey,
};
use testkit::{Log, eventually};
use tokio::sync::Notify;

/// What a scripted actor can be told.
#[derive(Debug)]
pub(crate) enum Message {
    /// Writes it down.
    Note(&'static str),
    Number(u32, Reply<u32>),
    /// Answers when it is told so, and handles other messages meanwhile.
    Defer(Reply<u32>),
    AnswerDeferred(u32),
    DropReply(Reply<u32>),
    /// Waits inside of the handler until the gate opens.
    Wait(std::sync::Arc<Notify>),
    WaitForever,
    Panic(&'static str),
    PanicWith(Payload),
    PanicHolding(Reply<u32>),
    Fail(Error),
    Stop(ExitReason),
    Hibernate,
    SendAfter(Duration, &'static str, Reply<TimerKey>),
    SendEvery(Duration, &'static str, Reply<TimerKey>),
    CancelTimer(TimerKey, Reply<bool>),
    /// Asks the other one for its number, and answers with what comes of it.
    AskOther(ActorRef<Scripted>, Reply<Result<u32>>),
    /// Stops the other one, and answers with what comes of it.
    StopOther(ActorRef<Scripted>, Reply<Result<ExitReason>>),
    TellOther(ActorRef<Scripted>, &'static str, Reply<Result<()>>),
    IsStopping(Reply<bool>),
    /// Panics when it is dropped.
    Bomb(Bomb),
}

#[derive(Debug)]
pub(crate) struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a bomb");
    }
}

/// What a panic carries.
#[derive(Debug)]
pub(crate) enum Payload {
    Text(String),
    Number(u32),
}

/// What a scripted actor does beside its messages.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    pub(crate) log: Log,
    pub(crate) init: AtInit,
    pub(crate) terminate: AtTerminate,
    pub(crate) panics_in_drop: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) enum AtInit {
    #[default]
    Ready,
    Ignore,
    Fail(Error),
    Panic(&'static str),
    WaitFor(std::sync::Arc<Notify>),
    WaitForever,
    Continue(&'static str),
}

#[derive(Debug, Clone, Default)]
pub(crate) enum AtTerminate {
    #[default]
    End,
    Panic,
    WaitForever,
    Take(Duration),
}

#[derive(Debug)]
pub(crate) struct Scripted {
    script: Script,
    deferred: Option<Reply<u32>>,
}

impl Actor for Scripted {
    type Args = Script;
    type Message = Message;

    async fn init(script: Script, cx: &mut Context<Self>) -> Result<Init<Self>> {
        script.log.push("init");
        match script.init.clone() {
            AtInit::Ready => {}
            AtInit::Ignore => return Ok(Init::Ignore),
            AtInit::Fail(error) => return Err(error),
            AtInit::Panic(message) => panic!("{message}"),
            AtInit::WaitFor(gate) => gate.notified().await,
            AtInit::WaitForever => std::future::pending().await,
            AtInit::Continue(note) => cx.continue_with(Message::Note(note)),
        }
        script.log.push("ready");
        Ok(Init::Ready(Self { script, deferred: None }))
    }

    async fn handle(&mut self, message: Message, cx: &mut Context<Self>) -> Result<Flow> {
        match message {
            Message::Note(note) => self.script.log.push(note),
            Message::Number(number, reply) => reply.send(number),
            Message::Defer(reply) => self.deferred = Some(reply),
            Message::AnswerDeferred(number) => {
                self.deferred.take().expect("something was deferred").send(number);
            }
            Message::DropReply(reply) => drop(reply),
            Message::Wait(gate) => {
                self.script.log.push("waiting");
                gate.notified().await;
            }
            Message::WaitForever => {
                self.script.log.push("waiting");
                std::future::pending::<()>().await;
            }
            Message::Panic(message) => panic!("{message}"),
            Message::PanicWith(Payload::Text(text)) => std::panic::panic_any(text),
            Message::PanicWith(Payload::Number(number)) => std::panic::panic_any(number),
            Message::PanicHolding(_reply) => panic!("holding a reply"),
            Message::Fail(error) => return Err(error),
            Message::Stop(reason) => return Ok(Flow::Stop(reason)),
            Message::Hibernate => return Ok(Flow::Hibernate),
            other => self.ask_of_context(other, cx).await,
        }
        Ok(Flow::Continue)
    }

    async fn terminate(&mut self, reason: &ExitReason, _: &mut Context<Self>) {
        self.script.log.push(format!("terminate: {reason}"));
        match self.script.terminate {
            AtTerminate::End => {}
            AtTerminate::Panic => panic!("in terminate"),
            AtTerminate::WaitForever => std::future::pending().await,
            AtTerminate::Take(time) => after(time).await,
        }
    }

    fn undelivered(message: Message) {
        if let Message::PanicWith(Payload::Text(text)) = message {
            panic!("{text}");
        }
        if let Message::Fail(error) = message {
            panic!("{error}");
        }
    }
}

impl Scripted {
    async fn ask_of_context(&mut self, message: Message, cx: &mut Context<Self>) {
        let note = |note| move || Message::Note(note);
        match message {
            Message::SendAfter(delay, text, reply) => {
                reply.send(cx.send_after(delay, Message::Note(text)));
            }
            Message::SendEvery(period, text, reply) => {
                reply.send(cx.send_every(period, note(text)));
            }
            Message::CancelTimer(timer, reply) => reply.send(cx.cancel_timer(timer)),
            Message::AskOther(other, reply) => {
                reply.send(other.ask(|reply| Message::Number(1, reply)).await);
            }
            Message::StopOther(other, reply) => {
                reply.send(other.stop(ExitReason::Shutdown).await);
            }
            Message::TellOther(other, text, reply) => {
                reply.send(other.tell(Message::Note(text)).await);
            }
            Message::IsStopping(reply) => reply.send(cx.is_stopping()),
            other => unreachable!("{other:?}"),
        }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.script.log.push("dropped");
        assert!(!self.script.panics_in_drop || std::thread::panicking(), "in drop");
    }
}

/// Keeps what it hears.
pub(crate) struct Listener<E>(Vec<E>);

pub(crate) enum Said<E> {
    Event(E),
    Heard(Reply<Vec<E>>),
}

impl<E: Send + Sync + 'static> Actor for Listener<E> {
    type Args = ();
    type Message = Said<E>;

    async fn init((): (), _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self(Vec::new())))
    }

    async fn handle(&mut self, said: Said<E>, _: &mut Context<Self>) -> Result<Flow> {
        match said {
            Said::Event(event) => self.0.push(event),
            Said::Heard(reply) => reply.send(std::mem::take(&mut self.0)),
        }
        Ok(Flow::Continue)
    }
}

/// One that listens to nothing yet.
pub(crate) async fn listener<E: Send + Sync + 'static>(system: &System) -> ActorRef<Listener<E>> {
    system.start(ChildSpec::<Listener<E>>::actor("listener", ())).await.unwrap()
}

/// What it has heard since it was last asked.
pub(crate) async fn heard<E: Send + Sync + 'static>(listener: &ActorRef<Listener<E>>) -> Vec<E> {
    listener.ask(Said::Heard).await.unwrap()
}

pub(crate) async fn system() -> System {
    System::builder().name("test").seed(7).start().await.unwrap()
}

pub(crate) fn spec(script: &Script) -> ChildSpec<Scripted> {
    ChildSpec::actor("scripted", script.clone())
}

/// A running scripted actor, in a system of its own.
pub(crate) async fn running(script: &Script) -> (System, ActorRef<Scripted>) {
    let system = system().await;
    let actor = system.start(spec(script)).await.unwrap();
    (system, actor)
}

/// As [`running`], with a mailbox.
pub(crate) async fn with_mailbox(mailbox: Mailbox) -> (System, ActorRef<Scripted>, Log) {
    let script = Script::default();
    let system = system().await;
    let actor = system.start(spec(&script).mailbox(mailbox)).await.unwrap();
    (system, actor, script.log)
}

/// As [`running`], with a way to end.
pub(crate) async fn with_shutdown(
    script: &Script,
    shutdown: Shutdown,
) -> (System, ActorRef<Scripted>) {
    let system = system().await;
    let actor = system.start(spec(script).shutdown(shutdown)).await.unwrap();
    (system, actor)
}

/// Keeps `actor` inside of a handler until the gate that it gives is opened.
pub(crate) async fn hold(actor: &ActorRef<Scripted>, log: &Log) -> std::sync::Arc<Notify> {
    let gate = std::sync::Arc::new(Notify::new());
    actor.tell(Message::Wait(std::sync::Arc::clone(&gate))).await.unwrap();
    log.wait_for("waiting").await;
    gate
}

/// Time that passes, in tests with paused time.
pub(crate) async fn after(time: Duration) {
    let never = std::future::pending::<()>();
    let _ = tokio::time::timeout(time, never).await;
}

/// Stops everything, after which nothing is left.
pub(crate) async fn strike(system: System) {
    system.stop().await.unwrap();
    let runtime = tokio::runtime::Handle::current();
    eventually(|| match runtime.metrics().num_alive_tasks() {
        0 => Ok(()),
        alive => Err(format!("{alive} tasks are left")),
    })
    .await;
}

/// Does nothing, a hundred thousand times.
pub(crate) struct Idle;

impl Actor for Idle {
    type Args = ();
    type Message = ();

    async fn init((): (), _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<Flow> {
        Ok(Flow::Continue)
    }
}
