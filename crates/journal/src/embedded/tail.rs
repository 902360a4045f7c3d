//! What is durable in the log and not folded into rows yet, held in memory, by stream.
//!
//! - **Whoever reads takes its view here first, and looks at the rows second.** What is folded in
//!   between is then in both, and never in neither.
//! - **Locks are taken in this order: tail, entry, queue.**
//! - What one stream has here is its [`Entry`], which its writer holds too, so that an append looks
//!   nothing up.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use foundation::Error;

use crate::append::Wake;
use crate::blob::BlobId;
use crate::stream::{Shard, StreamId};
use crate::sync::Mutex;

/// Records for which a stream keeps room when none are here.
const ROOM: usize = 8;

/// The tail of the log.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// Streams with a writer, with appends on their way, or with records here.
    pub(super) streams: BTreeMap<StreamId, Arc<Entry>>,
    /// Groups that are not folded, in their order.
    pub(super) groups: VecDeque<Group>,
    /// Groups that are folded and still in the log for readers.
    pub(super) kept: VecDeque<Kept>,
    /// Bytes of those.
    pub(super) kept_bytes: u64,
    /// Everything up to this group is in the rows.
    pub(super) folded: u64,
    /// Everything up to this group is gone from the log.
    pub(super) trimmed: u64,
    /// Bytes of the groups that are not folded.
    pub(super) bytes: u64,
    /// Records of those.
    pub(super) records: usize,
    /// Blobs that they hold or held, and those of what is being committed, each with the first group
    /// of the last commit that does: those of one commit are folded together. Of what was there when
    /// the store was opened there is nothing here: it is folded before anything is collected.
    pub(super) holds: BTreeMap<BlobId, u64>,
}

/// One commit's appends.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) number: u64,
    pub(super) bytes: Arc<Vec<u8>>,
    pub(super) records: Vec<Spot>,
}

/// A group that is folded and still in the log.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) number: u64,
    pub(super) bytes: u64,
    /// The last position of each shard that has something in it.
    pub(super) ends: Vec<(Shard, u64)>,
}

/// Where in a group an append is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) offset: u32,
    pub(super) length: u32,
    pub(super) shard: Shard,
    /// How many signals it has.
    pub(super) signals: u32,
    /// The position of the record.
    pub(super) position: u64,
}

/// What is known of one stream.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) stream: StreamId,
    pub(super) state: Mutex<EntryState>,
}

/// See [`Entry`].
#[derive(Debug, Default)]
pub(super) struct EntryState {
    /// The writer that is not fenced, by number; 0 if none is.
    pub(super) writer: u64,
    /// Version, and whether it is deleted, with everything that is queued; none if not known.
    pub(super) head: Option<Head>,
    /// Appends that are queued or being committed.
    pub(super) in_flight: usize,
    /// Why nothing more of that writer is accepted.
    pub(super) refused: Option<(u64, Error)>,
    /// Durable records that are not folded, in order.
    pub(super) records: VecDeque<Place>,
    /// The last wake among them, and in which group.
    pub(super) wake: Option<(u64, Wake)>,
    /// Answers among them and among those being committed, with their group.
    pub(super) answers: BTreeMap<String, (u64, u128)>,
}

/// Where a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) version: u64,
    pub(super) deleted: bool,
}

/// Where a record of a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) group: u64,
    pub(super) offset: u32,
    pub(super) length: u32,
    pub(super) version: u64,
    pub(super) tombstone: bool,
}

/// A record that is held on to: its bytes stay while this is there.
#[derive(Debug, Clone)]
pub(super) struct Held {
    bytes: Arc<Vec<u8>>,
    offset: u32,
    length: u32,
    pub(super) version: u64,
}

impl Held {
    pub(super) fn new(bytes: &Arc<Vec<u8>>, offset: u32, length: u32, version: u64) -> Self {
        Self { bytes: Arc::clone(bytes), offset, length, version }
    }

    /// The record.
    pub(super) fn record(&self) -> &[u8] {
        slice(&self.bytes, self.offset, self.length)
    }
}

/// The record at a spot of a group.
pub(super) fn slice(group: &[u8], offset: u32, length: u32) -> &[u8] {
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    group.get(start..start.saturating_add(length)).unwrap_or_default()
}

impl Group {
    /// The last position of each shard that has something in it.
    pub(super) fn ends(&self) -> Vec<(Shard, u64)> {
        let ends: BTreeMap<_, _> =
            self.records.iter().map(|spot| (spot.shard, spot.last())).collect();
        ends.into_iter().collect()
    }

    pub(super) fn kept(&self) -> Kept {
        let bytes = u64::try_from(self.bytes.len()).unwrap_or(0);
        Kept { number: self.number, bytes, ends: self.ends() }
    }
}

impl Spot {
    /// The last position that it takes.
    pub(super) fn last(&self) -> u64 {
        self.position + u64::from(self.signals.max(1)) - 1
    }
}

impl Tail {
    /// The entry of a stream, made when there is none.
    pub(super) fn entry(&mut self, stream: &StreamId) -> Arc<Entry> {
        let made = || Arc::new(Entry { stream: stream.clone(), state: Mutex::default() });
        Arc::clone(self.streams.entry(stream.clone()).or_insert_with(made))
    }

    /// The group of that number.
    pub(super) fn group(&self, number: u64) -> Option<&Group> {
        let first = self.groups.front()?.number;
        // Numbers of groups have no gaps.
        self.groups.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// The durable records of a stream that are not folded.
    pub(super) fn view(&self, stream: &StreamId) -> Vec<Held> {
        let Some(entry) = self.streams.get(stream) else { return Vec::new() };
        let state = entry.state.lock();
        self.held(&state.records)
    }

    /// Holds on to records.
    pub(super) fn held<'a>(&self, places: impl IntoIterator<Item = &'a Place>) -> Vec<Held> {
        let held = places.into_iter().filter_map(|place| {
            let group = self.group(place.group)?;
            Some(Held::new(&group.bytes, place.offset, place.length, place.version))
        });
        held.collect()
    }

    /// Forgets a stream that nobody writes and of which nothing is here.
    pub(super) fn forget_idle(&mut self, stream: &StreamId) {
        let idle = self.streams.get(stream).is_some_and(|entry| entry.state.lock().is_idle());
        if idle {
            self.streams.remove(stream);
        }
    }

    /// Bytes of the log on disk.
    pub(super) const fn log_bytes(&self) -> u64 {
        self.bytes + self.kept_bytes
    }
}

impl Entry {
    /// Whether it has records up to that group.
    pub(super) fn has_records(&self, group: u64) -> bool {
        self.state.lock().records.front().is_some_and(|place| place.group <= group)
    }
}

impl EntryState {
    /// Whether nothing would be lost by forgetting it.
    pub(super) fn is_idle(&self) -> bool {
        self.writer == 0 && self.in_flight == 0 && self.records.is_empty()
    }

    /// Drops what is folded up to `group`.
    pub(super) fn folded(&mut self, group: u64) {
        while self.records.front().is_some_and(|place| place.group <= group) {
            self.records.pop_front();
        }
        if self.records.capacity() > ROOM {
            // A stream that was busy once would have that room for ever.
            self.records.shrink_to(ROOM);
        }
        if self.wake.is_some_and(|(of, _)| of <= group) {
            self.wake = None;
        }
        self.answers.retain(|_, (of, _)| *of > group);
    }
}

#[cfg(test)]
mod tests;
