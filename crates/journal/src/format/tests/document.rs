//! The example of `docs/format.md` is what is written.

use jiff::Timestamp;

use super::golden::hexadecimal;
use crate::append::{Append, Payload, Wake};
use crate::codec::Identity;
use crate::format::{AppendRecord, Kind, encode_append, place, stored_size, unseal};
use crate::stream::StreamId;

const DOCUMENT: &str = include_str!("../../../../../docs/format.md");

/// The lines of the first block behind the heading: offset, bytes, what they are.
fn example() -> impl Iterator<Item = (usize, Vec<u8>)> {
    let (_, behind) = DOCUMENT.split_once("\n## An example\n").unwrap();
    let (_, block) = behind.split_once("```text\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    block.lines().map(|line| {
        let (offset, rest) = line.split_once("  ").unwrap();
        let (bytes, _) = rest.split_once("  ").unwrap();
        let byte = |byte| u8::from_str_radix(byte, 16).unwrap();
        (offset.parse().unwrap(), bytes.split(' ').map(byte).collect())
    })
}

#[test]
fn the_example_of_the_document_is_what_is_written() {
    let stream = StreamId::new("account", "alice").unwrap();
    let append = Append::new()
        .event(Payload::new(1, b"+10"))
        .put("balance", Payload::new(1, b"10"))
        .wake(Wake::Now);
    let at: Timestamp = "2026-01-02T03:04:05.000006Z".parse().unwrap();
    let record = AppendRecord { stream: stream.key(), version: 1, epoch: 1, at, changes: 3 };
    let size = stored_size(&stream, &append);
    let mut sealed = encode_append(record, 0, &append, &Identity, size).unwrap();
    place(&mut sealed, (1 << 20) + 2);

    let mut read = Vec::new();
    for (offset, bytes) in example() {
        assert_eq!(offset, read.len(), "the lines follow one another");
        read.extend(bytes);
    }
    assert_eq!(hexadecimal(&read), hexadecimal(&sealed));
    assert!(unseal(&read, Kind::Append).is_ok());
}
