//! A stream has one writer.

use super::Harness;
use super::ask::{
    append, durable_first, event, permit, queue_events, refuses, same, try_queue, version,
};
use super::store::Store;
use crate::codes;
use crate::load::Load;

pub(super) async fn opening_a_stream_fences_the_writer_before(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut first = store.writer(&stream).await;
    append(&mut first, event("of the first")).await;
    let ready = permit(&first).await;
    let mut second = store.writer(&stream).await;
    assert_eq!(second.head(), version(1), "a writer begins where the stream is");
    let refused = first.append(ready, event("refused"));
    refuses(refused, codes::WRITER_FENCED, "the writer before is fenced");
    let committed = append(&mut second, event("of the second")).await;
    assert_eq!(committed.version, version(2), "the second writer goes on");
    let refused = try_queue(&mut first, event("refused")).await;
    refuses(refused, codes::WRITER_FENCED, "a fenced writer stays fenced");
    drop(second);
    let refused = try_queue(&mut first, event("refused")).await;
    refuses(refused, codes::WRITER_FENCED, "a fenced writer stays fenced when the other is gone");
    let mut third = store.writer(&stream).await;
    append(&mut third, event("of the third")).await;
    let refused = try_queue(&mut first, event("refused")).await;
    refuses(refused, codes::WRITER_FENCED, "a fenced writer stays fenced");
    drop((first, third));
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::all()).await;
        same(&loaded.version, &version(3), format!("a fenced writer appends nothing, {way}"));
    }
    store.end().await;
}

pub(super) async fn what_a_fenced_writer_had_queued_is_decided(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut before = 0;
    for _ in 0..20 {
        let mut first = store.writer(&stream).await;
        let tickets = queue_events(&mut first, 10).await;
        let second = store.writer(&stream).await;
        let seen = store.load(&stream, Load::new()).await.version;
        assert_eq!(second.head(), seen, "what was queued is durable or refused by then");
        let durable = durable_first(tickets, &[codes::WRITER_FENCED]).await;
        let head = version(before + durable);
        assert_eq!(second.head(), head, "the new writer has seen what is durable");
        drop((first, second));
        before += durable;
    }
    for way in store.ways() {
        store.go(*way).await;
        let loaded = store.load(&stream, Load::all()).await;
        same(&loaded.version, &version(before), format!("what was refused is not there, {way}"));
    }
    store.end().await;
}

pub(super) async fn fencing_is_for_one_stream(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (stream, other) = (store.stream(0, 0), store.stream(0, 1));
    let first = store.writer(&stream).await;
    let mut bystander = store.writer(&other).await;
    let tickets = queue_events(&mut bystander, 5).await;
    let second = store.writer(&stream).await;
    append(&mut bystander, event("not fenced")).await;
    let durable = durable_first(tickets, &[]).await;
    assert_eq!(durable, 5, "writers of other streams are not affected");
    drop((first, second, bystander));
    store.end().await;
}

pub(super) async fn dropping_a_fenced_writer_leaves_the_other_one(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let first = store.writer(&stream).await;
    let mut second = store.writer(&stream).await;
    drop(first);
    append(&mut second, event("of the second")).await;
    assert_eq!(store.journal().stats().writers, 1, "the stream still has its writer");
    drop(second);
    assert_eq!(store.journal().stats().writers, 0, "a writer that is dropped frees its stream");
    store.end().await;
}
