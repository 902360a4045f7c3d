//! Everything is taken out of a store, as lines, while it is used.
//!
//! `docs/export.md` describes the lines. An engine may have none of this, and says so then.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::ask::{event, fails, ok, same, some, within};
use super::filled::fill;
use super::maintenance::looks_after;
use super::store::{Store, Way};
use super::turns::{of_one_moment, take_turns, turns_are_taken};
use super::{Harness, Setup};
use crate::codes;
use crate::export::Exported;
use crate::load::Load;
use crate::options::Retention;
use crate::stream::StreamId;
use crate::sync::Mutex;

const LIFE: Duration = Duration::from_secs(1000);

/// What is written to it is kept, for whoever has a clone.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

/// It takes so many bytes, and then no more.
struct Full(usize);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines of an export but for the first and the last, which are as they have to be.
async fn export(store: &Store<'_>) -> Vec<Value> {
    let kept = Kept::default();
    let exported = within("an export ends", store.journal().export(kept.clone())).await;
    let exported = ok(exported, "a store is exported");
    let bytes = std::mem::take(&mut *kept.0.lock());
    let mut lines = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let parsed = serde_json::from_slice::<Value>(line);
        lines.push(some(parsed.ok(), "each line is JSON"));
    }
    same(&bytes.last(), &Some(&b'\n'), "each line ends with a line feed");
    count(&exported, &lines, bytes.len());
    let (begin, end) = (lines.remove(0), some(lines.pop(), "there is a last line"));
    let durability = store.journal().durability().name();
    same(&begin["record"], &"export", "the first line says what it is");
    same(&begin["durability"], &durability, "the first line says what is promised");
    same(&begin["shards"], &2, "the first line says how many shards there are");
    same(&end["record"], &"end", "the last line says that it is whole");
    same(&end["lines"], &(exported.lines - 1), "the last line says how many are before it");
    let last = bytes.split_inclusive(|byte| *byte == b'\n').next_back().map_or(0, <[u8]>::len);
    let checksum = format!("{:08x}", crc32c::crc32c(&bytes[..bytes.len() - last]));
    same(&end["checksum"], &checksum.as_str(), "the last line has a checksum of those before it");
    lines
}

/// Fails unless an export says of itself what its lines are.
fn count(exported: &Exported, lines: &[Value], bytes: usize) {
    let of = |record| lines.iter().filter(|line| line["record"] == record).count();
    let counts = [
        (exported.lines, lines.len(), "lines"),
        (exported.bytes, bytes, "bytes"),
        (exported.streams, of("stream"), "streams"),
        (exported.blobs, of("blob"), "blobs"),
        (exported.appends, of("append"), "appends"),
        (exported.signals, of("signal"), "signals"),
    ];
    for (told, found, what) in counts {
        same(&told, &u64::try_from(found).unwrap_or(0), format!("an export counts its {what}"));
    }
}

/// Whether there is a line of that record and stream that has that text in it.
fn is_told(lines: &[Value], record: &str, stream: &StreamId, said: &str) -> bool {
    let stream = stream.to_string();
    let mut of_record = lines.iter().filter(|line| line["record"] == record);
    of_record.any(|line| line["stream"] == stream.as_str() && line.to_string().contains(said))
}

pub(super) async fn an_export_has_everything_but_what_was_deleted(harness: &dyn Harness) {
    let retention = Retention { blobs_for: LIFE, ..Retention::default() };
    let mut store = Store::with(harness, Setup { retention, ..Setup::default() }).await;
    if !looks_after(&store).await {
        return store.end().await;
    }
    let filled = fill(&mut store).await;
    store.pass(LIFE * 2);
    for way in store.ways() {
        store.go(*way).await;
        let is_settled = *way != Way::Written;
        if is_settled {
            store.retain().await;
        }
        let lines = export(&store).await;
        for (record, stream, said) in &filled.there {
            let is_there = is_told(&lines, record, stream, said)
                || (!is_settled && is_told(&lines, "append", stream, said));
            assert!(is_there, "{said:?} of {stream} is exported as {record}, {way}: {lines:#?}");
        }
        let held = filled.held.to_string();
        let of_blob = |record| {
            lines.iter().find(|line| line["record"] == record && line["blob"] == held.as_str())
        };
        let (blob, chunk) = (of_blob("blob"), of_blob("chunk"));
        let state = some(blob, format!("a blob is exported, {way}"));
        same(&state["state"], &"whole", format!("a blob that was finished is whole, {way}"));
        let bytes =
            &some(chunk, format!("what is in a blob is exported, {way}"))["payload"]["bytes"];
        same(&bytes["text"], &"what is held", format!("a blob is exported, {way}"));
        if is_settled {
            let rows = lines.iter().filter(|line| line["record"] != "append");
            let rows: Vec<_> = rows.map(ToString::to_string).collect();
            for gone in &filled.gone {
                let row = rows.iter().find(|row| row.contains(gone));
                same(&row, &None::<&String>, format!("{gone:?} is not exported, {way}"));
            }
            let is_deleted = is_told(&lines, "stream", &filled.deleted, "\"deleted\":true");
            assert!(is_deleted, "a deleted stream is exported as that, {way}");
        }
    }
    store.end().await;
}

/// At which version a stream is, of which an export has everything up to there.
fn reached(lines: &[Value], stream: &StreamId) -> u64 {
    let name = stream.to_string();
    let of_stream = |record| {
        let of_record = lines.iter().filter(move |line| line["record"] == record);
        let of_stream = of_record.filter(|line| line["stream"] == name.as_str());
        of_stream.filter_map(|line| line["version"].as_u64()).collect::<Vec<_>>()
    };
    let rows = of_stream("stream").first().copied().unwrap_or(0);
    let mut reached = rows;
    for version in of_stream("append").into_iter().filter(|version| *version > rows) {
        assert_eq!(version, reached + 1, "behind the rows of {stream} are its appends, in order");
        reached = version;
    }
    reached
}

pub(super) async fn an_export_has_what_was_acknowledged_before_it(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    if !looks_after(&store).await {
        return store.end().await;
    }
    let done = take_turns(&mut store).await;
    for _ in 0..4 {
        let lines = export(&store).await;
        let first = reached(&lines, &store.stream(0, 0));
        let second = reached(&lines, &store.stream(1, 0));
        of_one_moment(first, second, "an export has what was acknowledged, of one moment");
        store.settle().await;
    }
    turns_are_taken(&store, done).await;
    let lines = export(&store).await;
    for shard in 0..2 {
        let stream = store.stream(shard, 0);
        let version = store.load(&stream, Load::new()).await.version.get();
        assert_eq!(reached(&lines, &stream), version, "an export has what was acknowledged");
    }
    store.end().await;
}

pub(super) async fn an_export_that_fails_changes_nothing(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    if !looks_after(&store).await {
        return store.end().await;
    }
    fill(&mut store).await;
    let before = export(&store).await;
    for bytes in [0, 1, 300, 1000] {
        let exported = within("an export ends", store.journal().export(Full(bytes))).await;
        fails(exported, codes::EXPORT_FAILED, "what cannot be written is told");
        same(&export(&store).await, &before, "an export that fails changes nothing");
    }
    store.append(&store.stream(0, 1), event("goes on")).await;
    let lines = export(&store).await;
    let is_there = |record| is_told(&lines, record, &store.stream(0, 1), "goes on");
    assert!(is_there("events") || is_there("append"), "a journal goes on after an export");
    store.end().await;
}
