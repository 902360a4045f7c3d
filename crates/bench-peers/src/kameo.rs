//! kameo: a bounded mailbox, one type per message.

use anyhow::{Context as _, Result};
use bench::actor::{MAILBOX, Subject};
use kameo::mailbox;
use kameo::prelude::{Actor, ActorRef, Context, Message, Spawn};

/// A running actor.
#[derive(Clone)]
pub(crate) struct Peer(ActorRef<Sum>);

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
        Ok(Self(actor))
    }

    async fn tell(&self, amount: u64) -> Result<()> {
        self.0.tell(Add(amount)).await.ok().context("the actor is gone")
    }

    async fn ask(&self) -> Result<u64> {
        self.0.ask(Total).await.ok().context("the actor is gone")
    }

    async fn stop((): (), actors: Vec<Self>) -> Result<()> {
        for actor in actors.into_iter().rev() {
            actor.0.stop_gracefully().await.ok().context("the actor is gone")?;
            actor.0.wait_for_shutdown().await;
        }
        Ok(())
    }
}
