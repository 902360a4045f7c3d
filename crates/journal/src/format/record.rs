//! Any record, of whatever kind: for whoever takes all of them, as an export and a salvage do.
//!
//! The one place beside [`Kind`] that lists all kinds of records with what their bodies are.

mod head;

use super::append::{
    ANSWER, AppendRecord, Body, DELETE, EVENT, HOLD, PUT, RELEASE, SIGNAL, SNAPSHOT, StoredChange,
    TOMBSTONE, WAKE, put_wake,
};
use super::blobs::{BlobRow, ChunkRow, HoldRow};
use super::bytes::{Damage, Put, Take};
use super::envelope::{BLOBS, Kind};
use super::rows::{AnswerRow, EventsRow, Fact, PartRow, SignalRow, SnapshotRow, StreamRow};

pub(crate) use self::head::{Found, Head};

/// What a record says, so far as anybody asks for it here.
#[derive(Debug, Clone)]
pub(crate) enum Record<'a> {
    /// How many bytes the appends have that follow.
    Group(u32),
    Append(Body<'a>),
    Part(PartRow<'a>),
    Events(EventsRow<'a>),
    Snapshot(SnapshotRow<'a>),
    Answer(AnswerRow<'a>),
    Signal(SignalRow<'a>),
    Stream(StreamRow<'a>),
    Meta(Fact<'a>),
    Blob(BlobRow),
    Chunk(ChunkRow<'a>),
    Hold(HoldRow<'a>),
}

impl<'a> Record<'a> {
    /// Reads the body of a record. All of it is looked at, the changes of an append too.
    pub(crate) fn decode(kind: Kind, body: &'a [u8]) -> Result<Self, Damage> {
        Ok(match kind {
            Kind::Group => {
                let mut take = Take::new(body);
                let (_appends, bytes) = (take.u32()?, take.u32()?);
                take.end()?;
                Self::Group(bytes)
            }
            Kind::Append => {
                let body = Body::new(body)?;
                body.changes().try_for_each(|change| change.map(drop))?;
                Self::Append(body)
            }
            Kind::Part => Self::Part(PartRow::decode(body)?),
            Kind::Events => Self::Events(EventsRow::decode(body)?),
            Kind::Snapshot => Self::Snapshot(SnapshotRow::decode(body)?),
            Kind::Answer => Self::Answer(AnswerRow::decode(body)?),
            Kind::Signal => Self::Signal(SignalRow::decode(body)?),
            Kind::Stream => Self::Stream(StreamRow::decode(body)?),
            Kind::Meta => Self::Meta(Fact::decode(body)?),
            Kind::Blob => Self::Blob(BlobRow::decode(body)?),
            Kind::Chunk => Self::Chunk(ChunkRow::decode(body)?),
            Kind::Hold => Self::Hold(HoldRow::decode(body)?),
        })
    }

    /// The stream that it is of, if it is of one.
    pub(crate) const fn stream(&self) -> Option<&'a [u8]> {
        match self {
            Self::Group(..) | Self::Meta(_) | Self::Blob(_) | Self::Chunk(_) => None,
            Self::Hold(row) => Some(row.stream),
            Self::Append(body) => Some(body.record.stream),
            Self::Part(row) => Some(row.stream),
            Self::Events(row) => Some(row.stream),
            Self::Snapshot(row) => Some(row.stream),
            Self::Answer(row) => Some(row.stream),
            Self::Signal(row) => Some(row.stream),
            Self::Stream(row) => Some(row.stream),
        }
    }
}

/// The body of an append whose payloads are encoded already.
pub(crate) fn encode_stored(record: AppendRecord<'_>, changes: &[StoredChange<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    out.put_short(record.stream);
    out.put_u64(record.version);
    out.put_u64(record.epoch);
    out.put_time(record.at);
    out.put_u32(record.changes);
    for change in changes {
        match *change {
            StoredChange::Event(payload) => {
                out.put_u8(EVENT);
                out.put_stored(payload);
            }
            StoredChange::Put(key, payload) => {
                out.put_u8(PUT);
                out.put_short(key);
                out.put_stored(payload);
            }
            StoredChange::Delete(key) => {
                out.put_u8(DELETE);
                out.put_short(key);
            }
            StoredChange::Signal { class, routing, payload } => {
                out.put_u8(SIGNAL);
                out.put_u8(class);
                out.put_short(routing.as_bytes());
                out.put_stored(payload);
            }
            StoredChange::Answer { key, fingerprint, until, payload } => {
                out.put_u8(ANSWER);
                out.put_short(key.as_bytes());
                out.put_u128(fingerprint);
                out.put_time(until);
                out.put_stored(payload);
            }
            StoredChange::Wake(wake) => {
                out.put_u8(WAKE);
                put_wake(&mut out, wake);
            }
            StoredChange::Snapshot(of, payload) => {
                out.put_u8(SNAPSHOT);
                out.put_u64(of);
                out.put_stored(payload);
            }
            StoredChange::Tombstone => out.put_u8(TOMBSTONE),
            StoredChange::Hold(blob) => {
                out.put_u8(HOLD);
                out.put_blob(blob);
            }
            StoredChange::Release(blob) => {
                out.put_u8(RELEASE);
                out.put_blob(blob);
            }
        }
    }
    out
}

/// The first format that has all of these changes.
pub(crate) fn format_of_stored(changes: &[StoredChange<'_>]) -> u8 {
    let is_new = |change: &StoredChange<'_>| {
        matches!(change, StoredChange::Hold(_) | StoredChange::Release(_))
    };
    if changes.iter().any(is_new) { BLOBS } else { 1 }
}
