//! What is given in place of a store: every mistake has an error that names the file.

use std::num::NonZeroU16;
use std::path::Path;

use foundation::{Error, System};
use journal::{
    Append, Durability, Load, Payload, RedbOptions, Shard, Share, StreamId, Version, codes,
};
use redb::{Database, ReadableDatabase, TableDefinition};

use crate::child::{Child, Said};

/// The facts of a store, as `docs/format.md` describes them.
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Tables of somebody else, one of them with a name of ours.
const OTHER: TableDefinition<'_, u64, u64> = TableDefinition::new("other");
const OTHER_META: TableDefinition<'_, u64, u64> = TableDefinition::new("meta");

async fn system() -> System {
    System::builder().start().await.unwrap()
}

#[expect(clippy::disallowed_methods, reason = "ban: std::fs, files are damaged behind the store")]
fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

#[expect(
    clippy::disallowed_methods,
    reason = "ban: std::fs, nothing was written is what is tested"
)]
fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "ban: std::fs, nothing was written is what is tested"
)]
fn names_in(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "ban: std::fs, what is not allowed is what is tested"
)]
fn forbid_writing(path: &Path) {
    let mut allowed = std::fs::metadata(path).unwrap().permissions();
    allowed.set_readonly(true);
    std::fs::set_permissions(path, allowed).unwrap();
}

/// Why what is at `path` cannot be opened; the error names it.
async fn refused(options: RedbOptions, path: &Path) -> Error {
    let system = system().await;
    let error = options.open(&system).await.unwrap_err();
    let report = error.report().to_string();
    assert!(report.contains(path.to_str().unwrap()), "{report}");
    system.stop().await.unwrap();
    error
}

/// Opens a store, appends once, and closes it. Gives the version.
async fn append_once(options: RedbOptions) -> u64 {
    let system = system().await;
    let journal = options.open(&system).await.unwrap();
    let lease = journal.acquire(Shard::new(0)).await.unwrap();
    let mut writer = journal.open(&lease, &alice()).await.unwrap();
    let permit = writer.permit(Share::New, 100).await.unwrap();
    let append = Append::new().put("a", Payload::new(1, *b"b"));
    let done = writer.append(permit, append).unwrap().await.unwrap();
    journal.close().await.unwrap();
    system.stop().await.unwrap();
    done.version.get()
}

fn alice() -> StreamId {
    StreamId::new("account", "alice").unwrap()
}

#[tokio::test]
async fn a_file_of_something_else_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    for (bytes, code) in [
        (b"Dear diary, today".to_vec(), "store_foreign"),
        (b"r".to_vec(), "store_corrupt"),
        (Vec::new(), "store_corrupt"),
        (vec![0; 4096], "store_corrupt"),
        (vec![0; 1 << 20], "store_corrupt"),
        ([b"redb\x1a\x0a\xa9\x0d\x0a".as_slice(), &[0; 5000]].concat(), "store_corrupt"),
        ([b"redb\x1a\x0a\xa9\x0d\x0a".as_slice(), &[255; 9000]].concat(), "store_corrupt"),
    ] {
        write(&path, &bytes);
        let error = refused(RedbOptions::new(&path), &path).await;
        assert_eq!(error.code(), code, "{}", error.report());
        assert_eq!(read(&path), bytes, "nothing was written");
        assert_eq!(names_in(folder.path()), ["notes.txt"]);
    }
}

#[tokio::test]
async fn a_path_that_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing").join("store.redb");
    let file = folder.path().join("file");
    write(&file, b"text");
    for path in [folder.path().to_owned(), missing, file.join("store.redb")] {
        let error = refused(RedbOptions::new(&path), &path).await;
        assert_eq!(error.code(), "store_refused", "{}", error.report());
    }
    assert_eq!(names_in(folder.path()), ["file"]);
    let system = system().await;
    // An empty path was a store once: it left a file of the name `.new` in the current folder.
    for path in ["", "/", "no-such-folder/.."] {
        let error = RedbOptions::new(path).open(&system).await.unwrap_err();
        assert_eq!(error.code(), "store_refused", "{path:?}: {}", error.report());
    }
    system.stop().await.unwrap();
}

#[tokio::test]
async fn a_file_that_may_not_be_written_is_refused_or_works_for_root() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    assert_eq!(append_once(RedbOptions::new(&path)).await, 1);
    forbid_writing(&path);
    forbid_writing(folder.path());
    let system = system().await;
    match RedbOptions::new(&path).open(&system).await {
        // Whoever is root may do all the same, and then it is there.
        Ok(journal) => {
            let loaded = journal.load(&alice(), Load::all()).await.unwrap();
            assert_eq!(loaded.version, Version::new(1));
            journal.close().await.unwrap();
        }
        Err(error) => assert_eq!(error.code(), "store_refused", "{}", error.report()),
    }
    system.stop().await.unwrap();
}

#[tokio::test]
async fn a_file_of_redb_that_is_no_journal_is_refused_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let database = Database::create(&path).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(OTHER).unwrap().insert(1, 2).unwrap();
    write.commit().unwrap();
    drop(database);
    let error = refused(RedbOptions::new(&path), &path).await;
    assert_eq!(error.code(), codes::STORE_FOREIGN.name, "{}", error.report());
    let database = Database::open(&path).unwrap();
    let table = database.begin_read().unwrap().open_table(OTHER).unwrap();
    assert_eq!(table.get(1).unwrap().unwrap().value(), 2);
}

#[tokio::test]
async fn a_table_of_another_type_in_the_place_of_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let database = Database::create(&path).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(OTHER_META).unwrap().insert(1, 2).unwrap();
    write.commit().unwrap();
    drop(database);
    let error = refused(RedbOptions::new(&path), &path).await;
    assert_eq!(error.code(), codes::STORE_FOREIGN.name, "{}", error.report());
}

#[tokio::test]
async fn a_second_journal_on_the_file_is_refused_until_the_first_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let system = system().await;
    let first = RedbOptions::new(&path).open(&system).await.unwrap();
    for _ in 0..3 {
        let error = refused(RedbOptions::new(&path), &path).await;
        assert_eq!(error.code(), codes::STORE_LOCKED.name, "{}", error.report());
    }
    first.close().await.unwrap();
    assert_eq!(append_once(RedbOptions::new(&path)).await, 1);
    system.stop().await.unwrap();
}

#[tokio::test]
async fn a_journal_of_another_process_is_refused_until_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let mut child = Child::start(&[], &path, Durability::Sync, u64::MAX);
    while !matches!(child.said(), Some(Said::Done(..))) {}
    let options = crate::child::options(&path, Durability::Sync);
    let error = refused(options.clone(), &path).await;
    assert_eq!(error.code(), codes::STORE_LOCKED.name, "{}", error.report());
    child.kill();
    assert!(!child.wait(), "it was killed");
    assert_eq!(append_once(options).await, 1);
}

#[tokio::test]
async fn another_durability_is_refused_and_other_shards_are_those_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    for (has, asks) in
        [(Durability::Sync, Durability::Process), (Durability::Process, Durability::Sync)]
    {
        let path = folder.path().join(has.name());
        let options = RedbOptions::new(&path);
        assert_eq!(append_once(options.clone().durability(has)).await, 1);
        let error = refused(options.clone().durability(asks), &path).await;
        assert_eq!(error.code(), codes::DURABILITY_MISMATCH.name, "{}", error.report());
        let more = options.durability(has).shards(NonZeroU16::new(9).unwrap());
        let system = system().await;
        let journal = more.open(&system).await.unwrap();
        assert_eq!(journal.shards(), NonZeroU16::MIN);
        assert_eq!(journal.load(&alice(), Load::all()).await.unwrap().version, Version::new(1));
        journal.close().await.unwrap();
        system.stop().await.unwrap();
    }
}

#[tokio::test]
async fn facts_that_are_of_a_later_release_or_cannot_be_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    for (fact, number, code) in [
        ("format", Some(99), "store_newer"),
        ("format", None, "store_corrupt"),
        ("durability", None, "store_corrupt"),
        ("durability", Some(7), "store_corrupt"),
        ("shards", None, "store_corrupt"),
        ("shards", Some(0), "store_corrupt"),
        ("shards", Some(70_000), "store_corrupt"),
        ("trimmed", Some(9), "store_corrupt"),
    ] {
        let path = folder.path().join(format!("{fact}{number:?}"));
        assert_eq!(append_once(RedbOptions::new(&path)).await, 1);
        set(&path, fact, number);
        let error = refused(RedbOptions::new(&path), &path).await;
        assert_eq!(error.code(), code, "{fact} {number:?}: {}", error.report());
    }
}

/// Sets a fact of a store, or removes it, behind the journal's back.
fn set(path: &Path, fact: &str, number: Option<u64>) {
    let database = Database::open(path).unwrap();
    let write = database.begin_write().unwrap();
    let mut facts = write.open_table(META).unwrap();
    match number {
        None => drop(facts.remove(fact).unwrap()),
        Some(number) => {
            // The envelope of a fact: see `docs/format.md`.
            let length = u16::try_from(fact.len()).unwrap().to_le_bytes();
            let body = [&length, fact.as_bytes(), &number.to_le_bytes()].concat();
            let mut row = vec![0xa7, b'J', b'D', b'R', 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            row.extend_from_slice(&u32::try_from(body.len()).unwrap().to_le_bytes());
            row.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
            row.extend_from_slice(&crc32c::crc32c(&row).to_le_bytes());
            row.extend_from_slice(&body);
            facts.insert(fact, row.as_slice()).unwrap();
        }
    }
    drop(facts);
    write.commit().unwrap();
}
