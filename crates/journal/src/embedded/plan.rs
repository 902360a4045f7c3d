//! What folding a stream comes to: which rows are set and which go, from what the row of the stream
//! says and the records of the log behind it.
//!
//! Folding is idempotent: records that the row has already are passed over, and the rows that a
//! fold which was cut short has set are set again to the same.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::tables::{after_all, time_key, wake_key, wake_time, within};
use crate::append::Wake;
use crate::blob::BlobId;
use crate::format::{
    AnswerRow, Body, Damage, EVENT_HEAD, EventEntry, EventsRow, Header, HoldRow, Kind, PartRow,
    SnapshotRow, StoredChange, StoredPayload, StreamRow, seal,
};
use crate::stream::Shard;

/// Bytes of events in one row: enough that a long history has few rows, few enough that reading
/// the end of one costs little.
const EVENTS_BYTES: usize = 64 << 10;

/// Tables that folding writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Into {
    Streams,
    Parts,
    Events,
    Snapshots,
    Answers,
    AnswersUntil,
    Wakes,
    Tombstones,
    Holds,
    Holders,
    Blobs,
    Loose,
}

/// One step of a fold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Write {
    Put(Into, Vec<u8>, Vec<u8>),
    Remove(Into, Vec<u8>),
    /// Everything from the first key up to, and without, the second.
    RemoveRange(Into, Vec<u8>, Vec<u8>),
    /// Rows of events of which none is of a later version.
    RemoveEvents(Vec<u8>, u64),
    /// The stream holds the blob, as the row says. Two rows, never one without the other.
    Hold(Vec<u8>, BlobId, Vec<u8>),
    /// The stream does not hold the blob any more, since that time; and whether it did before the
    /// release in what is folded, or only if there is a row.
    Release(Vec<u8>, BlobId, Timestamp, bool),
    /// The stream holds nothing any more, since that time.
    ReleaseAll(Vec<u8>, Timestamp),
}

/// What a stream's row says, without its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) version: u64,
    pub(super) folding_to: u64,
    pub(super) born: u64,
    pub(super) snapshot: Option<u64>,
    pub(super) wake: Wake,
    pub(super) at: Timestamp,
    pub(super) deleted: bool,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            version: 0,
            folding_to: 0,
            born: 0,
            snapshot: None,
            wake: Wake::Never,
            at: Timestamp::UNIX_EPOCH,
            deleted: false,
        }
    }
}

impl From<StreamRow<'_>> for Row {
    fn from(row: StreamRow<'_>) -> Self {
        Self {
            version: row.version,
            folding_to: row.folding_to,
            born: row.born,
            snapshot: row.snapshot,
            wake: row.wake,
            at: row.at,
            deleted: row.deleted,
        }
    }
}

/// The fold of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Plan {
    /// To be done with the first of the rest if that is done in several commits: readers learn that
    /// they may meet parts of later versions, and miss what is removed.
    pub(super) begin: Option<Write>,
    /// Everything else, in an order of which each prefix may be all that happens.
    pub(super) writes: Vec<Write>,
    /// The row of the stream and what goes with it: in one commit, after the rest.
    pub(super) finish: Vec<Write>,
}

/// A value, the version that set it, and the position of the append.
type Set<'a> = (u64, u64, StoredPayload<'a>);

/// Whether a blob is held.
#[derive(Debug, Clone, Copy)]
enum Held {
    /// Since that version, which is at that position.
    Since(u64, u64),
    /// Not since that time; and whether it was before, in what is folded.
    Not(Timestamp, bool),
}

impl Held {
    /// Releases it.
    const fn release(self, at: Timestamp) -> Self {
        match self {
            Self::Since(..) => Self::Not(at, true),
            not @ Self::Not(..) => not,
        }
    }
}

/// A stream while it is folded.
struct Folding<'a> {
    stream: &'a [u8],
    shard: Shard,
    before: Row,
    row: Row,
    position: u64,
    wiped: bool,
    /// When, if so.
    wiped_at: Timestamp,
    parts: BTreeMap<&'a [u8], Option<Set<'a>>>,
    events: Vec<EventEntry<'a>>,
    snapshot: Option<Set<'a>>,
    answers: BTreeMap<&'a str, (u64, u64, AnswerRow<'a>)>,
    blobs: BTreeMap<BlobId, Held>,
}

/// Plans the fold of `stream`, whose row is `before`, with the records behind it.
pub(super) fn plan<'a>(
    stream: &'a [u8],
    shard: Shard,
    before: Row,
    records: impl Iterator<Item = Result<(Header, Body<'a>), Damage>>,
) -> Result<Plan, Damage> {
    let mut folding = Folding {
        stream,
        shard,
        before,
        row: before,
        position: 0,
        wiped: false,
        wiped_at: Timestamp::UNIX_EPOCH,
        parts: BTreeMap::new(),
        events: Vec::new(),
        snapshot: None,
        answers: BTreeMap::new(),
        blobs: BTreeMap::new(),
    };
    for record in records {
        let (header, body) = record?;
        if body.record.version > folding.row.version {
            folding.apply(header, body)?;
        }
    }
    Ok(folding.plan())
}

impl<'a> Folding<'a> {
    fn apply(&mut self, header: Header, body: Body<'a>) -> Result<(), Damage> {
        let (version, at) = (body.record.version, body.record.at);
        if version != self.row.version + 1 {
            return Err(Damage("a stream lacks a version"));
        }
        self.position = header.position;
        if version == 1 {
            self.row.born = header.position;
        }
        self.row.version = version;
        self.row.at = at;
        for change in body.changes() {
            match change? {
                StoredChange::Event(payload) => {
                    self.events.push(EventEntry { version, at, payload });
                }
                StoredChange::Put(key, payload) => {
                    self.parts.insert(key, Some((version, header.position, payload)));
                }
                StoredChange::Delete(key) => {
                    self.parts.insert(key, None);
                }
                StoredChange::Answer { key, fingerprint, until, payload } => {
                    let stream = self.stream;
                    let row = AnswerRow { stream, key, version, fingerprint, until, payload };
                    self.answers.insert(key, (version, header.position, row));
                }
                StoredChange::Wake(wake) => self.row.wake = wake,
                StoredChange::Snapshot(of, payload) => {
                    if self.row.snapshot.is_none_or(|before| of >= before) {
                        self.row.snapshot = Some(of);
                        self.snapshot = Some((of, header.position, payload));
                    }
                }
                StoredChange::Tombstone => self.wipe(),
                StoredChange::Hold(blob) => {
                    self.blobs.insert(blob, Held::Since(version, header.position));
                }
                StoredChange::Release(blob) => {
                    let held = self.blobs.entry(blob).or_insert(Held::Not(at, false));
                    *held = held.release(at);
                }
                // Signals are folded by themselves, in the order of the log.
                StoredChange::Signal { .. } => {}
            }
        }
        Ok(())
    }

    fn wipe(&mut self) {
        self.wiped = true;
        self.wiped_at = self.row.at;
        self.parts.clear();
        self.events.clear();
        self.answers.clear();
        let at = self.row.at;
        // Also of one that is held in no row yet it is known then since when it is not.
        self.blobs.values_mut().for_each(|held| *held = held.release(at));
        self.snapshot = None;
        self.row = Row { snapshot: None, wake: Wake::Never, deleted: true, ..self.row };
    }

    fn plan(mut self) -> Plan {
        if self.row.version == self.before.version {
            // Folded before a crash. The row stays as it is: of its position nothing is known here.
            return Plan::default();
        }
        let snapshot = self.row.snapshot.unwrap_or(0);
        self.events.retain(|event| event.version > snapshot);
        let mut writes = Vec::with_capacity(self.parts.len() + 2);
        if self.before.folding_to > self.before.version {
            // An earlier fold was cut short: events that it has set may be in rows of other keys.
            let next = self.before.version.saturating_add(1);
            let from = within(self.stream, &next.to_be_bytes());
            writes.push(Write::RemoveRange(Into::Events, from, after_all(self.stream)));
        }
        if self.wiped {
            self.put_wipe(&mut writes);
        }
        self.put_parts(&mut writes);
        if let Some((version, ..)) = self.snapshot {
            // Whoever reads them before the rest is done knows the snapshot from the log.
            writes.push(Write::RemoveEvents(self.stream.to_vec(), version));
        }
        self.put_events(&mut writes);
        self.put_answers(&mut writes);
        self.put_blobs(&mut writes);
        let begin = self.put_row(Row { folding_to: self.row.version, ..self.before });
        Plan { begin: Some(begin), writes, finish: self.finish() }
    }

    fn put_wipe(&self, writes: &mut Vec<Write>) {
        let (from, to) = (within(self.stream, &[]), after_all(self.stream));
        for table in [Into::Parts, Into::Events, Into::Answers] {
            writes.push(Write::RemoveRange(table, from.clone(), to.clone()));
        }
        writes.push(Write::ReleaseAll(self.stream.to_vec(), self.wiped_at));
    }

    fn put_blobs(&self, writes: &mut Vec<Write>) {
        let stream = self.stream;
        for (blob, held) in &self.blobs {
            let (blob, stream_key) = (*blob, stream.to_vec());
            writes.push(match *held {
                Held::Since(version, position) => {
                    let body = HoldRow { stream, blob, version }.encode();
                    Write::Hold(stream_key, blob, self.seal(Kind::Hold, position, &body))
                }
                Held::Not(at, was) => Write::Release(stream_key, blob, at, was),
            });
        }
    }

    fn put_parts(&self, writes: &mut Vec<Write>) {
        let stream = self.stream;
        writes.extend(self.parts.iter().map(|(key, set)| {
            let row = within(stream, key);
            match *set {
                None => Write::Remove(Into::Parts, row),
                Some((version, position, payload)) => {
                    let body = PartRow { stream, key, version, payload }.encode();
                    Write::Put(Into::Parts, row, self.seal(Kind::Part, position, &body))
                }
            }
        }));
    }

    fn put_events(&self, writes: &mut Vec<Write>) {
        let mut rest = self.events.as_slice();
        while let Some(first) = rest.first() {
            let mut bytes = 0;
            // A row begins with a new version, so that no two rows have the same key.
            let fits = rest.iter().enumerate().take_while(|(n, event)| {
                let begins = n.checked_sub(1).and_then(|n| rest.get(n));
                let same = begins.is_some_and(|before| before.version == event.version);
                let fits = bytes < EVENTS_BYTES || same;
                bytes += EVENT_HEAD + event.payload.bytes.len();
                fits
            });
            let (row, behind) = rest.split_at_checked(fits.count()).unwrap_or((rest, &[]));
            rest = behind;
            let key = within(self.stream, &first.version.to_be_bytes());
            let body = EventsRow { stream: self.stream, events: row.to_vec() }.encode();
            let row = self.seal(Kind::Events, self.position, &body);
            writes.push(Write::Put(Into::Events, key, row));
        }
    }

    fn put_answers(&self, writes: &mut Vec<Write>) {
        for (key, (_, position, row)) in &self.answers {
            let place = within(self.stream, key.as_bytes());
            let until = [&time_key(row.until), place.as_slice()].concat();
            let sealed = self.seal(Kind::Answer, *position, &row.encode());
            writes.push(Write::Put(Into::Answers, place, sealed));
            writes.push(Write::Put(Into::AnswersUntil, until, Vec::new()));
        }
    }

    fn finish(&self) -> Vec<Write> {
        let mut finish = Vec::with_capacity(4);
        if let Some((version, position, payload)) = self.snapshot {
            let body = SnapshotRow { stream: self.stream, version, payload }.encode();
            let row = self.seal(Kind::Snapshot, position, &body);
            finish.push(Write::Put(Into::Snapshots, self.stream.to_vec(), row));
        } else if self.wiped {
            finish.push(Write::Remove(Into::Snapshots, self.stream.to_vec()));
        }
        let wake = |row: Row| Some(wake_key(self.shard, wake_time(row.wake)?, self.stream));
        let (old, new) = (wake(self.before), wake(self.row));
        if old != new {
            finish.extend(old.map(|key| Write::Remove(Into::Wakes, key)));
            finish.extend(new.map(|key| Write::Put(Into::Wakes, key, Vec::new())));
        }
        if self.wiped && self.row.deleted {
            let key = [&time_key(self.row.at), self.stream].concat();
            finish.push(Write::Put(Into::Tombstones, key, Vec::new()));
        }
        finish.push(self.put_row(Row { folding_to: self.row.version, ..self.row }));
        finish
    }

    fn put_row(&self, row: Row) -> Write {
        let body = StreamRow {
            stream: self.stream,
            version: row.version,
            folding_to: row.folding_to,
            born: row.born,
            snapshot: row.snapshot,
            wake: row.wake,
            at: row.at,
            deleted: row.deleted,
        };
        let sealed = self.seal(Kind::Stream, self.position, &body.encode());
        Write::Put(Into::Streams, self.stream.to_vec(), sealed)
    }

    fn seal(&self, kind: Kind, position: u64, body: &[u8]) -> Vec<u8> {
        seal(Header { kind, shard: self.shard.get(), position }, body)
    }
}

#[cfg(test)]
mod tests;
