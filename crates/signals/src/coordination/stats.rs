//! What coordination does and has done, in numbers.

use foundation::{CircuitState, Result};

use super::handle::Coordination;
use crate::sync::{AtomicU64, Ordering};

/// What coordination does and has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CoordinationStats {
    /// How many receivers there are, those included that have ended and may come back to what is
    /// kept for them.
    pub receivers: usize,
    /// How many of their circuits are not closed.
    pub circuits_open: usize,
    /// How many messages are kept.
    pub buffered: usize,
    /// How many were offered and not begun, and their senders wait.
    pub waiting: usize,
    /// How many were begun, and it is not known what came of them.
    pub in_progress: usize,
    /// How many dead letters there are.
    pub dead_letters: usize,
    /// How many dead letters were dropped because there were too many.
    pub dead_letters_dropped: u64,
    /// How often a message was sent to somebody who receives; each attempt counts.
    pub sent: u64,
    /// How many messages were acknowledged.
    pub acknowledged: u64,
    /// How many were begun and not acknowledged: refused, or what came of them is unknown.
    pub failed: u64,
    /// How many of both had no sender that waited: it had given up, or they had been kept.
    pub late: u64,
    /// How many went to the dead letters because too many were kept.
    pub overflowed: u64,
    /// How many went to the dead letters because they were kept for too long, whether anybody
    /// received by then or not.
    pub expired: u64,
}

/// What coordination has done.
#[derive(Debug, Default)]
pub(super) struct Counts {
    sent: AtomicU64,
    acknowledged: AtomicU64,
    failed: AtomicU64,
    late: AtomicU64,
    overflowed: AtomicU64,
    expired: AtomicU64,
}

// === impl Coordination ===

impl Coordination {
    /// What it does and has done.
    #[must_use]
    pub fn stats(&self) -> CoordinationStats {
        let Counts { sent, acknowledged, failed, late, overflowed, expired } = &self.shared.counts;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut stats = CoordinationStats {
            sent: count(sent),
            acknowledged: count(acknowledged),
            failed: count(failed),
            late: count(late),
            overflowed: count(overflowed),
            expired: count(expired),
            ..CoordinationStats::default()
        };
        for receiver in self.receivers() {
            stats.receivers += 1;
            stats.circuits_open += usize::from(receiver.circuit != CircuitState::Closed);
            stats.buffered += receiver.buffered;
            stats.waiting += receiver.waiting;
            stats.in_progress += receiver.in_progress;
        }
        let letters = self.shared.letters.lock();
        stats.dead_letters = letters.len();
        stats.dead_letters_dropped = letters.dropped();
        stats
    }
}

// === impl Counts ===

impl Counts {
    pub(super) fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn settled(&self, outcome: &Result<()>) {
        let counter = if outcome.is_ok() { &self.acknowledged } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn settled_late(&self) {
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn overflowed(&self) {
        self.overflowed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn expired(&self) {
        self.expired.fetch_add(1, Ordering::Relaxed);
    }
}
