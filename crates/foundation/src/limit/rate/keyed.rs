//! A rate limit for each key.

use std::fmt;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use governor::Quota;
use tokio::time::Instant;

use super::clock::RuntimeClock;
use super::crowd::{Crowd, Room};
use super::handle::{
    Decision, Denied, RateStatus, admitted, tokens_status, validate, window_status,
};
use super::options::{RateLimit, Valid};
use super::tokens::{Buckets, Keyed};
use super::window::Window;
use crate::error::{Error, Result, codes};
use crate::system::{Home, InSystem};

/// The same rate limit for each of many keys, such as users or addresses, which do not share it. A
/// clone is the same limits.
///
/// Keys are kept while they differ from new ones; of tokens, a tenth of a second longer. They are
/// looked through by whoever comes with a new one when there are more than a thousand and twice as
/// many as there were when they were last, and when there are as many as [there may
/// be](RateLimit::max_keys): that takes as long as it takes to look at each. While there are as
/// many, all of them in use, new keys are refused, and looked for room at most ten times in a
/// second. The number is exact but for those that come at the same time.
///
/// Keys are hashed, compared, cloned and dropped under a lock of the limiter: none of that may use
/// it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::{KeyedRateLimiter, RateLimit, System};
/// use std::time::Duration;
///
/// let system = System::builder().name("shop").start().await?;
/// let limit = RateLimit::window(1, Duration::from_secs(60));
/// let logins = KeyedRateLimiter::<String>::new(&system, "logins", limit)?;
/// logins.check(&"ann".to_owned())?;
/// logins.check(&"bob".to_owned())?;
/// assert_eq!(logins.check(&"ann".to_owned()).unwrap_err().code(), "rate_limited");
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct KeyedRateLimiter<K: Hash + Eq + Clone> {
    limiters: Arc<Limiters<K>>,
}

struct Limiters<K: Hash + Eq + Clone> {
    name: Arc<str>,
    home: Home,
    clock: RuntimeClock,
    strategy: Strategy<K>,
}

enum Strategy<K: Hash + Eq + Clone> {
    Nothing,
    Tokens { tokens: Box<Keyed<K>>, buckets: Buckets<K>, quota: Quota },
    Windows { windows: DashMap<K, Window>, crowd: Crowd, limit: (u32, u64) },
}

// === impl KeyedRateLimiter ===

impl<K: Hash + Eq + Clone + Send + Sync + 'static> KeyedRateLimiter<K> {
    /// Limits called `name`, in errors.
    ///
    /// # Errors
    ///
    /// `invalid_options` when the limit cannot be.
    pub fn new(
        system: &impl InSystem,
        name: impl Into<Arc<str>>,
        limit: RateLimit,
    ) -> Result<Self> {
        let (valid, max_keys) = limit.validate_keyed()?;
        let (clock, strategy) = match valid {
            Valid::Nothing => (RuntimeClock::new(), Strategy::Nothing),
            Valid::Tokens(quota) => {
                let buckets = Buckets::new(max_keys);
                let make = |clock| Box::new(Keyed::new(quota, buckets.clone(), clock));
                let (clock, tokens) = RuntimeClock::with(make);
                (clock, Strategy::Tokens { tokens, buckets, quota })
            }
            Valid::Window(most, window) => {
                let (windows, crowd) = (DashMap::new(), Crowd::new(max_keys));
                let strategy = Strategy::Windows { windows, crowd, limit: (most, window) };
                (RuntimeClock::new(), strategy)
            }
        };
        Ok(Self {
            limiters: Arc::new(Limiters {
                name: name.into(),
                home: system.home(),
                clock,
                strategy,
            }),
        })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.limiters.name
    }

    /// Lets one of `key` pass, or not, without waiting.
    ///
    /// # Errors
    ///
    /// `rate_limited`, with `retry_after_seconds` unless nothing is ever admitted; `too_many_keys`
    /// when the key is new and there is no room for it.
    #[inline]
    pub fn check(&self, key: &K) -> Result<()> {
        if let Strategy::Tokens { tokens, buckets, .. } = &self.limiters.strategy
            && !buckets.crowd().is_dense()
            && tokens.check_key(key).is_ok()
        {
            return Ok(());
        }
        self.check_cost(key, 1)
    }

    /// Lets something of `key` pass that counts as `cost`, all of it or none; 1 or more.
    ///
    /// # Errors
    ///
    /// As [`Self::check`]; `cost_too_high` when it is more than is ever admitted at once;
    /// `invalid_options` when it is 0.
    pub fn check_cost(&self, key: &K, cost: u32) -> Result<()> {
        let limiters = &*self.limiters;
        let cost = limiters.validate(cost)?;
        limiters.make_room(key)?;
        limiters.decide(key, cost).map_err(|denied| denied.to_error(&limiters.name))
    }

    /// Waits until one of `key` passes, but no longer than `deadline`: zero does not wait. Of those
    /// who wait for the same key any may be first, and all look whenever one may be: where many
    /// wait for one key, in order, a [`RateLimiter`](super::RateLimiter) of its own is better.
    ///
    /// # Errors
    ///
    /// `rate_limited` as soon as it is clear that it does not pass in time; `too_many_keys`;
    /// `system_stopping`.
    pub async fn wait(&self, key: &K, deadline: Duration) -> Result<()> {
        self.wait_cost(key, 1, deadline).await
    }

    /// As [`Self::wait`], for something that counts as `cost`.
    ///
    /// # Errors
    ///
    /// As [`Self::wait`] and [`Self::check_cost`].
    pub async fn wait_cost(&self, key: &K, cost: u32, deadline: Duration) -> Result<()> {
        let limiters = &*self.limiters;
        let cost = limiters.validate(cost)?;
        let begun = Instant::now();
        limiters.make_room(key)?;
        loop {
            let Err(denied) = limiters.decide(key, cost) else { return Ok(()) };
            let left = deadline.saturating_sub(begun.elapsed());
            match denied.0 {
                Some(wait) if wait <= left => limiters.home.sleep(wait).await?,
                _ => return Err(denied.to_error(&limiters.name)),
            }
        }
    }

    /// What it admits of `key` now. Looking takes nothing, and makes no key known.
    #[must_use]
    pub fn status(&self, key: &K) -> RateStatus {
        match &self.limiters.strategy {
            Strategy::Nothing => RateStatus { limit: 0, remaining: 0, retry_after: None },
            Strategy::Tokens { buckets, quota, .. } => {
                tokens_status(*quota, buckets.full_at(key), 1, self.limiters.clock.nanoseconds())
            }
            Strategy::Windows { windows, limit, .. } => match windows.get_mut(key) {
                // Under the lock of the key, so that time does not go back from one to the next.
                Some(mut window) => {
                    window_status(&mut window, *limit, 1, self.limiters.clock.nanoseconds())
                }
                None => window_status(&mut Window::default(), *limit, 1, 0),
            },
        }
    }

    /// How many keys it knows.
    #[must_use]
    pub fn keys(&self) -> usize {
        match &self.limiters.strategy {
            Strategy::Nothing => 0,
            Strategy::Tokens { buckets, .. } => buckets.crowd().len(),
            Strategy::Windows { crowd, .. } => crowd.len(),
        }
    }

    /// Forgets every key that is as a new one; of tokens, has been for a tenth of a second. It
    /// looks through all of them; nobody needs it, but to have the memory back at a time of its own
    /// choice.
    pub fn evict(&self) {
        self.limiters.sweep();
    }
}

// === impl Limiters ===

impl<K: Hash + Eq + Clone + Send + Sync + 'static> Limiters<K> {
    fn decide(&self, key: &K, cost: NonZeroU32) -> Decision {
        match &self.strategy {
            Strategy::Nothing => Err(Denied(None)),
            Strategy::Tokens { tokens, .. } => {
                admitted(tokens.check_key_n(key, cost), || self.clock.nanoseconds())
            }
            Strategy::Windows { windows, crowd, limit } => {
                // Under the lock of the key, so that time does not go back from one to the next.
                let admit = |window: &mut Window| {
                    let admitted = window.admit(cost.get(), *limit, self.clock.nanoseconds());
                    admitted.map_err(|wait| Denied(wait.map(Duration::from_nanos)))
                };
                if let Some(mut window) = windows.get_mut(key) {
                    return admit(&mut window);
                }
                let mut window = windows.entry(key.clone()).or_insert_with(|| {
                    crowd.one_more();
                    Window::default()
                });
                admit(&mut window)
            }
        }
    }

    /// Refuses what can never pass.
    fn validate(&self, cost: u32) -> Result<NonZeroU32> {
        let limit = match &self.strategy {
            Strategy::Nothing => None,
            Strategy::Tokens { quota, .. } => Some(quota.burst_size().get()),
            Strategy::Windows { limit: (limit, _), .. } => Some(*limit),
        };
        validate(cost, limit)
    }

    /// Refuses a key that there is no room for.
    fn make_room(&self, key: &K) -> Result<()> {
        let (crowd, is_known) = match &self.strategy {
            Strategy::Nothing => return Ok(()),
            Strategy::Tokens { buckets, .. } if !buckets.crowd().is_dense() => return Ok(()),
            Strategy::Windows { crowd, .. } if !crowd.is_dense() => return Ok(()),
            Strategy::Tokens { buckets, .. } => (buckets.crowd(), buckets.contains(key)),
            Strategy::Windows { windows, crowd, .. } => (crowd, windows.contains_key(key)),
        };
        if is_known {
            return Ok(());
        }
        let room = crowd.room(self.clock.nanoseconds());
        let (room, is_news) = match room {
            Room::Sweep(sweeping) => {
                self.sweep();
                (sweeping.swept(self.clock.nanoseconds()), true)
            }
            room => (room, false),
        };
        let Room::None(wait) = room else { return Ok(()) };
        // Once for each time that somebody has looked.
        if is_news {
            tracing::warn!(limiter = %self.name, "rate_limiter.too_many_keys");
        } else {
            tracing::debug!(limiter = %self.name, "rate_limiter.too_many_keys");
        }
        Err(Error::from(codes::TOO_MANY_KEYS)
            .with_detail("limiter", &*self.name)
            .with_detail("max_keys", crowd.max())
            .with_retry_after(Duration::from_nanos(wait)))
    }

    fn sweep(&self) {
        match &self.strategy {
            Strategy::Nothing => {}
            Strategy::Tokens { buckets, .. } => buckets.sweep(self.clock.nanoseconds()),
            Strategy::Windows { windows, crowd, limit: (_, window) } => {
                // Read once; with an older time more is kept.
                let now = self.clock.nanoseconds();
                windows.retain(|_, admitted| {
                    let kept = !admitted.is_new(*window, now);
                    if !kept {
                        crowd.one_less();
                    }
                    kept
                });
            }
        }
    }
}

impl<K: Hash + Eq + Clone> Clone for KeyedRateLimiter<K> {
    fn clone(&self) -> Self {
        Self { limiters: Arc::clone(&self.limiters) }
    }
}

impl<K: Hash + Eq + Clone> fmt::Debug for KeyedRateLimiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("KeyedRateLimiter");
        shown.field("name", &self.limiters.name).finish_non_exhaustive()
    }
}
