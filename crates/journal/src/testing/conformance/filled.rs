//! A store with something of everything in it, for cases on copies.

use super::ask::{answer, event, ok, signal, text, version, within};
use super::store::Store;
use crate::append::Append;
use crate::blob::BlobId;
use crate::stream::StreamId;

/// What a case appends to have everything in the store: what is there then, and what is not.
pub(super) struct Filled {
    /// Record, stream and text of what is in a row, or in an append until that is folded.
    pub(super) there: Vec<(&'static str, StreamId, String)>,
    /// Texts of what is in no row any more.
    pub(super) gone: Vec<String>,
    pub(super) held: BlobId,
    pub(super) deleted: StreamId,
}

pub(super) async fn fill(store: &mut Store<'_>) -> Filled {
    let (one, two, deleted) = (store.stream(0, 1), store.stream(1, 1), store.stream(0, 2));
    let until = store.time(1_000_000);
    let held = blob(store, b"what is held").await;
    let loose = blob(store, b"what is loose").await;
    let parts = event("an event").put("a", text("replaced")).put("b", text("kept"));
    let parts = parts.put("c", text("taken away")).signal(signal("told")).hold(held).hold(loose);
    store.append(&one, parts).await;
    let changes = Append::new().put("a", text("put instead")).delete("c").release(loose);
    store.append(&one, changes.answer(answer("key", 7, until))).await;
    store.append(&two, event("summed up")).await;
    store.append(&two, event("behind it").snapshot(version(1), text("the sum"))).await;
    store.append(&deleted, event("of no use").put("a", text("of no use either"))).await;
    store.append(&deleted, Append::tombstone()).await;
    let there = [
        ("events", &one, "an event"),
        ("part", &one, "kept"),
        ("part", &one, "put instead"),
        ("signal", &one, "kit.told"),
        ("answer", &one, "answer to key"),
        ("events", &two, "behind it"),
        ("snapshot", &two, "the sum"),
        ("hold", &one, &held.to_string()),
    ];
    let there = there.map(|(record, stream, said)| (record, stream.clone(), said.to_owned()));
    let gone = ["replaced", "taken away", "summed up", "of no use", "is loose"];
    let gone = gone.map(str::to_owned).into_iter().chain([loose.to_string()]).collect();
    Filled { there: there.to_vec(), gone, held, deleted }
}

/// A blob of the shard 0.
pub(super) async fn blob(store: &mut Store<'_>, bytes: &[u8]) -> BlobId {
    let lease = store.lease(0).await;
    let mut blob = store.journal().new_blob(&lease);
    ok(within("a blob is written", blob.write(bytes)).await, "a blob is written");
    ok(within("a blob is finished", blob.finish()).await, "a blob is finished")
}
