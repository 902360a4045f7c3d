//! A store of its own is made of one that is used.
//!
//! An engine may have none of this, and says so then.

use std::path::PathBuf;

use super::Harness;
use super::ask::{append, event, fails, ok, said, same, some, text, within};
use super::filled::fill;
use super::maintenance::looks_after;
use super::store::Store;
use super::turns::{of_one_moment, take_turns, turns_are_taken};
use crate::codes;
use crate::load::{Load, Loaded};
use crate::maintenance::BackedUp;
use crate::stream::{Position, Shard};

/// The path of that name for a backup.
fn path(store: &Store<'_>, name: &str) -> PathBuf {
    some(store.path(name), "a harness gives paths for the backups that its engine makes")
}

async fn back_up(store: &Store<'_>, to: &PathBuf) -> BackedUp {
    let done = within("a backup ends", store.journal().backup(to)).await;
    let done = ok(done, "a backup is made");
    same(&done.path, to, "a backup is where it was asked for");
    done
}

/// Everything that cases ask of a store that [`fill`] has filled.
async fn told_by(store: &Store<'_>) -> (Vec<Loaded>, Vec<String>, Vec<String>) {
    let (one, two) = (store.stream(0, 1), store.stream(1, 1));
    let states = vec![store.load(&one, Load::all()).await, store.load(&two, Load::all()).await];
    let answer = within("an answer is looked up", store.journal().answer(&one, "key", 7)).await;
    let mut texts = said(&ok(answer, "an answer is looked up"));
    for held in ok(store.journal().holds(&one, None, 10).await, "holds are listed") {
        let read = ok(store.journal().read_blob(held).await, "a blob is read");
        let bytes = ok(within("a blob is read", read.read_all(1000)).await, "a blob is read");
        texts.push(format!("{held} {}", String::from_utf8_lossy(&bytes)));
    }
    let start = |shard| Position::start(Shard::new(shard));
    let log = store.log(start(0), 4).await.into_iter().chain(store.log(start(1), 2).await);
    let signals = store.signals(start(0), 1).await;
    let read = log.map(|entry| format!("{entry:?}"));
    let read = read.chain(signals.iter().map(|entry| format!("{entry:?}")));
    (states, texts, read.collect())
}

pub(super) async fn a_backup_is_a_store_of_its_own(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    if !looks_after(&store).await {
        return store.end().await;
    }
    let filled = fill(&mut store).await;
    let mut copies = Vec::new();
    for way in store.ways() {
        store.go(*way).await;
        let (told, epoch) = (told_by(&store).await, store.lease(0).await.epoch());
        let to = path(&store, &format!("copy-{}", copies.len()));
        let (info, done) = (store.journal().info().await, back_up(&store, &to).await);
        let tables = ok(info, "a store tells of itself").tables;
        let rows: u64 = tables.iter().map(|(_, rows)| rows).sum();
        same(&done.rows, &rows, format!("every row is copied, {way}"));
        assert!(done.file_bytes > 0, "a backup has bytes, {way}");
        copies.push((to, told, epoch, *way));
    }
    // What becomes of the store is nothing to its copies.
    let one = store.stream(0, 1);
    store.append(&one, event("later").put("a", text("later"))).await;
    let later = store.load(&one, Load::all()).await;
    for (to, told, epoch, way) in &copies {
        let mut copy = store.open_backup(to).await;
        same(&told_by(&copy).await, told, format!("a backup has everything, {way}"));
        copy.is_deleted(&filled.deleted, *way).await;
        let lease = copy.lease(0).await;
        assert!(lease.epoch() > *epoch, "a backup goes on under later epochs, {way}");
        let version = append(&mut copy.writer(&one).await, event("its own")).await.version;
        same(&version, &told.0[0].version.next(), format!("a backup goes on by itself, {way}"));
        copy.end().await;
    }
    same(
        &store.load(&one, Load::all()).await,
        &later,
        "what a backup does is nothing to its store",
    );
    store.end().await;
}

pub(super) async fn a_backup_has_what_was_acknowledged_before_it(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    if !looks_after(&store).await {
        return store.end().await;
    }
    let done = take_turns(&mut store).await;
    let mut copies = Vec::new();
    for number in 0..3 {
        let to = path(&store, &format!("copy-{number}"));
        back_up(&store, &to).await;
        store.settle().await;
        copies.push(to);
    }
    turns_are_taken(&store, done).await;
    for to in copies {
        let copy = store.open_backup(&to).await;
        let first = copy.load(&store.stream(0, 0), Load::all()).await;
        let second = copy.load(&store.stream(1, 0), Load::all()).await;
        let what = "a backup has what was acknowledged, of one moment";
        of_one_moment(first.version.get(), second.version.get(), what);
        for (loaded, shard) in [(first, 0), (second, 1)] {
            let events = u64::try_from(loaded.events.len()).unwrap_or(0);
            same(&events, &loaded.version.get(), "a backup has whole streams");
            let start = Position::start(Shard::new(shard));
            let log = copy.log(start, loaded.events.len()).await;
            let versions = log.iter().map(|entry| entry.version.get());
            assert!(versions.eq(1..=events), "a backup has the log of its streams");
            let last = log.last().map(|entry| entry.position);
            same(&last, &Some(copy.log_end(shard)), "a backup has no more of the log");
        }
        copy.end().await;
    }
    store.end().await;
}

pub(super) async fn a_backup_takes_the_place_of_nothing(harness: &dyn Harness) {
    let mut store = Store::new(harness).await;
    if !looks_after(&store).await {
        return store.end().await;
    }
    fill(&mut store).await;
    let (told, to) = (told_by(&store).await, path(&store, "copy"));
    back_up(&store, &to).await;
    store.append(&store.stream(0, 1), event("later")).await;
    let again = within("a backup ends", store.journal().backup(&to)).await;
    fails(again, codes::STORE_EXISTS, "a backup takes the place of nothing");
    let refused = foundation::codes::STORE_REFUSED;
    for nowhere in [PathBuf::new(), path(&store, "missing").join("copy")] {
        let made = within("a backup ends", store.journal().backup(nowhere)).await;
        fails(made, refused, "a backup is made at a path, in a place that is there");
    }
    let copy = store.open_backup(&to).await;
    same(&told_by(&copy).await, &told, "what is there stays as it is");
    copy.end().await;
    // What was refused keeps nobody from making one.
    back_up(&store, &path(&store, "missing")).await;
    store.end().await;
}
