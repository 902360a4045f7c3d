//! Starting an actor, and waiting until it says that it runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::context::Context;
use super::handle::{ActorRef, Exited};
use super::run::{Started, run};
use super::slot::{Core, Pid, Process, Slot};
use super::task::Incarnation;
use super::{Actor, ChildSpec};
use crate::deadline::{Limit, Within};
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;
use crate::system::Shared;

/// An actor whose start has not been acknowledged. Given up, it is killed: nobody else knows it.
struct Starting<'a>(Option<&'a dyn Process>);

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        if let Some(process) = self.0 {
            process.kill();
        }
    }
}

/// Starts `spec` as a child of the system, and waits for its `init`.
pub(crate) async fn start<A: Actor>(
    system: &Arc<Shared>,
    spec: ChildSpec<A>,
) -> Result<ActorRef<A>> {
    spec.validate()?;
    let ChildSpec { name, args, mailbox, shutdown, start_within } = spec;
    let pid = Pid { slot: system.next_slot(), generation: 1 };
    let core = Core::new(pid, name, shutdown, Arc::clone(system));
    let slot = Arc::new(Slot::new(core, mailbox));
    system.root.add(pid, Arc::clone(&slot) as Arc<dyn Process>)?;

    let (started, acknowledged) = oneshot::channel();
    let run = run::<A>(args, Context::new(Arc::clone(&slot)), started);
    let mut starting = Starting(Some(&*slot));
    system.spawner.actor(Incarnation::<A, _>::new(Arc::clone(&slot), run));

    let outcome = Within::new(limit(system, pid, start_within), acknowledged).await;
    if let Ok(Ok(Started::Running)) = outcome {
        starting.0 = None;
        drop(starting);
        return Ok(ActorRef::new(slot));
    }
    let error = match outcome {
        Ok(Ok(Started::Failed(error))) => error,
        Ok(Ok(Started::Ignored | Started::Running)) => codes::START_IGNORED.into(),
        Ok(Err(_)) => why(Exited::of(slot.core()).await),
        Err(_) => Error::from(codes::TIMEOUT)
            .with_message("init took too long")
            .with_detail("after_seconds", start_within.as_secs_f64()),
    };
    drop(starting);
    // The name, and whatever else it held, is free when its end is announced.
    let gone = Within::new(limit(system, pid, start_within), Exited::of(slot.core())).await;
    let error = error.with_detail("actor", &*slot.core().name);
    Err(if gone.is_ok() { error } else { Error::from(codes::UNRESPONSIVE).with_source(error) })
}

/// Why an actor ended inside `init`.
fn why(reason: ExitReason) -> Error {
    match reason {
        ExitReason::Panic(panic) => panic.to_error(),
        reason => reason.to_error(),
    }
}

fn limit(system: &Shared, pid: Pid, after: Duration) -> Limit<'_> {
    let shard = usize::try_from(pid.slot).unwrap_or(0);
    Limit::new(&system.deadlines, shard, Some(after))
}
