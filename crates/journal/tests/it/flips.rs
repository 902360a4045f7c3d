//! Files of which a bit is another, or of which the end is gone.
//!
//! Either the store says so when it is opened, or every single answer is exactly what was written or
//! an error that says so. Never other data, never less data, never a panic that escapes, never a
//! store that hangs.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use foundation::{Error, Result, System};
use jiff::Timestamp;
use journal::{
    Append, BlobId, Change, Due, Durability, Journal, Load, Loaded, LogEntry, Payload, Position,
    RedbOptions, Shard, Share, SignalEntry, StreamId, StreamInfo,
};
use testkit::for_each_seed;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::child::{append_of, options, stream};
use crate::model::Model;

const STREAMS: u32 = 12;
/// Appends of each stream, of which the last ones are not folded.
const APPENDS: u64 = 12;
const UNFOLDED: u64 = 3;
const PAGE: usize = 4096;
/// Far longer than anything here takes.
const HANG: Duration = Duration::from_secs(20);

/// A store of every kind of row, as bytes.
struct Pristine {
    image: Vec<u8>,
    /// What was asked and answered.
    known: Vec<(Ask, Answered)>,
    /// The same before the last append.
    before: Vec<(Ask, Answered)>,
}

#[derive(Debug, Clone)]
enum Ask {
    Load(StreamId),
    Answer(StreamId, String, u128),
    Streams,
    Due(Shard),
    /// What it holds, and all that is in it.
    Blobs(StreamId),
    /// So many entries.
    Log(Shard, usize),
    Signals(Shard, usize),
}

#[derive(Debug, Clone, PartialEq)]
enum Answered {
    Loaded(Loaded),
    Answer(Option<Payload>),
    Streams(Vec<StreamInfo>),
    Due(Vec<Due>),
    Blobs(Vec<(BlobId, Vec<u8>)>),
    Log(Vec<LogEntry>),
    Signals(Vec<SignalEntry>),
    Deleted,
}

/// What became of damaged files.
#[derive(Debug, Default)]
struct Tally {
    at_open: u32,
    at_read: u32,
    harmless: u32,
    /// The last commit was taken for one that was torn.
    undone: u32,
    /// What must not be.
    wrong: Vec<String>,
}

impl Tally {
    /// Takes an answer of a damaged store in. Gives whether it was an error.
    fn hear<T>(
        &mut self,
        what: &str,
        path: &Path,
        answer: std::result::Result<Result<T>, Elapsed>,
        is_right: impl FnOnce(&T) -> bool,
    ) -> bool {
        match answer {
            Err(_elapsed) => self.wrong.push(format!("{what} hangs")),
            Ok(Ok(answer)) if is_right(&answer) => {}
            Ok(Ok(_)) => self.wrong.push(format!("{what}: other data")),
            Ok(Err(error)) => {
                self.wrong.extend(is_no_answer(&error, path).map(|it| format!("{what}: {it}")));
                return true;
            }
        }
        false
    }

    fn add(&mut self, other: Self) {
        self.at_open += other.at_open;
        self.at_read += other.at_read;
        self.harmless += other.harmless;
        self.undone += other.undone;
        self.wrong.extend(other.wrong);
    }
}

fn options_of(path: &Path) -> RedbOptions {
    // Nothing is folded unless asked for.
    options(path, Durability::Process).tail(64 << 20)
}

#[expect(clippy::disallowed_methods, reason = "ban: std::fs, the file is damaged behind the store")]
fn write(path: &Path, image: &[u8]) {
    std::fs::write(path, image).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "ban: std::fs, the file is damaged behind the store")]
fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

impl Pristine {
    /// Writes a store. With `closed` it is closed, else as a process leaves it that is killed.
    async fn write(closed: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let system = System::builder().start().await.unwrap();
        let journal = options_of(&path).open(&system).await.unwrap();
        let mut model = Model::new(journal.shards().get());
        let mut before = Vec::new();
        for round in [1..=APPENDS - UNFOLDED, APPENDS - UNFOLDED + 1..=APPENDS] {
            for number in 0..STREAMS {
                let stream = stream(number);
                let shard = stream.shard(journal.shards());
                let lease = journal.acquire(shard).await.unwrap();
                let mut writer = journal.open(&lease, &stream).await.unwrap();
                for version in round.clone() {
                    if (number, version) == (STREAMS - 1, APPENDS) {
                        before = asked(&journal, APPENDS - 1).await;
                    }
                    let append = append_of(number, version);
                    model.send(&stream, append.clone());
                    let permit = writer.permit(Share::New, 1000).await.unwrap();
                    let done = writer.append(permit, append).unwrap().await.unwrap();
                    model.acknowledge(&stream, done.version);
                }
            }
            if *round.start() == 1 {
                journal.fold().await.unwrap();
                model.verify(&journal).await.unwrap();
                delete(&journal).await;
                hold(&journal).await;
                journal.fold().await.unwrap();
            }
        }
        let known = asked(&journal, APPENDS).await;
        let killed = read(&path);
        journal.close().await.unwrap();
        system.stop().await.unwrap();
        let image = if closed { read(&path) } else { killed };
        Self { image, known, before }
    }

    /// Opens a damaged file and asks everything that is known.
    async fn judge(known: &[(Ask, Answered)], path: &Path, damage: &str, tally: &mut Tally) {
        let system = System::builder().start().await.unwrap();
        match timeout(HANG, options_of(path).open(&system)).await {
            Err(_elapsed) => tally.wrong.push(format!("{damage}: opening hangs")),
            Ok(Err(error)) => {
                tally.at_open += 1;
                tally.wrong.extend(is_no_answer(&error, path).map(|it| format!("{damage}: {it}")));
            }
            Ok(Ok(journal)) => {
                let mut found = false;
                // Whoever goes on with the store makes nothing worse.
                for turn in ["first", "again"] {
                    for (ask, known) in known {
                        let what = format!("{damage}: {turn} {ask:?}");
                        let answer = timeout(HANG, ask.of(&journal)).await;
                        found |= tally.hear(&what, path, answer, |answered| answered == known);
                    }
                    let went_on = timeout(HANG, go_on(&journal)).await;
                    found |=
                        tally.hear(&format!("{damage}: {turn} writing"), path, went_on, |()| true);
                }
                if timeout(HANG, journal.close()).await.is_err() {
                    tally.wrong.push(format!("{damage}: closing hangs"));
                }
                *(if found { &mut tally.at_read } else { &mut tally.harmless }) += 1;
            }
        }
        system.stop().await.unwrap();
    }
}

/// Appends to a stream of another kind, and folds.
async fn go_on(journal: &Journal) -> Result<()> {
    let stream = StreamId::new("other", "one").unwrap();
    let lease = journal.acquire(stream.shard(journal.shards())).await?;
    let mut writer = journal.open(&lease, &stream).await?;
    let permit = writer.permit(Share::New, 1000).await?;
    writer.append(permit, Append::new().put("a", Payload::new(1, *b"b")))?.await?;
    journal.fold().await
}

/// What is wrong with an error, if something is: it has to be of this kind and name the file.
fn is_no_answer(error: &Error, path: &Path) -> Option<String> {
    let report = error.report().to_string();
    let code = error.code();
    let typed = match code {
        "store_corrupt" | "store_foreign" | "store_newer" | "durability_mismatch" => true,
        // What came later names the damage as its source.
        "store_closed" | "unknown_outcome" => report.contains("store_corrupt"),
        _ => false,
    };
    let named = report.contains(&*path.to_string_lossy());
    (!typed || !named).then(|| report.replace('\n', " / "))
}

async fn delete(journal: &Journal) {
    let gone = StreamId::new("gone", "one").unwrap();
    let lease = journal.acquire(gone.shard(journal.shards())).await.unwrap();
    let mut writer = journal.open(&lease, &gone).await.unwrap();
    for append in [Append::new().put("a", Payload::new(1, *b"b")), Append::tombstone()] {
        let permit = writer.permit(Share::New, 1000).await.unwrap();
        writer.append(permit, append).unwrap().await.unwrap();
    }
}

/// A stream that holds two blobs.
async fn hold(journal: &Journal) {
    let holder = holder();
    let lease = journal.acquire(holder.shard(journal.shards())).await.unwrap();
    let mut append = Append::new();
    for length in [10, 6000] {
        let mut blob = journal.new_blob(&lease);
        blob.write(&vec![7; length]).await.unwrap();
        append = append.hold(blob.finish().await.unwrap());
    }
    let mut writer = journal.open(&lease, &holder).await.unwrap();
    let permit = writer.permit(Share::New, 1000).await.unwrap();
    writer.append(permit, append).unwrap().await.unwrap();
}

fn holder() -> StreamId {
    StreamId::new("holder", "one").unwrap()
}

/// Asks everything of a store that is whole, and whose last stream is at version `last`.
async fn asked(journal: &Journal, last: u64) -> Vec<(Ask, Answered)> {
    let gone = StreamId::new("gone", "one").unwrap();
    let mut asks = vec![Ask::Streams, Ask::Load(gone), Ask::Blobs(holder())];
    let (mut entries, mut signals) = ([0; 2], [0; 2]);
    entries[usize::from(StreamId::new("gone", "one").unwrap().shard(journal.shards()).get())] = 2;
    entries[usize::from(holder().shard(journal.shards()).get())] += 1;
    for number in 0..STREAMS {
        let stream = stream(number);
        let shard = usize::from(stream.shard(journal.shards()).get());
        asks.push(Ask::Load(stream.clone()));
        for version in 1..=(if number == STREAMS - 1 { last } else { APPENDS }) {
            entries[shard] += 1;
            for change in append_of(number, version).changes() {
                match change {
                    Change::Answer(it) => {
                        asks.push(Ask::Answer(stream.clone(), it.key.clone(), it.fingerprint));
                    }
                    Change::Signal(_) => signals[shard] += 1,
                    _ => {}
                }
            }
        }
    }
    for shard in 0..2 {
        let at = Shard::new(u16::try_from(shard).unwrap());
        asks.extend([Ask::Due(at), Ask::Log(at, entries[shard]), Ask::Signals(at, signals[shard])]);
    }
    let mut known = Vec::new();
    for ask in asks {
        let answered = ask.of(journal).await.unwrap();
        known.push((ask, answered));
    }
    known
}

impl Ask {
    async fn of(&self, journal: &Journal) -> Result<Answered> {
        let far = Timestamp::MAX - jiff::Span::new().seconds(1);
        Ok(match self {
            Self::Load(stream) => match journal.load(stream, Load::all()).await {
                Ok(loaded) => Answered::Loaded(loaded),
                Err(error) if error.code() == "stream_deleted" => Answered::Deleted,
                Err(error) => return Err(error),
            },
            Self::Answer(stream, key, fingerprint) => {
                Answered::Answer(journal.answer(stream, key, *fingerprint).await?)
            }
            Self::Blobs(stream) => {
                let mut blobs = Vec::new();
                for blob in journal.holds(stream, None, 100).await? {
                    blobs.push((blob, journal.read_blob(blob).await?.read_all(1 << 20).await?));
                }
                Answered::Blobs(blobs)
            }
            Self::Streams => Answered::Streams(journal.streams("stream", None, 100).await?),
            Self::Due(shard) => Answered::Due(journal.due(*shard, far, None, 100).await?),
            Self::Log(shard, count) => {
                let mut log = journal.log(Position::start(*shard))?;
                let (mut entries, mut at, end) = (Vec::new(), 0, journal.end(*shard)?.number());
                // One that lacks the last of them would wait for more.
                while entries.len() < *count && at < end {
                    let entry: LogEntry = log.next().await?;
                    let is_signal = |change: &&Change| matches!(change, Change::Signal(_));
                    let signals = entry.changes.iter().filter(is_signal).count() as u64;
                    at = entry.position.number() + signals.max(1) - 1;
                    entries.push(entry);
                }
                Answered::Log(entries)
            }
            Self::Signals(shard, count) => {
                let mut reader = journal.signals(Position::start(*shard))?;
                let mut signals = Vec::new();
                while signals.len() < *count {
                    signals.push(reader.next().await?);
                }
                Answered::Signals(signals)
            }
        })
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Damages the store in many ways, each time from the beginning.
fn judge_all(pristine: &Pristine, damages: impl Iterator<Item = (String, Vec<u8>)>) -> Tally {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let mut tally = Tally::default();
    for (damage, image) in damages {
        let judge = |known| {
            let mut tally = Tally::default();
            write(&path, &image);
            block_on(Pristine::judge(known, &path, &damage, &mut tally));
            tally
        };
        let mut one = judge(&pristine.known);
        if !one.wrong.is_empty() && judge(&pristine.before).wrong.is_empty() {
            one = Tally { undone: 1, ..Tally::default() };
        }
        tally.add(one);
    }
    println!("{tally:?}");
    tally
}

/// One bit of each page, and some anywhere.
fn flip(closed: bool, cases: u32) {
    let pristine = block_on(Pristine::write(closed));
    println!("{} bytes", pristine.image.len());
    let used = pristine.image.chunks(PAGE).filter(|page| page.iter().any(|byte| *byte != 0));
    println!("{} pages used", used.count());
    for_each_seed(NonZeroU32::new(1).unwrap(), |seed| {
        let mut random = Rng::with_seed(seed);
        let mut places = Vec::new();
        for (number, page) in pristine.image.chunks(PAGE).enumerate() {
            if page.iter().any(|byte| *byte != 0) {
                places.push(number * PAGE + random.usize(..page.len()));
            }
        }
        places.extend((0..cases).map(|_| random.usize(..pristine.image.len())));
        let damages = places.into_iter().map(|place| {
            let bit = random.u8(..8);
            let mut image = pristine.image.clone();
            image[place] ^= 1 << bit;
            (format!("bit {bit} of byte {place}"), image)
        });
        let tally = judge_all(&pristine, damages);
        assert_eq!(tally.wrong, Vec::<String>::new());
        assert!(!closed || tally.undone == 0, "a closed store has no torn commit: {tally:?}");
        assert!(tally.at_open + tally.at_read > 0, "some are found");
    });
}

/// *Symptom:* one bit of a closed store was another, and the process was aborted while the store was
/// opened. *Mechanism:* the store below trusts the pages of a file that was closed, and panicked on
/// one of them; the panic dropped the store, whose closing panicked on a poisoned lock, and two
/// panics at a time end a process. *Fix:* every page is checked when the store is opened, and a
/// store is let go outside of a panic.
#[test]
fn a_flipped_bit_of_a_closed_store_is_found_or_harmless() {
    flip(true, 200);
}

/// What the last commit has written and what was torn by a cut of the power look the same in a file
/// that was not closed, so a bit of that may undo the last commit, and never more.
#[test]
fn a_flipped_bit_of_a_store_whose_process_was_killed_is_found_or_harmless() {
    flip(false, 100);
}

#[test]
fn a_store_that_was_cut_off_is_found() {
    let pristine = block_on(Pristine::write(true));
    for_each_seed(NonZeroU32::new(1).unwrap(), |seed| {
        let mut random = Rng::with_seed(seed);
        let len = pristine.image.len();
        let lengths = (0..len / PAGE).map(|pages| pages * PAGE);
        let mut others: Vec<_> = (0..40).map(|_| random.usize(..len)).collect();
        // In the middle of the head of the file.
        others.extend((0..20).map(|_| random.usize(..600)));
        let damages = lengths
            .chain(others)
            .map(|length| (format!("cut to {length}"), pristine.image[..length].to_vec()));
        let tally = judge_all(&pristine, damages);
        assert_eq!(tally.wrong, Vec::<String>::new());
        assert_eq!(tally.harmless, 0, "what is gone is missed");
    });
}
