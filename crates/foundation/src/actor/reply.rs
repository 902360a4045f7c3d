//! The right to answer one request.

use std::fmt;

use tokio::sync::oneshot;

use crate::spawn::current_task;

/// The right to answer one request, once. It may be kept and used later, in another message or
/// another task: that defers the answer, and the caller waits on.
///
/// A reply that is dropped unused fails the request at once, with `no_reply` or, when it went down
/// with its actor, `actor_stopped`.
#[must_use = "a reply that is dropped fails the request"]
pub struct Reply<T> {
    channel: Option<oneshot::Sender<Answer<T>>>,
    /// The task of the actor that was asked.
    asked: u64,
}

/// What a caller gets.
#[derive(Debug)]
pub(super) enum Answer<T> {
    Value(T),
    /// The reply was dropped by a panic in the task that was asked: its end is near, and with it
    /// the reason.
    Panicked,
}

impl<T> Reply<T> {
    #[inline]
    pub(super) fn new(asked: u64) -> (Self, oneshot::Receiver<Answer<T>>) {
        let (channel, answer) = oneshot::channel();
        (Self { channel: Some(channel), asked }, answer)
    }

    /// Answers. When the caller has given up, the value is dropped; nobody else wants it.
    #[inline]
    pub fn send(self, value: T) {
        self.was_wanted(value);
    }

    /// Answers. False when the caller has given up.
    #[inline]
    pub(crate) fn was_wanted(mut self, value: T) -> bool {
        self.channel.take().is_some_and(|channel| channel.send(Answer::Value(value)).is_ok())
    }

    /// Whether the caller still waits.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.channel.as_ref().is_some_and(|channel| !channel.is_closed())
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(channel) = self.channel.take()
            && current_task() == self.asked
        {
            drop(channel.send(Answer::Panicked));
        }
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("is_wanted", &self.is_wanted()).finish_non_exhaustive()
    }
}
