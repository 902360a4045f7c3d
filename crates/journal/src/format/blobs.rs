//! Blobs: what they are, what is in them, and who holds them.

use jiff::Timestamp;

use super::bytes::{Damage, PAYLOAD_HEAD, Put, StoredPayload, Take};
use crate::blob::BlobId;

/// How far a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlobState {
    /// Chunks are being written: to readers it is not there yet.
    Open = 0,
    /// It is whole.
    Whole = 1,
    /// Chunks are being removed: to readers it is not there any more.
    Doomed = 2,
}

/// What a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlobRow {
    pub(crate) id: BlobId,
    pub(crate) state: BlobState,
    /// Chunks that are there.
    pub(crate) chunks: u32,
    /// Bytes in them, as they were given.
    pub(crate) length: u64,
    /// When it was written to, finished or released last.
    pub(crate) at: Timestamp,
}

impl BlobRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(39);
        out.put_blob(self.id);
        out.put_u8(self.state as u8);
        out.put_u32(self.chunks);
        out.put_u64(self.length);
        out.put_time(self.at);
        out
    }

    pub(crate) fn decode(body: &[u8]) -> Result<Self, Damage> {
        let mut take = Take::new(body);
        let row = Self {
            id: take.blob()?,
            state: take_state(&mut take)?,
            chunks: take.u32()?,
            length: take.u64()?,
            at: take.time()?,
        };
        take.end()?;
        Ok(row)
    }
}

fn take_state(take: &mut Take<'_>) -> Result<BlobState, Damage> {
    match take.u8()? {
        0 => Ok(BlobState::Open),
        1 => Ok(BlobState::Whole),
        2 => Ok(BlobState::Doomed),
        _ => Err(Damage("a blob is in a state that is not known")),
    }
}

/// Some bytes of a blob. Their schema is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkRow<'a> {
    pub(crate) blob: BlobId,
    pub(crate) index: u32,
    pub(crate) payload: StoredPayload<'a>,
}

impl<'a> ChunkRow<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(22 + PAYLOAD_HEAD + self.payload.bytes.len());
        out.put_blob(self.blob);
        out.put_u32(self.index);
        out.put_stored(self.payload);
        out
    }

    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Damage> {
        let mut take = Take::new(body);
        let row = Self { blob: take.blob()?, index: take.u32()?, payload: take.payload()? };
        take.end()?;
        Ok(row)
    }
}

/// That a stream holds a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HoldRow<'a> {
    pub(crate) stream: &'a [u8],
    pub(crate) blob: BlobId,
    /// The version since which it does.
    pub(crate) version: u64,
}

impl<'a> HoldRow<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(28 + self.stream.len());
        out.put_short(self.stream);
        out.put_blob(self.blob);
        out.put_u64(self.version);
        out
    }

    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Damage> {
        let mut take = Take::new(body);
        let row = Self { stream: take.short()?, blob: take.blob()?, version: take.u64()? };
        take.end()?;
        Ok(row)
    }
}
