//! How much is kept, and for how long.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::actor::refused;
use crate::error::Result;

/// How many entries are kept, unless it is said.
const MAX_ENTRIES: usize = 100_000;
/// The most that can be kept: more than fits into any memory.
const MOST_ENTRIES: usize = usize::MAX / 1024;
/// The longest that anything is kept, waited for, or given after it has expired.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// How a [`Cache`](super::Cache) keeps its entries.
///
/// | option | default |
/// |---|---|
/// | [`max_entries`](Self::max_entries) | 100,000 |
/// | [`ttl`](Self::ttl) | none: until it gives way |
/// | [`stale_for`](Self::stale_for) | nothing: what has expired is not given |
/// | [`load_deadline`](Self::load_deadline) | 30 s |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct CacheOptions {
    max_entries: usize,
    ttl: Option<Duration>,
    stale_for: Duration,
    pub(super) load_deadline: Duration,
}

/// Options that can be, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) max_entries: NonZeroUsize,
    pub(super) ttl: Option<u64>,
    pub(super) stale_for: u64,
}

impl CacheOptions {
    /// How many entries are kept at most; 1 or more.
    pub const fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// How long an entry is good, from when it was written; more than nothing, 366 days at most.
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// For how long after it has expired an entry may be given when it cannot be loaded again; 366
    /// days at most.
    pub const fn stale_for(mut self, time: Duration) -> Self {
        self.stale_for = time;
        self
    }

    /// How long a load may take; more than nothing, 366 days at most. Somebody waits for the loads
    /// of others for twice as long at most: when one who loads gives up, another begins.
    pub const fn load_deadline(mut self, deadline: Duration) -> Self {
        self.load_deadline = deadline;
        self
    }

    /// Refuses what cannot be.
    pub(super) fn validate(&self) -> Result<Limits> {
        let max_entries = NonZeroUsize::new(self.max_entries);
        let max_entries = max_entries.filter(|entries| entries.get() <= MOST_ENTRIES);
        let max_entries = max_entries
            .ok_or_else(|| refused("max_entries", "1 or more, and not beyond all bounds"))?;
        let ttl = self.ttl.map(nanoseconds_of_ttl).transpose()?;
        if self.stale_for > LONGEST {
            return Err(refused("stale_for", "366 days at most"));
        }
        if self.load_deadline.is_zero() || self.load_deadline > LONGEST {
            return Err(refused("load_deadline", "more than nothing, 366 days at most"));
        }
        Ok(Limits { max_entries, ttl, stale_for: nanoseconds(self.stale_for) })
    }
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            max_entries: MAX_ENTRIES,
            ttl: None,
            stale_for: Duration::ZERO,
            load_deadline: Duration::from_secs(30),
        }
    }
}

/// How long an entry is good.
///
/// # Errors
///
/// `invalid_options` for nothing and for more than a year.
pub(super) fn nanoseconds_of_ttl(ttl: Duration) -> Result<u64> {
    if ttl.is_zero() || ttl > LONGEST {
        return Err(refused("ttl", "more than nothing, 366 days at most"));
    }
    Ok(nanoseconds(ttl))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
