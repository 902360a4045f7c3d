//! The life of one incarnation: init, messages, farewell.

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
pub(super) async fn run<A: Actor>(
    args: A::Args,
    mut cx: Context<A>,
    started: oneshot::Sender<Started>,
) -> ExitReason {
    // A starter that has given up kills the actor, so what is sent to it may be lost.
    let mut actor = match A::init(args, &mut cx).await {
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
    let reason = messages(&mut actor, &mut cx).await;
    cx.decide(&reason);
    actor.terminate(&reason, &mut cx).await;
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
