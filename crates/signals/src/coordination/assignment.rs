//! A message on its way to one receiver, as the receiver has it: first offered, then begun.

use std::fmt;
use std::sync::Arc;

use foundation::{Category, Error, Result};

use super::cell::Cell;
use super::lane::Verdict;
use super::shared::Shared;
use crate::codes;
use crate::signal::Signal;

/// An offer of a message: an actor's message is made of it. Whoever handles it
/// [begins](Self::begin) it, and gets the message then.
///
/// It is about no message in particular: it gives the one that has waited longest. It gives none
/// when there is none any more, because its sender has taken it back or it was begun already; and
/// none while what was begun before has to be settled first.
///
/// Dropping it begins nothing: the message is offered again later.
#[must_use = "the message is offered again later unless this one is begun"]
pub struct Assignment {
    link: Link,
    epoch: u64,
    is_open: bool,
}

/// The right to say what came of a message that was begun.
///
/// One that is dropped leaves unknown what came of it: its sender, if it waits, gets
/// `outcome_unknown`, and otherwise it is among the dead letters with that reason.
#[must_use = "what came of the message is unknown unless somebody says so"]
pub struct Acknowledgement {
    link: Link,
    number: u64,
    from: Arc<str>,
    is_open: bool,
}

#[derive(Clone)]
struct Link {
    shared: Arc<Shared>,
    cell: Arc<Cell>,
}

impl Assignment {
    pub(super) fn new(shared: &Arc<Shared>, cell: &Arc<Cell>, epoch: u64) -> Self {
        let link = Link { shared: Arc::clone(shared), cell: Arc::clone(cell) };
        Self { link, epoch, is_open: true }
    }

    /// Begins the message that has waited longest. From here on it is offered to nobody again.
    #[must_use = "the message is begun, and nobody else gets it"]
    pub fn begin(mut self) -> Option<(Signal, Acknowledgement)> {
        self.is_open = false;
        let Link { shared, cell } = &self.link;
        let (number, from, signal) = shared.change(cell, |state, now| {
            let (number, message) = state.lane.begin(self.epoch, now)?;
            Some((number, Arc::clone(&message.from), message.signal.clone()))
        })?;
        Some((signal, Acknowledgement { link: self.link.clone(), number, from, is_open: true }))
    }

    /// The id that it was sent to.
    #[must_use]
    pub fn to(&self) -> &str {
        &self.link.cell.id
    }
}

impl Acknowledgement {
    /// Who sent the message.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The id that it was sent to.
    #[must_use]
    pub fn to(&self) -> &str {
        &self.link.cell.id
    }

    /// Whether its sender still waits.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.link.cell.with(|state| state.lane.is_awaited(self.number))
    }

    /// Says that it was handled.
    pub fn acknowledge(self) {
        self.settle(Ok(()));
    }

    /// Says that it was not handled, and why. An infrastructure error says that the receiver does
    /// not work, and counts for its circuit; a business or validation error is an answer like any
    /// other.
    pub fn refuse(self, error: Error) {
        self.settle(Err(error));
    }

    /// Says what came of it.
    pub fn settle(mut self, outcome: Result<()>) {
        self.is_open = false;
        self.finish(outcome, false);
    }

    fn finish(&self, outcome: Result<()>, may_be_handled: bool) {
        let Link { shared, cell } = &self.link;
        let verdict = judge(&outcome);
        let settled =
            shared.change(cell, |state, now| state.lane.settle(self.number, verdict, now));
        if let Some(message) = settled {
            shared.settled(cell, message, outcome, may_be_handled);
        }
    }
}

/// What an answer says about the receiver.
fn judge(outcome: &Result<()>) -> Verdict {
    match outcome.as_ref().map_err(Error::category) {
        Ok(()) | Err(Category::Validation | Category::Business) => Verdict::Works,
        Err(Category::Infrastructure) => Verdict::Fails,
        Err(Category::System) => Verdict::Nothing,
    }
}

impl Drop for Assignment {
    fn drop(&mut self) {
        if self.is_open {
            let Link { shared, cell } = &self.link;
            shared.change(cell, |state, now| state.lane.drop_assignment(self.epoch, now));
        }
    }
}

impl Drop for Acknowledgement {
    fn drop(&mut self) {
        if self.is_open {
            let unknown = Error::from(codes::OUTCOME_UNKNOWN);
            self.finish(Err(unknown.with_detail("receiver", self.to())), true);
        }
    }
}

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assignment").field("to", &self.to()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Acknowledgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Acknowledgement");
        shown.field("from", &self.from).field("to", &self.to()).finish_non_exhaustive()
    }
}
