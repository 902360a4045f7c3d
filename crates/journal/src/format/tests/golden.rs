//! Records as they were written once, one file for each kind and format version.
//!
//! They are never changed: a release that writes another format gets a folder of its own, with what
//! is new in it, and reads those of all before. A file of a new kind is made by hand: an empty one
//! is put in its place, the test fails and says in hexadecimal what it should hold, and `xxd -r -p`
//! makes bytes of that.

use super::samples;
use crate::format::{Kind, unseal};

const GROUP: &[u8] = include_bytes!("../golden/v1/group.bin");
const V1: [(&str, &[u8]); 8] = [
    ("append", include_bytes!("../golden/v1/append.bin")),
    ("part", include_bytes!("../golden/v1/part.bin")),
    ("events", include_bytes!("../golden/v1/events.bin")),
    ("snapshot", include_bytes!("../golden/v1/snapshot.bin")),
    ("answer", include_bytes!("../golden/v1/answer.bin")),
    ("signal", include_bytes!("../golden/v1/signal.bin")),
    ("stream", include_bytes!("../golden/v1/stream.bin")),
    ("meta", include_bytes!("../golden/v1/meta.bin")),
];
const V2: [(&str, &[u8]); 4] = [
    ("append", include_bytes!("../golden/v2/append.bin")),
    ("blob", include_bytes!("../golden/v2/blob.bin")),
    ("chunk", include_bytes!("../golden/v2/chunk.bin")),
    ("hold", include_bytes!("../golden/v2/hold.bin")),
];

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn records_of_version_1_are_written_and_read_as_ever() {
    let mut wrong = compare(samples::of_version_1(), V1);
    if samples::group() != GROUP {
        wrong.push(format!("group {}", hexadecimal(&samples::group())));
    }
    assert!(wrong.is_empty(), "other than they were:\n{}", wrong.join("\n"));
}

#[test]
fn records_that_version_2_brought_are_written_and_read_as_ever() {
    let wrong = compare(samples::of_version_2(), V2);
    assert!(wrong.is_empty(), "other than they were:\n{}", wrong.join("\n"));
}

/// Those that are written in another way than they were.
fn compare<const N: usize>(
    samples: Vec<(&'static str, Kind, Vec<u8>)>,
    golden: [(&'static str, &'static [u8]); N],
) -> Vec<String> {
    let mut wrong = Vec::new();
    assert_eq!(samples.len(), N);
    for ((name, kind, written), (file, golden)) in samples.into_iter().zip(golden) {
        assert_eq!(name, file);
        if written != golden {
            wrong.push(format!("{name} {}", hexadecimal(&written)));
            continue;
        }
        let (header, body) = unseal(golden, kind).unwrap();
        assert_eq!((header.shard, header.position), (samples::SHARD, samples::POSITION));
        assert_eq!(samples::again(kind, body).as_deref(), Some(body), "{name}");
    }
    wrong
}
