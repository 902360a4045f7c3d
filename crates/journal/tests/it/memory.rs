//! A journal in memory, as people use it.

use std::borrow::Cow;
use std::future::Future;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use foundation::{Clock, Error, Result, System};
use jiff::Timestamp;
use journal::{
    Answer, Append, Change, Codec, Committed, Durability, Journal, Lease, Limits, Load,
    MemoryOptions, Payload, Position, Pressure, Retention, Shard, Share, Signal, StreamId, Version,
    Wake, Writer, codes,
};

const SHARD: Shard = Shard::new(0);

/// A clock that stands still until it is set, in microseconds.
#[derive(Debug, Clone, Default)]
struct StoppedClock(Arc<AtomicI64>);

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

struct Fixture {
    /// It is there as long as the journal is used.
    _system: System,
    clock: StoppedClock,
    journal: Journal,
    lease: Lease,
}

impl Fixture {
    async fn new() -> Self {
        Self::with(MemoryOptions::default()).await
    }

    async fn with(options: MemoryOptions) -> Self {
        let clock = StoppedClock::default();
        let system = System::builder().clock(clock.clone()).start().await.unwrap();
        let journal = options.open(&system).unwrap();
        let lease = journal.acquire(SHARD).await.unwrap();
        Self { _system: system, clock, journal, lease }
    }

    async fn open(&self, id: &str) -> Writer {
        self.journal.open(&self.lease, &stream(id)).await.unwrap()
    }
}

async fn append(writer: &mut Writer, append: Append) -> Result<Committed> {
    let permit = writer.permit(Share::New, 100).await?;
    writer.append(permit, append)?.await
}

fn stream(id: &str) -> StreamId {
    StreamId::new("account", id).unwrap()
}

fn text(text: &str) -> Payload {
    Payload::new(1, text.as_bytes())
}

fn signal(routing: &str) -> Signal {
    Signal { class: 1, routing: routing.to_owned(), payload: text("signal") }
}

fn code<T>(result: Result<T>) -> String {
    result.map(drop).unwrap_err().code().to_owned()
}

/// Whether the future waits, asked once.
fn waits(future: impl Future) -> bool {
    let mut future = std::pin::pin!(future);
    let poll = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    matches!(poll, Poll::Pending)
}

#[tokio::test(start_paused = true)]
async fn options_that_cannot_be_are_refused_by_name() {
    let system = System::builder().start().await.unwrap();
    let limits = Limits { key: 0, ..Limits::default() };
    let pressure = Pressure { writer_bytes: 1, ..Pressure::default() };
    let too_long = Duration::from_hours(24 * 366 * 101);
    let retention = Retention { signals_for: too_long, ..Retention::default() };
    let cases = [
        (MemoryOptions::default().limits(limits), "limits.key"),
        (MemoryOptions::default().pressure(pressure), "pressure.writer_bytes"),
        (MemoryOptions::default().retention(retention), "retention.signals_for"),
    ];
    for (options, field) in cases {
        let error = options.open(&system).unwrap_err();
        assert_eq!(error.code(), foundation::codes::INVALID_OPTIONS.name);
        assert_eq!(error.details()["field"].as_str(), Some(field));
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_ticket_says_is_durable_is_read_at_once() {
    let fixture = Fixture::new().await;
    fixture.clock.0.store(5, Ordering::Relaxed);
    let journal = &fixture.journal;
    assert_eq!(journal.durability(), Durability::Memory);
    let mut alice = fixture.open("alice").await;
    let changes = Append::new()
        .event(text("deposited"))
        .put("balance", text("10"))
        .signal(signal("deposited"))
        .wake(Wake::Now);
    let committed = append(&mut alice, changes.clone()).await.unwrap();
    assert_eq!((committed.version, alice.head()), (Version::new(1), Version::new(1)));
    assert_eq!(journal.end(SHARD).unwrap(), committed.position);

    let at = Timestamp::from_microsecond(5).unwrap();
    let loaded = journal.load(&stream("alice"), Load::all()).await.unwrap();
    assert_eq!((loaded.version, loaded.wake), (committed.version, Wake::Now));
    assert_eq!((loaded.events[0].at, &loaded.events[0].payload), (at, &text("deposited")));
    assert_eq!(loaded.parts[0].payload, text("10"));
    let listed = journal.streams("account", None, 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].version, listed[0].at), (1, committed.version, at));
    let due = journal.due(SHARD, Timestamp::MIN, None, 10).await.unwrap();
    assert_eq!(due[0].stream, stream("alice"));

    let entry = journal.log(Position::start(SHARD)).unwrap().next().await.unwrap();
    assert_eq!((entry.position, entry.stream), (committed.position, stream("alice")));
    assert_eq!(entry.changes, changes.changes());
    let entry = journal.signals(Position::start(SHARD)).unwrap().next().await.unwrap();
    assert_eq!((entry.position, entry.signal), (committed.position, signal("deposited")));
}

#[tokio::test(start_paused = true)]
async fn readers_wait_for_what_comes_and_are_told_of_the_end() {
    let fixture = Fixture::new().await;
    let mut alice = fixture.open("alice").await;
    let mut log = fixture.journal.log(Position::start(SHARD)).unwrap();
    let mut signals = fixture.journal.signals(Position::start(SHARD)).unwrap();
    assert!(waits(log.next()) && waits(signals.next()));

    append(&mut alice, Append::new()).await.unwrap();
    assert!(!waits(async { log.next().await.unwrap() }));
    assert!(waits(signals.next()));
    let two = Append::new().signal(signal("a")).signal(signal("b"));
    append(&mut alice, two).await.unwrap();
    assert_eq!(signals.next().await.unwrap().signal.routing, "a");
    assert_eq!(signals.next().await.unwrap().signal.routing, "b");
    assert_eq!(log.next().await.unwrap().changes.len(), 2);
    assert!(waits(log.next()) && waits(signals.next()));

    let (ended, closed) = tokio::join!(log.next(), fixture.journal.close());
    closed.unwrap();
    assert_eq!(code(ended), codes::STORE_CLOSED.name);
    assert_eq!(code(signals.next().await), codes::STORE_CLOSED.name);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_behind_goes_on_where_the_gap_ends() {
    let retention = Retention { signal_bytes: 150, log_bytes: 0, ..Retention::default() };
    let fixture = Fixture::with(MemoryOptions::default().retention(retention)).await;
    let mut alice = fixture.open("alice").await;
    for routing in ["a", "b", "c"] {
        append(&mut alice, Append::new().signal(signal(routing))).await.unwrap();
    }
    assert_eq!(fixture.journal.retain().await.unwrap().signals, 1);
    let end_of_gap = |error: &Error| {
        assert_eq!(error.code(), codes::GAP.name);
        let to = error.details()["to"].as_u64();
        Position::new(SHARD, to.unwrap())
    };
    let mut signals = fixture.journal.signals(Position::start(SHARD)).unwrap();
    let gap = signals.next().await.unwrap_err();
    signals.skip(end_of_gap(&gap)).unwrap();
    assert_eq!(signals.next().await.unwrap().signal.routing, "b");

    let mut log = fixture.journal.log(Position::start(SHARD)).unwrap();
    let gap = log.next().await.unwrap_err();
    log.skip(end_of_gap(&gap)).unwrap();
    assert!(waits(log.next()));
}

#[tokio::test(start_paused = true)]
async fn taking_a_shard_over_ends_the_lease_and_its_writers() {
    let fixture = Fixture::new().await;
    let (lease, journal) = (&fixture.lease, &fixture.journal);
    let mut alice = fixture.open("alice").await;
    assert!(waits(lease.lost()));
    let after = journal.acquire(SHARD).await.unwrap();
    lease.lost().await;
    assert!(lease.is_lost() && !after.is_lost());
    assert_eq!(code(append(&mut alice, Append::new()).await), codes::LEASE_LOST.name);
    assert_eq!(code(journal.renew(lease).await), codes::LEASE_LOST.name);
    assert_eq!(code(journal.open(lease, &stream("bob")).await), codes::LEASE_LOST.name);
    journal.renew(&after).await.unwrap();
    let mut alice = journal.open(&after, &stream("alice")).await.unwrap();
    append(&mut alice, Append::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_recorded_key_is_refused_by_the_ticket_and_gives_the_permit_back() {
    let pressure = Pressure { writer_appends: 1, ..Pressure::default() };
    let fixture = Fixture::with(MemoryOptions::default().pressure(pressure)).await;
    let mut alice = fixture.open("alice").await;
    let answer = |fingerprint| {
        let (key, until) = ("key".to_owned(), Timestamp::UNIX_EPOCH);
        Append::new().answer(Answer { key, fingerprint, until, payload: text("yes") })
    };
    append(&mut alice, answer(7)).await.unwrap();
    let permit = alice.permit(Share::New, 100).await.unwrap();
    assert!(waits(alice.permit(Share::New, 100)));
    let ticket = alice.append(permit, answer(8)).unwrap();
    assert_eq!(code(ticket.await), codes::KEY_REUSED.name);
    assert!(!waits(alice.permit(Share::New, 100)));
    assert_eq!(code(append(&mut alice, Append::new()).await), codes::WRITER_FENCED.name);

    let journal = &fixture.journal;
    let recorded = journal.answer(&stream("alice"), "key", 7).await.unwrap();
    assert_eq!(recorded, Some(text("yes")));
    let stats = journal.stats();
    assert_eq!((stats.appends, stats.groups, stats.refused, stats.writers), (1, 1, 2, 0));
    fixture.clock.0.store(1, Ordering::Relaxed);
    assert_eq!(journal.retain().await.unwrap().answers, 1);
    assert_eq!(journal.answer(&stream("alice"), "key", 8).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn closed_everything_is_refused_and_the_leases_have_ended() {
    let fixture = Fixture::new().await;
    let journal = &fixture.journal;
    let mut alice = fixture.open("alice").await;
    let permit = alice.permit(Share::New, 100).await.unwrap();
    let committed = append(&mut alice, Append::new()).await.unwrap();
    journal.close().await.unwrap();
    journal.close().await.unwrap();
    assert!(fixture.lease.is_lost());
    assert_eq!(journal.end(SHARD).unwrap(), committed.position);
    let refusals = [
        code(alice.append(permit, Append::new())),
        code(alice.permit(Share::New, 100).await),
        code(journal.acquire(SHARD).await),
        code(journal.open(&fixture.lease, &stream("bob")).await),
        code(journal.load(&stream("alice"), Load::all()).await),
        code(journal.log(Position::start(SHARD)).unwrap().next().await),
        code(journal.retain().await),
    ];
    assert_eq!(refusals, [codes::STORE_CLOSED.name; 7]);
}

#[tokio::test(start_paused = true)]
async fn streams_are_in_the_shard_of_their_name_and_nowhere_else() {
    let shards = NonZeroU16::new(4).unwrap();
    let fixture = Fixture::with(MemoryOptions::default().shards(shards)).await;
    let journal = &fixture.journal;
    let mut positions = Vec::new();
    for id in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        let shard = stream(id).shard(shards);
        let lease = journal.acquire(shard).await.unwrap();
        let mut writer = journal.open(&lease, &stream(id)).await.unwrap();
        let committed = append(&mut writer, Append::new().wake(Wake::Now)).await.unwrap();
        positions.push(committed.position);
    }
    let mut due = 0;
    for shard in (0..4).map(Shard::new) {
        let streams = journal.due(shard, Timestamp::MAX, None, 10).await.unwrap();
        assert!(streams.iter().all(|due| due.stream.shard(shards) == shard));
        let numbers = positions.iter().filter(|position| position.shard() == shard);
        assert_eq!(journal.end(shard).unwrap().number(), u64::try_from(numbers.count()).unwrap());
        due += streams.len();
    }
    assert_eq!((due, journal.streams("account", None, 10).await.unwrap().len()), (8, 8));
    assert_eq!(code(journal.acquire(Shard::new(4)).await), codes::NO_SUCH_SHARD.name);
    assert_eq!(code(journal.end(Shard::new(4))), codes::NO_SUCH_SHARD.name);
}

/// Turns bytes round. It refuses to encode `secret` and to decode `lost`.
#[derive(Debug)]
struct Mirror;

impl Codec for Mirror {
    fn key_id(&self) -> u32 {
        7
    }

    fn encode<'a>(&self, _key_id: u32, payload: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        match payload {
            b"secret" => Err(codes::INVALID_RECORD.into()),
            _ => Ok(payload.iter().rev().copied().collect::<Vec<_>>().into()),
        }
    }

    fn decode(&self, key_id: u32, stored: &[u8]) -> Result<Vec<u8>> {
        assert_eq!(key_id, 7);
        match stored {
            b"tsol" => Err(codes::INVALID_RECORD.into()),
            _ => Ok(stored.iter().rev().copied().collect()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_payload_passes_through_the_codec() {
    let fixture = Fixture::with(MemoryOptions::default().codec(Arc::new(Mirror))).await;
    let journal = &fixture.journal;
    let mut alice = fixture.open("alice").await;
    let secret = Append::new().event(text("here")).put("part", text("secret"));
    assert_eq!(code(append(&mut alice, secret.clone()).await), codes::INVALID_RECORD.name);
    assert_eq!((alice.head(), journal.stats().refused), (Version::NONE, 1));

    // What the codec refuses is refused alone, and the writer goes on.
    let (key, until) = ("key".to_owned(), Timestamp::UNIX_EPOCH);
    let whole = Append::new()
        .event(text("event"))
        .put("part", text("part"))
        .signal(signal("a"))
        .answer(Answer { key, fingerprint: 7, until, payload: text("yes") })
        .snapshot(Version::NONE, text("state"));
    append(&mut alice, whole.clone()).await.unwrap();
    let loaded = journal.load(&stream("alice"), Load::all()).await.unwrap();
    assert_eq!(
        (&loaded.events[0].payload, &loaded.parts[0].payload),
        (&text("event"), &text("part"))
    );
    assert_eq!(loaded.snapshot, Some((Version::NONE, text("state"))));
    let answer = journal.answer(&stream("alice"), "key", 7).await.unwrap();
    assert_eq!(answer, Some(text("yes")));
    let entry = journal.log(Position::start(SHARD)).unwrap().next().await.unwrap();
    assert_eq!(entry.changes, whole.changes());
    let entry = journal.signals(Position::start(SHARD)).unwrap().next().await.unwrap();
    assert_eq!(entry.signal.payload, text("signal"));

    append(&mut alice, Append::new().put("part", text("lost"))).await.unwrap();
    let parts = journal.load(&stream("alice"), Load::all()).await;
    assert_eq!(code(parts), codes::INVALID_RECORD.name);
    assert!(journal.load(&stream("alice"), Load::new().snapshot()).await.is_ok());

    // Of a writer that may not append anyway, that is said first.
    let _fence = fixture.open("alice").await;
    assert_eq!(code(append(&mut alice, secret).await), codes::WRITER_FENCED.name);
}

#[tokio::test(start_paused = true)]
async fn a_tombstone_is_in_the_log_and_the_stream_is_not_there() {
    let fixture = Fixture::new().await;
    let journal = &fixture.journal;
    let mut alice = fixture.open("alice").await;
    append(&mut alice, Append::tombstone()).await.unwrap();
    let id = stream("alice");
    assert_eq!(code(append(&mut alice, Append::new()).await), codes::STREAM_DELETED.name);
    assert_eq!(code(journal.load(&id, Load::new()).await), codes::STREAM_DELETED.name);
    assert_eq!(code(journal.open(&fixture.lease, &id).await), codes::STREAM_DELETED.name);
    let entry = journal.log(Position::start(SHARD)).unwrap().next().await.unwrap();
    assert_eq!(entry.changes, [Change::Tombstone]);
}
