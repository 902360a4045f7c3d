//! The life of a task: its work, and beside that whoever wants it to end.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use super::context::TaskContext;
use crate::actor::{
    Actor, ChildSpec, Context, DRAINS, Flow, Init, Rare, Restart, STOP, Step, TRAPS, UNWANTED,
};
use crate::error::Result;
use crate::exit::ExitReason;

/// A task as somebody's child. Specified with [`ChildSpec::task`].
pub struct TaskActor {
    work: Option<TaskWork>,
}

/// What an incarnation of a task does.
pub struct TaskWork(Box<dyn FnOnce(TaskContext) -> Working + Send>);

type Working = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// What is said to a task: nothing, except that it is to begin, by itself.
#[derive(Debug)]
pub struct TaskMessage(());

/// What working came to.
pub(super) enum Worked<T> {
    Done(T),
    /// It was told to end, and did.
    Told(ExitReason),
}

impl ChildSpec<TaskActor> {
    /// A task called `name`, each incarnation of which does what `work` makes. It is
    /// [`Temporary`](Restart::Temporary), unless that is changed; under any kind of supervisor.
    ///
    /// Its start is acknowledged before it begins to work. It ends with `Normal` when it is done.
    pub fn task<F, Fut>(name: impl Into<Arc<str>>, work: F) -> Self
    where
        F: Fn(TaskContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let work = Arc::new(work);
        let make = move || {
            let work = Arc::clone(&work);
            TaskWork(Box::new(move |cx| Box::pin(work(cx))))
        };
        let mut spec = Self::with(name, make).restart(Restart::Temporary);
        spec.be_task();
        spec
    }
}

impl Actor for TaskActor {
    type Args = TaskWork;
    type Message = TaskMessage;

    async fn init(work: TaskWork, cx: &mut Context<Self>) -> Result<Init<Self>> {
        cx.continue_with(TaskMessage(()));
        Ok(Init::Ready(Self { work: Some(work) }))
    }

    async fn handle(&mut self, _: TaskMessage, cx: &mut Context<Self>) -> Result<Flow> {
        let Some(TaskWork(work)) = self.work.take() else { return Ok(Flow::Continue) };
        let work = work(TaskContext::new(cx.place(), None));
        Ok(Flow::Stop(match run(work, cx).await {
            Worked::Done(done) => done.map(|()| ExitReason::Normal)?,
            Worked::Told(reason) => reason,
        }))
    }
}

/// Does the work, unless the task is told to end before.
pub(super) async fn run<F: Future>(work: F, cx: &mut Context<TaskActor>) -> Worked<F::Output> {
    let mut work = pin!(work);
    let mut traps = false;
    std::future::poll_fn(|task| {
        loop {
            let raised = cx.place().word();
            if raised & UNWANTED != 0 {
                return Poll::Ready(Worked::Told(ExitReason::shutdown_with("unwanted")));
            }
            if raised & (TRAPS | DRAINS) != 0 && !traps {
                cx.trap_exits(true);
                traps = true;
            }
            match cx.poll_own(task, if traps { 0 } else { STOP }) {
                Poll::Pending => break,
                Poll::Ready(Step::Handle(_)) => {}
                Poll::Ready(Step::Rare(rare)) => match *rare {
                    Rare::Stop(reason) => return Poll::Ready(Worked::Told(reason)),
                    // It waits for its end only because its pool does.
                    Rare::Exit(exit)
                        if exit.reason != ExitReason::Normal && raised & TRAPS == 0 =>
                    {
                        return Poll::Ready(Worked::Told(exit.reason));
                    }
                    Rare::Exit(exit) if exit.reason != ExitReason::Normal => {
                        cx.peer().request_stop(exit.reason);
                    }
                    Rare::Inspect(reply) => reply.send(Ok(None)),
                    Rare::Exit(_) | Rare::Down(_) => {}
                },
            }
        }
        work.as_mut().poll(task).map(Worked::Done)
    })
    .await
}

impl fmt::Debug for TaskActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskActor").field("has_begun", &self.work.is_none()).finish()
    }
}

impl fmt::Debug for TaskWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskWork").finish_non_exhaustive()
    }
}
