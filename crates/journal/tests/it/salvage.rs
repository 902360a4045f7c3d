//! Salvage over damaged files.
//!
//! What has to be found is computed without the code under test: the records of the sound file, by a
//! walk of its own, but for those whose bytes the damage has touched.

mod copies;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;

use fastrand::Rng;
use foundation::System;
use journal::{
    Append, Change, Durability, Journal, Load, Lost, Payload, Position, RedbOptions, Salvage,
    Salvaged, Shard, StreamId,
};
use testkit::for_each_seed;

use crate::child::{append_of, options, stream};
use crate::exports::{append, bytes_of_blob, fill, held, holder};

const STREAMS: u32 = 6;
const FOLDED: u64 = 7;
const UNFOLDED: u64 = 3;
const PAGE: usize = 4096;
const MAGIC: [u8; 4] = [0xa7, 0x4a, 0x44, 0x52];

#[expect(clippy::disallowed_methods, reason = "ban: std::fs, the file is damaged behind the store")]
pub(crate) fn write(path: &Path, image: &[u8]) {
    std::fs::write(path, image).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "ban: std::fs, the file is damaged behind the store")]
fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "ban: std::fs, the file is damaged behind the store")]
pub(crate) fn remove(path: &Path) {
    if exists(path) {
        std::fs::remove_file(path).unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "ban: std::fs, whether something is left behind")]
pub(crate) fn exists(path: &Path) -> bool {
    path.try_exists().unwrap()
}

fn options_of(path: &Path) -> RedbOptions {
    options(path, Durability::Process).tail(64 << 20)
}

/// A sound store.
struct Sound {
    image: Vec<u8>,
    /// Where its records are.
    records: Vec<(usize, usize)>,
    /// What it says.
    said: BTreeSet<String>,
    /// What was ever written to it.
    written: BTreeSet<String>,
}

fn number(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize
}

/// The records in the bytes of a file, as `docs/format.md` tells to find them.
fn walk(image: &[u8]) -> Vec<(usize, usize)> {
    let (mut records, mut at) = (Vec::new(), 0);
    while at + 28 <= image.len() {
        let head = &image[at..at + 28];
        let length = 28 + number(&head[16..]);
        let is_right = head.starts_with(&MAGIC)
            && number(&head[24..]) == crc32c::crc32c(&head[..24]) as usize
            && at + length <= image.len()
            && number(&head[20..]) == crc32c::crc32c(&image[at + 28..at + length]) as usize;
        if is_right {
            records.push((at, length));
        }
        at += if is_right { length } else { 1 };
    }
    records
}

/// Everything that a journal says, as texts. Positions only where readers keep them.
async fn said_by(journal: &Journal) -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    for kind in ["stream", "gone", "kept", "holder"] {
        for info in journal.streams(kind, None, 1000).await.unwrap() {
            let id = &info.stream;
            let mut load = Some(Load::all());
            while let Some(next) = load.take() {
                let loaded = journal.load(id, next).await.unwrap();
                said.insert(format!("{id} version {}", loaded.version));
                said.insert(format!("{id} wake {:?}", loaded.wake));
                said.extend(loaded.snapshot.iter().map(|it| format!("{id} snapshot {it:?}")));
                let events = loaded.events.iter();
                said.extend(events.map(|it| format!("{id} event {} {:?}", it.version, it.payload)));
                let parts = loaded.parts.iter();
                said.extend(parts.map(|it| format!("{id} part {:?} {:?}", it.key, it.payload)));
                load = loaded.more;
            }
            let held = held(journal, id).await.into_iter();
            said.extend(held.map(|(_, bytes)| format!("{id} blob {bytes:?}")));
            for version in 1..=FOLDED + UNFOLDED {
                let number = id.id().trim_start_matches('s').parse().unwrap_or(0);
                for change in append_of(number, version).changes() {
                    let Change::Answer(it) = change else { continue };
                    let found = journal.answer(id, &it.key, it.fingerprint).await.unwrap();
                    said.extend(found.map(|found| format!("{id} answer {} {found:?}", it.key)));
                }
            }
        }
    }
    let far = jiff::Timestamp::MAX - jiff::Span::new().seconds(1);
    for shard in (0..journal.shards().get()).map(Shard::new) {
        for due in journal.due(shard, far, None, 1000).await.unwrap() {
            said.insert(format!("{due:?}"));
        }
    }
    said
}

/// What of an append may be said later.
fn sayings_of(id: &StreamId, version: u64, append: &Append, said: &mut BTreeSet<String>) {
    said.insert(format!("{id} version {version}"));
    for change in append.changes() {
        match change {
            Change::Event(payload) => said.insert(format!("{id} event {version} {payload:?}")),
            Change::Put(key, payload) => said.insert(format!("{id} part {key:?} {payload:?}")),
            Change::Answer(it) => said.insert(format!("{id} answer {} {:?}", it.key, it.payload)),
            Change::Wake(wake) => said.insert(format!("{id} wake {wake:?}")),
            Change::Snapshot(of, payload) => {
                said.insert(format!("{id} snapshot {:?}", (of, payload)))
            }
            _ => false,
        };
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

impl Sound {
    async fn new(folder: &Path, system: &System) -> Self {
        let path = folder.join("sound.redb");
        let journal = options_of(&path).open(system).await.unwrap();
        fill(&journal, FOLDED, UNFOLDED).await;
        let said = said_by(&journal).await;
        journal.close().await.unwrap();
        let image = read(&path);
        let mut written = said.clone();
        for number in 0..STREAMS {
            let id = stream(number);
            written.insert(format!("{id} wake Never"));
            for version in 1..=FOLDED + UNFOLDED {
                sayings_of(&id, version, &append_of(number, version), &mut written);
            }
        }
        for round in 0..2 {
            let gone = StreamId::new("gone", &format!("slash/{round}")).unwrap();
            let first = Append::new().put("a", Payload::new(1, b"\xff\x00 no text".to_vec()));
            sayings_of(&gone, 1, &first, &mut written);
            written.insert(format!("{gone} wake Never"));
        }
        for version in 1..=2 {
            written.insert(format!("kept/übrig \"so\" version {version}"));
            written.insert(format!("{} version {version}", holder()));
        }
        for number in 0..2 {
            written.insert(format!("{} blob {:?}", holder(), bytes_of_blob(number)));
        }
        Self { records: walk(&image), image, said, written }
    }

    /// Salvages `image`, in which `sound` says where each byte of the sound file has gone.
    fn judge(
        &self,
        folder: &Path,
        what: &str,
        image: &[u8],
        moved: impl Fn(usize) -> Option<usize>,
    ) {
        let (from, to) = (folder.join("damaged.redb"), folder.join("salvaged.redb"));
        write(&from, image);
        remove(&to);
        let whole: BTreeSet<&[u8]> =
            self.records.iter().map(|(at, len)| &self.image[*at..at + len]).collect();
        let intact: BTreeSet<&[u8]> = self
            .records
            .iter()
            .filter_map(|(at, len)| {
                let bytes = &self.image[*at..at + len];
                let at = moved(*at)?;
                (image.get(at..at + len)? == bytes).then_some(bytes)
            })
            .collect();
        let told = match Salvage::default().run(&from, &to) {
            Ok(told) => told,
            Err(error) => {
                assert_eq!(error.code(), "store_foreign", "{what}: {error:?}");
                assert_eq!(intact.len(), 0, "{what}: {error:?}");
                return;
            }
        };
        let found: BTreeSet<&[u8]> = told.found.iter().map(|it| at(image, it)).collect();
        assert_eq!(intact.difference(&found).count(), 0, "{what}: not found");
        assert_eq!(found.difference(&whole).count(), 0, "{what}: never written");
        assert_eq!(told.unfit, [], "{what}");
        assert_eq!(read(&from), image, "{what}: the damaged file was changed");
        let said = block_on(reopened(&to, &told));
        let other: Vec<_> =
            said.difference(&self.written).filter(|it| !it.starts_with("Due")).collect();
        assert_eq!(other, Vec::<&String>::new(), "{what}: {:?}", told.lost);
        if intact.len() == whole.len() {
            assert_eq!(said, self.said, "{what}: {:?}", told.lost);
        }
    }
}

fn at<'a>(image: &'a [u8], found: &journal::FoundRecord) -> &'a [u8] {
    let place = |number: u64| usize::try_from(number).unwrap();
    &image[place(found.offset)..place(found.offset + found.length)]
}

/// What a salvaged store says. Every shard can be taken over and its log read.
async fn reopened(path: &Path, told: &Salvaged) -> BTreeSet<String> {
    let system = System::builder().start().await.unwrap();
    let journal = options(path, told.durability).shards(told.shards).open(&system).await.unwrap();
    let said = said_by(&journal).await;
    for shard in (0..told.shards.get()).map(Shard::new) {
        journal.acquire(shard).await.unwrap();
    }
    journal.close().await.unwrap();
    system.stop().await.unwrap();
    said
}

fn with_sound(test: impl FnOnce(&Path, Sound)) {
    let folder = tempfile::tempdir().unwrap();
    let sound = block_on(async {
        let system = System::builder().start().await.unwrap();
        let sound = Sound::new(folder.path(), &system).await;
        system.stop().await.unwrap();
        sound
    });
    let pages = sound.image.chunks(PAGE).filter(|page| page.iter().any(|byte| *byte != 0)).count();
    println!("{} bytes, {pages} pages used, {} records", sound.image.len(), sound.records.len());
    test(folder.path(), sound);
}

#[test]
fn of_a_sound_file_everything_is_there() {
    with_sound(|folder, sound| {
        let kinds: BTreeSet<u8> = sound.records.iter().map(|(at, _)| sound.image[at + 5]).collect();
        assert_eq!(kinds, (1..=12).collect(), "a record of every kind");
        sound.judge(folder, "nothing", &sound.image, Some);
        let to = folder.join("again.redb");
        let told = Salvage::default().run(folder.join("sound.redb"), &to).unwrap();
        assert_eq!(told.lost, []);
        assert_eq!((told.undone, told.unproven), (0, 0));
        assert_eq!((told.shards.get(), told.durability), (2, Durability::Process));
        assert_eq!(told.deleted, 2);
        block_on(same_log(&folder.join("sound.redb"), &to));
    });
}

/// The log and the signals, and that both go on behind the same positions.
async fn same_log(one: &Path, other: &Path) {
    let system = System::builder().start().await.unwrap();
    let one = options_of(one).open(&system).await.unwrap();
    let other = options_of(other).open(&system).await.unwrap();
    for shard in (0..2).map(Shard::new) {
        let (end, start) = (one.end(shard).unwrap(), Position::start(shard));
        assert_eq!(other.end(shard).unwrap(), end);
        let (mut log, mut same) = (one.log(start).unwrap(), other.log(start).unwrap());
        let (mut signals, mut same_signals) =
            (one.signals(start).unwrap(), other.signals(start).unwrap());
        let mut last = 0;
        while last < end.number() {
            let entry = log.next().await.unwrap();
            assert_eq!(same.next().await.unwrap(), entry);
            let count =
                entry.changes.iter().filter(|it| matches!(it, Change::Signal(_))).count() as u64;
            last = entry.position.number() + count.max(1) - 1;
            for _ in 0..count {
                let signal = signals.next().await.unwrap();
                assert_eq!(same_signals.next().await.unwrap(), signal);
            }
        }
    }
    one.close().await.unwrap();
    other.close().await.unwrap();
    system.stop().await.unwrap();
}

#[test]
fn a_flipped_bit_costs_the_record_that_it_is_in() {
    with_sound(|folder, sound| {
        for_each_seed(NonZeroU32::MIN, |seed| {
            let mut random = Rng::with_seed(seed);
            for (number, page) in sound.image.chunks(PAGE).enumerate() {
                if page.iter().all(|byte| *byte == 0) {
                    continue;
                }
                let place = number * PAGE + random.usize(..page.len());
                let mut image = sound.image.clone();
                image[place] ^= 1 << random.u8(..8);
                sound.judge(folder, &format!("a bit of byte {place}"), &image, Some);
            }
        });
    });
}

#[test]
fn pages_that_are_gone_and_sectors_that_are_torn_cost_what_is_in_them() {
    with_sound(|folder, sound| {
        for_each_seed(NonZeroU32::MIN, |seed| {
            let mut random = Rng::with_seed(seed);
            let used: Vec<_> = (0..sound.image.len() / PAGE)
                .filter(|page| sound.image[page * PAGE..][..PAGE].iter().any(|byte| *byte != 0))
                .collect();
            for number in 0..used.len().min(80) {
                let mut image = sound.image.clone();
                // The first is the head of the file.
                let page = if number == 0 { 0 } else { used[random.usize(..used.len())] };
                image[page * PAGE..][..PAGE].fill(0);
                sound.judge(folder, &format!("page {page} zeroed"), &image, Some);
                for _ in 0..=random.usize(..20) {
                    let page = used[random.usize(..used.len())];
                    let sector = page * PAGE + 512 * random.usize(..8);
                    image[sector..sector + 512].fill_with(|| random.u8(..));
                }
                sound.judge(folder, &format!("after page {page}, sectors"), &image, Some);
            }
        });
    });
}

#[test]
fn a_file_that_was_cut_off_or_lacks_its_beginning_has_the_rest() {
    with_sound(|folder, sound| {
        for_each_seed(NonZeroU32::MIN, |seed| {
            let mut random = Rng::with_seed(seed);
            let len = sound.image.len();
            let pages = (0..len / PAGE).step_by(1 + len / PAGE / 60).map(|page| page * PAGE);
            let others: Vec<_> = (0..30).map(|_| random.usize(..len)).collect();
            for cut in pages.chain(others) {
                sound.judge(folder, &format!("cut to {cut}"), &sound.image[..cut], Some);
                let behind = |at: usize| at.checked_sub(cut);
                sound.judge(folder, &format!("from {cut}"), &sound.image[cut..], behind);
                let garbage: Vec<u8> = (0..random.usize(1..5000)).map(|_| random.u8(..)).collect();
                let image = [&sound.image[..cut], &garbage, &sound.image[cut..]].concat();
                let moved = |at| Some(if at < cut { at } else { at + garbage.len() });
                sound.judge(folder, &format!("garbage at {cut}"), &image, moved);
            }
        });
    });
}

/// Destroys all records of which `is_doomed` says so, by their kind.
fn without(sound: &Sound, is_doomed: impl Fn(u8, &[u8]) -> bool) -> Vec<u8> {
    let mut image = sound.image.clone();
    for (at, len) in &sound.records {
        let record = &sound.image[*at..at + len];
        if is_doomed(record[5], record) {
            image[*at..at + len].fill(0);
        }
    }
    image
}

fn salvaged(folder: &Path, image: &[u8], name: &str) -> (Salvaged, BTreeSet<String>) {
    let (from, to) = (folder.join(format!("{name}.damaged")), folder.join(name));
    write(&from, image);
    let told = Salvage::default().run(&from, &to).unwrap();
    let said = block_on(reopened(&to, &told));
    (told, said)
}

/// Whether a record is a row that folding makes, or a fact.
fn is_made_of_the_log(kind: u8) -> bool {
    const BLOB: u8 = 10;
    const CHUNK: u8 = 11;
    kind > 2 && kind != BLOB && kind != CHUNK
}

#[test]
fn a_blob_that_lacks_a_chunk_is_told_with_who_held_it() {
    with_sound(|folder, sound| {
        let second_chunk =
            |kind, record: &[u8]| kind == 11 && record[46..50] == 1_u32.to_le_bytes();
        let (told, said) = salvaged(folder, &without(&sound, second_chunk), "chunk");
        assert_eq!(told.blobs, 2);
        let [Lost::Blob(lost, None), Lost::Blob(held, Some(by))] = told.lost.as_slice() else {
            panic!("{:?}", told.lost);
        };
        assert_eq!((lost, by), (held, &holder()));
        let kept =
            |number| said.contains(&format!("{} blob {:?}", holder(), bytes_of_blob(number)));
        assert_eq!((kept(0), kept(1)), (false, true));
    });
}

#[test]
fn rows_make_up_for_a_lost_log_and_the_log_for_lost_rows() {
    with_sound(|folder, sound| {
        // All rows but those of blobs, which do not go through the log, and the facts: the log has
        // everything, and the number of shards follows.
        let (told, said) =
            salvaged(folder, &without(&sound, |kind, _| is_made_of_the_log(kind)), "log");
        assert_eq!(said, sound.said);
        assert_eq!((told.shards.get(), told.lost), (2, vec![]));
        // The log: rows have what was folded, and what was not is missed.
        let (told, said) = salvaged(folder, &without(&sound, |kind, _| kind <= 2), "rows");
        let lost = told.lost.iter().filter(|it| matches!(it, Lost::Groups(..))).count();
        assert_eq!(lost, 0, "no group is known but those that are folded");
        assert!(said.contains(&format!("stream/s0 version {FOLDED}")), "{said:?}");
        assert!(told.unproven > 0, "what came later is not known");
        // One append in the middle, folded; and the last, which is not.
        let name = b"stream\0s0";
        let of = |record: &[u8], version: u64| {
            record[30..].starts_with(name)
                && record[30 + name.len()..][..8] == version.to_le_bytes()
        };
        let image = without(&sound, |kind, it| kind == 2 && (of(it, 3) || of(it, FOLDED + 1)));
        let (told, said) = salvaged(folder, &image, "appends");
        let of_s0 = |lost: &&Lost| matches!(lost, Lost::Versions(id, ..) if *id == stream(0));
        let lost: Vec<_> = told.lost.iter().filter(of_s0).collect();
        let version = journal::Version::new(FOLDED + 1);
        assert_eq!(lost, [&Lost::Versions(stream(0), version, version)]);
        assert!(said.contains(&format!("stream/s0 version {}", FOLDED + UNFOLDED)));
        assert!(told.lost.iter().filter(|it| matches!(it, Lost::Groups(..))).count() >= 2);
    });
}

/// A payload that is a record of the same store, and greater than all others.
#[test]
fn a_record_in_a_payload_is_no_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.redb");
    block_on(async {
        let system = System::builder().start().await.unwrap();
        let journal = options_of(&path).open(&system).await.unwrap();
        let put = |value: Vec<u8>| Append::new().put("a", Payload::new(1, value));
        append(&journal, &stream(0), put(b"one".to_vec())).await;
        append(&journal, &stream(0), put(b"other".to_vec())).await;
        journal.close().await.unwrap();
        let image = read(&path);
        let records = walk(&image);
        let (at, len) = *records.iter().rfind(|(at, _)| image[at + 5] == 2).unwrap();
        let inner = image[at..at + len].to_vec();
        let journal = options_of(&path).open(&system).await.unwrap();
        append(&journal, &stream(0), put(inner.clone())).await;
        append(&journal, &stream(1), Append::new().event(Payload::new(1, inner))).await;
        journal.close().await.unwrap();
        system.stop().await.unwrap();
    });
    let to = folder.path().join("to.redb");
    let told = Salvage::default().run(&path, &to).unwrap();
    assert_eq!(told.lost, []);
    let image = read(&path);
    let walked: BTreeSet<_> =
        walk(&image).into_iter().map(|(at, len)| &image[at..at + len]).collect();
    assert_eq!(told.found.iter().map(|it| at(&image, it)).collect::<BTreeSet<_>>(), walked);
}

#[test]
fn what_is_no_store_or_in_use_or_already_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let code = |from: &str, to: &str| {
        Salvage::default().run(path(from), path(to)).unwrap_err().code().to_owned()
    };
    assert_eq!(code("missing", "to"), "store_refused");
    write(&path("empty"), b"");
    assert_eq!(code("empty", "to"), "store_foreign");
    write(&path("other"), &MAGIC.repeat(10_000));
    assert_eq!(code("other", "to"), "store_foreign");
    block_on(async {
        let system = System::builder().start().await.unwrap();
        let journal = options_of(&path("store")).open(&system).await.unwrap();
        append(&journal, &stream(0), append_of(0, 1)).await;
        assert_eq!(code("store", "to"), "store_locked");
        journal.close().await.unwrap();
        system.stop().await.unwrap();
    });
    assert_eq!(code("store", "other"), "store_exists");
    assert_eq!(code("store", "store"), "store_exists");
    assert!(!exists(&path("to")) && !exists(&path("other.new")));
}

/// Names that are used again, parts that are deleted, snapshots that replace events.
#[test]
fn a_name_that_was_used_again_is_the_later_stream() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("sound.redb"), folder.path().join("to.redb"));
    let said = block_on(async {
        let system = System::builder().start().await.unwrap();
        let mut options = options_of(&path);
        let retention = journal::Retention {
            tombstones_for: std::time::Duration::ZERO,
            log_bytes: u64::MAX,
            ..journal::Retention::default()
        };
        options = options.retention(retention);
        let journal = options.open(&system).await.unwrap();
        let payload = |text: &str| Payload::new(1, text.as_bytes().to_vec());
        for life in 0..3 {
            // Each is shorter than the one before, whose versions would go on behind it.
            for number in 0..6 - 2 * life {
                let event = payload(&format!("{life} {number}"));
                let append =
                    Append::new().event(event.clone()).put(format!("{life}"), event.clone());
                self::append(&journal, &stream(0), append.put("deleted", event.clone())).await;
                self::append(&journal, &stream(1), Append::new().event(event)).await;
                if number == 1 {
                    journal.fold().await.unwrap();
                }
            }
            self::append(&journal, &stream(0), Append::new().delete("deleted")).await;
            let head = journal.load(&stream(1), Load::all()).await.unwrap().version;
            self::append(&journal, &stream(1), Append::new().snapshot(head, payload("state")))
                .await;
            if life < 2 {
                self::append(&journal, &stream(0), Append::tombstone()).await;
                while !matches!(journal.retain().await.unwrap(), it if it.tombstones > 0) {}
            }
        }
        let said = said_by(&journal).await;
        journal.close().await.unwrap();
        system.stop().await.unwrap();
        said
    });
    let told = Salvage::default().run(&path, &to).unwrap();
    assert_eq!(told.lost, []);
    assert_eq!(block_on(reopened(&to, &told)), said);
    // Where each life begins is known without how the one before it has ended.
    let mut image = read(&path);
    for (at, len) in walk(&image) {
        let (kind, last) = (image[at + 5], image[at + len - 1]);
        if (kind, last) == (2, 8) || (kind, last) == (8, 1) {
            image[at..at + len].fill(0);
        }
    }
    let (told, found) = salvaged(folder.path(), &image, "without ends");
    assert_eq!(told.deleted, 0);
    assert_eq!(found, said);
}
