//! Blobs: written in chunks, kept while a stream holds them.

use std::collections::BTreeSet;

use foundation::Result;
use jiff::Timestamp;

use super::{Encoded, State, ago};
use crate::append::{Change, Payload};
use crate::blob::{BlobId, BlobInfo, not_found};
use crate::error::{invalid, lacks_blob};
use crate::lease::Lease;
use crate::memory::coded::Coded;
use crate::stream::StreamId;

/// A blob, whole or being written.
#[derive(Debug)]
pub(super) struct Blob {
    chunks: Vec<Coded<Payload>>,
    /// How many bytes it has, once it is whole.
    length: Option<u64>,
    /// When it was written to, finished or released last.
    at: Timestamp,
}

impl State {
    /// Adds the next chunk of a blob.
    ///
    /// # Errors
    ///
    /// `lease_lost`, `no_such_shard`, `store_closed`, `blob_not_found`, `invalid_record`.
    pub(in crate::memory) fn write_chunk(
        &mut self,
        lease: &Lease,
        (id, index): (BlobId, u32),
        chunk: Coded<Payload>,
        now: Timestamp,
    ) -> Result<()> {
        self.check_lease(lease)?;
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        if index > 0 && !self.blobs.contains_key(&id) {
            return Err(not_found(id));
        }
        let begun = || Blob { chunks: Vec::new(), length: None, at: now };
        let blob = self.blobs.entry(id).or_insert_with(begun);
        if blob.length.is_some() || blob.chunks.len() != index {
            return Err(invalid("blob", format!("chunk {index} is not the next of {id}")));
        }
        blob.chunks.push(chunk);
        blob.at = now;
        Ok(())
    }

    /// Ends a blob.
    ///
    /// # Errors
    ///
    /// As [`Self::write_chunk`].
    pub(in crate::memory) fn finish_blob(
        &mut self,
        lease: &Lease,
        id: BlobId,
        length: u64,
        now: Timestamp,
    ) -> Result<()> {
        self.check_lease(lease)?;
        let blob = self.blobs.get_mut(&id).ok_or_else(|| not_found(id))?;
        if blob.length.is_some() {
            return Err(invalid("blob", format!("the blob {id} is finished")));
        }
        blob.length = Some(length);
        blob.at = now;
        Ok(())
    }

    /// What a blob is that is whole.
    ///
    /// # Errors
    ///
    /// `blob_not_found`, `store_closed`.
    pub(in crate::memory) fn blob(&self, id: BlobId) -> Result<BlobInfo> {
        self.check_open()?;
        let blob = self.blobs.get(&id).ok_or_else(|| not_found(id))?;
        let length = blob.length.ok_or_else(|| not_found(id))?;
        Ok(BlobInfo::new(length, u32::try_from(blob.chunks.len()).unwrap_or(u32::MAX)))
    }

    /// A chunk of a blob that is whole.
    ///
    /// # Errors
    ///
    /// As [`Self::blob`].
    pub(in crate::memory) fn read_chunk(&self, id: BlobId, index: u32) -> Result<Coded<Payload>> {
        self.blob(id)?;
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let chunk = self.blobs.get(&id).and_then(|blob| blob.chunks.get(index));
        chunk.cloned().ok_or_else(|| invalid("chunk", format!("{id} has no chunk {index}")))
    }

    /// The blobs that a stream holds, behind `after`.
    ///
    /// # Errors
    ///
    /// `stream_deleted`, `store_closed`.
    pub(in crate::memory) fn holds(
        &self,
        stream: &StreamId,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<Vec<BlobId>> {
        let held = self.living(stream)?.into_iter().flat_map(|stream| &stream.holds);
        Ok(held.filter(|id| Some(**id) > after).take(limit).copied().collect())
    }

    /// Refuses to hold what is not there.
    pub(super) fn check_holds(&self, id: &StreamId, changes: &[Coded<Change>]) -> Result<()> {
        for change in changes {
            let Change::Hold(blob) = &change.value else { continue };
            if self.blob(*blob).is_err() {
                return Err(lacks_blob(id, *blob));
            }
        }
        Ok(())
    }

    /// Notes since when blobs are not held, of an append that is about to be applied.
    pub(super) fn release_blobs(&mut self, stream: &StreamId, append: &Encoded) {
        let (mut released, mut held) = (Vec::new(), BTreeSet::new());
        let stream = self.streams.get(stream);
        held.extend(stream.into_iter().flat_map(|stream| &stream.holds).copied());
        for change in &append.changes {
            match &change.value {
                Change::Hold(blob) => drop(held.insert(*blob)),
                Change::Release(blob) => released.extend(held.take(blob)),
                Change::Tombstone => released.extend(std::mem::take(&mut held)),
                _ => {}
            }
        }
        for id in released {
            if let Some(blob) = self.blobs.get_mut(&id).filter(|blob| blob.length.is_some()) {
                blob.at = blob.at.max(append.at);
            }
        }
    }

    /// Drops what nobody has held for long enough. Gives how many.
    pub(super) fn drop_blobs(&mut self, now: Timestamp) -> u64 {
        let Some(before) = ago(now, self.retention.blobs_for) else { return 0 };
        let held: BTreeSet<BlobId> =
            self.streams.values().flat_map(|stream| stream.holds.iter().copied()).collect();
        let there = self.blobs.len();
        self.blobs.retain(|id, blob| blob.at >= before || held.contains(id));
        u64::try_from(there - self.blobs.len()).unwrap_or(0)
    }
}
