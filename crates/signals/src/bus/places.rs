//! Places in the inboxes of everybody who matches: all are taken before the first is used.

use std::collections::BTreeSet;
use std::sync::Arc;

use foundation::{Error, KeptPlace, Result, Told, codes as system_codes};

use super::delivery::Delivery;
use super::handle::Shared;
use super::middleware::Dispatch;
use super::receiver::{Answer, Waits};
use super::report::{Outcome, Receipt};
use super::subscription::{Subscriber, WhenFull};
use crate::codes;
use crate::signal::Signal;

/// A receiver of a signal, and what is known of its delivery.
pub(super) struct Pending {
    pub(super) subscriber: Arc<Subscriber>,
    /// What it gets in place of the signal, where somebody in between says so.
    instead: Option<Signal>,
    place: Place,
}

enum Place {
    /// No place is taken yet.
    Wanted,
    Taken(KeptPlace),
    /// It is known what becomes of it.
    Known(Outcome),
}

/// A delivery that waits for its acknowledgement, or is over.
pub(super) enum Asked {
    Waits(Answer),
    Over(Outcome),
}

/// The receivers of one signal, with the places that are taken. Dropping it gives those back.
#[derive(Default)]
pub(super) struct Places(Vec<Pending>);

/// What a receiver without room means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFull {
    /// It is up to the subscription.
    AsSubscribed,
    /// It is left out, whatever the subscription says: the signal is in the log.
    LeaveOut,
}

impl Pending {
    pub(super) const fn new(subscriber: Arc<Subscriber>) -> Self {
        Self { subscriber, instead: None, place: Place::Wanted }
    }

    /// One of which it is known what becomes of it.
    fn known(subscriber: Arc<Subscriber>, outcome: Outcome) -> Self {
        Self { subscriber, instead: None, place: Place::Known(outcome) }
    }

    /// What somebody in between says of it.
    pub(super) fn dispatched(&mut self, dispatch: Result<Dispatch>) {
        match dispatch {
            Ok(Dispatch::Deliver(signal)) => self.instead = Some(signal),
            Ok(Dispatch::Skip) => self.place = Place::Known(Outcome::Skipped),
            Err(error) => self.place = Place::Known(Outcome::Failed(error)),
        }
    }

    /// Whether it is to be delivered to.
    pub(super) const fn is_wanted(&self) -> bool {
        matches!(self.place, Place::Wanted)
    }

    fn signal(&mut self, signal: &Signal) -> Signal {
        self.instead.take().unwrap_or_else(|| signal.clone())
    }

    fn deliver(mut self, signal: &Signal) -> Receipt {
        let signal = self.signal(signal);
        let Self { subscriber, place, .. } = self;
        let outcome = match place {
            Place::Taken(place) => {
                match subscriber.receiver.deliver(place, Delivery::new(signal, subscriber.id)) {
                    Ok(Told::Accepted) => Outcome::Accepted,
                    Ok(_) => Outcome::LeftOut,
                    Err(error) => Outcome::Failed(error),
                }
            }
            Place::Known(outcome) => outcome,
            Place::Wanted => Outcome::LeftOut,
        };
        subscriber.count(&outcome);
        Receipt { subscriber, outcome }
    }

    fn ask(mut self, signal: &Signal, waits: Waits) -> (Arc<Subscriber>, Asked) {
        let signal = self.signal(signal);
        let Self { subscriber, place, .. } = self;
        let asked = match place {
            Place::Taken(place) => {
                match subscriber.receiver.ask(place, signal, subscriber.id, waits) {
                    Ok(answer) => Asked::Waits(answer),
                    Err(error) if is_full(&error) => Asked::Over(Outcome::LeftOut),
                    Err(error) => Asked::Over(Outcome::Failed(error)),
                }
            }
            Place::Known(outcome) => Asked::Over(outcome),
            Place::Wanted => Asked::Over(Outcome::LeftOut),
        };
        match &asked {
            Asked::Waits(_) => subscriber.count(&Outcome::Accepted),
            Asked::Over(outcome) => subscriber.count(outcome),
        }
        (subscriber, asked)
    }
}

impl Asked {
    /// What it comes to.
    pub(super) async fn outcome(self) -> Outcome {
        match self {
            Self::Waits(answer) => match answer.await {
                Ok(()) => Outcome::Acknowledged,
                Err(error) => Outcome::Failed(error),
            },
            Self::Over(outcome) => outcome,
        }
    }
}

impl Places {
    /// Delivers into the places that are taken.
    pub(super) fn deliver(mut self, signal: &Signal) -> Vec<Receipt> {
        std::mem::take(&mut self.0).into_iter().map(|one| one.deliver(signal)).collect()
    }

    /// Delivers into the places that are taken, to be acknowledged.
    pub(super) fn ask(mut self, signal: &Signal, waits: Waits) -> Vec<(Arc<Subscriber>, Asked)> {
        std::mem::take(&mut self.0).into_iter().map(|one| one.ask(signal, waits)).collect()
    }
}

impl Shared {
    /// Everybody whose pattern and condition match, each once, in order; and those whose condition
    /// failed.
    pub(super) fn receivers(&self, signal: &Signal) -> Vec<Pending> {
        let matches = self.router.matching(signal);
        let failures = matches.failures();
        let mut pending = Vec::with_capacity(matches.len() + failures.len());
        let mut seen = BTreeSet::new();
        for subscriber in matches.targets() {
            if subscriber.is_manifold() && !seen.insert(subscriber.id) {
                continue;
            }
            pending.push(Pending::new(Arc::clone(subscriber)));
        }
        for failure in failures {
            let subscriber = Arc::clone(failure.route.target());
            if !subscriber.is_manifold() || seen.insert(subscriber.id) {
                pending.push(Pending::known(subscriber, Outcome::Failed(failure.error.clone())));
            }
        }
        pending
    }

    /// Takes a place in the inbox of each of them, or in none.
    pub(super) fn take_places(&self, pending: Vec<Pending>, on_full: OnFull) -> Result<Places> {
        let mut places = Places(pending);
        for Pending { subscriber, place, .. } in &mut places.0 {
            if !matches!(place, Place::Wanted) {
                continue;
            }
            if subscriber.is_over() {
                let error = Error::from(codes::NO_SUCH_SUBSCRIPTION);
                let error = error.with_detail("subscription", subscriber.id.0);
                *place = Place::Known(Outcome::Failed(error));
                continue;
            }
            *place = match subscriber.receiver.reserve() {
                Ok(taken) => Place::Taken(taken),
                Err(error) => Place::Known(self.without_place(subscriber, on_full, error)?),
            };
        }
        Ok(places)
    }

    /// What becomes of a signal for which a receiver has no place, unless it is refused for all.
    #[cold]
    fn without_place(
        &self,
        subscriber: &Subscriber,
        on_full: OnFull,
        error: Error,
    ) -> Result<Outcome> {
        if !is_full(&error) {
            return Ok(Outcome::Failed(error));
        }
        match (on_full, subscriber.when_full) {
            (OnFull::LeaveOut, _) | (_, WhenFull::LeaveOut) => Ok(Outcome::LeftOut),
            (OnFull::AsSubscribed, WhenFull::Refuse) => {
                self.counts.refuse();
                Err(Error::from(codes::RECEIVER_FULL)
                    .with_detail("subscription", subscriber.id.0)
                    .with_detail("receiver", &**subscriber.receiver.name())
                    .with_source(error))
            }
        }
    }
}

fn is_full(error: &Error) -> bool {
    error.code() == system_codes::MAILBOX_FULL.name
}

impl Drop for Places {
    fn drop(&mut self) {
        for Pending { subscriber, place, .. } in self.0.drain(..) {
            if let Place::Taken(place) = place {
                subscriber.receiver.give_back(place);
            }
        }
    }
}
