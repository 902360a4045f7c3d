//! What an append that is queued will come to.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use foundation::{Error, Result};
use tokio::sync::oneshot;

use crate::codes;
use crate::stream::{Position, Version};

/// An append that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Committed {
    /// Where it is in the log. Its first signal has this position; each further one the next.
    pub position: Position,
    /// The version of the stream that it made.
    pub version: Version,
}

impl Committed {
    /// For engines: an append that is durable there.
    #[must_use]
    pub const fn new(position: Position, version: Version) -> Self {
        Self { position, version }
    }
}

/// The outcome of an append that was queued: awaited, it says whether it is durable.
///
/// Dropping it changes nothing: the append is made all the same. The errors are those that are
/// found when the group is committed: `key_reused`, `key_answered` and `writer_fenced`, which say
/// that nothing was written ([`is_refused`](crate::is_refused)), and `unknown_outcome`
/// ([`is_unknown`](crate::is_unknown)).
#[must_use = "an append is durable when its ticket says so"]
pub struct Ticket {
    outcome: oneshot::Receiver<Result<Committed>>,
}

/// For engines: answers a [`Ticket`]. Dropped without an answer, the outcome is unknown.
#[must_use = "dropped, the outcome is unknown"]
pub struct Resolver {
    outcome: oneshot::Sender<Result<Committed>>,
}

impl Ticket {
    /// For engines: a ticket and what answers it.
    pub fn pair() -> (Resolver, Self) {
        let (sender, receiver) = oneshot::channel();
        (Resolver { outcome: sender }, Self { outcome: receiver })
    }
}

impl Resolver {
    /// Answers the ticket. Nothing happens when nobody has it any more.
    pub fn resolve(self, outcome: Result<Committed>) {
        // The value comes back when the ticket was dropped.
        let _ = self.outcome.send(outcome);
    }
}

/// That nobody knows whether an append is durable, because of `cause`.
#[must_use]
pub fn unknown(cause: &Error) -> Error {
    Error::from(codes::UNKNOWN_OUTCOME).with_source(cause.clone())
}

impl Future for Ticket {
    type Output = Result<Committed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.outcome)
            .poll(cx)
            .map(|outcome| outcome.unwrap_or_else(|_dropped| Err(codes::UNKNOWN_OUTCOME.into())))
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").finish_non_exhaustive()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}
