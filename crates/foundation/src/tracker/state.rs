//! Counts of errors in windows that slide. Pure: it is told the time, in nanoseconds since some
//! moment, never going back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::error::Category;

/// Into how many slices a window is divided, to count what is in it.
const SLICES: u64 = 60;
/// How many kinds of errors are kept: far more than a program has codes, few enough that one which
/// makes codes up does not grow. The one that was seen longest ago gives way.
pub(super) const MOST_KINDS: usize = 1024;

/// All counts.
#[derive(Debug)]
pub(super) struct State {
    threshold: usize,
    window: u64,
    alert_on: Vec<Category>,
    kinds: BTreeMap<(Arc<str>, Category), Counts>,
}

/// The errors of one kind.
#[derive(Debug, Default)]
struct Counts {
    /// When the last ones happened, as many as the threshold at most: what decides on an alert,
    /// exactly.
    last: VecDeque<u64>,
    /// How many there were in each slice of time, the oldest first, none without any.
    slices: VecDeque<(u64, usize)>,
    total: u64,
    /// Whether an alert was given and the count has not been below the threshold since.
    raised: bool,
}

/// What came of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tracked {
    pub(super) code: Arc<str>,
    /// How many of its kind are in the window, as [`State::counts`] says.
    pub(super) recent: usize,
    /// Whether the threshold was crossed by it.
    pub(super) alert: bool,
}

/// One kind of errors, as it is at some time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) code: Arc<str>,
    pub(super) category: Category,
    pub(super) recent: usize,
    pub(super) total: u64,
    pub(super) alerting: bool,
}

// === impl State ===

impl State {
    /// Nothing counted. The window is in nanoseconds; neither it nor the threshold is 0.
    pub(super) const fn new(threshold: usize, window: u64, alert_on: Vec<Category>) -> Self {
        Self { threshold, window, alert_on, kinds: BTreeMap::new() }
    }

    /// Counts an error.
    pub(super) fn track(&mut self, code: &str, category: Category, now: u64) -> Tracked {
        let kind = self.kind(code, category, now);
        let (threshold, window) = (self.threshold, self.window);
        let alerts = self.alert_on.contains(&category);
        let counts = self.kinds.entry(kind.clone()).or_default();
        counts.lower(threshold, window, now);
        counts.add(threshold, slice(window), now);
        let reached = counts.reached(threshold, window, now);
        let alert = alerts && reached && !counts.raised;
        counts.raised |= alert;
        Tracked { code: kind.0, recent: counts.recent(window, now), alert }
    }

    /// All kinds that were seen, by code and category.
    pub(super) fn counts(&mut self, now: u64) -> Vec<Counted> {
        let (threshold, window) = (self.threshold, self.window);
        let counts = self.kinds.iter_mut().map(|((code, category), counts)| {
            counts.lower(threshold, window, now);
            Counted {
                code: Arc::clone(code),
                category: *category,
                recent: counts.recent(window, now),
                total: counts.total,
                alerting: counts.raised,
            }
        });
        counts.collect()
    }

    /// The kind of an error. Makes place for it if it is new.
    fn kind(&mut self, code: &str, category: Category, now: u64) -> (Arc<str>, Category) {
        let kind = (Arc::from(code), category);
        if let Some((known, _)) = self.kinds.get_key_value(&kind) {
            return known.clone();
        }
        if self.kinds.len() >= MOST_KINDS {
            let seen = |counts: &Counts| counts.last.back().copied().unwrap_or(now);
            let oldest = self.kinds.iter().min_by_key(|(_, counts)| seen(counts));
            if let Some(oldest) = oldest.map(|(kind, _)| kind.clone()) {
                self.kinds.remove(&oldest);
            }
        }
        kind
    }
}

/// How long a slice is.
const fn slice(window: u64) -> u64 {
    let slice = window / SLICES;
    if slice == 0 { 1 } else { slice }
}

// === impl Counts ===

impl Counts {
    fn add(&mut self, threshold: usize, slice: u64, now: u64) {
        if self.last.len() == threshold {
            self.last.pop_front();
        }
        self.last.push_back(now);
        self.total += 1;
        match self.slices.back_mut() {
            Some((at, count)) if *at == now / slice => *count += 1,
            _ => self.slices.push_back((now / slice, 1)),
        }
    }

    /// Whether there are as many as the threshold in the window. One that happened just as long ago
    /// as the window is long is in it no more.
    fn reached(&self, threshold: usize, window: u64, now: u64) -> bool {
        let first = self.last.front().copied().unwrap_or(now);
        self.last.len() == threshold && now - first < window
    }

    /// Time has passed without any: the count may have come below the threshold.
    fn lower(&mut self, threshold: usize, window: u64, now: u64) {
        self.raised &= self.reached(threshold, window, now);
        let slice = slice(window);
        // A slice has gone when its last moment is a window ago.
        while self.slices.front().is_some_and(|(at, _)| (at + 1) * slice + window <= now + 1) {
            self.slices.pop_front();
        }
    }

    fn recent(&self, window: u64, now: u64) -> usize {
        let slice = slice(window);
        let within = self.slices.iter().filter(|(at, _)| (at + 1) * slice + window > now + 1);
        within.map(|(_, count)| count).sum()
    }
}
