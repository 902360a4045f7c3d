//! Looking after a store that is open: what it tells of itself, and whether it is sound.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fastrand::Rng;
use foundation::System;
use journal::testing::{Disk, Faults};
use journal::{
    Append, Durability, Journal, MemoryOptions, OfflineStore, Payload, RedbOptions, Scrubbed,
    Shard, StreamId, codes,
};
use testkit::{Telemetry, for_each_seed};

use crate::contents::{
    META, append, change, change_value, closed_store, flip, options, read_file, rows, write,
    write_file,
};

async fn system() -> System {
    System::builder().start().await.unwrap()
}

/// Opens a store, scrubs it, and appends to it, to see that it goes on.
async fn scrub(options: RedbOptions) -> Scrubbed {
    let system = system().await;
    let journal = options.open(&system).await.unwrap();
    let scrubbed = journal.scrub().await.unwrap();
    let other = StreamId::new("other", "one").unwrap();
    append(&journal, &other, vec![Append::new().put("a", Payload::new(1, *b"b"))]).await;
    journal.close().await.unwrap();
    system.stop().await.unwrap();
    scrubbed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_tells_what_is_in_it_and_how_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let system = system().await;
    let journal = options(&path).open(&system).await.unwrap();
    let new = journal.info().await.unwrap();
    assert_eq!((new.unfolded_groups, new.log_bytes, new.signal_bytes), (0, 0, 0));
    write(&journal).await;
    let info = journal.info().await.unwrap();
    assert_eq!(info.path, path);
    assert_eq!((info.format, info.durability), (2, Durability::Process));
    assert_eq!(info.known_format, info.format);
    assert_eq!(info.file_bytes, read_file(&path).len() as u64);
    let stats = journal.stats();
    assert_eq!((info.log_bytes, info.unfolded_bytes), (stats.log_bytes, stats.tail_bytes));
    assert!(info.unfolded_groups > 0 && info.unfolded_bytes > 0);
    assert!(info.signal_bytes > 0);
    assert!(info.room.is_some_and(|room| room > info.reserve));
    assert!(!info.unsynced && !info.read_only);
    assert_eq!(info.tables.len(), 16);
    for (table, rows) in &info.tables {
        assert!(*rows > 0, "{table} has rows: {:?}", info.tables);
    }
    assert_eq!(info.shards.len(), 2);
    for shard in &info.shards {
        assert_eq!(shard.log_end, journal.end(shard.shard).unwrap());
        assert_eq!((shard.log_from.number(), shard.signals_from.number()), (0, 0));
        let lease = journal.acquire(shard.shard).await.unwrap();
        assert_eq!(lease.epoch().get(), shard.epoch.get() + 1);
    }
    journal.close().await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_on_a_disk_that_is_nearly_full_says_that_it_is_only_read() {
    let (system, disk) = (system().await, Disk::new());
    let journal = RedbOptions::on_disk(&disk).reserve(4 << 20).open(&system).await.unwrap();
    let one = StreamId::new("stream", "one").unwrap();
    append(&journal, &one, vec![Append::new()]).await;
    assert!(!journal.info().await.unwrap().read_only);
    let length = disk.image().len() as u64;
    disk.faults(Faults { full_at: Some(length + (1 << 20)), ..Faults::default() });
    // It is seen with the next commit.
    journal.acquire(Shard::new(0)).await.unwrap();
    let info = journal.info().await.unwrap();
    assert!(info.read_only);
    assert_eq!((info.room, info.reserve), (Some(1 << 20), 4 << 20));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_journal_in_memory_has_no_store_to_look_after() {
    let system = system().await;
    let journal = MemoryOptions::default().open(&system).unwrap();
    let to = Path::new("nowhere");
    let errors = [
        journal.info().await.unwrap_err(),
        journal.scrub().await.unwrap_err(),
        journal.backup(to).await.unwrap_err(),
    ];
    for (error, operation) in errors.iter().zip(["info", "scrub", "backup"]) {
        assert_eq!(error.code(), codes::NOT_SUPPORTED.name);
        assert_eq!(error.details()["operation"], operation);
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_looks_after_a_store_that_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let (system, disk) = (system().await, Disk::new());
    let journal = RedbOptions::on_disk(&disk).open(&system).await.unwrap();
    journal.close().await.unwrap();
    let to = folder.path().join("copy.redb");
    for error in [
        journal.info().await.unwrap_err(),
        journal.scrub().await.unwrap_err(),
        journal.backup(to).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), codes::STORE_CLOSED.name, "{}", error.report());
    }
    assert_eq!(crate::contents::names_in(folder.path()), Vec::<String>::new());
    system.stop().await.unwrap();
}

/// More rows than one page has.
fn many_parts() -> Append {
    (0..1500_u32)
        .fold(Append::new(), |append, n| append.put(n.to_be_bytes(), Payload::new(1, vec![7; 500])))
}

/// Appends to a stream of its own and folds now and then, until it is told to stop.
async fn keep_writing(journal: Journal, number: u32, stop: Arc<AtomicBool>) {
    let stream = StreamId::new("busy", &number.to_string()).unwrap();
    let mut random = Rng::with_seed(u64::from(number));
    while !stop.load(Ordering::Relaxed) {
        let lease = journal.acquire(stream.shard(journal.shards())).await.unwrap();
        let Ok(mut writer) = journal.open(&lease, &stream).await else { continue };
        let append = crate::model::random_append(&mut random, writer.head());
        // Another one may have taken the shard over.
        if let Ok(permit) = writer.permit(journal::Share::New, 1000).await
            && let Ok(ticket) = writer.append(permit, append)
        {
            drop(ticket.await);
        }
        if random.u8(..8) == 0 {
            journal.fold().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_found_in_a_sound_store_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let system = system().await;
    let journal = options(&path).open(&system).await.unwrap();
    write(&journal).await;
    append(&journal, &StreamId::new("large", "one").unwrap(), vec![many_parts()]).await;
    let stop = Arc::new(AtomicBool::new(false));
    for number in 0..4 {
        let work = keep_writing(journal.clone(), number, Arc::clone(&stop));
        system.executor("writers").execute(work);
    }
    let mut rows = Vec::new();
    for _ in 0..20 {
        let appends = journal.stats().appends;
        let scrubbed = journal.scrub().await.unwrap();
        assert!(scrubbed.is_sound(), "{scrubbed:?}");
        rows.push(scrubbed.tables.iter().map(|table| table.rows).sum::<u64>());
        while journal.stats().appends < appends + 20 {
            tokio::task::yield_now().await;
        }
    }
    assert!(rows[19] > rows[0] + 100, "others write meanwhile: {rows:?}");
    stop.store(true, Ordering::Relaxed);
    journal.close().await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_scrub_reads_every_row_of_every_table() {
    let (system, disk) = (system().await, Disk::new());
    let journal = RedbOptions::on_disk(&disk).open(&system).await.unwrap();
    write(&journal).await;
    append(&journal, &StreamId::new("large", "one").unwrap(), vec![many_parts()]).await;
    journal.fold().await.unwrap();
    let (info, scrubbed) = (journal.info().await.unwrap(), journal.scrub().await.unwrap());
    let read: Vec<_> = scrubbed.tables.iter().map(|table| (table.name, table.rows)).collect();
    assert_eq!(read, info.tables);
    let parts = scrubbed.tables.iter().find(|table| table.name == "parts").unwrap();
    assert!(parts.rows >= 1500 && parts.bytes > 1500 * 500, "{parts:?}");
    system.stop().await.unwrap();
}

#[tokio::test]
async fn a_bit_that_is_another_is_found_in_each_table_and_the_store_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    closed_store(&path).await;
    let image = read_file(&path);
    assert!(scrub(options(&path)).await.is_sound());
    for table in ["streams", "parts", "events", "snapshots", "answers", "signals"] {
        write_file(&path, &image);
        change_value(&path, rows(table), |_, value| flip(value));
        let scrubbed = scrub(options(&path)).await;
        assert_eq!(scrubbed.damages, 1, "{table}: {scrubbed:?}");
        let damaged = &scrubbed.damaged[0];
        assert_eq!(damaged.table, Some(table), "{scrubbed:?}");
        assert!(damaged.key.is_some() && damaged.message.contains("checksum"), "{damaged}");
    }
    for table in ["answers_until", "wakes", "tombstones"] {
        write_file(&path, &image);
        // A row that has a value.
        change_value(&path, rows(table), |_, value| {
            value.push(1);
            true
        });
        let scrubbed = scrub(options(&path)).await;
        assert_eq!(scrubbed.damages, 1, "{table}: {scrubbed:?}");
        assert_eq!(scrubbed.damaged[0].table, Some(table), "{scrubbed:?}");
        // A key that nobody can have written.
        write_file(&path, &image);
        change(&path, |write| {
            let mut table = write.open_table(rows(table)).unwrap();
            table.insert([255; 12].as_slice(), [].as_slice()).unwrap();
        });
        let scrubbed = scrub(options(&path)).await;
        assert_eq!(scrubbed.damages, 1, "{table}: {scrubbed:?}");
    }
    write_file(&path, &image);
    change(&path, |write| {
        write.open_table(META).unwrap().insert("nonsense", b"nonsense".as_slice()).unwrap();
    });
    let scrubbed = scrub(options(&path)).await;
    assert_eq!(scrubbed.damages, 1, "{scrubbed:?}");
    assert_eq!(scrubbed.damaged[0].to_string(), "meta nonsense: a record ends in the middle");
}

#[tokio::test]
async fn a_row_of_another_stream_is_damage_although_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    closed_store(&path).await;
    let image = read_file(&path);
    for table in ["streams", "parts", "events", "snapshots", "answers", "signals"] {
        write_file(&path, &image);
        let mut first: Option<Vec<u8>> = None;
        // The second row gets the value of the first.
        change_value(&path, rows(table), |_, value| match &first {
            None => {
                first = Some(value.clone());
                false
            }
            Some(first) => {
                value.clone_from(first);
                true
            }
        });
        let scrubbed = scrub(options(&path)).await;
        assert_eq!(scrubbed.damages, 1, "{table}: {scrubbed:?}");
        assert!(scrubbed.damaged[0].message.contains("not its own"), "{scrubbed:?}");
    }
}

/// The log is read when a store is opened, so it has to be damaged afterwards.
#[tokio::test]
async fn a_group_of_the_log_that_was_damaged_while_the_store_is_open_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let system = system().await;
    let journal = options(&path).open(&system).await.unwrap();
    let large = StreamId::new("large", "one").unwrap();
    let appends = (0..64).map(|n| Append::new().event(Payload::new(1, vec![n; 100_000])));
    append(&journal, &large, appends.collect()).await;
    journal.fold().await.unwrap();
    assert!(journal.scrub().await.unwrap().is_sound());
    // Far more than the store holds in memory.
    let mut image = read_file(&path);
    let head = [0xa7, b'J', b'D', b'R', 1, 2];
    let places: Vec<_> =
        (0..image.len() - 500).filter(|at| image[*at..].starts_with(&head)).collect();
    assert!(places.len() >= 64, "{} appends are in the file", places.len());
    for at in places {
        image[at + 300] ^= 1;
    }
    write_file(&path, &image);
    let scrubbed = journal.scrub().await.unwrap();
    assert!(scrubbed.damages > 30, "{scrubbed:?}");
    assert!(scrubbed.damaged.iter().all(|damaged| damaged.table == Some("log")));
    append(&journal, &large, vec![Append::new()]).await;
    journal.close().await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_found_and_what_was_made_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("store.redb"), folder.path().join("copy.redb"));
    closed_store(&path).await;
    let sound = Disk::from_image(read_file(&path));
    change_value(&path, rows("parts"), |_, value| flip(value));
    let damaged = Disk::from_image(read_file(&path));
    let telemetry = Telemetry::listen();
    let system = system().await;
    let on_disk = |disk| RedbOptions::on_disk(disk).durability(Durability::Process);
    let journal = on_disk(&damaged).open(&system).await.unwrap();
    assert_eq!(journal.scrub().await.unwrap().damages, 1);
    assert_eq!(
        telemetry.about("journal.damaged"),
        ["ERROR journal.damaged path=a simulated disk table=parts damages=1"]
    );
    journal.backup(&to).await.unwrap_err();
    assert_eq!(telemetry.about("journal.backed_up"), Vec::<String>::new());
    let journal = on_disk(&sound).open(&system).await.unwrap();
    let bytes = journal.backup(&to).await.unwrap().file_bytes;
    let to = to.display();
    assert_eq!(
        telemetry.about("journal.backed_up"),
        [format!("INFO journal.backed_up path=a simulated disk to={to} bytes={bytes}")]
    );
    system.stop().await.unwrap();
    let done = OfflineStore::on_disk(&sound).compact().unwrap();
    let (before, after) = (done.before, done.after);
    assert_eq!(
        telemetry.about("journal.compacted"),
        [format!("INFO journal.compacted path=a simulated disk before={before} after={after}")]
    );
}

/// Whatever is damaged, a scrub comes to an end, says what it is, and nothing panics.
#[test]
fn a_scrub_of_a_store_with_damaged_pages_ends_and_says_so() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    runtime.block_on(closed_store(&path));
    let image = read_file(&path);
    let used: Vec<_> = (4096..image.len()).filter(|at| image[*at] != 0).collect();
    let (mut refused, mut found, mut sound) = (0, 0, 0);
    for_each_seed(NonZeroU32::new(150).unwrap(), |seed| {
        let mut random = Rng::with_seed(seed);
        let mut damaged = image.clone();
        let place = used[random.usize(..used.len())];
        damaged[place] ^= 1 << random.u8(..8);
        write_file(&path, &damaged);
        runtime.block_on(async {
            let system = system().await;
            match options(&path).check_on_open(false).open(&system).await {
                Err(error) => {
                    assert_eq!(error.code(), "store_corrupt", "{}", error.report());
                    refused += 1;
                }
                Ok(journal) => {
                    match journal.scrub().await {
                        Ok(scrubbed) if scrubbed.is_sound() => sound += 1,
                        Ok(_) => found += 1,
                        Err(error) => panic!("{}", error.report()),
                    }
                    // It may come to the damage now, and stop.
                    drop(journal.close().await);
                }
            }
            system.stop().await.unwrap();
        });
    });
    println!("{refused} refused, {found} found, {sound} sound");
    assert!(found > 10, "{refused} refused, {found} found, {sound} sound");
}
