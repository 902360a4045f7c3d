//! A store that nobody has open: whether it is whole, and its file made smaller.

use std::num::NonZeroU32;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use fastrand::Rng;
use foundation::{Error, Result, System};
use journal::testing::{Disk, Faults};
use journal::{
    Append, Durability, Journal, OfflineStore, Payload, RedbOptions, Retention, StreamId, Verified,
    codes,
};
use redb::{Database, TableDefinition};
use testkit::for_each_seed;

use crate::child::stream;
use crate::contents::{
    LOG, META, append, change, change_value, closed_store, dump, dump_of, fact, flip, gone, holder,
    names_in, options, read_file, rows, write, write_file,
};
use crate::model::random_append;

async fn system() -> System {
    System::builder().start().await.unwrap()
}

/// What of a store is done offline.
type Work = fn(&OfflineStore) -> Result<()>;

const VERIFY: Work = |store| store.verify().map(drop);
const COMPACT: Work = |store| store.compact().map(drop);

fn refused(work: Work, path: &Path) -> Error {
    let error = work(&OfflineStore::at(path)).unwrap_err();
    let report = error.report().to_string();
    assert!(report.contains(path.to_str().unwrap()), "{report}");
    error
}

#[tokio::test]
async fn a_sound_store_is_sound_and_is_not_changed_whether_it_was_closed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let system = system().await;
    let journal = options(&path).open(&system).await.unwrap();
    write(&journal).await;
    let (told, info) = (dump(&journal).await, journal.info().await.unwrap());
    let killed = read_file(&path);
    journal.close().await.unwrap();
    system.stop().await.unwrap();
    for (image, closed) in [(read_file(&path), true), (killed, false)] {
        write_file(&path, &image);
        let verified = OfflineStore::at(&path).cache(2 << 20).verify().unwrap();
        assert!(verified.is_sound(), "{verified:?}");
        assert_eq!((verified.closed, verified.unsynced), (closed, false));
        assert_eq!(verified.format, Some(2));
        let read: Vec<_> = verified.tables.iter().map(|table| (table.name, table.rows)).collect();
        assert_eq!(read, info.tables);
        assert!(read_file(&path) == image, "it was not changed");
        assert_eq!(names_in(folder.path()), ["store.redb"]);
    }
    assert_eq!(dump_of(options(&path)).await, told);
}

#[tokio::test]
async fn a_mark_that_a_sync_has_failed_is_told_and_taken_away_by_compacting() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    closed_store(&path).await;
    let (told, store) = (dump_of(options(&path)).await, OfflineStore::at(&path));
    write_file(&folder.path().join("store.redb.unsynced"), &[]);
    let verified = store.verify().unwrap();
    assert!(verified.is_sound() && verified.unsynced, "{verified:?}");
    assert_eq!(names_in(folder.path()), ["store.redb", "store.redb.unsynced"]);
    store.compact().unwrap();
    assert_eq!(names_in(folder.path()), ["store.redb"]);
    assert!(!store.verify().unwrap().unsynced);
    assert_eq!(dump_of(options(&path)).await, told);
}

#[tokio::test]
async fn what_is_no_store_or_is_open_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (text, other) = (folder.path().join("notes.txt"), folder.path().join("other.redb"));
    let (path, missing) = (folder.path().join("store.redb"), folder.path().join("missing.redb"));
    write_file(&text, b"Dear diary, today");
    let database = Database::create(&other).unwrap();
    let write = database.begin_write().unwrap();
    let table: TableDefinition<'_, u64, u64> = TableDefinition::new("other");
    write.open_table(table).unwrap().insert(1, 2).unwrap();
    write.commit().unwrap();
    drop(database);
    closed_store(&path).await;
    let newer = folder.path().join("newer.redb");
    write_file(&newer, &read_file(&path));
    change(&newer, |write| {
        let mut facts = write.open_table(META).unwrap();
        facts.insert("format", fact("format", 99).as_slice()).unwrap();
    });
    let names = names_in(folder.path());
    for work in [VERIFY, COMPACT] {
        assert_eq!(refused(work, &missing).code(), "store_refused");
        assert_eq!(refused(work, folder.path()).code(), "store_refused");
        assert_eq!(refused(work, &text).code(), codes::STORE_FOREIGN.name);
        assert_eq!(refused(work, &other).code(), codes::STORE_FOREIGN.name);
        assert_eq!(refused(work, &newer).code(), codes::STORE_NEWER.name);
        let system = system().await;
        let journal = options(&path).open(&system).await.unwrap();
        assert_eq!(refused(work, &path).code(), codes::STORE_LOCKED.name);
        journal.close().await.unwrap();
        system.stop().await.unwrap();
    }
    assert_eq!(names_in(folder.path()), names);
    assert_eq!(read_file(&text), b"Dear diary, today");
}

/// A store as it is closed, to be damaged.
struct Sound(Vec<u8>);

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

impl Sound {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        block_on(closed_store(&path));
        Self(read_file(&path))
    }

    /// What is found of the store when it is damaged like that.
    fn verify(&self, damage: impl FnOnce(&Path)) -> Verified {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        write_file(&path, &self.0);
        damage(&path);
        let image = read_file(&path);
        let verified = OfflineStore::at(&path).verify().unwrap();
        assert!(read_file(&path) == image, "it was not changed");
        verified
    }

    /// Expects exactly one problem, in that table, that says that.
    fn expect_one(&self, table: &'static str, says: &str, damage: impl FnOnce(&Path)) {
        let verified = self.verify(damage);
        let said: Vec<_> = verified.problems.iter().map(ToString::to_string).collect();
        assert_eq!(verified.problem_count, 1, "{says}: {said:?}");
        assert_eq!(verified.problems[0].table, Some(table), "{says}: {said:?}");
        assert!(said[0].contains(says), "{says}: {said:?}");
    }
}

fn remove_first(path: &Path, table: &'static str) {
    change(path, |write| {
        use redb::ReadableTable;
        let mut table = write.open_table(rows(table)).unwrap();
        let first = table.first().unwrap().unwrap().0.value().to_vec();
        table.remove(first.as_slice()).unwrap();
    });
}

fn set_fact(path: &Path, name: &str, number: u64) {
    change(path, |write| {
        write.open_table(META).unwrap().insert(name, fact(name, number).as_slice()).unwrap();
    });
}

/// A key of `wakes` or `tombstones` that may or may not be.
fn insert_key(path: &Path, table: &'static str, key: &[u8]) {
    change(path, |write| {
        write.open_table(rows(table)).unwrap().insert(key, [].as_slice()).unwrap();
    });
}

#[test]
fn a_bit_that_is_another_is_found_in_each_table() {
    let sound = Sound::new();
    let payloads = ["parts", "events", "snapshots", "answers", "signals", "chunks"];
    for table in payloads.into_iter().chain(["blobs", "holds"]) {
        let verified = sound.verify(|path| change_value(path, rows(table), |_, value| flip(value)));
        assert_eq!(verified.problem_count, 1, "{table}: {:?}", verified.problems);
        assert_eq!(verified.problems[0].table, Some(table));
    }
    // Nothing is told of what is compared with a row that is damaged.
    sound.expect_one("streams", "checksum", |path| {
        change_value(path, rows("streams"), |_, value| flip(value));
    });
    sound.expect_one("log", "checksum", |path| change_value(path, LOG, |_, value| flip(value)));
    for table in ["answers_until", "wakes", "tombstones", "holders", "loose"] {
        sound.expect_one(table, "has no value has one", |path| {
            change_value(path, rows(table), |_, value| {
                value.push(1);
                true
            });
        });
    }
    sound.expect_one("meta", "checksum", |path| {
        change_value(path, META, |key, value| key == b"folded" && flip(value));
    });
}

#[test]
fn rows_that_do_not_go_together_are_found() {
    let sound = Sound::new();
    sound.expect_one("streams", "wakes has none", |path| remove_first(path, "wakes"));
    sound.expect_one("streams", "tombstones has it not", |path| remove_first(path, "tombstones"));
    sound.expect_one("streams", "snapshots has none", |path| remove_first(path, "snapshots"));
    sound.expect_one("answers", "never dropped", |path| remove_first(path, "answers_until"));
    let shard = stream(0).shard(2.try_into().unwrap()).get().to_be_bytes();
    let time = [0x80, 0, 0, 0, 0, 0, 0, 7];
    sound.expect_one("wakes", "no such wake", |path| {
        insert_key(path, "wakes", &[&shard[..], &time, b"stream\0s0"].concat());
    });
    sound.expect_one("wakes", "says", |path| {
        let other = (1 - u16::from_be_bytes(shard)).to_be_bytes();
        insert_key(path, "wakes", &[&other[..], &time, b"stream\0s0"].concat());
    });
    sound.expect_one("tombstones", "not deleted then", |path| {
        insert_key(path, "tombstones", &[&time[..], b"stream\0s0"].concat());
    });
    // What is kept until a time at which there is no answer any more means nothing.
    let stale = sound.verify(|path| {
        insert_key(path, "answers_until", &[&time[..], &[0, 9], b"stream\0s0key"].concat());
    });
    assert!(stale.is_sound(), "{stale:?}");
    sound.expect_one("meta", "signal_bytes is 5", |path| set_fact(path, "signal_bytes", 5));
    sound.expect_one("meta", "not known", |path| set_fact(path, "epoch.2", 5));
    sound.expect_one("meta", "not known", |path| set_fact(path, "nonsense", 5));
    sound.expect_one("log", "up to 9999 are gone", |path| {
        // Neither is anything of it there.
        set_fact(path, "trimmed", 9999);
        set_fact(path, "folded", 9998);
        change(path, |write| {
            write.open_table(LOG).unwrap().retain(|_, _| false).unwrap();
        });
    });
    sound.expect_one("log", "it ends with group", |path| {
        change(path, |write| {
            let mut log = write.open_table(LOG).unwrap();
            log.retain(|number, _| number < 50).unwrap();
        });
    });
}

#[test]
fn blobs_that_do_not_go_with_their_chunks_or_holders_are_found() {
    let sound = Sound::new();
    sound.expect_one("blobs", "lacks its chunk 0", |path| remove_first(path, "chunks"));
    sound.expect_one("holders", "does not hold it", |path| remove_first(path, "holds"));
    sound.expect_one("holds", "may be collected", |path| remove_first(path, "holders"));
    sound.expect_one("blobs", "never collected", |path| {
        change(path, |write| {
            write.open_table(rows("loose")).unwrap().retain(|_, _| false).unwrap();
        });
    });
    let shard = holder().shard(2.try_into().unwrap()).get().to_be_bytes();
    let nobody = [&shard[..], &[9; 16]].concat();
    let time = [0x80, 0, 0, 0, 0, 0, 0, 7];
    sound.expect_one("loose", "no blob of that time", |path| {
        insert_key(path, "loose", &[&time[..], &nobody].concat());
    });
    sound.expect_one("loose", "a key that cannot be", |path| {
        insert_key(path, "loose", &[&time[..], &nobody, &[0]].concat());
    });
    sound.expect_one("holders", "does not hold it", |path| {
        insert_key(path, "holders", &[&nobody, &b"holder\0one"[..]].concat());
    });
    sound.expect_one("holders", "says", |path| {
        let other = (1 - u16::from_be_bytes(shard)).to_be_bytes();
        insert_key(path, "holders", &[&other[..], &[9; 16], b"holder\0one"].concat());
    });
    let without = sound.verify(|path| remove_first(path, "blobs"));
    let said: Vec<_> = without.problems.iter().map(ToString::to_string).collect();
    let said = said.join("\n");
    for says in ["the blob that it holds is not there", "its blob is not there", "of that time"] {
        assert!(said.contains(says), "{says}: {said}");
    }
}

#[test]
fn what_is_gone_of_the_log_or_of_the_streams_is_found() {
    let sound = Sound::new();
    let all = |verified: &Verified| {
        verified.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let gap = sound.verify(|path| {
        change(path, |write| {
            drop(write.open_table(LOG).unwrap().remove(3).unwrap());
        });
    });
    assert_eq!(all(&gap), "log 4: it comes where group 3 should be");
    // The last groups are not folded: the rows do not show that they are gone, but those behind do.
    let stream = sound.verify(|path| {
        change(path, |write| {
            let mut streams = write.open_table(rows("streams")).unwrap();
            drop(streams.remove(b"stream\0s0".as_slice()).unwrap());
        });
    });
    let said = all(&stream);
    assert!(said.contains("its stream is not there"), "{said}");
    assert!(said.contains("the log has it, and streams has it not"), "{said}");
    let old = sound.verify(|path| set_fact(path, "epoch.0", 0));
    assert!(all(&old).contains("and the last is 0"), "{}", all(&old));
    // Less is folded than the log says.
    let folded = sound.verify(|path| set_fact(path, "folded", 200));
    assert!(!folded.is_sound(), "{folded:?}");
    let table = sound.verify(|path| {
        change(path, |write| {
            let table: TableDefinition<'_, u64, u64> = TableDefinition::new("other");
            write.open_table(table).unwrap().insert(1, 2).unwrap();
        });
    });
    assert_eq!(all(&table), "file: it has a table \"other\", which is not known");
    let lost = sound.verify(|path| {
        change(path, |write| assert!(write.delete_table(rows("wakes")).unwrap()));
    });
    assert!(!lost.is_sound(), "{lost:?}");
    let lost = sound.verify(|path| {
        change(path, |write| drop(write.open_table(META).unwrap().remove("shards").unwrap()));
    });
    assert!(all(&lost).contains("lost the fact \"shards\""), "{lost:?}");
}

/// Whatever would be refused when it is opened, or found when it is read, is found; nothing is changed.
#[test]
fn a_bit_that_is_another_anywhere_in_the_file_is_found_or_harmless() {
    let pristine = Sound::new().0;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    write_file(&path, &pristine);
    let told = block_on(dump_of(options(&path)));
    let (mut found, mut sound) = (0, 0);
    for_each_seed(NonZeroU32::new(250).unwrap(), |seed| {
        let mut random = Rng::with_seed(seed);
        let place = random.usize(..pristine.len());
        let mut image = pristine.clone();
        image[place] ^= 1 << random.u8(..8);
        write_file(&path, &image);
        let verified = match OfflineStore::at(&path).verify() {
            Ok(verified) => verified,
            Err(error) => {
                // The first bytes say what kind of a file it is.
                assert_eq!(error.code(), codes::STORE_FOREIGN.name, "{}", error.report());
                assert!(place < 9, "byte {place}: {}", error.report());
                return;
            }
        };
        assert!(read_file(&path) == image, "it was not changed");
        if verified.is_sound() {
            sound += 1;
            assert!(block_on(dump_of(options(&path))) == told, "byte {place}");
        } else {
            found += 1;
        }
    });
    println!("{found} found, {sound} sound");
    assert!(found > 20, "{found} found, {sound} sound");
}

#[test]
fn a_file_that_was_cut_off_is_found() {
    let sound = Sound::new();
    let mut random = Rng::with_seed(7);
    for _ in 0..40 {
        let length = random.usize(..sound.0.len());
        let verified = sound.verify(|path| write_file(path, &sound.0[..length]));
        assert!(!verified.is_sound(), "cut to {length}: {verified:?}");
    }
}

/// Writes much and deletes most of it.
async fn wasteful(journal: &Journal) {
    let large = StreamId::new("large", "one").unwrap();
    write(journal).await;
    let part = |n: u8| Append::new().put(vec![n], Payload::new(1, vec![n; 100_000]));
    append(journal, &large, (0..80).map(part).collect()).await;
    journal.fold().await.unwrap();
    append(journal, &large, (0..80).map(|n| Append::new().delete(vec![n])).collect()).await;
    journal.fold().await.unwrap();
    assert_eq!(
        journal.load(&gone(), journal::Load::all()).await.unwrap_err().code(),
        "stream_deleted"
    );
}

/// The log would keep what is deleted.
fn forgetful(options: RedbOptions) -> RedbOptions {
    options.tail(64 << 20).retention(Retention { log_bytes: 0, ..Retention::default() })
}

/// Reads what does not need the whole log.
async fn states(journal: &Journal) -> Vec<String> {
    let mut told = Vec::new();
    for stream in (0..crate::contents::STREAMS).map(stream).chain([gone()]) {
        told.push(format!("{:?}", journal.load(&stream, journal::Load::all()).await));
    }
    told.push(format!("{:?}", journal.streams("stream", None, 100).await));
    told.push(format!("{:?}", journal.streams("large", None, 100).await));
    told
}

#[tokio::test]
async fn a_compacted_store_is_smaller_and_has_everything() {
    for durability in [Durability::Sync, Durability::Process] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let options = forgetful(RedbOptions::new(&path).durability(durability));
        let system = system().await;
        let journal = options.open(&system).await.unwrap();
        wasteful(&journal).await;
        let (told, before) = (states(&journal).await, journal.info().await.unwrap());
        journal.close().await.unwrap();
        let compacted = OfflineStore::at(&path).compact().unwrap();
        assert_eq!(compacted.after, read_file(&path).len() as u64);
        assert!(compacted.after * 3 < compacted.before * 2, "{compacted:?}");
        assert_eq!(names_in(folder.path()), ["store.redb"]);
        let verified = OfflineStore::at(&path).verify().unwrap();
        assert!(verified.is_sound() && verified.closed, "{verified:?}");
        let journal = options.open(&system).await.unwrap();
        assert_eq!(states(&journal).await, told);
        // But for what is dropped of the log by itself.
        assert_eq!(journal.info().await.unwrap().tables[1..], before.tables[1..]);
        append(&journal, &stream(0), vec![Append::new()]).await;
        journal.close().await.unwrap();
        system.stop().await.unwrap();
    }
}

#[test]
fn a_damaged_store_is_not_compacted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let mut image = Sound::new().0;
    let head = [0xa7, b'J', b'D', b'R', 1, 3];
    let part = (0..image.len() - 6).find(|at| image[*at..].starts_with(&head)).unwrap();
    image[part + 30] ^= 1;
    write_file(&path, &image);
    assert_eq!(refused(COMPACT, &path).code(), "store_corrupt");
}

/// A store with much that is free, as it is closed, and what it tells.
fn wasted() -> (Vec<u8>, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (system, disk) = (system().await, Disk::new());
        let journal = forgetful(RedbOptions::on_disk(&disk)).open(&system).await.unwrap();
        wasteful(&journal).await;
        let told = states(&journal).await;
        journal.close().await.unwrap();
        system.stop().await.unwrap();
        (disk.image(), told)
    })
}

fn told_by(disk: &Disk) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let system = system().await;
        let journal = forgetful(RedbOptions::on_disk(disk)).open(&system).await.unwrap();
        let told = states(&journal).await;
        journal.close().await.unwrap();
        system.stop().await.unwrap();
        told
    })
}

#[test]
fn nothing_is_lost_when_compacting_is_killed_or_the_power_is_cut_or_a_sync_fails() {
    let (image, told) = wasted();
    let whole = Disk::from_image(image.clone());
    let compacted = OfflineStore::on_disk(&whole).compact().unwrap();
    assert!(compacted.after * 3 < compacted.before * 2, "{compacted:?}");
    let (calls, syncs) = (whole.calls(), whole.syncs());
    assert_eq!(told_by(&whole), told);
    let mut marks = 0;
    for_each_seed(NonZeroU32::new(90).unwrap(), |seed| {
        let mut random = Rng::with_seed(seed);
        let mut disk = Disk::from_image(image.clone());
        let cut = random.bool();
        disk.faults(if cut {
            Faults { cut_at_call: Some(random.u64(1..=calls)), ..Faults::default() }
        } else {
            Faults { fail_sync_at: Some(random.u64(1..=syncs)), ..Faults::default() }
        });
        let error = OfflineStore::on_disk(&disk).compact().unwrap_err();
        assert_eq!(error.code(), "store_error", "{}", error.report());
        disk.faults(Faults::default());
        if cut && random.bool() {
            // Only the process was killed: what it has written is there.
            disk = Disk::from_image(disk.image());
        } else if cut || random.bool() {
            disk.cut_power(&mut |below| random.u64(..below));
        }
        let verified = OfflineStore::on_disk(&disk).verify().unwrap();
        assert!(verified.is_sound(), "{verified:?}");
        marks += u32::from(verified.unsynced);
        // The power may go in the middle of a sync, too.
        assert!(verified.unsynced || cut, "a sync that failed is noted");
        if random.bool() {
            // It does as opening does, and then the rest of its work.
            OfflineStore::on_disk(&disk).compact().unwrap();
            assert!(!OfflineStore::on_disk(&disk).verify().unwrap().unsynced);
        }
        assert!(told_by(&disk) == told, "after it was opened");
        assert!(!OfflineStore::on_disk(&disk).verify().unwrap().unsynced);
    });
    assert!(marks > 10, "{marks} syncs failed");
}

/// A store that is folded in small slices, forgets soon, and is looked at in the middle of it.
async fn live(random: &mut Rng, moments: &mut Vec<Vec<u8>>) {
    let disk = Disk::new();
    for _ in 0..3 {
        let retention = Retention {
            signals_for: Duration::from_nanos(1),
            tombstones_for: Duration::from_nanos(1),
            log_bytes: random.u64(..100_000),
            ..Retention::default()
        };
        let options = RedbOptions::on_disk(&disk).shards(2.try_into().unwrap());
        let options = options.retention(retention).tail(64 << 10).cache(1 << 20);
        let system = system().await;
        let journal = options.slice(random.usize(1..4)).open(&system).await.unwrap();
        for _ in 0..random.u32(10..50) {
            match random.u32(..12) {
                0 => {
                    // As it is when the process is killed while the store is folded.
                    let mut fold = pin!(journal.fold());
                    for _ in 0..random.u32(..12) {
                        let look = |cx: &mut Context<'_>| Poll::Ready(fold.as_mut().poll(cx));
                        if std::future::poll_fn(look).await.is_ready() {
                            break;
                        }
                        tokio::task::yield_now().await;
                    }
                    moments.push(disk.image());
                }
                1 => drop(journal.retain().await.unwrap()),
                _ => append_or_delete(&journal, random).await,
            }
        }
        moments.push(disk.image());
        if random.bool() {
            journal.close().await.unwrap();
            moments.push(disk.image());
        }
        system.stop().await.unwrap();
    }
}

async fn append_or_delete(journal: &Journal, random: &mut Rng) {
    let stream = stream(random.u32(..5));
    let lease = journal.acquire(stream.shard(journal.shards())).await.unwrap();
    let mut writer = match journal.open(&lease, &stream).await {
        Ok(writer) => writer,
        Err(error) => return assert_eq!(error.code(), codes::STREAM_DELETED.name),
    };
    for _ in 0..random.u32(1..4) {
        let permit = writer.permit(journal::Share::New, 1000).await.unwrap();
        let delete = random.u8(..12) == 0;
        let append =
            if delete { Append::tombstone() } else { random_append(random, writer.head()) };
        // Some idempotency keys come again in a later life of a stream.
        drop(writer.append(permit, append).unwrap().await);
        if delete {
            break;
        }
    }
}

#[test]
fn whatever_a_process_that_was_killed_leaves_is_sound() {
    let (mut moments, mut unclosed) = (0, 0);
    for_each_seed(NonZeroU32::new(40).unwrap(), |seed| {
        let mut random = Rng::with_seed(seed);
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
        let mut images = Vec::new();
        runtime.block_on(live(&mut random, &mut images));
        for image in images {
            let disk = Disk::from_image(image);
            let verified = OfflineStore::on_disk(&disk).verify().unwrap();
            assert!(verified.is_sound(), "{:?}", verified.problems);
            moments += 1;
            unclosed += u32::from(!verified.closed);
        }
    });
    println!("{moments} moments, {unclosed} of a store that is open");
    assert!(unclosed > 100 && moments > unclosed, "{unclosed} of {moments}");
}
