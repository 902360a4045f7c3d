//! Whoever receives: one incarnation of an actor, of whatever type.

use foundation::{Actor, Error, Incarnation, KeptPlace, Pid, Result, Told, codes, contain};

use super::assignment::Assignment;

/// What coordination does with a receiver.
pub(super) trait Receive: Send + Sync {
    /// Takes a place in its inbox, for which nothing else has to go.
    fn reserve(&self) -> Result<KeptPlace>;
    /// Gives a place back.
    fn give_back(&self, place: KeptPlace);
    /// Puts an assignment into the place. One that does not get there is dropped.
    fn hand(&self, place: KeptPlace, assignment: Assignment) -> Result<()>;
    /// The incarnation.
    fn pid(&self) -> Pid;
    /// Whether it has not ended.
    fn is_alive(&self) -> bool;
}

/// An actor, and how its message is made of an assignment.
pub(super) struct Receiver<A: Actor, F> {
    pub(super) incarnation: Incarnation<A>,
    pub(super) make: F,
}

/// A place in the inbox of a receiver. Dropping it gives the place back.
pub(super) struct Reserved<'a> {
    receiver: &'a dyn Receive,
    place: Option<KeptPlace>,
}

impl<A, F> Receive for Receiver<A, F>
where
    A: Actor,
    F: Fn(Assignment) -> A::Message + Send + Sync,
{
    fn reserve(&self) -> Result<KeptPlace> {
        let place = self.incarnation.try_reserve()?;
        // Where a message would be dropped for it, or it for others, there is none.
        if place.has_room() { Ok(place.keep()) } else { Err(self.full()) }
    }

    fn give_back(&self, place: KeptPlace) {
        drop(self.incarnation.redeem(place));
    }

    fn hand(&self, place: KeptPlace, assignment: Assignment) -> Result<()> {
        let place = self.incarnation.redeem(place);
        // What makes the message is the receiver's, and a panic in it is none of the sender's.
        let message = contain(|| (self.make)(assignment))?;
        // With it may go another message, or itself, and what a user has may panic there.
        match contain(|| place.tell(message).map_err(|unsent| unsent.error))? {
            Ok(Told::Accepted) => Ok(()),
            Ok(_) => Err(self.full()),
            Err(error) => Err(error),
        }
    }

    fn pid(&self) -> Pid {
        self.incarnation.pid()
    }

    fn is_alive(&self) -> bool {
        self.incarnation.is_alive()
    }
}

impl<A: Actor, F> Receiver<A, F> {
    fn full(&self) -> Error {
        Error::from(codes::MAILBOX_FULL).with_detail("actor", &**self.incarnation.name())
    }
}

impl<'a> Reserved<'a> {
    /// Takes a place.
    pub(super) fn take(receiver: &'a dyn Receive) -> Result<Self> {
        Ok(Self { receiver, place: Some(receiver.reserve()?) })
    }

    /// Puts an assignment into it.
    pub(super) fn hand(mut self, assignment: Assignment) -> Result<()> {
        match self.place.take() {
            Some(place) => self.receiver.hand(place, assignment),
            None => Ok(()),
        }
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.receiver.give_back(place);
        }
    }
}
