//! How a durable subscription delivers.

use std::sync::Arc;
use std::time::Duration;

use foundation::{Backoff, Result};
use jiff::Timestamp;

use super::state::Rules;
use crate::error::invalid_options;
use crate::log::LogPosition;

/// How many signals are delivered and not settled at a time, unless somebody says otherwise: enough
/// that a consumer need not wait for the log, few enough that those which are delivered twice after
/// a crash are few.
const MAX_IN_FLIGHT: usize = 100;
/// The most that may be in flight: they are in memory.
const MOST_IN_FLIGHT: usize = 10_000;
/// How long a consumer may take, unless somebody says otherwise: as a handler.
const ACK_DEADLINE: Duration = Duration::from_secs(30);
/// How often a signal is delivered at most, unless somebody says otherwise.
const MAX_ATTEMPTS: u32 = 5;
/// How long it waits before it is delivered again, unless somebody says otherwise.
const BACKOFF: Backoff =
    Backoff::Exponential { base: Duration::from_millis(100), cap: Duration::from_secs(30) };
/// How many dead letters there may be, unless somebody says otherwise: then nothing is delivered
/// until somebody has looked at them.
const MAX_DEAD_LETTERS: u64 = 10_000;

/// Where a durable subscription begins that is not there yet. One that is goes on where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Start {
    /// With what is published from now on. The default.
    #[default]
    Now,
    /// With the first signal that is kept.
    Beginning,
    /// Behind a position.
    After(LogPosition),
    /// With what was appended at a time or later.
    At(Timestamp),
}

/// How a durable subscription delivers, and what it is called. A name alone is one, with defaults.
///
/// | option | default | |
/// |---|---|---|
/// | [`start`](Self::start) | [`Start::Now`] | where it begins, if it is not there yet |
/// | [`max_in_flight`](Self::max_in_flight) | 100 | how many are delivered and not settled; with 1 they are handled strictly in order |
/// | [`ack_deadline`](Self::ack_deadline) | 30 s | how long the consumer may take for the one whose turn it is |
/// | [`max_attempts`](Self::max_attempts) | 5 | how often one is delivered before it is a dead letter |
/// | [`backoff`](Self::backoff) | 100 ms, doubling up to 30 s | how long it waits before it is delivered again |
/// | [`max_dead_letters`](Self::max_dead_letters) | 10,000 | with so many it delivers nothing more |
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct DurableOptions {
    pub(super) name: Arc<str>,
    pub(super) start: Start,
    pub(super) rules: Rules,
    pub(super) max_dead_letters: u64,
}

impl DurableOptions {
    /// With defaults, under a name of 1 to 128 letters, digits, dots, `_` and `-` of ASCII.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        let rules = Rules {
            max_in_flight: MAX_IN_FLIGHT,
            ack_deadline: ACK_DEADLINE,
            max_attempts: MAX_ATTEMPTS,
            backoff: BACKOFF,
        };
        let (name, start) = (name.into(), Start::default());
        Self { name, start, rules, max_dead_letters: MAX_DEAD_LETTERS }
    }

    /// Where it begins, if it is not there yet.
    pub const fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// How many signals are delivered and not settled at a time, from 1 to 10,000. One that waits
    /// to be delivered again counts, so that with 1 they are handled strictly in order.
    pub const fn max_in_flight(mut self, most: usize) -> Self {
        self.rules.max_in_flight = most;
        self
    }

    /// How long the consumer may take for one; then it is delivered again. The time of one begins
    /// when everything is settled that was delivered before it: until then it waits in the inbox.
    pub const fn ack_deadline(mut self, deadline: Duration) -> Self {
        self.rules.ack_deadline = deadline;
        self
    }

    /// How often one is delivered at most. Then it is a dead letter.
    pub const fn max_attempts(mut self, most: u32) -> Self {
        self.rules.max_attempts = most;
        self
    }

    /// How long it waits before one is delivered again.
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.rules.backoff = backoff;
        self
    }

    /// How many dead letters there may be. With so many nothing more is delivered until some are
    /// redriven or purged.
    pub const fn max_dead_letters(mut self, most: u64) -> Self {
        self.max_dead_letters = most;
        self
    }

    pub(crate) const fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn validate(&self) -> Result<()> {
        let Self { name, rules, max_dead_letters, .. } = self;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let refused = |field, why| Err(invalid_options(field, why));
        if name.is_empty() || name.len() > 128 || !name.bytes().all(is_name) {
            return refused("name", "it has 1 to 128 letters, digits, dots, `_` and `-` of ASCII");
        }
        if !(1..=MOST_IN_FLIGHT).contains(&rules.max_in_flight) {
            return refused("max_in_flight", "it is from 1 to 10,000");
        }
        if rules.ack_deadline.is_zero() {
            return refused("ack_deadline", "a consumer needs some time");
        }
        if rules.max_attempts == 0 {
            return refused("max_attempts", "it is at least 1");
        }
        if *max_dead_letters == 0 {
            return refused("max_dead_letters", "it is at least 1");
        }
        Ok(())
    }
}

impl From<&str> for DurableOptions {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}
