//! Blobs: written by the commit loop beside the log, read by the readers, and collected when nobody
//! has held them for long enough.
//!
//! - **A blob is found only while it is whole**: not before it is finished, and not once its chunks
//!   begin to be removed.
//! - **`loose` has every blob that may have no holder**, under the time that stands in its own row,
//!   so that whoever collects looks at those and no others. One that is held leaves it when it is
//!   looked at, and comes back when it is released.
//! - **Holders that are not folded yet are in [`Tail::holds`](super::tail::Tail::holds).**

mod collect;
mod read;

use foundation::Result;
use jiff::Timestamp;
use redb::{ReadableTable, Table, WriteTransaction};
use tokio::sync::oneshot;

use super::core::Core;
use super::failure::Outcome;
use super::rows;
use super::tables::{BLOBS, CHUNKS, LOOSE, blob_key, chunk_key, loose_key};
use crate::blob::{BlobId, not_found};
use crate::error::invalid;
use crate::format::{BlobRow, BlobState, Header, Kind, place, seal};
use crate::permit::Permit;

pub(super) use self::collect::{collect, held_by, release};
pub(super) use self::read::{chunk, holds, info, lacking};

/// Something that is to be written to a blob.
#[derive(Debug)]
pub(super) struct BlobWrite {
    pub(super) blob: BlobId,
    pub(super) what: What,
    pub(super) reply: oneshot::Sender<Result<()>>,
    /// Given back with the answer.
    pub(super) permit: Option<Permit>,
}

/// See [`BlobWrite`].
#[derive(Debug)]
pub(super) enum What {
    /// A chunk, as a record with no position yet.
    Chunk { index: u32, record: Vec<u8> },
    /// It has so many bytes, and is whole.
    Finish { length: u64 },
}

/// A table of bytes that is written.
type Written<'t> = Table<'t, &'static [u8], &'static [u8]>;

impl BlobWrite {
    /// Bytes that it brings.
    pub(super) const fn size(&self) -> usize {
        match &self.what {
            What::Chunk { record, .. } => record.len(),
            What::Finish { .. } => 0,
        }
    }

    pub(super) fn answer(self, result: Result<()>) {
        drop(self.permit);
        // Whoever asked may be gone.
        drop(self.reply.send(result));
    }
}

/// Writes to blobs, at a position of the log before which all of it is. Gives what each came to.
pub(super) fn write(
    core: &Core,
    write: &WriteTransaction,
    writes: &mut [BlobWrite],
    position: u64,
) -> Outcome<Vec<Result<()>>> {
    if writes.is_empty() {
        return Ok(Vec::new());
    }
    let now = core.home.now();
    let mut blobs = write.open_table(BLOBS)?;
    let mut chunks = write.open_table(CHUNKS)?;
    let mut loose = write.open_table(LOOSE)?;
    let mut results = Vec::with_capacity(writes.len());
    for each in writes {
        let before = row(&blobs, each.blob)?;
        let next = match next(each.blob, before, &each.what) {
            Ok(next) => BlobRow { at: now, ..next },
            Err(refusal) => {
                results.push(Err(refusal));
                continue;
            }
        };
        if let What::Chunk { index, record } = &mut each.what {
            place(record, position);
            chunks.insert(chunk_key(each.blob, *index).as_slice(), record.as_slice())?;
        }
        set(&mut blobs, &mut loose, before, next, position)?;
        results.push(Ok(()));
    }
    Ok(results)
}

/// What a blob becomes, or why it does not.
fn next(blob: BlobId, before: Option<BlobRow>, what: &What) -> Result<BlobRow> {
    let open = |row: BlobRow| match row.state {
        BlobState::Open => Ok(row),
        BlobState::Whole => Err(invalid("blob", format!("the blob {blob} is finished"))),
        BlobState::Doomed => Err(not_found(blob)),
    };
    let before = before.map(open).transpose()?;
    match what {
        What::Finish { length } => {
            let row = before.ok_or_else(|| not_found(blob))?;
            Ok(BlobRow { state: BlobState::Whole, length: *length, ..row })
        }
        What::Chunk { index, .. } => {
            let begun = BlobRow {
                id: blob,
                state: BlobState::Open,
                chunks: 0,
                length: 0,
                at: Timestamp::UNIX_EPOCH,
            };
            let row = match before {
                None if *index > 0 => return Err(not_found(blob)),
                before => before.unwrap_or(begun),
            };
            if row.chunks != *index {
                let message = format!("chunk {index} of {blob} is not its next, {}", row.chunks);
                return Err(invalid("chunk", message));
            }
            Ok(BlobRow { chunks: index.saturating_add(1), ..row })
        }
    }
}

fn row(
    blobs: &impl ReadableTable<&'static [u8], &'static [u8]>,
    blob: BlobId,
) -> Outcome<Option<BlobRow>> {
    let key = blob_key(blob);
    let Some(row) = blobs.get(&key[..])? else { return Ok(None) };
    Ok(Some(rows::blob(&key, row.value())?.1))
}

/// Sets the row of a blob, and its place among those that may have no holder.
fn set(
    blobs: &mut Written<'_>,
    loose: &mut Written<'_>,
    before: Option<BlobRow>,
    next: BlobRow,
    position: u64,
) -> Outcome<()> {
    if let Some(before) = before {
        loose.remove(loose_key(before.at, before.id).as_slice())?;
    }
    loose.insert(loose_key(next.at, next.id).as_slice(), &[][..])?;
    put(blobs, &next, position)
}

fn put(blobs: &mut Written<'_>, row: &BlobRow, position: u64) -> Outcome<()> {
    let header = Header { kind: Kind::Blob, shard: row.id.shard().get(), position };
    blobs.insert(&blob_key(row.id)[..], seal(header, &row.encode()).as_slice())?;
    Ok(())
}

#[cfg(test)]
mod tests;
