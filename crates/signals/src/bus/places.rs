//! Places in the inboxes of everybody who matches: all are taken before the first is used.

use std::collections::BTreeSet;
use std::sync::Arc;

use foundation::{Error, KeptPlace, Result, Told, codes as system_codes};
use smallvec::SmallVec;

use super::delivery::Delivery;
use super::handle::Shared;
use super::middleware::Dispatch;
use super::receiver::{Answer, Waits};
use super::report::{Outcome, Receipt};
use super::subscription::{Subscriber, WhenFull};
use crate::codes;
use crate::signal::Signal;

/// A delivery that waits for its acknowledgement, or is over.
pub(super) enum Asked {
    Waits(Answer),
    Over(Outcome),
}

/// The receivers of one signal, in order, with the places that are taken. Dropping it gives those
/// back.
#[derive(Default)]
pub(super) struct Places {
    receipts: Vec<Receipt>,
    /// One for each of them.
    spots: Spots,
}

/// More than are kept in place are rare.
type Spots = SmallVec<[Spot; 4]>;

/// Whether a receiver gets the signal, and where. With what it gets in place of the signal, where
/// somebody in between says so.
enum Spot {
    /// No place is taken yet.
    Wanted(Option<Signal>),
    Taken(KeptPlace, Option<Signal>),
    /// The receipt says what became of it.
    Over,
}

/// What a receiver without room means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFull {
    /// It is up to the subscription.
    AsSubscribed,
    /// It is left out, whatever the subscription says: the signal is in the log.
    LeaveOut,
}

impl Spot {
    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Over)
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
    fn with_capacity(receivers: usize) -> Self {
        Self { receipts: Vec::with_capacity(receivers), spots: Spots::with_capacity(receivers) }
    }

    /// Adds a receiver, which is to get the signal.
    fn want(&mut self, subscriber: &Arc<Subscriber>) {
        // Nobody gets it who has no place in the end.
        self.add(subscriber, Spot::Wanted(None), Outcome::LeftOut);
    }

    fn add(&mut self, subscriber: &Arc<Subscriber>, spot: Spot, outcome: Outcome) {
        self.receipts.push(Receipt { subscriber: Arc::clone(subscriber), outcome });
        self.spots.push(spot);
    }

    fn each(&mut self) -> impl Iterator<Item = (&mut Receipt, &mut Spot)> {
        self.receipts.iter_mut().zip(&mut self.spots)
    }

    /// The next receiver, from a number on, that is to get the signal.
    pub(super) fn wanted_from(&self, number: usize) -> Option<(usize, &Arc<Subscriber>)> {
        let spots = self.spots.get(number..)?;
        let at = number + spots.iter().position(|spot| matches!(spot, Spot::Wanted(_)))?;
        self.receipts.get(at).map(|receipt| (at, &receipt.subscriber))
    }

    /// What somebody in between says of a receiver.
    pub(super) fn dispatched(&mut self, number: usize, dispatch: Result<Dispatch>) {
        let receipt = self.receipts.get_mut(number);
        let Some((receipt, spot)) = receipt.zip(self.spots.get_mut(number)) else { return };
        (receipt.outcome, *spot) = match dispatch {
            Ok(Dispatch::Deliver(signal)) => (Outcome::LeftOut, Spot::Wanted(Some(signal))),
            Ok(Dispatch::Skip) => (Outcome::Skipped, Spot::Over),
            Err(error) => (Outcome::Failed(error), Spot::Over),
        };
    }

    /// Delivers into the places that are taken.
    pub(super) fn deliver(mut self, signal: &Signal) -> Vec<Receipt> {
        for (receipt, spot) in self.each() {
            let Receipt { subscriber, outcome } = receipt;
            if let Spot::Taken(place, instead) = spot.take() {
                let signal = instead.unwrap_or_else(|| signal.clone());
                let delivery = Delivery::new(signal, subscriber.id);
                *outcome = match subscriber.receiver.deliver(place, delivery) {
                    Ok(Told::Accepted) => Outcome::Accepted,
                    Ok(_) => Outcome::LeftOut,
                    Err(error) => Outcome::Failed(error),
                };
            }
            subscriber.count(outcome);
        }
        std::mem::take(&mut self.receipts)
    }

    /// Delivers into the places that are taken, to be acknowledged.
    pub(super) fn ask(mut self, signal: &Signal, waits: Waits) -> Vec<(Arc<Subscriber>, Asked)> {
        let (spots, receipts) =
            (std::mem::take(&mut self.spots), std::mem::take(&mut self.receipts));
        let ask = |(receipt, spot): (Receipt, Spot)| {
            let Receipt { subscriber, outcome } = receipt;
            let asked = match spot {
                Spot::Taken(place, instead) => {
                    let signal = instead.unwrap_or_else(|| signal.clone());
                    match subscriber.receiver.ask(place, signal, subscriber.id, waits) {
                        Ok(answer) => Asked::Waits(answer),
                        Err(error) if is_full(&error) => Asked::Over(Outcome::LeftOut),
                        Err(error) => Asked::Over(Outcome::Failed(error)),
                    }
                }
                Spot::Wanted(_) | Spot::Over => Asked::Over(outcome),
            };
            match &asked {
                Asked::Waits(_) => subscriber.count(&Outcome::Accepted),
                Asked::Over(outcome) => subscriber.count(outcome),
            }
            (subscriber, asked)
        };
        receipts.into_iter().zip(spots).map(ask).collect()
    }
}

impl Shared {
    /// Everybody whose pattern and condition match, each once, in order; and those whose condition
    /// failed.
    pub(super) fn receivers(&self, signal: &Signal) -> Places {
        let matches = self.router.matching(signal);
        let failures = matches.failures();
        let mut places = Places::with_capacity(matches.len() + failures.len());
        let mut seen = BTreeSet::new();
        for subscriber in matches.targets() {
            if !subscriber.is_manifold() || seen.insert(subscriber.id) {
                places.want(subscriber);
            }
        }
        for failure in failures {
            let subscriber = failure.route.target();
            if !subscriber.is_manifold() || seen.insert(subscriber.id) {
                places.add(subscriber, Spot::Over, Outcome::Failed(failure.error.clone()));
            }
        }
        places
    }

    /// Takes a place in the inbox of each of them, or in none.
    pub(super) fn take_places(&self, mut places: Places, on_full: OnFull) -> Result<Places> {
        for (receipt, spot) in places.each() {
            let Receipt { subscriber, outcome } = receipt;
            let Spot::Wanted(instead) = spot else { continue };
            if subscriber.is_over() {
                let error = Error::from(codes::NO_SUCH_SUBSCRIPTION);
                let error = error.with_detail("subscription", subscriber.id.0);
                (*outcome, *spot) = (Outcome::Failed(error), Spot::Over);
                continue;
            }
            match subscriber.receiver.reserve() {
                Ok(taken) => *spot = Spot::Taken(taken, instead.take()),
                Err(error) => {
                    *outcome = self.without_place(subscriber, on_full, error)?;
                    *spot = Spot::Over;
                }
            }
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
        for (Receipt { subscriber, .. }, spot) in self.each() {
            if let Spot::Taken(place, _) = spot.take() {
                subscriber.receiver.give_back(place);
            }
        }
    }
}
