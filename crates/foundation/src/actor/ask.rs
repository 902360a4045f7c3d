//! Asking, and waiting for the answer: until it comes, the actor ends, or the deadline passes.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::oneshot;

use super::handle::Exited;
use super::reply::{Answer, Reply};
use super::slot::Slot;
use super::tell::{Delivery, Tell, mailbox_full};
use crate::deadline::{Limit, look_again};
use crate::error::{Error, Result, codes};

/// How long a request may take, unless it says otherwise. OTP's value.
const DEADLINE: Duration = Duration::from_secs(5);

/// A request that waits for its answer. Made by [`ActorRef::ask`](super::ActorRef::ask).
///
/// Dropping it gives the request up; the actor may handle it all the same, and finds its reply
/// [unwanted](Reply::is_wanted).
#[must_use = "nothing is asked until it is awaited"]
pub struct Ask<'a, M: Send, T> {
    slot: &'a Slot<M>,
    /// The message on its way into the mailbox.
    sending: Option<Tell<'a, M>>,
    answer: oneshot::Receiver<Answer<T>>,
    /// The actor goes down, and has not yet said why.
    ending: Option<Box<Exited<'a>>>,
    limit: Limit<'a>,
    /// The incarnation that was there when this began.
    generation: u32,
}

impl<'a, M: Send, T> Ask<'a, M, T> {
    #[inline]
    pub(super) fn new(slot: &'a Slot<M>, make: impl FnOnce(Reply<T>) -> M) -> Self {
        let (reply, answer) = Reply::new(slot.core().task.get());
        let mut ask = Self::of(slot, slot.core().life.generation(), answer);
        ask.sending = Some(Tell::new(slot, make(reply)));
        ask
    }

    /// A request that was sent to an incarnation.
    #[inline]
    pub(super) fn of(
        slot: &'a Slot<M>,
        generation: u32,
        answer: oneshot::Receiver<Answer<T>>,
    ) -> Self {
        let shard = usize::try_from(slot.core().slot).unwrap_or(0);
        let limit = Limit::new(&slot.core().system.deadlines, shard, Some(DEADLINE));
        Self { slot, sending: None, answer, ending: None, limit, generation }
    }

    /// Waits for `deadline` and no longer, in place of 5 s. Zero asks, and does not wait.
    #[inline]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.limit.set(Some(deadline));
        self
    }

    /// Waits as long as the actor lives.
    #[inline]
    pub fn without_deadline(mut self) -> Self {
        self.limit.set(None);
        self
    }

    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<T>> {
        if let Some(tell) = &mut self.sending {
            if self.slot.core().task.is_current() {
                return Poll::Ready(Err(codes::CALLING_SELF.into()));
            }
            let delivery = ready!(tell.poll_deliver(cx))?;
            self.sending = None;
            if delivery == Delivery::Dropped {
                return Poll::Ready(Err(mailbox_full(self.slot)));
            }
        }
        if self.ending.is_none() {
            match ready!(Pin::new(&mut self.answer).poll(cx)) {
                Ok(Answer::Value(value)) => return Poll::Ready(Ok(value)),
                Ok(Answer::Panicked) => {}
                Err(_) => return Poll::Ready(Err(self.unanswered())),
            }
        }
        let exited = || Box::new(Exited::of(self.slot.core(), self.generation));
        let exited = self.ending.get_or_insert_with(exited);
        Pin::new(exited).poll(cx).map(|reason| Err(reason.to_error()))
    }

    /// Why a reply was dropped.
    fn unanswered(&self) -> Error {
        let life = &self.slot.core().life;
        match life.exit_of(self.generation).or_else(|| life.ending()) {
            Some(reason) => reason.to_error(),
            None => Error::from(codes::NO_REPLY).with_detail("actor", &*self.slot.core().name),
        }
    }
}

impl<M: Send, T> Future for Ask<'_, M, T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let answer = self.poll_answer(cx);
        if answer.is_pending() && self.limit.poll(cx.waker()).is_ready() {
            let again = std::future::poll_fn(|cx| self.poll_answer(cx));
            if let Some(answer) = look_again(pin!(again), cx) {
                return Poll::Ready(answer);
            }
            let core = self.slot.core();
            let passed = core.system.deadlines.passed(self.limit.after());
            return Poll::Ready(Err(passed.with_detail("actor", &*core.name)));
        }
        answer
    }
}

/// Neither message nor answer is ever pinned.
impl<M: Send, T> Unpin for Ask<'_, M, T> {}

impl<M: Send, T> fmt::Debug for Ask<'_, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("to", &self.slot.core().pid()).finish_non_exhaustive()
    }
}
