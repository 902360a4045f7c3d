//! How a bus is made.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use foundation::{
    ChildBudget, ChildSpec, DynamicSupervisor, InSystem, RateLimit, RateLimiter, Restart, Result,
    Supervisor, System,
};

use super::anchor::{Anchor, anchor_name, handlers_name};
use super::handle::{Bus, Shared};
use super::log::{LogCore, LogPart};
use super::middleware::{Chain, Middleware};
use super::pump::{deliver, feed};
use crate::error::invalid_options;
use crate::log::{Bounded, Retention, SignalLog};

/// How many subscriptions a bus may have: several for each of more actors than most machines run.
const MOST_SUBSCRIPTIONS: usize = 1_000_000;

/// How many durable subscriptions a bus may have: each is an actor that reads the log, and stays
/// until it is forgotten.
const MOST_DURABLES: usize = 10_000;

/// How long a call of the log may take: longer than a disk that is busy, and so long that a
/// publisher that waits for it learns of it.
const LOG_DEADLINE: Duration = Duration::from_secs(30);

/// How long what has to read the log before it runs may take: as an actor may that has nothing to
/// read, or as long as so many calls of the log.
const STARTS_WITHIN: Duration = Duration::from_secs(30);
const CALLS_AT_START: u32 = 4;

/// How long a call of a middleware may take: it is there for every signal.
const MIDDLEWARE_DEADLINE: Duration = Duration::from_millis(100);

/// How long the name of a bus with a log may be, in bytes: what is kept for its durable
/// subscriptions has it in front of their names.
const LONGEST_NAME: usize = 100;

/// The options of a bus. Begin with [`Bus::builder`].
///
/// | option | default | |
/// |---|---|---|
/// | [`name`](Self::name) | `signals` | its name in the tree, one for each bus of a system; its durable subscriptions belong to that name |
/// | [`rate`](Self::rate) | none | how many signals may be published |
/// | [`max_subscriptions`](Self::max_subscriptions) | 1,000,000 | more are refused |
/// | [`middleware`](Self::middleware) | none | what stands between publishers and receivers |
/// | [`middleware_deadline`](Self::middleware_deadline) | 100 ms | how long each call of one may take |
/// | [`log`](Self::log) | none | where everything is written before it is delivered |
/// | [`log_deadline`](Self::log_deadline) | 30 s | how long each call of that may take |
/// | [`max_durables`](Self::max_durables) | 10,000 | more durable subscriptions are refused |
/// | [`retention`](Self::retention) | for ever | how long it is kept there |
#[derive(Clone)]
#[must_use = "there is no bus until it is started"]
pub struct BusBuilder {
    name: Arc<str>,
    rate: Option<RateLimit>,
    max_subscriptions: usize,
    middleware: Vec<Arc<dyn Middleware>>,
    middleware_deadline: Duration,
    log: Option<Arc<dyn SignalLog>>,
    log_deadline: Duration,
    max_durables: usize,
    retention: Retention,
}

impl BusBuilder {
    pub(super) fn new() -> Self {
        Self {
            name: "signals".into(),
            rate: None,
            max_subscriptions: MOST_SUBSCRIPTIONS,
            middleware: Vec::new(),
            middleware_deadline: MIDDLEWARE_DEADLINE,
            log: None,
            log_deadline: LOG_DEADLINE,
            max_durables: MOST_DURABLES,
            retention: Retention::forever(),
        }
    }

    /// Its name in the tree.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// How many signals may be published, whoever publishes them. More are refused with
    /// `rate_limited`, which tells when to try again.
    pub const fn rate(mut self, limit: RateLimit) -> Self {
        self.rate = Some(limit);
        self
    }

    /// How many subscriptions there may be.
    pub const fn max_subscriptions(mut self, most: usize) -> Self {
        self.max_subscriptions = most;
        self
    }

    /// What stands between publishers and receivers, behind what was said before.
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.middleware.push(Arc::new(middleware));
        self
    }

    /// How long each call of a middleware may take.
    pub const fn middleware_deadline(mut self, deadline: Duration) -> Self {
        self.middleware_deadline = deadline;
        self
    }

    /// The log that everything is written to before it is delivered. Only a bus with one has
    /// durable subscriptions and replay.
    pub fn log(mut self, log: Arc<dyn SignalLog>) -> Self {
        self.log = Some(log);
        self
    }

    /// How long each call of the log may take. One that takes longer is given up with `timeout`;
    /// whether what was to be appended is in the log is not known then.
    pub const fn log_deadline(mut self, deadline: Duration) -> Self {
        self.log_deadline = deadline;
        self
    }

    /// How many durable subscriptions there may be, whether anybody consumes them or not. They are
    /// there until they are [forgotten](Bus::forget).
    pub const fn max_durables(mut self, most: usize) -> Self {
        self.max_durables = most;
        self
    }

    /// How long what is in the log is kept; looked at every minute.
    pub const fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// A bus, and what of it has to run, for a supervisor of the program to start. Until that runs,
    /// and whenever it does not, the bus refuses everything with `bus_not_running`.
    ///
    /// # Errors
    ///
    /// `invalid_options` when the rate, a deadline or the name cannot be.
    #[must_use = "the bus refuses everything until a supervisor starts its child"]
    pub fn build(self, system: &impl InSystem) -> Result<(Bus, ChildSpec<Supervisor>)> {
        let home = system.home();
        let rate =
            self.rate.map(|limit| RateLimiter::new(&home, &*self.name, limit)).transpose()?;
        if self.log.is_some() && !(1..=LONGEST_NAME).contains(&self.name.len()) {
            return Err(invalid_options("name", "with a log it has 1 to 100 bytes"));
        }
        if self.middleware_deadline.is_zero() {
            return Err(invalid_options("middleware_deadline", "a call needs some time"));
        }
        if self.log_deadline.is_zero() {
            return Err(invalid_options("log_deadline", "a call needs some time"));
        }
        let mut shared = Shared::new(home, Arc::clone(&self.name));
        shared.rate = rate;
        let chain = Chain { all: self.middleware, deadline: self.middleware_deadline };
        shared.chain = Arc::new(chain);
        shared.max_subscriptions = self.max_subscriptions;
        let home = shared.home.clone();
        let name = Arc::clone(&self.name);
        let chain = Arc::clone(&shared.chain);
        let start_within = STARTS_WITHIN.max(self.log_deadline.saturating_mul(CALLS_AT_START));
        shared.log = self.log.map(|log| {
            let log = Arc::new(Bounded::new(log, self.log_deadline));
            let core = LogCore::new(name, log, home, chain);
            LogPart::new(core, self.retention, self.max_durables, start_within)
        });
        let bus = Bus { shared: Arc::new(shared) };
        // Each handler and each runner has a budget of its own: one that fails again and again
        // takes none of the others with it.
        let handlers = DynamicSupervisor::builder()
            .name(handlers_name(&self.name))
            .budget_per_child(ChildBudget::default())
            .child_spec();
        let anchor = ChildSpec::<Anchor>::actor(anchor_name(&self.name), bus.clone())
            .start_within(start_within);
        let spec = Supervisor::rest_for_one()
            .name(&*self.name)
            .child(handlers.registered())
            .child(anchor.registered());
        if bus.shared.log.is_none() {
            return Ok((bus, spec.child_spec()));
        }
        // After the anchor, which says where they begin.
        let (durable, transient) = (Arc::clone(&bus.shared), Arc::clone(&bus.shared));
        let feed = ChildSpec::task("feed", move |cx| feed(Arc::clone(&durable), cx));
        let deliver = ChildSpec::task("deliver", move |cx| deliver(Arc::clone(&transient), cx));
        let spec =
            spec.child(feed.restart(Restart::Permanent)).child(deliver.restart(Restart::Permanent));
        Ok((bus, spec.child_spec()))
    }

    /// A bus that runs in a system, at its top.
    ///
    /// # Errors
    ///
    /// As [`Self::build`]; `system_stopping`.
    pub async fn start(self, system: &System) -> Result<Bus> {
        let (bus, child) = self.build(system)?;
        system.start(child).await?;
        Ok(bus)
    }
}

impl fmt::Debug for BusBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("BusBuilder");
        shown.field("name", &self.name).field("rate", &self.rate);
        shown.field("middleware", &self.middleware.len()).finish_non_exhaustive()
    }
}
