//! Whether a row is what it has to be, of itself: it is whole, decodes to its end, is of the kind of
//! its table and under its own key, and of a stream that is in its shard.
//!
//! Payloads are not decoded: the key of the codec may be gone, and what they say is the user's.
//! What rows say of one another is in [`verify`](super::verify).

use std::num::NonZeroU16;

use jiff::Timestamp;

use super::catalog::{TableName, number};
use super::failure::{Failure, Outcome};
use super::rows::{self, positions_of};
use super::tables::{BLOB_KEY, behind, blob_of, signal_key, time_of, wake_of};
use crate::append::Wake;
use crate::blob::BlobId;
use crate::format::{Fact, Kind, SignalRow, StoredChange, open_group, unseal};
use crate::stream::{Shard, StreamId};

/// Bytes of a time at the front of a key.
const TIME: usize = 8;

/// Checks a row of `table` in a store of so many shards.
pub(super) fn check_row(
    table: TableName,
    key: &[u8],
    value: &[u8],
    shards: NonZeroU16,
) -> Outcome<()> {
    match table {
        TableName::Meta => fact(key, value),
        TableName::Log => group(number(key), value, shards),
        TableName::Streams => stream(key, value, shards),
        TableName::Parts => {
            let row = rows::part(key, value)?;
            owner(row.stream, shard_of(value, Kind::Part)?, shards)
        }
        TableName::Events => {
            let row = rows::events(key, value)?;
            owner(row.stream, shard_of(value, Kind::Events)?, shards)
        }
        TableName::Snapshots => {
            let row = rows::snapshot(key, value)?;
            owner(row.stream, shard_of(value, Kind::Snapshot)?, shards)
        }
        TableName::Answers => {
            let row = rows::answer(key, value)?;
            owner(row.stream, shard_of(value, Kind::Answer)?, shards)
        }
        TableName::Signals => signal(key, value, shards),
        TableName::AnswersUntil => {
            empty(value)?;
            let answer = time_of(key).and_then(|_| answer_of(key.get(TIME..)?));
            answer.map(drop).ok_or_else(|| corrupt("a key that cannot be"))
        }
        TableName::Wakes => {
            empty(value)?;
            let shard = key.first_chunk::<2>().map(|shard| u16::from_be_bytes(*shard));
            let (Some(shard), Some((_, stream))) = (shard, wake_of(key)) else {
                return Err(corrupt("a key that cannot be"));
            };
            owner(stream.key(), shard, shards)
        }
        TableName::Blobs => {
            let (header, row) = rows::blob(key, value)?;
            blob(row.id, header.shard, shards)
        }
        TableName::Chunks => {
            let row = rows::chunk(key, value)?;
            blob(row.blob, shard_of(value, Kind::Chunk)?, shards)
        }
        TableName::Holds => {
            let (row, shard) = (rows::hold(key, value)?, shard_of(value, Kind::Hold)?);
            blob(row.blob, shard, shards)?;
            owner(row.stream, shard, shards)
        }
        TableName::Holders => {
            empty(value)?;
            let (id, stream) = holder_of(key).ok_or_else(|| corrupt("a key that cannot be"))?;
            owner(stream, id.shard().get(), shards)
        }
        TableName::Loose => {
            empty(value)?;
            let (_, id) = loose_of(key).ok_or_else(|| corrupt("a key that cannot be"))?;
            blob(id, id.shard().get(), shards)
        }
        TableName::Tombstones => {
            empty(value)?;
            let stream = time_of(key).and_then(|_| StreamId::from_key(key.get(TIME..)?));
            stream.map(drop).ok_or_else(|| corrupt("a key that cannot be"))
        }
    }
}

fn fact(key: &[u8], value: &[u8]) -> Outcome<()> {
    let fact = Fact::decode(unseal(value, Kind::Meta)?.1)?;
    if fact.name.as_bytes() != key {
        return Err(Failure::Corrupt(format!("it says that it is the fact {:?}", fact.name)));
    }
    Ok(())
}

/// A commit: every append of it, to the last change.
fn group(number: u64, value: &[u8], shards: NonZeroU16) -> Outcome<()> {
    for append in open_group(value, positions_of(number))? {
        let (header, body, ..) = append?;
        owner(body.record.stream, header.shard, shards)?;
        for change in body.changes() {
            let change = change?;
            if matches!(change, StoredChange::Tombstone) && body.record.changes != 1 {
                return Err(corrupt("a tombstone is not the only change of its append"));
            }
            if let StoredChange::Hold(id) | StoredChange::Release(id) = change {
                blob(id, header.shard, shards)?;
            }
        }
    }
    Ok(())
}

fn stream(key: &[u8], value: &[u8], shards: NonZeroU16) -> Outcome<()> {
    let (header, row) = rows::stream(key, value)?;
    if row.folding_to < row.version {
        return Err(corrupt("it is folded to before its version"));
    }
    if row.deleted && (row.snapshot.is_some() || row.wake != Wake::Never) {
        return Err(corrupt("a deleted stream has a snapshot or a wake"));
    }
    owner(row.stream, header.shard, shards)
}

fn signal(key: &[u8], value: &[u8], shards: NonZeroU16) -> Outcome<()> {
    let (header, body) = unseal(value, Kind::Signal)?;
    let row = SignalRow::decode(body)?;
    if key != signal_key(Shard::new(header.shard), header.position) {
        return Err(corrupt("a row is under a key that is not its own"));
    }
    owner(row.stream, header.shard, shards)
}

/// Whether the stream has a name that can be, and is in that shard.
fn owner(stream: &[u8], shard: u16, shards: NonZeroU16) -> Outcome<()> {
    let Some(stream) = StreamId::from_key(stream) else {
        return Err(corrupt("its stream has a name that cannot be"));
    };
    let own = stream.shard(shards);
    if own.get() != shard {
        let message = format!("{stream} is in shard {own}, and the row says {shard}");
        return Err(Failure::Corrupt(message));
    }
    Ok(())
}

/// Whether a blob is of that shard, and the store has it.
fn blob(id: BlobId, shard: u16, shards: NonZeroU16) -> Outcome<()> {
    let own = id.shard().get();
    if own == shard && own < shards.get() {
        return Ok(());
    }
    Err(Failure::Corrupt(format!("the blob {id} is in shard {shard} of {shards}")))
}

/// The blob and the stream in a key of `holders`.
pub(super) fn holder_of(key: &[u8]) -> Option<(BlobId, &[u8])> {
    Some((blob_of(key)?, key.get(BLOB_KEY..)?))
}

/// Since when, and which blob, in a key of `loose`.
pub(super) fn loose_of(key: &[u8]) -> Option<(Timestamp, BlobId)> {
    let id = key.get(TIME..).filter(|id| id.len() == BLOB_KEY)?;
    Some((time_of(key)?, blob_of(id)?))
}

/// The stream and the key of an answer, of its key in `answers`.
pub(super) fn answer_of(place: &[u8]) -> Option<(&[u8], &str)> {
    let (length, rest) = place.split_first_chunk::<2>()?;
    let (name, _) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    StreamId::from_key(name)?;
    Some((name, std::str::from_utf8(behind(place, name)?).ok()?))
}

fn shard_of(value: &[u8], kind: Kind) -> Outcome<u16> {
    Ok(unseal(value, kind)?.0.shard)
}

fn empty(value: &[u8]) -> Outcome<()> {
    if value.is_empty() { Ok(()) } else { Err(corrupt("a row that has no value has one")) }
}

fn corrupt(message: &str) -> Failure {
    Failure::Corrupt(message.to_owned())
}
