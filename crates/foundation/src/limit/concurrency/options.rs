//! How many run, and how many wait.

use tokio::sync::Semaphore;

use crate::actor::refused;
use crate::error::Result;

/// How many may wait, unless it is said: as many as some mailboxes hold.
const MAX_QUEUE: usize = 1000;
/// The most that may wait. More would be a queue to keep, not to wait in.
const GREATEST_QUEUE: usize = 1_000_000;

/// How many calls may run at a time, and how many may wait.
///
/// | option | default |
/// |---|---|
/// | [`max_concurrent`](Self::new) | none: it is given |
/// | [`max_queue`](Self::max_queue) | 1,000 |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct BulkheadOptions {
    pub(super) max_concurrent: usize,
    pub(super) max_queue: usize,
}

impl BulkheadOptions {
    /// As many calls at a time; 1 or more, and no more than a quarter of what a number holds.
    pub const fn new(max_concurrent: usize) -> Self {
        Self { max_concurrent, max_queue: MAX_QUEUE }
    }

    /// How many may wait, 0 to 1,000,000. Any more are refused at once.
    pub const fn max_queue(mut self, max_queue: usize) -> Self {
        self.max_queue = max_queue;
        self
    }

    /// Refuses what cannot be.
    pub(super) fn validate(&self) -> Result<()> {
        if !(1..=Semaphore::MAX_PERMITS).contains(&self.max_concurrent) {
            return Err(refused("max_concurrent", "1 or more, and not beyond all bounds"));
        }
        if self.max_queue > GREATEST_QUEUE {
            return Err(refused("max_queue", "1,000,000 at most"));
        }
        Ok(())
    }
}
