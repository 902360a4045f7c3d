//! Tasks: work that is done once, beside whoever wants its result, and supervised like everything
//! else.
//!
//! - **A task belongs to whoever holds it.** Dropping a [`Task`] ends the work; an actor that owns
//!   tasks is not gone before they are.
//! - **Its end is its result**: a value, an error, a panic or a kill, each for whoever awaits it.
//!   When it is there, nothing of the task is left, and its place under the supervisor is free.
//! - **A task that is asked to end does**, where it waits next, unless it has said that it
//!   [chooses itself](TaskContext::trap_exits).
//!
//! Tasks run under a [`TaskSupervisor`]. Semantics are those of Elixir's `Task` and
//! `Task.Supervisor`; `docs/supervision.md` lists where they differ.

mod context;
mod handle;
mod isolate;
mod job;
mod many;
mod pool;
mod run;
mod start;
mod stream;

pub use context::{Owned, Owner, TaskContext};
pub use handle::Task;
pub use job::{IntoJob, Job, JobFn, JobFuture, Work};
pub use many::{OnTimeout, YieldOptions};
pub use pool::{TaskPool, TaskPoolOptions, TaskPoolStats, TaskPools};
pub use run::{TaskActor, TaskMessage, TaskWork};
pub use stream::{OnOverrun, StreamOptions, TaskStream, ZippedTaskStream};

use crate::supervisor::DynamicSupervisor;

/// A supervisor of tasks: a [`DynamicSupervisor`], which takes actors and supervisors beside them.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::{Result, System, TaskSupervisor};
///
/// async fn price(of: &str) -> Result<usize> {
///     Ok(of.len())
/// }
///
/// let system = System::builder().name("shop").start().await?;
/// let tasks = TaskSupervisor::builder().name("prices").max_children(100).start(&system).await?;
///
/// let (tea, bread) = (tasks.async_nolink(price("tea"))?, tasks.async_nolink(price("bread"))?);
/// assert_eq!((tea.await?, bread.await?), (3, 5));
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// There is no task without one: nothing else starts work.
///
/// ```compile_fail,E0425
/// // SUP-11
/// foundation::spawn(async { Ok(()) });
/// ```
pub type TaskSupervisor = DynamicSupervisor;
