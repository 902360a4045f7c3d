//! What is held in memory stays within its bounds, however much passes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use foundation::System;
use jiff::{Span, Timestamp};
use journal::{
    Answer, Append, Durability, Journal, Lease, Limits, Load, Payload, Pressure, RedbOptions,
    Retention, Shard, Share, StreamId, Wake, Writer,
};

/// Those who append at a time.
const CALLERS: u64 = 64;
/// Of them, those who keep one stream for all the time. The others take a new one again and again.
const FAITHFUL: u64 = 32;
/// Appends to a stream before another one is taken.
const VISIT: u64 = 10;
/// Appends of all of them. The log that they make is over a hundred times its bound.
const APPENDS: u64 = 150_000;
/// After how many appends it is looked again: a fraction of what the tail holds.
const STEP: u64 = 100;
/// Bytes of a payload. A record is no smaller, which bounds how many fit into the tail.
const PAYLOAD: usize = 120;

const TAIL: u64 = 128 << 10;
const LIMIT: usize = 16 << 10;
/// What the tail can have more than its bound: a group, which was queued while the last of the room
/// was taken. Both shares of what is on its way.
const GROUP: u64 = 2 * (64 << 10);

/// Resident memory may grow by so much from a tenth of the appends to all of them: a megabyte of
/// cache, the tail, what the allocator keeps. It is thirty bytes for each append meanwhile, and an
/// answer that is never forgotten takes over a hundred.
const GROWTH: u64 = 4 << 20;

fn options(folder: &tempfile::TempDir) -> RedbOptions {
    let limits = Limits { append: LIMIT, payload: LIMIT / 2, ..Limits::default() };
    let bytes = 64 << 10;
    let pressure = Pressure { bytes, writer_bytes: bytes, ..Pressure::default() };
    let retention = Retention { log_bytes: 256 << 10, ..Retention::default() };
    RedbOptions::new(folder.path().join("store.redb"))
        // Nothing here is about a power cut, and syncs would take most of the time.
        .durability(Durability::Process)
        .cache(1 << 20)
        .tail(TAIL)
        .reserve(0)
        .limits(limits)
        .pressure(pressure)
        .retention(retention)
}

fn stream(caller: u64, visit: u64) -> StreamId {
    StreamId::new("account", &format!("{caller}.{visit}")).unwrap()
}

/// One of everything that is kept until it is folded.
fn everything(number: u64, until: Timestamp) -> Append {
    let payload = || Payload::new(1, vec![7; PAYLOAD]);
    let (key, nothing) = (format!("{number:064}"), Payload::default());
    let answer = Answer { key, fingerprint: 1, until, payload: nothing };
    Append::new().put("state", payload()).wake(Wake::At(until)).answer(answer)
}

async fn append(writer: &mut Writer, number: u64, until: Timestamp) {
    let permit = writer.permit(Share::New, 200).await.unwrap();
    writer.append(permit, everything(number, until)).unwrap().await.unwrap();
}

/// Appends until it is the caller's share; gives what it has appended to its last stream.
async fn call(
    (journal, lease): (Journal, Lease),
    caller: u64,
    made: Arc<AtomicU64>,
) -> (StreamId, u64) {
    let until = Timestamp::UNIX_EPOCH + Span::new().hours(1);
    let (mut at, mut version) = (stream(caller, 0), 0);
    let mut writer = journal.open(&lease, &at).await.unwrap();
    for number in 0..APPENDS / CALLERS {
        if caller >= FAITHFUL && version == VISIT {
            at = stream(caller, number);
            drop(writer);
            writer = journal.open(&lease, &at).await.unwrap();
            version = 0;
        }
        append(&mut writer, number, until).await;
        version += 1;
        made.fetch_add(1, Ordering::SeqCst);
    }
    (at, version)
}

/// What was held at most while it was watched.
#[derive(Debug, Default)]
struct Most {
    tail_bytes: u64,
    streams: usize,
    queued: usize,
    log_bytes: u64,
    looks: u64,
}

/// Looks again and again until nobody appends any more. Gives resident memory at a tenth, too.
async fn watch(journal: &Journal, made: &AtomicU64, ended: &AtomicBool) -> (Most, Option<u64>) {
    let (mut most, mut early) = (Most::default(), None);
    let mut next = 0;
    while !ended.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
        // Each look goes through every stream that is held.
        let now = made.load(Ordering::SeqCst);
        if now < next {
            continue;
        }
        next = now + STEP;
        let stats = journal.stats();
        most.tail_bytes = most.tail_bytes.max(stats.tail_bytes);
        most.streams = most.streams.max(stats.streams);
        most.queued = most.queued.max(stats.queued);
        most.log_bytes = most.log_bytes.max(stats.log_bytes);
        most.looks += 1;
        if early.is_none() && now >= APPENDS / 10 {
            early = resident();
        }
    }
    (most, early)
}

/// Resident memory of this process, in bytes; none where the kernel does not tell it.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, where the kernel tells it")]
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}

/// The story: memory is what a log runs out of after days, and no test of a minute sees it. So the
/// bounds are small here, and far more passes than they hold: streams that are left, answers and
/// wakes that are replaced, groups that are folded.
#[tokio::test]
async fn what_is_held_does_not_grow_with_what_passes() {
    let (system, folder) = (System::builder().start().await.unwrap(), tempfile::tempdir().unwrap());
    let journal = options(&folder).open(&system).await.unwrap();
    let lease = journal.acquire(Shard::new(0)).await.unwrap();
    let (made, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (last, mut lasts) = tokio::sync::mpsc::channel(usize::try_from(CALLERS).unwrap());
    for caller in 0..CALLERS {
        let (shared, made) = ((journal.clone(), lease.clone()), Arc::clone(&made));
        let last = last.clone();
        system.executor("callers").execute(async move {
            last.send(call(shared, caller, made).await).await.unwrap();
        });
    }
    drop(last);
    let collect = async {
        let mut found = BTreeMap::new();
        while let Some((stream, version)) = lasts.recv().await {
            found.insert(stream, version);
        }
        ended.store(true, Ordering::SeqCst);
        found
    };
    let ((most, early), lasts) = tokio::join!(watch(&journal, &made, &ended), collect);
    let late = resident();

    let all = made.load(Ordering::SeqCst);
    assert_eq!(all, APPENDS / CALLERS * CALLERS, "every caller has done its share");
    let stats = journal.stats();
    assert_eq!(stats.appends, all);
    let passed = u64::try_from(PAYLOAD).unwrap() * all;
    assert!(passed > 100 * TAIL, "{passed} bytes are not many times the tail");
    assert!(most.looks > 100, "{most:?}");
    assert!(most.tail_bytes <= TAIL + GROUP, "{most:?}");
    assert!(most.log_bytes <= 8 * TAIL, "{most:?}");
    assert!(most.queued <= usize::try_from(CALLERS).unwrap(), "{most:?}");
    // Those with a writer, and those with a record in the tail.
    let in_tail = usize::try_from(TAIL + GROUP).unwrap() / PAYLOAD;
    assert!(most.streams <= usize::try_from(CALLERS).unwrap() + in_tail, "{most:?}");
    if let (Some(early), Some(late)) = (early, late) {
        let grown = late.saturating_sub(early);
        assert!(grown <= GROWTH, "{grown} bytes more, from {early} to {late}; {most:?}");
    }

    journal.fold().await.unwrap();
    let stats = journal.stats();
    let held = (stats.streams, stats.tail, stats.tail_bytes, stats.queued, stats.writers);
    assert_eq!(held, (0, 0, 0, 0, 0), "nothing is held of what nobody writes");
    for (stream, version) in lasts {
        let loaded = journal.load(&stream, Load::all()).await.unwrap();
        assert_eq!(loaded.version.get(), version, "{stream}");
    }
    journal.close().await.unwrap();
    system.stop().await.unwrap();
}
