//! A new store, made of records that were written by another one: by an import and a salvage.
//!
//! - **It is made beside its path and comes there whole**; dropped before that, nothing is left.
//! - **What can be made anew is made anew**: wakes, tombstones, when answers may go, and how many
//!   bytes of signals there are.

use std::mem;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Builder, Database, TableHandle};

use super::failure::{Failure, Outcome};
use super::guard::{guarded, let_go};
use super::open::number_of;
use super::path::{beside, exists, is_taken, put_in_place, remove};
use super::tables::{
    ANSWERS, ANSWERS_UNTIL, BLOBS, CHUNKS, EVENTS, HOLDERS, HOLDS, LOG, LOOSE, PARTS, Rows,
    SIGNALS, SNAPSHOTS, STREAMS, TOMBSTONES, WAKES, blob_key, chunk_key, create_all, holder_key,
    loose_key, signal_key, time_key, wake_key, wake_time, within, write_fact,
};
use crate::format::{Header, Record};
use crate::options::Durability;
use crate::stream::Shard;

/// Bytes that are written in one transaction: enough that it costs little, few enough to hold.
const BATCH: usize = 16 << 20;

/// A store while it is made.
pub(super) struct Build {
    path: PathBuf,
    /// Where it is made, until it is in its place.
    beside: Option<PathBuf>,
    database: Option<Database>,
    rows: Vec<(Rows, Vec<u8>, Vec<u8>)>,
    log: Vec<(u64, Vec<u8>)>,
    /// Bytes of those.
    waiting: usize,
    signal_bytes: u64,
    format: u8,
}

impl Build {
    /// Begins one. What is at `path` already is left alone, and refused.
    pub(super) fn new(path: &Path) -> Outcome<Self> {
        if is_taken(path)? {
            return Err(exists(path));
        }
        let Some((file, beside)) = beside(path)? else { return Err(exists(path)) };
        let mut build = Self {
            path: path.to_owned(),
            beside: Some(beside),
            database: None,
            rows: Vec::new(),
            log: Vec::new(),
            waiting: 0,
            signal_bytes: 0,
            format: 1,
        };
        let database = Builder::new().create_with_backend(FileBackend::new(file)?)?;
        let database = build.database.insert(database);
        let write = database.begin_write()?;
        create_all(&write, build.format)?;
        write.commit()?;
        Ok(build)
    }

    /// Makes it a store of that format, before it gets rows of it.
    pub(super) fn raise(&mut self, format: u8) -> Outcome<()> {
        let Some(database) = &self.database else { return Ok(()) };
        let write = database.begin_write()?;
        create_all(&write, format)?;
        write.commit()?;
        self.format = format;
        Ok(())
    }

    /// Adds a row, and whatever follows from it.
    pub(super) fn row(
        &mut self,
        header: Header,
        record: &Record<'_>,
        sealed: Vec<u8>,
    ) -> Outcome<()> {
        let Some((table, key)) = place_of(header, record) else {
            return Err(Failure::Corrupt("a record that is no row".to_owned()));
        };
        match record {
            Record::Stream(row) => {
                if let Some(since) = wake_time(row.wake) {
                    let wake = wake_key(Shard::new(header.shard), since, row.stream);
                    self.put(WAKES, wake, Vec::new())?;
                }
                if row.deleted {
                    let tombstone = [&time_key(row.at), row.stream].concat();
                    self.put(TOMBSTONES, tombstone, Vec::new())?;
                }
            }
            Record::Answer(row) => {
                let until = [&time_key(row.until), key.as_slice()].concat();
                self.put(ANSWERS_UNTIL, until, Vec::new())?;
            }
            Record::Hold(row) => {
                self.put(HOLDERS, holder_key(row.blob, row.stream), Vec::new())?;
            }
            Record::Blob(row) => self.put(LOOSE, loose_key(row.at, row.id), Vec::new())?,
            Record::Signal(_) => self.signal_bytes += u64::try_from(sealed.len()).unwrap_or(0),
            _ => {}
        }
        self.put(table, key, sealed)
    }

    /// Adds a row of the log.
    pub(super) fn group(&mut self, number: u64, row: Vec<u8>) -> Outcome<()> {
        self.waiting += row.len();
        self.log.push((number, row));
        self.write_if_full()
    }

    fn put(&mut self, table: Rows, key: Vec<u8>, value: Vec<u8>) -> Outcome<()> {
        self.waiting += key.len() + value.len();
        self.rows.push((table, key, value));
        self.write_if_full()
    }

    fn write_if_full(&mut self) -> Outcome<()> {
        if self.waiting < BATCH { Ok(()) } else { self.write(&[]) }
    }

    /// Writes what waits, and those facts.
    fn write(&mut self, facts: &[(String, u64)]) -> Outcome<()> {
        let Some(database) = &self.database else { return Ok(()) };
        let write = database.begin_write()?;
        let mut rows = mem::take(&mut self.rows);
        rows.sort_by(|a, b| a.0.name().cmp(b.0.name()));
        for of_one in rows.chunk_by(|a, b| a.0.name() == b.0.name()) {
            let Some((table, ..)) = of_one.first() else { continue };
            let mut table = write.open_table(*table)?;
            for (_, key, value) in of_one {
                table.insert(key.as_slice(), value.as_slice())?;
            }
        }
        let mut log = write.open_table(LOG)?;
        for (number, row) in mem::take(&mut self.log) {
            log.insert(number, row.as_slice())?;
        }
        drop(log);
        for (name, value) in facts {
            write_fact(&write, name, *value)?;
        }
        write.commit()?;
        self.waiting = 0;
        Ok(())
    }

    /// Writes the facts, and puts the store in its place.
    pub(super) fn finish(
        mut self,
        durability: Durability,
        shards: NonZeroU16,
        facts: impl IntoIterator<Item = (String, u64)>,
    ) -> Outcome<()> {
        let mut facts: Vec<_> = facts.into_iter().collect();
        facts.push(("format".to_owned(), u64::from(self.format)));
        facts.push(("durability".to_owned(), number_of(durability)));
        facts.push(("shards".to_owned(), u64::from(shards.get())));
        facts.push(("signal_bytes".to_owned(), self.signal_bytes));
        self.write(&facts)?;
        // Still locked, so that nobody opens what is not in its place.
        if let Some(beside) = &self.beside {
            put_in_place(beside, &self.path)?;
        }
        self.beside = None;
        let database = self.database.take();
        guarded(|| {
            drop(database);
            Ok(())
        })
    }
}

impl Drop for Build {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside
            && let Err(error) = remove(beside)
        {
            let path = beside.display().to_string();
            tracing::warn!(path, error = %error, "journal.left_behind");
        }
        let_go(self.database.take());
    }
}

/// The table and the key of a row; none of what is no row.
pub(super) fn place_of(header: Header, record: &Record<'_>) -> Option<(Rows, Vec<u8>)> {
    Some(match record {
        Record::Stream(row) => (STREAMS, row.stream.to_vec()),
        Record::Snapshot(row) => (SNAPSHOTS, row.stream.to_vec()),
        Record::Events(row) => {
            let first = row.events.first()?.version.to_be_bytes();
            (EVENTS, within(row.stream, &first))
        }
        Record::Part(row) => (PARTS, within(row.stream, row.key)),
        Record::Answer(row) => (ANSWERS, within(row.stream, row.key.as_bytes())),
        Record::Signal(_) => (SIGNALS, signal_key(Shard::new(header.shard), header.position)),
        Record::Blob(row) => (BLOBS, blob_key(row.id).to_vec()),
        Record::Chunk(row) => (CHUNKS, chunk_key(row.blob, row.index)),
        Record::Hold(row) => (HOLDS, within(row.stream, &blob_key(row.blob))),
        Record::Group(..) | Record::Append(_) | Record::Meta(_) => return None,
    })
}
