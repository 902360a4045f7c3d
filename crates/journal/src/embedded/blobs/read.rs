//! What readers find of blobs.

use redb::{Database, ReadTransaction, ReadableDatabase};

use super::super::core::Core;
use super::super::failure::{Failure, Outcome};
use super::super::rows;
use super::super::tables::{
    BLOB_KEY, BLOBS, CHUNKS, HOLDS, after_all, behind, blob_key, chunk_key, within,
};
use super::super::view::View;
use super::row;
use crate::blob::{BlobId, BlobInfo, not_found};
use crate::error::invalid;
use crate::format::{BLOBS as FORMAT, BlobState};
use crate::stream::StreamId;

/// The first of these that cannot be held.
pub(in crate::embedded) fn lacking(
    database: &Database,
    blobs: &[BlobId],
) -> Outcome<Option<BlobId>> {
    let table = database.begin_read()?.open_table(BLOBS)?;
    for blob in blobs {
        if row(&table, *blob)?.is_none_or(|row| row.state != BlobState::Whole) {
            return Ok(Some(*blob));
        }
    }
    Ok(None)
}

/// What a blob is.
pub(in crate::embedded) fn info(
    core: &Core,
    database: &Database,
    blob: BlobId,
) -> Outcome<BlobInfo> {
    whole(core, &database.begin_read()?, blob)
}

fn whole(core: &Core, read: &ReadTransaction, blob: BlobId) -> Outcome<BlobInfo> {
    let none = || Failure::Ours(not_found(blob));
    if core.format() < FORMAT {
        return Err(none());
    }
    let table = read.open_table(BLOBS)?;
    let row = row(&table, blob)?.filter(|row| row.state == BlobState::Whole).ok_or_else(none)?;
    Ok(BlobInfo::new(row.length, row.chunks))
}

/// A chunk of a blob.
pub(in crate::embedded) fn chunk(
    core: &Core,
    database: &Database,
    blob: BlobId,
    index: u32,
) -> Outcome<Vec<u8>> {
    // One moment of both.
    let read = database.begin_read()?;
    let info = whole(core, &read, blob)?;
    let key = chunk_key(blob, index);
    let table = read.open_table(CHUNKS)?;
    let row = match table.get(key.as_slice())? {
        Some(row) => row,
        None if index < info.chunks => {
            return Err(Failure::Corrupt(format!("the blob {blob} lacks its chunk {index}")));
        }
        None => return Err(invalid("chunk", format!("{blob} has no chunk {index}")).into()),
    };
    let payload = rows::chunk(&key, row.value())?.payload;
    Ok(payload.decode(&*core.options.codec)?.into_bytes())
}

/// The blobs that a stream holds, behind `after`.
pub(in crate::embedded) fn holds(
    core: &Core,
    database: &Database,
    stream: &StreamId,
    page: (Option<BlobId>, usize),
) -> Outcome<Vec<BlobId>> {
    let (after, limit) = page;
    let view = View::take(core, database, stream)?;
    let overlay = view.overlay()?;
    overlay.check(stream)?;
    let is_behind = |blob: &BlobId| after.is_none_or(|after| *blob > after);
    let held = overlay.holds.iter().filter(|(blob, held)| **held && is_behind(blob));
    let mut found: Vec<_> = held.map(|(blob, _)| *blob).collect();
    if core.format() >= FORMAT && !overlay.wiped {
        let table = view.read.open_table(HOLDS)?;
        let from = within(stream.key(), &after.map_or([0; BLOB_KEY], blob_key));
        let mut rows = 0;
        for row in table.range(from.as_slice()..after_all(stream.key()).as_slice())? {
            let (key, value) = row?;
            let blob = rows::hold(key.value(), value.value())?.blob;
            debug_assert!(behind(key.value(), stream.key()).is_some());
            if is_behind(&blob) && !overlay.holds.contains_key(&blob) {
                found.push(blob);
                rows += 1;
            }
            if rows == limit {
                break;
            }
        }
    }
    found.sort_unstable();
    found.truncate(limit);
    Ok(found)
}
