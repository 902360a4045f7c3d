//! Signals, and their readers.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use super::Harness;
use super::ask::{append, at_once, event, ok, outcome, queue, same, signal, text, within};
use super::store::Store;
use crate::append::{Append, Payload, Signal};
use crate::stream::{Position, Shard, Version};

const SHARD: Shard = Shard::new(0);
const START: Position = Position::start(SHARD);

pub(super) async fn signals_are_read_in_their_order(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let streams = [store.stream(0, 0), store.stream(0, 1)];
    let mut expected = Vec::new();
    for round in 0..5_u8 {
        for stream in &streams {
            store.pass(Duration::from_secs(1));
            let (mut append, mut emitted) = (event("between"), Vec::new());
            for number in 0..round {
                let routing = format!("{round}.{number}");
                let payload = Payload::new(u16::from(number), vec![round; 3]);
                let signal = Signal { class: number, routing, payload };
                append = append.signal(signal.clone()).put("between", text("signals"));
                emitted.push(signal);
            }
            let committed = store.append(stream, append).await;
            // The first has the position of its append, each further one the next.
            for (signal, offset) in emitted.into_iter().zip(0..) {
                let position = Position::new(SHARD, committed.position.number() + offset);
                let (stream, version) = (stream.clone(), committed.version);
                expected.push((position, stream, version, store.now(), signal));
            }
        }
    }
    store.append(&store.stream(1, 0), Append::new().signal(signal("in another shard"))).await;
    for way in store.ways() {
        store.go(*way).await;
        store.retain().await;
        let found = store.signals(START, expected.len()).await;
        let found: Vec<_> =
            found.into_iter().map(|e| (e.position, e.stream, e.version, e.at, e.signal)).collect();
        same(&found, &expected, format!("signals come as they were emitted, {way}"));
    }
    store.end().await;
}

pub(super) async fn a_reader_begins_in_the_middle_of_an_append(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let said = ["1", "2", "3", "4"];
    let three = said.iter().take(3).fold(event("x"), |append, said| append.signal(signal(said)));
    let first = store.append(&stream, three).await.position;
    let second = store.append(&stream, Append::new().signal(signal("4"))).await.position;
    assert!(second.is_after(Position::new(SHARD, first.number() + 2)), "positions are not shared");
    for way in store.ways() {
        store.go(*way).await;
        for (offset, skipped) in [(0, 1), (1, 2), (2, 3)] {
            let from = Position::new(SHARD, first.number() + offset);
            let found = store.signals(from, said.len() - skipped).await;
            let found: Vec<_> = found.iter().map(|entry| entry.signal.clone()).collect();
            let expected: Vec<_> = said.iter().skip(skipped).map(|said| signal(said)).collect();
            same(&found, &expected, format!("behind signal {skipped} the others come, {way}"));
            let next = store.log(from, 1).await;
            let next = next.first().map(|entry| entry.position);
            same(&next, &Some(second), format!("an append that was begun is behind, {way}"));
        }
    }
    store.end().await;
}

pub(super) async fn a_reader_of_signals_waits_for_the_next(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    let mut reader = ok(store.journal().signals(store.log_end(0)), "signals are read");
    for round in 0..5 {
        assert!(at_once(reader.next()).await.is_none(), "a reader waits when there is no more");
        append(&mut writer, event("without signals")).await;
        assert!(at_once(reader.next()).await.is_none(), "a reader waits for signals only");
        let said = [format!("{round}, first"), format!("{round}, second")];
        let both = said.iter().fold(Append::new(), |append, said| append.signal(signal(said)));
        let ticket = queue(&mut writer, both).await;
        for said in &said {
            let entry = ok(within("a reader is woken", reader.next()).await, "signals are read");
            assert_eq!(entry.signal, signal(said), "a reader is given each signal once, in order");
            assert_eq!(reader.position(), entry.position, "a reader is behind what it gave");
        }
        ok(outcome(ticket).await, "what a reader was given is durable");
    }
    drop((reader, writer));
    store.end().await;
}

pub(super) async fn readers_that_wait_do_nothing(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    // The log ends behind the position of the append, and behind one without signals.
    store.append(&stream, Append::new().signal(signal("one")).signal(signal("two"))).await;
    store.append(&stream, event("without signals")).await;
    let mut bystander = store.writer(&store.stream(1, 0)).await;
    let mut log = ok(store.journal().log(START), "a log is read");
    let mut signals = ok(store.journal().signals(START), "signals are read");
    for _ in 0..2 {
        ok(within("the log has more", log.next()).await, "a log is read");
        ok(within("there are more", signals.next()).await, "signals are read");
    }
    let (mut log, mut signals) = (pin!(log.next()), pin!(signals.next()));
    let (at_log, at_signals) = (Counting::new(), Counting::new());
    let (mut log_polls, mut signal_polls) = (0, 0);
    for _ in 0..MANY {
        append(&mut bystander, event("in another shard")).await;
        if at_log.is_woken() {
            log_polls += 1;
            assert!(at_log.poll(log.as_mut()), "a reader waits when there is no more");
        }
        if at_signals.is_woken() {
            signal_polls += 1;
            assert!(at_signals.poll(signals.as_mut()), "a reader waits when there is no more");
        }
    }
    // A reader that is not told how far it has read would ask again and again.
    let polls = log_polls.max(signal_polls);
    assert!(polls < MANY / 2, "readers that wait are left alone, and not polled {polls} times");
    drop(bystander);
    store.end().await;
}

/// How often a reader is looked at; one that waits is woken a few times at most.
const MANY: usize = 100;

/// Whether a future asked to be polled again.
struct Counting(AtomicBool);

impl Counting {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicBool::new(true)))
    }

    fn is_woken(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }

    /// Whether the future waits.
    fn poll<T>(self: &Arc<Self>, future: Pin<&mut impl Future<Output = T>>) -> bool {
        let waker = Waker::from(Arc::clone(self));
        future.poll(&mut Context::from_waker(&waker)).is_pending()
    }
}

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

pub(super) async fn many_appends_without_signals_are_passed(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    append(&mut writer, Append::new().signal(signal("first"))).await;
    // More than a reader takes at a time.
    for _ in 0..6 {
        let tickets = super::ask::queue_events(&mut writer, 100).await;
        super::ask::durable_first(tickets, &[]).await;
    }
    append(&mut writer, Append::new().signal(signal("last"))).await;
    drop(writer);
    for way in store.ways() {
        store.go(*way).await;
        let found = store.signals(START, 2).await;
        let found: Vec<_> = found.iter().map(|entry| entry.signal.clone()).collect();
        let expected = [signal("first"), signal("last")];
        same(&found, &expected, format!("appends without signals are passed, {way}"));
    }
    store.end().await;
}

pub(super) async fn an_append_of_many_signals_is_read_whole(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    // More than a reader takes at a time.
    let said: Vec<_> = (0..700).map(|number| number.to_string()).collect();
    let many = said.iter().fold(Append::new(), |append, said| append.signal(signal(said)));
    store.append(&stream, many).await;
    store.append(&stream, Append::new().signal(signal("behind"))).await;
    for way in store.ways() {
        store.go(*way).await;
        let found = store.signals(START, 701).await;
        let found: Vec<_> = found.into_iter().map(|entry| entry.signal).collect();
        let behind = ["behind".to_owned()];
        let expected: Vec<_> = said.iter().chain(&behind).map(|said| signal(said)).collect();
        same(&found, &expected, format!("an append of many signals is read whole, {way}"));
        let entries = store.log(START, 1).await;
        let changes = entries.first().map(|entry| entry.changes.len());
        same(&changes, &Some(700), format!("an append is given whole, {way}"));
    }
    store.end().await;
}

pub(super) async fn signals_are_found_by_their_time(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let begin = store.now();
    for number in 1..=5 {
        store.pass(Duration::from_secs(10));
        let both = Append::new().signal(signal(&number.to_string())).signal(signal("again"));
        store.append(&stream, both).await;
    }
    store.pass(Duration::from_secs(10));
    for way in store.ways() {
        store.go(*way).await;
        let micro = Duration::from_micros(1);
        for (number, at) in (1_u64..=5).map(|number| (number, begin + ten(number))) {
            for (since, expected) in [(at, number), (at - micro, number), (at + micro, number + 1)]
            {
                let from = store.journal().signals_since(SHARD, since);
                let from = ok(within("a time is looked up", from).await, "a time is looked up");
                let expected = (expected..=5).map(Version::new).flat_map(|version| [version; 2]);
                let expected: Vec<_> = expected.collect();
                let found = store.signals(from, expected.len()).await;
                let found: Vec<_> = found.iter().map(|entry| entry.version).collect();
                same(&found, &expected, format!("signals since {since} are found, {way}"));
            }
        }
        let first = store.journal().signals_since(SHARD, begin);
        let first = ok(within("a time is looked up", first).await, "a time is looked up");
        let found = store.signals(first, 10).await.len();
        same(&found, &10, format!("since the beginning there are all, {way}"));
    }
    let late = store.journal().signals_since(SHARD, store.now());
    let late = ok(within("a time is looked up", late).await, "a time is looked up");
    store.append(&stream, Append::new().signal(signal("later"))).await;
    let found = store.signals(late, 1).await;
    let found: Vec<_> = found.into_iter().map(|entry| entry.signal).collect();
    assert_eq!(found, [signal("later")], "since the last one comes what comes later");
    store.end().await;
}

fn ten(count: u64) -> Duration {
    Duration::from_secs(10 * count)
}
