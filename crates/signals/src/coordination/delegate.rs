//! One message to one receiver, and several at the same time.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use foundation::{Category, Result};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::dead_letters::Remains;
use super::handle::Coordination;
use super::lane::Mode;
use super::options::nanos;
use super::report::{Coordinated, Sent};
use super::send::{Parcel, Posted};
use super::shared::Shared;
use crate::bus::IntoSignal;
use crate::signal::Signal;

/// A message that is being sent. Made by [`Coordination::delegate`]; await it.
///
/// Given up while it waits, the message is kept for the receiver like one whose time is over, or is
/// in progress there.
#[must_use = "nothing is sent until it is awaited"]
pub struct Delegate<'a> {
    shared: &'a Arc<Shared>,
    to: &'a str,
    from: Arc<str>,
    signal: Result<Signal>,
    deadline: Duration,
    is_buried: bool,
}

/// A message of several that was sent.
pub(super) struct PostedTo {
    pub(super) receiver: Arc<str>,
    pub(super) signal: Signal,
    pub(super) posted: Posted,
}

impl Coordination {
    /// Sends a signal from one agent to another, and waits until it has handled it, or the deadline
    /// has passed. Await it, or say more of it before.
    ///
    /// `from` is who the receiver is told that it comes from; it need not receive anything itself.
    pub fn delegate<'a>(
        &'a self,
        from: impl Into<Arc<str>>,
        to: &'a str,
        signal: impl IntoSignal,
    ) -> Delegate<'a> {
        let shared = &self.shared;
        let (signal, deadline) = (signal.into_signal(&shared.home), shared.deadline);
        Delegate { shared, to, from: from.into(), signal, deadline, is_buried: false }
    }

    /// Sends signals from one agent to several at the same time, and waits until each of them was
    /// handled, or the deadline has passed. Several to one receiver are in order.
    ///
    /// # Errors
    ///
    /// `invalid_signal`, with the `index` of the signal, and `coordination_not_running`: then
    /// nobody gets anything. What became of each is in the report, in the order in which they were
    /// given.
    pub async fn distribute<R, S>(
        &self,
        from: impl Into<Arc<str>>,
        messages: impl IntoIterator<Item = (R, S)>,
    ) -> Result<Vec<Sent>>
    where
        R: Into<Arc<str>>,
        S: IntoSignal,
    {
        tokio::task::coop::consume_budget().await;
        let shared = &self.shared;
        shared.check_runs()?;
        let stamp = |(index, (to, signal)): (usize, (R, S))| {
            let stamped = signal.into_signal(&shared.home);
            let signal = stamped.map_err(|error| error.with_detail("index", index))?;
            Ok((to.into(), signal))
        };
        let messages: Vec<_> =
            messages.into_iter().enumerate().map(stamp).collect::<Result<_>>()?;
        let from = from.into();
        // All are sent before the first answer is waited for.
        let post = |(receiver, signal): (Arc<str>, Signal)| {
            let parcel = Parcel::new(&from, &signal);
            let posted = shared.post(&receiver, parcel, Mode::Keep);
            PostedTo { receiver, signal, posted }
        };
        let posted = messages.into_iter().map(post).collect();
        Ok(shared.outcomes(posted).await)
    }
}

impl Delegate<'_> {
    /// How long the receiver may take.
    pub const fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// An infrastructure error makes a dead letter of it: that nobody receives, that nobody knows
    /// whether it was handled, or that the receiver does not work. Without this it is an error, and
    /// the message is the sender's. Other errors are answers, and stay that.
    pub const fn or_dead_letter(mut self) -> Self {
        self.is_buried = true;
        self
    }

    async fn send(self) -> Result<Coordinated> {
        // A sender that never has to wait would never let others run.
        tokio::task::coop::consume_budget().await;
        let Self { shared, to, from, signal, deadline, is_buried } = self;
        shared.check_runs()?;
        nanos("deadline", deadline)?;
        let signal = signal?;
        let due = Instant::now() + deadline;
        let parcel = Parcel::new(&from, &signal);
        let outcome = shared.post(to, parcel, Mode::Keep).outcome(due, deadline).await;
        match outcome {
            Err(error) if is_buried && error.category() == Category::Infrastructure => {
                let may_be_handled = error.code() == crate::codes::OUTCOME_UNKNOWN.name;
                let remains = Remains { to: to.into(), from, signal, attempts: 0, past: None };
                let id = shared.bury(remains, error.clone(), may_be_handled);
                Ok(Coordinated::DeadLettered(id, error))
            }
            outcome => outcome,
        }
    }
}

impl<'a> IntoFuture for Delegate<'a> {
    type Output = Result<Coordinated>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Coordinated>> + Send + 'a>>;

    /// # Errors
    ///
    /// What the receiver refuses it with; `no_such_receiver` when nobody receives under that id, or
    /// the receiver ends before it begins; `outcome_unknown` when it ends while it handles it, or
    /// does not say what came of it; `calling_self`; `invalid_signal`; `invalid_options` for a
    /// deadline that cannot be; `coordination_not_running`.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl fmt::Debug for Delegate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Delegate");
        shown.field("from", &self.from).field("to", &self.to).field("signal", &self.signal);
        shown.finish_non_exhaustive()
    }
}

impl Parcel {
    pub(super) fn new(from: &Arc<str>, signal: &Signal) -> Self {
        let (from, signal) = (Arc::clone(from), signal.clone());
        Self { from, signal, attempts: 0, past: None }
    }
}

impl Shared {
    /// What comes of messages that were sent at the same time.
    pub(super) async fn outcomes(&self, posted: Vec<PostedTo>) -> Vec<Sent> {
        let (deadline, due) = (self.deadline, Instant::now() + self.deadline);
        let wait = |one: PostedTo| async move {
            let PostedTo { receiver, signal, posted } = one;
            let outcome = posted.outcome(due, deadline).await;
            Sent { receiver, signal, outcome }
        };
        join_all(posted.into_iter().map(wait)).await
    }
}
