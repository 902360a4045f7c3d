//! The life of one incarnation: init, messages, farewell.

use std::future::Future;

use tokio::sync::oneshot;

use super::context::{Context, Step};
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

/// Runs an actor from its `init` to its `terminate`, and gives the reason of its end.
///
/// Not an `async fn`: that would keep what it is given twice, as parameter and as variable, in the
/// memory of every idle actor.
#[expect(clippy::manual_async_fn, reason = "see above")]
pub(super) fn run<A: Actor>(
    args: A::Args,
    mut cx: Context<A>,
    started: oneshot::Sender<Started>,
) -> impl Future<Output = ExitReason> + Send {
    async move { live(args, &mut cx, started).await }
}

async fn live<A: Actor>(
    args: A::Args,
    cx: &mut Context<A>,
    started: oneshot::Sender<Started>,
) -> ExitReason {
    // A starter that has given up kills the actor, so what is sent to it may be lost.
    let mut actor = match A::init(args, cx).await {
        Ok(Init::Ready(actor)) => {
            drop(started.send(Started::Running));
            actor
        }
        Ok(Init::Ignore) => {
            drop(started.send(Started::Ignored));
            return ExitReason::Normal;
        }
        Err(error) => {
            let error = cx.stamp(error);
            drop(started.send(Started::Failed(error.clone())));
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
        let message = match cx.next().await {
            Step::Handle(message) => message,
            Step::Stop(reason) => return reason,
        };
        match actor.handle(message, cx).await {
            Ok(Flow::Continue) => {}
            Ok(Flow::Hibernate) => cx.hibernate(),
            Ok(Flow::Stop(reason)) => return reason,
            Err(error) => return ExitReason::Error(cx.stamp(error)),
        }
    }
}
