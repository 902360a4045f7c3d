//! Many at a time.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::oneshot;

use super::LogHarness;
use super::ask::{ok, positions, put, same, same_list, some, told, within};
use super::store::Store;
use super::tail::follow;
use crate::log::{LogEntry, LogPosition, SignalLog};
use crate::signal::Signal;

const START: LogPosition = LogPosition::START;
const WRITERS: usize = 20;
/// What each of them appends, one append after the other.
const BATCHES: [usize; 7] = [1, 3, 2, 7, 1, 5, 4];
/// What all of them append.
const ALL: usize = WRITERS * 23;

/// Where each batch came to be.
type Places = Vec<(Vec<Signal>, Vec<LogPosition>)>;

/// Appends, and tells where everything came to be.
async fn write(log: Arc<dyn SignalLog>, batches: Vec<Vec<Signal>>, done: oneshot::Sender<Places>) {
    let mut places = Places::new();
    for batch in batches {
        let append = within("an append ends", log.append(batch.clone())).await;
        places.push((batch, ok(append, "signals are appended")));
        tokio::task::yield_now().await;
    }
    // Fails when the case has given up, which says why.
    let _ = done.send(places);
}

/// Has many append at a time. Each signal says which writer it is of, and its number there.
fn write_all(store: &Store<'_>) -> Vec<oneshot::Receiver<Places>> {
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let mut number = writer * 1000;
        let mut next = || {
            number += 1;
            store.signal(number)
        };
        let batches = BATCHES.iter().map(|count| (0..*count).map(|_| next()).collect()).collect();
        let (done, written) = oneshot::channel();
        store.executor().execute(write(Arc::clone(store.log()), batches, done));
        writers.push(written);
    }
    writers
}

/// Waits for all of them, and gives all batches in the order of their positions.
async fn all_written(writers: Vec<oneshot::Receiver<Places>>) -> Places {
    let mut all = Places::new();
    for written in writers {
        let places = told("a writer appends", written).await;
        let firsts: Vec<_> = places.iter().filter_map(|(_, positions)| positions.first()).collect();
        assert!(firsts.is_sorted(), "appends of one writer are in its order: {firsts:?}");
        all.extend(places);
    }
    all.sort_by_key(|(_, positions)| positions.first().copied());
    all
}

/// Fails unless the entries are those batches, each whole and next to each other.
fn are_same(found: &[LogEntry], all: &Places, what: &str) {
    let expected: Vec<_> = all.iter().flat_map(|(_, positions)| positions).copied().collect();
    same_list(&positions(found), &expected, format!("{what}: each is where it was said, once"));
    let number =
        |signal: &Signal| signal.data().as_json().and_then(|data| data.get("number")).cloned();
    let expected: Vec<Option<Value>> =
        all.iter().flat_map(|(batch, _)| batch).map(number).collect();
    let found: Vec<_> = found.iter().map(|entry| number(&entry.signal)).collect();
    same_list(&found, &expected, format!("{what}: each append is next to each other"));
}

pub(super) async fn many_appends_at_a_time_are_all_there(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let all = all_written(write_all(&store)).await;
    for way in store.ways() {
        store.go(*way).await;
        are_same(&store.read(START).await, &all, &way.to_string());
    }
    store.end().await;
}

pub(super) async fn readers_miss_nothing_while_many_append(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    let mut readers = Vec::new();
    for _ in 0..3 {
        let (done, followed) = oneshot::channel();
        store.executor().execute(follow(Arc::clone(store.log()), ALL, done));
        readers.push(followed);
    }
    let all = all_written(write_all(&store)).await;
    for followed in readers {
        let found = told("a reader reads up to the tail", followed).await;
        are_same(&found, &all, "a reader beside the writers");
    }
    store.end().await;
}

/// Looks at the tail until it is closed, or has come so far.
async fn watch(log: Arc<dyn SignalLog>, until: LogPosition, done: oneshot::Sender<LogPosition>) {
    let mut tail = log.tail();
    let mut before = *tail.borrow_and_update();
    while before < until {
        let changed = within("the tail goes on", tail.changed()).await;
        assert!(changed.is_ok(), "the tail is open as long as the log is");
        let next = *tail.borrow_and_update();
        assert!(next >= before, "the tail goes back from {before} to {next}");
        before = next;
        let bounds = ok(log.bounds().await, "a log tells its bounds");
        assert!(bounds.end >= next, "the tail is at {next}, and the log ends at {}", bounds.end);
    }
    let _ = done.send(before);
}

pub(super) async fn a_tail_never_goes_back_while_many_append(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    let writers = write_all(&store);
    let first = store.append(store.signals(1)).await;
    let (done, watched) = oneshot::channel();
    let until = LogPosition::new(some(first.first(), "an append has a position").get() + 1);
    store.executor().execute(watch(Arc::clone(store.log()), until, done));
    all_written(writers).await;
    store.append(store.signals(2)).await;
    told("somebody watches the tail", watched).await;
    let (done, watched) = oneshot::channel();
    store.executor().execute(watch(Arc::clone(store.log()), store.bounds().await.end, done));
    told("somebody watches the tail", watched).await;
    store.end().await;
}

/// Stores two parts that say the same, again and again.
async fn store_pairs(log: Arc<dyn SignalLog>, done: oneshot::Sender<()>) {
    for number in 0..100_u32 {
        let value = number.to_le_bytes();
        let changes = vec![put("one", &value), put("other", &value)];
        let store = within("parts are stored", log.store_parts("owner", changes)).await;
        ok(store, "parts are stored");
        tokio::task::yield_now().await;
    }
    let _ = done.send(());
}

pub(super) async fn parts_are_seen_as_a_whole(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    let (done, mut stored) = oneshot::channel();
    store.executor().execute(store_pairs(Arc::clone(store.log()), done));
    loop {
        let is_done = stored.try_recv() != Err(oneshot::error::TryRecvError::Empty);
        match &*store.load("owner").await {
            [] => assert!(!is_done, "what was stored is there"),
            [(_, one), (_, other)] => same(one, other, "parts are stored at the same time"),
            parts => panic!("two parts are stored at the same time, and there are {parts:?}"),
        }
        if is_done {
            break;
        }
        tokio::task::yield_now().await;
    }
    store.end().await;
}
