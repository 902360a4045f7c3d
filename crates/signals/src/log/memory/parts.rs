//! The parts that a log in memory keeps for subscriptions.

use std::collections::BTreeMap;
use std::ops::Bound;

use foundation::{Error, Result};

use crate::codes;
use crate::log::limits::check_parts;
use crate::log::port::PartChange;

/// Parts, by owner and key. There is no owner without a part.
#[derive(Debug, Default)]
pub(super) struct Parts {
    owners: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    /// Of all owners, keys and values.
    bytes: usize,
}

impl Parts {
    /// Makes all changes, or none; of two changes of a part the later one counts.
    pub(super) fn store(
        &mut self,
        owner: &str,
        changes: Vec<PartChange>,
        most: usize,
    ) -> Result<()> {
        check_parts(owner, &changes)?;
        let changes: BTreeMap<_, _> =
            changes.into_iter().map(|PartChange { key, value }| (key, value)).collect();
        let size = |key: &str, value: &[u8]| owner.len() + key.len() + value.len();
        let there = self.owners.get(owner);
        let before = |key: &String| Some(size(key, there?.get(key)?));
        let freed: usize = changes.keys().filter_map(before).sum();
        let stored = changes.iter().filter_map(|(key, value)| Some(size(key, value.as_ref()?)));
        let stored: usize = stored.sum();
        let bytes = self.bytes - freed + stored;
        // What makes it smaller is never refused.
        if bytes > most && stored > freed {
            let error = Error::from(codes::LOG_FULL).with_detail("limit", "part_bytes");
            return Err(error.with_detail("most", most).with_detail("wanted", bytes));
        }
        self.bytes = bytes;
        self.apply(owner, changes);
        Ok(())
    }

    fn apply(&mut self, owner: &str, changes: BTreeMap<String, Option<Vec<u8>>>) {
        let parts = self.owners.entry(owner.to_owned()).or_default();
        for (key, value) in changes {
            match value {
                Some(value) => parts.insert(key, value),
                None => parts.remove(&key),
            };
        }
        if parts.is_empty() {
            self.owners.remove(owner);
        }
    }

    /// A part of an owner.
    pub(super) fn load(&self, owner: &str, key: &str) -> Option<Vec<u8>> {
        self.owners.get(owner)?.get(key).cloned()
    }

    /// The parts of an owner behind a key, by key.
    pub(super) fn list(&self, owner: &str, after: &str, limit: usize) -> Vec<(String, Vec<u8>)> {
        let behind = (Bound::Excluded(after), Bound::Unbounded);
        let parts = self.owners.get(owner).into_iter();
        let parts = parts.flat_map(|parts| parts.range::<str, _>(behind)).take(limit);
        parts.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// All that have parts, by name.
    pub(super) fn owners(&self) -> Vec<String> {
        self.owners.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests;
