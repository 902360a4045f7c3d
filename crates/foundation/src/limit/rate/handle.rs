//! A rate limit that all share.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::Quota;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::clock::{Moment, RuntimeClock};
use super::options::{RateLimit, Valid};
use super::tokens::{Bucket, Direct, filled};
use super::window::Window;
use crate::actor::refused;
use crate::deadline::Within;
use crate::error::{Error, Result, codes};
use crate::sync::Mutex;
use crate::system::{Home, InSystem};

/// One rate limit for all who share it. A clone is the same limit.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(async {
/// use foundation::{RateLimit, RateLimiter, System};
/// use std::time::Duration;
///
/// let system = System::builder().name("shop").start().await?;
/// let second = Duration::from_secs(1);
/// let mails = RateLimiter::new(&system, "mails", RateLimit::tokens(2, second))?;
/// mails.check()?;
/// mails.check()?;
/// let denied = mails.check().unwrap_err();
/// assert_eq!(denied.code(), "rate_limited");
/// assert_eq!(denied.retry_after(), Some(second / 2));
/// mails.wait(second).await?;
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RateLimiter {
    limiter: Arc<Limiter>,
}

struct Limiter {
    name: Arc<str>,
    home: Home,
    clock: RuntimeClock,
    strategy: Strategy,
    /// Those who wait do it one after the other, in the order in which they came.
    turn: Semaphore,
}

enum Strategy {
    Nothing,
    Tokens { tokens: Box<Direct>, bucket: Bucket, quota: Quota },
    Window { window: Mutex<Window>, limit: (u32, u64) },
}

/// A rate limit, as it was when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateStatus {
    /// How much is admitted at once at most: the burst, or the limit of the window.
    pub limit: u32,
    /// How much is admitted now.
    pub remaining: u32,
    /// How long it takes until one is admitted: nothing if one is now, none if one never is.
    pub retry_after: Option<Duration>,
}

/// Something is not admitted: after how long it is, and if it ever is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Denied(pub(super) Option<Duration>);

/// Whether something is admitted.
pub(super) type Decision = std::result::Result<(), Denied>;

/// As governor says it.
type Checked = std::result::Result<
    std::result::Result<(), governor::NotUntil<Moment>>,
    governor::InsufficientCapacity,
>;

// === impl RateLimiter ===

impl RateLimiter {
    /// A limit called `name`, in errors.
    ///
    /// # Errors
    ///
    /// `invalid_options` when the limit cannot be.
    pub fn new(
        system: &impl InSystem,
        name: impl Into<Arc<str>>,
        limit: RateLimit,
    ) -> Result<Self> {
        let (clock, strategy) = match limit.validate()? {
            Valid::Nothing => (RuntimeClock::new(), Strategy::Nothing),
            Valid::Tokens(quota) => {
                let bucket = Bucket::default();
                let make = |clock| Box::new(Direct::new(quota, bucket.clone(), clock));
                let (clock, tokens) = RuntimeClock::with(make);
                (clock, Strategy::Tokens { tokens, bucket, quota })
            }
            Valid::Window(limit, window) => {
                let (window, limit) = (Mutex::default(), (limit, window));
                (RuntimeClock::new(), Strategy::Window { window, limit })
            }
        };
        let (name, home, turn) = (name.into(), system.home(), Semaphore::new(1));
        Ok(Self { limiter: Arc::new(Limiter { name, home, clock, strategy, turn }) })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.limiter.name
    }

    /// Lets one pass, or not, without waiting.
    ///
    /// # Errors
    ///
    /// `rate_limited`, with `retry_after_seconds` unless nothing is ever admitted: with a limit of
    /// 0.
    #[inline]
    pub fn check(&self) -> Result<()> {
        if let Strategy::Tokens { tokens, .. } = &self.limiter.strategy
            && tokens.check().is_ok()
        {
            return Ok(());
        }
        self.check_cost(1)
    }

    /// Lets something pass that counts as `cost`, all of it or none; 1 or more.
    ///
    /// # Errors
    ///
    /// As [`Self::check`]; `cost_too_high` when it is more than is ever admitted at once;
    /// `invalid_options` when it is 0.
    pub fn check_cost(&self, cost: u32) -> Result<()> {
        let cost = self.limiter.validate(cost)?;
        self.limiter.decide(cost).map_err(|denied| self.limiter.denied(denied))
    }

    /// Waits until one passes, but no longer than `deadline`: zero does not wait. Those who wait
    /// pass in the order in which they came. Where each has to sleep for what it needs, one passes
    /// in a millisecond at most, which is what the timers of the runtime tell apart: a burst should
    /// hold what a few of them bring. Whoever [checks](Self::check) does not wait for them. Dropping
    /// it gives the place up.
    ///
    /// # Errors
    ///
    /// `rate_limited` at once when nobody else waits and it does not pass in time, with
    /// `retry_after_seconds`; when the deadline passes while others wait before it, without;
    /// `system_stopping`.
    pub async fn wait(&self, deadline: Duration) -> Result<()> {
        self.wait_cost(1, deadline).await
    }

    /// As [`Self::wait`], for something that counts as `cost`.
    ///
    /// # Errors
    ///
    /// As [`Self::wait`] and [`Self::check_cost`].
    pub async fn wait_cost(&self, cost: u32, deadline: Duration) -> Result<()> {
        let limiter = &*self.limiter;
        let cost = limiter.validate(cost)?;
        let begun = Instant::now();
        let limit = limiter.home.limit(Some(deadline));
        let _turn = match Within::new(limit, limiter.turn.acquire()).await {
            // It is never closed.
            Ok(turn) => turn.ok(),
            Err(_passed) => {
                // When there is something again for those before it as well, is not known.
                return Err(limiter.home.passed_or(|| limiter.denied(Denied(None))));
            }
        };
        loop {
            let Err(denied) = limiter.decide(cost) else { return Ok(()) };
            let left = deadline.saturating_sub(begun.elapsed());
            match denied.0 {
                Some(wait) if wait <= left => limiter.home.sleep(wait).await?,
                _ => return Err(limiter.denied(denied)),
            }
        }
    }

    /// What it admits now. Looking takes nothing.
    #[must_use]
    pub fn status(&self) -> RateStatus {
        self.limiter.status(1)
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RateLimiter");
        shown.field("name", &self.name()).field("status", &self.status()).finish_non_exhaustive()
    }
}

// === impl Limiter ===

impl Limiter {
    fn decide(&self, cost: NonZeroU32) -> Decision {
        match &self.strategy {
            Strategy::Nothing => Err(Denied(None)),
            Strategy::Tokens { tokens, .. } => {
                let now = || self.clock.nanoseconds();
                admitted(tokens.check_n(cost), now)
            }
            Strategy::Window { window, limit } => {
                let mut window = window.lock();
                // Under the lock, so that time does not go back from one to the next.
                let admitted = window.admit(cost.get(), *limit, self.clock.nanoseconds());
                admitted.map_err(|wait| Denied(wait.map(Duration::from_nanos)))
            }
        }
    }

    fn status(&self, cost: u32) -> RateStatus {
        match &self.strategy {
            Strategy::Nothing => RateStatus { limit: 0, remaining: 0, retry_after: None },
            Strategy::Tokens { bucket, quota, .. } => {
                tokens_status(*quota, bucket.full_at(), cost, self.clock.nanoseconds())
            }
            Strategy::Window { window, limit } => {
                let mut window = window.lock();
                window_status(&mut window, *limit, cost, self.clock.nanoseconds())
            }
        }
    }

    /// Refuses what can never pass.
    fn validate(&self, cost: u32) -> Result<NonZeroU32> {
        let limit = match &self.strategy {
            Strategy::Nothing => None,
            Strategy::Tokens { quota, .. } => Some(quota.burst_size().get()),
            Strategy::Window { limit: (limit, _), .. } => Some(*limit),
        };
        validate(cost, limit)
    }

    #[cold]
    fn denied(&self, denied: Denied) -> Error {
        denied.to_error(&self.name)
    }
}

/// Refuses a cost that can never be. Where nothing is ever admitted, that is said later.
pub(super) fn validate(cost: u32, limit: Option<u32>) -> Result<NonZeroU32> {
    if let Some(limit) = limit.filter(|limit| cost > *limit) {
        return Err(Error::from(codes::COST_TOO_HIGH)
            .with_detail("cost", cost)
            .with_detail("limit", limit));
    }
    NonZeroU32::new(cost).ok_or_else(|| refused("cost", "1 or more"))
}

/// What governor says of a cost that its bucket can hold.
pub(super) fn admitted(checked: Checked, now: impl FnOnce() -> u64) -> Decision {
    match checked {
        Ok(Ok(())) => Ok(()),
        Ok(Err(not_until)) => Err(Denied(Some(not_until.wait_time_from(Moment(now()))))),
        Err(_too_much) => Err(Denied(None)),
    }
}

pub(super) fn tokens_status(quota: Quota, full_at: Option<u64>, cost: u32, now: u64) -> RateStatus {
    let (remaining, wait) = filled(quota, full_at, cost, now);
    let retry_after = Some(Duration::from_nanos(wait));
    RateStatus { limit: quota.burst_size().get(), remaining, retry_after }
}

pub(super) fn window_status(
    window: &mut Window,
    limit: (u32, u64),
    cost: u32,
    now: u64,
) -> RateStatus {
    let remaining = window.remaining(limit, now);
    let retry_after = window.wait(cost, limit, now).map(Duration::from_nanos);
    RateStatus { limit: limit.0, remaining, retry_after }
}

impl Denied {
    pub(super) fn to_error(self, limiter: &str) -> Error {
        tracing::debug!(limiter, retry_after = ?self.0, "rate_limiter.denied");
        let error = Error::from(codes::RATE_LIMITED).with_detail("limiter", limiter);
        match self.0 {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }
}
