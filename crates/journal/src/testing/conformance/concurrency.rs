//! Many at a time.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::Harness;
use super::ask::{event, ok, outcome, queue, same, signal, version, within};
use super::store::Store;
use crate::handle::{Journal, Writer};
use crate::load::Load;
use crate::stream::{Position, Shard, StreamId, Version};

const WRITERS: usize = 50;
const APPENDS: usize = 20;

/// Where which version of which stream is.
type Places = BTreeMap<(StreamId, Version), Position>;

/// Appends in bursts, and tells where everything came to be.
async fn write(mut writer: Writer, done: oneshot::Sender<Places>) {
    let stream = writer.stream().clone();
    let mut places = Places::new();
    for burst in [1, 3, 5, 7, 4] {
        let mut tickets = Vec::new();
        for _ in 0..burst {
            let what = event("one of many").signal(signal("one")).signal(signal("two"));
            tickets.push(queue(&mut writer, what).await);
        }
        for ticket in tickets {
            let committed = ok(outcome(ticket).await, "an append becomes durable");
            places.insert((stream.clone(), committed.version), committed.position);
        }
    }
    // Fails when the case has given up, which says why.
    let _ = done.send(places);
}

/// Reads until it has as many appends.
async fn read(journal: Journal, done: oneshot::Sender<Places>) {
    let mut reader = ok(journal.log(Position::start(Shard::new(0))), "a log is read");
    let (mut places, mut versions) = (Places::new(), BTreeMap::<StreamId, Version>::new());
    let mut last = reader.position();
    for _ in 0..WRITERS * APPENDS {
        let entry = ok(within("the log has more", reader.next()).await, "a log is read");
        assert!(entry.position.is_after(last), "positions rise");
        last = entry.position;
        let before = versions.entry(entry.stream.clone()).or_insert(Version::NONE);
        assert_eq!(entry.version, before.next(), "each append of a stream is seen once, in order");
        *before = entry.version;
        places.insert((entry.stream, entry.version), entry.position);
    }
    let _ = done.send(places);
}

/// Reads until it has as many signals.
async fn listen(journal: Journal, done: oneshot::Sender<Vec<Position>>) {
    let mut reader = ok(journal.signals(Position::start(Shard::new(0))), "signals are read");
    let mut positions = Vec::new();
    for _ in 0..WRITERS * APPENDS * 2 {
        let entry = ok(within("there are more", reader.next()).await, "signals are read");
        let risen = positions.last().is_none_or(|last| entry.position.is_after(*last));
        assert!(risen, "positions of signals rise");
        positions.push(entry.position);
    }
    let _ = done.send(positions);
}

async fn told<T>(what: &str, told: oneshot::Receiver<T>) -> T {
    match within(what, told).await {
        Ok(value) => value,
        Err(dropped) => panic!("{what}, and its own message says why not: {dropped}"),
    }
}

pub(super) async fn readers_miss_nothing_while_many_append(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let executor = store.executor();
    let (done, read_done) = oneshot::channel();
    executor.execute(read(store.journal().clone(), done));
    let (done, listen_done) = oneshot::channel();
    executor.execute(listen(store.journal().clone(), done));
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let stream = store.stream(0, number);
        let (done, write_done) = oneshot::channel();
        executor.execute(write(store.writer(&stream).await, done));
        writers.push(write_done);
    }
    let mut expected = Places::new();
    for writer in writers {
        expected.extend(told("a writer appends", writer).await);
    }
    assert_eq!(expected.len(), WRITERS * APPENDS, "every append has a version of its own");
    let found = told("a reader reads", read_done).await;
    assert_eq!(found, expected, "a reader has seen every append where its ticket said it is");
    let signals = told("a reader of signals reads", listen_done).await;
    assert_eq!(signals.len(), WRITERS * APPENDS * 2, "a reader has seen every signal");
    for way in store.ways() {
        store.go(*way).await;
        let log = store.log(Position::start(Shard::new(0)), WRITERS * APPENDS).await;
        let log: Places = log.into_iter().map(|e| ((e.stream, e.version), e.position)).collect();
        same(&log, &expected, format!("the log is as it was, {way}"));
        for number in 0..WRITERS {
            let stream = store.stream(0, number);
            let found = store.load(&stream, Load::new()).await.version;
            let appends = u64::try_from(APPENDS).unwrap_or(0);
            same(&found, &version(appends), format!("every stream has all of its appends, {way}"));
        }
    }
    store.end().await;
}

pub(super) async fn shards_do_not_wait_for_each_other(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let executor = store.executor();
    let mut writers = Vec::new();
    for number in 0..WRITERS {
        let shard = u16::try_from(number % 2).unwrap_or(0);
        let stream = store.stream(shard, number);
        let (done, write_done) = oneshot::channel();
        executor.execute(write(store.writer(&stream).await, done));
        writers.push((shard, write_done));
    }
    let mut expected = [Places::new(), Places::new()];
    for (shard, writer) in writers {
        let places = told("a writer appends", writer).await;
        let right = places.values().all(|position| position.shard() == Shard::new(shard));
        assert!(right, "positions are of the shard of the stream");
        if let Some(expected) = expected.get_mut(usize::from(shard)) {
            expected.extend(places);
        }
    }
    for way in store.ways() {
        store.go(*way).await;
        for (expected, shard) in expected.iter().zip(0..) {
            let log = store.log(Position::start(Shard::new(shard)), expected.len()).await;
            let log: Places =
                log.into_iter().map(|e| ((e.stream, e.version), e.position)).collect();
            same(&log, expected, format!("each shard has a log of its own, {way}"));
        }
    }
    store.end().await;
}
