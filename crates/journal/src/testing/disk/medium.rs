//! The bytes of a disk: what reads see, what is durable, and what lies between the two.

use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;

/// What a disk writes as one: all of it, or nothing. The smallest there is, so the worst case.
pub(super) const SECTOR: usize = 512;

/// Not every byte is copied at a sync, only those that were written since the one before: tests
/// cut the power thousands of times.
#[derive(Default)]
pub(super) struct Medium {
    /// What reads see.
    live: Vec<u8>,
    /// What is certain to be there after a power cut.
    durable: Vec<u8>,
    /// What makes `live` of `durable`, in the order in which it was done.
    unsynced: Vec<Change>,
    /// The sectors a failed sync left behind, by number, as they were then: perhaps on the disk.
    /// No sync writes them any more, unless the sector is written again.
    forgotten: BTreeMap<usize, Vec<u8>>,
}

/// One thing that happened to the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Writes bytes, behind the end too.
    Write {
        /// Where the first byte goes.
        offset: usize,
        /// The bytes.
        data: Vec<u8>,
    },
    /// Makes the file at least so long, with zeros. Takes nothing away, in whatever order it is.
    Grow(usize),
    /// Makes the file at most so long.
    Shrink(usize),
}

/// What a power cut may take.
#[derive(Debug)]
pub(super) struct Unsynced {
    /// Left behind by failed syncs. Older than all of `changes`.
    pub(super) forgotten: Vec<Change>,
    /// Done since the last sync.
    pub(super) changes: Vec<Change>,
}

// === impl Medium ===

impl Medium {
    pub(super) fn new(image: Vec<u8>) -> Self {
        Self { live: image.clone(), durable: image, ..Self::default() }
    }

    pub(super) fn live(&self) -> &[u8] {
        &self.live
    }

    /// Gets memory for a file of this length, and says whether there is so much.
    pub(super) fn reserve(&mut self, len: usize) -> bool {
        self.live.try_reserve(len.saturating_sub(self.live.len())).is_ok()
    }

    pub(super) fn write(&mut self, offset: usize, data: &[u8]) {
        let change = Change::Write { offset, data: data.to_vec() };
        self.apply(change);
    }

    pub(super) fn set_len(&mut self, len: usize) {
        let shorter = len < self.live.len();
        self.apply(if shorter { Change::Shrink(len) } else { Change::Grow(len) });
    }

    fn apply(&mut self, change: Change) {
        change.apply(&mut self.live);
        self.unsynced.push(change);
    }

    /// Makes everything durable that is not forgotten.
    pub(super) fn sync(&mut self) {
        for change in mem::take(&mut self.unsynced) {
            match change {
                Change::Write { offset, data } => self.sync_sectors(&sectors(offset, data.len())),
                Change::Grow(_) => change.apply(&mut self.durable),
                Change::Shrink(len) => {
                    change.apply(&mut self.durable);
                    self.forgotten.split_off(&(len / SECTOR));
                }
            }
        }
        // The length is never forgotten, so it is the one that reads see.
        self.durable.resize(self.live.len(), 0);
    }

    /// Copies whole sectors as they are now: a write into a sector makes all of it durable, and
    /// with it what a failed sync had left there.
    fn sync_sectors(&mut self, sectors: &Range<usize>) {
        let start = sectors.start * SECTOR;
        let end = (sectors.end * SECTOR).min(self.live.len());
        // Nothing, when the file was cut off before it was synced.
        if let Some(data) = self.live.get(start..end) {
            overwrite(&mut self.durable, start, data);
        }
        if !self.forgotten.is_empty() {
            self.forgotten.retain(|sector, _| !sectors.contains(sector));
        }
    }

    /// What was written counts as synced from now on, and is not.
    pub(super) fn fail_sync(&mut self) {
        let (writes, lengths) = mem::take(&mut self.unsynced)
            .into_iter()
            .partition(|change| matches!(change, Change::Write { .. }));
        self.unsynced = lengths;
        for change in writes {
            let Change::Write { offset, data } = change else { continue };
            for sector in sectors(offset, data.len()) {
                let end = ((sector + 1) * SECTOR).min(self.live.len());
                if let Some(data) = self.live.get(sector * SECTOR..end) {
                    self.forgotten.insert(sector, data.to_vec());
                }
            }
        }
    }

    /// Takes out what is not durable, for [`Medium::settle`] to be told what is left of it.
    pub(super) fn take_unsynced(&mut self) -> Unsynced {
        let forgotten = mem::take(&mut self.forgotten).into_iter();
        let forgotten =
            forgotten.map(|(sector, data)| Change::Write { offset: sector * SECTOR, data });
        Unsynced { forgotten: forgotten.collect(), changes: mem::take(&mut self.unsynced) }
    }

    /// What is durable, and what is left of the rest, is all there is.
    pub(super) fn settle(&mut self, left: Vec<Change>) {
        for change in left {
            change.apply(&mut self.durable);
        }
        self.live.clone_from(&self.durable);
    }
}

// === impl Change ===

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write { offset, data } => overwrite(bytes, *offset, data),
            Self::Grow(len) => bytes.resize(bytes.len().max(*len), 0),
            Self::Shrink(len) => bytes.truncate(*len),
        }
    }
}

/// Writes `data`, behind the end too, where zeros fill the gap.
fn overwrite(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    // A write of nothing does not make a file longer.
    if data.is_empty() {
        return;
    }
    let end = offset + data.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    if let Some(target) = bytes.get_mut(offset..end) {
        target.copy_from_slice(data);
    }
}

/// The numbers of the sectors that bytes lie in.
fn sectors(offset: usize, len: usize) -> Range<usize> {
    if len == 0 { 0..0 } else { offset / SECTOR..(offset + len).div_ceil(SECTOR) }
}
