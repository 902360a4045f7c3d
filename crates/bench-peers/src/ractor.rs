//! ractor: an unbounded mailbox (it has no other), one enum of messages, an RPC port for answers.

use anyhow::{Context, Result};
use bench::actor::Subject;
use ractor::rpc::CallResult;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

/// A running actor.
#[derive(Clone)]
pub(crate) struct Peer(ActorRef<Message>);

struct Sum;

pub(crate) enum Message {
    Add(u64),
    Total(RpcReplyPort<u64>),
}

impl Actor for Sum {
    type Msg = Message;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Message>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        total: &mut u64,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Add(amount) => *total += amount,
            Message::Total(reply) => reply.send(*total)?,
        }
        Ok(())
    }
}

impl Subject for Peer {
    type World = ();

    async fn world() -> Result<()> {
        Ok(())
    }

    async fn start((): &()) -> Result<Self> {
        let (actor, _) = Actor::spawn(None, Sum, ()).await?;
        Ok(Self(actor))
    }

    async fn tell(&self, amount: u64) -> Result<()> {
        self.0.cast(Message::Add(amount)).ok().context("the actor is gone")
    }

    async fn ask(&self) -> Result<u64> {
        match self.0.call(Message::Total, None).await.ok().context("the actor is gone")? {
            CallResult::Success(total) => Ok(total),
            CallResult::Timeout | CallResult::SenderError => anyhow::bail!("no answer"),
        }
    }

    async fn stop((): (), actors: Vec<Self>) -> Result<()> {
        for actor in actors.into_iter().rev() {
            actor.0.stop_and_wait(None, None).await.ok().context("the actor is gone")?;
        }
        Ok(())
    }
}
