//! Stores as earlier releases left them are opened, and hold what they held.
//!
//! `golden/v1.redb` was made by [`make`] in a folder that was kept, and is never changed; `v1.txt` is
//! what [`describe`] says of it. A release that writes another format adds a store of its own beside
//! it. To make one, let [`a_store_that_is_made_today_holds_the_same`] panic before its folder is
//! gone, for example by an expectation that is wrong, with `folder.keep()` in place of the folder.

use std::borrow::Cow;
use std::fmt::Write;
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;

use foundation::{Clock, Result, System};
use jiff::Timestamp;
use journal::{
    Answer, Append, Codec, Journal, Load, Payload, Position, RedbOptions, Shard, Share, Signal,
    StreamId, Version, Wake, codes,
};

const V1: &[u8] = include_bytes!("golden/v1.redb");
const HELD: &str = include_str!("golden/v1.txt");
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
    System::builder().clock(Then).start().await.unwrap()
}

async fn open(system: &System, path: &Path) -> Journal {
    let options = RedbOptions::new(path).shards(SHARDS).codec(Arc::new(Mirror));
    options.open(system).await.unwrap()
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

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, a store of an earlier release")]
async fn a_store_of_version_1_holds_what_it_held() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    std::fs::write(&path, V1).unwrap();
    let system = system().await;
    // As it was left, once more after that, and when everything is folded.
    for fold in [false, false, true, false] {
        let journal = open(&system, &path).await;
        if fold {
            journal.fold().await.unwrap();
        }
        assert_eq!(describe(&journal).await, HELD);
        journal.close().await.unwrap();
    }
    let journal = open(&system, &path).await;
    let lease = journal.acquire(stream("whole").shard(SHARDS)).await.unwrap();
    let writer = journal.open(&lease, &stream("whole")).await.unwrap();
    assert_eq!(writer.head(), Version::new(2), "and it goes on");
    system.stop().await.unwrap();
}

#[tokio::test]
async fn a_store_that_is_made_today_holds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let system = system().await;
    let journal = open(&system, &path).await;
    make(&journal).await;
    assert_eq!(describe(&journal).await, HELD);
    system.stop().await.unwrap();
}
