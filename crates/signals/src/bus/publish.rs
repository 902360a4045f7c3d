//! Publishing: stamp, route, take a place everywhere, deliver. All of it in the publisher's task.

use std::sync::Arc;
use std::time::Duration;

use foundation::{Error, Home, Result};
use futures_util::future::join_all;
use tokio::time::Instant;

use super::handle::{Bus, Shared};
use super::log::{Landed, LogPart};
use super::places::{Asked, OnFull};
use super::receiver::Waits;
use super::report::{Outcome, Published, Receipt};
use super::subscription::Subscriber;
use crate::log::LogPosition;
use crate::signal::{Draft, Signal};

/// How long a publisher waits for the report of what is in the log already. Longer than it takes to
/// begin anew where whoever delivers has failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// What can be published: a draft, which is stamped, or a signal as it is.
pub trait IntoSignal: sealed::Sealed {
    /// The signal.
    #[doc(hidden)]
    fn into_signal(self, home: &Home) -> Result<Signal>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::signal::Draft {}
    impl Sealed for crate::signal::Signal {}
}

impl IntoSignal for Draft {
    fn into_signal(self, home: &Home) -> Result<Signal> {
        self.stamp_at(home)
    }
}

impl IntoSignal for Signal {
    fn into_signal(self, _: &Home) -> Result<Signal> {
        Ok(self)
    }
}

impl Bus {
    /// Publishes a signal: it is in the inbox of everybody who matches, or of nobody. To none is
    /// fine; the report tells.
    ///
    /// Does not wait for any receiver. What one task publishes reaches each receiver in that order.
    /// A draft is stamped when this is called, and published when it is awaited.
    ///
    /// With a log it is durable when this returns, as far as the log promises that, and is
    /// delivered from there: then a receiver without room is left out, whatever its subscription
    /// says, and nobody is refused on account of it. Given up while it waits, it may be in the log
    /// or not.
    ///
    /// # Errors
    ///
    /// `invalid_signal`; `receiver_full` when a receiver has no room, which may be tried again;
    /// `rate_limited`, with when to try again; `bus_not_running`; what a middleware stops it with,
    /// and `middleware_failed`. Nobody has the signal then.
    ///
    /// With a log, also what that fails with, and `timeout` when it does not answer; in the details
    /// is the `signal` by its id. After `timeout` it may be in the log all the same. Whoever tries
    /// again stamps the draft first, so that it has the same id both times.
    pub fn publish(
        &self,
        signal: impl IntoSignal,
    ) -> impl Future<Output = Result<Published>> + Send {
        // A draft is large, and would be copied again and again were it part of what is awaited.
        let signal = signal.into_signal(&self.shared.home);
        let shared = &*self.shared;
        async move {
            let signal = shared.begin(signal).await?;
            if let Some(part) = &shared.log {
                return shared.append(part, signal, None).await;
            }
            let receivers = shared.receivers_between(&signal).await;
            let places = shared.take_places(receivers, OnFull::AsSubscribed)?;
            let receipts = places.deliver(&signal);
            Ok(shared.report(signal, receipts).await)
        }
    }

    /// Publishes signals, one after the other: all of them are in the inboxes of everybody who
    /// matches, or none is.
    ///
    /// # Errors
    ///
    /// As [`Self::publish`]; in the details is the `index` of the signal that could not be
    /// published, and of an error of the log, which concerns all of them, the id of the first as
    /// `signal`. `cost_too_high` when there are more of them than the rate ever admits at once.
    pub async fn publish_all<S: IntoSignal>(
        &self,
        signals: impl IntoIterator<Item = S, IntoIter: Send> + Send,
    ) -> Result<Vec<Published>> {
        let stamp = |(index, signal): (usize, S)| {
            let stamped = signal.into_signal(&self.shared.home);
            stamped.map_err(|error| error.with_detail("index", index))
        };
        let signals = signals.into_iter().enumerate().map(stamp).collect::<Result<Vec<_>>>()?;
        self.shared.admit(signals.len())?;
        if let Some(part) = &self.shared.log {
            return self.shared.append_all(part, signals).await;
        }
        let mut routed = Vec::with_capacity(signals.len());
        for (index, signal) in signals.into_iter().enumerate() {
            // One that publishes many would never let others run.
            tokio::task::coop::consume_budget().await;
            let signal = self.shared.chain.before_publish(signal).await;
            let signal = signal.map_err(|error| error.with_detail("index", index))?;
            let receivers = self.shared.receivers_between(&signal).await;
            routed.push((signal, receivers));
        }
        // From here on nothing waits, so that nobody waits with places taken.
        let take = |(index, (signal, receivers))| match self
            .shared
            .take_places(receivers, OnFull::AsSubscribed)
        {
            Ok(places) => Ok((signal, places)),
            Err(error) => Err(error.with_detail("index", index)),
        };
        let taken = routed.into_iter().enumerate().map(take).collect::<Result<Vec<_>>>()?;
        let delivered: Vec<(Signal, _)> = taken
            .into_iter()
            .map(|(signal, places)| {
                let receipts = places.deliver(&signal);
                (signal, receipts)
            })
            .collect();
        let mut published = Vec::with_capacity(delivered.len());
        for (signal, receipts) in delivered {
            published.push(self.shared.report(signal, receipts).await);
        }
        Ok(published)
    }

    /// Publishes a signal, and waits until every receiver has acknowledged it, or ended, or taken
    /// longer than `deadline`. They are asked at the same time. As with [`Self::publish`], a draft
    /// is stamped when this is called; with a log, the deadline begins when the signal is in there.
    ///
    /// Given up while it waits, the signal has been published all the same.
    ///
    /// # Errors
    ///
    /// As [`Self::publish`]. What became of it at each receiver is in the report.
    pub fn publish_and_wait(
        &self,
        signal: impl IntoSignal,
        deadline: Duration,
    ) -> impl Future<Output = Result<Published>> + Send {
        let signal = signal.into_signal(&self.shared.home);
        let shared = &*self.shared;
        async move {
            let signal = shared.begin(signal).await?;
            if let Some(part) = &shared.log {
                return shared.append(part, signal, Some(deadline)).await;
            }
            let receivers = shared.receivers_between(&signal).await;
            let places = shared.take_places(receivers, OnFull::AsSubscribed)?;
            let receipts = answers(places.ask(&signal, Waits::here(deadline))).await;
            Ok(shared.report(signal, receipts).await)
        }
    }
}

/// What the receivers that were asked come to.
async fn answers(asked: Vec<(Arc<Subscriber>, Asked)>) -> Vec<Receipt> {
    let (subscribers, asked): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
    let outcomes = join_all(asked.into_iter().map(Asked::outcome)).await;
    let receipts = subscribers.into_iter().zip(outcomes);
    receipts.map(|(subscriber, outcome)| Receipt { subscriber, outcome }).collect()
}

/// An error of the log, with the signal that may be in there or not.
fn about(error: Error, signal: &Signal) -> Error {
    error.with_detail("signal", signal.id().to_string())
}

impl Shared {
    /// Appends a signal, and waits for what comes of it.
    async fn append(
        &self,
        part: &LogPart,
        signal: Signal,
        deadline: Option<Duration>,
    ) -> Result<Published> {
        let waiting = part.wait_for(signal.id(), deadline);
        let positions = part.core.log.append(vec![signal.clone()]).await;
        let positions = positions.map_err(|error| about(error, &signal))?;
        let patience = deadline.unwrap_or(PATIENCE).max(PATIENCE);
        let landed = waiting.landed(Instant::now() + patience).await;
        Ok(self.landed(signal, positions.first().copied(), landed).await)
    }

    /// Appends signals, all or none, and waits for what comes of them.
    async fn append_all(&self, part: &LogPart, signals: Vec<Signal>) -> Result<Vec<Published>> {
        let mut between = Vec::with_capacity(signals.len());
        for (index, signal) in signals.into_iter().enumerate() {
            let signal = self.chain.before_publish(signal).await;
            between.push(signal.map_err(|error| error.with_detail("index", index))?);
        }
        if between.is_empty() {
            return Ok(Vec::new());
        }
        let wait = |signal: &Signal| part.wait_for(signal.id(), None);
        let waiting: Vec<_> = between.iter().map(wait).collect();
        let positions = part.core.log.append(between.clone()).await;
        let positions = positions.map_err(|error| match between.first() {
            Some(first) => about(error, first),
            None => error,
        })?;
        let mut published = Vec::with_capacity(between.len());
        let until = Instant::now() + PATIENCE;
        for ((signal, waiting), position) in between.into_iter().zip(waiting).zip(positions) {
            let landed = waiting.landed(until).await;
            published.push(self.landed(signal, Some(position), landed).await);
        }
        Ok(published)
    }

    /// The report of a signal that was appended.
    async fn landed(
        &self,
        signal: Signal,
        position: Option<LogPosition>,
        landed: Option<Landed>,
    ) -> Published {
        let receipts = match landed {
            Some(Landed::Delivered(receipts)) => Some(receipts),
            Some(Landed::Asked(asked)) => Some(answers(asked).await),
            None => None,
        };
        let is_complete = receipts.is_some();
        // What is handed on later is counted then.
        if let Some(receipts) = &receipts {
            self.count(receipts);
        }
        let receipts = receipts.unwrap_or_default();
        let published = Published { signal, position, is_complete, receipts, failures: Vec::new() };
        self.look_on(published).await
    }

    /// What a publisher says, as it is to be routed.
    async fn begin(&self, signal: Result<Signal>) -> Result<Signal> {
        // A publisher that never has to wait would never let others run.
        tokio::task::coop::consume_budget().await;
        self.admit(1)?;
        let signal = signal?;
        if self.chain.is_empty() {
            return Ok(signal);
        }
        self.chain.before_publish(signal).await
    }

    /// Whether so many signals may be published now.
    fn admit(&self, signals: usize) -> Result<()> {
        self.check_runs()?;
        if signals == 0 {
            return Ok(());
        }
        let Some(rate) = &self.rate else { return Ok(()) };
        let cost = u32::try_from(signals).unwrap_or(u32::MAX);
        rate.check_cost(cost).inspect_err(|_| self.counts.refuse())
    }

    async fn report(&self, signal: Signal, receipts: Vec<Receipt>) -> Published {
        self.count(&receipts);
        let (position, failures) = (None, Vec::new());
        let published = Published { signal, position, is_complete: true, receipts, failures };
        self.look_on(published).await
    }

    /// Has those in between look at what was published.
    async fn look_on(&self, mut published: Published) -> Published {
        if !self.chain.is_empty() {
            published.failures = self.chain.after(&published).await;
        }
        published
    }

    /// Counts one that was published.
    pub(super) fn count(&self, receipts: &[Receipt]) {
        let (mut accepted, mut left_out, mut failed) = (0, 0, 0);
        for receipt in receipts {
            match receipt.outcome {
                Outcome::Accepted | Outcome::Acknowledged => accepted += 1,
                Outcome::LeftOut => left_out += 1,
                Outcome::Failed(_) => failed += 1,
                Outcome::Skipped => {}
            }
        }
        self.counts.publish(accepted, left_out, failed);
    }
}
