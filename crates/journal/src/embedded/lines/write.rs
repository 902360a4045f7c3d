//! What a record says, as a line.

use super::text::{fingerprint_of, name_of, wake_of};
use super::{Bytes, Line, OneChange, OneEvent, State, Stored};
use crate::format::{AppendRecord, BlobRow, BlobState, Body, Damage, Header, Record, StoredChange};

/// The line of a record; none of those that an export has no lines for: groups, which follow from
/// the positions of their appends, and facts, which are in the first line.
pub(in crate::embedded) fn line_of(
    header: Header,
    record: &Record<'_>,
) -> Result<Option<Line>, Damage> {
    let name = |stream| name_of(stream).ok_or(Damage("a stream has a name that cannot be"));
    let stream = record.stream().map(name).transpose()?.unwrap_or_default();
    let position = header.position.to_string();
    Ok(Some(match record {
        Record::Group(..) | Record::Meta(_) => return Ok(None),
        Record::Append(body) => {
            let AppendRecord { version, epoch, at, .. } = body.record;
            let (at, changes) = (at.to_string(), changes(body)?);
            Line::Append { stream, position, version, epoch, at, changes }
        }
        Record::Part(row) => Line::Part {
            stream,
            key: Bytes::of(row.key),
            position,
            version: row.version,
            payload: Stored::of(row.payload),
        },
        Record::Events(row) => {
            let events = row.events.iter().map(|event| OneEvent {
                version: event.version,
                at: event.at.to_string(),
                payload: Stored::of(event.payload),
            });
            Line::Events { stream, position, events: events.collect() }
        }
        Record::Snapshot(row) => {
            let (version, payload) = (row.version, Stored::of(row.payload));
            Line::Snapshot { stream, position, version, payload }
        }
        Record::Answer(row) => Line::Answer {
            stream,
            key: row.key.to_owned(),
            position,
            version: row.version,
            fingerprint: fingerprint_of(row.fingerprint),
            until: row.until.to_string(),
            payload: Stored::of(row.payload),
        },
        Record::Signal(row) => Line::Signal {
            stream,
            position,
            version: row.version,
            at: row.at.to_string(),
            class: row.class,
            routing: row.routing.to_owned(),
            payload: Stored::of(row.payload),
        },
        Record::Stream(row) => Line::Stream {
            stream,
            position,
            version: row.version,
            folding_to: row.folding_to,
            born: row.born.to_string(),
            snapshot: row.snapshot,
            wake: wake_of(row.wake),
            at: row.at.to_string(),
            deleted: row.deleted,
        },
        Record::Blob(row) => blob(*row, position),
        Record::Chunk(row) => {
            let (blob, payload) = (row.blob.to_string(), Stored::of(row.payload));
            Line::Chunk { blob, index: row.index, position, payload }
        }
        Record::Hold(row) => {
            Line::Hold { stream, blob: row.blob.to_string(), position, version: row.version }
        }
    }))
}

fn blob(row: BlobRow, position: String) -> Line {
    Line::Blob {
        blob: row.id.to_string(),
        position,
        state: match row.state {
            BlobState::Open => State::Open,
            BlobState::Whole => State::Whole,
            BlobState::Doomed => State::Doomed,
        },
        chunks: row.chunks,
        length: row.length.to_string(),
        at: row.at.to_string(),
    }
}

fn changes(body: &Body<'_>) -> Result<Vec<OneChange>, Damage> {
    let changes = body.changes().map(|change| {
        Ok(match change? {
            StoredChange::Event(payload) => OneChange::Event { payload: Stored::of(payload) },
            StoredChange::Put(key, payload) => {
                OneChange::Put { key: Bytes::of(key), payload: Stored::of(payload) }
            }
            StoredChange::Delete(key) => OneChange::Delete { key: Bytes::of(key) },
            StoredChange::Signal { class, routing, payload } => OneChange::Signal {
                class,
                routing: routing.to_owned(),
                payload: Stored::of(payload),
            },
            StoredChange::Answer { key, fingerprint, until, payload } => OneChange::Answer {
                key: key.to_owned(),
                fingerprint: fingerprint_of(fingerprint),
                until: until.to_string(),
                payload: Stored::of(payload),
            },
            StoredChange::Wake(wake) => OneChange::Wake { wake: wake_of(wake) },
            StoredChange::Snapshot(of, payload) => {
                OneChange::Snapshot { of, payload: Stored::of(payload) }
            }
            StoredChange::Tombstone => OneChange::Tombstone,
            StoredChange::Hold(blob) => OneChange::Hold { blob: blob.to_string() },
            StoredChange::Release(blob) => OneChange::Release { blob: blob.to_string() },
        })
    });
    changes.collect()
}
