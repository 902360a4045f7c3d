//! What became of a message.

use std::sync::Arc;

use foundation::{Error, Result};

use super::dead_letters::DeadLetterId;
use crate::signal::Signal;

/// What became of a message that was not refused.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Coordinated {
    /// The receiver has handled it.
    Acknowledged,
    /// It is kept for the receiver, who gets it after what was kept before; when it is kept for too
    /// long, it is among the dead letters then. Why: `timeout`, `mailbox_full`, or `circuit_open`.
    Buffered(Error),
    /// The receiver has begun it, and takes longer than the deadline. It is not sent again. If it
    /// turns out to have failed, it is among the dead letters then.
    InProgress,
    /// It could not be delivered, and is among the dead letters, as its sender wanted.
    DeadLettered(DeadLetterId, Error),
}

/// What became of one of several messages.
#[derive(Debug)]
#[non_exhaustive]
pub struct Sent {
    /// To whom it was.
    pub receiver: Arc<str>,
    /// What it says.
    pub signal: Signal,
    /// What became of it.
    pub outcome: Result<Coordinated>,
}

/// Who has to get what is sent to several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Reach {
    /// Whoever can. The report tells who did.
    #[default]
    BestEffort,
    /// All of them or none: a place is taken with every receiver before any of them gets it.
    AllOrNothing,
    /// One of them or more has to acknowledge it; otherwise it is an error. What is kept for others
    /// by then is kept.
    AtLeastOne,
}

impl Coordinated {
    /// Whether the receiver has handled it.
    #[must_use]
    pub const fn is_acknowledged(&self) -> bool {
        matches!(self, Self::Acknowledged)
    }
}

impl Sent {
    /// Whether the receiver has handled it.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        self.outcome.as_ref().is_ok_and(Coordinated::is_acknowledged)
    }

    /// The code of the error, or of why it is kept; none when the receiver has it.
    pub(super) fn problem(&self) -> Option<&str> {
        match &self.outcome {
            Ok(Coordinated::Acknowledged | Coordinated::InProgress) => None,
            Ok(Coordinated::Buffered(error) | Coordinated::DeadLettered(_, error)) | Err(error) => {
                Some(error.code())
            }
        }
    }
}
