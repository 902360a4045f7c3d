//! What a bus with a log has beside: who reads the tail, and who waits for what comes of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use foundation::{ActorRef, Caller, DynamicSupervisor, Error, Home, Pid, Result};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::handle::Bus;
use super::middleware::Chain;
use super::places::Asked;
use super::report::Receipt;
use super::subscription::{Subscriber, SubscriptionId};
use crate::causality::Trail;
use crate::codes;
use crate::durable;
use crate::log::{LogPosition, Retention, SignalLog};
use crate::router::{RouteId, Router};
use crate::signal::Id;
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};

/// What of a log everybody needs who reads it.
pub(crate) struct LogCore {
    /// The name of the bus: two of them may have one log, and each has subscriptions of its own.
    bus: Arc<str>,
    pub(crate) log: Arc<dyn SignalLog>,
    pub(crate) home: Home,
    /// What stands between the log and receivers.
    pub(crate) chain: Arc<Chain>,
    /// Up to here whoever feeds durable subscriptions has begun to hand on.
    begun: AtomicU64,
    /// Up to here it has handed on.
    done: AtomicU64,
    /// Up to here whoever delivers to transient subscribers has done so.
    delivered: AtomicU64,
    /// Whether it is known where to begin. An empty log has no position that says so.
    has_begun: AtomicBool,
}

/// What a bus with a log has beside.
pub(crate) struct LogPart {
    pub(crate) core: Arc<LogCore>,
    pub(crate) trail: Arc<Trail>,
    pub(crate) routes: Router<Arc<durable::Shared>>,
    /// Held while a durable subscription is opened.
    pub(crate) opening: tokio::sync::Mutex<()>,
    pub(super) retention: Retention,
    /// How many durable subscriptions there may be.
    pub(crate) max_durables: usize,
    /// Their names, open or not, once somebody had to know.
    pub(crate) names: Mutex<Option<BTreeSet<String>>>,
    /// How long whoever has to read the log before it runs may take.
    pub(crate) start_within: Duration,
    durables: Mutex<BTreeMap<Arc<str>, Routed>>,
    waiters: Mutex<HashMap<Id, VecDeque<Waiter>>>,
    numbers: AtomicU64,
}

/// A durable subscription that is open, and the routes that lead to it.
type Routed = (Arc<durable::Shared>, Vec<RouteId>);

/// Somebody who waits for what comes of a signal.
pub(super) struct Waiter {
    number: u64,
    /// How long receivers may take to acknowledge it, if that is waited for.
    pub(super) deadline: Option<Duration>,
    /// Who waits, and would wait for itself if it were asked.
    pub(super) caller: Caller,
    pub(super) landed: oneshot::Sender<Landed>,
}

/// What has come of a signal that was read from the tail.
pub(super) enum Landed {
    Delivered(Vec<Receipt>),
    Asked(Vec<(Arc<Subscriber>, Asked)>),
}

/// The place of somebody who waits. Dropping it gives it up.
pub(super) struct Waiting<'a> {
    part: &'a LogPart,
    id: Id,
    number: u64,
    landed: oneshot::Receiver<Landed>,
}

impl LogCore {
    pub(super) fn new(
        bus: Arc<str>,
        log: Arc<dyn SignalLog>,
        home: Home,
        chain: Arc<Chain>,
    ) -> Self {
        let (begun, done, delivered) = Default::default();
        let has_begun = AtomicBool::new(false);
        Self { bus, log, home, chain, begun, done, delivered, has_begun }
    }

    /// Up to here whoever feeds durable subscriptions has begun to hand on.
    pub(crate) fn begun(&self) -> LogPosition {
        LogPosition::new(self.begun.load(Ordering::SeqCst))
    }

    /// Under which name the log keeps what a durable subscription has to remember.
    pub(crate) fn owner(&self, subscription: &str) -> String {
        format!("{}/{subscription}", self.bus)
    }

    /// Which subscription it is whose name that is, if it is of this bus.
    pub(crate) fn subscription_of<'a>(&self, owner: &'a str) -> Option<&'a str> {
        owner.strip_prefix(&*self.bus)?.strip_prefix('/')
    }

    /// Up to here it has handed on.
    pub(crate) fn done(&self) -> LogPosition {
        LogPosition::new(self.done.load(Ordering::SeqCst))
    }

    pub(super) fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::SeqCst)
    }

    /// Up to here whoever delivers to transient subscribers has done so.
    pub(super) fn delivered(&self) -> LogPosition {
        LogPosition::new(self.delivered.load(Ordering::SeqCst))
    }

    pub(super) fn deliver_to(&self, position: LogPosition) {
        self.delivered.store(position.get(), Ordering::SeqCst);
    }

    /// It begins behind a position.
    pub(super) fn begin_behind(&self, position: LogPosition) {
        self.finish(position);
        self.deliver_to(position);
        self.has_begun.store(true, Ordering::SeqCst);
    }

    pub(super) fn begin(&self, position: LogPosition) {
        self.begun.store(position.get(), Ordering::SeqCst);
    }

    pub(super) fn finish(&self, position: LogPosition) {
        self.begun.fetch_max(position.get(), Ordering::SeqCst);
        self.done.store(position.get(), Ordering::SeqCst);
    }
}

impl LogPart {
    pub(super) fn new(
        core: LogCore,
        retention: Retention,
        max_durables: usize,
        start_within: Duration,
    ) -> Self {
        let core = Arc::new(core);
        Self {
            trail: Arc::new(Trail::new(Arc::clone(&core))),
            core,
            routes: Router::new(),
            opening: tokio::sync::Mutex::new(()),
            retention,
            max_durables,
            names: Mutex::default(),
            start_within,
            durables: Mutex::default(),
            waiters: Mutex::default(),
            numbers: AtomicU64::new(0),
        }
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A durable subscription that was opened.
    pub(crate) fn durable(&self, name: &str) -> Option<Arc<durable::Shared>> {
        self.durables.lock().get(name).map(|(shared, _)| Arc::clone(shared))
    }

    /// All durable subscriptions that were opened.
    pub(crate) fn all_durables(&self) -> Vec<Arc<durable::Shared>> {
        self.durables.lock().values().map(|(shared, _)| Arc::clone(shared)).collect()
    }

    /// A durable subscription is open, by these routes in place of those before.
    pub(crate) fn insert(&self, shared: &Arc<durable::Shared>, routes: Vec<RouteId>) {
        let entry = (Arc::clone(shared), routes);
        let before = self.durables.lock().insert(shared.name().into(), entry);
        self.unroute(before);
    }

    /// A durable subscription is not open any more.
    pub(crate) fn forget(&self, name: &str) -> Option<Arc<durable::Shared>> {
        let before = self.durables.lock().remove(name);
        let shared = before.as_ref().map(|(shared, _)| Arc::clone(shared));
        self.unroute(before);
        shared
    }

    fn unroute(&self, before: Option<Routed>) {
        for route in before.into_iter().flat_map(|(_, routes)| routes) {
            self.routes.remove(route);
        }
    }

    /// Waits for what comes of a signal that is about to be appended.
    pub(super) fn wait_for(&self, id: &Id, deadline: Option<Duration>) -> Waiting<'_> {
        let (sender, landed) = oneshot::channel();
        let number = self.next_number();
        let waiter = Waiter { number, deadline, caller: Caller::current(), landed: sender };
        self.waiters.lock().entry(id.clone()).or_default().push_back(waiter);
        Waiting { part: self, id: id.clone(), number, landed }
    }

    /// Whoever waits first for a signal.
    pub(super) fn take_waiter(&self, id: &Id) -> Option<Waiter> {
        let mut waiters = self.waiters.lock();
        let line = waiters.get_mut(id)?;
        let waiter = line.pop_front();
        if line.is_empty() {
            waiters.remove(id);
        }
        waiter
    }
}

impl Waiting<'_> {
    /// What has come of it; nothing if whoever reads the tail has failed, or takes too long.
    pub(super) async fn landed(mut self, until: Instant) -> Option<Landed> {
        tokio::time::timeout_at(until, &mut self.landed).await.ok()?.ok()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiters = self.part.waiters.lock();
        let Some(line) = waiters.get_mut(&self.id) else { return };
        line.retain(|waiter| waiter.number != self.number);
        if line.is_empty() {
            waiters.remove(&self.id);
        }
    }
}

impl Bus {
    /// What it has beside, with a log.
    pub(crate) fn log_part(&self) -> Result<&LogPart> {
        self.shared
            .log
            .as_ref()
            .ok_or_else(|| Error::from(codes::NO_LOG).with_detail("bus", &*self.shared.name))
    }

    pub(crate) fn check_runs(&self) -> Result<()> {
        self.shared.check_runs()
    }

    /// Where runners run.
    ///
    /// # Errors
    ///
    /// `bus_not_running`.
    pub(crate) fn runners(&self) -> Result<ActorRef<DynamicSupervisor>> {
        self.shared.handlers().ok_or_else(|| self.shared.not_running())
    }

    /// Ends a runner.
    pub(crate) async fn end_runner(&self, pid: Pid) {
        self.shared.end_handler(pid).await;
    }

    pub(crate) fn next_id(&self) -> SubscriptionId {
        self.shared.table.lock().next_id()
    }
}

impl fmt::Debug for LogCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogCore").field("log", &self.log).finish_non_exhaustive()
    }
}

impl fmt::Debug for LogPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogPart").field("core", &self.core).finish_non_exhaustive()
    }
}
