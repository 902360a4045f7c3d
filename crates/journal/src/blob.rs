//! Large data beside the streams: written in chunks, then held by the streams whose records name it.
//!
//! - **A blob is there wholly or not at all.** Until [`BlobWriter::finish`] says so nobody can read
//!   or hold it, and what a crash leaves of it is collected.
//! - **A blob that no stream holds is collected** when that has been so for
//!   [`Retention::blobs_for`](crate::Retention::blobs_for). The journal does not look into payloads,
//!   so whoever names a blob in a record holds it in the same append
//!   ([`Append::hold`](crate::Append::hold)), and releases it when no record does any more.
//! - **What is in a blob never changes.**

mod reader;
mod writer;

use std::fmt;
use std::str::FromStr;

use foundation::{Error, Result};

use crate::codes;
use crate::error::invalid;
use crate::stream::Shard;

pub use self::reader::BlobReader;
pub use self::writer::BlobWriter;

/// Bytes of one chunk, but for the last. Enough that a commit brings more than it costs, few enough
/// that whoever reads and writes many blobs at a time holds little. The store gives a value as many
/// pages as the next power of two, so one of 256 KiB, with what is around it, would take 512.
pub(crate) const CHUNK: usize = 255 << 10;

/// Which blob. Unlike names of streams it is given by the journal, and never given again.
///
/// It belongs to a shard, as the streams do that can hold it. Written down, it is
/// `SHARD.32 hexadecimal digits`, or the two numbers.
///
/// ```
/// use journal::{BlobId, Shard};
///
/// let id = BlobId::new(Shard::new(3), 0x018f_0000_0000_7000_8000_0000_0000_0001);
/// let written = id.to_string();
/// assert_eq!(written, "3.018f0000000070008000000000000001");
/// assert_eq!(written.parse::<BlobId>()?, id);
/// # Ok::<_, foundation::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId {
    shard: Shard,
    number: u128,
}

/// Bytes of a blob, for engines.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk {
    /// Of which blob.
    pub blob: BlobId,
    /// Which chunk of it, from 0.
    pub index: u32,
    /// The bytes: 255 KiB, or fewer in the last one.
    pub bytes: Vec<u8>,
}

/// What a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlobInfo {
    /// Its bytes.
    pub length: u64,
    /// In how many chunks they are.
    pub chunks: u32,
}

// === impl BlobId ===

impl BlobId {
    /// The blob with that number, as it was given by [`Self::number`].
    #[must_use]
    pub const fn new(shard: Shard, number: u128) -> Self {
        Self { shard, number }
    }

    /// Whose streams can hold it.
    #[must_use]
    pub const fn shard(self) -> Shard {
        self.shard
    }

    /// What tells it from others of its shard.
    #[must_use]
    pub const fn number(self) -> u128 {
        self.number
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:032x}", self.shard, self.number)
    }
}

impl FromStr for BlobId {
    type Err = Error;

    /// Reads what is written by `Display`, and nothing else.
    ///
    /// # Errors
    ///
    /// `invalid_record`.
    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once('.').and_then(|(shard, number)| {
            let shard = shard.parse().ok()?;
            Some(Self::new(Shard::new(shard), u128::from_str_radix(number, 16).ok()?))
        });
        // Of several spellings one is right: ids are compared as texts too.
        parts
            .filter(|id| id.to_string() == text)
            .ok_or_else(|| invalid("blob", format!("{text:?} is no id of a blob")))
    }
}

impl BlobInfo {
    /// For engines.
    #[must_use]
    pub const fn new(length: u64, chunks: u32) -> Self {
        Self { length, chunks }
    }
}

/// The error of a blob that is not there, or not wholly.
pub(crate) fn not_found(blob: BlobId) -> Error {
    Error::from(codes::BLOB_NOT_FOUND)
        .with_message(format!("there is no blob {blob}"))
        .with_detail("blob", blob.to_string())
}

#[cfg(test)]
mod tests;
