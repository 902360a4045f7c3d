//! Looking at actors that run, holding them, and listing whole trees.

mod looking;
mod suspending;
mod tracing;
mod tree;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use foundation::{
    Actor, ActorRef, ChildSpec, Context, Down, Exit, Flow, Init, Reply, Result, System,
};
use serde_json::{Value, json};
use testkit::{Log, Puppet};
use tokio::sync::Notify;

/// An actor that says what it is like.
pub(crate) struct Glass {
    log: Log,
    total: u64,
    is_broken: bool,
}

pub(crate) enum Say {
    Add(u64),
    Total(Reply<u64>),
    /// Waits in the handler.
    Wait(Arc<Notify>),
    /// From now on it panics when it is inspected.
    Break,
    Panic,
    Unspeakable,
    Hibernate,
    After(Duration, u64),
    Monitor(ActorRef<Puppet>, Reply<()>),
    Link(ActorRef<Puppet>, bool, Reply<()>),
    InspectSelf(Reply<Result<Option<Value>>>),
}

impl Actor for Glass {
    type Args = Log;
    type Message = Say;

    async fn init(log: Log, _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self { log, total: 0, is_broken: false }))
    }

    async fn handle(&mut self, message: Say, cx: &mut Context<Self>) -> Result<Flow> {
        match message {
            Say::Add(n) => {
                self.total += n;
                self.log.push(format!("add {n}"));
            }
            Say::Total(reply) => reply.send(self.total),
            Say::Wait(gate) => {
                self.log.push("waiting");
                gate.notified().await;
            }
            Say::Break => self.is_broken = true,
            Say::Panic => panic!("as told"),
            Say::Unspeakable => {}
            Say::Hibernate => return Ok(Flow::Hibernate),
            Say::After(delay, n) => drop(cx.send_after(delay, Say::Add(n))),
            Say::Monitor(other, reply) => {
                cx.monitor(&other);
                reply.send(());
            }
            Say::Link(other, traps, reply) => {
                cx.trap_exits(traps);
                cx.link(&other);
                reply.send(());
            }
            Say::InspectSelf(reply) => reply.send(cx.me().inspect().await),
        }
        Ok(Flow::Continue)
    }

    async fn on_down(&mut self, down: Down, _: &mut Context<Self>) -> Result<Flow> {
        self.log.push(format!("{} is down", down.name));
        Ok(Flow::Continue)
    }

    async fn on_exit(&mut self, exit: Exit, _: &mut Context<Self>) -> Result<Flow> {
        self.log.push(format!("{} has ended", exit.name));
        Ok(Flow::Continue)
    }

    async fn terminate(&mut self, _: &foundation::ExitReason, _: &mut Context<Self>) {
        self.log.push("terminate");
    }

    fn inspect(&self) -> Option<Value> {
        assert!(!self.is_broken, "broken");
        Some(json!({ "total": self.total }))
    }

    fn describe(message: &Say) -> Option<Cow<'static, str>> {
        match message {
            Say::Add(n) => Some(format!("add {n}").into()),
            Say::Total(_) => Some("total".into()),
            Say::Unspeakable => panic!("unspeakable"),
            _ => None,
        }
    }
}

pub(crate) fn glass(log: &Log) -> ChildSpec<Glass> {
    ChildSpec::actor("glass", log.clone())
}

pub(crate) async fn running() -> (System, ActorRef<Glass>, Log) {
    let (system, log) = (crate::fixture::system().await, Log::default());
    let actor = system.start(glass(&log)).await.unwrap();
    (system, actor, log)
}

/// Keeps the actor inside of a handler until what this gives is notified.
pub(crate) async fn hold(actor: &ActorRef<Glass>, log: &Log) -> Arc<Notify> {
    let gate = Arc::new(Notify::new());
    actor.tell(Say::Wait(Arc::clone(&gate))).await.unwrap();
    log.wait_for("waiting").await;
    gate
}
