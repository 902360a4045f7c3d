//! What rows say of one another: of their streams, and streams of them.
//!
//! A row that is damaged says nothing: it was told where it is, and what is compared with it is not
//! told as well.

use std::num::NonZeroU16;

use redb::{ReadOnlyTable, ReadTransaction};

use super::super::catalog::TableName;
use super::super::facts::{Facts, is_known};
use super::super::failure::Outcome;
use super::super::findings::Findings;
use super::super::plan::Row;
use super::super::rows;
use super::super::tables::{
    ANSWERS_UNTIL, SNAPSHOTS, STREAMS, TOMBSTONES, WAKES, time_key, time_of, wake_key, wake_of,
    wake_time, within,
};
use super::blobs::BlobCross;
use super::log::LogWalk;
use crate::format::{BLOBS, Kind, unseal};
use crate::stream::Shard;

/// Bytes of a time at the front of a key.
const TIME: usize = 8;

pub(super) type Bytes = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// What rows are compared with.
pub(super) struct Cross {
    streams: Bytes,
    snapshots: Bytes,
    answers_until: Bytes,
    wakes: Bytes,
    tombstones: Bytes,
    /// None in a store of a format without blobs.
    blobs: Option<BlobCross>,
    pub(super) shards: NonZeroU16,
    /// The stream that was looked up last: rows of one stream lie together.
    last: Option<(Vec<u8>, Owner)>,
    /// Bytes of the signals; none when not all of them can be reached.
    signal_bytes: Option<u64>,
    /// None when the facts about it are damaged.
    log: Option<LogWalk>,
}

/// The stream that a row is of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner {
    Missing,
    /// Its row is damaged, which is told where it is.
    Damaged,
    Row(Row),
}

impl Cross {
    pub(super) fn open(
        read: &ReadTransaction,
        facts: &Facts,
        shards: NonZeroU16,
        format: u8,
    ) -> Outcome<Self> {
        Ok(Self {
            blobs: (format >= BLOBS).then(|| BlobCross::open(read)).transpose()?,
            streams: read.open_table(STREAMS)?,
            snapshots: read.open_table(SNAPSHOTS)?,
            answers_until: read.open_table(ANSWERS_UNTIL)?,
            wakes: read.open_table(WAKES)?,
            tombstones: read.open_table(TOMBSTONES)?,
            shards,
            last: None,
            signal_bytes: Some(0),
            log: LogWalk::new(facts, shards).ok(),
        })
    }

    /// Counts a row, whether it is damaged or not.
    pub(super) fn count(
        &mut self,
        table: TableName,
        key: &[u8],
        value: &[u8],
        found: &mut Findings,
    ) {
        match table {
            TableName::Log => {
                if let Some(log) = &mut self.log {
                    log.number(key, found);
                }
            }
            TableName::Signals => {
                let bytes = u64::try_from(value.len()).unwrap_or(0);
                self.signal_bytes = self.signal_bytes.map(|counted| counted + bytes);
            }
            _ => {}
        }
    }

    /// A row of a table is damaged.
    pub(super) fn skips(&mut self, table: TableName) {
        if let Some(log) = &mut self.log
            && table == TableName::Log
        {
            log.leave_out();
        }
    }

    /// The rest of a table cannot be reached.
    pub(super) fn is_cut_off(&mut self, table: TableName) {
        self.skips(table);
        if table == TableName::Signals {
            self.signal_bytes = None;
        }
    }

    /// Compares a row that is whole with the others.
    pub(super) fn see(
        &mut self,
        table: TableName,
        key: &[u8],
        value: &[u8],
        found: &mut Findings,
    ) -> Outcome<()> {
        match table {
            TableName::Streams => self.stream(key, value, found)?,
            TableName::Parts => {
                let row = rows::part(key, value)?;
                let of = (row.stream, row.version, unseal(value, Kind::Part)?.0.position);
                self.owned(table, key, of, found)?;
            }
            TableName::Events => {
                let row = rows::events(key, value)?;
                let last = row.events.last().map_or(0, |event| event.version);
                let of = (row.stream, last, unseal(value, Kind::Events)?.0.position);
                self.owned(table, key, of, found)?;
            }
            TableName::Snapshots => self.snapshot(key, value, found)?,
            TableName::Answers => self.answer(key, value, found)?,
            TableName::Wakes => self.wake(key, found)?,
            TableName::Tombstones => self.tombstone(key, found)?,
            TableName::Log => {
                if let Some(log) = &mut self.log {
                    log.group(key, value, found)?;
                }
            }
            TableName::Holds => {
                let row = rows::hold(key, value)?;
                let of = (row.stream, row.version, unseal(value, Kind::Hold)?.0.position);
                self.owned(table, key, of, found)?;
                if let Some(blobs) = &mut self.blobs {
                    blobs.hold(key, row, found)?;
                }
            }
            TableName::Blobs | TableName::Chunks | TableName::Holders | TableName::Loose => {
                if let Some(blobs) = &mut self.blobs {
                    blobs.see(table, key, value, found)?;
                }
            }
            // No row says anything of signals. A row of `answers_until` whose answer is gone, or is
            // kept for longer, means nothing.
            TableName::Signals | TableName::AnswersUntil => {}
            TableName::Meta => {
                let name = String::from_utf8_lossy(key);
                if !is_known(&name, self.shards) {
                    found.row(table, key, "a fact that is not known");
                }
            }
        }
        Ok(())
    }

    /// What a stream says of other tables.
    fn stream(&self, key: &[u8], value: &[u8], found: &mut Findings) -> Outcome<()> {
        let (header, row) = rows::stream(key, value)?;
        let row = Row::from(row);
        if let Some(since) = wake_time(row.wake) {
            let wake = wake_key(Shard::new(header.shard), since, key);
            if self.wakes.get(wake.as_slice())?.is_none() {
                found.row(TableName::Streams, key, "it has a wake, and wakes has none");
            }
        }
        let tombstone = [&time_key(row.at)[..], key].concat();
        if row.deleted && self.tombstones.get(tombstone.as_slice())?.is_none() {
            found.row(TableName::Streams, key, "it is deleted, and tombstones has it not");
        }
        let has_snapshot = self.snapshots.get(key)?.is_some();
        if !row.is_folding() && row.snapshot.is_some() && !has_snapshot {
            found.row(TableName::Streams, key, "it has a snapshot, and snapshots has none");
        }
        Ok(())
    }

    fn snapshot(&mut self, key: &[u8], value: &[u8], found: &mut Findings) -> Outcome<()> {
        let row = rows::snapshot(key, value)?;
        let position = unseal(value, Kind::Snapshot)?.0.position;
        // Of which version it is says nothing of the append that it came with.
        let of = (row.stream, 0, position);
        if let Some(stream) = self.owned(TableName::Snapshots, key, of, found)?
            && !stream.is_folding()
            && stream.snapshot != Some(row.version)
        {
            let message = format!("it is of version {}, and its stream says other", row.version);
            found.row(TableName::Snapshots, key, message);
        }
        Ok(())
    }

    fn answer(&mut self, key: &[u8], value: &[u8], found: &mut Findings) -> Outcome<()> {
        let row = rows::answer(key, value)?;
        let of = (row.stream, row.version, unseal(value, Kind::Answer)?.0.position);
        let until = [&time_key(row.until)[..], &within(row.stream, row.key.as_bytes())].concat();
        if let Some(stream) = self.owned(TableName::Answers, key, of, found)?
            && !stream.is_folding()
            && self.answers_until.get(until.as_slice())?.is_none()
        {
            found.row(TableName::Answers, key, "answers_until has it not: it is never dropped");
        }
        Ok(())
    }

    fn wake(&mut self, key: &[u8], found: &mut Findings) -> Outcome<()> {
        let Some((since, stream)) = wake_of(key) else { return Ok(()) };
        let says = match self.owner(stream.key())? {
            Owner::Damaged => return Ok(()),
            Owner::Missing => None,
            Owner::Row(row) => wake_time(row.wake),
        };
        if says != Some(since) {
            found.row(TableName::Wakes, key, "its stream has no such wake");
        }
        Ok(())
    }

    fn tombstone(&mut self, key: &[u8], found: &mut Findings) -> Outcome<()> {
        let stream = key.get(TIME..).unwrap_or_default();
        let deleted = match self.owner(stream)? {
            Owner::Damaged => return Ok(()),
            Owner::Missing => None,
            Owner::Row(row) => row.deleted.then_some(row.at),
        };
        if deleted.is_none() || deleted != time_of(key) {
            found.row(TableName::Tombstones, key, "its stream was not deleted then");
        }
        Ok(())
    }

    /// Whether the row of that version, from that position of the log, is one that its stream can
    /// have. Gives the stream if so.
    fn owned(
        &mut self,
        table: TableName,
        key: &[u8],
        (stream, version, position): (&[u8], u64, u64),
        found: &mut Findings,
    ) -> Outcome<Option<Row>> {
        let row = match self.owner(stream)? {
            Owner::Damaged => return Ok(None),
            Owner::Missing => {
                found.row(table, key, "its stream is not there");
                return Ok(None);
            }
            Owner::Row(row) => row,
        };
        if row.deleted {
            found.row(table, key, "its stream was deleted");
        } else if version > row.version.max(row.folding_to) {
            let at = row.version;
            found.row(table, key, format!("it is of version {version} of a stream at {at}"));
        } else if position < row.born {
            found.row(table, key, "it is of an earlier stream of that name");
        } else {
            return Ok(Some(row));
        }
        Ok(None)
    }

    fn owner(&mut self, stream: &[u8]) -> Outcome<Owner> {
        if let Some((last, owner)) = &self.last
            && last == stream
        {
            return Ok(*owner);
        }
        let owner = match self.streams.get(stream)? {
            None => Owner::Missing,
            Some(row) => rows::stream(stream, row.value())
                .map_or(Owner::Damaged, |(_, row)| Owner::Row(row.into())),
        };
        self.last = Some((stream.to_vec(), owner));
        Ok(owner)
    }

    /// What is known only when everything was seen.
    pub(super) fn end(&mut self, facts: &Facts, found: &mut Findings) -> Outcome<()> {
        // A fact that is damaged was told where it is.
        if let (Some(has), Ok(says)) = (self.signal_bytes, facts.number("signal_bytes"))
            && has != says
        {
            let message = format!("signal_bytes is {says}, and the signals have {has} bytes");
            found.table(TableName::Meta, message);
        }
        let streams = self.log.as_mut().map(|log| log.end(found)).unwrap_or_default();
        for (stream, seen) in streams {
            if let Some(wrong) = seen.against(self.owner(&stream)?) {
                found.row(TableName::Streams, &stream, wrong);
            }
        }
        Ok(())
    }
}

impl Row {
    /// Whether it is being folded in several transactions.
    const fn is_folding(&self) -> bool {
        self.folding_to > self.version
    }
}
