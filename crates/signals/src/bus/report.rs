//! What became of a signal that was published: who got it, and who did not, and why.

use std::fmt;
use std::sync::Arc;

use foundation::{Error, Pid};

use super::subscription::{Subscriber, SubscriptionId};
use crate::log::LogPosition;
use crate::signal::Signal;

/// What became of a signal: one receipt for each subscription that it matched, in the order in
/// which they were delivered to.
#[derive(Debug)]
#[must_use = "it tells who did not get the signal"]
pub struct Published {
    pub(super) signal: Signal,
    /// Where it is in the log, of a bus that has one.
    pub(super) position: Option<LogPosition>,
    /// Whether the receipts are all there are.
    pub(super) is_complete: bool,
    pub(super) receipts: Vec<Receipt>,
    /// What went wrong in middleware that looked on.
    pub(super) failures: Vec<Error>,
}

/// What became of a signal at one receiver.
pub struct Receipt {
    pub(super) subscriber: Arc<Subscriber>,
    pub(super) outcome: Outcome,
}

/// What became of a signal at one receiver.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Outcome {
    /// It is in the receiver's inbox.
    Accepted,
    /// The receiver has handled it.
    Acknowledged,
    /// The receiver had no room, and its subscription or its mailbox says that it may be left out.
    LeftOut,
    /// A middleware did not let it through to this receiver.
    Skipped,
    /// The receiver did not get it, or did not acknowledge it. `no_process` when it has ended, and
    /// `no_such_subscription` when its subscription has, after it was found that it matches;
    /// `timeout`, `no_reply`, `actor_stopped` or its own error when an acknowledgement was waited
    /// for; `callback_panicked` when its message could not be made; what its condition or a
    /// middleware failed with.
    Failed(Error),
}

impl Published {
    /// The signal, with its id and time.
    #[must_use]
    pub const fn signal(&self) -> &Signal {
        &self.signal
    }

    /// Where it is in the log, of a bus that has one.
    #[must_use]
    pub const fn position(&self) -> Option<LogPosition> {
        self.position
    }

    /// Whether it is known what became of it at every receiver. Only with a log it may not be: the
    /// signal is in there, and whoever delivers it takes very long, or has failed and begins anew.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// What became of it at each receiver. Durable subscriptions are none of those: they read the
    /// log.
    #[must_use]
    pub fn receipts(&self) -> &[Receipt] {
        &self.receipts
    }

    /// How many receivers have it: in their inboxes, or handled.
    #[must_use]
    pub fn accepted(&self) -> usize {
        let has = |receipt: &&Receipt| {
            matches!(receipt.outcome, Outcome::Accepted | Outcome::Acknowledged)
        };
        self.receipts.iter().filter(has).count()
    }

    /// How many receivers have handled it.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        let has = |receipt: &&Receipt| matches!(receipt.outcome, Outcome::Acknowledged);
        self.receipts.iter().filter(has).count()
    }

    /// What went wrong in middleware after the signal was published, which nothing else came of.
    #[must_use]
    pub fn middleware_failures(&self) -> &[Error] {
        &self.failures
    }

    /// The receivers that do not have it, or did not acknowledge it, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&Receipt, &Error)> {
        self.receipts.iter().filter_map(|receipt| match &receipt.outcome {
            Outcome::Failed(error) => Some((receipt, error)),
            _ => None,
        })
    }
}

impl Receipt {
    /// By which subscription.
    #[must_use]
    pub fn subscription(&self) -> SubscriptionId {
        self.subscriber.id
    }

    /// What the subscription is called, if somebody said so.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.subscriber.name.as_deref()
    }

    /// The name of the actor that receives.
    #[must_use]
    pub fn receiver(&self) -> &str {
        self.subscriber.receiver.name()
    }

    /// The incarnation that receives.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.subscriber.receiver.pid()
    }

    /// What became of it.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("subscription", &self.subscription())
            .field("receiver", &self.receiver())
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}
