//! What is appended is there, once, in order, as it was.

use serde_json::{Value, json};

use super::LogHarness;
use super::ask::{ok, positions, same, same_list};
use super::store::Store;
use crate::log::LogPosition;
use crate::signal::{Data, Signal};

const START: LogPosition = LogPosition::START;

pub(super) async fn positions_rise_in_the_order_of_appends(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let (mut appended, mut signals) = (Vec::new(), Vec::new());
    for way in store.ways() {
        store.go(*way).await;
        for _ in 0..10 {
            let signal = store.signal(signals.len());
            appended.extend(store.append(vec![signal.clone()]).await);
            signals.push(signal);
        }
        let is_rising = appended.is_sorted_by(|a, b| a < b);
        assert!(is_rising, "positions rise, {way}: {appended:?}");
        assert!(appended.iter().all(|one| *one > START), "nothing is at the start, {way}");
        let found = store.read(START).await;
        same_list(&positions(&found), &appended, format!("everything is where it was said, {way}"));
        let found: Vec<_> = found.into_iter().map(|entry| entry.signal).collect();
        same(&found, &signals, format!("everything is there in order, {way}"));
    }
    store.end().await;
}

/// Signals that have everything that signals can have.
fn of_all_kinds(store: &Store<'_>) -> Vec<Signal> {
    let draft = || Signal::new("kit.kinds.Of-all_2", "/kit?a=b#c");
    let time = store.now();
    let stamped = draft()
        .id("an id: ü")
        .time(time)
        .subject("what it is about: ü ∑")
        .content_type("application/json; charset=utf-8")
        .schema("https://example.com/schema")
        .extension("yes", true)
        .extension("number", -7)
        .extension("text", "Text, with \"quotes\"")
        .json(json!({ "null": null, "list": [1, -2, 0.5, "ü"], "large": u64::MAX, "": {} }))
        .build();
    let untimed = draft().id("2").build();
    let mut signals = vec![ok(stamped, "a signal is made"), ok(untimed, "a signal is made")];
    for data in [
        Data::None,
        Data::Json(Value::Null),
        Data::Json(json!("a text")),
        Data::Text("<a text='that is no JSON'/>".into()),
        Data::Binary(vec![0, 1, 127, 128, 255].into()),
        Data::Binary(Vec::new().into()),
        Data::Text("".into()),
    ] {
        signals.push(ok(draft().id("3").time(time).data(data).build(), "a signal is made"));
    }
    signals
}

pub(super) async fn signals_come_back_as_they_were(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let signals = of_all_kinds(&store);
    store.append(signals.clone()).await;
    for way in store.ways() {
        store.go(*way).await;
        let found: Vec<_> = store.read(START).await.into_iter().map(|one| one.signal).collect();
        same(&found, &signals, format!("signals are as they were, {way}"));
    }
    store.end().await;
}

pub(super) async fn an_append_is_next_to_each_other_and_in_order(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let (mut signals, mut appended) = (Vec::new(), Vec::new());
    for count in [3, 1, 7, 2] {
        let batch = store.signals(count);
        appended.extend(store.append(batch.clone()).await);
        signals.extend(batch);
    }
    for way in store.ways() {
        store.go(*way).await;
        let found = store.read(START).await;
        same_list(&positions(&found), &appended, format!("each is where it was said, {way}"));
        let found: Vec<_> = found.into_iter().map(|entry| entry.signal).collect();
        same(&found, &signals, format!("appends are in their order, {way}"));
    }
    store.end().await;
}

pub(super) async fn an_append_of_nothing_does_nothing(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    store.append(Vec::new()).await;
    same(&store.read(START).await.len(), &0, "an append of nothing appends nothing");
    let signals = store.signals(2);
    let appended = store.append(signals).await;
    store.append(Vec::new()).await;
    for way in store.ways() {
        store.go(*way).await;
        let found = positions(&store.read(START).await);
        same(&found, &appended, format!("an append of nothing appends nothing, {way}"));
    }
    store.end().await;
}

pub(super) async fn a_large_append_is_whole(harness: &dyn LogHarness) {
    let mut store = Store::new(harness).await;
    let signals = store.signals(3000);
    let before = store.append(store.signals(1)).await;
    let appended = store.append(signals.clone()).await;
    let after = store.append(store.signals(1)).await;
    for way in store.ways() {
        store.go(*way).await;
        let found = store.read_in_pages(START, 1000).await;
        let expected: Vec<_> =
            [&before, &appended, &after].into_iter().flatten().copied().collect();
        same_list(&positions(&found), &expected, format!("a large append is whole, {way}"));
        let found = found.into_iter().skip(1).map(|entry| entry.signal);
        let is_same = found.take(signals.len()).eq(signals.iter().cloned());
        assert!(is_same, "a large append is in order, {way}");
    }
    store.end().await;
}

pub(super) async fn a_signal_that_is_appended_twice_is_there_twice(harness: &dyn LogHarness) {
    let store = Store::new(harness).await;
    let signal = store.signal(1);
    store.append(vec![signal.clone(), signal.clone()]).await;
    store.append(vec![signal.clone()]).await;
    let found: Vec<_> = store.read(START).await.into_iter().map(|entry| entry.signal).collect();
    same(&found, &vec![signal; 3], "a log does not ask whether it has a signal already");
    store.end().await;
}
