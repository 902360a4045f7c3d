//! The log of one shard, and its signals: in order, and no more of them than are kept for readers.

use std::collections::VecDeque;

use foundation::{Error, Result};
use jiff::Timestamp;

use crate::append::Change;
use crate::codes;
use crate::entry::{Page, SignalEntry};
use crate::memory::coded::Coded;
use crate::stream::{Position, Shard, StreamId, Version};

/// The log of a shard.
#[derive(Debug)]
pub(super) struct Log {
    /// The last number that a record has taken, so that who has read up to here has seen all.
    pub(super) end: Position,
    pub(super) records: Kept<Record>,
    pub(super) signals: Kept<Coded<SignalEntry>>,
}

/// An append as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) stream: StreamId,
    pub(crate) version: Version,
    pub(crate) at: Timestamp,
    pub(crate) changes: Vec<Coded<Change>>,
}

/// Entries in the order of their positions, of which the oldest are dropped.
#[derive(Debug)]
pub(super) struct Kept<T> {
    entries: VecDeque<Entry<T>>,
    /// Bytes of all entries.
    pub(super) bytes: u64,
    /// The position of the last entry that was dropped: a reader behind it has missed something.
    dropped: Position,
}

#[derive(Debug)]
struct Entry<T> {
    position: Position,
    at: Timestamp,
    bytes: u64,
    value: T,
}

/// Bytes of a signal beside routing text and payload, counted for its retention: its place, its
/// stream, and what a map takes.
const SIGNAL: usize = 64;

// === impl Log ===

impl Log {
    pub(super) const fn new(shard: Shard) -> Self {
        let start = Position::start(shard);
        Self { end: start, records: Kept::new(start), signals: Kept::new(start) }
    }

    /// Adds a record of `bytes` and its signals. Returns its position: its first signal has the
    /// same, and each further one the next number.
    pub(super) fn push(&mut self, record: Record, bytes: u64) -> Position {
        let position = next(self.end);
        self.end = position;
        let (version, at) = (record.version, record.at);
        let signals = record.changes.iter().filter_map(|change| match &change.value {
            Change::Signal(signal) => Some(change.with(signal.clone())),
            _ => None,
        });
        for (index, coded) in signals.enumerate() {
            if index > 0 {
                self.end = next(self.end);
            }
            let bytes = coded.value.payload.bytes().len() + coded.value.routing.len() + SIGNAL;
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            let stream = record.stream.clone();
            let entry = SignalEntry::new(self.end, stream, version, at, coded.value.clone());
            self.signals.push(self.end, at, bytes, coded.with(entry));
        }
        self.records.push(position, at, bytes, record);
        position
    }

    /// The position behind which the first signal comes that is kept and not older than `time`.
    pub(super) fn signals_since(&self, time: Timestamp) -> Position {
        let first = self.signals.entries.iter().find(|entry| entry.at >= time);
        first.map_or(self.end, |entry| {
            Position::new(entry.position.shard(), entry.position.number().saturating_sub(1))
        })
    }
}

// === impl Kept ===

impl<T> Kept<T> {
    const fn new(start: Position) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, dropped: start }
    }

    fn push(&mut self, position: Position, at: Timestamp, bytes: u64, value: T) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.entries.push_back(Entry { position, at, bytes, value });
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Drops the oldest until there are at most so many bytes. Returns how many it were.
    pub(super) fn drop_over(&mut self, most: u64) -> u64 {
        let mut dropped = 0;
        while self.bytes > most && self.drop_first() {
            dropped += 1;
        }
        dropped
    }

    /// Drops the oldest as long as they are not younger than `time`. Returns how many it were.
    pub(super) fn drop_up_to(&mut self, time: Timestamp) -> u64 {
        let mut dropped = 0;
        while self.entries.front().is_some_and(|first| first.at <= time) && self.drop_first() {
            dropped += 1;
        }
        dropped
    }

    fn drop_first(&mut self) -> bool {
        let Some(first) = self.entries.pop_front() else { return false };
        self.bytes = self.bytes.saturating_sub(first.bytes);
        self.dropped = first.position;
        true
    }
}

impl<T: Clone> Kept<T> {
    /// The entries behind `from`, at most `limit` but one at least, of a log that ends at `end`.
    ///
    /// # Errors
    ///
    /// `gap`.
    pub(super) fn read(
        &self,
        from: Position,
        end: Position,
        limit: usize,
    ) -> Result<Page<(Position, T)>> {
        if self.dropped.is_after(from) {
            return Err(gap(from, self.dropped));
        }
        let first = self.entries.partition_point(|entry| !entry.position.is_after(from));
        let limit = limit.max(1);
        let entries = self.entries.iter().skip(first).take(limit);
        let entries: Vec<_> = entries.map(|entry| (entry.position, entry.value.clone())).collect();
        let all = self.entries.len().saturating_sub(first) <= limit;
        let last = entries.last().map(|(position, _)| *position).filter(|_| !all);
        // Who comes from behind the end stays there, and waits until the log has come so far.
        let end = if from.is_after(end) { from } else { end };
        Ok(Page::new(entries, last.unwrap_or(end)))
    }
}

fn next(position: Position) -> Position {
    Position::new(position.shard(), position.number().saturating_add(1))
}

fn gap(from: Position, to: Position) -> Error {
    Error::from(codes::GAP)
        .with_message(format!("the records from {from} up to {to} are no longer kept"))
        .with_detail("from", from.number())
        .with_detail("to", to.number())
}
