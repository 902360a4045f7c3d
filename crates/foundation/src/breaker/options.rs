//! When circuits open and close.

use std::time::Duration;

use super::state::Thresholds;
use crate::actor::refused;
use crate::error::Result;

/// The longest that a circuit is open: whoever wants more wants it off.
const LONGEST: Duration = Duration::from_hours(24);

/// When a circuit opens and closes.
///
/// | option | default |
/// |---|---|
/// | [`failure_threshold`](Self::failure_threshold) | 5 failures in a row |
/// | [`success_threshold`](Self::success_threshold) | 3 successes |
/// | [`reset_after`](Self::reset_after) | 60 s |
/// | [`probes`](Self::probes) | 1 at a time |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct BreakerOptions {
    failure_threshold: u32,
    success_threshold: u32,
    reset_after: Duration,
    probes: u32,
}

impl BreakerOptions {
    /// How many failures in a row open it; 1 or more.
    pub const fn failure_threshold(mut self, failures: u32) -> Self {
        self.failure_threshold = failures;
        self
    }

    /// How many probes have to succeed until it closes; 1 or more.
    pub const fn success_threshold(mut self, successes: u32) -> Self {
        self.success_threshold = successes;
        self
    }

    /// How long it refuses every call before it lets a probe through; more than nothing, a day at
    /// most. A probe that has not come back after that time is waited for no more.
    pub const fn reset_after(mut self, time: Duration) -> Self {
        self.reset_after = time;
        self
    }

    /// How many probes may be under way at a time; 1 or more.
    pub const fn probes(mut self, probes: u32) -> Self {
        self.probes = probes;
        self
    }

    /// Refuses what cannot be.
    pub(super) fn thresholds(&self) -> Result<Thresholds> {
        let counts = [
            ("failure_threshold", self.failure_threshold),
            ("success_threshold", self.success_threshold),
            ("probes", self.probes),
        ];
        if let Some((field, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return Err(refused(field, "1 or more"));
        }
        if self.reset_after.is_zero() || self.reset_after > LONGEST {
            return Err(refused("reset_after", "more than nothing, a day at most"));
        }
        Ok(Thresholds {
            failures: self.failure_threshold,
            successes: self.success_threshold,
            probes: self.probes,
            reset_after: u64::try_from(self.reset_after.as_nanos()).unwrap_or(u64::MAX),
        })
    }
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self {
            failure_threshold: 5,
            success_threshold: 3,
            reset_after: Duration::from_mins(1),
            probes: 1,
        }
    }
}
