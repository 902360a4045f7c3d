//! Buckets of tokens: governor's arithmetic over words that can be looked at.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

use super::clock::{Moment, RuntimeClock};
use super::crowd::Crowd;

/// For how long a bucket is kept that is full, in nanoseconds: longer than a thread that has read
/// the clock is kept from going on.
const MARGIN: u64 = 100_000_000;

/// One bucket, which its limiter and whoever looks share.
#[derive(Debug, Clone, Default)]
pub(super) struct Bucket(Arc<InMemoryState>);

/// Buckets by key, as many as there may be.
#[derive(Debug)]
pub(super) struct Buckets<K: Hash + Eq>(Arc<Shared<K>>);

#[derive(Debug)]
struct Shared<K: Hash + Eq> {
    buckets: DashMap<K, InMemoryState>,
    crowd: Crowd,
}

pub(super) type Direct = RateLimiter<NotKeyed, Bucket, RuntimeClock, NoOpMiddleware<Moment>>;
pub(super) type Keyed<K> = RateLimiter<K, Buckets<K>, RuntimeClock, NoOpMiddleware<Moment>>;

impl Bucket {
    /// What is in it, as [`filled`] needs it.
    pub(super) fn full_at(&self) -> Option<u64> {
        look(|peek| self.measure_and_replace(&NotKeyed::NonKey, peek))
    }
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    pub(super) fn new(max_keys: usize) -> Self {
        Self(Arc::new(Shared { buckets: DashMap::new(), crowd: Crowd::new(max_keys) }))
    }

    pub(super) fn crowd(&self) -> &Crowd {
        &self.0.crowd
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.0.buckets.contains_key(key)
    }

    /// Takes every bucket out that was full for a while at `now`. A little while: whoever has read
    /// the clock before it was taken out, and uses it after, must not find more in it than there
    /// was.
    pub(super) fn sweep(&self, now: u64) {
        self.0.buckets.retain(|_, bucket| {
            let full_at = look(|peek| bucket.measure_and_replace(&NotKeyed::NonKey, peek));
            let kept = full_at.is_some_and(|at| at.saturating_add(MARGIN) > now);
            if !kept {
                self.0.crowd.one_less();
            }
            kept
        });
    }

    /// What is in the bucket of `key`, without making one.
    pub(super) fn full_at(&self, key: &K) -> Option<u64> {
        let bucket = self.0.buckets.get(key)?;
        look(|peek| bucket.measure_and_replace(&NotKeyed::NonKey, peek))
    }
}

impl<K: Hash + Eq> Clone for Buckets<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Reads a bucket: a decision that always refuses changes nothing.
fn look(
    measure: impl FnOnce(fn(Option<Nanos>) -> Decision) -> Result<(), Option<u64>>,
) -> Option<u64> {
    measure(|full_at| Err(full_at.map(Nanos::as_u64))).err().flatten()
}

type Decision = Result<((), Nanos), Option<u64>>;

/// How many tokens a bucket has at `now` that is full at `full_at`, and how long it takes until it
/// has `cost`, in nanoseconds.
pub(super) fn filled(quota: Quota, full_at: Option<u64>, cost: u32, now: u64) -> (u32, u64) {
    let burst = quota.burst_size().get();
    let interval = u64::try_from(quota.replenish_interval().as_nanos()).unwrap_or(u64::MAX);
    let lacking = full_at.unwrap_or(0).saturating_sub(now);
    let missing = u32::try_from(lacking.div_ceil(interval)).unwrap_or(u32::MAX);
    let spare = u64::from(burst.saturating_sub(cost)) * interval;
    (burst.saturating_sub(missing), lacking.saturating_sub(spare))
}

impl StateStore for Bucket {
    type Key = NotKeyed;

    #[inline]
    fn measure_and_replace<T, F, E>(&self, key: &NotKeyed, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(key, decide)
    }
}

impl<K: Hash + Eq + Clone> StateStore for Buckets<K> {
    type Key = K;

    #[inline]
    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        if let Some(bucket) = self.0.buckets.get(key) {
            return bucket.measure_and_replace(&NotKeyed::NonKey, decide);
        }
        let bucket = self.0.buckets.entry(key.clone()).or_insert_with(|| {
            self.0.crowd.one_more();
            InMemoryState::default()
        });
        bucket.measure_and_replace(&NotKeyed::NonKey, decide)
    }
}
