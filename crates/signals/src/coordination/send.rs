//! Sending one message, in the sender's task, and what is done when it is settled.

use std::sync::Arc;
use std::time::Duration;

use foundation::{Error, Result, codes as system_codes};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::assignment::Assignment;
use super::cell::{Cell, Message};
use super::dead_letters::{Past, Remains};
use super::lane::{Because, Mode, Offered, Room};
use super::receiver::{Receive, Reserved};
use super::report::Coordinated;
use super::shared::Shared;
use super::wait::Waits;
use crate::codes;
use crate::signal::Signal;

/// Where a sender learns what came of its message.
pub(super) type Sender = oneshot::Sender<Answer>;

/// What a sender learns.
pub(super) type Answer = std::result::Result<(), Refused>;

/// Why a message was not handled, and the message: a sender may give up when this is on its way to
/// it, and then it must not be lost on nobody.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) reason: Error,
    remains: Remains,
    may_be_handled: bool,
    was_begun: bool,
}

/// What is sent.
#[derive(Debug, Clone)]
pub(super) struct Parcel {
    pub(super) from: Arc<str>,
    pub(super) signal: Signal,
    pub(super) attempts: u32,
    pub(super) past: Option<Past>,
}

/// A receiver, as a sender has found it.
pub(super) struct Found {
    pub(super) cell: Arc<Cell>,
    pub(super) receiver: Arc<dyn Receive>,
    /// The how many-th it is.
    epoch: u64,
    /// Whether what is sent now is offered to it at once.
    is_offered: bool,
}

/// The place for an assignment.
pub(super) enum Place<'a> {
    Taken(Reserved<'a>),
    Full,
    Unasked,
}

/// A message that was sent.
pub(super) enum Posted {
    /// It is known what has become of it.
    Known(Result<Coordinated>),
    Waits(Waits),
}

impl Shared {
    /// The receiver of that id.
    pub(super) fn find(&self, id: &str) -> Result<Found> {
        let cell = self.lanes.read().get(id).cloned();
        let found = cell.and_then(|cell| {
            let (receiver, epoch, is_offered) = cell.with(|state| {
                let is_offered = state.lane.is_offered(self.now());
                Some((state.receiver.clone()?, state.epoch, is_offered))
            })?;
            Some(Found { cell, receiver, epoch, is_offered })
        });
        found.ok_or_else(|| no_such_receiver(id))
    }

    /// Sends a message, without waiting.
    pub(super) fn post(self: &Arc<Self>, to: &str, parcel: Parcel, mode: Mode) -> Posted {
        if *to == *parcel.from {
            let calling_self = Error::from(system_codes::CALLING_SELF);
            return Posted::Known(Err(calling_self.with_detail("receiver", to)));
        }
        let found = match self.find(to) {
            Ok(found) => found,
            Err(error) => return Posted::Known(Err(error)),
        };
        if !found.is_offered {
            // Its mailbox is left alone: where it is full it might stop the receiver.
            return self.post_into(&found, Place::Unasked, parcel, mode);
        }
        match found.reserve() {
            Ok(place) => self.post_into(&found, place, parcel, mode),
            Err(error) if is_full(&error) => self.post_into(&found, Place::Full, parcel, mode),
            Err(error) => Posted::Known(Err(error)),
        }
    }

    /// Sends a message to a receiver with whom a place is taken, unless it has none.
    pub(super) fn post_into(
        self: &Arc<Self>,
        found: &Found,
        place: Place<'_>,
        parcel: Parcel,
        mode: Mode,
    ) -> Posted {
        let Found { cell, epoch, .. } = found;
        self.counts.sent();
        let (from, id) = (&*parcel.from, parcel.signal.id());
        let receiver = &*cell.id;
        tracing::debug!(from, receiver, signal = %id, "coordination.sent");
        let (sender, answer) = oneshot::channel();
        let Parcel { from, signal, attempts, past } = parcel;
        let message = Message { from, signal, attempts, past, sender };
        let offered = self.change(cell, |state, now| {
            // The place is with one receiver, and no good for another one in its stead.
            let room = if state.epoch == *epoch { place.room() } else { Room::Unasked };
            state.lane.offer(message, mode, room, now)
        });
        match offered {
            Offered::Waits { number, epoch } => {
                let (shared, cell) = (Arc::clone(self), Arc::clone(cell));
                let waits = Waits { shared, cell, number, mode, answer, is_over: false };
                let assignment = Assignment::new(self, &waits.cell, epoch);
                match place.hand(assignment) {
                    Ok(()) => Posted::Waits(waits),
                    Err(error) => waits.not_handed(error),
                }
            }
            Offered::Kept { because, overflowed } => {
                let error = why_not_now(&cell.id, because);
                Posted::Known(Ok(self.kept(cell, error, overflowed)))
            }
            Offered::Returned { because, .. } => Posted::Known(Err(why_not_now(&cell.id, because))),
            Offered::Nobody(_) => Posted::Known(Err(no_such_receiver(&cell.id))),
        }
    }

    /// A message is kept, perhaps in place of another one.
    pub(super) fn kept(
        &self,
        cell: &Cell,
        because: Error,
        overflowed: Option<Message>,
    ) -> Coordinated {
        let (receiver, reason) = (&*cell.id, because.code());
        tracing::debug!(receiver, reason, "coordination.buffered");
        self.bury_overflowed(cell, overflowed);
        Coordinated::Buffered(because)
    }

    pub(super) fn bury_overflowed(&self, cell: &Cell, overflowed: Option<Message>) {
        if let Some(message) = overflowed {
            self.counts.overflowed();
            let error = Error::from(codes::BUFFER_OVERFLOWED).with_detail("receiver", &*cell.id);
            self.bury(message.into_remains(&cell.id), error, false);
        }
    }

    /// The receiver has said what came of a message.
    pub(super) fn settled(
        &self,
        cell: &Cell,
        message: Message,
        outcome: Result<()>,
        may_be_handled: bool,
    ) {
        self.counts.settled(&outcome);
        let code = outcome.as_ref().err().map_or("acknowledged", Error::code);
        let (receiver, signal) = (&*cell.id, message.signal.id());
        tracing::debug!(receiver, %signal, code, "coordination.settled");
        let (sender, remains) = message.into_parts(&cell.id);
        let refused = |reason| Refused { reason, remains, may_be_handled, was_begun: true };
        if let Err(unheard) = sender.send(outcome.map_err(refused)) {
            self.unheard(unheard);
        }
    }

    /// Tells the sender of a message that nobody has begun it and nobody will.
    pub(super) fn return_to_sender(&self, cell: &Cell, message: Message) {
        let (sender, remains) = message.into_parts(&cell.id);
        let (reason, may_be_handled) = (no_such_receiver(&cell.id), false);
        let refused = Refused { reason, remains, may_be_handled, was_begun: false };
        if let Err(unheard) = sender.send(Err(refused)) {
            self.unheard(unheard);
        }
    }

    /// Nobody waits for an answer any more.
    pub(super) fn unheard(&self, answer: Answer) {
        if answer.as_ref().err().is_none_or(|refused| refused.was_begun) {
            self.counts.settled_late();
        }
        if let Err(Refused { reason, remains, may_be_handled, .. }) = answer {
            self.bury(remains, reason, may_be_handled);
        }
    }
}

impl Place<'_> {
    const fn room(&self) -> Room {
        match self {
            Self::Taken(_) => Room::Taken,
            Self::Full => Room::Full,
            Self::Unasked => Room::Unasked,
        }
    }

    fn hand(self, assignment: Assignment) -> Result<()> {
        match self {
            Self::Taken(reserved) => reserved.hand(assignment),
            // Nothing waits without a place.
            Self::Full | Self::Unasked => Ok(()),
        }
    }
}

impl Found {
    /// Takes a place in its inbox.
    pub(super) fn reserve(&self) -> Result<Place<'_>> {
        Reserved::take(&*self.receiver).map(Place::Taken).map_err(|error| {
            // It has ended, which was not heard of yet.
            let has_ended = !is_full(&error);
            if has_ended { no_such_receiver(&self.cell.id).with_source(error) } else { error }
        })
    }

    /// Whether what is sent now is offered to it at once.
    pub(super) const fn is_offered(&self) -> bool {
        self.is_offered
    }
}

impl Posted {
    /// Whether the receiver was offered it.
    pub(super) const fn was_offered(&self) -> bool {
        matches!(self, Self::Waits(_))
    }

    /// What comes of it, waiting until then at most.
    pub(super) async fn outcome(self, due: Instant, deadline: Duration) -> Result<Coordinated> {
        match self {
            Self::Known(outcome) => outcome,
            Self::Waits(waits) => waits.outcome(due, deadline).await,
        }
    }
}

/// Whether an error says that there is no room now.
fn is_full(error: &Error) -> bool {
    error.code() == system_codes::MAILBOX_FULL.name
}

/// The error of an id under which nobody receives.
pub(super) fn no_such_receiver(id: &str) -> Error {
    Error::from(codes::NO_SUCH_RECEIVER).with_detail("receiver", crate::error::shortened(id))
}

fn why_not_now(receiver: &str, because: Because) -> Error {
    let (code, wait) = match because {
        Because::Full => (system_codes::MAILBOX_FULL, None),
        Because::Open { wait } => (system_codes::CIRCUIT_OPEN, Some(wait)),
        Because::Probing => (system_codes::CIRCUIT_OPEN, None),
    };
    let error = Error::from(code).with_detail("receiver", receiver);
    match wait {
        Some(wait) => error.with_retry_after(Duration::from_nanos(wait)),
        None => error,
    }
}
