//! How many tasks run, how many wait, and for how long.

use std::time::Duration;

use crate::actor::refused;
use crate::error::Result;

/// How many tasks may wait, unless it is said: as many as a mailbox holds.
const MAX_QUEUE: usize = 1000;
/// The most that may run, and that may wait. Each has a task, of a kilobyte or more: a longer queue
/// is one to keep, not to wait in.
const MOST: usize = 1_000_000;
/// How long a task may take, unless it is said.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long a task may go on when its supervisor stops, unless it is said: as any child.
const DRAIN: Duration = Duration::from_secs(5);
/// The longest that anything is waited for.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// How a [`TaskPool`](super::TaskPool) runs its tasks.
///
/// | option | default |
/// |---|---|
/// | [`max_concurrent`](Self::new) | none: it is given |
/// | [`max_queue`](Self::max_queue) | 1,000 |
/// | [`deadline`](Self::deadline) | 30 s |
/// | [`drain`](Self::drain) | 5 s |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct TaskPoolOptions {
    pub(super) max_concurrent: usize,
    pub(super) max_queue: usize,
    pub(super) deadline: Duration,
    pub(super) drain: Duration,
}

impl TaskPoolOptions {
    /// As many tasks at a time; 1 to 1,000,000.
    pub const fn new(max_concurrent: usize) -> Self {
        Self { max_concurrent, max_queue: MAX_QUEUE, deadline: DEADLINE, drain: DRAIN }
    }

    /// As many tasks at a time, in place of what [was given](Self::new).
    pub(crate) const fn max_concurrent(mut self, tasks: usize) -> Self {
        self.max_concurrent = tasks;
        self
    }

    /// How many tasks may wait for a place, 0 to 1,000,000. Any more are refused at once.
    pub const fn max_queue(mut self, tasks: usize) -> Self {
        self.max_queue = tasks;
        self
    }

    /// How long a task may take, from when it begins; more than nothing, 366 days at most.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long tasks may go on, those included that still wait, when their supervisor stops;
    /// 366 days at most. Then they are killed.
    pub const fn drain(mut self, time: Duration) -> Self {
        self.drain = time;
        self
    }

    /// Refuses what cannot be.
    pub(super) fn validate(&self) -> Result<()> {
        if !(1..=MOST).contains(&self.max_concurrent) {
            return Err(refused("max_concurrent", "1 to 1,000,000"));
        }
        if self.max_queue > MOST {
            return Err(refused("max_queue", "1,000,000 at most"));
        }
        if self.deadline.is_zero() || self.deadline > LONGEST {
            return Err(refused("deadline", "more than nothing, 366 days at most"));
        }
        if self.drain > LONGEST {
            return Err(refused("drain", "366 days at most"));
        }
        Ok(())
    }
}
