//! Whoever receives: one incarnation of an actor, of whatever type.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use foundation::{Actor, Caller, Error, Incarnation, KeptPlace, Pid, Result, Told, codes, contain};

use super::delivery::Delivery;
use super::guarded::Guarded;
use super::subscription::SubscriptionId;
use crate::signal::Signal;

/// An answer that is waited for.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// Who waits for answers, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    pub(crate) caller: Caller,
    pub(crate) deadline: Duration,
}

impl Waits {
    /// Whoever calls this.
    pub(crate) fn here(deadline: Duration) -> Self {
        Self { caller: Caller::current(), deadline }
    }
}

/// What a bus does with a receiver.
pub(crate) trait Receive: Send + Sync {
    /// Takes a place in its inbox.
    fn reserve(&self) -> Result<KeptPlace>;
    /// Gives a place back.
    fn give_back(&self, place: KeptPlace);
    /// Delivers into the place.
    fn deliver(&self, place: KeptPlace, delivery: Delivery) -> Result<Told>;
    /// Delivers into the place, and waits for the acknowledgement.
    fn ask(
        &self,
        place: KeptPlace,
        signal: Signal,
        by: SubscriptionId,
        waits: Waits,
    ) -> Result<Answer>;
    /// The name of the actor.
    fn name(&self) -> &Arc<str>;
    /// The incarnation.
    fn pid(&self) -> Pid;
    /// Whether it has not ended.
    fn is_alive(&self) -> bool;
}

/// An actor, and how its message is made of a delivery.
pub(crate) struct Receiver<A: Actor, F> {
    incarnation: Incarnation<A>,
    make: Guarded<F>,
}

impl<A: Actor, F> Receiver<A, F> {
    pub(crate) const fn new(incarnation: Incarnation<A>, make: F) -> Self {
        Self { incarnation, make: Guarded::new(make) }
    }

    fn make(&self) -> Result<&F> {
        self.make.get().ok_or_else(|| Error::from(codes::NO_PROCESS))
    }
}

impl<A, F> Receive for Receiver<A, F>
where
    A: Actor,
    F: Fn(Delivery) -> A::Message + Send + Sync,
{
    fn reserve(&self) -> Result<KeptPlace> {
        self.incarnation.try_reserve().map(foundation::Place::keep)
    }

    fn give_back(&self, place: KeptPlace) {
        drop(self.incarnation.redeem(place));
    }

    fn deliver(&self, place: KeptPlace, delivery: Delivery) -> Result<Told> {
        let place = self.incarnation.redeem(place);
        let make = self.make()?;
        // What makes the message is the receiver's, as is a message that is dropped here because
        // there is no room or nobody: a panic in them is none of the publisher's.
        contain(|| place.tell(make(delivery)).map_err(|unsent| unsent.error))?
    }

    fn ask(
        &self,
        place: KeptPlace,
        signal: Signal,
        by: SubscriptionId,
        waits: Waits,
    ) -> Result<Answer> {
        let place = self.incarnation.redeem(place);
        let make = self.make()?;
        let asked = contain(|| {
            place.ask_for(waits.caller, |reply| make(Delivery::awaited(signal, by, reply)))
        })??;
        let incarnation = self.incarnation.clone();
        Ok(Box::pin(async move { incarnation.answer(asked).within(waits.deadline).await? }))
    }

    fn name(&self) -> &Arc<str> {
        self.incarnation.name()
    }

    fn pid(&self) -> Pid {
        self.incarnation.pid()
    }

    fn is_alive(&self) -> bool {
        self.incarnation.is_alive()
    }
}
