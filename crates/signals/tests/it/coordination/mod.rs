//! Messages between agents: what a sender learns, and where each message is in the end.

mod ages;
mod broadcasts;
mod buffers;
mod circuits;
mod contained;
mod dead_letters;
mod options;
mod random;
mod receivers;
mod sending;
mod teams;
mod unheard;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use foundation::{
    Actor, ActorRef, ChildSpec, Context, Error, ExitReason, Flow, Init, Mailbox, Overflow, Reply,
    Result, System,
};
use signals::coordination::{
    Acknowledgement, Assignment, Coordinated, Coordination, CoordinationBuilder,
};
use signals::{Draft, Signal};
use testkit::{Log, eventually};
use tokio::sync::Notify;
use tokio::time::Instant;

/// An agent that does with what it gets what its script says.
pub(crate) struct Agent {
    script: Script,
}

pub(crate) enum Message {
    Assignment(Assignment),
    /// Hears of nothing until it is notified.
    Hang(Arc<Notify>),
    End(ExitReason),
    /// Answers when everything before is done.
    Ping(Reply<()>),
}

/// What an agent does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Does {
    Acknowledge,
    /// Refuses it, as is its right.
    Refuse,
    /// Fails, with an error that says that it does not work.
    Fail,
    /// Fails, with an error that says nothing.
    Bug,
    /// Does not begin it.
    Ignore,
    /// Begins it, and drops what there is to say.
    Drop,
    /// Begins it, and keeps what there is to say.
    Keep,
    /// Begins it, and takes so long.
    Take(Duration),
    Panic,
}

/// What agents of an id do, and have done. Every incarnation has the same one.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) id: &'static str,
    pub(crate) coordination: Coordination,
    /// What was begun, in order.
    pub(crate) log: Log,
    next: Arc<Mutex<VecDeque<Does>>>,
    then: Arc<Mutex<Does>>,
    pub(crate) kept: Arc<Mutex<Vec<Acknowledgement>>>,
}

impl From<Assignment> for Message {
    fn from(assignment: Assignment) -> Self {
        Self::Assignment(assignment)
    }
}

impl Script {
    pub(crate) fn new(id: &'static str, coordination: &Coordination) -> Self {
        let then = Arc::new(Mutex::new(Does::Acknowledge));
        let (log, next, kept) = (Log::default(), Arc::default(), Arc::default());
        Self { id, coordination: coordination.clone(), log, next, then, kept }
    }

    /// What it does with all messages after those that were named.
    pub(crate) fn then(&self, does: Does) {
        *self.then.lock().unwrap() = does;
    }

    /// What it does with the next messages.
    pub(crate) fn next(&self, does: impl IntoIterator<Item = Does>) {
        self.next.lock().unwrap().extend(does);
    }

    /// It acknowledges whatever comes.
    pub(crate) fn calm(&self) {
        self.next.lock().unwrap().clear();
        self.then(Does::Acknowledge);
    }

    pub(crate) fn spec(&self) -> ChildSpec<Agent> {
        ChildSpec::actor(self.id, self.clone())
    }

    fn does(&self) -> Does {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        next.unwrap_or_else(|| *self.then.lock().unwrap())
    }
}

impl Actor for Agent {
    type Args = Script;
    type Message = Message;

    async fn init(script: Script, cx: &mut Context<Self>) -> Result<Init<Self>> {
        script.coordination.join(script.id, &cx.me())?;
        Ok(Init::Ready(Self { script }))
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow> {
        let assignment = match message {
            Message::Assignment(assignment) => assignment,
            Message::Hang(until) => {
                until.notified().await;
                return Ok(Flow::Continue);
            }
            Message::End(reason) => return Ok(Flow::Stop(reason)),
            Message::Ping(reply) => {
                reply.send(());
                return Ok(Flow::Continue);
            }
        };
        let does = self.script.does();
        if does == Does::Ignore {
            return Ok(Flow::Continue);
        }
        let Some((signal, acknowledgement)) = assignment.begin() else {
            // What it would have done it does with the next one.
            self.script.next.lock().unwrap().push_front(does);
            return Ok(Flow::Continue);
        };
        self.script.log.push(signal.topic().as_str());
        match does {
            Does::Acknowledge | Does::Ignore => acknowledgement.acknowledge(),
            Does::Refuse => acknowledgement.refuse(Error::business("not_mine")),
            Does::Fail => acknowledgement.refuse(Error::infrastructure("bank_unreachable")),
            Does::Bug => acknowledgement.refuse(Error::system("bug")),
            Does::Drop => drop(acknowledgement),
            Does::Keep => self.script.kept.lock().unwrap().push(acknowledgement),
            Does::Take(time) => {
                pause(time).await;
                acknowledgement.acknowledge();
            }
            Does::Panic => panic!("as its script says"),
        }
        Ok(Flow::Continue)
    }
}

/// A system with coordination in it.
pub(crate) async fn started() -> (System, Coordination) {
    started_with(Coordination::builder()).await
}

pub(crate) async fn started_with(builder: CoordinationBuilder) -> (System, Coordination) {
    let system = System::builder().name("agents").start().await.unwrap();
    let coordination = builder.start(&system).await.unwrap();
    (system, coordination)
}

/// An agent that nobody starts again.
pub(crate) async fn agent(
    system: &System,
    coordination: &Coordination,
    id: &'static str,
) -> (ActorRef<Agent>, Script) {
    agent_with(system, coordination, id, Mailbox::default()).await
}

pub(crate) async fn agent_with(
    system: &System,
    coordination: &Coordination,
    id: &'static str,
    mailbox: Mailbox,
) -> (ActorRef<Agent>, Script) {
    let script = Script::new(id, coordination);
    let spec = script.spec().restart(foundation::Restart::Temporary).mailbox(mailbox);
    (system.start(spec).await.unwrap(), script)
}

/// A mailbox that refuses what it has no room for.
pub(crate) fn room_for(messages: usize) -> Mailbox {
    Mailbox::bounded(messages).overflow(Overflow::Reject)
}

/// Has the agent hang until that is notified. It does by then.
pub(crate) async fn hang(agent: &ActorRef<Agent>) -> Arc<Notify> {
    let until = Arc::new(Notify::new());
    agent.tell(Message::Hang(Arc::clone(&until))).await.unwrap();
    eventually(|| {
        if Arc::strong_count(&until) == 2 && agent.mailbox_len() == 0 {
            Ok(())
        } else {
            Err("not yet")
        }
    })
    .await;
    until
}

/// A signal of that type, and nothing else.
pub(crate) fn signal(topic: &'static str) -> Draft {
    Signal::new(topic, "/test")
}

pub(crate) fn numbered(number: usize) -> Draft {
    Signal::new(format!("n.{number}"), "/test")
}

/// Why a message was kept.
pub(crate) fn buffered(outcome: Result<Coordinated>) -> String {
    match outcome {
        Ok(Coordinated::Buffered(error)) => error.code().to_owned(),
        other => panic!("it was to be kept, and is {other:?}"),
    }
}

pub(crate) fn acknowledged(outcome: Result<Coordinated>) {
    let outcome = outcome.unwrap();
    assert!(outcome.is_acknowledged(), "{outcome:?}");
}

/// With which code a message was refused.
pub(crate) fn refused(outcome: Result<Coordinated>) -> String {
    outcome.unwrap_err().code().to_owned()
}

/// Lets time pass, and everybody do what there is to do by then.
pub(crate) async fn pause(time: Duration) {
    let until = Instant::now() + time;
    let never = std::future::pending::<()>();
    let _ = tokio::time::timeout_at(until, never).await;
}

/// Lets everybody do what there is to do now.
pub(crate) async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// What is on its way or stays somewhere: kept, waiting, in progress, dead letters.
pub(crate) fn places(coordination: &Coordination) -> [usize; 4] {
    let stats = coordination.stats();
    [stats.buffered, stats.waiting, stats.in_progress, stats.dead_letters]
}
