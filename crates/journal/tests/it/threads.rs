//! A journal on a real file, used from several threads at a time.
//!
//! What is looked for are orders that one thread never has: an entry that is forgotten while
//! somebody takes it, locks that are taken in two orders, a wake-up that is lost.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use fastrand::Rng;
use foundation::{Error, System};
use jiff::Timestamp;
use journal::{
    Answer, Append, Durability, Journal, Lease, Load, Payload, Position, RedbOptions, Retention,
    Shard, Share, Signal, StreamId, Wake, Writer, codes, is_refused,
};
use tokio::runtime::{Builder, Runtime};

const SHARD: Shard = Shard::new(0);
/// Tasks that write, each to streams of its own and to one that all of them have.
const WRITERS: u64 = 5;
/// What each of them does.
const ROUNDS: u64 = 150;
/// Longer than any of this takes, unless it hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// What all tasks have.
#[derive(Clone)]
struct Shared {
    journal: Journal,
    /// Appends that were acknowledged, by stream.
    acknowledged: Arc<BTreeMap<StreamId, AtomicU64>>,
    /// How many tasks still write.
    writing: Arc<AtomicU64>,
}

fn own(task: u64, number: u64) -> StreamId {
    StreamId::new("stream", &format!("{task}.{number}")).unwrap()
}

fn common() -> StreamId {
    StreamId::new("stream", "common").unwrap()
}

fn options(path: &Path) -> RedbOptions {
    let retention = Retention { log_bytes: u64::MAX, ..Retention::default() };
    // Syncing would take nearly all of the time.
    let options = RedbOptions::new(path).durability(Durability::Process).retention(retention);
    options.tail(64 << 10).slice(2).cache(1 << 20)
}

/// Runs `tasks` on two threads, and fails when one of them does not end.
fn together(runtime: Runtime, system: &System, tasks: Vec<Task>) -> Runtime {
    let (sender, receiver) = sync_channel(tasks.len());
    let count = tasks.len();
    for task in tasks {
        let sender: SyncSender<()> = sender.clone();
        let _on = runtime.enter();
        system.executor("tasks").execute(async move {
            task.await;
            sender.send(()).unwrap();
        });
    }
    drop(sender);
    for ended in 0..count {
        if let Err(error) = receiver.recv_timeout(PATIENCE) {
            // Its threads may hang, and would be waited for.
            std::mem::forget(runtime);
            panic!("{ended} of {count} tasks have ended: {error}");
        }
    }
    runtime
}

type Task = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl Shared {
    /// Opens a stream, under a lease of its own if there is none that holds.
    async fn open(&self, lease: &mut Lease, stream: &StreamId) -> Option<Writer> {
        match self.journal.open(lease, stream).await {
            Ok(writer) => Some(writer),
            Err(error) => {
                assert!(is_refused(&error), "{}", error.report());
                if error.code() == codes::LEASE_LOST.name {
                    *lease = self.journal.acquire(SHARD).await.unwrap();
                }
                None
            }
        }
    }

    /// Appends up to three times, and waits for all of them.
    async fn append(&self, writer: &mut Writer, random: &mut Rng) -> Result<(), Error> {
        let mut tickets = Vec::new();
        let mut refused = Ok(());
        for _ in 0..random.u32(1..4) {
            let permit = writer.permit(Share::New, 500).await?;
            match writer.append(permit, random_append(random)) {
                Ok(ticket) => tickets.push(ticket),
                Err(error) => refused = Err(error),
            }
        }
        for ticket in tickets {
            match ticket.await {
                Ok(_) => drop(self.acknowledged[writer.stream()].fetch_add(1, Ordering::SeqCst)),
                Err(error) => refused = Err(error),
            }
        }
        refused
    }

    async fn write(self, task: u64) {
        let mut random = Rng::with_seed(task);
        let mut lease = self.journal.acquire(SHARD).await.unwrap();
        for round in 0..ROUNDS {
            if round % 16 == task {
                lease = self.journal.acquire(SHARD).await.unwrap();
            }
            let is_common = random.u8(..4) == 0;
            let stream = if is_common { common() } else { own(task, random.u64(..3)) };
            let Some(mut writer) = self.open(&mut lease, &stream).await else { continue };
            let acknowledged = self.acknowledged[&stream].load(Ordering::SeqCst);
            if !is_common {
                assert_eq!(writer.head().get(), acknowledged, "the head of {stream}");
            }
            if let Err(error) = self.append(&mut writer, &mut random).await {
                assert!(is_refused(&error), "{}", error.report());
            }
            drop(writer);
            let acknowledged = self.acknowledged[&stream].load(Ordering::SeqCst);
            let loaded = self.journal.load(&stream, Load::all()).await.unwrap();
            assert!(loaded.version.get() >= acknowledged, "{stream} is behind");
            if !is_common {
                assert_eq!(loaded.version.get(), acknowledged, "{stream}");
            }
        }
        self.writing.fetch_sub(1, Ordering::SeqCst);
    }

    fn is_over(&self) -> bool {
        self.writing.load(Ordering::SeqCst) == 0
    }

    async fn keep_house(self) {
        while !self.is_over() {
            self.journal.fold().await.unwrap();
            self.journal.retain().await.unwrap();
        }
    }

    async fn list(self) {
        while !self.is_over() {
            let listed = self.journal.streams("stream", None, 5).await.unwrap();
            assert!(listed.is_sorted_by_key(|info| &info.stream));
            self.journal.due(SHARD, Timestamp::MAX, None, 5).await.unwrap();
            let stats = self.journal.stats();
            assert!(stats.writers <= usize::try_from(WRITERS).unwrap());
            assert_eq!(stats.unknown, 0);
        }
    }

    /// Reads the log beside those who append.
    async fn follow(self) {
        let mut versions = BTreeMap::new();
        let mut reader = self.journal.log(Position::start(SHARD)).unwrap();
        loop {
            // What is at the end when nobody writes is all that there will be.
            let (over, end) = (self.is_over(), self.journal.end(SHARD).unwrap());
            while end.is_after(reader.position()) {
                let entry = reader.next().await.unwrap();
                let version = versions.entry(entry.stream).or_insert(0);
                *version += 1;
                assert_eq!(entry.version.get(), *version);
                let signals = entry.changes.iter();
                let signals = signals.filter(|it| matches!(it, journal::Change::Signal(_)));
                let more = u64::try_from(signals.count()).unwrap().saturating_sub(1);
                let last = Position::new(SHARD, entry.position.number() + more);
                if !end.is_after(last) {
                    break;
                }
            }
            if over {
                break;
            }
            tokio::task::yield_now().await;
        }
        let acknowledged = self.acknowledged.iter();
        let acknowledged = acknowledged.map(|(stream, n)| (stream, n.load(Ordering::SeqCst)));
        let acknowledged = acknowledged.filter(|(_, number)| *number > 0);
        assert!(acknowledged.eq(versions.iter().map(|(stream, n)| (stream, *n))), "{versions:?}");
    }
}

fn random_append(random: &mut Rng) -> Append {
    let payload = Payload::new(1, vec![7; random.usize(..2000)]);
    match random.u32(..6) {
        0 => Append::new().event(payload),
        1 => Append::new().signal(Signal { class: 0, routing: String::new(), payload }),
        2 => Append::new().wake(Wake::Now).put(*b"a", payload),
        3 => {
            // Some are answered already: the writer is fenced.
            let (key, until) = (random.u16(..200).to_string(), Timestamp::MAX);
            Append::new().answer(Answer { key, fingerprint: 1, until, payload })
        }
        _ => Append::new().put([random.u8(..8)], payload),
    }
}

fn threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn what_several_threads_do_at_a_time_is_done_in_some_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let runtime = threads();
    let (system, journal) = runtime.block_on(async {
        let system = System::builder().start().await.unwrap();
        let journal = options(&path).open(&system).await.unwrap();
        (system, journal)
    });
    let mut streams: Vec<_> =
        (0..WRITERS).flat_map(|task| (0..3).map(move |n| own(task, n))).collect();
    streams.push(common());
    let acknowledged = streams.into_iter().map(|stream| (stream, AtomicU64::new(0)));
    let shared = Shared {
        journal,
        acknowledged: Arc::new(acknowledged.collect()),
        writing: Arc::new(AtomicU64::new(WRITERS)),
    };
    let mut tasks: Vec<Task> = Vec::new();
    for task in 0..WRITERS {
        tasks.push(Box::pin(shared.clone().write(task)));
    }
    tasks.push(Box::pin(shared.clone().keep_house()));
    tasks.push(Box::pin(shared.clone().list()));
    tasks.push(Box::pin(shared.clone().follow()));
    let runtime = together(runtime, &system, tasks);
    runtime.block_on(async {
        shared.journal.fold().await.unwrap();
        let stats = shared.journal.stats();
        assert_eq!((stats.writers, stats.tail, stats.queued), (0, 0, 0), "{stats:?}");
        shared.journal.close().await.unwrap();
        let journal = options(&path).open(&system).await.unwrap();
        for (stream, acknowledged) in &*shared.acknowledged {
            let loaded = journal.load(stream, Load::all()).await.unwrap();
            assert_eq!(loaded.version.get(), acknowledged.load(Ordering::SeqCst), "{stream}");
        }
        journal.close().await.unwrap();
        system.stop().await.unwrap();
    });
}

/// Symptom: the journal hung, and everybody with it. Mechanism: whoever took a shard over locked the
/// queue, then the lease, and in the end the lease, then the queue. Fix: the queue first, always.
#[test]
fn a_shard_is_taken_over_by_several_threads_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let runtime = threads();
    let (system, journal) = runtime.block_on(async {
        let system = System::builder().start().await.unwrap();
        let journal = options(&path).open(&system).await.unwrap();
        (system, journal)
    });
    let taken = |journal: Journal| async move {
        let mut epoch = 0;
        for _ in 0..1500 {
            let lease = journal.acquire(SHARD).await.unwrap();
            assert!(lease.epoch().get() > epoch, "epochs rise");
            epoch = lease.epoch().get();
        }
    };
    let tasks = (0..4).map(|_| -> Task { Box::pin(taken(journal.clone())) }).collect();
    together(runtime, &system, tasks).block_on(async {
        journal.close().await.unwrap();
        system.stop().await.unwrap();
    });
}
