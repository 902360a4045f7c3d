//! Blobs that are released, and those that nobody has held for long enough.

use jiff::Timestamp;
use redb::{ReadableTable, WriteTransaction};

use super::super::core::Core;
use super::super::failure::{Failure, Outcome};
use super::super::rows;
use super::super::tables::{
    BLOB_KEY, BLOBS, CHUNKS, HOLDERS, LOOSE, after_all, blob_key, blob_of, chunk_key, loose_key,
    within,
};
use super::{Written, put, row, set};
use crate::blob::BlobId;
use crate::format::{BlobRow, BlobState};

/// What a chunk costs of what a pass may do: it is read to be removed, and is as large as many rows.
const CHUNK: u64 = 64;

/// A stream does not hold the blob any more, since `at`.
pub(in crate::embedded) fn release(
    blobs: &mut Written<'_>,
    loose: &mut Written<'_>,
    blob: BlobId,
    at: Timestamp,
) -> Outcome<()> {
    let key = blob_key(blob);
    let before = match blobs.get(&key[..])? {
        None => return Ok(()),
        Some(row) => rows::blob(&key, row.value())?,
    };
    let (header, before) = before;
    if before.state != BlobState::Whole {
        return Ok(());
    }
    // Folded once more after a crash, it comes to the same.
    let next = BlobRow { at: at.max(before.at), ..before };
    set(blobs, loose, Some(before), next, header.position)
}

/// Blobs that a stream holds by its rows, so many at most.
pub(in crate::embedded) fn held_by(
    holds: &impl ReadableTable<&'static [u8], &'static [u8]>,
    stream: &[u8],
    most: usize,
) -> Outcome<Vec<BlobId>> {
    let (from, to) = (within(stream, &[]), after_all(stream));
    let mut held = Vec::new();
    for row in holds.range(from.as_slice()..to.as_slice())?.take(most) {
        let (key, value) = row?;
        held.push(rows::hold(key.value(), value.value())?.blob);
    }
    Ok(held)
}

/// Drops blobs that nobody has held since before `before`, as many as `most` allows, which counts
/// them and their chunks. Gives how many are gone, and whether there may be more.
pub(in crate::embedded) fn collect(
    core: &Core,
    write: &WriteTransaction,
    before: &[u8],
    most: u64,
) -> Outcome<(u64, bool)> {
    let mut blobs = write.open_table(BLOBS)?;
    let mut chunks = write.open_table(CHUNKS)?;
    let mut loose = write.open_table(LOOSE)?;
    let holders = write.open_table(HOLDERS)?;
    let (mut gone, mut left) = (0, most);
    let mut from = Vec::new();
    while left > 0 {
        let first = loose.range(from.as_slice()..before)?.next().transpose()?;
        let Some(key) = first.map(|(key, _)| key.value().to_vec()) else {
            return Ok((gone, false));
        };
        left -= 1;
        from = [&key[..], &[0]].concat();
        let blob = key.get(8..).and_then(blob_of).filter(|_| key.len() == 8 + BLOB_KEY);
        let Some(blob) = blob else {
            return Err(Failure::Corrupt("a blob has a key that cannot be".to_owned()));
        };
        let row = row(&blobs, blob)?.filter(|row| loose_key(row.at, blob) == key);
        let Some(row) = row else {
            loose.remove(key.as_slice())?;
            continue;
        };
        if core.tail.lock().holds.contains_key(&blob) {
            // It may be held when that is folded, or was released meanwhile.
            continue;
        }
        if is_held(&holders, blob)? {
            loose.remove(key.as_slice())?;
            continue;
        }
        let few = u32::try_from(left / CHUNK).unwrap_or(u32::MAX).max(1);
        let keep = row.chunks.saturating_sub(few);
        for index in keep..row.chunks {
            chunks.remove(chunk_key(blob, index).as_slice())?;
        }
        left = left.saturating_sub(u64::from(row.chunks - keep) * CHUNK);
        if keep > 0 {
            put(&mut blobs, &BlobRow { state: BlobState::Doomed, chunks: keep, ..row }, 0)?;
            return Ok((gone, true));
        }
        blobs.remove(&blob_key(blob)[..])?;
        loose.remove(key.as_slice())?;
        gone += 1;
    }
    Ok((gone, true))
}

fn is_held(holders: &Written<'_>, blob: BlobId) -> Outcome<bool> {
    let key = blob_key(blob);
    let next = holders.range(&key[..]..)?.next().transpose()?;
    Ok(next.is_some_and(|(holder, _)| holder.value().starts_with(&key)))
}
