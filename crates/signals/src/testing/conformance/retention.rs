//! What is dropped, and what is not.

use serde_json::json;

use super::LogHarness;
use super::ask::{ok, pairs, positions, put, same, same_list};
use super::store::{Store, seconds};
use crate::log::{LogEntry, LogPosition, Retention};
use crate::signal::Signal;

const START: LogPosition = LogPosition::START;

/// Drops, and fails unless the last `expected` are left, or more in a log that may keep more.
async fn retain(store: &Store<'_>, retention: Retention, expected: usize) -> Vec<LogEntry> {
    let before = store.read(store.bounds().await.kept_after).await;
    let end = store.bounds().await.end;
    let retained = store.retain(retention).await;
    let bounds = store.bounds().await;
    let left = store.read(bounds.kept_after).await;
    let what = format!("of {} signals {expected} are kept by {retention:?}", before.len());
    if store.drops_all_it_may() {
        same(&left.len(), &expected, &what);
    } else {
        assert!(left.len() >= expected, "{what}, and {} are left", left.len());
    }
    let last: Vec<_> = before.iter().skip(before.len() - left.len()).cloned().collect();
    same(&left, &last, "the oldest signals are dropped, and no others");
    let counts = (retained.dropped, retained.left);
    let expected = (count(before.len() - left.len()), count(left.len()));
    same(&counts, &expected, "a log says how many it has dropped, and how many are left");
    assert!(bounds.end >= end, "the end does not go back from {end}: {bounds:?}");
    left
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

pub(super) async fn signals_are_kept_for_their_time(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let retention = Retention::forever().age(seconds(1000));
    store.append(store.signals(5)).await;
    store.pass(500);
    store.append_each(&store.signals(5)).await;
    store.pass(499);
    retain(&store, retention, 10).await;
    store.pass(2);
    let left = retain(&store, retention, 5).await;
    for way in store.ways() {
        store.go(*way).await;
        same(&store.read(store.bounds().await.kept_after).await, &left, format!("kept, {way}"));
        retain(&store, retention, 5).await;
    }
    store.pass(1000);
    retain(&store, retention, 0).await;
    store.end().await;
}

pub(super) async fn signals_are_kept_up_to_their_count(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    store.append_each(&store.signals(10)).await;
    for kept in [11, 10, 9, 5] {
        retain(
            &store,
            Retention::forever().count(kept),
            usize::try_from(kept).unwrap_or(0).min(10),
        )
        .await;
    }
    store.append(store.signals(10)).await;
    let left = retain(&store, Retention::forever().count(7), 7).await;
    for way in store.ways() {
        store.go(*way).await;
        same(&store.read(store.bounds().await.kept_after).await, &left, format!("kept, {way}"));
    }
    retain(&store, Retention::forever().count(1), 1).await;
    store.end().await;
}

pub(super) async fn signals_are_kept_up_to_their_bytes(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    let text = "k".repeat(1000);
    for _ in 0..50 {
        let draft = Signal::new("kit.large", "/kit").id("1").json(json!(text));
        store.append(vec![ok(draft.build(), "a signal is made")]).await;
    }
    store.retain(Retention::forever().bytes(1_000_000)).await;
    let left = store.read(store.bounds().await.kept_after).await.len();
    same(&left, &50, "what is under the bytes is kept");
    store.retain(Retention::forever().bytes(20_000)).await;
    let left = store.read(store.bounds().await.kept_after).await.len();
    // More or less: a log may count what it adds, and what it saves.
    assert!(left >= 10, "{left} of 20 signals of a kilobyte are kept in 20 kB");
    if store.drops_all_it_may() {
        assert!(left <= 30, "{left} of 20 signals of a kilobyte are kept in 20 kB");
    }
    store.end().await;
}

pub(super) async fn what_one_limit_does_not_keep_is_dropped(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    store.append(store.signals(4)).await;
    store.pass(100);
    store.append(store.signals(6)).await;
    store.pass(10);
    let all = Retention::forever().age(seconds(1_000_000)).count(1_000_000).bytes(1 << 40);
    retain(&store, all, 10).await;
    retain(&store, all.count(8), 8).await;
    retain(&store, all.age(seconds(50)), 6).await;
    retain(&store, all.age(seconds(50)).count(3), 3).await;
    store.end().await;
}

pub(super) async fn a_retention_of_everything_drops_nothing(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let appended = store.append(store.signals(20)).await;
    store.pass(1_000_000);
    for way in store.ways() {
        store.go(*way).await;
        let retained = store.retain(Retention::forever()).await;
        same(&(retained.dropped, retained.left), &(0, 20), format!("nothing is dropped, {way}"));
        let found = positions(&store.read(START).await);
        same(&found, &appended, format!("everything is there, {way}"));
    }
    store.end().await;
}

pub(super) async fn everything_may_be_dropped(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let appended = store.append(store.signals(5)).await;
    retain(&store, Retention::forever().count(0), 0).await;
    // There is nothing more to drop, and that is no error.
    retain(&store, Retention::forever().count(0), 0).await;
    for way in store.ways() {
        store.go(*way).await;
        let bounds = store.bounds().await;
        assert!(appended.iter().all(|one| *one <= bounds.end), "the end stays, {way}: {bounds:?}");
        let tail = *store.log().tail().borrow();
        assert!(appended.iter().all(|one| *one <= tail), "the tail stays, {way}: {tail}");
    }
    let end = store.bounds().await.end;
    let next = store.append(store.signals(3)).await;
    let are_behind = next.iter().all(|one| appended.iter().all(|before| one > before));
    assert!(are_behind, "what comes is behind what was dropped");
    same_list(&positions(&store.read(end).await), &next, "an emptied log goes on");
    store.end().await;
}

pub(super) async fn dropping_signals_touches_no_parts(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    store.append(store.signals(5)).await;
    store.store("owner", vec![put("key", b"value")]).await;
    store.pass(1_000_000);
    store.retain(Retention::forever().age(seconds(1)).count(0).bytes(0)).await;
    for way in store.ways() {
        store.go(*way).await;
        let found = store.load("owner").await;
        same(&found, &pairs(&[("key", b"value")]), format!("parts have no retention, {way}"));
    }
    store.end().await;
}
