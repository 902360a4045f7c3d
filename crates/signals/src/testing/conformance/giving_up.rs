//! Calls that nobody waits for to the end.

use super::LogHarness;
use super::ask::{give_up, gone, last, pairs, positions, put, same};
use super::store::Store;
use crate::log::LogPosition;
use crate::signal::Signal;

const START: LogPosition = LogPosition::START;
/// How often a call has to wait, at most, for it to be given up at each of those points.
const WAITS: usize = 5;

/// Fails unless each batch is there wholly, in its order, or not at all.
pub(super) fn are_whole(found: &[Signal], batches: &[Vec<Signal>], when: &str) {
    let mut rest = found;
    for batch in batches {
        rest = rest.strip_prefix(batch.as_slice()).unwrap_or(rest);
    }
    same(
        &rest.len(),
        &0,
        format!("there are whole appends in their order and nothing else, {when}"),
    );
}

pub(super) async fn an_append_that_was_given_up_is_there_wholly_or_not_at_all(
    harness: &dyn LogHarness,
) {
    let mut store = Store::new(harness).await;
    let mut batches = Vec::new();
    for waits in 1..=WAITS {
        let given_up = store.signals(3);
        give_up(store.log().append(given_up.clone()), waits).await;
        batches.push(given_up);
        let signals = store.signals(2);
        store.append(signals.clone()).await;
        batches.push(signals);
    }
    for way in store.ways() {
        store.go(*way).await;
        let found: Vec<_> = store.read(START).await.into_iter().map(|one| one.signal).collect();
        are_whole(&found, &batches, &way.to_string());
        for acknowledged in batches.iter().skip(1).step_by(2) {
            let is_there = acknowledged.iter().all(|signal| found.contains(signal));
            assert!(is_there, "what was acknowledged beside it is there, {way}");
        }
    }
    store.end().await;
}

pub(super) async fn a_reader_that_gave_up_has_lost_nothing(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    let appended = store.append(store.signals(10)).await;
    for waits in 1..=WAITS {
        give_up(store.log().read(START, 3), waits).await;
        give_up(store.log().bounds(), waits).await;
        give_up(store.log().load_part("nobody", "a"), waits).await;
        give_up(store.log().list_parts("nobody", "", 10), waits).await;
        let found = positions(&store.read(START).await);
        same(&found, &appended, "a read that was given up changes nothing");
    }
    let tail = store.log().tail();
    drop(tail.clone());
    let end = last(&store.append(store.signals(1)).await);
    assert!(*tail.borrow() >= end, "a tail that was given up does not hold up others");
    store.end().await;
}

pub(super) async fn parts_whose_storing_was_given_up_are_whole(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    for waits in 1..=WAITS {
        let owner = format!("owner {waits}");
        let changes = vec![put("one", b"1"), put("other", b"1")];
        give_up(store.log().store_parts(&owner, changes), waits).await;
        let acknowledged = vec![put("acknowledged", b"1")];
        store.store(&owner, acknowledged).await;
    }
    for way in store.ways() {
        store.go(*way).await;
        for waits in 1..=WAITS {
            let found = store.load(&format!("owner {waits}")).await;
            let with = pairs(&[("acknowledged", b"1"), ("one", b"1"), ("other", b"1")]);
            let without = pairs(&[("acknowledged", b"1")]);
            let is_whole = found == with || found == without;
            assert!(is_whole, "parts are there wholly or not at all, {way}: {found:?}");
        }
    }
    store.end().await;
}

pub(super) async fn what_is_stored_behind_a_change_that_was_given_up_counts(
    harness: &dyn LogHarness,
) {
    let mut store = Store::new(harness).await;
    for waits in 1..=WAITS {
        let owner = format!("owner {waits}");
        store.store(&owner, vec![put("gone", b"1")]).await;
        let changes = vec![put("one", b"given up"), put("gone", b"given up")];
        give_up(store.log().store_parts(&owner, changes), waits).await;
        store.store(&owner, vec![put("one", b"later"), gone("gone")]).await;
        // Whoever goes on with what was given up has its turn.
        store.store("another", vec![put("one", b"1")]).await;
    }
    for way in store.ways() {
        store.go(*way).await;
        for waits in 1..=WAITS {
            let found = store.load(&format!("owner {waits}")).await;
            let expected = pairs(&[("one", b"later")]);
            same(&found, &expected, format!("the later change counts, {way}"));
        }
    }
    store.end().await;
}
