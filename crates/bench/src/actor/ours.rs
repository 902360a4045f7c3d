//! Ours: a supervised actor with a bounded mailbox.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use foundation::{
    Actor, ActorRef, ChildSpec, Context, Flow, Init, Mailbox, Reply, Supervisor, System,
};
use tokio::sync::Notify;

use super::{MAILBOX, Subject};
use crate::crash::ON_PURPOSE;

/// A running actor.
#[derive(Debug, Clone)]
pub struct Ours(ActorRef<Sum>);

#[derive(Debug)]
struct Sum {
    total: u64,
}

#[derive(Debug)]
enum Message {
    Add(u64),
    Total(Reply<u64>),
    Hibernate,
    Crash,
}

impl Actor for Sum {
    type Args = Option<Arc<Notify>>;
    type Message = Message;

    async fn init(
        started: Option<Arc<Notify>>,
        _: &mut Context<Self>,
    ) -> foundation::Result<Init<Self>> {
        started.inspect(|started| started.notify_one());
        Ok(Init::Ready(Self { total: 0 }))
    }

    async fn handle(
        &mut self,
        message: Message,
        _: &mut Context<Self>,
    ) -> foundation::Result<Flow> {
        match message {
            Message::Add(amount) => self.total += amount,
            Message::Total(reply) => reply.send(self.total),
            Message::Hibernate => return Ok(Flow::Hibernate),
            Message::Crash => std::panic::panic_any(ON_PURPOSE),
        }
        Ok(Flow::Continue)
    }
}

impl Subject for Ours {
    type World = System;

    async fn world() -> Result<System> {
        Ok(System::builder().name("bench").start().await?)
    }

    async fn start(system: &System) -> Result<Self> {
        let spec = ChildSpec::<Sum>::actor("sum", None).mailbox(Mailbox::bounded(MAILBOX));
        Ok(Self(system.start(spec).await?))
    }

    async fn tell(&self, amount: u64) -> Result<()> {
        Ok(self.0.tell(Message::Add(amount)).await?)
    }

    async fn ask(&self) -> Result<u64> {
        Ok(self.0.ask(Message::Total).await?)
    }

    fn ask_without_deadline(&self) -> Option<impl Future<Output = Result<u64>> + Send> {
        Some(async { Ok(self.0.ask(Message::Total).without_deadline().await?) })
    }

    fn hibernate(&self) -> Option<impl Future<Output = Result<()>> + Send> {
        Some(async { Ok(self.0.tell(Message::Hibernate).await?) })
    }

    fn start_supervised(
        system: &System,
        started: Arc<Notify>,
    ) -> Option<impl Future<Output = Result<Self>> + Send> {
        let spec = ChildSpec::<Sum>::actor("sum", Some(started));
        let supervisor = Supervisor::one_for_one()
            .intensity(u32::MAX, Duration::from_millis(1))
            .child(spec.mailbox(Mailbox::bounded(MAILBOX)));
        Some(async { Ok(Self(supervisor.start(system).await?.child("sum").await?)) })
    }

    fn crash(&self) -> Option<impl Future<Output = Result<()>> + Send> {
        Some(async { Ok(self.0.tell(Message::Crash).await?) })
    }

    /// A system stops its children in the reverse order of their start.
    async fn stop(system: System, actors: Vec<Self>) -> Result<()> {
        system.stop().await?;
        drop(actors);
        Ok(())
    }
}
