//! When signals were appended, and where that is.

use std::time::Duration;

use super::LogHarness;
use super::ask::{positions, same, same_list};
use super::store::Store;
use crate::log::{LogEntry, LogPosition, Retention};

const START: LogPosition = LogPosition::START;
const MICRO: Duration = Duration::from_micros(1);

/// Five times two signals, ten seconds apart, the first ones in ten seconds.
async fn fill(store: &Store<'_>) -> Vec<LogEntry> {
    for _ in 0..5 {
        store.pass(10);
        store.append(store.signals(1)).await;
        store.append(store.signals(1)).await;
    }
    store.pass(10);
    store.read(store.bounds().await.kept_after).await
}

pub(super) async fn entries_have_the_time_of_their_append(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let begin = store.now();
    let signal = store.signal(0);
    store.pass(100);
    store.append(vec![signal.clone(), store.signal(1)]).await;
    store.pass(100);
    store.append(vec![signal]).await;
    store.pass(100);
    for way in store.ways() {
        store.go(*way).await;
        let found: Vec<_> = store.read(START).await.into_iter().map(|entry| entry.at).collect();
        let expected = [100, 100, 200].map(|passed| begin + Duration::from_secs(passed));
        let what = "an entry has the time of its append, whatever that of its signal";
        same(&found, &expected, format!("{what}, {way}"));
    }
    store.end().await;
}

pub(super) async fn times_never_go_back(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    for way in store.ways() {
        store.go(*way).await;
        for passed in [10, -20, 5, -1000, 1100] {
            store.pass(passed);
            store.append(store.signals(2)).await;
        }
        let times: Vec<_> = store.read(START).await.iter().map(|entry| entry.at).collect();
        assert!(
            times.is_sorted(),
            "times of a log do not go back with the clock, {way}: {times:?}"
        );
        let latest = times.last().copied();
        same(&latest, &Some(store.now()), format!("they go on with the clock, {way}"));
    }
    store.end().await;
}

/// Fails unless every time is found where what is kept begins that is of that time or later.
async fn find_all(store: &Store<'_>, kept: &[LogEntry], when: &str) {
    for entry in kept {
        for time in [entry.at - MICRO, entry.at, entry.at + MICRO] {
            let from = store.position_at(time).await;
            let found = positions(&store.read(from).await);
            let later: Vec<_> = kept.iter().filter(|one| one.at >= time).cloned().collect();
            same(&found, &positions(&later), format!("all since {time} is found, {when}"));
        }
    }
}

pub(super) async fn a_time_is_found_as_a_position(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let begin = store.now();
    let all = fill(&store).await;
    for way in store.ways() {
        store.go(*way).await;
        find_all(&store, &all, &way.to_string()).await;
        let from = store.position_at(begin).await;
        same(&store.read(from).await, &all, format!("since the beginning there is all, {way}"));
    }
    let from = store.position_at(store.now()).await;
    let next = store.append(store.signals(2)).await;
    same_list(&positions(&store.read(from).await), &next, "since now there is what comes");
    store.end().await;
}

pub(super) async fn a_time_is_found_when_signals_were_dropped(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let begin = store.now();
    let all = fill(&store).await;
    store.retain(Retention::forever().count(5)).await;
    let kept = store.read(store.bounds().await.kept_after).await;
    assert!((5..=all.len()).contains(&kept.len()), "five signals are kept");
    for way in store.ways() {
        store.go(*way).await;
        find_all(&store, &kept, &way.to_string()).await;
        let from = store.position_at(begin).await;
        let what = "since a time that is no longer kept there is all that is";
        same(&store.read(from).await, &kept, format!("{what}, {way}"));
    }
    store.retain(Retention::forever().count(0)).await;
    let from = store.position_at(begin).await;
    let left = store.read(store.bounds().await.kept_after).await;
    same(&store.read(from).await, &left, "in a log of which all was dropped too");
    store.end().await;
}
