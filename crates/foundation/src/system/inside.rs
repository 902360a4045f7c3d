//! Who is in a system, and can make things for it: limits, breakers, caches, flags.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::time::Instant;
use uuid::Uuid;

use super::System;
use crate::actor::{Actor, Context};
use crate::deadline::{Deadlines, Limit, Within};
use crate::error::{Error, Result, codes};
use crate::ports::Ports;
use crate::spawn::{Executor, Spawner};
use crate::task::TaskContext;
use crate::timer::sleep_until;

/// By how much the deadline of a sleep is later than its end.
const MARGIN: Duration = Duration::from_mins(1);

/// Who can make something that belongs to a system, such as a limit: the [`System`] itself, an
/// actor in its [`Context`], a task in its [`TaskContext`], and the [`Home`] that each of them
/// gives. Nobody else implements this.
pub trait InSystem: sealed::Sealed {
    /// What is taken from the system.
    #[doc(hidden)]
    fn home(&self) -> Home;
}

/// What something that belongs to a system takes from it. It keeps nothing running.
#[derive(Clone)]
#[non_exhaustive]
pub struct Home {
    pub(crate) ports: Arc<Ports>,
    pub(crate) deadlines: Arc<Deadlines>,
    spawner: Arc<Spawner>,
    /// Which deadlines it has in common with others.
    shard: usize,
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Home {}
    impl Sealed for super::System {}
    impl<A: crate::actor::Actor> Sealed for crate::actor::Context<A> {}
    impl Sealed for crate::task::TaskContext {}
}

impl InSystem for System {
    fn home(&self) -> Home {
        self.shared.home()
    }
}

impl InSystem for Home {
    fn home(&self) -> Home {
        self.clone()
    }
}

impl<A: Actor> InSystem for Context<A> {
    fn home(&self) -> Home {
        self.system().home()
    }
}

impl InSystem for TaskContext {
    fn home(&self) -> Home {
        self.system().home()
    }
}

impl Home {
    /// The wall-clock time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.ports.now()
    }

    /// A new id, greater than every earlier one of the system: a UUID of version 7.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.ports.new_id()
    }

    /// As [`Self::new_id`], for whoever has read the clock already: `now` is what it said.
    #[must_use]
    pub fn new_id_at(&self, now: Timestamp) -> Uuid {
        self.ports.new_id_at(now)
    }

    /// A seed for something that needs chance, from the seed of the system.
    #[must_use]
    pub fn new_seed(&self) -> u64 {
        self.ports.new_seed()
    }

    /// What `name` is to start tasks and threads with, as [`System::executor`].
    pub fn executor(&self, name: &'static str) -> Executor {
        self.spawner.executor(name)
    }

    /// Waits, unless the system goes first.
    ///
    /// # Errors
    ///
    /// `system_stopping`.
    pub(crate) async fn sleep(&self, wait: Duration) -> Result<()> {
        if self.has_stopped() {
            return Err(codes::SYSTEM_STOPPING.into());
        }
        if wait.is_zero() {
            return Ok(());
        }
        // The limit never comes first: it is there to be over when the system is.
        let limit = self.limit(Some(wait.saturating_add(MARGIN)));
        let slept = Within::new(limit, sleep_until(Instant::now() + wait)).await;
        slept.map_err(|_passed| codes::SYSTEM_STOPPING.into())
    }

    /// `operation`, which may take as long as `deadline`.
    ///
    /// # Errors
    ///
    /// `timeout`; `system_stopping`; and what `operation` comes to.
    pub(crate) fn within<T, F: Future<Output = Result<T>>>(
        &self,
        deadline: Duration,
        operation: F,
    ) -> impl Future<Output = Result<T>> + use<'_, T, F> {
        let within = Within::new(self.limit(Some(deadline)), operation);
        within.map(move |result| match result {
            Ok(result) => result,
            Err(_passed) => Err(self.deadlines.passed(Some(deadline))),
        })
    }

    /// A limit of `after`, or none, for a wait.
    pub(crate) fn limit(&self, after: Option<Duration>) -> Limit<'_> {
        Limit::new(&self.deadlines, self.shard, after)
    }

    /// Whether the system has stopped.
    pub(crate) fn has_stopped(&self) -> bool {
        self.deadlines.is_closed()
    }

    /// The error of a wait that is over: that the system has stopped, or another.
    pub(crate) fn passed_or(&self, otherwise: impl FnOnce() -> Error) -> Error {
        if self.has_stopped() { codes::SYSTEM_STOPPING.into() } else { otherwise() }
    }
}

impl super::Shared {
    pub(crate) fn home(&self) -> Home {
        let shard = usize::try_from(self.next_number()).unwrap_or(0);
        Home {
            ports: Arc::clone(&self.ports),
            deadlines: Arc::clone(&self.deadlines),
            spawner: Arc::clone(&self.spawner),
            shard,
        }
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Home").finish_non_exhaustive()
    }
}
