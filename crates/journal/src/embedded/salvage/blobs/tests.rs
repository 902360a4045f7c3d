//! How many shards the blobs that were found need.

use super::*;
use crate::format::{Header, Kind};
use crate::stream::Shard;

fn chunk_of(shard: u16) -> (BlobId, Entry) {
    let header = Header { kind: Kind::Chunk, shard, position: 0 };
    let entry =
        Entry { header, offset: 0, length: 0, version: 0, epoch: 0, born: 0, deleted: false };
    (BlobId::new(Shard::new(shard), 1), entry)
}

/// Symptom: a chunk that was intact was told as one that does not fit. Mechanism: of the second
/// shard nothing else was left, the number of shards was lost, and it was taken from the streams
/// only. Fix: blobs count too.
#[test]
fn a_store_has_as_many_shards_as_its_blobs_need() {
    let mut blobs = Blobs::default();
    assert_eq!(blobs.least_shards(), 1);
    for (shard, least) in [(0, 1), (3, 4), (1, 4)] {
        let (blob, entry) = chunk_of(shard);
        blobs.chunk(blob, 0, entry);
        assert_eq!(blobs.least_shards(), least);
    }
    assert_eq!(blobs.sift(NonZeroU16::new(4).unwrap()).len(), 0);
    assert_eq!(blobs.sift(NonZeroU16::MIN).len(), 2);
}
