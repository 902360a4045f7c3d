//! A stream as a reader meets it: the rows, and over them what is not folded.

use std::collections::BTreeMap;

use jiff::Timestamp;
use redb::{Database, ReadTransaction, ReadableDatabase};

use super::core::Core;
use super::failure::{Failure, Outcome};
use super::plan::Row;
use super::rows;
use super::tables::STREAMS;
use super::tail::Held;
use crate::append::Wake;
use crate::blob::BlobId;
use crate::format::{Body, EventEntry, Kind, StoredChange, StoredPayload, unseal};
use crate::stream::StreamId;

/// The unfolded records of a stream and the rows, such that both together are one moment of it.
pub(super) struct View {
    pub(super) read: ReadTransaction,
    pub(super) row: Row,
    held: Vec<Held>,
}

/// What the unfolded records change. Nothing of what it has not is changed.
#[derive(Debug)]
pub(super) struct Overlay<'a> {
    pub(super) version: u64,
    pub(super) at: Timestamp,
    pub(super) wake: Wake,
    pub(super) snapshot_version: Option<u64>,
    pub(super) deleted: bool,
    /// Whether nothing of the rows holds any more.
    pub(super) wiped: bool,
    pub(super) snapshot: Option<StoredPayload<'a>>,
    pub(super) parts: BTreeMap<&'a [u8], Option<(u64, StoredPayload<'a>)>>,
    pub(super) events: Vec<EventEntry<'a>>,
    pub(super) answers: BTreeMap<&'a str, (u128, StoredPayload<'a>)>,
    /// Whether it holds a blob.
    pub(super) holds: BTreeMap<BlobId, bool>,
}

/// How often a reader looks anew because a large stream was being folded meanwhile. Each time it
/// has seen more, and folding does not begin anew so fast.
const LOOKS: usize = 100;

impl View {
    /// Takes the view of a stream. What is in memory comes first: what is folded after that is in
    /// the rows too.
    pub(super) fn take(core: &Core, database: &Database, stream: &StreamId) -> Outcome<Self> {
        for n in 0..LOOKS {
            let held = core.tail.lock().view(stream);
            let read = database.begin_read()?;
            let row = read_row(&read, stream.key())?;
            let seen = held.last().map_or(row.version, |held| held.version.max(row.version));
            let next = held.iter().find(|held| held.version > row.version);
            if next.is_some_and(|next| next.version != row.version.saturating_add(1))
                && n + 1 < LOOKS
            {
                // It was deleted, folded and forgotten meanwhile: its row is gone.
                continue;
            }
            if row.folding_to <= row.version || row.folding_to <= seen {
                return Ok(Self { read, row, held });
            }
        }
        Err(Failure::Corrupt(format!("the stream {stream} is never folded")))
    }

    /// What the records behind the row change.
    pub(super) fn overlay(&self) -> Outcome<Overlay<'_>> {
        let row = &self.row;
        let mut overlay = Overlay {
            version: row.version,
            at: row.at,
            wake: row.wake,
            snapshot_version: row.snapshot,
            deleted: row.deleted,
            wiped: row.deleted,
            snapshot: None,
            parts: BTreeMap::new(),
            events: Vec::new(),
            answers: BTreeMap::new(),
            holds: BTreeMap::new(),
        };
        for held in self.held.iter().filter(|held| held.version > row.version) {
            let (_, body) = unseal(held.record(), Kind::Append)?;
            overlay.apply(&Body::new(body)?)?;
        }
        Ok(overlay)
    }
}

impl<'a> Overlay<'a> {
    fn apply(&mut self, body: &Body<'a>) -> Outcome<()> {
        let (version, at) = (body.record.version, body.record.at);
        if version != self.version + 1 {
            return Err(Failure::Corrupt("a stream lacks a version".to_owned()));
        }
        (self.version, self.at) = (version, at);
        for change in body.changes() {
            match change? {
                StoredChange::Event(payload) => {
                    self.events.push(EventEntry { version, at, payload });
                }
                StoredChange::Put(key, payload) => {
                    self.parts.insert(key, Some((version, payload)));
                }
                StoredChange::Delete(key) => {
                    self.parts.insert(key, None);
                }
                StoredChange::Answer { key, fingerprint, payload, .. } => {
                    self.answers.insert(key, (fingerprint, payload));
                }
                StoredChange::Wake(wake) => self.wake = wake,
                StoredChange::Snapshot(of, payload) => {
                    if self.snapshot_version.is_none_or(|before| of >= before) {
                        self.snapshot_version = Some(of);
                        self.snapshot = Some(payload);
                    }
                }
                StoredChange::Tombstone => {
                    self.wiped = true;
                    self.deleted = true;
                    self.wake = Wake::Never;
                    self.snapshot_version = None;
                    self.snapshot = None;
                    self.parts.clear();
                    self.events.clear();
                    self.answers.clear();
                    self.holds.clear();
                }
                StoredChange::Hold(blob) => {
                    self.holds.insert(blob, true);
                }
                StoredChange::Release(blob) => {
                    self.holds.insert(blob, false);
                }
                StoredChange::Signal { .. } => {}
            }
        }
        Ok(())
    }

    /// Refuses a stream that was deleted.
    pub(super) fn check(&self, stream: &StreamId) -> Outcome<()> {
        if self.deleted { Err(Failure::Ours(crate::error::deleted(stream))) } else { Ok(()) }
    }
}

/// The row of a stream.
pub(super) fn read_row(read: &ReadTransaction, stream: &[u8]) -> Outcome<Row> {
    let streams = read.open_table(STREAMS)?;
    let Some(row) = streams.get(stream)? else { return Ok(Row::default()) };
    Ok(rows::stream(stream, row.value())?.1.into())
}
