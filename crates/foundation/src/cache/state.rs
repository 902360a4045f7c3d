//! What is kept, and what gives way. Pure: it is told the time, in nanoseconds since some moment,
//! never going back. What it gives up it gives back, to be dropped elsewhere.

use std::hash::Hash;

use lru::LruCache;

use super::options::Limits;

/// The entries, by when they were used.
#[derive(Debug)]
pub(super) struct State<K: Hash + Eq, V> {
    limits: Limits,
    entries: LruCache<K, Entry<V>>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    /// When it is good no more.
    expires: u64,
}

/// What is there of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<V> {
    Fresh(V),
    /// It has expired, and may be given if there is no other.
    Stale(V),
    Nothing,
}

impl<K: Hash + Eq, V: Clone> State<K, V> {
    pub(super) fn new(limits: Limits) -> Self {
        // Without a capacity of its own it takes no memory before there is anything.
        Self { limits, entries: LruCache::unbounded() }
    }

    /// Looks for an entry, which is used by that.
    pub(super) fn get(&mut self, key: &K, now: u64) -> Found<V> {
        let stale_for = self.limits.stale_for;
        // What may not even be given stale is not used by that, and so gives way first.
        let is_gone = |entry: &Entry<V>| entry.expires.saturating_add(stale_for) <= now;
        if self.entries.peek(key).is_none_or(is_gone) {
            return Found::Nothing;
        }
        match self.entries.get(key) {
            Some(entry) if now < entry.expires => Found::Fresh(entry.value.clone()),
            Some(entry) => Found::Stale(entry.value.clone()),
            None => Found::Nothing,
        }
    }

    /// Puts an entry in, which is good for `ttl`, or as long as all are. Gives back what it takes
    /// the place of, and whether that was another one that gives way.
    pub(super) fn insert(
        &mut self,
        key: K,
        value: V,
        ttl: Option<u64>,
        now: u64,
    ) -> (Option<(K, V)>, bool) {
        let ttl = ttl.or(self.limits.ttl);
        let expires = ttl.map_or(u64::MAX, |ttl| now.saturating_add(ttl));
        let is_new = !self.entries.contains(&key);
        let gives_way = is_new && self.entries.len() >= self.limits.max_entries.get();
        let last = if gives_way { self.entries.pop_lru() } else { None };
        let replaced = self.entries.push(key, Entry { value, expires });
        (last.or(replaced).map(|(key, entry)| (key, entry.value)), gives_way)
    }

    /// Takes an entry out.
    pub(super) fn remove(&mut self, key: &K) -> Option<(K, V)> {
        self.entries.pop_entry(key).map(|(key, entry)| (key, entry.value))
    }

    /// Takes everything out, and gives an empty one that goes on in its place.
    pub(super) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.limits))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl<K: Hash + Eq + Clone, V: Clone> State<K, V> {
    /// Takes everything out that has expired and may not even be given stale.
    /// Gives back the keys that it needed too.
    pub(super) fn sweep(&mut self, now: u64) -> (Vec<(K, V)>, Vec<K>) {
        let stale_for = self.limits.stale_for;
        let gone = |entry: &Entry<V>| entry.expires.saturating_add(stale_for) <= now;
        let entries = self.entries.iter().filter(|(_, entry)| gone(entry));
        let keys: Vec<_> = entries.map(|(key, _)| key.clone()).collect();
        (keys.iter().filter_map(|key| self.remove(key)).collect(), keys)
    }
}
