//! Locks on keys: for whoever has to do several things about one key, one after the other.

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::table::{Table, check_key};
use crate::deadline::{Limit, Within};
use crate::error::Result;
use crate::sync::Mutex;

/// How long whoever wants a lock waits, unless they say otherwise. As a request.
const DEADLINE: Duration = Duration::from_secs(5);

type Turn = tokio::sync::Mutex<()>;

/// The keys that somebody has locked or waits for.
#[derive(Debug, Default)]
pub(super) struct Locks(Mutex<HashMap<Arc<str>, Arc<Turn>>>);

/// A key that is to be locked. Made by [`Registry::lock`](super::Registry::lock).
#[must_use = "nothing is locked until it is awaited"]
#[derive(Debug)]
pub struct Lock {
    table: Arc<Table>,
    key: Arc<str>,
    within: Option<Duration>,
}

/// A key that is locked, until this is dropped: whoever holds it may panic or be killed.
#[must_use = "dropping it unlocks the key"]
pub struct KeyLock {
    /// Before the claim, which looks whether anybody else has one.
    guard: Option<OwnedMutexGuard<()>>,
    claim: Claim,
}

/// The interest of one, who has the lock or waits for it.
struct Claim {
    locks: Arc<Locks>,
    key: Arc<str>,
    turn: Option<Arc<Turn>>,
}

impl Lock {
    pub(super) const fn new(table: Arc<Table>, key: Arc<str>) -> Self {
        Self { table, key, within: Some(DEADLINE) }
    }

    /// Waits for `deadline` and no longer, in place of 5 s.
    pub const fn within(mut self, deadline: Duration) -> Self {
        self.within = Some(deadline);
        self
    }

    /// Waits as long as it takes.
    pub const fn without_deadline(mut self) -> Self {
        self.within = None;
        self
    }

    async fn acquire(self) -> Result<KeyLock> {
        check_key(&self.key)?;
        let claim = Claim::new(&self.table.locks, &self.key);
        let turn = claim.turn.clone().unwrap_or_default();
        let limit = Limit::new(&self.table.deadlines, 0, self.within);
        if let Ok(guard) = Within::new(limit, turn.lock_owned()).await {
            return Ok(KeyLock { guard: Some(guard), claim });
        }
        let passed = self.table.deadlines.passed(self.within);
        let message = format!("somebody else holds the lock on {:?}", self.key);
        Err(passed.with_message(message).with_detail("key", &*self.key))
    }
}

impl IntoFuture for Lock {
    type Output = Result<KeyLock>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.acquire())
    }
}

impl KeyLock {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.claim.key
    }
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        // With it goes its reference to the turn.
        drop(self.guard.take());
    }
}

impl Locks {
    /// How many keys somebody has locked or waits for.
    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

impl Claim {
    fn new(locks: &Arc<Locks>, key: &Arc<str>) -> Self {
        let turn = Arc::clone(locks.0.lock().entry(Arc::clone(key)).or_default());
        Self { locks: Arc::clone(locks), key: Arc::clone(key), turn: Some(turn) }
    }
}

impl Drop for Claim {
    /// The last one with an interest in a key forgets it.
    fn drop(&mut self) {
        let mut all = self.locks.0.lock();
        drop(self.turn.take());
        // Claims come and go under this lock. A guard or a waiter goes before its claim.
        if all.get(&self.key).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            all.remove(&self.key);
        }
    }
}

impl fmt::Debug for KeyLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLock").field("key", &self.key()).finish_non_exhaustive()
    }
}
