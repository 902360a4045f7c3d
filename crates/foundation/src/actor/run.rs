//! The life of one incarnation: init, messages, farewell.

use std::future::Future;

use tokio::sync::oneshot;

use super::context::{Context, Rare, Step};
use super::spec::{Args, refused};
use super::start::{ChildDid, Parent};
use super::task::catch;
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

/// What an incarnation begins with. Boxed, because what a future is given stays in it for good, and
/// this is needed once.
pub(super) struct Begin<A: Actor> {
    pub(super) args: Args<A>,
    /// Its supervisor, which is told of a failure by the end that follows.
    pub(super) parent: Parent,
    /// Whoever waits for its start. Having given up, it kills the actor, so that this may be lost.
    pub(super) caller: Option<oneshot::Sender<Started>>,
}

impl<A: Actor> Begin<A> {
    /// Says what `init` came to, and is not needed any more.
    fn tell(self, started: Started) {
        match (self.parent, &started) {
            (Some(parent), Started::Running) => parent.tell(ChildDid::Run),
            (Some(parent), Started::Ignored) => parent.tell(ChildDid::Ignore),
            (Some(_), Started::Failed(_)) | (None, _) => {}
        }
        // Last: whoever waits for it finds its supervisor knowing of it.
        if let Some(caller) = self.caller {
            drop(caller.send(started));
        }
    }
}

/// Runs an actor from its `init` to its `terminate`, and gives the reason of its end.
///
/// Not an `async fn`: that would keep what it is given twice, as parameter and as variable, in the
/// memory of every idle actor.
#[expect(clippy::manual_async_fn, reason = "see above")]
pub(super) fn run<A: Actor>(
    begin: Box<Begin<A>>,
    mut cx: Context<A>,
) -> impl Future<Output = ExitReason> + Send {
    async move { live(begin, &mut cx).await }
}

async fn live<A: Actor>(begin: Box<Begin<A>>, cx: &mut Context<A>) -> ExitReason {
    let mut actor = match init(begin, cx).await {
        Ok(actor) => actor,
        Err(reason) => return reason,
    };
    let reason = messages(&mut actor, cx).await;
    cx.decide(&reason);
    actor.terminate(&reason, cx).await;
    reason
}

/// Makes the state and says that the actor runs; or gives why it does not.
async fn init<A: Actor>(begin: Box<Begin<A>>, cx: &mut Context<A>) -> Result<A, ExitReason> {
    let Some(args) = begin.args.get() else {
        let error = refused("args", "they were for one start, and an earlier one has used them");
        begin.tell(Started::Failed(error.clone()));
        return Err(ExitReason::Error(error));
    };
    match A::init(args, cx).await {
        Ok(Init::Ready(actor)) => {
            cx.place().core().since.is_up();
            begin.tell(Started::Running);
            Ok(actor)
        }
        Ok(Init::Ignore) => {
            begin.tell(Started::Ignored);
            Err(ExitReason::Normal)
        }
        Err(error) => {
            let error = cx.stamp(error);
            begin.tell(Started::Failed(error.clone()));
            Err(cx.decided().unwrap_or(ExitReason::Error(error)))
        }
    }
}

/// What follows from something rare: what a callback says, or the end. Boxed by whoever calls it,
/// so that an idle actor keeps no room for it.
async fn on_rare<A: Actor>(
    actor: &mut A,
    rare: Rare,
    cx: &mut Context<A>,
) -> Result<crate::error::Result<Flow>, ExitReason> {
    match rare {
        Rare::Down(down) => Ok(actor.on_down(down, cx).await),
        Rare::Exit(exit) => Ok(actor.on_exit(exit, cx).await),
        Rare::Inspect(reply) => {
            // Whoever looks changes nothing: a panic here is not one of the actor's work.
            let state = catch(|| actor.inspect());
            reply.send(state.map_err(|panic| cx.stamp(panic.to_error())));
            Ok(Ok(Flow::Continue))
        }
        Rare::Stop(reason) => Err(reason),
    }
}

async fn messages<A: Actor>(actor: &mut A, cx: &mut Context<A>) -> ExitReason {
    loop {
        let flow = match cx.next().await {
            Step::Handle(message) => actor.handle(message, cx).await,
            Step::Rare(rare) => match Box::pin(on_rare(actor, *rare, cx)).await {
                Ok(flow) => flow,
                Err(reason) => return reason,
            },
        };
        match flow {
            Ok(Flow::Continue) => {}
            Ok(Flow::Hibernate) => cx.hibernate(),
            Ok(Flow::Stop(reason)) => return reason,
            Err(error) => return ExitReason::Error(cx.stamp(error)),
        }
    }
}
