//! What a durable subscription, its runner, its consumer and its deliveries share.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use foundation::{ActorRef, Error, Pid, Result};

use super::consumer::Consumer;
use super::feed::Feed;
use super::handle::DurableStatus;
use super::options::DurableOptions;
use super::run::{Runner, RunnerMessage};
use crate::bus::{LogCore, SubscriptionInfo, WhenFull};
use crate::codes;
use crate::log::{LogEntry, LogPosition};
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};
use crate::topic::Pattern;

/// What a durable subscription, its runner, its consumer and its deliveries share.
pub(crate) struct Shared {
    pub(super) name: Arc<str>,
    /// Under which name the log keeps what it has to remember.
    pub(super) owner: String,
    pub(super) core: Arc<LogCore>,
    pub(super) feed: Feed,
    terms: Mutex<Terms>,
    /// Whether the terms are others than the runner knows.
    has_new_terms: AtomicBool,
    /// Who consumes from now on, as outsiders see it; the runner hears of it by an event.
    pub(super) consumer: Mutex<Option<Arc<Consumer>>>,
    pub(super) status: Mutex<DurableStatus>,
    /// Bounded by the deliveries that are there, each of which says one thing.
    events: Mutex<VecDeque<Event>>,
    runner: Mutex<Option<ActorRef<Runner>>>,
    /// The last runner, by which its supervisor knows it.
    child: Mutex<Option<Pid>>,
    /// The last epoch: one ends with a consumer, with a runner, and when somebody seeks.
    epoch: AtomicU64,
    /// What was delivered in an epoch before this one is of no account.
    sought: AtomicU64,
    /// Whether the runner was told to look, and has not yet.
    woken: AtomicBool,
}

/// What it is about, and how it delivers.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) patterns: Vec<Pattern>,
    pub(super) options: DurableOptions,
}

/// What the runner is told of deliveries and consumers.
#[derive(Debug)]
pub(super) enum Event {
    Settled {
        epoch: u64,
        position: LogPosition,
        attempt: u32,
        outcome: Outcome,
    },
    /// Somebody consumes from now on.
    Attached(Arc<Consumer>),
    /// A consumer has ended: its number.
    Ended(u64),
    /// Somebody has taken it from a consumer, which goes on without: its number.
    Released(u64),
}

/// What became of a delivery.
#[derive(Debug)]
pub(super) enum Outcome {
    Acknowledged,
    Refused(Error),
    Dropped { in_panic: bool },
}

impl Terms {
    /// The patterns, as they are written.
    pub(super) fn written(&self) -> Vec<String> {
        self.patterns.iter().map(ToString::to_string).collect()
    }
}

impl Shared {
    pub(super) fn new(core: Arc<LogCore>, terms: Terms) -> Self {
        Self {
            owner: core.owner(&terms.options.name),
            name: Arc::clone(&terms.options.name),
            core,
            feed: Feed::default(),
            terms: Mutex::new(terms),
            has_new_terms: AtomicBool::new(false),
            consumer: Mutex::new(None),
            status: Mutex::default(),
            events: Mutex::default(),
            runner: Mutex::new(None),
            child: Mutex::new(None),
            epoch: AtomicU64::new(0),
            sought: AtomicU64::new(0),
            woken: AtomicBool::new(false),
        }
    }

    /// The name of the subscription.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What it is about, and how it delivers.
    pub(super) fn terms(&self) -> Terms {
        self.terms.lock().clone()
    }

    /// What it is about from now on, and how it delivers.
    pub(super) fn set_terms(&self, terms: Terms) {
        let before = std::mem::replace(&mut *self.terms.lock(), terms);
        self.has_new_terms.store(true, Ordering::Release);
        drop(before);
    }

    /// What those in between are told of a consumer.
    pub(super) fn info(&self, consumer: &Consumer) -> SubscriptionInfo {
        let status = self.status.lock();
        SubscriptionInfo {
            id: consumer.id,
            name: Some(Arc::clone(&self.name)),
            patterns: self.terms.lock().patterns.clone(),
            receiver: Arc::clone(consumer.receiver.name()),
            pid: consumer.receiver.pid(),
            priority: 0,
            when_full: WhenFull::default(),
            since: status.created.unwrap_or_else(|| self.core.home.now()),
            accepted: status.acknowledged,
            left_out: 0,
        }
    }

    /// How many dead letters there may be.
    pub(super) fn max_dead_letters(&self) -> u64 {
        self.terms.lock().options.max_dead_letters
    }

    /// The terms, if they are others than when this was last asked.
    pub(super) fn new_terms(&self) -> Option<Terms> {
        self.has_new_terms.swap(false, Ordering::AcqRel).then(|| self.terms())
    }

    /// Whether an entry is what it is about.
    pub(super) fn is_about(&self, entry: &LogEntry) -> bool {
        let terms = self.terms.lock();
        terms.patterns.iter().any(|pattern| pattern.matches(entry.signal.topic()))
    }

    /// Another epoch begins.
    pub(super) fn next_epoch(&self) -> u64 {
        self.epoch.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// What was delivered before that epoch is of no account any more.
    pub(super) fn seek(&self, epoch: u64) {
        self.sought.store(epoch, Ordering::Relaxed);
    }

    /// Whether it matters what becomes of what was delivered in that epoch.
    pub(super) fn counts(&self, epoch: u64) -> bool {
        epoch >= self.sought.load(Ordering::Relaxed)
    }

    /// The last runner, by which its supervisor knows it, whether it runs at this moment or not.
    pub(super) fn child(&self) -> Option<Pid> {
        *self.child.lock()
    }

    pub(super) fn set_child(&self, child: Pid) {
        *self.child.lock() = Some(child);
    }

    /// Hands on an entry that matches.
    pub(crate) fn feed(&self, entry: &LogEntry) {
        self.feed.push(entry);
        self.wake();
    }

    /// Tells the runner something.
    pub(super) fn tell(&self, event: Event) {
        self.events.lock().push_back(event);
        self.wake();
    }

    /// Has the runner look.
    pub(super) fn wake(&self) {
        if self.woken.swap(true, Ordering::AcqRel) {
            return;
        }
        let runner = self.runner.lock().clone();
        let told = runner.is_some_and(|runner| runner.try_tell(RunnerMessage::Wake).is_ok());
        if !told {
            // It looks when it begins, and after whatever else it is told.
            self.woken.store(false, Ordering::Release);
        }
    }

    /// What the runner was told since it looked.
    pub(super) fn take_events(&self) -> VecDeque<Event> {
        self.woken.store(false, Ordering::Release);
        std::mem::take(&mut *self.events.lock())
    }

    /// Refuses while an incarnation that lives consumes.
    pub(super) fn check_unconsumed(&self) -> Result<()> {
        let consumer = self.consumer.lock();
        match consumer.as_ref().filter(|consumer| consumer.receiver.is_alive()) {
            None => Ok(()),
            Some(other) => Err(Error::from(codes::CONSUMER_EXISTS)
                .with_detail("subscription", &*self.name)
                .with_detail("consumer", &**other.receiver.name())),
        }
    }

    /// Who runs it from now on.
    pub(super) fn run_by(&self, runner: Option<ActorRef<Runner>>) {
        let before = std::mem::replace(&mut *self.runner.lock(), runner);
        drop(before);
    }

    pub(super) fn runner(&self) -> Option<ActorRef<Runner>> {
        self.runner.lock().clone()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Durable").field("name", &self.name).finish_non_exhaustive()
    }
}
