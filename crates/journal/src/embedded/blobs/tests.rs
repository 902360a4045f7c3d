//! What a blob becomes, from each state.

use foundation::Error;

use super::*;
use crate::codes;
use crate::stream::Shard;

const BLOB: BlobId = BlobId::new(Shard::new(1), 2);

fn row(state: BlobState, chunks: u32) -> BlobRow {
    BlobRow { id: BLOB, state, chunks, length: 0, at: Timestamp::UNIX_EPOCH }
}

fn chunk(index: u32) -> What {
    What::Chunk { index, record: Vec::new() }
}

#[test]
fn a_blob_goes_from_open_to_whole_and_nowhere_else() {
    use BlobState::{Doomed, Open, Whole};
    let (gone, wrong) = (Err(codes::BLOB_NOT_FOUND.name), Err(codes::INVALID_RECORD.name));
    let finish = || What::Finish { length: 7 };
    let cases = [
        (None, chunk(0), Ok(row(Open, 1))),
        (None, chunk(1), gone),
        (None, finish(), gone),
        (Some(row(Open, 2)), chunk(2), Ok(row(Open, 3))),
        (Some(row(Open, 2)), chunk(1), wrong),
        (Some(row(Open, 2)), chunk(3), wrong),
        // An id that another blob has, by chance or by a seed that was used before.
        (Some(row(Open, 2)), chunk(0), wrong),
        (Some(row(Open, 2)), finish(), Ok(BlobRow { length: 7, ..row(Whole, 2) })),
        (Some(row(Whole, 2)), chunk(2), wrong),
        (Some(row(Whole, 2)), chunk(0), wrong),
        (Some(row(Whole, 2)), finish(), wrong),
        (Some(row(Doomed, 2)), chunk(2), gone),
        (Some(row(Doomed, 2)), chunk(0), gone),
        (Some(row(Doomed, 2)), finish(), gone),
    ];
    for (before, what, after) in cases {
        let found = next(BLOB, before, &what);
        let found = found.as_ref().map_err(Error::code);
        assert_eq!(found, after.as_ref().map_err(|code| *code), "{before:?} {what:?}");
    }
}
