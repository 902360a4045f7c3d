//! Elixir's cases for tasks and their supervisors, and ours; see `supervisor/scenarios.rs`.

mod owners;
mod pools;
mod pools_under_load;
mod results;
mod several;
mod streams;

use std::time::Duration;

use foundation::{ActorRef, Error, ExitReason, Result, System, Task, TaskSupervisor};
use testkit::{Log, pass};

use crate::fixture::{strike, system};

const MOMENT: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

/// A task supervisor in a system of its own.
struct Stage {
    system: System,
    tasks: ActorRef<TaskSupervisor>,
}

impl Stage {
    async fn set() -> Self {
        Self::with_at_most(usize::MAX).await
    }

    async fn with_at_most(most: usize) -> Self {
        let system = system().await;
        let tasks = TaskSupervisor::builder().name("tasks").max_children(most);
        let tasks = tasks.start(&system).await.unwrap();
        Self { system, tasks }
    }

    /// A task that gives `value` after `time`.
    fn after<T: Send + 'static>(&self, time: Duration, value: T) -> Task<T> {
        self.tasks
            .async_nolink(async move {
                pass(time).await;
                Ok(value)
            })
            .unwrap()
    }

    fn forever(&self) -> Task<u32> {
        self.tasks.async_nolink(std::future::pending()).unwrap()
    }

    /// A task that ends with `reason`, which no work can do by itself.
    async fn ended_with(&self, reason: ExitReason) -> Task<u32> {
        let task = self.forever();
        let reference = self.reference(&task);
        match reason {
            ExitReason::Killed => reference.kill(),
            reason => drop(reference.stop(reason).await.unwrap()),
        }
        self.settle().await;
        task
    }

    fn reference<T>(&self, task: &Task<T>) -> ActorRef<foundation::TaskActor> {
        self.tasks.child(task.pid().expect("it runs")).unwrap()
    }

    fn count(&self) -> usize {
        self.tasks.count_children().unwrap().specs
    }

    /// Waits until nothing happens any more.
    async fn settle(&self) {
        pass(MOMENT).await;
    }

    /// Stops everything, after which nothing is left.
    async fn strike(self) {
        strike(self.system).await;
    }
}

fn failed() -> Error {
    Error::business("failed")
}

/// Writes `text` down when it is dropped.
struct Goodbye(Log, &'static str);

impl Drop for Goodbye {
    fn drop(&mut self) {
        self.0.push(self.1);
    }
}

/// The code of the error, with the reason of an end that was no error and no panic.
fn why<T: std::fmt::Debug>(result: Result<T>) -> String {
    let error = result.unwrap_err();
    match error.details().get("reason") {
        Some(reason) => format!("{} {}", error.code(), reason.as_str().unwrap()),
        None => error.code().to_owned(),
    }
}
