//! What is there after a crash. In a log that does not survive there is nothing to see.

use std::pin::pin;
use std::sync::Arc;

use super::LogHarness;
use super::ask::{begin, fails, pairs, positions, put, same, within};
use super::giving_up::are_whole;
use super::store::{Store, Way};
use crate::codes;
use crate::log::{LogPosition, Retention};

const START: LogPosition = LogPosition::START;

pub(super) async fn what_was_appended_is_there_after_a_crash(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let mut signals = Vec::new();
    for round in 0..5 {
        let batch = store.signals(round + 1);
        store.append(batch.clone()).await;
        signals.extend(batch);
        if store.survives() {
            store.go(Way::Crashed).await;
        }
        let found: Vec<_> = store.read(START).await.into_iter().map(|one| one.signal).collect();
        same(&found, &signals, format!("what was acknowledged is there after {round} crashes"));
    }
    store.end().await;
}

pub(super) async fn an_append_that_crashed_is_there_wholly_or_not_at_all(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    if !store.survives() {
        return store.end().await;
    }
    let mut batches = Vec::new();
    for waits in 1..=5 {
        let acknowledged = store.signals(2);
        store.append(acknowledged.clone()).await;
        let crashed = store.signals(3);
        let log = Arc::clone(store.log());
        let mut append = pin!(async move { log.append(crashed).await });
        let crashed = begin(append.as_mut(), waits).await;
        store.go(Way::Crashed).await;
        let found: Vec<_> = store.read(START).await.into_iter().map(|one| one.signal).collect();
        batches.push(acknowledged);
        // What came back is counted among what was acknowledged, by what is there.
        let known: usize = batches.iter().map(Vec::len).sum();
        let rest: Vec<_> = found.iter().skip(known).cloned().collect();
        let is_whole = rest.is_empty() || rest.len() == 3;
        assert!(is_whole, "an append that crashed is there wholly or not at all: {rest:?}");
        let is_acknowledged = matches!(crashed, Some(Ok(_)));
        assert!(!is_acknowledged || rest.len() == 3, "what was acknowledged is there");
        batches.push(rest);
        are_whole(&found, &batches, "after a crash");
    }
    store.end().await;
}

pub(super) async fn positions_and_times_go_on_behind_those_before(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let mut last = START;
    for way in store.ways().iter().cycle().take(6) {
        store.go(*way).await;
        store.pass(-100);
        for position in store.append(store.signals(3)).await {
            assert!(position > last, "positions are not given twice, {way}");
            last = position;
        }
    }
    let times: Vec<_> = store.read(START).await.iter().map(|entry| entry.at).collect();
    assert!(times.is_sorted(), "times do not go back over a crash: {times:?}");
    store.end().await;
}

pub(super) async fn what_was_dropped_stays_dropped(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let appended = store.append(store.signals(10)).await;
    store.retain(Retention::forever().count(4)).await;
    let bounds = store.bounds().await;
    let left = store.read(bounds.kept_after).await;
    for way in store.ways() {
        store.go(*way).await;
        same(&store.read(bounds.kept_after).await, &left, format!("what is kept is kept, {way}"));
        if left.len() < appended.len() {
            let page = within("a page comes", store.log().read(START, 10)).await;
            fails(page, codes::SIGNAL_GAP, format!("what was dropped stays so, {way}"));
        }
    }
    if store.drops_all_it_may() {
        store.retain(Retention::forever().count(0)).await;
        for way in store.ways() {
            store.go(*way).await;
            let next = store.append(store.signals(1)).await;
            let are_behind = next.iter().all(|one| appended.iter().all(|before| one > before));
            assert!(are_behind, "an emptied log knows where it was, {way}");
            let found = positions(&store.read(store.bounds().await.kept_after).await);
            assert!(found.ends_with(&next), "and has what comes, {way}");
        }
    }
    store.end().await;
}

pub(super) async fn parts_are_there_after_a_crash(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    for round in 0..5_u8 {
        store.store("owner", vec![put("round", &[round]), put("same", b"same")]).await;
        store.store(&format!("owner of {round}"), vec![put("a", b"")]).await;
        if store.survives() {
            store.go(Way::Crashed).await;
        }
        let found = store.load("owner").await;
        let expected = pairs(&[("round", &[round]), ("same", b"same")]);
        same(&found, &expected, format!("parts are there after {round} crashes"));
        let owners = store.owners().await.len();
        same(&owners, &(usize::from(round) + 2), format!("so are owners after {round}"));
    }
    store.end().await;
}
