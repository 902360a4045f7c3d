//! A file that is written to in memory only: redb repairs and closes a store on it as on any other,
//! and the file stays as it is to the last byte.
//!
//! Whoever opens a store writes to it, even to find out that it is whole: a mark that it is open, and
//! what a crash has left undone. Here that goes into blocks over the file, which are forgotten.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;

use redb::{BackendError, StorageBackend};

use crate::sync::Mutex;

/// Bytes of a file under what was written since.
#[derive(Debug)]
pub(super) struct Overlay {
    below: Box<dyn StorageBackend>,
    state: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    length: u64,
    /// Bytes of the file that still show through.
    shown: u64,
    /// What was written, by the number of the block.
    blocks: BTreeMap<u64, Vec<u8>>,
}

/// Bytes of a block: a page of redb.
const BLOCK: u64 = 4096;

impl Overlay {
    pub(super) fn new(below: impl StorageBackend) -> io::Result<Self> {
        let length = below.len()?;
        let state = Mutex::new(Written { length, shown: length, blocks: BTreeMap::new() });
        Ok(Self { below: Box::new(below), state })
    }

    /// Reads what the file shows, and zeros where it does not.
    fn read_below(&self, shown: u64, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let there = usize::try_from(shown.saturating_sub(offset)).unwrap_or(usize::MAX);
        let (there, beyond) = out.split_at_mut(there.min(out.len()));
        beyond.fill(0);
        if there.is_empty() { Ok(()) } else { self.below.read(offset, there) }
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state.lock().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.state.lock();
        let end = end_of(offset, out)?;
        if end > state.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.read_below(state.shown, offset, out)?;
        for (number, block) in state.blocks.range(offset / BLOCK..end.div_ceil(BLOCK)) {
            copy((number * BLOCK, block), (offset, out));
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        state.shown = state.shown.min(len);
        state.length = len;
        state.blocks.split_off(&len.div_ceil(BLOCK));
        // What is made longer again has zeros there.
        if let Some(last) = state.blocks.get_mut(&(len / BLOCK))
            && let Some(beyond) = last.get_mut(usize::try_from(len % BLOCK).unwrap_or(0)..)
        {
            beyond.fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock();
        let end = end_of(offset, data)?;
        state.length = state.length.max(end);
        for number in offset / BLOCK..end.div_ceil(BLOCK) {
            if !state.blocks.contains_key(&number) {
                let mut block = vec![0; usize::try_from(BLOCK).unwrap_or(0)];
                self.read_below(state.shown, number * BLOCK, &mut block)?;
                state.blocks.insert(number, block);
            }
            if let Some(block) = state.blocks.get_mut(&number) {
                copy((offset, data), (number * BLOCK, block));
            }
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.below.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.below.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.below.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.below.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.below.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.below.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.below.query_lock_range(start, end)
    }
}

/// Where bytes at `offset` end.
fn end_of(offset: u64, bytes: &[u8]) -> io::Result<u64> {
    let count = u64::try_from(bytes.len()).ok();
    let end = count.and_then(|count| offset.checked_add(count));
    end.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// Copies the bytes that two pieces of a file both have, each with its place.
fn copy((from_at, from): (u64, &[u8]), (to_at, to): (u64, &mut [u8])) {
    let start = from_at.max(to_at);
    let index = |at: u64| usize::try_from(start - at).unwrap_or(usize::MAX);
    let from = from.get(index(from_at)..).unwrap_or_default();
    let to = to.get_mut(index(to_at)..).unwrap_or_default();
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests;
