//! The system: the value that owns everything.
//!
//! There are no statics behind it. Two systems in one process do not see each other, and when a
//! system has stopped nothing of it is left.

mod builder;
mod root;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinHandle;
use uuid::Uuid;

pub use builder::SystemBuilder;
pub(crate) use root::Root;

use crate::actor::{ActorRef, start};
use crate::deadline::{Deadlines, Limit, Within};
use crate::error::{Error, ErrorContext, Result, codes};
use crate::ports::Ports;
use crate::spawn::{Census, Executor, Spawner};
use crate::supervisor::IntoChildSpec;
use crate::sync::{AtomicU64, Ordering};

/// How long the tasks of libraries may take to be gone when the system stops. They are dropped where
/// they wait next, so one that takes longer holds its thread.
const LIBRARIES: Duration = Duration::from_secs(1);

/// What everything in one system shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) name: Box<str>,
    pub(crate) ports: Arc<Ports>,
    pub(crate) spawner: Arc<Spawner>,
    pub(crate) deadlines: Arc<Deadlines>,
    pub(crate) root: Root,
    slots: AtomicU64,
}

impl Shared {
    /// The number of a place for an actor. None is used twice.
    pub(crate) fn next_slot(&self) -> u64 {
        self.slots.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// A running system: owns its actors, its clock and ids, and every task in it.
///
/// [`System::stop`] ends everything in order and waits for it. Dropping a system asks for the same
/// and returns at once; the work is then done in the background, by the runtime it was started in.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::System;
///
/// let system = System::builder().name("shop").start().await?;
/// assert_eq!(system.census().actors, 0);
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a system stops it"]
pub struct System {
    shared: Arc<Shared>,
    /// Keeps the deadlines. Taken when the system stops.
    keeper: Option<JoinHandle<()>>,
}

impl System {
    /// Begins a system.
    pub fn builder() -> SystemBuilder {
        SystemBuilder::default()
    }

    /// Starts an actor or a supervisor as a child of the system, and waits for its `init`. It is not
    /// restarted when it ends: that is what supervisors are for. With the system it ends before
    /// everything that was started earlier.
    ///
    /// # Errors
    ///
    /// What `init` returns; `actor_panicked` when it panics; `timeout` when it takes too long;
    /// `start_ignored` when it chooses not to run; `invalid_options`; `system_stopping`. In each
    /// case nothing of the actor is left, unless the error is `unresponsive`.
    pub async fn start<C: IntoChildSpec>(&self, child: C) -> Result<ActorRef<C::Actor>> {
        start(&self.shared, child.into_child_spec()).await
    }

    /// Ends everything: the actors one after the other, the last one first, each as its
    /// specification says; then the tasks of libraries; then the system itself.
    ///
    /// # Errors
    ///
    /// `unresponsive` when an actor was killed and holds its thread, or a task of a library does.
    /// Everything else has ended all the same; the error names the first one.
    pub async fn stop(mut self) -> Result<()> {
        match self.keeper.take() {
            Some(keeper) => stop(Arc::clone(&self.shared), keeper).await,
            None => Ok(()),
        }
    }

    /// What it was called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The wall-clock time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.ports.now()
    }

    /// A new id: `UUIDv7`, greater than every earlier one of this system.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.shared.ports.new_id()
    }

    /// A seed for something that needs chance, from the seed of the system.
    #[must_use]
    pub fn new_seed(&self) -> u64 {
        self.shared.ports.new_seed()
    }

    /// The context of an operation that begins here, for the errors in it.
    #[must_use]
    pub fn error_context(&self, operation: &str) -> ErrorContext {
        ErrorContext::new(Arc::clone(&self.shared.ports), operation)
    }

    /// What the library `name` is given in place of `spawn`.
    pub fn executor(&self, name: &'static str) -> Executor {
        self.shared.spawner.executor(name)
    }

    /// How many tasks run now, by whom they belong to.
    #[must_use]
    pub fn census(&self) -> Census {
        self.shared.spawner.census()
    }

    /// How many tasks of the runtime are none of this system's: started by somebody who bypassed
    /// it, or by another system in the same runtime.
    ///
    /// Counts change while this looks, and a task that has ended is counted by its runtime a moment
    /// longer than by its system: a steady number above zero is a finding, a passing one is not.
    #[must_use]
    pub fn strays(&self) -> usize {
        let alive = self.shared.spawner.alive_in_runtime();
        alive.saturating_sub(self.census().total())
    }
}

#[cfg(test)]
impl System {
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            let shared = Arc::clone(&self.shared);
            let stopped = async move {
                // Whoever is unresponsive has been logged, and nobody waits for the result.
                let _ = stop(shared, keeper).await;
            };
            drop(self.shared.spawner.service(stopped));
        }
    }
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("System");
        shown.field("name", &self.name()).field("census", &self.census()).finish_non_exhaustive()
    }
}

async fn stop(shared: Arc<Shared>, keeper: JoinHandle<()>) -> Result<()> {
    let stopped = shared.root.stop().await;
    let limit = Limit::new(&shared.deadlines, 0, Some(LIBRARIES));
    let closed = Within::new(limit, shared.spawner.close_libraries()).await;
    let stopped = stopped.and(closed.map_err(|_| {
        let libraries = shared.spawner.census().libraries;
        let error = Error::from(codes::UNRESPONSIVE).with_message("tasks of libraries do not end");
        libraries.into_iter().fold(error, |error, (name, live)| error.with_detail(name, live))
    }));
    keeper.abort();
    // Aborted is what it is to be; it has no other way to end.
    let _ = keeper.await;
    stopped
}
