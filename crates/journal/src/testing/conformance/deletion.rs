//! The end of a stream.

use std::time::Duration;

use super::ask::{answer, append, attempt, event, fails, ok, same, signal, text, version, within};
use super::store::{Store, Way};
use super::{Harness, Setup};
use crate::append::{Append, Change, Wake};
use crate::codes;
use crate::error::is_refused;
use crate::load::Load;
use crate::options::Retention;
use crate::stream::{StreamId, Version};

/// A stream with one of everything.
async fn fill(store: &mut Store<'_>, stream: &StreamId) {
    let until = store.time(3_600_000);
    let all = event("happened")
        .put("part", text("value"))
        .signal(signal("said"))
        .answer(answer("key", 1, until))
        .wake(Wake::Now);
    store.append(stream, all).await;
    store.append(stream, event("later").snapshot(version(1), text("state"))).await;
}

async fn fill_and_delete(store: &mut Store<'_>, stream: &StreamId) {
    fill(store, stream).await;
    let deleted = store.append(stream, Append::tombstone()).await;
    assert_eq!(deleted.version, version(3), "a tombstone makes a version");
}

async fn is_free(store: &mut Store<'_>, stream: &StreamId, way: Way) {
    let loaded = store.load(stream, Load::all()).await;
    same(&loaded.version, &Version::NONE, format!("a free name is at version 0, {way}"));
    let empty = loaded.events.is_empty() && loaded.parts.is_empty() && loaded.snapshot.is_none();
    assert!(empty, "of a deleted stream nothing is left, {way}: {loaded:?}");
    same(&loaded.wake, &Wake::Never, format!("of a deleted stream nothing is left, {way}"));
    let answer = store.journal().answer(stream, "key", 1);
    let answer = ok(within("it is looked up", answer).await, "a free name has no answers");
    same(&answer, &None, format!("of a deleted stream nothing is left, {way}"));
    let listed = store.streams("case", None, 10).await;
    assert!(listed.iter().all(|info| info.stream != *stream), "a free name is no stream, {way}");
    let head = store.writer(stream).await.head();
    same(&head, &Version::NONE, format!("a free name begins at version 0, {way}"));
}

pub(super) async fn a_deleted_stream_is_refused(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (stream, other) = (store.stream(0, 0), store.stream(0, 1));
    fill(&mut store, &other).await;
    fill_and_delete(&mut store, &stream).await;
    for way in store.ways() {
        store.go(*way).await;
        store.is_deleted(&stream, *way).await;
        let listed = store.streams("case", None, 10).await;
        let listed: Vec<_> = listed.iter().map(|info| &info.stream).collect();
        same(&listed, &[&other], format!("deleted streams are not listed, {way}"));
        let due = store.due(0, store.now(), None, 10).await;
        let due: Vec<_> = due.iter().map(|due| &due.stream).collect();
        same(&due, &[&other], format!("deleted streams are not due, {way}"));
        let loaded = store.load(&other, Load::all()).await;
        same(&loaded.parts.len(), &1, format!("other streams are not deleted, {way}"));
    }
    store.end().await;
}

pub(super) async fn a_folded_stream_is_deleted_too(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    fill(&mut store, &stream).await;
    store.settle().await;
    store.append(&stream, Append::tombstone()).await;
    for way in store.ways() {
        store.go(*way).await;
        store.is_deleted(&stream, *way).await;
        let listed = store.streams("case", None, 10).await;
        same(&listed.len(), &0, format!("deleted streams are not listed, {way}"));
        let due = store.due(0, store.now(), None, 10).await;
        same(&due.len(), &0, format!("deleted streams are not due, {way}"));
    }
    store.end().await;
}

pub(super) async fn nothing_follows_a_tombstone(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    append(&mut writer, event("first")).await;
    let tombstone = super::ask::queue(&mut writer, Append::tombstone()).await;
    for what in ["queued behind it", "later"] {
        match attempt(&mut writer, event(what)).await {
            Ok(committed) => panic!("an append {what} follows a tombstone: {committed:?}"),
            Err(error) => assert!(is_refused(&error), "it is refused, {what}: {error:?}"),
        }
    }
    ok(super::ask::outcome(tombstone).await, "the tombstone is durable all the same");
    drop(writer);
    for way in store.ways() {
        store.go(*way).await;
        store.is_deleted(&stream, *way).await;
    }
    store.end().await;
}

pub(super) async fn a_name_is_free_after_the_retention_of_tombstones(harness: &dyn Harness) {
    const DAY: u64 = 24 * 3600;
    let retention = Retention { tombstones_for: Duration::from_secs(DAY), ..Retention::default() };
    let mut store = Store::with(harness, Setup { retention, ..Setup::default() }).await;
    let stream = store.stream(0, 0);
    fill_and_delete(&mut store, &stream).await;
    store.pass(Duration::from_secs(DAY - 1));
    for way in store.ways() {
        store.go(*way).await;
        assert_eq!(store.retain().await.tombstones, 0, "a tombstone is kept as long as it is to");
        store.is_deleted(&stream, *way).await;
    }
    store.pass(Duration::from_secs(2));
    assert_eq!(store.retain().await.tombstones, 1, "a tombstone is dropped when it is time");
    for way in store.ways() {
        store.go(*way).await;
        is_free(&mut store, &stream, *way).await;
    }
    let mut writer = store.writer(&stream).await;
    let committed = append(&mut writer, event("anew")).await;
    assert_eq!(committed.version, version(1), "a stream of a free name begins anew");
    let again = Append::new().answer(answer("key", 2, store.time(3600)));
    append(&mut writer, again).await;
    drop(writer);
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::all()).await;
        same(&loaded.version, &version(2), format!("a stream of a free name is there, {way}"));
        same(&loaded.events.len(), &1, format!("nothing of the old one is there, {way}"));
        let reused = within("it is looked up", store.journal().answer(&stream, "key", 1)).await;
        fails(reused, codes::KEY_REUSED, format!("its answers are its own, {way}"));
        assert_eq!(store.retain().await.tombstones, 0, "the new stream has no tombstone, {way}");
    }
    store.end().await;
}

pub(super) async fn the_log_tells_of_a_deletion(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    fill_and_delete(&mut store, &stream).await;
    for way in store.ways() {
        store.go(*way).await;
        let log = store.whole_log(0).await;
        let last = log.last().map(|entry| entry.changes.as_slice());
        same(&last, &Some([Change::Tombstone].as_slice()), format!("readers are told, {way}"));
        let signals = store.whole_signals(0).await;
        same(&signals.len(), &1, format!("signals are kept for their own time, {way}"));
    }
    store.end().await;
}
