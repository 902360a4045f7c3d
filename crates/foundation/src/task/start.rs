//! Starting tasks under a supervisor.

use std::sync::Arc;

use super::context::{Owned, Owner, TaskContext};
use super::handle::{Task, Value};
use super::job::{IntoJob, Job, Work};
use super::run::{TaskActor, TaskMessage, Worked, run};
use crate::actor::{ActorRef, Context, Peer, Slot, own, place, unlink};
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;
use crate::sync::Mutex;

use super::TaskSupervisor;

/// Tasks. They are started by whoever asks and without waiting; all of them are
/// [`Temporary`](crate::Restart::Temporary). One that is started again when it fails is
/// [`start_child`](ActorRef::start_child) of a [`ChildSpec::task`](crate::ChildSpec::task).
impl ActorRef<TaskSupervisor> {
    /// Starts a task that nobody is linked to: what it comes to is learned by awaiting it. From
    /// wherever code runs.
    ///
    /// # Errors
    ///
    /// `max_children`; `no_process` when the supervisor does not run; `invalid_options`.
    pub fn async_nolink<J: IntoJob>(&self, job: J) -> Result<Task<<J::Work as Work>::Output>> {
        self.start_task(job.into_job(), None)
    }

    /// Starts a task that `owner` owns and is linked to: when it ends otherwise than normally, and
    /// not because its holder wants that, the owner ends for the same reason, unless it traps
    /// exits. The task is gone before the owner is. Its errors carry what led to it.
    ///
    /// # Errors
    ///
    /// As [`Self::async_nolink`]; `no_process` also when the owner has ended.
    pub fn async_linked<J: IntoJob>(
        &self,
        owner: &mut impl Owner,
        job: J,
    ) -> Result<Task<<J::Work as Work>::Output>> {
        self.start_task(job.into_job(), Some(&owner.owned()))
    }

    pub(super) fn start_task<W: Work>(
        &self,
        job: Job<W>,
        owner: Option<&Owned>,
    ) -> Result<Task<W::Output>> {
        let Job { options, context: outer, work } = job;
        options.validate()?;
        let outer = outer.or_else(|| owner.map(|owner| owner.errors.clone()));
        let slot: Arc<Slot<TaskMessage>> = place(self.system(), &options);
        let value: Value<W::Output> = Arc::new(Mutex::new(None));
        let left = Arc::clone(&value);
        let mut link = None;
        let before = |peer: &Peer| {
            if let Some(owner) = owner {
                let gone = |_| Error::from(codes::NO_PROCESS).with_message("the owner has ended");
                own(&owner.peer, peer).map_err(gone)?;
                link = Some((&owner.peer, peer.pid()));
            }
            Ok(Task::of(peer, owner.map(|owner| &owner.peer), &value))
        };
        let live = |mut cx: Context<TaskActor>| async move {
            if let Some(outer) = &outer {
                let errors = outer.inherit(cx.name()).with("pid", cx.pid().to_string());
                cx.set_error_context(errors);
            }
            let work = work.begin(TaskContext::new(cx.place(), outer));
            match run(work, &mut cx).await {
                Worked::Done(Ok(value)) => {
                    *left.lock() = Some(value);
                    ExitReason::Normal
                }
                Worked::Done(Err(error)) => ExitReason::Error(cx.stamp(error)),
                Worked::Told(reason) => reason,
            }
        };
        let started = self.adopt_running(&options, &slot, before, live);
        if let (Err(_), Some((owner, task))) = (&started, link) {
            // There is none, after all; somebody may have heard of it by now.
            unlink(owner, task);
            slot.call_off();
        }
        started
    }
}
