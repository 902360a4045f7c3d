//! Stores as earlier releases left them are opened, and hold what they held.
//!
//! `golden/v1.redb` was made by [`make`], `golden/v2.redb` by [`make_blobs`] too, in a folder that was
//! kept, and they are never changed; `v1.txt` and `v2.txt` are what [`describe`] says of them. A
//! release that writes another format adds a store of its own beside them. To make one, let
//! [`a_store_that_is_made_today_holds_the_same`] panic before its folder is gone, for example by an
//! expectation that is wrong, with `folder.keep()` in place of the folder.

use std::borrow::Cow;
use std::fmt::Write;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foundation::{Clock, Result, System};
use jiff::Timestamp;
use journal::{
    Answer, Append, BlobId, Codec, Journal, Load, Payload, Position, RedbOptions, Shard, Share,
    Signal, StreamId, Version, Wake, codes, is_refused,
};
use redb::{ReadableDatabase, TableHandle};

const V1: &[u8] = include_bytes!("golden/v1.redb");
const HELD: &str = include_str!("golden/v1.txt");
const V2: &[u8] = include_bytes!("golden/v2.redb");
const HELD_2: &str = include_str!("golden/v2.txt");
const SHARDS: NonZeroU16 = NonZeroU16::new(2).unwrap();

/// A clock that stands at the time at which the store was made.
#[derive(Debug)]
struct Then;

impl Clock for Then {
    fn now(&self) -> Timestamp {
        "2026-01-02T03:04:05.000006Z".parse().unwrap()
    }
}

/// Turns bytes round: payloads are written under key 7.
#[derive(Debug)]
struct Mirror;

impl Codec for Mirror {
    fn key_id(&self) -> u32 {
        7
    }

    fn encode<'a>(&self, _key_id: u32, payload: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        Ok(payload.iter().rev().copied().collect::<Vec<_>>().into())
    }

    fn decode(&self, key_id: u32, stored: &[u8]) -> Result<Vec<u8>> {
        assert_eq!(key_id, 7);
        Ok(stored.iter().rev().copied().collect())
    }
}

async fn system() -> System {
    System::builder().clock(Then).seed(7).start().await.unwrap()
}

fn options(path: &Path) -> RedbOptions {
    RedbOptions::new(path).shards(SHARDS).codec(Arc::new(Mirror))
}

async fn open(system: &System, path: &Path) -> Journal {
    options(path).open(system).await.unwrap()
}

fn stream(id: &str) -> StreamId {
    StreamId::new("account", id).unwrap()
}

fn text(text: &str) -> Payload {
    Payload::new(3, text.as_bytes())
}

/// An append of every kind of change that goes with others.
fn everything(tag: &str) -> Append {
    let say = |what: &str| text(&format!("{tag} {what}"));
    let answer = |key: &str, until| Answer {
        key: format!("{tag} {key}"),
        fingerprint: u128::MAX - 1,
        until,
        payload: say(key),
    };
    let signal =
        |routing: &str| Signal { class: 9, routing: routing.to_owned(), payload: say("signal") };
    Append::new()
        .event(say("event"))
        .event(Payload::new(u16::MAX, ""))
        .put("part", say("part"))
        .put([0, 255], say("bytes"))
        .put("gone", say("gone"))
        .delete("gone")
        .signal(signal("a.b"))
        .signal(signal("ü"))
        .answer(answer("key", Timestamp::UNIX_EPOCH))
        .answer(answer("last", Timestamp::MAX))
        .wake(Wake::At(Timestamp::from_microsecond(-1).unwrap()))
}

/// Makes the store: streams that are folded, and streams and changes that are not.
async fn make(journal: &Journal) {
    let snapshot = |at| Append::new().snapshot(Version::new(at), text("state"));
    let folded = [
        ("whole", everything("folded")),
        ("kept", everything("kept")),
        ("straddling", Append::new().event(text("1")).event(text("1 too"))),
        ("straddling", Append::new().event(text("2"))),
        ("straddling", Append::new().event(text("3")).wake(Wake::Now)),
        ("straddling", snapshot(2)),
        ("deleted", everything("deleted")),
        ("deleted", Append::tombstone()),
        ("deleted late", everything("late")),
    ];
    for (id, append) in folded {
        appended(journal, id, append).await;
    }
    journal.fold().await.unwrap();
    let unfolded = [
        ("whole", everything("unfolded").delete("part").snapshot(Version::new(1), text("state"))),
        ("new", everything("new").wake(Wake::At(Timestamp::MAX))),
        ("new", Append::new()),
        ("deleted late", Append::tombstone()),
        ("straddling", Append::new().event(text("5")).wake(Wake::Never)),
    ];
    for (id, append) in unfolded {
        appended(journal, id, append).await;
    }
}

async fn appended(journal: &Journal, id: &str, append: Append) {
    let lease = journal.acquire(stream(id).shard(SHARDS)).await.unwrap();
    let mut writer = journal.open(&lease, &stream(id)).await.unwrap();
    let permit = writer.permit(Share::New, 1_000).await.unwrap();
    writer.append(permit, append).unwrap().await.unwrap();
}

/// What format 2 brought: a blob that two streams hold, one that was released, one of which the
/// stream was deleted, and one that is being written.
async fn make_blobs(journal: &Journal) {
    let (one, other) = (blob(journal, b"one", 100_000).await, blob(journal, b"other", 1).await);
    let doomed = blob(journal, b"", 0).await;
    let folded = [
        ("holds", Append::new().hold(one).hold(other)),
        ("holds too", Append::new().event(text("held")).hold(one)),
        ("held, deleted", Append::new().hold(doomed)),
    ];
    for (id, append) in folded {
        appended(journal, id, append).await;
    }
    journal.fold().await.unwrap();
    let late = blob(journal, b"late", 3).await;
    let unfolded = [
        ("holds", Append::new().release(other).hold(late)),
        ("held, deleted", Append::tombstone()),
    ];
    for (id, append) in unfolded {
        appended(journal, id, append).await;
    }
    let lease = journal.acquire(Shard::new(1)).await.unwrap();
    journal.new_blob(&lease).write(&vec![7; 270_000]).await.unwrap();
}

/// A blob of the shard 0, in which the streams are that hold it.
async fn blob(journal: &Journal, piece: &[u8], pieces: usize) -> BlobId {
    let lease = journal.acquire(Shard::new(0)).await.unwrap();
    let mut blob = journal.new_blob(&lease);
    blob.write(&piece.repeat(pieces)).await.unwrap();
    blob.finish().await.unwrap()
}

/// Everything that is in the store, as text.
async fn describe(journal: &Journal) -> String {
    let mut out = String::new();
    for info in journal.streams("account", None, 100).await.unwrap() {
        writeln!(out, "{} {} {:?} {}", info.stream, info.version, info.wake, info.at).unwrap();
        let loaded = journal.load(&info.stream, Load::all()).await.unwrap();
        writeln!(out, "  {} {:?} {:?}", loaded.version, loaded.wake, loaded.snapshot).unwrap();
        for event in loaded.events {
            writeln!(out, "  event {} {} {:?}", event.version, event.at, event.payload).unwrap();
        }
        for part in loaded.parts {
            let key = part.key.escape_ascii();
            writeln!(out, "  part {key} {} {:?}", part.version, part.payload).unwrap();
        }
        for blob in journal.holds(&info.stream, None, 100).await.unwrap() {
            let bytes = journal.read_blob(blob).await.unwrap().read_all(1 << 30).await.unwrap();
            let start = bytes[..bytes.len().min(10)].escape_ascii();
            writeln!(out, "  blob {blob} {} {start}", bytes.len()).unwrap();
        }
        for tag in ["folded", "kept", "unfolded", "new"] {
            for key in ["key", "last"].map(|key| format!("{tag} {key}")) {
                let answer = journal.answer(&info.stream, &key, u128::MAX - 1).await.unwrap();
                if let Some(answer) = answer {
                    writeln!(out, "  answer {key} {answer:?}").unwrap();
                }
            }
        }
    }
    for id in ["deleted", "deleted late"] {
        let error = journal.load(&stream(id), Load::all()).await.unwrap_err();
        assert_eq!(error.code(), codes::STREAM_DELETED.name);
    }
    if let Err(error) = journal.load(&stream("held, deleted"), Load::all()).await {
        writeln!(out, "held, deleted: {}", error.code()).unwrap();
    }
    for shard in [0, 1].map(Shard::new) {
        for due in journal.due(shard, Timestamp::MAX, None, 100).await.unwrap() {
            writeln!(out, "due {shard} {} {}", due.since, due.stream).unwrap();
        }
        let (mut log, mut signals) = (Position::start(shard), Position::start(shard));
        let end = journal.end(shard).unwrap();
        let mut reader = journal.log(log).unwrap();
        let mut count = 0;
        while log != end && count < 100 {
            let entry = reader.next().await.unwrap();
            let (stream, version, at) = (&entry.stream, entry.version, entry.at);
            writeln!(out, "{} {stream} {version} {at}", entry.position).unwrap();
            for change in &entry.changes {
                let is_signal = matches!(change, journal::Change::Signal(_));
                count += usize::from(is_signal);
                writeln!(out, "  {change:?}").unwrap();
            }
            log = reader.position();
        }
        let mut reader = journal.signals(signals).unwrap();
        for _ in 0..count {
            let entry = reader.next().await.unwrap();
            let (stream, version, at) = (&entry.stream, entry.version, entry.at);
            writeln!(out, "signal {} {stream} {version} {at}", entry.position).unwrap();
            writeln!(out, "  {:?}", entry.signal).unwrap();
            signals = entry.position;
        }
        writeln!(out, "end {end} {}", signals.number()).unwrap();
    }
    out
}

/// Writes a store of an earlier release into a folder.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, a store of an earlier release")]
fn put(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

async fn holds_what_it_held(store: &[u8], held: &str) {
    let (_folder, path) = put(store);
    let system = system().await;
    // As it was left, once more after that, and when everything is folded.
    for fold in [false, false, true, false] {
        let journal = open(&system, &path).await;
        if fold {
            journal.fold().await.unwrap();
        }
        assert_eq!(describe(&journal).await, held);
        journal.close().await.unwrap();
    }
    let journal = open(&system, &path).await;
    let lease = journal.acquire(stream("whole").shard(SHARDS)).await.unwrap();
    let writer = journal.open(&lease, &stream("whole")).await.unwrap();
    assert_eq!(writer.head(), Version::new(2), "and it goes on");
    system.stop().await.unwrap();
}

#[tokio::test]
async fn a_store_of_version_1_holds_what_it_held() {
    holds_what_it_held(V1, HELD).await;
}

#[tokio::test]
async fn a_store_of_version_2_holds_what_it_held() {
    holds_what_it_held(V2, HELD_2).await;
}

#[tokio::test]
async fn a_store_that_is_made_today_holds_the_same() {
    for (format, held) in [(1, HELD), (2, HELD_2)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let system = system().await;
        let journal = options(&path).create_format(format).open(&system).await.unwrap();
        make(&journal).await;
        if format == 2 {
            make_blobs(&journal).await;
        }
        assert_eq!(describe(&journal).await, held);
        system.stop().await.unwrap();
    }
}

/// The tables of the file, without what keeps them.
fn tables(path: &Path) -> Vec<String> {
    let database = redb::Database::open(path).unwrap();
    let read = database.begin_read().unwrap();
    read.list_tables().unwrap().map(|table| table.name().to_owned()).collect()
}

#[tokio::test]
async fn a_store_of_version_1_has_no_blobs_until_its_format_is_raised() {
    let (_folder, path) = put(V1);
    let before = tables(&path);
    let system = system().await;
    let journal = open(&system, &path).await;
    let lease = journal.acquire(Shard::new(0)).await.unwrap();
    let nobody = BlobId::new(Shard::new(0), 1);
    let blob = journal.new_blob(&lease).finish().await.unwrap_err();
    let details = ["found", "needed"].map(|it| blob.details().get(it).unwrap().as_u64());
    assert_eq!((blob.code(), details), (codes::STORE_OLDER.name, [Some(1), Some(2)]));
    let mut writer = journal.open(&lease, &stream("holds")).await.unwrap();
    for append in [Append::new().hold(nobody), Append::new().release(nobody)] {
        let permit = writer.permit(Share::New, 100).await.unwrap();
        let refused = writer.append(permit, append).unwrap_err();
        assert!(refused.code() == codes::STORE_OLDER.name && is_refused(&refused));
    }
    assert_eq!(journal.read_blob(nobody).await.unwrap_err().code(), codes::BLOB_NOT_FOUND.name);
    assert_eq!(journal.holds(&stream("whole"), None, 9).await.unwrap(), []);
    // Whatever else is done, an earlier release finds nothing that it does not know.
    let permit = writer.permit(Share::New, 100).await.unwrap();
    writer.append(permit, everything("goes on")).unwrap().await.unwrap();
    appended(&journal, "kept", Append::tombstone()).await;
    journal.fold().await.unwrap();
    journal.retain().await.unwrap();
    journal.close().await.unwrap();
    assert_eq!(tables(&path), before);

    let journal = open(&system, &path).await;
    for _ in 0..2 {
        assert_eq!(journal.raise_format().await.unwrap(), 2);
        let id = blob_of_one(&journal).await;
        appended(&journal, "holds", Append::new().hold(id)).await;
    }
    journal.close().await.unwrap();
    assert_eq!(tables(&path).len(), before.len() + 5);
    let journal = open(&system, &path).await;
    let held = journal.holds(&stream("holds"), None, 9).await.unwrap();
    assert_eq!(held.len(), 2);
    let bytes = journal.read_blob(held[0]).await.unwrap().read_all(10).await.unwrap();
    assert_eq!(bytes, b"1");
    system.stop().await.unwrap();
}

async fn blob_of_one(journal: &Journal) -> BlobId {
    blob(journal, b"1", 1).await
}

#[tokio::test]
async fn a_store_is_created_in_no_format_that_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let system = system().await;
    for format in [0, 3, 255] {
        let refused = options(&path).create_format(format).open(&system).await.unwrap_err();
        assert_eq!(refused.code(), foundation::codes::INVALID_OPTIONS.name);
    }
    system.stop().await.unwrap();
}
