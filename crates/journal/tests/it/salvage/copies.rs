//! Records that lie over or beside others of the same place.

use foundation::System;
use journal::{Append, Payload, StreamId};

use super::{block_on, options_of, read, salvaged, walk, with_sound};
use crate::child::stream;
use crate::exports::append;

/// An append at another place, as an earlier session may have written it before the power was cut.
fn forged(append: &[u8], name: &StreamId, position: u64, version: u64, epoch: u64) -> Vec<u8> {
    let (mut record, body) = (append.to_vec(), 28 + 2 + name.kind().len() + 1 + name.id().len());
    record[8..16].copy_from_slice(&position.to_le_bytes());
    record[body..body + 8].copy_from_slice(&version.to_le_bytes());
    record[body + 8..body + 16].copy_from_slice(&epoch.to_le_bytes());
    let checksum = crc32c::crc32c(&record[28..]).to_le_bytes();
    record[20..24].copy_from_slice(&checksum);
    let checksum = crc32c::crc32c(&record[..24]).to_le_bytes();
    record[24..28].copy_from_slice(&checksum);
    record
}

#[test]
fn an_append_of_a_torn_commit_is_left_out_when_its_shard_has_gone_on_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.redb");
    let put = |text: &str| Append::new().put("a", Payload::new(1, text.as_bytes().to_vec()));
    for text in ["one", "two"] {
        block_on(async {
            let system = System::builder().start().await.unwrap();
            let journal = options_of(&path).open(&system).await.unwrap();
            append(&journal, &stream(0), put(text)).await;
            journal.close().await.unwrap();
            system.stop().await.unwrap();
        });
    }
    let image = read(&path);
    let appends: Vec<_> = walk(&image).into_iter().filter(|(at, _)| image[at + 5] == 2).collect();
    let record = |version: u64| {
        let of = |(at, len): &(usize, usize)| image[*at..at + len].to_vec();
        let at = 28 + 2 + "stream/s0".len();
        let mut all = appends.iter().map(of);
        all.find(|it| it[at..at + 8] == version.to_le_bytes()).unwrap()
    };
    let epoch_of = |record: &[u8]| u64::from(record[28 + 2 + "stream/s0".len() + 8]);
    let (one, two) = (record(1), record(2));
    let (first, second) = (epoch_of(&one), epoch_of(&two));
    assert!(first < second);
    // Group 2 is that of the second session: (position, version, epoch, the version that is left).
    let group = |number: u64| number << 20;
    let cases = [
        // What the first session wrote there is not.
        (group(2), 2, first, 2, 1),
        // Nor what it wrote behind, whatever version that was.
        (group(3), 3, first, 2, 1),
        // The second session has perhaps committed it.
        (group(3), 3, second, 3, 0),
    ];
    for (position, version, epoch, left, undone) in cases {
        let torn = forged(&one, &stream(0), position, version, epoch);
        let damaged = [&image[..], &torn].concat();
        let (told, said) = salvaged(folder.path(), &damaged, &format!("{version} {epoch} {left}"));
        assert_eq!(told.undone, undone, "{position} {version} {epoch}");
        assert!(said.contains(&format!("stream/s0 version {left}")), "{said:?}");
        let value = if undone == 1 { &b"two"[..] } else { b"one" };
        let payload = Payload::new(1, value.to_vec());
        assert!(said.contains(&format!("stream/s0 part {:?} {payload:?}", b"a".to_vec())));
        drop(told);
    }
}

/// A copy that was freed keeps its beginning when others are written over the rest of it.
#[test]
fn records_that_were_written_over_an_earlier_one_are_found() {
    with_sound(|folder, sound| {
        let (at, _) = sound.records[0];
        let mut head = sound.image[at..at + 28].to_vec();
        head[8..16].fill(0);
        let length = u32::try_from(sound.image.len() / 2).unwrap();
        head[16..20].copy_from_slice(&length.to_le_bytes());
        let checksum = crc32c::crc32c(&head[..24]).to_le_bytes();
        head[24..28].copy_from_slice(&checksum);
        let image = [&head, &sound.image[..]].concat();
        sound.judge(folder, "the head of another", &image, |at| Some(at + 28));
    });
}
