//! Appends that expect a version.

use super::Harness;
use super::ask::{append, event, ok, outcome, queue, refuses, same, try_queue, version};
use super::store::Store;
use crate::append::Append;
use crate::codes;
use crate::load::Load;
use crate::stream::Version;

pub(super) async fn an_append_that_expects_another_version_is_refused(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    append(&mut writer, event("first").expecting(Version::NONE)).await;
    append(&mut writer, event("second").expecting(version(1))).await;
    for wrong in [0, 1, 3, u64::MAX] {
        let append = event("refused").put("part", super::ask::text("refused"));
        let refused = try_queue(&mut writer, append.expecting(version(wrong))).await;
        refuses(
            refused,
            codes::VERSION_CONFLICT,
            format!("the stream is at 2, and not at {wrong}"),
        );
        assert_eq!(writer.head(), version(2), "a refused append makes no version");
    }
    let committed = append(&mut writer, event("third").expecting(version(2))).await;
    assert_eq!(committed.version, version(3), "a writer goes on after a conflict");
    drop(writer);
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::all()).await;
        same(&loaded.version, &version(3), format!("conflicts make no version, {way}"));
        same(&loaded.events.len(), &3, format!("nothing of a conflict was written, {way}"));
        same(&loaded.parts.len(), &0, format!("nothing of a conflict was written, {way}"));
        let mut writer = store.writer(&stream).await;
        let refused = try_queue(&mut writer, Append::new().expecting(version(2))).await;
        refuses(refused, codes::VERSION_CONFLICT, format!("a stale version is refused, {way}"));
    }
    store.end().await;
}

pub(super) async fn what_is_queued_counts_for_what_is_expected(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    let first = queue(&mut writer, event("first").expecting(version(0))).await;
    let second = queue(&mut writer, event("second").expecting(version(1))).await;
    let refused = try_queue(&mut writer, event("refused").expecting(version(1))).await;
    refuses(refused, codes::VERSION_CONFLICT, "the head with what is queued is at 2");
    let third = queue(&mut writer, event("third").expecting(version(2))).await;
    for (ticket, number) in [first, second, third].into_iter().zip(1..) {
        let committed = ok(outcome(ticket).await, "what was expected with the queue is durable");
        assert_eq!(committed.version, version(number), "versions are those that were expected");
    }
    drop(writer);
    store.end().await;
}

pub(super) async fn a_conflict_does_not_touch_other_streams(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (stream, other) = (store.stream(0, 0), store.stream(0, 1));
    let (mut writer, mut bystander) = (store.writer(&stream).await, store.writer(&other).await);
    let before = queue(&mut bystander, event("before")).await;
    let refused = try_queue(&mut writer, event("refused").expecting(version(7))).await;
    refuses(refused, codes::VERSION_CONFLICT, "a stream without appends is not at 7");
    let after = queue(&mut bystander, event("after")).await;
    ok(outcome(before).await, "appends of others become durable");
    ok(outcome(after).await, "appends of others become durable");
    let committed = append(&mut writer, event("first")).await;
    assert_eq!(committed.version, version(1), "a refused append makes no version");
    drop((writer, bystander));
    store.end().await;
}
