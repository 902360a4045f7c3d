//! What blobs, their chunks and those who hold them say of one another.

use redb::ReadTransaction;

use super::super::catalog::TableName;
use super::super::check::{holder_of, loose_of};
use super::super::failure::Outcome;
use super::super::findings::Findings;
use super::super::rows;
use super::super::tables::{
    BLOBS, CHUNKS, HOLDERS, HOLDS, LOOSE, blob_key, chunk_key, holder_key, loose_key, within,
};
use super::cross::Bytes;
use crate::blob::BlobId;
use crate::format::{BlobRow, BlobState, HoldRow};

/// What rows are compared with.
pub(super) struct BlobCross {
    blobs: Bytes,
    chunks: Bytes,
    holds: Bytes,
    holders: Bytes,
    loose: Bytes,
    /// The blob that was looked up last: its chunks lie together.
    last: Option<(BlobId, Blob)>,
}

/// The blob that a row is of.
#[derive(Debug, Clone, Copy)]
enum Blob {
    Missing,
    /// Its row is damaged, which is told where it is.
    Damaged,
    Row(BlobRow),
}

impl BlobCross {
    pub(super) fn open(read: &ReadTransaction) -> Outcome<Self> {
        Ok(Self {
            blobs: read.open_table(BLOBS)?,
            chunks: read.open_table(CHUNKS)?,
            holds: read.open_table(HOLDS)?,
            holders: read.open_table(HOLDERS)?,
            loose: read.open_table(LOOSE)?,
            last: None,
        })
    }

    /// Compares a row that is whole with the others.
    pub(super) fn see(
        &mut self,
        table: TableName,
        key: &[u8],
        value: &[u8],
        found: &mut Findings,
    ) -> Outcome<()> {
        match table {
            TableName::Blobs => self.blob(key, value, found),
            TableName::Chunks => self.chunk(key, value, found),
            TableName::Holders => self.holder(key, found),
            TableName::Loose => self.loose(key, found),
            _ => Ok(()),
        }
    }

    /// Compares a row of `holds`.
    pub(super) fn hold(
        &mut self,
        key: &[u8],
        row: HoldRow<'_>,
        found: &mut Findings,
    ) -> Outcome<()> {
        match self.of(row.blob)? {
            Blob::Row(blob) if blob.state == BlobState::Whole => {}
            Blob::Damaged => {}
            Blob::Missing | Blob::Row(_) => {
                found.row(TableName::Holds, key, "the blob that it holds is not there");
            }
        }
        let holder = holder_key(row.blob, row.stream);
        if self.holders.get(holder.as_slice())?.is_none() {
            found.row(TableName::Holds, key, "holders has it not: the blob may be collected");
        }
        Ok(())
    }

    fn blob(&self, key: &[u8], value: &[u8], found: &mut Findings) -> Outcome<()> {
        let row = rows::blob(key, value)?.1;
        for index in 0..row.chunks {
            if self.chunks.get(chunk_key(row.id, index).as_slice())?.is_none() {
                found.row(TableName::Blobs, key, format!("it lacks its chunk {index}"));
            }
        }
        let is_loose = self.loose.get(loose_key(row.at, row.id).as_slice())?.is_some();
        let next = self.holders.range(key..)?.next().transpose()?;
        let is_held = next.is_some_and(|(holder, _)| holder.value().starts_with(key));
        if !is_loose && !is_held {
            found.row(TableName::Blobs, key, "nobody holds it, and it is never collected");
        }
        Ok(())
    }

    fn chunk(&mut self, key: &[u8], value: &[u8], found: &mut Findings) -> Outcome<()> {
        let row = rows::chunk(key, value)?;
        match self.of(row.blob)? {
            Blob::Missing => found.row(TableName::Chunks, key, "its blob is not there"),
            Blob::Row(blob) if row.index >= blob.chunks => {
                found.row(TableName::Chunks, key, "it is behind the end of its blob");
            }
            Blob::Row(_) | Blob::Damaged => {}
        }
        Ok(())
    }

    fn holder(&self, key: &[u8], found: &mut Findings) -> Outcome<()> {
        let Some((blob, stream)) = holder_of(key) else { return Ok(()) };
        if self.holds.get(within(stream, &blob_key(blob)).as_slice())?.is_none() {
            found.row(TableName::Holders, key, "the stream does not hold it");
        }
        Ok(())
    }

    fn loose(&mut self, key: &[u8], found: &mut Findings) -> Outcome<()> {
        let Some((at, blob)) = loose_of(key) else { return Ok(()) };
        match self.of(blob)? {
            Blob::Row(row) if row.at == at => {}
            Blob::Damaged => {}
            Blob::Missing | Blob::Row(_) => {
                found.row(TableName::Loose, key, "there is no blob of that time");
            }
        }
        Ok(())
    }

    fn of(&mut self, id: BlobId) -> Outcome<Blob> {
        if let Some((last, blob)) = &self.last
            && *last == id
        {
            return Ok(*blob);
        }
        let key = blob_key(id);
        let blob = match self.blobs.get(&key[..])? {
            None => Blob::Missing,
            Some(row) => {
                rows::blob(&key, row.value()).map_or(Blob::Damaged, |(_, row)| Blob::Row(row))
            }
        };
        self.last = Some((id, blob));
        Ok(blob)
    }
}
