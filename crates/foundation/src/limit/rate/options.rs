//! How often something may happen.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

use crate::actor::refused;
use crate::error::Result;

/// The longest period, and the longest time until a bucket is full again. What counts over years
/// is not kept in memory.
const LONGEST: Duration = Duration::from_hours(366 * 24);
/// The greatest limit of a window, which remembers as many moments: 2 MB.
const GREATEST_WINDOW: u32 = 100_000;
/// How many keys a keyed limiter knows, unless it is said: some 10 MB.
const MAX_KEYS: usize = 100_000;
/// The most that can be said: to look through them takes a second.
const MOST_KEYS: usize = 10_000_000;
/// How much the windows of all keys may remember together: 2 GB.
const MOST_REMEMBERED: usize = 100_000_000;

/// How often something may happen.
///
/// | option | default |
/// |---|---|
/// | [`burst`](Self::burst), of tokens | as many as in a period |
/// | [`max_keys`](Self::max_keys), of a keyed limiter | 100,000; with a window over 1,000 fewer, so that all remember 100,000,000 moments |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct RateLimit {
    limit: u32,
    period: Duration,
    strategy: Strategy,
    burst: Option<u32>,
    max_keys: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    Tokens,
    Window,
}

/// A limit that can be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Valid {
    Nothing,
    Tokens(Quota),
    /// The limit, and the window in nanoseconds.
    Window(u32, u64),
}

impl RateLimit {
    /// A bucket of tokens: `quota` in each `period`, evenly, and as many at once. A period is 366
    /// days at most, and has no more tokens than nanoseconds. The time between two tokens is
    /// rounded up to a nanosecond.
    pub const fn tokens(quota: u32, period: Duration) -> Self {
        Self::of(Strategy::Tokens, quota, period)
    }

    /// A sliding window: `limit` in any time as long as `window`. The limit is 100,000 at most, the
    /// window 366 days.
    pub const fn window(limit: u32, window: Duration) -> Self {
        Self::of(Strategy::Window, limit, window)
    }

    const fn of(strategy: Strategy, limit: u32, period: Duration) -> Self {
        Self { limit, period, strategy, burst: None, max_keys: None }
    }

    /// How many tokens the bucket holds, which may be used at once; 1 or more. It fills within 366
    /// days at most. A window has none.
    pub const fn burst(mut self, burst: u32) -> Self {
        self.burst = Some(burst);
        self
    }

    /// How many keys a keyed limiter knows at most, 1 to 10,000,000; with windows, no more than
    /// 100,000,000 divided by the limit. Keys that were not used for so
    /// long that they are as new give way; when there are none of those, new keys are refused.
    pub const fn max_keys(mut self, keys: usize) -> Self {
        self.max_keys = Some(keys);
        self
    }

    /// Refuses what cannot be.
    pub(super) fn validate(&self) -> Result<Valid> {
        if self.period.is_zero() || self.period > LONGEST {
            return Err(refused("period", "more than nothing, 366 days at most"));
        }
        let nanoseconds = u64::try_from(self.period.as_nanos()).unwrap_or(u64::MAX);
        match (self.strategy, self.burst) {
            (Strategy::Tokens, Some(0)) => Err(refused("burst", "1 or more")),
            (Strategy::Window, Some(_)) => Err(refused("burst", "a window has none")),
            _ if self.limit == 0 => Ok(Valid::Nothing),
            (Strategy::Window, None) if self.limit > GREATEST_WINDOW => {
                Err(refused("limit", "100,000 at most; tokens take any"))
            }
            (Strategy::Window, None) => Ok(Valid::Window(self.limit, nanoseconds)),
            (Strategy::Tokens, burst) => self.quota(burst, nanoseconds).map(Valid::Tokens),
        }
    }

    /// The same, for one limit of many keys, and how many there may be.
    pub(super) fn validate_keyed(&self) -> Result<(Valid, usize)> {
        let valid = self.validate()?;
        let remembered = match valid {
            Valid::Window(limit, _) => MOST_REMEMBERED / limit as usize,
            Valid::Nothing | Valid::Tokens(_) => MOST_KEYS,
        };
        let keys = self.max_keys.unwrap_or(MAX_KEYS.min(remembered));
        if !(1..=MOST_KEYS).contains(&keys) {
            return Err(refused("max_keys", "1 to 10,000,000"));
        }
        if keys > remembered {
            let why = "all windows together remember 100,000,000 moments at most";
            return Err(refused("max_keys", why));
        }
        Ok((valid, keys))
    }

    fn quota(&self, burst: Option<u32>, nanoseconds: u64) -> Result<Quota> {
        if u64::from(self.limit) > nanoseconds {
            return Err(refused("limit", "one per nanosecond at most"));
        }
        let burst = NonZeroU32::new(burst.unwrap_or(self.limit)).unwrap_or(NonZeroU32::MIN);
        // Rounded up: rounded down, a few more than the quota would be admitted in the long run.
        let interval = Duration::from_nanos(nanoseconds.div_ceil(self.limit.into()));
        if interval.saturating_mul(burst.get()) > LONGEST {
            return Err(refused("burst", "the bucket fills within 366 days at most"));
        }
        let quota = Quota::with_period(interval);
        let quota = quota.ok_or_else(|| refused("period", "more than nothing"))?;
        Ok(quota.allow_burst(burst))
    }
}
