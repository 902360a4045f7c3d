//! Sending a message, and what happens when there is no room.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::task::coop;

use super::slot::{STOP, Slot};
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;
use crate::mailbox::{Sent, Waiting};

/// How many messages a sender may send for one unit of its budget at the runtime, of which it gets
/// 128 before others have to be let run: then it has been busy for some hundred microseconds.
const PER_BUDGET: u32 = 64;

/// A message on its way into a mailbox. Made by [`ActorRef::tell`](super::ActorRef::tell).
///
/// Dropping it before it is ready takes the message back: nothing was accepted.
#[must_use = "nothing is sent until it is awaited"]
pub struct Tell<'a, M: Send> {
    slot: &'a Slot<M>,
    message: Option<M>,
    waiting: Option<Waiting>,
}

/// A message that was not accepted, and why. `?` makes an [`Error`] of it.
pub struct Unsent<M> {
    /// The message.
    pub message: M,
    /// Why: `mailbox_full` or `no_process`.
    pub error: Error,
}

/// What became of a message that no error is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Accepted,
    /// Dropped because the policy of the mailbox says so.
    Dropped,
    /// Not yet accepted: the sender stands in line.
    InLine(Waiting),
}

impl<'a, M: Send> Tell<'a, M> {
    #[inline]
    pub(super) const fn new(slot: &'a Slot<M>, message: M) -> Self {
        Self { slot, message: Some(message), waiting: None }
    }

    #[inline]
    pub(super) fn poll_deliver(&mut self, cx: &mut Context<'_>) -> Poll<Result<Delivery>> {
        // A sender that never has to wait would never let others run. To count its every message
        // would cost a third of the message.
        if self.slot.queue.sent().is_multiple_of(PER_BUDGET) {
            ready!(coop::poll_proceed(cx)).made_progress();
        }
        if let Some(message) = self.message.take() {
            self.message = self.slot.queue.try_accept(message);
            if self.message.is_none() {
                return Poll::Ready(Ok(Delivery::Accepted));
            }
        }
        self.poll_full(cx)
    }

    /// What happens to a message for which there was no room, or nobody.
    #[cold]
    fn poll_full(&mut self, cx: &mut Context<'_>) -> Poll<Result<Delivery>> {
        if let Some(place) = &self.waiting {
            let accepted = ready!(self.slot.queue.poll_line(place, cx.waker()));
            self.waiting = None;
            let accepted = accepted.map(|()| Delivery::Accepted);
            return Poll::Ready(accepted.map_err(|_| no_process(self.slot)));
        }
        let Some(message) = self.message.take() else {
            return Poll::Ready(Err(no_process(self.slot)));
        };
        // An actor that waits for room in its own mailbox would wait for ever.
        let waker = (!self.slot.core().task.is_current()).then(|| cx.waker());
        match try_send(self.slot, message, waker) {
            Ok(Delivery::InLine(place)) => {
                self.waiting = Some(place);
                Poll::Pending
            }
            Ok(delivery) => Poll::Ready(Ok(delivery)),
            Err(unsent) => Poll::Ready(Err(unsent.error)),
        }
    }
}

impl<M: Send> Future for Tell<'_, M> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.poll_deliver(cx).map_ok(|_| ())
    }
}

impl<M: Send> Drop for Tell<'_, M> {
    fn drop(&mut self) {
        if let Some(place) = &self.waiting {
            drop(self.slot.queue.leave_line(place));
        }
    }
}

/// The message is moved, never pinned.
impl<M: Send> Unpin for Tell<'_, M> {}

impl<M: Send> fmt::Debug for Tell<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tell").field("to", &self.slot.core().pid()).finish_non_exhaustive()
    }
}

impl<M> fmt::Debug for Unsent<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsent").field("error", &self.error).finish_non_exhaustive()
    }
}

impl<M> fmt::Display for Unsent<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<M> std::error::Error for Unsent<M> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl<M> From<Unsent<M>> for Error {
    fn from(unsent: Unsent<M>) -> Self {
        unsent.error
    }
}

/// Sends, and does what the policy of a full mailbox says; with a `waker` that may be to wait.
pub(super) fn try_send<M: Send>(
    slot: &Slot<M>,
    message: M,
    waker: Option<&Waker>,
) -> std::result::Result<Delivery, Unsent<M>> {
    let unsent = |message, error| Err(Unsent { message, error });
    match slot.queue.send(message, waker) {
        Sent::Accepted => Ok(Delivery::Accepted),
        Sent::InsteadOf(oldest) => {
            drop(oldest);
            Ok(Delivery::Accepted)
        }
        Sent::Dropped(message) => {
            drop(message);
            Ok(Delivery::Dropped)
        }
        Sent::InLine(place) => Ok(Delivery::InLine(place)),
        Sent::Full(message) => unsent(message, mailbox_full(slot)),
        Sent::Overflow(message) => {
            overflow(slot, slot.core().life.generation());
            unsent(message, mailbox_full(slot))
        }
        Sent::Closed(message) => unsent(message, no_process(slot)),
    }
}

/// Stops an incarnation, because a message was sent for which it has no room.
pub(super) fn overflow<M>(slot: &Slot<M>, generation: u32) {
    let overflow = Error::from(codes::MAILBOX_OVERFLOW);
    slot.core().life.request(generation, ExitReason::Error(overflow));
    slot.queue.raise(generation, STOP);
}

pub(super) fn mailbox_full<M>(slot: &Slot<M>) -> Error {
    Error::from(codes::MAILBOX_FULL).with_detail("actor", &*slot.core().name)
}

pub(super) fn no_process<M>(slot: &Slot<M>) -> Error {
    let error = Error::from(codes::NO_PROCESS).with_detail("actor", &*slot.core().name);
    match slot.core().life.ending() {
        Some(reason) => error.with_detail("reason", reason.to_string()),
        None => error,
    }
}
