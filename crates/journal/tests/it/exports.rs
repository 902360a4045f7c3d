//! Exports, and stores that are made of them.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use foundation::{Result, System};
use journal::{
    Append, BlobId, Durability, Exported, Journal, Load, MemoryOptions, Payload, Position, Shard,
    Share, StreamId, import,
};
use testkit::for_each_seed;

use crate::child::{append_of, options, stream};

/// What is written to it is kept, for whoever has a clone.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) async fn export(journal: &Journal) -> (Exported, String) {
    let kept = Kept::default();
    let exported = journal.export(kept.clone()).await.unwrap();
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    (exported, text)
}

pub(crate) async fn append(journal: &Journal, stream: &StreamId, append: Append) {
    let lease = journal.acquire(stream.shard(journal.shards())).await.unwrap();
    let mut writer = journal.open(&lease, stream).await.unwrap();
    let permit = writer.permit(Share::New, 1000).await.unwrap();
    writer.append(permit, append).unwrap().await.unwrap();
}

/// Fills a store with every kind of record, some of them not folded.
pub(crate) async fn fill(journal: &Journal, folded: u64, unfolded: u64) {
    for (round, versions) in [1..=folded, folded + 1..=folded + unfolded].into_iter().enumerate() {
        for number in 0..6 {
            for version in versions.clone() {
                append(journal, &stream(number), append_of(number, version)).await;
            }
        }
        let gone = StreamId::new("gone", &format!("slash/{round}")).unwrap();
        let bytes = b"\xff\x00 no text".to_vec();
        append(journal, &gone, Append::new().put("a", Payload::new(1, bytes.clone()))).await;
        append(journal, &gone, Append::tombstone()).await;
        let kept = StreamId::new("kept", "übrig \"so\"").unwrap();
        append(journal, &kept, Append::new().put(bytes.clone(), Payload::new(7, bytes))).await;
        let blob = blob(journal, round).await;
        append(journal, &holder(), Append::new().hold(blob)).await;
        if round == 0 {
            journal.fold().await.unwrap();
        }
    }
    // One that nobody holds.
    blob(journal, 2).await;
}

pub(crate) fn holder() -> StreamId {
    StreamId::new("holder", "one").unwrap()
}

/// What is in a blob; the first has several chunks.
pub(crate) fn bytes_of_blob(number: usize) -> Vec<u8> {
    let length = [300_000, 2000, 100][number];
    (0..length).map(|at: usize| u8::try_from((at / 100 + number) % 256).unwrap()).collect()
}

async fn blob(journal: &Journal, number: usize) -> BlobId {
    let lease = journal.acquire(holder().shard(journal.shards())).await.unwrap();
    let mut blob = journal.new_blob(&lease);
    blob.write(&bytes_of_blob(number)).await.unwrap();
    blob.finish().await.unwrap()
}

/// Reads what a stream holds.
pub(crate) async fn held(journal: &Journal, stream: &StreamId) -> Vec<(BlobId, Vec<u8>)> {
    let mut held = Vec::new();
    for blob in journal.holds(stream, None, 100).await.unwrap() {
        held.push((blob, journal.read_blob(blob).await.unwrap().read_all(1 << 20).await.unwrap()));
    }
    held
}

fn options_of(path: &Path) -> journal::RedbOptions {
    options(path, Durability::Process).tail(64 << 20)
}

/// The lines without the epochs, which opening raises, and without the checksum.
pub(crate) fn but_for_epochs(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let kept = |fact: &&str| !fact.contains("\"epoch.");
    lines[0] = lines[0].split(',').filter(kept).collect::<Vec<_>>().join(",");
    lines.pop();
    lines
}

async fn exported(folder: &Path, system: &System) -> String {
    let journal = options_of(&folder.join("from.redb")).open(system).await.unwrap();
    fill(&journal, 6, 3).await;
    let (_, text) = export(&journal).await;
    journal.close().await.unwrap();
    text
}

#[tokio::test]
async fn a_store_that_is_imported_is_the_one_that_was_exported() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::builder().start().await.unwrap();
    let journal = options_of(&folder.path().join("from.redb")).open(&system).await.unwrap();
    fill(&journal, 6, 3).await;
    let (written, text) = export(&journal).await;
    assert_eq!(written.bytes, text.len() as u64);
    assert_eq!(written.lines, text.lines().count() as u64);
    assert_eq!(written.appends, 6 * 9 + 2 * 4, "all are in the log");
    assert_eq!(written.blobs, 3);

    let to = folder.path().join("to.redb");
    let read = import(text.as_bytes(), &to).unwrap();
    assert_eq!(read, written);
    let imported = options_of(&to).open(&system).await.unwrap();
    let (_, again) = export(&imported).await;
    assert_eq!(but_for_epochs(&again), but_for_epochs(&text));

    let far = jiff::Timestamp::MAX - jiff::Span::new().seconds(1);
    for number in 0..6 {
        let stream = stream(number);
        let loaded = imported.load(&stream, Load::all()).await.unwrap();
        assert_eq!(loaded, journal.load(&stream, Load::all()).await.unwrap());
        assert!(loaded.version.get() == 9);
    }
    let blobs = held(&journal, &holder()).await;
    assert_eq!(blobs.len(), 2);
    assert_eq!(held(&imported, &holder()).await, blobs);
    for shard in (0..2).map(Shard::new) {
        let due = journal.due(shard, far, None, 100).await.unwrap();
        assert_eq!(imported.due(shard, far, None, 100).await.unwrap(), due);
        assert_eq!(imported.end(shard).unwrap(), journal.end(shard).unwrap());
        let mut one = journal.log(Position::start(shard)).unwrap();
        let mut other = imported.log(Position::start(shard)).unwrap();
        while one.position().number() < journal.end(shard).unwrap().number() {
            let entry = one.next().await.unwrap();
            assert_eq!(other.next().await.unwrap(), entry);
            if entry.version.get() == 9 && entry.stream == stream(5) {
                break;
            }
        }
    }
    let gone = StreamId::new("gone", "slash/0").unwrap();
    let deleted = imported.load(&gone, Load::all()).await.unwrap_err();
    assert_eq!(deleted.code(), "stream_deleted");
    // It goes on as any other store does.
    append(&imported, &stream(0), append_of(0, 10)).await;
    imported.fold().await.unwrap();
    assert_eq!(imported.load(&stream(0), Load::all()).await.unwrap().version.get(), 10);
    imported.close().await.unwrap();
    journal.close().await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_appended_after_an_export_began_is_not_in_it_and_everything_before_is() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::builder().start().await.unwrap();
    let journal = options_of(&folder.path().join("from.redb")).open(&system).await.unwrap();
    for version in 1..=200 {
        let event = Payload::new(1, vec![b'x'; 20_000]);
        append(&journal, &stream(0), Append::new().event(event)).await;
        if version == 100 {
            journal.fold().await.unwrap();
        }
    }
    let kept = Kept::default();
    let running = journal.export(kept.clone());
    let more = async {
        for _ in 0..50 {
            append(&journal, &stream(0), Append::new().event(Payload::new(1, *b"later"))).await;
        }
        journal.fold().await.unwrap();
    };
    let (exported, ()) = tokio::join!(running, more);
    let appends = exported.unwrap().appends;
    assert!((200..=250).contains(&appends), "{appends}");
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    // Of one moment: what is in the log and what is in the rows go together.
    import(text.as_bytes(), folder.path().join("to.redb")).unwrap();
    journal.close().await.unwrap();
    system.stop().await.unwrap();
}

/// What an import refuses, with the line, and what is left of it.
fn refused(text: &[u8], folder: &Path) -> foundation::Error {
    let to = folder.join("refused.redb");
    let error = import(text, &to).unwrap_err();
    let left: Vec<_> = ["refused.redb", "refused.redb.new"]
        .into_iter()
        .filter(|name| crate::salvage::exists(&folder.join(name)))
        .collect();
    assert_eq!(left, Vec::<&str>::new(), "{error:?}");
    error
}

#[tokio::test]
async fn an_export_that_was_cut_off_or_changed_is_refused_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::builder().start().await.unwrap();
    let text = exported(folder.path(), &system).await;
    system.stop().await.unwrap();
    for_each_seed(std::num::NonZeroU32::new(1).unwrap(), |seed| {
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..60 {
            let cut = random.usize(..text.len());
            let error = refused(&text.as_bytes()[..cut], folder.path());
            assert_eq!(error.code(), "import_invalid", "cut to {cut}");
            let mut changed = text.clone().into_bytes();
            let at = random.usize(..changed.len() - 1);
            changed[at] ^= 1 << random.u8(..7);
            let error = refused(&changed, folder.path());
            assert_eq!(error.code(), "import_invalid", "byte {at}: {error:?}");
            assert!(error.details().contains_key("line"), "{error:?}");
        }
        let lines: Vec<_> = text.lines().collect();
        for _ in 0..20 {
            let mut changed = lines.clone();
            changed.remove(random.usize(..changed.len()));
            let error = refused((changed.join("\n") + "\n").as_bytes(), folder.path());
            assert_eq!(error.code(), "import_invalid");
        }
    });
    let twice = format!("{text}{text}");
    assert_eq!(refused(twice.as_bytes(), folder.path()).code(), "import_invalid");
}

/// Lines that do not go together, with a right checksum.
#[tokio::test]
async fn lines_that_do_not_go_together_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::builder().start().await.unwrap();
    let text = exported(folder.path(), &system).await;
    system.stop().await.unwrap();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let end = lines.len() - 1;
    let sealed = |lines: &[String]| -> Vec<u8> {
        let body: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        let (count, sum) = (lines.len(), crc32c::crc32c(body.as_bytes()));
        format!("{body}{{\"record\":\"end\",\"lines\":{count},\"checksum\":\"{sum:08x}\"}}\n")
            .into_bytes()
    };
    let whole = sealed(&lines[..end]);
    assert_eq!(String::from_utf8(whole).unwrap(), text, "the test seals as the export does");
    let of = |kind: &str| {
        let begin = format!("{{\"record\":\"{kind}\"");
        let is_of_blobs = ["blob", "chunk", "hold"].contains(&kind);
        // A stream that was deleted may be gone, and the log still have it.
        let is_it =
            |line: &String| line.starts_with(&begin) && (is_of_blobs || line.contains("stream/s"));
        let found = lines.iter().position(is_it);
        found.unwrap_or_else(|| panic!("there is no {kind}"))
    };
    for kind in ["stream", "snapshot", "append", "blob", "chunk"] {
        let mut changed = lines[..end].to_vec();
        changed.remove(of(kind));
        let error = refused(&sealed(&changed), folder.path());
        assert_eq!(error.code(), "import_invalid", "without the first {kind}");
    }
    let rows = ["stream", "events", "part", "answer", "signal", "append", "blob", "chunk", "hold"];
    for kind in rows {
        let (mut changed, at) = (lines[..end].to_vec(), of(kind));
        changed.insert(at, lines[at].clone());
        let error = refused(&sealed(&changed), folder.path());
        assert_eq!(error.code(), "import_invalid", "the first {kind} twice");
    }
    let changes = [
        ("\"shards\":2", "\"shards\":0"),
        ("\"version\":1,\"format\"", "\"version\":2,\"format\""),
        ("\"format\":2", "\"format\":0"),
        ("\"format\":2", "\"format\":1"),
        ("\"folded\":\"", "\"folded\":\"9"),
        ("\"folded\"", "\"nonsense\""),
        ("\"durability\":\"process\"", "\"durability\":\"memory\""),
        ("\"version\":9", "\"version\":8"),
        ("\"version\":9", "\"version\":9,\"colour\":1"),
        ("\"stream\":\"stream/s0\"", "\"stream\":\"Stream/s0\""),
        ("\"stream\":\"stream/s0\"", "\"stream\":\"stream/\""),
    ];
    for (from, to) in changes {
        let text = lines[..end].join("\n").replacen(from, to, 1);
        let other: Vec<_> = text.lines().map(str::to_owned).collect();
        assert_ne!(other, lines[..end], "{from} is there");
        let error = refused(&sealed(&other), folder.path());
        assert_eq!(error.code(), "import_invalid", "{from} became {to}");
    }
}

#[tokio::test]
async fn an_import_does_not_touch_what_is_there() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let system = System::builder().start().await?;
    let text = exported(folder.path(), &system).await;
    let there = folder.path().join("from.redb");
    let error = import(text.as_bytes(), &there).unwrap_err();
    assert_eq!(error.code(), "store_exists");
    let journal = options_of(&there).open(&system).await?;
    assert_eq!(journal.load(&stream(0), Load::all()).await?.version.get(), 9);
    journal.close().await?;
    system.stop().await
}

/// A target that fails behind so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_target_that_fails_ends_the_export_and_not_the_journal() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let system = System::builder().start().await?;
    let journal = options_of(&folder.path().join("from.redb")).open(&system).await?;
    fill(&journal, 3, 2).await;
    for room in [0, 100, 3000] {
        let error = journal.export(Full(room)).await.unwrap_err();
        assert_eq!(error.code(), "export_failed", "room for {room}");
    }
    append(&journal, &stream(0), append_of(0, 6)).await;
    let memory = MemoryOptions::default().open(&system)?;
    let error = memory.export(Kept::default()).await.unwrap_err();
    assert_eq!(error.code(), "not_supported");
    journal.close().await?;
    let error = journal.export(Kept::default()).await.unwrap_err();
    assert_eq!(error.code(), "store_closed");
    system.stop().await
}
