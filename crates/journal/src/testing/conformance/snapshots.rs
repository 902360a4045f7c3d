//! Snapshots, and the events that they replace.

use super::Harness;
use super::ask::{event, same, text, version};
use super::store::{Store, Way};
use crate::load::Load;
use crate::stream::StreamId;

async fn is(store: &Store<'_>, stream: &StreamId, state: (u64, &str), events: &[u64], way: Way) {
    let loaded = store.load(stream, Load::all()).await;
    let snapshot = Some((version(state.0), text(state.1)));
    same(&loaded.snapshot, &snapshot, format!("the latest snapshot is given, {way}"));
    let found: Vec<_> = loaded.events.iter().map(|event| event.version.get()).collect();
    same(&found, events, format!("events come after the snapshot, {way}"));
    let loaded = store.load(stream, Load::new().events_after(version(0))).await;
    let found: Vec<_> = loaded.events.iter().map(|event| event.version.get()).collect();
    same(&found, events, format!("events that a snapshot has replaced are gone, {way}"));
}

pub(super) async fn a_snapshot_replaces_the_events_up_to_it(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    for _ in 1..=5 {
        store.append(&stream, event("something").put("part", text("kept"))).await;
    }
    store.append(&stream, event("sixth").snapshot(version(3), text("three"))).await;
    for way in store.ways() {
        store.go(*way).await;
        is(&store, &stream, (3, "three"), &[4, 5, 6], *way).await;
        let loaded = store.load(&stream, Load::all()).await;
        same(&loaded.parts.len(), &1, format!("a snapshot leaves parts alone, {way}"));
    }
    store.append(&stream, event("seventh").snapshot(version(6), text("six"))).await;
    for way in store.ways() {
        store.go(*way).await;
        is(&store, &stream, (6, "six"), &[7], *way).await;
    }
    store.append(&stream, event("eighth")).await;
    for way in store.ways() {
        store.go(*way).await;
        is(&store, &stream, (6, "six"), &[7, 8], *way).await;
    }
    store.end().await;
}

pub(super) async fn a_snapshot_may_be_of_its_own_append(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (before, behind) = (store.stream(0, 0), store.stream(0, 1));
    for stream in [&before, &behind] {
        store.append(stream, event("first")).await;
    }
    store.append(&before, event("second").snapshot(version(2), text("two"))).await;
    let append = crate::append::Append::new().snapshot(version(2), text("two"));
    store.append(&behind, append.event(text("second"))).await;
    for way in store.ways() {
        store.go(*way).await;
        is(&store, &before, (2, "two"), &[], *way).await;
        is(&store, &behind, (2, "two"), &[], *way).await;
    }
    for stream in [&before, &behind] {
        store.append(stream, event("third")).await;
    }
    for way in store.ways() {
        store.go(*way).await;
        is(&store, &before, (2, "two"), &[3], *way).await;
        is(&store, &behind, (2, "two"), &[3], *way).await;
    }
    store.end().await;
}

pub(super) async fn an_older_snapshot_is_ignored(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (apart, together) = (store.stream(0, 0), store.stream(0, 1));
    for stream in [&apart, &together] {
        for _ in 1..=4 {
            store.append(stream, event("something")).await;
        }
        store.append(stream, event("fifth").snapshot(version(3), text("three"))).await;
    }
    // Of one stream the earlier snapshot is folded when the older one comes, of the other it is not.
    let sixth = || event("sixth").snapshot(version(2), text("two"));
    store.append(&together, sixth()).await;
    store.settle().await;
    store.append(&apart, sixth()).await;
    for way in store.ways() {
        store.go(*way).await;
        is(&store, &apart, (3, "three"), &[4, 5, 6], *way).await;
        is(&store, &together, (3, "three"), &[4, 5, 6], *way).await;
    }
    store.end().await;
}
