//! What became of a signal at each of its destinations.

use std::sync::Arc;

use foundation::{Error, Pid, Result};

use crate::bus::Outcome;
use crate::signal::Signal;

/// What became of a signal that was dispatched: one receipt for each destination, in their order;
/// of a group one for each member, and none where nobody is in it.
#[derive(Debug)]
#[must_use = "it tells who did not get the signal"]
pub struct Dispatched {
    pub(super) signal: Signal,
    pub(super) receipts: Vec<DispatchReceipt>,
}

/// What became of a signal at one destination.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DispatchReceipt {
    /// Which destination, by its place in the list, from 0.
    pub destination: usize,
    /// What the destination is called.
    pub name: Arc<str>,
    /// The incarnation that was to receive, where it is an actor.
    pub pid: Option<Pid>,
    /// How often it was tried: more than once only over HTTP.
    pub attempts: u32,
    /// What became of it. Over HTTP, `Acknowledged` is an answer of success.
    pub outcome: Outcome,
}

/// What one receiver makes of a signal, before it is known whose destination it is.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) pid: Option<Pid>,
    pub(super) attempts: u32,
    pub(super) outcome: Outcome,
}

impl Dispatched {
    /// The signal, with its id and time.
    #[must_use]
    pub const fn signal(&self) -> &Signal {
        &self.signal
    }

    /// What became of it at each destination.
    #[must_use]
    pub fn receipts(&self) -> &[DispatchReceipt] {
        &self.receipts
    }

    /// How many receivers have it.
    #[must_use]
    pub fn delivered(&self) -> usize {
        let has = |receipt: &&DispatchReceipt| {
            matches!(receipt.outcome, Outcome::Accepted | Outcome::Acknowledged)
        };
        self.receipts.iter().filter(has).count()
    }

    /// The receivers that do not have it, or did not acknowledge it, and why.
    pub fn failures(&self) -> impl Iterator<Item = (&DispatchReceipt, &Error)> {
        self.receipts.iter().filter_map(|receipt| match &receipt.outcome {
            Outcome::Failed(error) => Some((receipt, error)),
            _ => None,
        })
    }

    /// Nothing, or why it did not reach everybody.
    ///
    /// # Errors
    ///
    /// The error of the first destination where trying again may help, or else of the first that
    /// failed, with its name as `destination`, how many receivers `failed`, and of how many
    /// `receivers`.
    pub fn into_result(self) -> Result<()> {
        let retryable = self.failures().find(|(_, error)| error.is_retryable());
        let Some((receipt, error)) = retryable.or_else(|| self.failures().next()) else {
            return Ok(());
        };
        let error = error.clone().with_detail("destination", &*receipt.name);
        let error = error.with_detail("failed", self.failures().count());
        Err(error.with_detail("receivers", self.receipts.len()))
    }
}

impl Sent {
    /// What becomes of it at the first attempt.
    pub(super) const fn at_once(pid: Option<Pid>, outcome: Outcome) -> Self {
        Self { pid, attempts: 1, outcome }
    }
}
