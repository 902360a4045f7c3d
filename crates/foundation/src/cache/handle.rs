//! A cache that all share.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::load::Flight;
use super::options::{CacheOptions, nanoseconds_of_ttl};
use super::state::{Found, State};
use crate::error::Result;
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::system::{Home, InSystem};

/// Keeps values by key. A clone is the same cache; values are cloned when they are given out. Keys
/// are hashed and compared under the lock of the cache, and cloned there by [`Self::sweep`]: none
/// of that may use the cache, or panic.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::{Cache, CacheOptions, System};
/// use std::time::Duration;
///
/// let system = System::builder().name("shop").start().await?;
/// let options = CacheOptions::default().max_entries(1000).ttl(Duration::from_secs(60));
/// let prices = Cache::<String, u32>::new(&system, "prices", options)?;
///
/// let tea = "tea".to_owned();
/// assert_eq!(prices.get(&tea), None);
/// assert_eq!(prices.get_or_load(&tea, async || Ok(3)).await?, 3);
/// assert_eq!(prices.get_or_load(&tea, async || unreachable!()).await?, 3);
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Cache<K: Hash + Eq, V> {
    shared: Arc<Shared<K, V>>,
}

pub(super) struct Shared<K: Hash + Eq, V> {
    pub(super) name: Arc<str>,
    pub(super) home: Home,
    pub(super) options: CacheOptions,
    started: Instant,
    pub(super) kept: Mutex<Kept<K, V>>,
    pub(super) counts: Counts,
}

/// What is kept, and what is being loaded. Values are behind pointers, so that none is cloned or
/// dropped under the lock; nor is a key dropped there. Keys are hashed and compared under it.
pub(super) struct Kept<K: Hash + Eq, V> {
    pub(super) state: State<K, Arc<V>>,
    pub(super) flights: HashMap<K, Flight<V>>,
    /// Of the last load.
    pub(super) number: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) loads: AtomicU64,
    pub(super) load_failures: AtomicU64,
    pub(super) stale: AtomicU64,
    evicted: AtomicU64,
    expired: AtomicU64,
}

/// What a cache has done since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheStats {
    /// How many entries it has now, expired ones included.
    pub entries: usize,
    /// How often a value was there and good.
    pub hits: u64,
    /// How often it was not, and somebody asked for it.
    pub misses: u64,
    /// How many loads have succeeded.
    pub loads: u64,
    /// How many loads have failed.
    pub load_failures: u64,
    /// How often a value was given that had expired, because a load had failed.
    pub stale: u64,
    /// How many entries gave way to others.
    pub evicted: u64,
    /// How many entries were swept because they had expired.
    pub expired: u64,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// A cache called `name`, in events.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn new(
        system: &impl InSystem,
        name: impl Into<Arc<str>>,
        options: CacheOptions,
    ) -> Result<Self> {
        let limits = options.validate()?;
        let kept = Kept { state: State::new(limits), flights: HashMap::new(), number: 0 };
        let shared = Shared {
            name: name.into(),
            home: system.home(),
            options,
            started: Instant::now(),
            kept: Mutex::new(kept),
            counts: Counts::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The value of `key`, if it is there and good.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<V> {
        let shared = &*self.shared;
        let found = shared.kept.lock().state.get(key, shared.now());
        let count = match &found {
            Found::Fresh(_) => &shared.counts.hits,
            Found::Stale(_) | Found::Nothing => &shared.counts.misses,
        };
        count.fetch_add(1, Ordering::Relaxed);
        match found {
            Found::Fresh(value) => Some(V::clone(&value)),
            Found::Stale(_) | Found::Nothing => None,
        }
    }

    /// The value of `key`; it is loaded if it is not there or has expired. Of those who want it at
    /// the same time one loads it, in its own task, and the others wait. Dropping the one that
    /// loads lets another begin.
    ///
    /// # Errors
    ///
    /// What the load came to, unless it was an infrastructure error and a value is there that has
    /// expired [not too long ago](CacheOptions::stale_for). `timeout` when loading took too long;
    /// `system_stopping`.
    pub async fn get_or_load(&self, key: &K, load: impl AsyncFnOnce() -> Result<V>) -> Result<V> {
        let value = self.shared.get_or_load(key, load).await?;
        Ok(V::clone(&value))
    }

    /// Puts a value in, and gives the one that was there, good or not. A load of it that is under
    /// way is for those who wait for it, and kept no more.
    pub fn insert(&self, key: K, value: V) -> Option<V> {
        self.shared.insert(key, value, None)
    }

    /// As [`Self::insert`], for a value that is good for `ttl`; more than nothing, 366 days at
    /// most.
    ///
    /// # Errors
    ///
    /// `invalid_options` for a `ttl` that cannot be; then nothing has changed.
    pub fn insert_with_ttl(&self, key: K, value: V, ttl: Duration) -> Result<Option<V>> {
        let ttl = nanoseconds_of_ttl(ttl)?;
        Ok(self.shared.insert(key, value, Some(ttl)))
    }

    /// Takes a value out, and gives it, good or not. A load of it that is under way is for those
    /// who wait for it, and kept no more.
    pub fn remove(&self, key: &K) -> Option<V> {
        let mut kept = self.shared.kept.lock();
        let flight = kept.flights.remove_entry(key);
        let removed = kept.state.remove(key);
        drop(kept);
        drop(flight);
        removed.map(|(_, value)| V::clone(&value))
    }

    /// Takes everything out, and says how much that was.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn clear(&self) -> usize {
        let mut kept = self.shared.kept.lock();
        let flights = std::mem::take(&mut kept.flights);
        let removed = kept.state.take();
        drop(kept);
        drop(flights);
        removed.len()
    }

    /// Takes everything out that has expired and may not even be given stale, and says how much
    /// that was. It looks through everything; nobody needs it but to have the memory back before
    /// others take the place.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn sweep(&self) -> usize {
        let shared = &*self.shared;
        let (swept, keys) = shared.kept.lock().state.sweep(shared.now());
        drop(keys);
        let count = u64::try_from(swept.len()).unwrap_or(u64::MAX);
        shared.counts.expired.fetch_add(count, Ordering::Relaxed);
        swept.len()
    }

    /// What it has done, and how much there is.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let counts = &self.shared.counts;
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        CacheStats {
            entries: self.shared.kept.lock().state.len(),
            hits: of(&counts.hits),
            misses: of(&counts.misses),
            loads: of(&counts.loads),
            load_failures: of(&counts.load_failures),
            stale: of(&counts.stale),
            evicted: of(&counts.evicted),
            expired: of(&counts.expired),
        }
    }
}

// === impl Shared ===

impl<K: Hash + Eq + Clone, V> Shared<K, V> {
    /// Nanoseconds since it was made.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Counts what gave way.
    pub(super) fn gave_way(&self, (_, gives_way): &(Option<(K, Arc<V>)>, bool)) {
        if *gives_way {
            self.counts.evicted.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Shared<K, V> {
    fn insert(&self, key: K, value: V, ttl: Option<u64>) -> Option<V> {
        let value = Arc::new(value);
        let mut kept = self.kept.lock();
        let flight = kept.flights.remove_entry(&key);
        let replaced = kept.state.insert(key, value, ttl, self.now());
        drop(kept);
        drop(flight);
        self.gave_way(&replaced);
        let before = replaced.0.filter(|_| !replaced.1);
        before.map(|(_, value)| V::clone(&value))
    }
}

impl<K: Hash + Eq, V> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K: Hash + Eq, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("name", &self.shared.name).finish_non_exhaustive()
    }
}
