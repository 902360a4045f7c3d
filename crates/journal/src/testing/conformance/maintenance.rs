//! Looking after a store: what it tells of itself, and whether it is sound.
//!
//! An engine may have none of this: then every call says so, and there is nothing more to keep.

use std::io::{self, Write};

use foundation::Code;

use super::ask::{answer, event, fails, ok, same, signal, some, text, version, within};
use super::filled::blob;
use super::store::{Store, Way};
use super::turns::{take_turns, turns_are_taken};
use super::{Harness, Setup};
use crate::append::{Append, Payload};
use crate::codes;
use crate::error::gap_end;
use crate::maintenance::StoreInfo;
use crate::options::Retention;
use crate::stream::{Position, Shard};

/// Bytes of a payload that is larger than whatever is around it.
const LARGE: usize = 10_000;

/// What is written to it goes nowhere.
struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether the engine looks after its store. One that does not has to say so, whatever it is asked.
pub(super) async fn looks_after(store: &Store<'_>) -> bool {
    if within("a store tells of itself", store.journal().info()).await.is_ok() {
        return true;
    }
    nothing_is_done(store, codes::NOT_SUPPORTED).await;
    false
}

/// Fails unless everything that looks after a store is refused like that.
async fn nothing_is_done(store: &Store<'_>, code: Code) {
    let (journal, what) = (store.journal(), "nobody looks after what is no open store");
    let to = store.path("refused").unwrap_or_default();
    let errors = [
        ("info", fails(within(what, journal.info()).await, code, what)),
        ("scrub", fails(within(what, journal.scrub()).await, code, what)),
        ("backup", fails(within(what, journal.backup(to)).await, code, what)),
        ("export", fails(within(what, journal.export(Nowhere)).await, code, what)),
    ];
    for (operation, error) in errors {
        if code == codes::NOT_SUPPORTED {
            let said = error.details().get("operation").and_then(|said| said.as_str());
            same(&said, &Some(operation), "who does not support something says what it is");
        }
    }
}

async fn info(store: &Store<'_>) -> StoreInfo {
    ok(within("a store tells of itself", store.journal().info()).await, "a store tells of itself")
}

fn rows(info: &StoreInfo, table: &str) -> u64 {
    let found = info.tables.iter().find(|(name, _)| *name == table);
    some(found, format!("a store has a table {table}")).1
}

/// Appends something of everything to the streams 1 and 2 of the shard 0, and deletes the stream 3.
async fn fill(store: &mut Store<'_>) {
    let until = store.time(10_000);
    let large = Payload::new(1, vec![b'x'; LARGE]);
    for number in [1, 2] {
        let stream = store.stream(0, number);
        let what = event("one").put("a", large.clone()).put("b", text("b")).put("c", text("c"));
        store.append(&stream, what.signal(signal("one")).signal(signal("two"))).await;
        let what = event("two").answer(answer("key", 1, until)).delete("c");
        store.append(&stream, what.snapshot(version(1), text("snapshot"))).await;
    }
    let held = blob(store, &[b'x'; LARGE]).await;
    store.append(&store.stream(0, 1), Append::new().hold(held)).await;
    let gone = store.stream(0, 3);
    store.append(&gone, event("gone").put("a", text("gone"))).await;
    store.append(&gone, Append::tombstone()).await;
}

pub(super) async fn a_store_tells_what_is_in_it(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    if !looks_after(&store).await {
        return store.end().await;
    }
    fill(&mut store).await;
    for way in store.ways() {
        store.go(*way).await;
        let epoch = store.lease(0).await.epoch();
        let (told, journal) = (info(&store).await, store.journal());
        assert!((1..=told.known_format).contains(&told.format), "a format that is known, {way}");
        same(&told.durability, &journal.durability(), format!("what it promises, {way}"));
        same(&told.shards.len(), &2, format!("every shard is told, {way}"));
        same(&told.shards[0].epoch, &epoch, format!("the last epoch that was granted, {way}"));
        for (shard, number) in told.shards.iter().zip(0..) {
            same(&shard.shard, &Shard::new(number), format!("shards are in their order, {way}"));
            let end = store.log_end(number);
            same(&shard.log_end, &end, format!("the log ends where the journal says, {way}"));
            assert!(!shard.log_from.is_after(end), "a log begins before its end, {way}");
            assert!(!shard.signals_from.is_after(end), "signals begin before the end, {way}");
        }
        assert!(told.file_bytes > 0, "a store has bytes, {way}");
        let full = told.room.is_some_and(|room| room < told.reserve);
        same(&told.read_only, &full, format!("it is only read when there is no room, {way}"));
        assert!(!told.unsynced, "no sync has failed, {way}");
        if matches!(way, Way::Settled | Way::SettledAgain) {
            same(&told.unfolded_groups, &0, format!("housekeeping leaves nothing to do, {way}"));
            let expected =
                [("streams", 3), ("parts", 4), ("snapshots", 2), ("answers", 2), ("signals", 4)];
            for (table, expected) in expected.into_iter().chain([("blobs", 1), ("holds", 1)]) {
                same(&rows(&told, table), &expected, format!("rows of {table}, {way}"));
            }
        }
        let again = info(&store).await;
        same(&again.shards, &told.shards, format!("asking changes nothing, {way}"));
        same(&again.tables, &told.tables, format!("asking changes nothing, {way}"));
    }
    store.end().await;
}

pub(super) async fn a_store_tells_where_its_log_begins(harness: &dyn Harness) {
    let retention = Retention { log_bytes: 2000, signal_bytes: 2000, ..Retention::default() };
    let mut store = Store::with(harness, Setup { retention, ..Setup::default() }).await;
    if !looks_after(&store).await {
        return store.end().await;
    }
    let stream = store.stream(0, 0);
    for _ in 0..100 {
        store.append(&stream, event(&"x".repeat(100)).signal(signal("one of many"))).await;
    }
    store.retain().await;
    let start = Position::start(Shard::new(0));
    for way in store.ways() {
        store.go(*way).await;
        // There is always one behind where they begin.
        let last = store.append(&stream, event("last").signal(signal("last"))).await;
        store.settle().await;
        // More may be dropped at any time.
        let before = info(&store).await.shards.remove(0);
        let mut log = ok(store.journal().log(start), "a log is read");
        let log_gap = within("a reader is told", log.next()).await.err();
        let mut signals = ok(store.journal().signals(start), "signals are read");
        let signals_gap = within("a reader is told", signals.next()).await.err();
        let after = info(&store).await.shards.remove(0);
        let logs = (log_gap, before.log_from, after.log_from);
        let signals = (signals_gap, before.signals_from, after.signals_from);
        for ((gap, before, after), what) in [(logs, "the log"), (signals, "signals")] {
            let gap = gap.and_then(|gap| gap_end(&gap, Shard::new(0)));
            let gap = some(gap, format!("{what}: the first ones are gone, {way}"));
            let is_right = !before.is_after(gap) && !gap.is_after(after);
            assert!(is_right, "{what}: {before} and {after} is where {gap} ends a gap, {way}");
            assert!(before.is_after(start), "{what}: something is gone, {way}");
            assert!(!after.is_after(last.position), "{what}: it begins before its end, {way}");
        }
    }
    store.end().await;
}

pub(super) async fn a_sound_store_is_read_whole_and_found_sound(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    if !looks_after(&store).await {
        return store.end().await;
    }
    fill(&mut store).await;
    for way in store.ways() {
        store.go(*way).await;
        let scrubbed = within("a scrub ends", store.journal().scrub()).await;
        let scrubbed = ok(scrubbed, "a store is scrubbed");
        assert!(scrubbed.is_sound(), "a sound store is found sound, {way}: {scrubbed:?}");
        same(&scrubbed.damaged, &[][..], format!("what is not damaged is not told, {way}"));
        let read: Vec<_> = scrubbed.tables.iter().map(|table| (table.name, table.rows)).collect();
        same(&read, &info(&store).await.tables, format!("every row is read, {way}"));
        for table in &scrubbed.tables {
            let is_empty = table.rows == 0;
            assert!((table.bytes == 0) == is_empty, "each row has bytes, {way}: {table:?}");
            let is_large = ["parts", "chunks"].contains(&table.name) && *way == Way::Settled;
            let most = u64::try_from(LARGE).unwrap_or(u64::MAX);
            assert!(!is_large || table.bytes > most, "all of a row is read, {way}: {table:?}");
        }
        store.append(&store.stream(0, 1), event("goes on")).await;
    }
    store.end().await;
}

pub(super) async fn a_store_is_found_sound_while_others_write(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    if !looks_after(&store).await {
        return store.end().await;
    }
    let done = take_turns(&mut store).await;
    for _ in 0..5 {
        let scrubbed = within("a scrub ends", store.journal().scrub()).await;
        let scrubbed = ok(scrubbed, "a store is scrubbed");
        assert!(scrubbed.is_sound(), "what is written meanwhile is no damage: {scrubbed:?}");
        store.settle().await;
    }
    turns_are_taken(&store, done).await;
    store.end().await;
}

pub(super) async fn nobody_looks_after_a_closed_store(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    if !looks_after(&store).await {
        return store.end().await;
    }
    fill(&mut store).await;
    ok(within("a journal closes", store.journal().close()).await, "a journal closes");
    nothing_is_done(&store, codes::STORE_CLOSED).await;
    store.end().await;
}
