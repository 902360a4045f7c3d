//! The life of one incarnation: init, messages, farewell.

use std::future::Future;

use tokio::sync::oneshot;

use super::context::{Context, Step};
use super::spec::{Args, refused};
use super::start::{ChildDid, Parent};
use super::{Actor, Flow, Init};
use crate::error::Error;
use crate::exit::ExitReason;

/// What `init` came to.
#[derive(Debug)]
pub(super) enum Started {
    Running,
    Ignored,
    Failed(Error),
}

/// Who is told what `init` came to.
#[derive(Debug)]
pub(super) enum Acknowledge {
    /// Whoever waits for it. Having given up, it kills the actor, so that this may be lost.
    Caller(oneshot::Sender<Started>),
    /// The supervisor, which is told of a failure by the end that follows.
    Parent(Parent),
}

impl Acknowledge {
    fn tell(self, started: Started) {
        match (self, started) {
            (Self::Caller(caller), started) => drop(caller.send(started)),
            (Self::Parent(parent), Started::Running) => parent.tell(ChildDid::Run),
            (Self::Parent(parent), Started::Ignored) => parent.tell(ChildDid::Ignore),
            (Self::Parent(_), Started::Failed(_)) => {}
        }
    }
}

/// Runs an actor from its `init` to its `terminate`, and gives the reason of its end.
///
/// Not an `async fn`: that would keep what it is given twice, as parameter and as variable, in the
/// memory of every idle actor.
#[expect(clippy::manual_async_fn, reason = "see above")]
pub(super) fn run<A: Actor>(
    args: Args<A>,
    mut cx: Context<A>,
    acknowledge: Acknowledge,
) -> impl Future<Output = ExitReason> + Send {
    async move { live(args, &mut cx, acknowledge).await }
}

async fn live<A: Actor>(
    args: Args<A>,
    cx: &mut Context<A>,
    acknowledge: Acknowledge,
) -> ExitReason {
    let Some(own) = args() else {
        let error = refused("args", "they were for one start, and an earlier one has used them");
        acknowledge.tell(Started::Failed(error.clone()));
        return ExitReason::Error(error);
    };
    drop(args);
    let mut actor = match A::init(own, cx).await {
        Ok(Init::Ready(actor)) => {
            acknowledge.tell(Started::Running);
            actor
        }
        Ok(Init::Ignore) => {
            acknowledge.tell(Started::Ignored);
            return ExitReason::Normal;
        }
        Err(error) => {
            let error = cx.stamp(error);
            acknowledge.tell(Started::Failed(error.clone()));
            return ExitReason::Error(error);
        }
    };
    let reason = messages(&mut actor, cx).await;
    cx.decide(&reason);
    actor.terminate(&reason, cx).await;
    reason
}

async fn messages<A: Actor>(actor: &mut A, cx: &mut Context<A>) -> ExitReason {
    loop {
        let flow = match cx.next().await {
            Step::Handle(message) => actor.handle(message, cx).await,
            Step::Down(down) => actor.on_down(down, cx).await,
            Step::Exit(exit) => actor.on_exit(exit, cx).await,
            Step::Stop(reason) => return reason,
        };
        match flow {
            Ok(Flow::Continue) => {}
            Ok(Flow::Hibernate) => cx.hibernate(),
            Ok(Flow::Stop(reason)) => return reason,
            Err(error) => return ExitReason::Error(cx.stamp(error)),
        }
    }
}
