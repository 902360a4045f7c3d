//! Loading a value once for all who want it.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::handle::Shared;
use super::state::Found;
use crate::deadline::Within;
use crate::error::{Error, Result, codes};
use crate::sync::Ordering;

/// By how much longer than a load may take others wait for it: whoever loads is to be the first to
/// say that it took too long.
const MARGIN: Duration = Duration::from_millis(100);

/// What a load came to, for all who wait for it.
type Outcome<V> = Option<Result<Arc<V>>>;

/// A load under way, as others find it.
#[derive(Debug)]
pub(super) struct Flight<V> {
    number: u64,
    /// When whoever loads has given up, or should have.
    overdue: Instant,
    outcome: watch::Receiver<Outcome<V>>,
}

/// What whoever wants a value finds.
enum Turn<'a, K: Hash + Eq + Clone, V> {
    /// The value.
    Hit(Arc<V>),
    /// It loads the value.
    Loads(Leader<'a, K, V>),
    /// Somebody else does, until then at most.
    Waits(watch::Receiver<Outcome<V>>, Instant),
}

/// The one who loads. Dropping it lets another one.
struct Leader<'a, K: Hash + Eq + Clone, V> {
    cache: &'a Shared<K, V>,
    key: &'a K,
    number: u64,
    outcome: watch::Sender<Outcome<V>>,
}

impl<K: Hash + Eq + Clone, V> Shared<K, V> {
    /// The value of `key`, which is loaded if it has to be.
    pub(super) async fn get_or_load(
        &self,
        key: &K,
        load: impl AsyncFnOnce() -> Result<V>,
    ) -> Result<Arc<V>> {
        if let Some(value) = self.hit(key) {
            self.counts.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(value);
        }
        self.counts.misses.fetch_add(1, Ordering::Relaxed);
        let deadline = self.options.load_deadline;
        let gives_up = Instant::now() + 2 * deadline;
        let leader = loop {
            match self.turn(key) {
                Turn::Hit(value) => return Ok(value),
                Turn::Loads(leader) => break leader,
                Turn::Waits(outcome, until) => {
                    // Nobody waits for ever, however many give up who load.
                    if Instant::now() >= gives_up {
                        let error = self.home.deadlines.passed(Some(2 * deadline));
                        return self.instead(key, error);
                    }
                    if let Some(result) = self.outcome_of(outcome, until.min(gives_up)).await {
                        return result.or_else(|error| self.instead(key, error));
                    }
                }
            }
        };
        let loaded = match Within::new(self.home.limit(Some(deadline)), load()).await {
            Ok(loaded) => loaded.map(Arc::new),
            Err(_passed) => Err(self.home.deadlines.passed(Some(deadline))),
        };
        leader.finish(loaded).or_else(|error| self.instead(key, error))
    }

    fn hit(&self, key: &K) -> Option<Arc<V>> {
        match self.kept.lock().state.get(key, self.now()) {
            Found::Fresh(value) => Some(value),
            Found::Stale(_) | Found::Nothing => None,
        }
    }

    fn turn<'a>(&'a self, key: &'a K) -> Turn<'a, K, V> {
        let (sender, outcome) = watch::channel(None);
        // Keys are the user's, and cloned without the lock.
        let owned = key.clone();
        let now = Instant::now();
        let mut kept = self.kept.lock();
        if let Found::Fresh(value) = kept.state.get(key, self.now()) {
            return Turn::Hit(value);
        }
        if let Some(flight) = kept.flights.get(key).filter(|flight| now < flight.overdue) {
            return Turn::Waits(flight.outcome.clone(), flight.overdue);
        }
        // There is none, or whoever loads is not run any more and will not say so.
        kept.number += 1;
        let number = kept.number;
        let overdue = now + self.options.load_deadline + MARGIN;
        let before = kept.flights.remove_entry(key);
        kept.flights.insert(owned, Flight { number, overdue, outcome });
        drop(kept);
        drop(before);
        Turn::Loads(Leader { cache: self, key, number, outcome: sender })
    }

    /// What the load of somebody else came to; nothing when that one gave up, or should have.
    async fn outcome_of(
        &self,
        mut outcome: watch::Receiver<Outcome<V>>,
        until: Instant,
    ) -> Option<Result<Arc<V>>> {
        let left = until.saturating_duration_since(Instant::now());
        // The guard holds a lock of the channel, so it does not outlive this line.
        let waited = Within::new(self.home.limit(Some(left)), outcome.wait_for(Option::is_some));
        match waited.await {
            Ok(Ok(result)) => result.clone(),
            Ok(Err(_gave_up)) => None,
            Err(_passed) if self.home.has_stopped() => Some(Err(codes::SYSTEM_STOPPING.into())),
            Err(_passed) => None,
        }
    }

    /// What is given in place of what could not be loaded: what is there by now, if it is good, or
    /// has expired not too long ago.
    fn instead(&self, key: &K, error: Error) -> Result<Arc<V>> {
        let found = self.kept.lock().state.get(key, self.now());
        match found {
            Found::Fresh(value) => Ok(value),
            Found::Stale(value) if error.is_retryable() => {
                tracing::warn!(cache = %self.name, %error, "cache.stale");
                self.counts.stale.fetch_add(1, Ordering::Relaxed);
                Ok(value)
            }
            Found::Stale(_) | Found::Nothing => Err(error),
        }
    }
}

impl<K: Hash + Eq + Clone, V> Leader<'_, K, V> {
    /// Keeps what was loaded, and tells all who wait.
    fn finish(self, loaded: Result<Arc<V>>) -> Result<Arc<V>> {
        let counts = &self.cache.counts;
        match &loaded {
            Ok(value) => {
                counts.loads.fetch_add(1, Ordering::Relaxed);
                self.keep(value);
            }
            Err(_) => _ = counts.load_failures.fetch_add(1, Ordering::Relaxed),
        }
        // Nobody may wait, and then nobody is told.
        let _ = self.outcome.send(Some(loaded.clone()));
        loaded
    }

    fn keep(&self, value: &Arc<V>) {
        let (key, value) = (self.key.clone(), Arc::clone(value));
        let mut kept = self.cache.kept.lock();
        // Unless somebody has inserted or removed it meanwhile.
        let is_mine = kept.flights.get(self.key).is_some_and(|it| it.number == self.number);
        let replaced = if is_mine {
            kept.state.insert(key, value, None, self.cache.now())
        } else {
            (Some((key, value)), false)
        };
        drop(kept);
        self.cache.gave_way(&replaced);
    }
}

impl<K: Hash + Eq + Clone, V> Drop for Leader<'_, K, V> {
    fn drop(&mut self) {
        let mut kept = self.cache.kept.lock();
        let is_mine = kept.flights.get(self.key).is_some_and(|it| it.number == self.number);
        let flight = if is_mine { kept.flights.remove_entry(self.key) } else { None };
        drop(kept);
        drop(flight);
    }
}
