//! Reading a blob, a chunk at a time.

use std::fmt;
use std::sync::Arc;

use foundation::Result;

use super::{BlobId, BlobInfo};
use crate::engine::Engine;
use crate::error::too_large;

/// Reads one blob from its beginning. It holds nothing: who wants the blob to stay holds it with a
/// stream.
#[must_use]
pub struct BlobReader {
    engine: Arc<dyn Engine>,
    id: BlobId,
    info: BlobInfo,
    next: u32,
}

impl BlobReader {
    pub(crate) fn new(engine: Arc<dyn Engine>, id: BlobId, info: BlobInfo) -> Self {
        Self { engine, id, info, next: 0 }
    }

    /// Which blob it is.
    #[must_use]
    pub const fn id(&self) -> BlobId {
        self.id
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.info.length
    }

    /// The next bytes, 255 KiB at most; none at the end. Given up, nothing is lost: the next call
    /// gives the same.
    ///
    /// # Errors
    ///
    /// `blob_not_found` when it was collected meanwhile; `store_corrupt`, `store_closed`,
    /// `store_error`, and whatever the codec refuses to decode.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if self.next == self.info.chunks {
            return Ok(None);
        }
        let chunk = self.engine.read_chunk(self.id, self.next).await?;
        self.next += 1;
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }

    /// All that is left, when the whole blob has no more than `most` bytes.
    ///
    /// # Errors
    ///
    /// `too_large` when it has more, and as [`Self::next`].
    pub async fn read_all(mut self, most: usize) -> Result<Vec<u8>> {
        let length = usize::try_from(self.info.length).unwrap_or(usize::MAX);
        if length > most {
            return Err(too_large("blob", length, most));
        }
        let mut bytes = Vec::with_capacity(length);
        while let Some(chunk) = self.next().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

impl fmt::Debug for BlobReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobReader")
            .field("id", &self.id)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
