//! Orders of things in the redb engine that are rare: what is queued when somebody else comes.

use std::cell::Cell;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Wake as TaskWake;
use std::time::Duration;

use foundation::{Clock, System};
use jiff::Timestamp;
use journal::testing::Disk;
use journal::{
    Answer, Append, BlobId, Journal, Lease, Load, Payload, Position, Pressure, RedbOptions,
    Retention, Shard, Share, Signal, StreamId, Ticket, Version, Wake, Writer, codes,
};
use testkit::eventually;

/// A clock that stands until it is set, in seconds.
#[derive(Debug, Clone, Default)]
struct Standing(Arc<AtomicI64>);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

struct Fixture {
    system: System,
    clock: Standing,
    disk: Disk,
}

impl Fixture {
    async fn new() -> Self {
        let clock = Standing::default();
        let system = System::builder().clock(clock.clone()).start().await.unwrap();
        Self { system, clock, disk: Disk::new() }
    }

    async fn open(&self, options: impl FnOnce(RedbOptions) -> RedbOptions) -> (Journal, Lease) {
        let journal = options(RedbOptions::on_disk(&self.disk)).open(&self.system).await.unwrap();
        let lease = journal.acquire(Shard::new(0)).await.unwrap();
        (journal, lease)
    }
}

fn stream(id: &str) -> StreamId {
    StreamId::new("stream", id).unwrap()
}

async fn queue(writer: &mut Writer, append: Append) -> Ticket {
    let permit = writer.permit(Share::New, 0).await.unwrap();
    writer.append(permit, append).unwrap()
}

fn answer(key: &str, fingerprint: u128) -> Append {
    let (key, until, payload) = (key.to_owned(), Timestamp::MAX, Payload::default());
    Append::new().answer(Answer { key, fingerprint, until, payload })
}

fn signal(size: usize) -> Append {
    let payload = Payload::new(1, vec![7; size]);
    Append::new().signal(Signal { class: 0, routing: "r".to_owned(), payload })
}

/// Symptom: a stream lacked a version, and the store could not be folded or opened any more.
/// Mechanism: an append was refused as its group was made; the stream was opened again before the
/// group that had the next append of the same writer, and opening it forgot the refusal, so that
/// append was accepted. Fix: the refusal is kept until nothing of that writer is on its way.
#[tokio::test(start_paused = true)]
async fn appends_behind_a_refused_one_are_refused_although_the_stream_is_opened_meanwhile() {
    let fixture = Fixture::new().await;
    // A group has 8,192 items at most.
    let pressure = Pressure { appends: 20_000, writer_appends: 20_000, ..Pressure::default() };
    let (journal, lease) = fixture.open(|options| options.pressure(pressure)).await;
    let mut first = journal.open(&lease, &stream("a")).await.unwrap();
    let mut other = journal.open(&lease, &stream("b")).await.unwrap();
    queue(&mut first, answer("key", 1)).await.await.unwrap();
    let permits = [first.permit(Share::New, 0).await, first.permit(Share::New, 0).await];
    let [one, two] = permits.map(Result::unwrap);
    let mut between = Vec::new();
    for _ in 0..9000 {
        between.push(other.permit(Share::New, 0).await.unwrap());
    }
    // At once, so that the loop does not take some of them before.
    let refused = first.append(one, answer("key", 2)).unwrap();
    for permit in between {
        drop(other.append(permit, Append::new()).unwrap());
    }
    let behind = first.append(two, Append::new()).unwrap();
    assert_eq!(refused.await.unwrap_err().code(), codes::KEY_REUSED.name);
    let mut second = journal.open(&lease, &stream("a")).await.unwrap();
    assert_eq!(behind.await.unwrap_err().code(), codes::WRITER_FENCED.name);
    assert_eq!(second.head(), Version::new(1));
    queue(&mut second, Append::new()).await.await.unwrap();
    journal.fold().await.unwrap();
    assert_eq!(journal.load(&stream("a"), Load::all()).await.unwrap().version, Version::new(2));
}

/// Symptom: all signals were dropped although none had passed its retention. Mechanism: a pass of
/// retention in the same commit as a fold wrote how many bytes of signals there are without those
/// that the fold had added; after reopening, dropping them went below 0, which is a great deal.
/// Fix: the pass counts what is folded beside it.
#[tokio::test(start_paused = true)]
async fn bytes_of_signals_are_counted_when_retention_goes_along_with_a_fold() {
    let fixture = Fixture::new().await;
    let retention = Retention { signals_for: Duration::from_secs(100), ..Retention::default() };
    let options = |options: RedbOptions| options.retention(retention).tail(64 << 10).slice(1);
    let (journal, lease) = fixture.open(options).await;
    let mut writer = journal.open(&lease, &stream("a")).await.unwrap();
    queue(&mut writer, signal(1000)).await.await.unwrap();
    journal.fold().await.unwrap();
    let one = journal.stats().signal_bytes;
    // The first one is too old, and there is always enough that the next fold begins at once.
    fixture.clock.0.store(200, Ordering::Relaxed);
    for _ in 0..30 {
        queue(&mut writer, signal(1000)).await.await.unwrap();
    }
    let done = Cell::new(false);
    let retain = async {
        let retained = journal.retain().await;
        done.set(true);
        retained
    };
    let append = async {
        while !done.get() {
            drop(queue(&mut writer, signal(1000)).await);
            tokio::task::yield_now().await;
        }
    };
    let (retained, ()) = tokio::join!(biased; retain, append);
    assert_eq!(retained.unwrap().signals, 1);
    // Before anything else is written.
    fixture.disk.cut_power(&mut |_| 0);
    let (journal, _) = fixture.open(options).await;
    journal.fold().await.unwrap();
    let held = journal.stats().signal_bytes;
    fixture.clock.0.store(400, Ordering::Relaxed);
    let retained = journal.retain().await.unwrap();
    assert_eq!(held, retained.signals * one);
}

/// Symptom: whoever drops until there is no more left some. Mechanism: the bound is one of each
/// shard, and the sum was compared with it. Fix: so much or more.
#[tokio::test(start_paused = true)]
async fn retention_says_that_there_is_more_when_several_shards_have_more() {
    let fixture = Fixture::new().await;
    let retention = Retention { signals_for: Duration::from_secs(100), ..Retention::default() };
    let shards = NonZeroU16::new(2).unwrap();
    let (journal, _) = fixture.open(|it| it.retention(retention).shards(shards)).await;
    for shard in (0..2).map(Shard::new) {
        let mut ids = (0..).map(|n| stream(&format!("{n}")));
        let of_shard = ids.find(|stream| stream.shard(shards) == shard).unwrap();
        let lease = journal.acquire(shard).await.unwrap();
        let mut writer = journal.open(&lease, &of_shard).await.unwrap();
        let signal = Signal { class: 0, routing: String::new(), payload: Payload::default() };
        let append = (0..2500).fold(Append::new(), |append, _| append.signal(signal.clone()));
        queue(&mut writer, append).await.await.unwrap();
    }
    fixture.clock.0.store(200, Ordering::Relaxed);
    let mut dropped = 0;
    loop {
        let retained = journal.retain().await.unwrap();
        dropped += retained.signals;
        if !retained.more {
            break;
        }
    }
    assert_eq!(dropped, 5000);
}

/// Symptom: a name whose tombstone had passed its retention was refused once more. Mechanism: the
/// writer that deleted it was still there, and what it had left was believed. Fix: when it is
/// folded, the rows say whether the name is free.
#[tokio::test(start_paused = true)]
async fn the_name_of_a_deleted_stream_is_free_although_its_last_writer_is_still_there() {
    let fixture = Fixture::new().await;
    let retention = Retention { tombstones_for: Duration::from_secs(100), ..Retention::default() };
    let (journal, lease) = fixture.open(|options| options.retention(retention)).await;
    let mut first = journal.open(&lease, &stream("a")).await.unwrap();
    queue(&mut first, Append::new().event(Payload::default())).await.await.unwrap();
    queue(&mut first, Append::tombstone()).await.await.unwrap();
    fixture.clock.0.store(200, Ordering::Relaxed);
    assert_eq!(journal.retain().await.unwrap().tombstones, 1);
    let second = journal.open(&lease, &stream("a")).await.unwrap();
    assert_eq!(second.head(), Version::NONE);
}

/// Symptom: an owner that had lost its shard without knowing took the streams away from the next
/// one. Mechanism: the writer before was fenced first, and the lease looked at afterwards.
#[tokio::test(start_paused = true)]
async fn a_lost_lease_fences_nobody() {
    let fixture = Fixture::new().await;
    let (journal, old) = fixture.open(|options| options).await;
    let lease = journal.acquire(Shard::new(0)).await.unwrap();
    let mut writer = journal.open(&lease, &stream("a")).await.unwrap();
    let refused = journal.open(&old, &stream("a")).await.unwrap_err();
    assert_eq!(refused.code(), codes::LEASE_LOST.name);
    queue(&mut writer, Append::new()).await.await.unwrap();
}

/// Symptom: a reader of the log saw an append of the lease before after its own was granted.
/// Mechanism: two took the shard over at a time; the first was granted its lease, and appended,
/// before the second had ended it. Fix: the second waits for what was appended meanwhile.
#[tokio::test(start_paused = true)]
async fn nothing_of_the_lease_before_becomes_durable_when_two_take_it_over_at_a_time() {
    let fixture = Fixture::new().await;
    let (journal, _) = fixture.open(|options| options).await;
    let first = async {
        let lease = journal.acquire(Shard::new(0)).await.unwrap();
        let mut writer = journal.open(&lease, &stream("a")).await.ok()?;
        let permit = writer.permit(Share::New, 0).await.unwrap();
        writer.append(permit, Append::new()).ok()
    };
    let second = async {
        let lease = journal.acquire(Shard::new(0)).await.unwrap();
        (lease, journal.end(Shard::new(0)).unwrap())
    };
    let (ticket, (lease, end)) = tokio::join!(biased; first, second);
    assert!(!lease.is_lost());
    if let Some(ticket) = ticket {
        let _answered = ticket.await;
    }
    assert_eq!(journal.end(Shard::new(0)).unwrap(), end);
    assert_ne!(end, Position::start(Shard::new(0)), "the first one has appended");
}

/// Tells when a future could go on.
struct Told(std::sync::mpsc::SyncSender<()>);

impl TaskWake for Told {
    fn wake(self: Arc<Self>) {
        let _ = self.0.try_send(());
    }
}

/// Symptom: a store whose opening was given up stayed locked, and its system did not stop.
/// Mechanism: the thread had opened it and handed it over, and nobody took it. Fix: what is not
/// taken closes the store as it is dropped.
#[tokio::test]
async fn a_store_whose_opening_is_given_up_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let system = System::builder().start().await.unwrap();
    let options = RedbOptions::new(&path);
    {
        let mut opening = std::pin::pin!(options.open(&system));
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let waker = Arc::new(Told(sender)).into();
        let mut cx = std::task::Context::from_waker(&waker);
        if opening.as_mut().poll(&mut cx).is_pending() {
            // It is opened, and dropped before it is looked at again.
            receiver.recv().unwrap();
        }
    }
    let journal = eventually(|| {
        let threads = system.census().threads;
        if threads.values().sum::<usize>() == 0 { Ok(()) } else { Err(format!("{threads:?}")) }
    });
    journal.await;
    options.open(&system).await.unwrap().close().await.unwrap();
    system.stop().await.unwrap();
}

/// Symptom: an answer that is kept for ever made the store corrupt, for good. Mechanism: times of
/// the last second there is were written, and refused when they were read. Fix: they are read.
#[tokio::test(start_paused = true)]
async fn the_latest_times_there_are_can_be_read_again() {
    let fixture = Fixture::new().await;
    let (journal, lease) = fixture.open(|options| options).await;
    let mut writer = journal.open(&lease, &stream("a")).await.unwrap();
    let latest = Timestamp::MAX;
    queue(&mut writer, answer("key", 1).wake(Wake::At(latest))).await.await.unwrap();
    journal.fold().await.unwrap();
    journal.close().await.unwrap();
    let (journal, _) = fixture.open(|options| options).await;
    let found = journal.answer(&stream("a"), "key", 1).await.unwrap();
    assert_eq!(found, Some(Payload::default()));
    let due = journal.due(Shard::new(0), latest, None, 10).await.unwrap();
    assert_eq!(due.len(), 1);
}

async fn blob(journal: &Journal, lease: &Lease, length: usize) -> BlobId {
    let mut blob = journal.new_blob(lease);
    blob.write(&vec![7; length]).await.unwrap();
    blob.finish().await.unwrap()
}

/// Nothing is kept that nobody holds.
fn forgetful() -> Retention {
    Retention { blobs_for: Duration::ZERO, ..Retention::default() }
}

/// A hold that comes while everything before it is folded to be collected is not folded itself, and
/// is known all the same.
#[tokio::test(start_paused = true)]
async fn a_blob_that_is_held_while_others_are_collected_stays() {
    let fixture = Fixture::new().await;
    let (journal, lease) = fixture.open(|options| options.retention(forgetful()).slice(1)).await;
    // So much that folding it takes many commits.
    for number in 0..50 {
        let mut writer = journal.open(&lease, &stream(&format!("s{number}"))).await.unwrap();
        queue(&mut writer, Append::new().event(Payload::default())).await.await.unwrap();
    }
    let mut held = Vec::new();
    for _ in 0..60 {
        held.push(blob(&journal, &lease, 10).await);
    }
    let loose = blob(&journal, &lease, 10).await;
    fixture.clock.0.store(1, Ordering::Relaxed);
    let mut holder = journal.open(&lease, &stream("holder")).await.unwrap();
    let holding = async {
        // Before what is folded now, and behind it, and while it is collected.
        for blob in &held {
            let ticket = queue(&mut holder, Append::new().hold(*blob)).await;
            if ticket.await.is_err() {
                // It came too late, and the writer is fenced.
                holder = journal.open(&lease, &stream("holder")).await.unwrap();
            }
        }
    };
    let (retained, ()) = tokio::join!(journal.retain(), holding);
    assert!(retained.unwrap().blobs > 0);
    while journal.retain().await.unwrap().more {}
    assert!(journal.read_blob(loose).await.is_err());
    let held = journal.holds(&stream("holder"), None, 100).await.unwrap();
    assert!(!held.is_empty());
    for blob in held {
        assert!(journal.read_blob(blob).await.is_ok(), "what is held is there");
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_blob_goes_in_several_passes_and_is_not_there_in_between() {
    let fixture = Fixture::new().await;
    let (journal, lease) = fixture.open(|options| options.retention(forgetful())).await;
    let large = blob(&journal, &lease, 20 << 20).await;
    let chunks = async || {
        let info = journal.info().await.unwrap();
        info.tables.iter().find(|(table, _)| *table == "chunks").unwrap().1
    };
    let all = chunks().await;
    fixture.clock.0.store(1, Ordering::Relaxed);
    let retained = journal.retain().await.unwrap();
    assert_eq!((retained.blobs, retained.more), (0, true));
    let left = chunks().await;
    assert!(0 < left && left < all, "{left} of {all} chunks are left");
    let gone = journal.read_blob(large).await.unwrap_err();
    assert_eq!(gone.code(), codes::BLOB_NOT_FOUND.name);
    let mut writer = journal.open(&lease, &stream("a")).await.unwrap();
    let refused = queue(&mut writer, Append::new().hold(large)).await.await.unwrap_err();
    assert_eq!(refused.code(), codes::BLOB_NOT_FOUND.name);
    let mut blobs = 0;
    loop {
        let retained = journal.retain().await.unwrap();
        blobs += retained.blobs;
        if !retained.more {
            break;
        }
    }
    assert_eq!((blobs, chunks().await), (1, 0));
}

/// A stream that never held a blob does not keep it.
#[tokio::test(start_paused = true)]
async fn who_releases_what_it_does_not_hold_keeps_nothing() {
    let fixture = Fixture::new().await;
    let retention = Retention { blobs_for: Duration::from_secs(100), ..Retention::default() };
    let (journal, lease) = fixture.open(|options| options.retention(retention)).await;
    let loose = blob(&journal, &lease, 10).await;
    fixture.clock.0.store(99, Ordering::Relaxed);
    let mut writer = journal.open(&lease, &stream("a")).await.unwrap();
    queue(&mut writer, Append::new().release(loose)).await.await.unwrap();
    assert_eq!(journal.retain().await.unwrap().blobs, 0);
    fixture.clock.0.store(101, Ordering::Relaxed);
    assert_eq!(journal.retain().await.unwrap().blobs, 1);
}
