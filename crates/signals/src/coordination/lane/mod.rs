//! What is on its way to one receiver. Pure: it is told the time, in nanoseconds since some moment.
//!
//! - **A message is in one place**: it waits, in the order in which it came, or it was begun.
//! - **It is begun once.** What waits can be taken back, since nobody has begun it; what was begun
//!   is offered to nobody again.
//! - **An assignment in the receiver's mailbox is about no message in particular**: whoever begins
//!   it gets what has waited longest. So the order is kept whatever was tried before, a message
//!   that is taken back leaves nothing behind, and a receiver that hangs is offered nothing twice.
//! - **What is kept is so for a while**, whether its receiver hangs or has gone. Whoever changes a
//!   lane [takes out](Lane::expire) first what is over, so that nobody begins it.
//!
//! | circuit | what is sent | what the receiver may begin |
//! |---|---|---|
//! | closed | waits, and is offered at once; without room it is kept, which is a failure | everything |
//! | open | is kept | nothing, until the time is over |
//! | half-open | is kept, behind what was kept before | one message, until that is settled |
//!
//! Closed becomes open with the `failures`-th failure in a row, and at once when a message fails
//! that was kept: what is kept behind it shall not fail too. Open becomes half-open when its time
//! is over and there is something to try. Half-open becomes closed when nothing is kept any more,
//! and open when a probe fails or takes too long.

mod caring;
mod circuit;
mod receiving;
mod sending;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(super) use circuit::{Circuit, Rules, Verdict};

/// What is on its way to one receiver.
#[derive(Debug)]
pub(super) struct Lane<M> {
    rules: Rules,
    circuit: Circuit,
    seat: Seat,
    /// What nobody has begun.
    queue: VecDeque<Waiting<M>>,
    /// Those of them that nobody waits for: until when each is kept, and its number.
    kept: BTreeSet<(u64, u64)>,
    begun: BTreeMap<u64, Begun<M>>,
    /// How many assignments the receiver has that it has neither begun nor dropped.
    assignments: usize,
    last: u64,
    /// Not before then is a receiver tried again that had no room.
    retry_at: u64,
}

/// Whether somebody receives, and the how many-th.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seat {
    Taken { epoch: u64 },
    Empty { epoch: u64 },
}

#[derive(Debug)]
struct Waiting<M> {
    number: u64,
    message: M,
    /// Until when it is kept; none while its sender waits.
    until: Option<u64>,
}

#[derive(Debug)]
struct Begun<M> {
    message: M,
    is_awaited: bool,
    /// Whether it was kept before.
    was_kept: bool,
    /// Whether it counts as a failure already.
    has_failed: bool,
}

/// What happens to a message that cannot be offered now, or is not begun in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is kept for the receiver.
    Keep,
    /// Its sender gets it back.
    Return,
}

/// Whether the receiver has a place for an assignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// One is taken.
    Taken,
    /// It has none.
    Full,
    /// Nobody has asked, because it [is offered nothing](Lane::is_offered).
    Unasked,
}

/// Why a message is not offered now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Because {
    /// The receiver has no room.
    Full,
    /// The circuit is open, for so long.
    Open { wait: u64 },
    /// It is half-open.
    Probing,
}

/// What becomes of a message that is sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Offered<M> {
    /// It waits; the receiver is to be given an assignment.
    Waits { number: u64, epoch: u64 },
    /// It is kept; in its place the oldest one that was kept is not.
    Kept { because: Because, overflowed: Option<M> },
    /// The sender gets it back.
    Returned { because: Because, message: M },
    /// Nobody receives.
    Nobody(M),
}

/// Why somebody does not wait any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GiveUp {
    /// The receiver took too long.
    Late,
    /// Nobody wants to know any more, which says nothing of the receiver.
    Unwanted,
    /// The receiver did not get the assignment. One that has begun the message is still waited for.
    NotOffered,
}

/// What has become of a message that nobody waits for any longer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum GaveUp<M> {
    Kept {
        overflowed: Option<M>,
    },
    Returned(M),
    /// The receiver has begun it, and has not said what came of it.
    InProgress,
    /// What came of it is on its way.
    Settled,
}

/// What has to be done for what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Give the receiver an assignment.
    Offer {
        epoch: u64,
    },
    /// Look again then, or when something has happened.
    Wait {
        until: u64,
    },
    Nothing,
}

/// What a lane says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Looks {
    pub(super) circuit: Circuit,
    pub(super) kept: usize,
    /// Offered, not begun, and somebody waits.
    pub(super) waiting: usize,
    pub(super) in_progress: usize,
}

// === impl Lane ===

impl<M> Lane<M> {
    pub(super) const fn new(rules: Rules) -> Self {
        Self {
            rules,
            circuit: Circuit::NEW,
            seat: Seat::Empty { epoch: 0 },
            queue: VecDeque::new(),
            kept: BTreeSet::new(),
            begun: BTreeMap::new(),
            assignments: 0,
            last: 0,
            retry_at: 0,
        }
    }

    /// Whether nothing is lost when it is forgotten.
    pub(super) fn is_spent(&self) -> bool {
        let is_empty = self.queue.is_empty() && self.begun.is_empty();
        is_empty && matches!(self.seat, Seat::Empty { .. })
    }

    /// Whether the message was begun and somebody waits for it.
    pub(super) fn is_awaited(&self, number: u64) -> bool {
        self.begun.get(&number).is_some_and(|begun| begun.is_awaited)
    }

    pub(super) fn looks(&self) -> Looks {
        Looks {
            circuit: self.circuit,
            kept: self.kept.len(),
            waiting: self.queue.len() - self.kept.len(),
            in_progress: self.begun.len(),
        }
    }

    /// It is not in the queue any more. Whether it was kept.
    fn unkeep(&mut self, waiting: &Waiting<M>) -> bool {
        waiting.until.is_some_and(|until| self.kept.remove(&(until, waiting.number)))
    }

    /// Where in the queue the message is, if nobody has begun it.
    fn place_of(&self, number: u64) -> Option<usize> {
        self.queue.binary_search_by_key(&number, |waiting| waiting.number).ok()
    }

    fn is_of(&self, epoch: u64) -> bool {
        self.seat == Seat::Taken { epoch }
    }
}
