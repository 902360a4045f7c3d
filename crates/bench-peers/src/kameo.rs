//! kameo: a bounded mailbox, one type per message.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bench::actor::{MAILBOX, Subject};
use bench::crash::ON_PURPOSE;
use kameo::mailbox;
use kameo::prelude::{Actor, ActorRef, Context, Message, Spawn};
use kameo::supervision::RestartPolicy;
use tokio::sync::Notify;

/// A running actor: an ordinary one, or one with the supervisor that restarts it.
#[derive(Clone)]
pub(crate) enum Peer {
    Plain(ActorRef<Sum>),
    Supervised(ActorRef<Restarting>, ActorRef<Parent>),
}

/// A sum that is started anew whenever it panics.
pub(crate) struct Restarting {
    total: u64,
}

#[derive(Actor)]
pub(crate) struct Parent;

struct Crash;

impl Actor for Restarting {
    type Args = Arc<Notify>;
    type Error = Infallible;

    async fn on_start(started: Arc<Notify>, _: ActorRef<Self>) -> Result<Self, Infallible> {
        started.notify_one();
        Ok(Self { total: 0 })
    }
}

impl Message<Add> for Restarting {
    type Reply = ();

    async fn handle(&mut self, Add(amount): Add, _: &mut Context<Self, ()>) {
        self.total += amount;
    }
}

impl Message<Total> for Restarting {
    type Reply = u64;

    async fn handle(&mut self, _: Total, _: &mut Context<Self, u64>) -> u64 {
        self.total
    }
}

impl Message<Crash> for Restarting {
    type Reply = ();

    async fn handle(&mut self, _: Crash, _: &mut Context<Self, ()>) {
        std::panic::panic_any(ON_PURPOSE);
    }
}

#[derive(Actor)]
pub(crate) struct Sum {
    total: u64,
}

struct Add(u64);

struct Total;

impl Message<Add> for Sum {
    type Reply = ();

    async fn handle(&mut self, Add(amount): Add, _: &mut Context<Self, ()>) {
        self.total += amount;
    }
}

impl Message<Total> for Sum {
    type Reply = u64;

    async fn handle(&mut self, _: Total, _: &mut Context<Self, u64>) -> u64 {
        self.total
    }
}

impl Subject for Peer {
    type World = ();

    async fn world() -> Result<()> {
        Ok(())
    }

    async fn start((): &()) -> Result<Self> {
        let actor = Sum::spawn_with_mailbox(Sum { total: 0 }, mailbox::bounded(MAILBOX));
        actor.wait_for_startup().await;
        Ok(Self::Plain(actor))
    }

    fn start_supervised(
        (): &(),
        started: Arc<Notify>,
    ) -> Option<impl Future<Output = Result<Self>> + Send> {
        Some(async move {
            let parent = Parent::spawn(Parent);
            let child = Restarting::supervise(&parent, started)
                .restart_policy(RestartPolicy::Permanent)
                .restart_limit(u32::MAX, Duration::from_millis(1))
                .spawn_with_mailbox(mailbox::bounded(MAILBOX))
                .await;
            child.wait_for_startup().await;
            Ok(Self::Supervised(child, parent))
        })
    }

    async fn tell(&self, amount: u64) -> Result<()> {
        let told = match self {
            Self::Plain(actor) => actor.tell(Add(amount)).await.is_ok(),
            Self::Supervised(actor, _) => actor.tell(Add(amount)).await.is_ok(),
        };
        told.then_some(()).context("the actor is gone")
    }

    async fn ask(&self) -> Result<u64> {
        let total = match self {
            Self::Plain(actor) => actor.ask(Total).await.ok(),
            Self::Supervised(actor, _) => actor.ask(Total).await.ok(),
        };
        total.context("the actor is gone")
    }

    fn crash(&self) -> Option<impl Future<Output = Result<()>> + Send> {
        Some(async {
            match self {
                Self::Plain(_) => anyhow::bail!("nobody restarts it"),
                Self::Supervised(actor, _) => {
                    actor.tell(Crash).await.ok().context("the actor is gone")
                }
            }
        })
    }

    async fn stop((): (), actors: Vec<Self>) -> Result<()> {
        for actor in actors.into_iter().rev() {
            match actor {
                Self::Plain(actor) => {
                    actor.stop_gracefully().await.ok().context("the actor is gone")?;
                    actor.wait_for_shutdown().await;
                }
                Self::Supervised(_, parent) => {
                    parent.stop_gracefully().await.ok().context("the supervisor is gone")?;
                    parent.wait_for_shutdown().await;
                }
            }
        }
        Ok(())
    }
}
