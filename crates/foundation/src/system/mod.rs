//! The system: the value that owns everything.
//!
//! There are no statics behind it. Two systems in one process do not see each other, and when a
//! system has stopped nothing of it is left.

mod builder;
mod inside;
mod root;
mod tree;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Map;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

pub use builder::SystemBuilder;
pub use inside::{Home, InSystem};
pub(crate) use root::Root;
pub use tree::{Tree, TreeNode};

use crate::actor::{Actor, ActorRef, start};
use crate::deadline::{Deadlines, Limit, Within};
use crate::error::{Error, ErrorContext, Result, codes};
use crate::ports::Ports;
use crate::registry::{Groups, Registry};
use crate::spawn::{Census, Executor, Spawner};
use crate::supervisor::IntoChildSpec;
use crate::sync::{AtomicU64, Ordering};
use crate::tracker::ErrorTracker;

/// How long the tasks of libraries may take to be gone when the system stops. They are dropped
/// where they wait next, so one that takes longer holds its thread, or waits for the end of a
/// program that was killed.
const LIBRARIES: Duration = Duration::from_secs(1);

/// What everything in one system shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) name: Box<str>,
    pub(crate) ports: Arc<Ports>,
    pub(crate) spawner: Arc<Spawner>,
    pub(crate) deadlines: Arc<Deadlines>,
    pub(crate) root: Root,
    /// The names of its actors.
    pub(crate) names: Registry,
    pub(crate) groups: Groups,
    pub(crate) errors: ErrorTracker,
    started: Instant,
    numbers: AtomicU64,
}

impl Shared {
    /// A number for a place of an actor, or a registration. None is used twice.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Time since the start of the system, in milliseconds.
    pub(crate) fn milliseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX >> 1)
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

    /// Starts an actor or a supervisor as a child of the system, and waits for its `init`. It is
    /// not restarted when it ends: that is what supervisors are for. With the system it ends before
    /// everything that was started earlier.
    ///
    /// # Errors
    ///
    /// What `init` returns; `actor_panicked` when it panics; `timeout` when it takes too long;
    /// `start_ignored` when it chooses not to run; `already_started` when somebody has the name it
    /// is to be registered under; `invalid_options`; `system_stopping`. In each
    /// case nothing of the actor is left, unless the error is `unresponsive`.
    pub async fn start<C: IntoChildSpec>(&self, child: C) -> Result<ActorRef<C::Actor>> {
        start(&self.shared, child.into_child_spec()).await
    }

    /// Ends everything: the actors one after the other, the last one first, each as its
    /// specification says; then the tasks of libraries; then the system itself. Given up half-way,
    /// it goes on in the background, as when the system is dropped.
    ///
    /// # Errors
    ///
    /// `unresponsive` when an actor was killed and holds its thread, or a task of a library does, or
    /// a thread of one or a [command](crate::Commands) that was killed has not ended a second later.
    /// Everything else has ended all the same; the error names the first one. Of libraries it has in
    /// its details how many tasks each has left, and under `threads` how many threads.
    pub async fn stop(mut self) -> Result<()> {
        let stopped = end(&self.shared).await;
        // Not before: given up half-way, dropping it goes on with the rest.
        if let Some(keeper) = self.keeper.take() {
            let_go(keeper).await;
        }
        stopped
    }

    /// A reference to the actor that is registered under `name`, as [`Registry::lookup`].
    ///
    /// # Errors
    ///
    /// `not_registered`; `wrong_type`.
    pub fn lookup<A: Actor>(&self, name: &str) -> Result<ActorRef<A>> {
        self.shared.names.lookup(name)
    }

    /// The names of its actors: those that are [`registered`](crate::ChildSpec::registered), and
    /// those that somebody registers.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.shared.names
    }

    /// The groups of its actors.
    #[must_use]
    pub fn groups(&self) -> &Groups {
        &self.shared.groups
    }

    /// What counts the errors that leave its actors, tasks and scopes, and gives alerts.
    #[must_use]
    pub fn errors(&self) -> &ErrorTracker {
        &self.shared.errors
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
        ErrorContext::new(&self.shared, operation)
    }

    /// What the library `name` is given in place of `spawn`.
    pub fn executor(&self, name: &'static str) -> Executor {
        self.shared.spawner.executor(name)
    }

    /// Everything in it as a tree: names, pids, states, restarts, mailboxes, uptimes. Supervisors
    /// are asked for their children, which they name at any time, also while they start and stop;
    /// one that does not within a second is marked. Each actor is as it is at some moment of the
    /// call.
    pub async fn tree(&self) -> Tree {
        tree::tree(&self.shared).await
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

impl System {
    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            let shared = Arc::clone(&self.shared);
            let stopped = async move {
                // Whoever is unresponsive has been logged, and nobody waits for the result.
                let _ = end(&shared).await;
                let_go(keeper).await;
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

/// Ends everything but the keeper of the deadlines. May be given up and begun again.
async fn end(shared: &Shared) -> Result<()> {
    let stopped = shared.root.stop().await;
    let limit = Limit::new(&shared.deadlines, 0, Some(LIBRARIES));
    let closed = Within::new(limit, shared.spawner.close_libraries()).await;
    stopped.and(closed.map_err(|_| left(shared.spawner.census())))
}

/// The error of libraries that do not end. A thread is told from a task: it is found by its name in
/// the list of the process's threads, where a task holds one of the runtime's.
fn left(census: Census) -> Error {
    let message = "tasks or threads of libraries do not end";
    let error = Error::from(codes::UNRESPONSIVE).with_message(message);
    let alive = |(_, live): &(&'static str, usize)| *live > 0;
    let tasks = census.libraries.into_iter().filter(alive);
    let error = tasks.fold(error, |error, (name, live)| error.with_detail(name, live));
    let threads = census.threads.into_iter().filter(alive);
    let threads: Map<_, _> = threads.map(|(name, live)| (name.to_owned(), live.into())).collect();
    if threads.is_empty() { error } else { error.with_detail("threads", threads) }
}

/// Ends the keeper of the deadlines, and with it every wait that is left.
async fn let_go(keeper: JoinHandle<()>) {
    keeper.abort();
    // Aborted is what it is to be; it has no other way to end.
    let _ = keeper.await;
}
