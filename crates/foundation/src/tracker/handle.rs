//! The tracker, as all share it who count and look.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::options::ErrorTracking;
use super::state::{State, Tracked};
use super::{ErrorAlert, ErrorCount};
use crate::actor::{Actor, ActorRef};
use crate::error::{Error, Result};
use crate::listen::Listeners;
use crate::ports::Ports;
use crate::sync::Mutex;
use crate::system::InSystem;

/// Counts errors by code and category, and tells listeners when there are too many of one kind. A
/// clone is the same tracker.
///
/// Every system has [one](crate::System::errors), which counts each error that leaves one of its
/// actors, tasks or [scopes](crate::ErrorContext::scope). It takes a lock for a few lines for each
/// error, and runs nobody else's code.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::{Error, System};
///
/// let system = System::builder().name("shop").start().await?;
/// for _ in 0..3 {
///     system.errors().track(&Error::infrastructure("database_timeout"));
/// }
/// assert_eq!(system.errors().recent(), 3);
/// assert_eq!(system.errors().counts()[0].code.as_ref(), "database_timeout");
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ErrorTracker {
    tracker: Arc<Tracker>,
}

struct Tracker {
    ports: Arc<Ports>,
    started: Instant,
    window: std::time::Duration,
    threshold: usize,
    /// Listeners are told under this lock, so that all hear in one order.
    state: Mutex<State>,
    listeners: Arc<Listeners<ErrorAlert>>,
}

impl ErrorTracker {
    /// A tracker beside the one of the system: of one part of it, or with other thresholds. It
    /// counts what it is [given](Self::track).
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn new(system: &impl InSystem, options: ErrorTracking) -> Result<Self> {
        options.validate()?;
        Ok(Self::of(options, &system.home().ports))
    }

    /// With options that are valid.
    pub(crate) fn of(options: ErrorTracking, ports: &Arc<Ports>) -> Self {
        let window = options.window;
        let nanoseconds = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        let state = State::new(options.threshold, nanoseconds, options.alert_on);
        let tracker = Tracker {
            ports: Arc::clone(ports),
            started: Instant::now(),
            window,
            threshold: options.threshold,
            state: Mutex::new(state),
            listeners: Arc::new(Listeners::new(ports)),
        };
        Self { tracker: Arc::new(tracker) }
    }

    /// Counts an error that nobody else counts: one that was dealt with where it was found, and
    /// never leaves.
    pub fn track(&self, error: &Error) {
        let Tracker { ports, window, threshold, listeners, .. } = &*self.tracker;
        let (code, category) = (error.code(), error.category());
        let at = ports.now();
        let mut state = self.tracker.state.lock();
        // Under the lock, so that time does not go back from one error to the next.
        let Tracked { code, recent, alert } = state.track(code, category, self.now());
        if alert {
            let (code, missed) = (Arc::clone(&code), 0);
            let (count, window) = (*threshold, *window);
            let alert = ErrorAlert { code, category, count, window, at, missed };
            listeners.tell(&alert);
        }
        drop(state);
        tracing::debug!(%code, ?category, recent, "error.tracked");
        if alert {
            tracing::error!(%code, ?category, recent, "error.alert");
        }
    }

    /// How many errors of all kinds are in the window, to a sixtieth of it, as in
    /// [`ErrorCount::recent`].
    #[must_use]
    pub fn recent(&self) -> usize {
        self.counts().iter().map(|count| count.recent).sum()
    }

    /// The kinds of errors that were seen, by code and category; the 1,024 that were seen last.
    #[must_use]
    pub fn counts(&self) -> Vec<ErrorCount> {
        let mut state = self.tracker.state.lock();
        let counted = state.counts(self.now());
        drop(state);
        let counts = counted.into_iter().map(|counted| ErrorCount {
            code: counted.code,
            category: counted.category,
            recent: counted.recent,
            total: counted.total,
            alerting: counted.alerting,
        });
        counts.collect()
    }

    /// Tells an actor of every alert from now on, as long as its incarnation of now runs, or until
    /// it [listens no more](Self::unlisten). `make` makes a message of an alert, in the task of the
    /// listener; a panic in it is the listener's. An alert comes before the messages in its
    /// mailbox. One that listens twice is told twice.
    ///
    /// # Errors
    ///
    /// `no_process` when `listener` has ended; `invalid_options` for one of another system.
    pub fn listen<A: Actor>(
        &self,
        listener: &ActorRef<A>,
        make: impl Fn(ErrorAlert) -> A::Message + Send + Sync + 'static,
    ) -> Result<()> {
        self.tracker.listeners.add(listener, make)
    }

    /// Tells an actor nothing more. What is on its way still comes.
    ///
    /// # Errors
    ///
    /// `not_registered` when it does not listen.
    pub fn unlisten<A: Actor>(&self, listener: &ActorRef<A>) -> Result<()> {
        self.tracker.listeners.remove(&listener.peer())
    }

    /// How many listen. One that listens twice counts twice.
    #[must_use]
    pub fn listeners(&self) -> usize {
        self.tracker.listeners.len()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.tracker.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for ErrorTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorTracker").field("recent", &self.recent()).finish_non_exhaustive()
    }
}
