//! What of each blob was found.
//!
//! A blob never changes, so all copies of a chunk say the same. Its own row does: it is there when it
//! was whole once and nothing says that it was being removed, and when all of its chunks are.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use super::index::Entry;
use crate::blob::BlobId;
use crate::format::{BlobRow, BlobState};

/// Blobs, by what was found of them.
#[derive(Debug, Default)]
pub(super) struct Blobs(BTreeMap<BlobId, Found>);

#[derive(Debug, Default)]
struct Found {
    /// Its latest row that says that it is whole.
    whole: Option<(BlobRow, Entry)>,
    /// Whether it was being removed.
    doomed: bool,
    chunks: BTreeMap<u32, Entry>,
}

impl Blobs {
    pub(super) fn row(&mut self, row: BlobRow, entry: Entry) {
        let found = self.0.entry(row.id).or_default();
        match row.state {
            BlobState::Open => {}
            BlobState::Doomed => found.doomed = true,
            BlobState::Whole => {
                let is_later = found.whole.as_ref().is_none_or(|(before, _)| before.at <= row.at);
                if is_later {
                    found.whole = Some((row, entry));
                }
            }
        }
    }

    pub(super) fn chunk(&mut self, blob: BlobId, index: u32, entry: Entry) {
        self.0.entry(blob).or_default().chunks.insert(index, entry);
    }

    /// Whether anything was found of any.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many shards a store has at least that has all of them: 1 if there are none.
    pub(super) fn least_shards(&self) -> u16 {
        self.0.keys().map(|id| id.shard().get().saturating_add(1)).max().unwrap_or(1)
    }

    /// Leaves out what is of no shard of the store. Gives where it was.
    pub(super) fn sift(&mut self, shards: NonZeroU16) -> Vec<Entry> {
        let mut unfit = Vec::new();
        self.0.retain(|id, found| {
            let fits = id.shard().get() < shards.get();
            if !fits {
                unfit.extend(found.whole.iter().map(|(_, entry)| *entry));
                unfit.extend(found.chunks.values());
            }
            fits
        });
        unfit
    }

    /// Those that were whole and not removed: the row of each, and its chunks if all are there.
    pub(super) fn kept(&self) -> impl Iterator<Item = (BlobRow, Entry, Option<Vec<Entry>>)> {
        let kept = self.0.values().filter(|found| !found.doomed);
        kept.filter_map(|found| {
            let (row, entry) = found.whole?;
            let chunks = (0..row.chunks).map(|index| found.chunks.get(&index).copied());
            Some((row, entry, chunks.collect()))
        })
    }
}

#[cfg(test)]
mod tests;
