//! Keys of blobs, and of what is theirs.

use jiff::Timestamp;

use super::time_key;
use crate::blob::BlobId;
use crate::stream::Shard;

/// Bytes of the id of a blob in a key.
pub(in crate::embedded) const BLOB_KEY: usize = 18;
/// A blob by its id.
pub(in crate::embedded) fn blob_key(blob: BlobId) -> [u8; BLOB_KEY] {
    let mut key = [0; BLOB_KEY];
    let (shard, number) = key.split_at_mut(2);
    shard.copy_from_slice(&blob.shard().get().to_be_bytes());
    number.copy_from_slice(&blob.number().to_be_bytes());
    key
}

/// The blob that a key begins with or is.
pub(in crate::embedded) fn blob_of(key: &[u8]) -> Option<BlobId> {
    let (shard, rest) = key.split_first_chunk::<2>()?;
    let shard = Shard::new(u16::from_be_bytes(*shard));
    Some(BlobId::new(shard, u128::from_be_bytes(*rest.first_chunk::<16>()?)))
}

/// A chunk of a blob.
pub(in crate::embedded) fn chunk_key(blob: BlobId, index: u32) -> Vec<u8> {
    [&blob_key(blob)[..], &index.to_be_bytes()].concat()
}

/// A blob, and a stream that holds it.
pub(in crate::embedded) fn holder_key(blob: BlobId, stream: &[u8]) -> Vec<u8> {
    [&blob_key(blob)[..], stream].concat()
}

/// A blob that may have no holder since `at`.
pub(in crate::embedded) fn loose_key(at: Timestamp, blob: BlobId) -> Vec<u8> {
    [&time_key(at)[..], &blob_key(blob)].concat()
}
