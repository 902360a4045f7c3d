//! Reading of rows: each has to be what its key says, so that a damaged key shows nothing under a
//! wrong name.

use std::ops::RangeInclusive;

use super::failure::{Failure, Outcome};
use super::tables::{behind, blob_key, chunk_key, last_of, position};
use crate::format::{
    AnswerRow, BlobRow, ChunkRow, EventsRow, Header, HoldRow, Kind, PartRow, SnapshotRow,
    StreamRow, unseal,
};

/// The row of a stream, and its head.
pub(super) fn stream<'a>(key: &[u8], value: &'a [u8]) -> Outcome<(Header, StreamRow<'a>)> {
    let (header, body) = unseal(value, Kind::Stream)?;
    let row = StreamRow::decode(body)?;
    checked(row.stream == key, (header, row))
}

/// The row of a part.
pub(super) fn part<'a>(key: &[u8], value: &'a [u8]) -> Outcome<PartRow<'a>> {
    let row = PartRow::decode(unseal(value, Kind::Part)?.1)?;
    checked(behind(key, row.stream) == Some(row.key), row)
}

/// A row of events.
pub(super) fn events<'a>(key: &[u8], value: &'a [u8]) -> Outcome<EventsRow<'a>> {
    let row = EventsRow::decode(unseal(value, Kind::Events)?.1)?;
    let first = row.events.first().map(|first| first.version.to_be_bytes());
    let is_its_own = first.is_some_and(|first| behind(key, row.stream) == Some(&first[..]));
    checked(is_its_own, row)
}

/// The row of a snapshot.
pub(super) fn snapshot<'a>(key: &[u8], value: &'a [u8]) -> Outcome<SnapshotRow<'a>> {
    let row = SnapshotRow::decode(unseal(value, Kind::Snapshot)?.1)?;
    checked(row.stream == key, row)
}

/// The row of an answer.
pub(super) fn answer<'a>(key: &[u8], value: &'a [u8]) -> Outcome<AnswerRow<'a>> {
    let row = AnswerRow::decode(unseal(value, Kind::Answer)?.1)?;
    checked(behind(key, row.stream) == Some(row.key.as_bytes()), row)
}

/// The row of a blob, and its head.
pub(super) fn blob(key: &[u8], value: &[u8]) -> Outcome<(Header, BlobRow)> {
    let (header, body) = unseal(value, Kind::Blob)?;
    let row = BlobRow::decode(body)?;
    checked(blob_key(row.id) == key, (header, row))
}

/// A chunk of a blob.
pub(super) fn chunk<'a>(key: &[u8], value: &'a [u8]) -> Outcome<ChunkRow<'a>> {
    let row = ChunkRow::decode(unseal(value, Kind::Chunk)?.1)?;
    checked(chunk_key(row.blob, row.index) == key, row)
}

/// The row that says that a stream holds a blob.
pub(super) fn hold<'a>(key: &[u8], value: &'a [u8]) -> Outcome<HoldRow<'a>> {
    let row = HoldRow::decode(unseal(value, Kind::Hold)?.1)?;
    checked(behind(key, row.stream) == Some(&blob_key(row.blob)[..]), row)
}

/// The positions that a group of the log has.
pub(super) const fn positions_of(group: u64) -> RangeInclusive<u64> {
    position(group, 0)..=last_of(group)
}

fn checked<T>(is_its_own: bool, row: T) -> Outcome<T> {
    if is_its_own {
        Ok(row)
    } else {
        Err(Failure::Corrupt("a row is under a key that is not its own".to_owned()))
    }
}
