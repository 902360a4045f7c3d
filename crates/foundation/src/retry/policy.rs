//! When to try again, how often, and how long to wait.

use std::time::Duration;

use super::backoff::{Backoff, Jitter};
use super::budget::RetryBudget;
use crate::actor::refused;
use crate::error::Result;

/// The most attempts: whoever needs more needs a queue, which survives a restart.
const MOST_ATTEMPTS: u32 = 1000;
/// The longest wait of any kind: whoever needs a longer one needs a schedule.
const LONGEST: Duration = Duration::from_hours(24);

/// How an operation is tried again.
///
/// | option | [exponential](Self::exponential) | [linear](Self::linear) | [fixed](Self::fixed) | [immediate](Self::immediate) |
/// |---|---|---|---|---|
/// | [`backoff`](Self::backoff) | 100 ms doubling to 5 s | 500 ms more each, to 5 s | 1 s | none |
/// | [`jitter`](Self::jitter) | full | full | none | none |
/// | [`max_attempts`](Self::max_attempts) | 3 | 3 | 3 | 3 |
/// | [`deadline`](Self::deadline) | 30 s | 30 s | 30 s | 30 s |
/// | [`attempt_deadline`](Self::attempt_deadline) | none | none | none | none |
/// | [`longest_retry_after`](Self::longest_retry_after) | 60 s | 60 s | 60 s | 60 s |
/// | [`budget`](Self::budget) | none | none | none | none |
#[derive(Debug, Clone)]
#[must_use]
pub struct RetryPolicy {
    pub(super) backoff: Backoff,
    pub(super) jitter: Jitter,
    pub(super) max_attempts: u32,
    pub(super) deadline: Option<Duration>,
    pub(super) attempt_deadline: Option<Duration>,
    pub(super) longest_retry_after: Duration,
    pub(super) budget: Option<RetryBudget>,
}

impl RetryPolicy {
    /// Waits that double, from 100 ms to 5 s, with full jitter. The one to begin with.
    pub const fn exponential() -> Self {
        let (base, cap) = (Duration::from_millis(100), Duration::from_secs(5));
        Self::of(Backoff::Exponential { base, cap }, Jitter::Full)
    }

    /// Waits that grow by 500 ms, to 5 s, with full jitter.
    pub const fn linear() -> Self {
        let (step, cap) = (Duration::from_millis(500), Duration::from_secs(5));
        Self::of(Backoff::Linear { step, cap }, Jitter::Full)
    }

    /// Waits of 1 s.
    pub const fn fixed() -> Self {
        Self::of(Backoff::Fixed(Duration::from_secs(1)), Jitter::None)
    }

    /// No waits: for what fails by chance, and not under load.
    pub const fn immediate() -> Self {
        Self::of(Backoff::Fixed(Duration::ZERO), Jitter::None)
    }

    const fn of(backoff: Backoff, jitter: Jitter) -> Self {
        Self {
            backoff,
            jitter,
            max_attempts: 3,
            deadline: Some(Duration::from_secs(30)),
            attempt_deadline: None,
            longest_retry_after: Duration::from_mins(1),
            budget: None,
        }
    }

    /// How waits grow; none is longer than a day.
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// What chance does to waits.
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// How many attempts there are, the first included; 1 to 1,000. One more than retries.
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// How long everything together may take, attempts and waits; more than nothing, a day at
    /// most. An attempt that is under way then is dropped, and its error is `timeout`; a wait that
    /// would be over later is not begun.
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Lets everything together take as long as it does.
    pub const fn without_deadline(mut self) -> Self {
        self.deadline = None;
        self
    }

    /// How long one attempt may take; more than nothing, a day at most. One that takes longer is
    /// dropped and counts as failed with `timeout`, which is tried again like any other
    /// infrastructure error.
    pub const fn attempt_deadline(mut self, deadline: Duration) -> Self {
        self.attempt_deadline = Some(deadline);
        self
    }

    /// How long it waits at most because an error [asks for it](crate::Error::with_retry_after); a
    /// day at most. Such a wait is never cut short: an error that asks for more is the last.
    pub const fn longest_retry_after(mut self, wait: Duration) -> Self {
        self.longest_retry_after = wait;
        self
    }

    /// Shares a budget of retries with others. When it is spent the error is the last.
    pub fn budget(mut self, budget: &RetryBudget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    /// Refuses what cannot be.
    pub(super) fn validate(&self) -> Result<()> {
        let (first, longest) = self.backoff.bounds();
        if longest > LONGEST {
            return Err(refused("backoff", "a wait is a day at most"));
        }
        if first > longest {
            return Err(refused("backoff", "the first wait is longer than the cap"));
        }
        if !(1..=MOST_ATTEMPTS).contains(&self.max_attempts) {
            return Err(refused("max_attempts", "1 to 1,000 attempts"));
        }
        let is_deadline = |deadline: Option<Duration>| {
            deadline.is_none_or(|deadline| !deadline.is_zero() && deadline <= LONGEST)
        };
        if !is_deadline(self.deadline) {
            return Err(refused("deadline", "more than nothing, a day at most"));
        }
        if !is_deadline(self.attempt_deadline) {
            return Err(refused("attempt_deadline", "more than nothing, a day at most"));
        }
        if self.longest_retry_after > LONGEST {
            return Err(refused("longest_retry_after", "a day at most"));
        }
        Ok(())
    }
}
