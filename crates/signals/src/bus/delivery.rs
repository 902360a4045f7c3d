//! A signal on its way to one receiver.

use std::fmt;

use foundation::{Error, Reply, Result};

use super::subscription::SubscriptionId;
use crate::durable::Ticket;
use crate::log::LogPosition;
use crate::signal::Signal;

/// A signal as one receiver gets it: an actor's message is made of it.
///
/// Whoever handled it [acknowledges](Self::acknowledge) it. That matters to a publisher that waits,
/// and to a durable subscription; to others it is of no account. One that is dropped is not
/// acknowledged.
#[must_use = "it is not acknowledged unless somebody says so"]
pub struct Delivery {
    signal: Signal,
    subscription: SubscriptionId,
    /// Nobody wants to know what becomes of most of them, and what is small is quickly copied into
    /// an inbox.
    settle: Option<Box<Settle>>,
}

/// Who wants to know what becomes of a delivery.
enum Settle {
    /// A publisher that waits.
    Publisher(Reply<Result<()>>),
    /// A durable subscription.
    Durable(Ticket),
}

impl Delivery {
    pub(crate) const fn new(signal: Signal, subscription: SubscriptionId) -> Self {
        Self { signal, subscription, settle: None }
    }

    /// One whose publisher waits for the acknowledgement.
    pub(super) fn awaited(
        signal: Signal,
        subscription: SubscriptionId,
        reply: Reply<Result<()>>,
    ) -> Self {
        Self { signal, subscription, settle: Some(Box::new(Settle::Publisher(reply))) }
    }

    /// One of a durable subscription.
    pub(crate) fn durable(signal: Signal, subscription: SubscriptionId, ticket: Ticket) -> Self {
        Self { signal, subscription, settle: Some(Box::new(Settle::Durable(ticket))) }
    }

    /// The signal.
    #[must_use]
    pub const fn signal(&self) -> &Signal {
        &self.signal
    }

    /// The signal alone; it is not acknowledged.
    #[must_use]
    pub fn into_signal(self) -> Signal {
        self.signal
    }

    /// By which subscription it came; one that no bus gives, when it was
    /// [dispatched](crate::Dispatcher::dispatch).
    #[must_use]
    pub const fn subscription(&self) -> SubscriptionId {
        self.subscription
    }

    /// Whether somebody wants to know what becomes of it: a publisher that waits, or a durable
    /// subscription, which delivers it again unless it is acknowledged.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        match self.settle.as_deref() {
            None => false,
            Some(Settle::Publisher(reply)) => reply.is_wanted(),
            Some(Settle::Durable(_)) => true,
        }
    }

    /// For the how many-th time it is delivered by a durable subscription, from 1.
    #[must_use]
    pub fn attempt(&self) -> Option<u32> {
        self.ticket().map(Ticket::attempt)
    }

    /// Where in the log it is, if a durable subscription delivers it.
    #[must_use]
    pub fn position(&self) -> Option<LogPosition> {
        self.ticket().map(Ticket::position)
    }

    fn ticket(&self) -> Option<&Ticket> {
        match self.settle.as_deref() {
            Some(Settle::Durable(ticket)) => Some(ticket),
            None | Some(Settle::Publisher(_)) => None,
        }
    }

    /// Says that it was handled.
    pub fn acknowledge(self) {
        self.settle(Ok(()));
    }

    /// Says that it was not handled, and why. A durable subscription delivers it again if the error
    /// [may be retried](Error::is_retryable); if not, it is a dead letter.
    pub fn refuse(self, error: Error) {
        self.settle(Err(error));
    }

    /// Says what became of it.
    pub fn settle(self, outcome: Result<()>) {
        match self.settle.map(|settle| *settle) {
            None => {}
            Some(Settle::Publisher(reply)) => reply.send(outcome),
            Some(Settle::Durable(ticket)) => ticket.settle(outcome),
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("signal", &self.signal)
            .field("subscription", &self.subscription)
            .finish_non_exhaustive()
    }
}
