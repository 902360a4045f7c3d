//! Every table of the file, in one place, for whoever goes through all of them.
//!
//! - **A table that is not here is not checked and not copied**: a test compares this with what a new
//!   store has.
//! - **Reading is in pages**, so that whoever reads a large table ends its transaction now and then.
//!
//! Keys are passed on as redb writes them: those of the log are numbers of 8 bytes, little-endian,
//! although they sort as numbers.

use std::cmp::Ordering;
use std::ops::Bound;

use redb::{Key, ReadTransaction, ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use super::failure::{Failure, Outcome};
use super::tables::{
    ANSWERS, ANSWERS_UNTIL, BLOBS, CHUNKS, EVENTS, HOLDERS, HOLDS, LOG, LOOSE, META, PARTS, Rows,
    SIGNALS, SNAPSHOTS, STREAMS, TOMBSTONES, WAKES,
};
use crate::format::BLOBS as WITH_BLOBS;

/// A table of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TableName {
    Log,
    Streams,
    Parts,
    Events,
    Snapshots,
    Answers,
    AnswersUntil,
    Wakes,
    Signals,
    Tombstones,
    Blobs,
    Chunks,
    Holds,
    Holders,
    Loose,
    /// Last, so that a copy which was cut short is no store.
    Meta,
}

/// What of a table is looked at in one transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageSize {
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

/// A key and a value.
pub(super) type Row = (Vec<u8>, Vec<u8>);

/// Is shown keys and values. Its error ends the page.
pub(super) type See<'a> = dyn FnMut(&[u8], &[u8]) -> Outcome<()> + 'a;

/// How a table is opened.
enum Definition {
    Facts,
    Log,
    Rows(Rows),
}

impl TableName {
    /// All of them, of every format.
    pub(super) const ALL: [Self; 16] = [
        Self::Log,
        Self::Streams,
        Self::Parts,
        Self::Events,
        Self::Snapshots,
        Self::Answers,
        Self::AnswersUntil,
        Self::Wakes,
        Self::Signals,
        Self::Tombstones,
        Self::Blobs,
        Self::Chunks,
        Self::Holds,
        Self::Holders,
        Self::Loose,
        Self::Meta,
    ];

    /// Those that a store of that format has.
    pub(super) fn of(format: u8) -> impl DoubleEndedIterator<Item = Self> {
        Self::ALL.into_iter().filter(move |table| table.format() <= format)
    }

    /// The first format that has it.
    const fn format(self) -> u8 {
        match self {
            Self::Blobs | Self::Chunks | Self::Holds | Self::Holders | Self::Loose => WITH_BLOBS,
            _ => 1,
        }
    }

    const fn definition(self) -> Definition {
        match self {
            Self::Meta => Definition::Facts,
            Self::Log => Definition::Log,
            Self::Streams => Definition::Rows(STREAMS),
            Self::Parts => Definition::Rows(PARTS),
            Self::Events => Definition::Rows(EVENTS),
            Self::Snapshots => Definition::Rows(SNAPSHOTS),
            Self::Answers => Definition::Rows(ANSWERS),
            Self::AnswersUntil => Definition::Rows(ANSWERS_UNTIL),
            Self::Wakes => Definition::Rows(WAKES),
            Self::Signals => Definition::Rows(SIGNALS),
            Self::Tombstones => Definition::Rows(TOMBSTONES),
            Self::Blobs => Definition::Rows(BLOBS),
            Self::Chunks => Definition::Rows(CHUNKS),
            Self::Holds => Definition::Rows(HOLDS),
            Self::Holders => Definition::Rows(HOLDERS),
            Self::Loose => Definition::Rows(LOOSE),
        }
    }

    /// Its name in the file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Log => "log",
            Self::Streams => "streams",
            Self::Parts => "parts",
            Self::Events => "events",
            Self::Snapshots => "snapshots",
            Self::Answers => "answers",
            Self::AnswersUntil => "answers_until",
            Self::Wakes => "wakes",
            Self::Signals => "signals",
            Self::Tombstones => "tombstones",
            Self::Blobs => "blobs",
            Self::Chunks => "chunks",
            Self::Holds => "holds",
            Self::Holders => "holders",
            Self::Loose => "loose",
        }
    }

    /// How many rows it has, as the file says without reading them.
    pub(super) fn rows(self, read: &ReadTransaction) -> Outcome<u64> {
        Ok(match self.definition() {
            Definition::Facts => read.open_table(META)?.len()?,
            Definition::Log => read.open_table(LOG)?.len()?,
            Definition::Rows(rows) => read.open_table(rows)?.len()?,
        })
    }

    /// Shows the rows behind `after` to `see`, until the page is full. Gives the last key, if there
    /// may be more.
    pub(super) fn page(
        self,
        read: &ReadTransaction,
        after: Option<&[u8]>,
        size: PageSize,
        see: &mut See<'_>,
    ) -> Outcome<Option<Vec<u8>>> {
        match self.definition() {
            Definition::Facts => page(&read.open_table(META)?, after, size, see),
            Definition::Log => page(&read.open_table(LOG)?, after, size, see),
            Definition::Rows(rows) => page(&read.open_table(rows)?, after, size, see),
        }
    }

    /// Sets rows whose keys come behind all that are there.
    pub(super) fn insert(self, write: &WriteTransaction, rows: &[Row]) -> Outcome<()> {
        match self.definition() {
            Definition::Facts => insert(write.open_table(META)?, rows),
            Definition::Log => insert(write.open_table(LOG)?, rows),
            Definition::Rows(table) => insert(write.open_table(table)?, rows),
        }
    }

    /// A key for people.
    pub(super) fn show(self, key: &[u8]) -> String {
        match self.definition() {
            Definition::Log => number(key).to_string(),
            Definition::Facts | Definition::Rows(_) => key.escape_ascii().to_string(),
        }
    }
}

/// The number of a group, of its key.
pub(super) fn number(key: &[u8]) -> u64 {
    key.first_chunk::<8>().map_or(0, |number| u64::from_le_bytes(*number))
}

fn page<K: Key + 'static>(
    table: &impl ReadableTable<K, &'static [u8]>,
    after: Option<&[u8]>,
    size: PageSize,
    see: &mut See<'_>,
) -> Outcome<Option<Vec<u8>>> {
    let mut last = after.map(<[u8]>::to_vec);
    let (mut rows, mut bytes) = (0, 0);
    let start = after.map_or(Bound::Unbounded, |after| Bound::Excluded(K::from_bytes(after)));
    for row in table.range::<K::SelfType<'_>>((start, Bound::Unbounded))? {
        let (key, value) = row?;
        let (key, value) = (key.value(), value.value());
        let key = K::as_bytes(&key);
        let key = key.as_ref();
        // Otherwise whoever goes on behind the last key would never end, or leave some out.
        if last.as_ref().is_some_and(|last| K::compare(last, key) != Ordering::Less) {
            return Err(Failure::Corrupt("its rows are not in their order".to_owned()));
        }
        see(key, value)?;
        rows += 1;
        bytes += u64::try_from(key.len() + value.len()).unwrap_or(u64::MAX);
        last = Some(key.to_vec());
        if rows >= size.rows || bytes >= size.bytes {
            return Ok(last);
        }
    }
    Ok(None)
}

fn insert<K: Key + 'static>(mut table: Table<'_, K, &'static [u8]>, rows: &[Row]) -> Outcome<()> {
    for (key, value) in rows {
        table.insert(K::from_bytes(key), value.as_slice())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
