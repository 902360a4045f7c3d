//! Work that may crash or hang, and takes nobody with it.

use std::time::Duration;

use super::job::{IntoJob, Work};
use super::{Task, TaskSupervisor};
use crate::actor::ActorRef;
use crate::error::{Error, Result, codes};

impl ActorRef<TaskSupervisor> {
    /// Runs work in a task of its own and waits for what it comes to, for `deadline` at most. When
    /// this is over the task is gone, unless the error is `unresponsive`; dropping it ends the
    /// task.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// use foundation::{System, TaskSupervisor};
    /// use std::time::Duration;
    ///
    /// let system = System::builder().name("shop").start().await?;
    /// let tasks = TaskSupervisor::builder().name("plugins").start(&system).await?;
    /// let plugin = async {
    ///     let answer: foundation::Result<u32> = Ok([17][usize::MAX]);
    ///     answer
    /// };
    /// let error = tasks.isolate(Duration::from_secs(1), plugin).await.unwrap_err();
    /// assert_eq!(error.code(), "isolated_operation_failed");
    /// system.stop().await
    /// # })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What the work returns, unchanged. `isolated_operation_failed` when it panics or somebody
    /// ends it, with the cause; `timeout` when it takes too long, and `unresponsive` when it does
    /// not end then because it holds its thread; as
    /// [`async_nolink`](Self::async_nolink) when it cannot be started.
    pub async fn isolate<J: IntoJob>(
        &self,
        deadline: Duration,
        job: J,
    ) -> Result<<J::Work as Work>::Output> {
        let mut task = self.async_nolink(job)?;
        if task.ends_within(deadline).await {
            return task.isolated();
        }
        task.end_now().await?;
        if task.was_killed() {
            return Err(super::handle::took_too_long(deadline));
        }
        // It has ended by itself at the last moment.
        task.isolated()
    }
}

impl<T> Task<T> {
    /// What it came to that has ended. A crash is an error of its own kind.
    fn isolated(self) -> Result<T> {
        let crashed = self.has_crashed();
        self.outcome().map_err(|error| {
            if crashed {
                return Error::from(codes::ISOLATED_OPERATION_FAILED).with_source(error);
            }
            error
        })
    }
}
