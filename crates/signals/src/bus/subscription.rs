//! A subscription: who gets what, and what if there is no room.

use std::fmt;
use std::sync::Arc;

use foundation::{AtEnd, Pid, Result, codes as system_codes};
use jiff::Timestamp;

use super::receiver::Receive;
use super::report::Outcome;
use super::subscribe::Condition;
use crate::router::Route;
use crate::sync::{AtomicBool, AtomicU64, Mutex, Ordering};
use crate::topic::Pattern;

/// Names a subscription of one bus. Later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub(super) u64);

impl SubscriptionId {
    /// That of what came by none: a bus counts from 1.
    pub(crate) const NONE: Self = Self(0);
}

/// What happens to a signal for a receiver whose inbox is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum WhenFull {
    /// The publisher is refused, and nobody gets the signal. The default: nothing is lost unseen.
    #[default]
    Refuse,
    /// This receiver is left out, and the publisher is told that it was.
    LeaveOut,
}

/// A subscription as it was when it was looked at.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SubscriptionInfo {
    /// Which one.
    pub id: SubscriptionId,
    /// What it is called, if somebody said so.
    pub name: Option<Arc<str>>,
    /// What it is about.
    pub patterns: Vec<Pattern>,
    /// The name of the actor that receives.
    pub receiver: Arc<str>,
    /// The incarnation that receives.
    pub pid: Pid,
    /// Its priority among those whose patterns are as specific.
    pub priority: i8,
    /// What happens when the receiver has no room.
    pub when_full: WhenFull,
    /// Since when it is there.
    pub since: Timestamp,
    /// How many signals were accepted for it.
    pub accepted: u64,
    /// How many it was left out of: there was no room, or nobody.
    pub left_out: u64,
}

type SubscriberRoute = Route<Arc<Subscriber>>;

/// Who receives, as the router has it.
pub(super) struct Subscriber {
    pub(super) id: SubscriptionId,
    pub(super) name: Option<Arc<str>>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) priority: i8,
    pub(super) when_full: WhenFull,
    /// Whether the receiver is there for this alone, and ends with it.
    pub(super) is_handler: bool,
    pub(super) since: Timestamp,
    pub(super) receiver: Box<dyn Receive>,
    /// What takes it away when the receiver ends.
    pub(super) at_end: Mutex<Option<AtEnd>>,
    /// Whether it was ended. Whoever has found it before may still hold it.
    has_ended: AtomicBool,
    accepted: AtomicU64,
    left_out: AtomicU64,
}

impl Subscriber {
    pub(super) fn new(
        id: SubscriptionId,
        wanted: Wanted,
        since: Timestamp,
        receiver: Box<dyn Receive>,
    ) -> Self {
        let Wanted { name, patterns, priority, when_full, is_handler } = wanted;
        Self {
            id,
            name,
            patterns,
            priority,
            when_full,
            is_handler,
            since,
            receiver,
            at_end: Mutex::new(None),
            has_ended: AtomicBool::new(false),
            accepted: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
        }
    }

    /// Whether several routes may lead to it.
    pub(super) fn is_manifold(&self) -> bool {
        self.patterns.len() > 1
    }

    /// The routes that lead to it.
    pub(super) fn routes(
        self: &Arc<Self>,
        condition: Option<&Condition>,
    ) -> Result<Vec<SubscriberRoute>> {
        let route = |pattern: &Pattern| {
            let route = Route::of(pattern.clone(), Arc::clone(self));
            let route = route.priority(self.priority.into())?;
            Ok(match condition.cloned() {
                Some(condition) => route.when(move |signal| condition(signal)),
                None => route,
            })
        };
        self.patterns.iter().map(route).collect()
    }

    /// Counts what became of a signal here.
    pub(super) fn count(&self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Accepted | Outcome::Acknowledged => &self.accepted,
            Outcome::LeftOut => &self.left_out,
            Outcome::Failed(error) if error.code() == system_codes::NO_PROCESS.name => {
                &self.left_out
            }
            // There was room, and somebody.
            Outcome::Skipped | Outcome::Failed(_) => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Nothing more is delivered, also by those who have found it before.
    pub(super) fn end(&self) {
        self.has_ended.store(true, Ordering::Release);
    }

    /// Whether it was ended although its receiver is there.
    pub(super) fn is_over(&self) -> bool {
        self.has_ended.load(Ordering::Acquire) && self.receiver.is_alive()
    }

    pub(super) fn info(&self) -> SubscriptionInfo {
        SubscriptionInfo {
            id: self.id,
            name: self.name.clone(),
            patterns: self.patterns.clone(),
            receiver: Arc::clone(self.receiver.name()),
            pid: self.receiver.pid(),
            priority: self.priority,
            when_full: self.when_full,
            since: self.since,
            accepted: self.accepted.load(Ordering::Relaxed),
            left_out: self.left_out.load(Ordering::Relaxed),
        }
    }
}

/// What somebody wants to subscribe to.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) name: Option<Arc<str>>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) priority: i8,
    pub(super) when_full: WhenFull,
    pub(super) is_handler: bool,
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info().fmt(f)
    }
}
