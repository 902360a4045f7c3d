//! Large data: there wholly or not at all, and for as long as somebody holds it.

use std::time::Duration;

use foundation::Result;

use super::ask::{
    append, at_once, attempt, event, fails, ok, outcome, permit, queue, refuses, same, within,
};
use super::store::{Store, Way};
use super::{Harness, Setup};
use crate::append::{Append, Change, Limits};
use crate::blob::{BlobId, BlobWriter};
use crate::codes;
use crate::error::{is_refused, is_unknown};
use crate::load::Load;
use crate::options::Retention;
use crate::permit::Pressure;
use crate::stream::{Position, Shard};

const KEPT: Duration = Duration::from_secs(1000);
const NEARLY: Duration = Duration::from_secs(999);
/// More than a chunk of any engine, and no multiple of one.
const LARGE: usize = (2 << 20) + 7;

/// Bytes of which no two neighbours of a page are the same.
fn bytes(length: usize, seed: usize) -> Vec<u8> {
    let byte = |at: usize| u8::try_from((at / 7 + at % 251 + seed) % 256).unwrap_or(0);
    (0..length).map(byte).collect()
}

async fn begin(store: &mut Store<'_>, shard: u16) -> BlobWriter {
    let lease = store.lease(shard).await;
    store.journal().new_blob(&lease)
}

async fn add(blob: &mut BlobWriter, bytes: &[u8]) {
    ok(within("a blob is written", blob.write(bytes)).await, "a blob is written");
}

async fn finish(blob: BlobWriter) -> BlobId {
    ok(within("a blob is finished", blob.finish()).await, "a blob is finished")
}

/// A whole blob of the shard 0.
async fn write(store: &mut Store<'_>, bytes: &[u8]) -> BlobId {
    let mut blob = begin(store, 0).await;
    add(&mut blob, bytes).await;
    finish(blob).await
}

async fn try_read(store: &Store<'_>, blob: BlobId) -> Result<Vec<u8>> {
    let read = async { store.journal().read_blob(blob).await?.read_all(usize::MAX).await };
    within("a blob is read", read).await
}

async fn is_there(store: &Store<'_>, blob: BlobId, expected: &[u8], what: &str, way: Way) {
    let found = ok(try_read(store, blob).await, format!("{what}, {way}"));
    assert!(found == expected, "{what}, {way}: it has {} other bytes", found.len());
}

async fn is_gone(store: &mut Store<'_>, blob: BlobId, what: &str, way: Way) {
    let what = format!("{what}, {way}");
    fails(try_read(store, blob).await, codes::BLOB_NOT_FOUND, &what);
    let stream = store.stream(0, 50);
    let mut writer = store.writer(&stream).await;
    refuses(attempt(&mut writer, Append::new().hold(blob)).await, codes::BLOB_NOT_FOUND, &what);
}

async fn held(store: &Store<'_>, number: usize) -> Vec<BlobId> {
    let stream = store.stream(0, number);
    let holds = store.journal().holds(&stream, None, 100);
    ok(within("holds are listed", holds).await, "holds are listed")
}

fn short_lived() -> Setup {
    let retention = Retention { blobs_for: KEPT, ..Retention::default() };
    Setup { retention, ..Setup::default() }
}

pub(super) async fn a_blob_is_read_as_it_was_written(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let mut written = Vec::new();
    for (number, length) in [0, 1, 1000, LARGE].into_iter().enumerate() {
        let (mut blob, bytes) = (begin(&mut store, 0).await, bytes(length, number));
        let id = blob.id();
        for piece in bytes.chunks(300_001) {
            add(&mut blob, piece).await;
        }
        same(&finish(blob).await, &id, "a blob has the id that it was begun with");
        store.append(&stream, Append::new().hold(id)).await;
        written.push((id, bytes));
    }
    for way in store.ways() {
        store.go(*way).await;
        for (id, bytes) in &written {
            is_there(&store, *id, bytes, "a blob is read as it was written", *way).await;
        }
        let (id, large) = &written[3];
        let mut reader = ok(store.journal().read_blob(*id).await, "a blob is read");
        let length = u64::try_from(large.len()).unwrap_or(0);
        same(&reader.length(), &length, "a reader knows how long a blob is");
        let first = ok(within("there is more", reader.next()).await, "a blob is read");
        assert!(
            first.is_some_and(|first| large.starts_with(&first) && first.len() < large.len()),
            "a large blob is read in pieces, {way}"
        );
        let few = ok(store.journal().read_blob(*id).await, "a blob is read");
        let too_many = within("it is read", few.read_all(large.len() - 1)).await;
        fails(too_many, codes::TOO_LARGE, "no more is read than was allowed");
    }
    store.end().await;
}

pub(super) async fn a_blob_is_there_when_it_is_finished(harness: &dyn Harness) {
    let mut store = Store::with(harness, short_lived()).await;
    let bytes = bytes(LARGE, 1);
    let mut open = begin(&mut store, 0).await;
    add(&mut open, &bytes).await;
    let id = open.id();
    is_gone(&mut store, id, "what is being written is not there", Way::Written).await;
    store.settle().await;
    is_gone(&mut store, id, "what is being written is not there", Way::Settled).await;
    drop(open);
    for way in store.ways() {
        store.go(*way).await;
        is_gone(&mut store, id, "what was never finished is not there", *way).await;
    }
    store.pass(KEPT + Duration::from_secs(1));
    assert_eq!(store.retain().await.blobs, 1, "what was never finished is collected");
    store.end().await;
}

pub(super) async fn a_blob_that_nobody_holds_is_collected(harness: &dyn Harness) {
    let mut store = Store::with(harness, short_lived()).await;
    let (one, two) = (store.stream(0, 0), store.stream(0, 1));
    let (bytes, loose) = (bytes(LARGE, 2), write(&mut store, b"loose").await);
    let blob = write(&mut store, &bytes).await;
    store.append(&one, Append::new().hold(blob)).await;
    store.append(&two, event("held too").hold(blob)).await;
    store.pass(NEARLY);
    assert_eq!(store.retain().await.blobs, 0, "no blob has passed its time");
    is_there(&store, loose, b"loose", "a blob is kept for its time", Way::Settled).await;
    store.pass(Duration::from_secs(2));
    assert_eq!(store.retain().await.blobs, 1, "a blob that nobody holds is collected");
    is_gone(&mut store, loose, "a blob that nobody holds is collected", Way::Settled).await;
    store.append(&one, Append::new().release(blob)).await;
    store.pass(KEPT * 2);
    for way in store.ways() {
        store.go(*way).await;
        assert_eq!(store.retain().await.blobs, 0, "one of two still holds it, {way}");
        is_there(&store, blob, &bytes, "one of two still holds it", *way).await;
    }
    store.append(&two, Append::new().release(blob)).await;
    store.pass(NEARLY);
    assert_eq!(store.retain().await.blobs, 0, "its time begins when it is released");
    store.pass(Duration::from_secs(2));
    assert_eq!(store.retain().await.blobs, 1, "a blob that is released by all is collected");
    for way in store.ways() {
        store.go(*way).await;
        is_gone(&mut store, blob, "a blob that is released by all is collected", *way).await;
    }
    store.end().await;
}

pub(super) async fn a_blob_that_is_held_just_in_time_stays(harness: &dyn Harness) {
    let mut store = Store::with(harness, short_lived()).await;
    let stream = store.stream(0, 0);
    let blob = write(&mut store, b"in time").await;
    store.pass(KEPT * 2);
    // Nobody has looked yet, so it is there, and held again and again it stays.
    let mut writer = store.writer(&stream).await;
    append(&mut writer, Append::new().hold(blob)).await;
    append(&mut writer, Append::new().hold(blob)).await;
    append(&mut writer, Append::new().release(blob).hold(blob)).await;
    drop(writer);
    for way in store.ways() {
        store.go(*way).await;
        assert_eq!(store.retain().await.blobs, 0, "what is held is not collected, {way}");
        is_there(&store, blob, b"in time", "what is held is not collected", *way).await;
        same(&held(&store, 0).await, &[blob][..], "held twice is held once");
    }
    let now = Append::new().hold(blob).release(blob);
    store.append(&stream, now).await;
    same(&held(&store, 0).await, &[][..], "of two changes the later one counts");
    assert_eq!(store.retain().await.blobs, 0, "its time begins when it is released");
    store.pass(KEPT + Duration::from_secs(1));
    assert_eq!(store.retain().await.blobs, 1, "what was released is collected");
    store.end().await;
}

pub(super) async fn the_end_of_a_stream_releases_its_blobs(harness: &dyn Harness) {
    let mut store = Store::with(harness, short_lived()).await;
    let (one, two) = (store.stream(0, 0), store.stream(0, 1));
    let mut blobs = Vec::new();
    for number in 0..3 {
        blobs.push(write(&mut store, &bytes(10, number)).await);
    }
    for blob in &blobs {
        store.append(&one, Append::new().hold(*blob)).await;
    }
    store.append(&two, Append::new().hold(blobs[0])).await;
    store.settle().await;
    let late = write(&mut store, b"late").await;
    store.append(&one, Append::new().hold(late)).await;
    store.pass(KEPT * 2);
    store.append(&one, Append::tombstone()).await;
    assert_eq!(store.retain().await.blobs, 0, "their time begins when they are released");
    store.pass(KEPT + Duration::from_secs(1));
    assert_eq!(store.retain().await.blobs, 3, "the end of a stream releases what it holds");
    for way in store.ways() {
        store.go(*way).await;
        let bytes = bytes(10, 0);
        is_there(&store, blobs[0], &bytes, "another one still holds it", *way).await;
        is_gone(&mut store, blobs[1], "the end of a stream releases its blobs", *way).await;
        is_gone(&mut store, late, "the end of a stream releases its blobs", *way).await;
    }
    store.end().await;
}

pub(super) async fn what_a_stream_holds_is_listed(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (stream, other) = (store.stream(0, 0), store.stream(0, 1));
    let mut blobs = Vec::new();
    for number in 0..6 {
        let blob = write(&mut store, &bytes(10, number)).await;
        store.append(&stream, Append::new().hold(blob)).await;
        blobs.push(blob);
        if number == 2 {
            store.settle().await;
            store.append(&stream, Append::new().release(blobs[1])).await;
        }
    }
    store.append(&other, Append::new().hold(blobs[1])).await;
    blobs.remove(1);
    blobs.sort_unstable();
    for way in store.ways() {
        store.go(*way).await;
        same(&held(&store, 0).await, &blobs, format!("what a stream holds is listed, {way}"));
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = store.journal().holds(&stream, after, 2);
            let page = ok(within("holds are listed", page).await, "holds are listed");
            assert!(page.len() <= 2, "a page has no more than was asked for");
            after = page.last().copied();
            if after.is_none() {
                break;
            }
            paged.extend(page);
        }
        same(&paged, &blobs, format!("many pages give the same as one, {way}"));
        assert_eq!(held(&store, 7).await, [], "a stream without appends holds nothing");
    }
    store.append(&stream, Append::tombstone()).await;
    let holds = within("holds are listed", store.journal().holds(&stream, None, 1)).await;
    fails(holds, codes::STREAM_DELETED, "a deleted stream holds nothing");
    store.end().await;
}

pub(super) async fn a_hold_of_what_is_not_there_is_refused(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (stream, nothing) = (store.stream(0, 0), BlobId::new(Shard::new(0), 1));
    let mut writer = store.writer(&stream).await;
    append(&mut writer, event("there")).await;
    let refused = queue(&mut writer, event("not there").hold(nothing)).await;
    let refused = refuses(outcome(refused).await, codes::BLOB_NOT_FOUND, "it is not there");
    let detail = refused.details().get("blob").and_then(|blob| blob.as_str().map(str::to_owned));
    same(&detail, &Some(nothing.to_string()), "the error names the blob");
    let after = attempt(&mut writer, event("after")).await;
    refuses(after, codes::WRITER_FENCED, "a writer does not go on after a refusal");
    let loaded = store.load(&stream, Load::all()).await;
    same(&loaded.events.len(), &1, "what was refused is not there");
    // What is not held may be released.
    store.append(&stream, Append::new().release(nothing)).await;
    let other = BlobId::new(Shard::new(1), 1);
    let mut writer = store.writer(&stream).await;
    for other in [Append::new().hold(other), Append::new().release(other)] {
        let permit = permit(&writer).await;
        let what = "a blob is for the streams of its shard";
        refuses(writer.append(permit, other), codes::NO_SUCH_SHARD, what);
    }
    append(&mut writer, event("goes on")).await;
    let beyond = BlobId::new(Shard::new(99), 1);
    fails(try_read(&store, beyond).await, codes::NO_SUCH_SHARD, "there is no such shard");
    store.end().await;
}

pub(super) async fn the_log_tells_of_holds(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let stream = store.stream(0, 0);
    let blob = write(&mut store, b"told").await;
    store.append(&stream, Append::new().hold(blob)).await;
    store.append(&stream, Append::new().release(blob)).await;
    for way in store.ways() {
        store.go(*way).await;
        let log = store.log(Position::start(Shard::new(0)), 2).await;
        let changes: Vec<_> = log.into_iter().flat_map(|entry| entry.changes).collect();
        same(&changes, &[Change::Hold(blob), Change::Release(blob)][..], format!("{way}"));
    }
    store.end().await;
}

pub(super) async fn a_blob_has_a_limit(harness: &dyn Harness) {
    let limits = Limits { blob: 1000, ..Limits::default() };
    let mut store = Store::with(harness, Setup { limits, ..Setup::default() }).await;
    let at_limit = bytes(1000, 0);
    let blob = write(&mut store, &at_limit).await;
    is_there(&store, blob, &at_limit, "a blob may be as large as its limit", Way::Written).await;
    let mut over = begin(&mut store, 0).await;
    add(&mut over, &bytes(500, 0)).await;
    let more = within("a blob is written", over.write(&bytes(501, 0))).await;
    fails(more, codes::TOO_LARGE, "a blob may not be larger than its limit");
    let finished = within("a blob is finished", over.finish()).await;
    fails(finished, codes::INVALID_RECORD, "a blob of which something is missing is not finished");
    store.end().await;
}

pub(super) async fn a_blob_needs_a_lease(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    let (mut early, late) = (begin(&mut store, 0).await, begin(&mut store, 0).await);
    add(&mut early, &bytes(LARGE, 0)).await;
    let lease = store.acquire(0).await;
    let finished = within("a blob is finished", early.finish()).await;
    refuses(finished, codes::LEASE_LOST, "a blob is finished under its lease");
    let mut late = late;
    let written = within("a blob is written", late.write(&bytes(LARGE, 0))).await;
    refuses(written, codes::LEASE_LOST, "a blob is written under its lease");
    let mut again = store.journal().new_blob(&lease);
    add(&mut again, b"again").await;
    finish(again).await;
    let mut last = store.journal().new_blob(&lease);
    ok(within("a journal closes", store.journal().close()).await, "a journal closes");
    let closed = within("a blob is written", last.write(&bytes(LARGE, 0))).await;
    fails(closed, codes::STORE_CLOSED, "a closed journal takes no blobs");
    store.end().await;
}

pub(super) async fn a_blob_waits_for_its_turn(harness: &dyn Harness) {
    let pressure = Pressure { appends: 1, ..Pressure::default() };
    let mut store = Store::with(harness, Setup { pressure, ..Setup::default() }).await;
    let stream = store.stream(0, 0);
    let writer = store.writer(&stream).await;
    let held = permit(&writer).await;
    let mut blob = begin(&mut store, 0).await;
    let bytes = bytes(LARGE, 0);
    let waits = at_once(blob.write(&bytes)).await;
    assert!(waits.is_none(), "chunks wait for a permit as appends do");
    drop(held);
    let again = within("a blob is written", blob.write(&bytes)).await;
    let what = "after a call that was given up nobody knows what is written";
    fails(again, codes::INVALID_RECORD, what);
    drop(blob);
    let blob = write(&mut store, &bytes).await;
    is_there(&store, blob, &bytes, "permits are given back", Way::Written).await;
    store.end().await;
}

pub(super) async fn a_crash_leaves_a_blob_wholly_or_not_at_all(harness: &dyn Harness) {
    let mut store = Store::with(harness, short_lived()).await;
    if !store.survives() {
        return store.end().await;
    }
    let stream = store.stream(0, 0);
    let whole = write(&mut store, &bytes(LARGE, 3)).await;
    store.append(&stream, Append::new().hold(whole)).await;
    let lease = store.lease(0).await;
    let (mut open, journal) = (store.journal().new_blob(&lease), store.journal().clone());
    let id = open.id();
    let task = async move {
        // Until the crash.
        loop {
            if let Err(error) = open.write(&bytes(LARGE, 4)).await {
                return error;
            }
        }
    };
    drop(journal);
    let (sender, receiver) = tokio::sync::oneshot::channel();
    store.executor().execute(async move { drop(sender.send(task.await)) });
    within("something is written", async { tokio::task::yield_now().await }).await;
    store.crash().await;
    let error = ok(
        within("a blob is answered", receiver).await.map_err(|_| codes::STORE_CLOSED.into()),
        "whoever writes a blob is told",
    );
    assert!(is_refused(&error) || is_unknown(&error), "{}", error.report());
    is_gone(&mut store, id, "what was never finished is not there", Way::Crashed).await;
    is_there(&store, whole, &bytes(LARGE, 3), "what is held is there", Way::Crashed).await;
    store.pass(KEPT + Duration::from_secs(1));
    assert!(store.retain().await.blobs <= 1, "what was begun is collected");
    is_there(&store, whole, &bytes(LARGE, 3), "what is held is there", Way::Crashed).await;
    store.end().await;
}
