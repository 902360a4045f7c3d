//! A backup is a store of its own, with everything that was acknowledged before it was asked for; or
//! it is not there.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foundation::System;
use journal::testing::Disk;
use journal::{
    Append, Journal, OfflineStore, Payload, RedbOptions, Shard, Share, StreamId, Version, Writer,
    codes,
};

use crate::child::{append_of, stream};
use crate::contents::{
    append, change_value, closed_store, dump, dump_of, flip, names_in, options, read_file, rows,
    write, write_file,
};
use crate::model::Model;

async fn system() -> System {
    System::builder().start().await.unwrap()
}

fn epochs(info: &journal::StoreInfo) -> Vec<u64> {
    info.shards.iter().map(|shard| shard.epoch.get()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_opens_as_the_store_that_it_is_of_under_later_epochs() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("store.redb"), folder.path().join("copy.redb"));
    let system = system().await;
    let journal = options(&path).open(&system).await.unwrap();
    write(&journal).await;
    // What a crash has left there is garbage.
    write_file(&folder.path().join("copy.redb.new"), &vec![7; 100_000]);
    write_file(&folder.path().join("copy.redb.unsynced"), &[]);
    let before = journal.info().await.unwrap();
    let done = journal.backup(&to).await.unwrap();
    assert_eq!(done.path, to);
    assert_eq!(done.file_bytes, read_file(&to).len() as u64);
    assert_eq!(done.rows, before.tables.iter().map(|(_, rows)| rows).sum::<u64>());
    assert_eq!(names_in(folder.path()), ["copy.redb", "store.redb"]);
    let told = dump(&journal).await;
    journal.close().await.unwrap();

    let verified = OfflineStore::at(&to).verify().unwrap();
    assert!(verified.is_sound() && verified.closed, "{verified:?}");
    let copy = options(&to).open(&system).await.unwrap();
    assert_eq!(dump(&copy).await, told);
    let after = copy.info().await.unwrap();
    let later = epochs(&before).iter().map(|epoch| epoch + 1).collect::<Vec<_>>();
    assert_eq!(epochs(&after), later);
    assert_eq!(after.tables, before.tables);
    // It goes on as any store.
    append(&copy, &stream(0), vec![Append::new()]).await;
    copy.fold().await.unwrap();
    assert!(copy.scrub().await.unwrap().is_sound());
    copy.close().await.unwrap();
    system.stop().await.unwrap();
}

/// A stream that is written to as fast as it goes.
struct Busy {
    number: u32,
    writer: Writer,
    acknowledged: Arc<AtomicU64>,
    /// How many appends there are to be.
    until: Arc<AtomicU64>,
}

impl Busy {
    async fn run(mut self) -> foundation::Result<()> {
        while self.acknowledged.load(Ordering::SeqCst) < self.until.load(Ordering::SeqCst) {
            let append = append_of(self.number, self.writer.head().get() + 1);
            let permit = self.writer.permit(Share::New, 1000).await?;
            let done = self.writer.append(permit, append)?.await?;
            self.acknowledged.store(done.version.get(), Ordering::SeqCst);
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_has_what_was_acknowledged_before_and_a_beginning_of_what_was_written_meanwhile() {
    const WRITERS: u32 = 4;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let system = system().await;
    // Folding goes on meanwhile too.
    let journal = options(&path).tail(64 << 10).open(&system).await.unwrap();
    let until = Arc::new(AtomicU64::new(u64::MAX));
    let mut acknowledged = Vec::new();
    let mut leases = Vec::new();
    for shard in 0..journal.shards().get() {
        leases.push(journal.acquire(Shard::new(shard)).await.unwrap());
    }
    let (ended, mut ends) = tokio::sync::mpsc::channel::<()>(1);
    for number in 0..WRITERS {
        let lease = &leases[usize::from(stream(number).shard(journal.shards()).get())];
        let writer = journal.open(lease, &stream(number)).await.unwrap();
        let count = Arc::new(AtomicU64::new(0));
        acknowledged.push(Arc::clone(&count));
        let busy = Busy { number, writer, acknowledged: count, until: Arc::clone(&until) };
        let ended = ended.clone();
        system.executor("writers").execute(async move {
            busy.run().await.unwrap();
            drop(ended);
        });
    }
    drop(ended);
    let mut copies = Vec::new();
    for n in 0..5 {
        let enough = (n + 1) * 40;
        while acknowledged.iter().any(|count| count.load(Ordering::SeqCst) < enough) {
            tokio::task::yield_now().await;
        }
        let before: Vec<_> = acknowledged.iter().map(|it| it.load(Ordering::SeqCst)).collect();
        let to = folder.path().join(format!("copy-{n}.redb"));
        journal.backup(&to).await.unwrap();
        let after: Vec<_> = acknowledged.iter().map(|it| it.load(Ordering::SeqCst)).collect();
        copies.push((to, before, after));
    }
    until.store(0, Ordering::SeqCst);
    assert!(ends.recv().await.is_none());
    journal.close().await.unwrap();
    let mut meanwhile = 0;
    for (to, before, after) in copies {
        assert!(OfflineStore::at(&to).verify().unwrap().is_sound());
        let copy = options(&to).open(&system).await.unwrap();
        let mut model = Model::new(2);
        for (number, (before, after)) in (0..).zip(before.iter().zip(&after)) {
            meanwhile += after - before;
            // One more may be durable and on its way to whoever waits.
            for version in 1..=after + 1 {
                model.send(&stream(number), append_of(number, version));
            }
            for version in 1..=*before {
                model.acknowledge(&stream(number), Version::new(version));
            }
        }
        // Every stream is at a version between the two, is as it was then, and the log has all of it.
        model.verify(&copy).await.unwrap();
        copy.close().await.unwrap();
    }
    assert!(meanwhile > 0, "somebody wrote meanwhile");
    system.stop().await.unwrap();
}

#[tokio::test]
async fn a_backup_is_refused_where_something_is_and_where_nothing_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let (path, text) = (folder.path().join("store.redb"), folder.path().join("notes.txt"));
    write_file(&text, b"Dear diary");
    let system = system().await;
    let journal = options(&path).open(&system).await.unwrap();
    write(&journal).await;
    for to in [&path, &text, folder.path()] {
        let error = journal.backup(to).await.unwrap_err();
        assert_eq!(error.code(), codes::STORE_EXISTS.name, "{}", error.report());
        assert!(error.report().to_string().contains(to.to_str().unwrap()), "{}", error.report());
    }
    for to in [folder.path().join("missing").join("copy.redb"), text.join("copy.redb")] {
        let error = journal.backup(&to).await.unwrap_err();
        assert_eq!(error.code(), "store_refused", "{}", error.report());
        assert!(error.report().to_string().contains(to.to_str().unwrap()), "{}", error.report());
    }
    let error = journal.backup("").await.unwrap_err();
    assert_eq!(error.code(), "store_refused", "{}", error.report());
    assert_eq!(names_in(folder.path()), ["notes.txt", "store.redb"]);
    assert_eq!(read_file(&text), b"Dear diary");
    append(&journal, &stream(0), vec![Append::new()]).await;
    journal.close().await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test]
async fn of_two_backups_to_the_same_path_one_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("store.redb"), folder.path().join("copy.redb"));
    let system = system().await;
    let journal = options(&path).open(&system).await.unwrap();
    write(&journal).await;
    let (a, b) = tokio::join!(journal.backup(&to), journal.backup(&to));
    let (made, refused): (Vec<_>, Vec<_>) = [a, b].into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    for error in refused {
        let code = error.as_ref().unwrap_err().code();
        assert!(["store_locked", "store_exists"].contains(&code), "{error:?}");
    }
    assert!(OfflineStore::at(&to).verify().unwrap().is_sound());
    journal.close().await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test]
async fn a_backup_leaves_the_disk_the_room_that_is_to_be_kept_free() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("store.redb"), folder.path().join("copy.redb"));
    closed_store(&path).await;
    let system = system().await;
    let journal = options(&path).reserve(u64::MAX / 2).open(&system).await.unwrap();
    let error = journal.backup(&to).await.unwrap_err();
    assert_eq!(error.code(), codes::NO_ROOM.name, "{}", error.report());
    assert!(error.is_retryable());
    assert!(error.details()["reserve"].as_u64() >= Some(u64::MAX / 2));
    assert_eq!(error.details()["path"], to.to_str().unwrap());
    assert_eq!(names_in(folder.path()), ["store.redb"], "nothing is left of it");
    journal.close().await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test]
async fn a_store_with_a_damaged_row_is_not_copied_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("store.redb"), folder.path().join("copy.redb"));
    closed_store(&path).await;
    change_value(&path, rows("parts"), |_, value| flip(value));
    let system = system().await;
    let journal = options(&path).open(&system).await.unwrap();
    let error = journal.backup(&to).await.unwrap_err();
    assert_eq!(error.code(), "store_corrupt", "{}", error.report());
    let report = error.report().to_string();
    assert!(report.contains("of parts") && report.contains(path.to_str().unwrap()), "{report}");
    assert_eq!(names_in(folder.path()), ["store.redb"], "nothing is left of it");
    append(&journal, &StreamId::new("other", "one").unwrap(), vec![Append::new()]).await;
    journal.close().await.unwrap();
    system.stop().await.unwrap();
}

/// A store of which a backup takes several steps.
async fn large(journal: &Journal) {
    let appends =
        (0..30).map(|n| Append::new().put(vec![n], Payload::new(1, vec![n; 1 << 20]))).collect();
    append(journal, &StreamId::new("large", "one").unwrap(), appends).await;
    journal.fold().await.unwrap();
}

/// Looks at a future so many times.
async fn look<F: Future>(future: &mut std::pin::Pin<&mut F>, times: u32) -> bool {
    for _ in 0..times {
        let done =
            std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_ready()));
        if done.await {
            return true;
        }
    }
    false
}

#[tokio::test(start_paused = true)]
async fn a_backup_that_is_given_up_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("copy.redb");
    let (system, disk) = (system().await, Disk::new());
    let journal = RedbOptions::on_disk(&disk).open(&system).await.unwrap();
    large(&journal).await;
    let mut looks = 0;
    loop {
        looks += 1;
        {
            let mut backup = pin!(journal.backup(&to));
            if look(&mut backup, looks).await {
                break;
            }
            assert_eq!(names_in(folder.path()), ["copy.redb.new"], "it is being made");
            // Somebody else goes on meanwhile.
            let part = Append::new().put("a", Payload::new(1, *b"b"));
            append(&journal, &stream(0), vec![part]).await;
        }
        assert_eq!(names_in(folder.path()), Vec::<String>::new(), "after {looks} looks");
    }
    assert!(looks > 8, "{looks} steps");
    assert_eq!(names_in(folder.path()), ["copy.redb"]);
    assert!(OfflineStore::at(&to).verify().unwrap().is_sound());
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_given_up_or_closed_on_threads_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("store.redb"), folder.path().join("copy.redb"));
    let system = system().await;
    let journal = options(&path).open(&system).await.unwrap();
    large(&journal).await;
    {
        let mut backup = pin!(journal.backup(&to));
        assert!(!look(&mut backup, 1).await);
    }
    // Another one is made behind it, whatever is left of the first then.
    let done = loop {
        match journal.backup(&to).await {
            Err(error) if error.code() == codes::STORE_LOCKED.name => {
                tokio::task::yield_now().await;
            }
            done => break done,
        }
    };
    assert!(done.unwrap().rows > 30);
    let other = folder.path().join("other.redb");
    let (stopped, closed) = tokio::join!(journal.backup(&other), async {
        while !names_in(folder.path()).contains(&"other.redb.new".to_owned()) {
            tokio::task::yield_now().await;
        }
        journal.close().await
    });
    closed.unwrap();
    if let Err(error) = stopped {
        assert_eq!(error.code(), codes::STORE_CLOSED.name, "{}", error.report());
        assert_eq!(names_in(folder.path()), ["copy.redb", "store.redb"]);
    }
    // Nobody has the store any more.
    assert_eq!(dump_of(options(&path)).await, dump_of(options(&to)).await);
    system.stop().await.unwrap();
}

/// A backup of a store on a simulated disk is a file as any other.
#[tokio::test(start_paused = true)]
async fn a_store_on_a_simulated_disk_is_copied_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("copy.redb");
    let (system, disk) = (system().await, Disk::new());
    let journal = RedbOptions::on_disk(&disk).open(&system).await.unwrap();
    write(&journal).await;
    journal.backup(&to).await.unwrap();
    let told = dump(&journal).await;
    system.stop().await.unwrap();
    let image = read_file(&to);
    let copy = Disk::from_image(image);
    assert_eq!(dump_of(RedbOptions::on_disk(&copy)).await, told);
}
