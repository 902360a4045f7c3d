//! A durable subscription, as operators and consumers see it.

use std::fmt;
use std::sync::Arc;

use foundation::{Error, Pid, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::dead::{DeadLetter, DeadLetters};
use super::kept::{DEAD, dead_key};
use super::run::RunnerMessage;
use super::shared::{Event, Shared};
use crate::codes;
use crate::log::LogPosition;
use crate::topic::Pattern;

/// How many dead letters are in one page.
const PAGE: usize = 100;

/// A durable subscription. A clone is the same one; dropping it changes nothing.
#[derive(Clone)]
pub struct Durable {
    shared: Arc<Shared>,
}

/// A durable subscription as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct DurableStatus {
    /// What it is about.
    pub patterns: Vec<Pattern>,
    /// Everything that matches up to here is settled, and does not come again after a crash.
    pub cursor: LogPosition,
    /// How many are delivered and not settled.
    pub in_flight: usize,
    /// How many were read and wait to be delivered.
    pub waiting: usize,
    /// How many dead letters there are.
    pub dead_letters: u64,
    /// How many were acknowledged since it began to run in this process.
    pub acknowledged: u64,
    /// How many were delivered again since it began to run in this process.
    pub redelivered: u64,
    /// Whether an operator has paused it.
    pub is_paused: bool,
    /// Whether there are as many dead letters as may be, so that nothing is delivered.
    pub is_full: bool,
    /// Who consumes it.
    pub consumer: Option<Pid>,
    /// Whether it keeps up with the log, and need not read it.
    pub is_live: bool,
    /// What was lost to it because it was no longer kept, the newest last; at most 16.
    pub gaps: Vec<Gap>,
    /// Since when it is there.
    pub created: Option<Timestamp>,
}

/// A part of a log that was no longer kept when it was to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Gap {
    /// Behind here.
    pub from: LogPosition,
    /// Up to here.
    pub to: LogPosition,
}

impl Durable {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> DurableStatus {
        let mut status = self.shared.status.lock().clone();
        let consumer = self.shared.consumer.lock();
        status.consumer = consumer.as_ref().map(|consumer| consumer.receiver.pid());
        status
    }

    /// The dead letters behind a position, up to a hundred; from the first one with
    /// [`LogPosition::START`].
    ///
    /// # Errors
    ///
    /// Whatever the log fails with; `subscription_unreadable`.
    pub async fn dead_letters(&self, after: LogPosition) -> Result<DeadLetters> {
        let log = &self.shared.core.log;
        let parts = log.list_parts(&self.shared.owner, &dead_key(after), PAGE).await?;
        let parts = parts.iter().filter(|(key, _)| key.starts_with(DEAD));
        let letters = parts.map(|(_, value)| DeadLetter::read(&self.shared.name, value));
        let letters = letters.collect::<Result<Vec<_>>>()?;
        let next = (letters.len() == PAGE).then(|| letters.last().map(|last| last.position));
        Ok(DeadLetters { letters, next: next.flatten() })
    }

    /// Delivers dead letters once more, with as many attempts as at first. One that is acknowledged
    /// is no dead letter any more; the others stay. Gives how many there were of those.
    ///
    /// What is under way when the process ends stays a dead letter.
    ///
    /// # Errors
    ///
    /// Whatever the log fails with; `bus_not_running`.
    pub async fn redrive(&self, positions: &[LogPosition]) -> Result<u64> {
        let positions = positions.to_vec();
        self.ask(|reply| RunnerMessage::Redrive(positions, reply)).await
    }

    /// Delivers all dead letters once more, as [`Self::redrive`]; a thousand at a time, the first
    /// ones first.
    ///
    /// # Errors
    ///
    /// As [`Self::redrive`].
    pub async fn redrive_all(&self) -> Result<u64> {
        self.ask(RunnerMessage::RedriveAll).await
    }

    /// Drops dead letters for good. Gives how many there were of those.
    ///
    /// # Errors
    ///
    /// As [`Self::redrive`].
    pub async fn purge(&self, positions: &[LogPosition]) -> Result<u64> {
        let positions = positions.to_vec();
        self.ask(|reply| RunnerMessage::Purge(positions, reply)).await
    }

    /// Drops all dead letters for good. Gives how many there were.
    ///
    /// # Errors
    ///
    /// As [`Self::redrive`].
    pub async fn purge_all(&self) -> Result<u64> {
        self.ask(RunnerMessage::PurgeAll).await
    }

    /// Delivers nothing more until it is [resumed](Self::resume), in later processes too. What is
    /// delivered already may still be settled.
    ///
    /// # Errors
    ///
    /// As [`Self::redrive`].
    pub async fn pause(&self) -> Result<()> {
        self.ask(|reply| RunnerMessage::Pause(true, reply)).await
    }

    /// Delivers again.
    ///
    /// # Errors
    ///
    /// As [`Self::redrive`].
    pub async fn resume(&self) -> Result<()> {
        self.ask(|reply| RunnerMessage::Pause(false, reply)).await
    }

    /// Has nobody consume it any more: it waits for the next consumer, who gets what was in flight.
    /// A handler that consumed it gets nothing more, and ends with its owner or with the bus; an
    /// actor may still handle what is in its inbox. Whether there was a consumer.
    #[expect(clippy::must_use_candidate, reason = "whoever releases it need not care who had it")]
    pub fn release(&self) -> bool {
        let consumer = self.shared.consumer.lock().take();
        let Some(consumer) = consumer else { return false };
        self.shared.tell(Event::Released(consumer.number));
        true
    }

    /// Goes on behind a position: what lies between is delivered again, or is left out. What is in
    /// flight is of no account any more.
    ///
    /// # Errors
    ///
    /// As [`Self::redrive`].
    pub async fn seek(&self, position: LogPosition) -> Result<()> {
        self.ask(|reply| RunnerMessage::Seek(position, reply)).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        make: impl FnOnce(foundation::Reply<Result<T>>) -> RunnerMessage,
    ) -> Result<T> {
        let runner = self.shared.runner().ok_or_else(|| {
            Error::from(codes::BUS_NOT_RUNNING).with_detail("subscription", self.name())
        })?;
        runner.ask(make).await?
    }
}

impl fmt::Debug for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Durable");
        shown.field("name", &self.name()).field("status", &self.status()).finish()
    }
}
