//! The tail: how far the log can be read, live.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::LogHarness;
use super::ask::{last, positions, same_list, told, within};
use super::store::{Store, read_to};
use crate::log::{LogEntry, LogPosition, SignalLog};

const START: LogPosition = LogPosition::START;

/// Reads what the tail says that there is, until it has so many.
pub(super) async fn follow(
    log: Arc<dyn SignalLog>,
    count: usize,
    done: oneshot::Sender<Vec<LogEntry>>,
) {
    let (mut tail, mut at, mut found) = (log.tail(), START, Vec::new());
    while found.len() < count {
        let end = *tail.borrow_and_update();
        // There may be more than the tail said when it was looked at, and that is not to come
        // again.
        let (entries, read_to) = read_to(&log, at, end, 7).await;
        found.extend(entries);
        at = read_to;
        if found.len() < count {
            let changed = within("the tail goes on", tail.changed()).await;
            assert!(changed.is_ok(), "the tail is open as long as the log is");
        }
    }
    // Fails when the case has given up, which says why.
    let _ = done.send(found);
}

pub(super) async fn the_tail_is_there_when_an_append_returns(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    let tail = store.log().tail();
    for count in [1, 5, 2] {
        let end = last(&store.append(store.signals(count)).await);
        let told = *tail.borrow();
        assert!(told >= end, "the tail is at {told} when an append up to {end} returns");
        let bounds = store.bounds().await;
        assert!(bounds.end >= end, "{bounds:?} have what was appended up to {end}");
    }
    store.end().await;
}

pub(super) async fn the_tail_is_no_further_than_can_be_read(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    let (done, followed) = oneshot::channel();
    store.executor().execute(follow(Arc::clone(store.log()), 60, done));
    let mut appended = Vec::new();
    for _ in 0..20 {
        appended.extend(store.append(store.signals(3)).await);
        tokio::task::yield_now().await;
    }
    let followed = told("a reader reads up to the tail", followed).await;
    same_list(&positions(&followed), &appended, "what the tail says can be read at once");
    store.end().await;
}

pub(super) async fn a_reader_that_waits_is_given_what_comes(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    let mut tail = store.log().tail();
    tail.mark_unchanged();
    let mut at = store.bounds().await.end;
    for count in [1, 4] {
        let appended = store.append(store.signals(count)).await;
        let changed = within("whoever waits for the tail is woken", tail.changed()).await;
        assert!(changed.is_ok(), "the tail is open as long as the log is");
        let end = *tail.borrow_and_update();
        let (found, read_to) = read_to(store.log(), at, end, 10).await;
        same_list(&positions(&found), &appended, "who waits is given what comes");
        at = read_to;
    }
    store.end().await;
}

pub(super) async fn a_new_tail_says_how_far_it_is(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let end = last(&store.append(store.signals(3)).await);
    for way in store.ways() {
        store.go(*way).await;
        let tail = *store.log().tail().borrow();
        assert!(tail >= end, "a tail that is taken late is at {tail}, not before {end}, {way}");
        assert!(tail <= store.bounds().await.end, "and not behind what there is, {way}");
    }
    store.end().await;
}

pub(super) async fn a_tail_is_closed_with_its_log(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    let end = last(&store.append(store.signals(1)).await);
    let mut tail = store.log().tail();
    tail.mark_unchanged();
    let store = store.closed().await;
    let closed = within("who waits for the tail is told of the close", async {
        // A log may tell of something more on its way out.
        while tail.changed().await.is_ok() {}
    });
    closed.await;
    assert!(*tail.borrow() >= end, "a closed tail still says how far the log was");
    store.end().await;
}
