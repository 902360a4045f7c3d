//! Writing a blob, a chunk at a time.

use std::fmt;
use std::sync::Arc;

use foundation::Result;

use super::{BlobId, CHUNK, Chunk};
use crate::engine::Engine;
use crate::error::{invalid, too_large};
use crate::lease::Lease;
use crate::permit::{Gates, Permit, Share};

/// Writes one blob. Dropped before [`Self::finish`], what was written is collected.
#[must_use = "nothing is kept of a blob that is not finished"]
pub struct BlobWriter {
    engine: Arc<dyn Engine>,
    lease: Lease,
    id: BlobId,
    gates: Arc<Gates>,
    journal: Arc<Gates>,
    most: u64,
    /// Bytes that do not fill a chunk yet.
    rest: Vec<u8>,
    chunks: u32,
    length: u64,
    /// A call is under way, or was given up or failed: what is written is not known.
    unsure: bool,
}

impl BlobWriter {
    pub(crate) fn new(engine: Arc<dyn Engine>, lease: Lease, journal: Arc<Gates>) -> Self {
        let id = engine.new_blob(lease.shard());
        let gates = Gates::of_writer(&engine.pressure());
        let most = engine.limits().blob;
        let rest = Vec::new();
        Self { engine, lease, id, gates, journal, most, rest, chunks: 0, length: 0, unsure: false }
    }

    /// Which blob it will be.
    #[must_use]
    pub const fn id(&self) -> BlobId {
        self.id
    }

    /// Adds bytes, of any number, and waits while many are on their way to the disk. What it holds
    /// itself is one chunk of 255 KiB.
    ///
    /// Given up, or after an error, this blob cannot be finished any more: begin another one.
    ///
    /// # Errors
    ///
    /// `too_large` when the blob is over [`Limits::blob`](crate::Limits::blob); `lease_lost`;
    /// `store_read_only`; `store_older` when the format of the store has to be raised first;
    /// `blob_not_found` when it was collected because nothing was written for so long;
    /// `invalid_record` after a call that was given up or failed; whatever the codec refuses;
    /// `store_closed`, `unknown_outcome`.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.begin()?;
        let more = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let length = self.length.saturating_add(more);
        if length > self.most {
            let size = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
            return Err(too_large("blob", size(length), size(self.most)));
        }
        self.length = length;
        while !bytes.is_empty() {
            let room = CHUNK - self.rest.len();
            let (fits, behind) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.rest.extend_from_slice(fits);
            bytes = behind;
            if self.rest.len() == CHUNK {
                self.flush().await?;
            }
        }
        self.unsure = false;
        Ok(())
    }

    /// Makes the blob durable: from now on it can be read, and held. Given up, that is not known;
    /// a blob that nobody holds is collected.
    ///
    /// # Errors
    ///
    /// As [`Self::write`].
    pub async fn finish(mut self) -> Result<BlobId> {
        self.begin()?;
        // A blob of nothing has one chunk, so that there is something to finish.
        if !self.rest.is_empty() || self.chunks == 0 {
            self.flush().await?;
        }
        self.engine.finish_blob(&self.lease, self.id, self.length).await?;
        Ok(self.id)
    }

    fn begin(&mut self) -> Result<()> {
        if self.unsure {
            let message = "an earlier call for this blob was given up or has failed";
            return Err(invalid("blob", message));
        }
        self.unsure = true;
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        let chunk = std::mem::take(&mut self.rest);
        let pressure = self.engine.pressure();
        // A store may be set up to have less on its way at a time.
        let most = pressure.bytes.min(pressure.writer_bytes);
        let bytes = chunk.len().min(usize::try_from(most).unwrap_or(usize::MAX));
        let permit = Permit::take(&self.gates, &self.journal, Share::New, bytes).await?;
        let chunk = Chunk { blob: self.id, index: self.chunks, bytes: chunk };
        self.engine.write_chunk(&self.lease, chunk, permit).await?;
        self.chunks += 1;
        Ok(())
    }
}

impl fmt::Debug for BlobWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobWriter")
            .field("id", &self.id)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
