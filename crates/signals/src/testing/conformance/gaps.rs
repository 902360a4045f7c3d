//! Readers behind what is kept.

use super::LogHarness;
use super::ask::{fails, ok, positions, same, some, within};
use super::store::Store;
use crate::codes;
use crate::log::{LogEntry, LogPosition, Retention, gap_end};

const START: LogPosition = LogPosition::START;

/// Ten signals, of which some are dropped: the dropped ones, and those that are left.
async fn drop_some(store: &Store<'_>) -> (Vec<LogEntry>, Vec<LogEntry>) {
    store.append(store.signals(4)).await;
    store.append_each(&store.signals(6)).await;
    let mut dropped = store.read(START).await;
    store.retain(Retention::forever().count(3)).await;
    let left = store.read(store.bounds().await.kept_after).await;
    dropped.truncate(10 - left.len());
    (dropped, left)
}

/// Fails unless a reader at `after` is told of a gap, behind which exactly these are.
async fn is_told(store: &Store<'_>, after: LogPosition, left: &[LogEntry], when: &str) {
    let what = format!("a reader at {after} is behind what is kept, {when}");
    for limit in [1, 100] {
        let page = within("a page comes", store.log().read(after, limit)).await;
        let error = fails(page, codes::SIGNAL_GAP, &what);
        let from = error.details().get("from").and_then(serde_json::Value::as_u64);
        same(&from, &Some(after.get()), "a gap begins where the reader is");
        let to = some(gap_end(&error), "a gap says where it ends");
        assert!(to > after, "a gap from {after} to {to} goes on");
        same(&store.read(to).await, left, format!("behind a gap is what is kept, {when}"));
    }
}

pub(super) async fn a_reader_behind_what_is_kept_is_told(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let (dropped, left) = drop_some(&store).await;
    for way in store.ways() {
        store.go(*way).await;
        // Who has read the last that was dropped has missed nothing.
        for missed in dropped.windows(2) {
            if let [before, _] = missed {
                is_told(&store, before.position, &left, &way.to_string()).await;
            }
        }
        if !dropped.is_empty() {
            is_told(&store, START, &left, &way.to_string()).await;
        }
    }
    store.retain(Retention::forever().count(0)).await;
    let left = store.read(store.bounds().await.kept_after).await;
    if left.is_empty() {
        is_told(&store, START, &left, "when all is dropped").await;
    }
    store.end().await;
}

pub(super) async fn who_has_read_what_was_dropped_has_no_gap(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let (dropped, left) = drop_some(&store).await;
    for way in store.ways() {
        store.go(*way).await;
        let kept_after = store.bounds().await.kept_after;
        let last_dropped = dropped.last().map_or(START, |entry| entry.position);
        assert!(kept_after >= last_dropped, "what was dropped is not said to be kept, {way}");
        for after in [last_dropped, kept_after] {
            let found = positions(&store.read(after).await);
            same(&found, &positions(&left), format!("there is no gap behind {after}, {way}"));
        }
        for (index, entry) in left.iter().enumerate() {
            let found = store.read(entry.position).await.len();
            same(&found, &(left.len() - index - 1), format!("nor among what is kept, {way}"));
        }
    }
    store.end().await;
}

pub(super) async fn a_reader_that_is_overtaken_is_told(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    store.append(store.signals(10)).await;
    let page = within("a page comes", store.log().read(START, 2)).await;
    let at = ok(page, "a log is read").read_to;
    store.append(store.signals(10)).await;
    store.retain(Retention::forever().count(3)).await;
    let left = store.read(store.bounds().await.kept_after).await;
    if left.len() < 18 {
        is_told(&store, at, &left, "in the middle of reading").await;
    }
    store.end().await;
}
