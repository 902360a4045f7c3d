//! Whoever consumes: one incarnation of an actor, until it ends.

use std::fmt;
use std::sync::{Arc, Weak};

use foundation::Result;

use super::shared::{Event, Outcome, Shared};
use crate::bus::{Receive, SubscriptionId};
use crate::log::LogPosition;

/// Whoever consumes.
pub(super) struct Consumer {
    /// Which one it is, of those that the subscription had.
    pub(super) number: u64,
    pub(super) id: SubscriptionId,
    pub(super) receiver: Box<dyn Receive>,
}

/// One delivery, as its receiver holds it: it says once what became of it.
pub(crate) struct Ticket {
    shared: Weak<Shared>,
    position: LogPosition,
    attempt: u32,
    epoch: u64,
    is_settled: bool,
}

impl Ticket {
    pub(super) fn new(
        shared: &Arc<Shared>,
        epoch: u64,
        position: LogPosition,
        attempt: u32,
    ) -> Self {
        Self { shared: Arc::downgrade(shared), position, attempt, epoch, is_settled: false }
    }

    pub(crate) const fn position(&self) -> LogPosition {
        self.position
    }

    pub(crate) const fn attempt(&self) -> u32 {
        self.attempt
    }

    pub(crate) fn settle(mut self, outcome: Result<()>) {
        self.tell(match outcome {
            Ok(()) => Outcome::Acknowledged,
            Err(error) => Outcome::Refused(error),
        });
    }

    fn tell(&mut self, outcome: Outcome) {
        self.is_settled = true;
        if let Some(shared) = self.shared.upgrade() {
            let (epoch, position, attempt) = (self.epoch, self.position, self.attempt);
            shared.tell(Event::Settled { epoch, position, attempt, outcome });
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.is_settled {
            self.tell(Outcome::Dropped { in_panic: std::thread::panicking() });
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("position", &self.position).finish_non_exhaustive()
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("number", &self.number).finish_non_exhaustive()
    }
}
