//! A line as a record, to the byte what it was made of.

use std::num::NonZeroU16;

use super::text::{Parsed, blob, fingerprint, number, stream, time, wake};
use super::{Line, OneChange, State, Stored};
use crate::format::{
    AnswerRow, AppendRecord, BlobRow, BlobState, ChunkRow, EventEntry, EventsRow, HEAD, Header,
    HoldRow, Kind, PartRow, SignalRow, SnapshotRow, StoredChange, StoredPayload, StreamRow,
    encode_stored, format_of_stored, seal, seal_append,
};
use crate::stream::StreamId;

/// The record of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::embedded) struct Imported {
    pub(in crate::embedded) header: Header,
    /// Whose it is; none of a blob.
    pub(in crate::embedded) stream: Option<StreamId>,
    pub(in crate::embedded) sealed: Vec<u8>,
}

impl Imported {
    pub(in crate::embedded) fn body(&self) -> &[u8] {
        self.sealed.get(HEAD..).unwrap_or_default()
    }
}

/// A payload whose bytes are held.
struct Held {
    schema: u16,
    key_id: u32,
    bytes: Vec<u8>,
}

impl Held {
    fn of(stored: &Stored) -> Parsed<Self> {
        let bytes = stored.bytes.bytes()?;
        if u32::try_from(bytes.len()).is_err() {
            return Err("a payload is too long".to_owned());
        }
        Ok(Self { schema: stored.schema, key_id: stored.codec, bytes })
    }

    fn stored(&self) -> StoredPayload<'_> {
        StoredPayload { schema: self.schema, key_id: self.key_id, bytes: &self.bytes }
    }
}

/// The record of a line in a store of so many shards; none of the first line and the last.
pub(in crate::embedded) fn record_of(line: &Line, shards: NonZeroU16) -> Parsed<Option<Imported>> {
    let (kind, name, position, body) = match line {
        Line::Export { .. } | Line::End { .. } => return Ok(None),
        Line::Stream { stream: name, position, .. } => {
            (Kind::Stream, name, position, stream_body(line)?)
        }
        Line::Snapshot { stream: name, position, version, payload } => {
            let (id, payload) = (stream(name)?, Held::of(payload)?);
            let row =
                SnapshotRow { stream: id.key(), version: *version, payload: payload.stored() };
            (Kind::Snapshot, name, position, row.encode())
        }
        Line::Events { stream: name, position, .. } => {
            (Kind::Events, name, position, events_body(line)?)
        }
        Line::Part { stream: name, key, position, version, payload } => {
            let (id, key, payload) = (stream(name)?, short(key.bytes()?)?, Held::of(payload)?);
            let payload = payload.stored();
            let row = PartRow { stream: id.key(), key: &key, version: *version, payload };
            (Kind::Part, name, position, row.encode())
        }
        Line::Answer { stream: name, position, .. } => {
            (Kind::Answer, name, position, answer_body(line)?)
        }
        Line::Signal { stream: name, position, .. } => {
            (Kind::Signal, name, position, signal_body(line)?)
        }
        Line::Blob { .. } | Line::Chunk { .. } => return record_of_blob(line, shards).map(Some),
        Line::Hold { stream: name, blob: id, position, version } => {
            let (of, blob) = (stream(name)?, blob(id)?);
            let row = HoldRow { stream: of.key(), blob, version: *version };
            (Kind::Hold, name, position, row.encode())
        }
        Line::Append { stream: name, position, version, epoch, at, changes } => {
            let id = stream(name)?;
            let count = u32::try_from(changes.len()).map_err(|_many| "too many changes")?;
            let record = AppendRecord {
                stream: id.key(),
                version: *version,
                epoch: *epoch,
                at: time(at)?,
                changes: count,
            };
            let (body, format) = append_body(record, changes)?;
            let (position, shard) = (number(position)?, id.shard(shards).get());
            let header = Header { kind: Kind::Append, shard, position };
            let sealed = seal_append(header, format, fitting(&body)?);
            return Ok(Some(Imported { header, stream: Some(id), sealed }));
        }
    };
    let (stream, position) = (stream(name)?, number(position)?);
    let header = Header { kind, shard: stream.shard(shards).get(), position };
    let sealed = seal(header, fitting(&body)?);
    Ok(Some(Imported { header, stream: Some(stream), sealed }))
}

fn record_of_blob(line: &Line, shards: NonZeroU16) -> Parsed<Imported> {
    let (kind, id, position, body) = match line {
        Line::Blob { blob: name, position, state, chunks, length, at } => {
            let state = match state {
                State::Open => BlobState::Open,
                State::Whole => BlobState::Whole,
                State::Doomed => BlobState::Doomed,
            };
            let (id, length, at) = (blob(name)?, number(length)?, time(at)?);
            let row = BlobRow { id, state, chunks: *chunks, length, at };
            (Kind::Blob, id, position, row.encode())
        }
        Line::Chunk { blob: name, index, position, payload } => {
            let (id, payload) = (blob(name)?, Held::of(payload)?);
            let row = ChunkRow { blob: id, index: *index, payload: payload.stored() };
            (Kind::Chunk, id, position, row.encode())
        }
        _ => return Err("a line of no blob".to_owned()),
    };
    if id.shard().get() >= shards.get() {
        return Err(format!("there is no shard {}", id.shard()));
    }
    let header = Header { kind, shard: id.shard().get(), position: number(position)? };
    Ok(Imported { header, stream: None, sealed: seal(header, fitting(&body)?) })
}

/// What a record can hold.
fn fitting(body: &[u8]) -> Parsed<&[u8]> {
    let fits = u32::try_from(body.len()).is_ok();
    if fits { Ok(body) } else { Err("the record is too long".to_owned()) }
}

/// What is written behind its length in two bytes.
fn short<T: AsRef<[u8]>>(bytes: T) -> Parsed<T> {
    let fits = u16::try_from(bytes.as_ref().len()).is_ok();
    if fits { Ok(bytes) } else { Err("a key or a text is longer than 65,535 bytes".to_owned()) }
}

fn stream_body(line: &Line) -> Parsed<Vec<u8>> {
    let Line::Stream { stream: name, version, born, wake: woken, at, deleted, .. } = line else {
        return Ok(Vec::new());
    };
    let Line::Stream { folding_to, snapshot, .. } = line else { return Ok(Vec::new()) };
    let id = stream(name)?;
    let row = StreamRow {
        stream: id.key(),
        version: *version,
        folding_to: *folding_to,
        born: number(born)?,
        snapshot: *snapshot,
        wake: wake(woken)?,
        at: time(at)?,
        deleted: *deleted,
    };
    Ok(row.encode())
}

fn events_body(line: &Line) -> Parsed<Vec<u8>> {
    let Line::Events { stream: name, events, .. } = line else { return Ok(Vec::new()) };
    let id = stream(name)?;
    let held: Vec<_> =
        events.iter().map(|event| Held::of(&event.payload)).collect::<Parsed<_>>()?;
    let mut row = EventsRow { stream: id.key(), events: Vec::with_capacity(events.len()) };
    for (event, payload) in events.iter().zip(&held) {
        let (version, at, payload) = (event.version, time(&event.at)?, payload.stored());
        row.events.push(EventEntry { version, at, payload });
    }
    Ok(row.encode())
}

fn answer_body(line: &Line) -> Parsed<Vec<u8>> {
    let Line::Answer { stream: name, key, version, fingerprint: digest, until, payload, .. } = line
    else {
        return Ok(Vec::new());
    };
    let (id, payload) = (stream(name)?, Held::of(payload)?);
    let row = AnswerRow {
        stream: id.key(),
        key: short(key)?,
        version: *version,
        fingerprint: fingerprint(digest)?,
        until: time(until)?,
        payload: payload.stored(),
    };
    Ok(row.encode())
}

fn signal_body(line: &Line) -> Parsed<Vec<u8>> {
    let Line::Signal { stream: name, version, at, class, routing, payload, .. } = line else {
        return Ok(Vec::new());
    };
    let (id, payload) = (stream(name)?, Held::of(payload)?);
    let row = SignalRow {
        stream: id.key(),
        version: *version,
        at: time(at)?,
        class: *class,
        routing: short(routing)?,
        payload: payload.stored(),
    };
    Ok(row.encode())
}

/// The body, and the first format that has all of it.
fn append_body(record: AppendRecord<'_>, changes: &[OneChange]) -> Parsed<(Vec<u8>, u8)> {
    // What is borrowed below, in the same order.
    let mut held = Vec::with_capacity(changes.len());
    for change in changes {
        let (key, payload) = match change {
            OneChange::Event { payload }
            | OneChange::Signal { payload, .. }
            | OneChange::Answer { payload, .. }
            | OneChange::Snapshot { payload, .. } => (Vec::new(), Some(Held::of(payload)?)),
            OneChange::Put { key, payload } => (short(key.bytes()?)?, Some(Held::of(payload)?)),
            OneChange::Delete { key } => (short(key.bytes()?)?, None),
            OneChange::Wake { .. }
            | OneChange::Tombstone
            | OneChange::Hold { .. }
            | OneChange::Release { .. } => (Vec::new(), None),
        };
        held.push((key, payload));
    }
    let nothing = StoredPayload { schema: 0, key_id: 0, bytes: &[] };
    let mut stored = Vec::with_capacity(changes.len());
    for (change, (held_key, held)) in changes.iter().zip(&held) {
        let payload = held.as_ref().map_or(nothing, Held::stored);
        stored.push(match change {
            OneChange::Event { .. } => StoredChange::Event(payload),
            OneChange::Put { .. } => StoredChange::Put(held_key, payload),
            OneChange::Delete { .. } => StoredChange::Delete(held_key),
            OneChange::Signal { class, routing, .. } => {
                StoredChange::Signal { class: *class, routing: short(routing)?, payload }
            }
            OneChange::Answer { key, fingerprint: digest, until, .. } => StoredChange::Answer {
                key: short(key)?,
                fingerprint: fingerprint(digest)?,
                until: time(until)?,
                payload,
            },
            OneChange::Wake { wake: woken } => StoredChange::Wake(wake(woken)?),
            OneChange::Snapshot { of, .. } => StoredChange::Snapshot(*of, payload),
            OneChange::Tombstone => StoredChange::Tombstone,
            OneChange::Hold { blob: id } => StoredChange::Hold(blob(id)?),
            OneChange::Release { blob: id } => StoredChange::Release(blob(id)?),
        });
    }
    Ok((encode_stored(record, &stored), format_of_stored(&stored)))
}
