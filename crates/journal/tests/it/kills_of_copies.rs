//! Processes that are killed with SIGKILL in the middle of compacting a store, or of copying one that
//! is written to.
//!
//! A compaction loses nothing. A copy is whole, or not there under its name; what is left of it beside
//! is no store, and the next one is made all the same.

use std::num::NonZeroU32;
use std::path::Path;

use fastrand::Rng;
use foundation::System;
use journal::{Append, Durability, Load, OfflineStore, Payload, StreamId, Version};
use testkit::for_each_seed;

use crate::child::{self, Child, Said, append_of, copy_of, stream};
use crate::contents::{append, dump, header, names_in, options, read_file, write, write_file};
use crate::kills::{Durable, File};
use crate::model::Model;

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// For some milliseconds at most; each order of them is as likely.
fn spin(random: &mut Rng) {
    let most = 1 << random.u32(4..20);
    for turn in 0..random.u32(..most) {
        std::hint::black_box(turn);
    }
}

fn large() -> StreamId {
    StreamId::new("large", "one").unwrap()
}

/// Writes a store with every kind of row, and with much that is free in the middle of it.
async fn write_wasteful(path: &Path) {
    const PARTS: u8 = 48;
    let put = |n: u8| Append::new().put(vec![n], Payload::new(1, vec![n; 30_000]));
    let system = System::builder().start().await.unwrap();
    let journal = options(path).open(&system).await.unwrap();
    append(&journal, &large(), (0..PARTS * 2).map(put).collect()).await;
    journal.fold().await.unwrap();
    write(&journal).await;
    let delete = |n: u8| Append::new().delete(vec![n]);
    append(&journal, &large(), (0..PARTS).map(delete).collect()).await;
    journal.fold().await.unwrap();
    journal.close().await.unwrap();
    system.stop().await.unwrap();
}

/// Everything that the store tells.
async fn told_by(path: &Path) -> Vec<String> {
    let system = System::builder().start().await.unwrap();
    let journal = options(path).open(&system).await.unwrap();
    let mut told = dump(&journal).await;
    told.push(format!("{:?}", journal.load(&large(), Load::all()).await));
    journal.close().await.unwrap();
    system.stop().await.unwrap();
    told
}

/// What kills have hit of compactions.
#[derive(Debug, Default)]
struct Hits {
    kills: u32,
    /// Between the beginning and the end of one.
    unclosed: u32,
    /// In the first one of a process, when it had made the file smaller.
    moving: u32,
}

/// A process compacts the store and is killed.
fn kill_compaction(path: &Path, random: &mut Rng, hits: &mut Hits) {
    let before = read_file(path).len();
    let mut child = Child::compacting(path);
    // Somewhere behind one of its commits, or of its openings and closings.
    for _ in 0..random.u32(1..12) {
        let header_before = header(path);
        while header(path) == header_before {
            assert!(child.is_running(), "it compacts until it is killed");
        }
    }
    spin(random);
    child.kill();
    let mut compactions = 0;
    while let Some(said) = child.said() {
        compactions += u32::from(matches!(said, Said::Ended(_)));
    }
    assert!(!child.wait(), "it was killed");

    let (after, verified) = (read_file(path).len(), OfflineStore::at(path).verify().unwrap());
    assert!(verified.is_sound(), "{verified:?}");
    assert!(!verified.unsynced, "no sync has failed");
    hits.kills += 1;
    hits.unclosed += u32::from(!verified.closed);
    hits.moving += u32::from(!verified.closed && compactions == 0 && after < before);
}

#[test]
fn a_compaction_that_was_killed_has_lost_nothing_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    block_on(write_wasteful(&path));
    let image = read_file(&path);
    let told = block_on(told_by(&path));
    write_file(&path, &image);
    let compacted = OfflineStore::at(&path).compact().unwrap();
    assert!(compacted.after + 1_000_000 < compacted.before, "{compacted:?}");
    let mut hits = Hits::default();
    for_each_seed(NonZeroU32::new(12).unwrap(), |seed| {
        let mut random = Rng::with_seed(seed);
        write_file(&path, &image);
        for _ in 0..random.u32(2..5) {
            kill_compaction(&path, &mut random, &mut hits);
            if random.u8(..4) == 0 {
                // Opened in between, it is repaired.
                assert!(block_on(told_by(&path)) == told);
            }
        }
        let again = OfflineStore::at(&path).compact().unwrap();
        assert!(again.after <= compacted.after, "{again:?}, and undisturbed {compacted:?}");
        let verified = OfflineStore::at(&path).verify().unwrap();
        assert!(verified.is_sound() && verified.closed, "{verified:?}");
        assert_eq!(names_in(folder.path()), ["store.redb"]);
        assert!(block_on(told_by(&path)) == told);
    });
    println!("{hits:?}");
    assert!(hits.unclosed * 2 > hits.kills && hits.moving * 16 > hits.kills, "{hits:?}");
}

/// What was left by processes that were killed while they made copies.
#[derive(Debug, Default)]
struct Left {
    kills: u32,
    /// Copies that are in their place.
    copies: u32,
    /// Those of which nobody was told that they are.
    untold: u32,
    /// What is beside the place of one that was not finished.
    unfinished: u32,
    /// Those that nothing was lacking but their name.
    unnamed: u32,
    /// Appends of copies that came after they were begun.
    meanwhile: u64,
}

/// A copy is a whole store that has everything that was durable when it was begun, and nothing that
/// the store has not. Gives how many appends came in between.
async fn verify_copy(of: &File<'_>, path: &Path, begun: Durable) -> u64 {
    let verified = OfflineStore::at(path).verify().unwrap();
    assert!(verified.is_sound(), "{verified:?}");
    let system = System::builder().start().await.unwrap();
    let copy = child::options(path, of.durability).open(&system).await.unwrap();
    let (mut model, mut meanwhile) = (Model::new(2), 0);
    for (number, (begun, most)) in (0..).zip(begun.into_iter().zip(of.durable)) {
        for version in 1..=most {
            model.send(&stream(number), append_of(number, version));
        }
        for version in 1..=begun {
            model.acknowledge(&stream(number), Version::new(version));
        }
    }
    model.verify(&copy).await.unwrap();
    for (number, begun) in (0..).zip(begun) {
        meanwhile += model.sent(&stream(number)) - begun;
    }
    copy.close().await.unwrap();
    system.stop().await.unwrap();
    meanwhile
}

/// What a kill has left beside the place of a copy is taken for no store, unless it is a whole one,
/// of an earlier process perhaps.
async fn verify_unfinished(of: &File<'_>, beside: &Path, left: &mut Left) {
    left.unfinished += 1;
    let why = match OfflineStore::at(beside).verify() {
        Ok(verified) if verified.is_sound() => {
            left.unnamed += 1;
            verify_copy(of, beside, [0; 4]).await;
            return;
        }
        Ok(_) => "store_corrupt".to_owned(),
        Err(error) => error.code().to_owned(),
    };
    assert!(["store_corrupt", "store_foreign"].contains(&why.as_str()), "{why}");
    let system = System::builder().start().await.unwrap();
    let opened = child::options(beside, of.durability).open(&system).await;
    assert_eq!(opened.unwrap_err().code(), why);
    system.stop().await.unwrap();
}

/// A process writes and makes copies, from that one on, and is killed.
fn kill_copying(file: &mut File<'_>, first: u64) {
    let mut child = Child::copying(file.path, file.durability, first);
    let number = first + file.random.u64(..3);
    loop {
        let said = child.said().expect("it makes copies until it is killed");
        file.hear(&said);
        if said == Said::Begun(number) {
            break;
        }
    }
    // Somewhere behind one of the commits of that copy, or when it is in its place.
    let to = copy_of(file.path, number);
    let beside = to.with_extension("redb.new");
    for _ in 0..file.random.u32(..24) {
        let header_before = header(&beside);
        while header(&beside) == header_before && header(&to).is_none() {
            assert!(child.is_running(), "it makes copies until it is killed");
        }
    }
    spin(&mut file.random);
    file.kill(child);
}

/// What is in the folder of a store with so many copies.
fn names(copies: u64) -> Vec<String> {
    let copies = (0..copies).map(|number| format!("copy-{number}.redb"));
    let mut names: Vec<_> = copies.chain(["store.redb".to_owned()]).collect();
    names.sort();
    names
}

/// Looks at what a process that made copies from that one on has left. Gives which one comes next.
fn verify_copies(file: &mut File<'_>, first: u64, left: &mut Left) -> u64 {
    left.kills += 1;
    // The store has all that was acknowledged.
    block_on(file.verify());
    let folder = file.path.parent().unwrap();
    let mut found = names_in(folder);
    let mut next = first;
    for (number, begun) in file.begun.split_off(&first) {
        let (to, is_told) = (copy_of(file.path, number), file.ended >= Some(number));
        if header(&to).is_none() {
            assert!(!is_told, "{number} was said to be made: {found:?}");
            continue;
        }
        next = number + 1;
        left.copies += 1;
        left.untold += u32::from(!is_told);
        left.meanwhile += block_on(verify_copy(file, &to, begun));
    }
    let beside = copy_of(file.path, next).with_extension("redb.new");
    let name = beside.file_name().unwrap().to_str().unwrap();
    if let Some(at) = found.iter().position(|found| found == name) {
        found.remove(at);
        block_on(verify_unfinished(file, &beside, left));
    }
    assert_eq!(found, names(next), "nothing else is left");
    next
}

/// Makes the copy of which a process may have left something.
async fn copy_again(file: &File<'_>, number: u64) {
    let system = System::builder().start().await.unwrap();
    let journal = child::options(file.path, file.durability).open(&system).await.unwrap();
    let to = copy_of(file.path, number);
    journal.backup(&to).await.unwrap();
    journal.close().await.unwrap();
    system.stop().await.unwrap();
    verify_copy(file, &to, file.durable).await;
}

fn kill_copies(durability: Durability, part: u64) {
    let mut left = Left::default();
    for_each_seed(NonZeroU32::new(3).unwrap(), |seed| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let mut file = File::new(&path, durability, seed ^ part);
        let mut next = 0;
        for _ in 0..6 {
            kill_copying(&mut file, next);
            next = verify_copies(&mut file, next, &mut left);
            if file.random.u8(..4) == 0 {
                block_on(copy_again(&file, next));
                next += 1;
            }
        }
        block_on(copy_again(&file, next));
        assert_eq!(names_in(folder.path()), names(next + 1), "nothing else is left");
    });
    println!("{left:?}");
    assert!(left.unfinished * 4 > left.kills && left.copies * 4 > left.kills, "{left:?}");
    assert!(left.meanwhile > 0, "somebody wrote meanwhile: {left:?}");
}

#[test]
fn a_copy_whose_process_was_killed_is_whole_or_not_there() {
    kill_copies(Durability::Sync, 0);
}

#[test]
fn a_copy_of_a_store_without_syncs_whose_process_was_killed_is_whole_or_not_there() {
    kill_copies(Durability::Process, 1 << 40);
}
