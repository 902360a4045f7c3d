//! A process that writes into a store, copies it meanwhile, or compacts it, until it is killed or
//! the store fails.
//!
//! It is this test binary, run again with the name of the one test below and the path of the store in
//! the environment. What it appends to a stream is a function of the stream and the version, so that
//! whoever reads the file later knows what has to be in it.
//!
//! | line | what it says |
//! |---|---|
//! | `opening` | the store is opened next |
//! | `head S V` | the stream S was found at version V |
//! | `done S V` | version V of the stream S was acknowledged |
//! | `failed S C` | the store stopped with an error of code C |
//! | `refused S C` | whoever came later was refused with code C |
//! | `begun N` | the backup to [`copy_of`] N, or the N-th compaction, begins next |
//! | `ended N` | it has succeeded |

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Lines, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use fastrand::Rng;
use foundation::{Error, Result, System};
use journal::{
    Append, Durability, Journal, OfflineStore, RedbOptions, Retention, Shard, Share, StreamId,
    Ticket, Version, Writer,
};
use tokio::sync::mpsc;

use crate::model::random_append;

/// Streams, each written by a task of its own.
pub(crate) const STREAMS: u32 = 4;
/// Appends of one stream on their way at a time.
pub(crate) const OPEN: u64 = 3;

/// Names the store to write into.
const STORE: &str = "JOURNAL_TEST_STORE";
/// Names its durability.
const DURABILITY: &str = "JOURNAL_TEST_DURABILITY";
/// After how many appends a stream is left alone.
const APPENDS: &str = "JOURNAL_TEST_APPENDS";
/// Names the first copy that it makes of the store while it writes.
const COPIES: &str = "JOURNAL_TEST_COPIES";
/// Is there when the store is compacted and nothing is written.
const COMPACT: &str = "JOURNAL_TEST_COMPACT";
const THIS: &str = "child::writes_until_it_is_killed_or_the_store_fails";

pub(crate) fn stream(number: u32) -> StreamId {
    StreamId::new("stream", &format!("s{number}")).unwrap()
}

/// What is appended as that version of that stream.
pub(crate) fn append_of(number: u32, version: u64) -> Append {
    let mut random = Rng::with_seed(u64::from(number) << 32 | version);
    random_append(&mut random, Version::new(version - 1))
}

/// Where the process makes that copy of the store at `path`.
pub(crate) fn copy_of(path: &Path, number: u64) -> PathBuf {
    path.with_file_name(format!("copy-{number}.redb"))
}

/// The store as the process opens it: it folds often, and keeps its whole log.
pub(crate) fn options(path: &Path, durability: Durability) -> RedbOptions {
    let retention = Retention {
        signals_for: std::time::Duration::MAX,
        signal_bytes: u64::MAX,
        log_bytes: u64::MAX,
        ..Retention::default()
    };
    RedbOptions::new(path)
        .durability(durability)
        .shards(NonZeroU16::new(2).unwrap())
        .retention(retention)
        .tail(64 << 10)
        .slice(8)
        .cache(1 << 20)
}

/// The process, seen from outside. Dropped, it is killed and waited for.
pub(crate) struct Child {
    process: std::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// A line that it printed.
#[derive(Debug, PartialEq)]
pub(crate) enum Said {
    Opening,
    Head(u32, u64),
    Done(u32, u64),
    Failed(u32, String),
    Refused(u32, String),
    Begun(u64),
    Ended(u64),
}

impl Child {
    /// Starts it, behind `wrapper` if that is not empty.
    pub(crate) fn start(
        wrapper: &[&str],
        path: &Path,
        durability: Durability,
        appends: u64,
    ) -> Self {
        let settings = [(DURABILITY, durability.name()), (APPENDS, &appends.to_string())];
        Self::with(wrapper, path, &settings)
    }

    /// Starts one that makes a copy of the store again and again, and writes at first. It does not
    /// write more than it can say to whoever does not listen meanwhile.
    pub(crate) fn copying(path: &Path, durability: Durability, first: u64) -> Self {
        let first = first.to_string();
        let settings = [(DURABILITY, durability.name()), (APPENDS, "30"), (COPIES, &first)];
        Self::with(&[], path, &settings)
    }

    /// Starts one that compacts the store again and again.
    pub(crate) fn compacting(path: &Path) -> Self {
        Self::with(&[], path, &[(COMPACT, "")])
    }

    #[expect(clippy::disallowed_methods, reason = "ban: std::env, the child is this program")]
    fn with(wrapper: &[&str], path: &Path, settings: &[(&str, &str)]) -> Self {
        let mut line: Vec<OsString> = wrapper.iter().map(Into::into).collect();
        line.push(std::env::current_exe().unwrap().into_os_string());
        let mut process = Command::new(&line[0])
            .args(&line[1..])
            .args([THIS, "--exact", "--nocapture", "--test-threads=2"])
            .env(STORE, path)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// The next line that it printed; none when it has ended.
    pub(crate) fn said(&mut self) -> Option<Said> {
        loop {
            let line = self.lines.next()?.unwrap();
            let words: Vec<_> = line.split(' ').collect();
            let stream = || words[1].parse().unwrap();
            let version = || words[2].parse().unwrap();
            let number = || words[1].parse().unwrap();
            return Some(match words[0] {
                "opening" => Said::Opening,
                "head" => Said::Head(stream(), version()),
                "done" => Said::Done(stream(), version()),
                "failed" => Said::Failed(stream(), words[2].to_owned()),
                "refused" => Said::Refused(stream(), words[2].to_owned()),
                "begun" => Said::Begun(number()),
                "ended" => Said::Ended(number()),
                // What the test harness prints.
                _ => continue,
            });
        }
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    /// Waits for its end. Gives whether it ended as a test that passed.
    pub(crate) fn wait(&mut self) -> bool {
        self.process.wait().unwrap().success()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended, and then there is nothing to kill.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// One line, written at once.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

#[expect(clippy::disallowed_methods, reason = "ban: std::env, whoever starts the child tells it")]
fn setting(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// What a stream's task has.
struct Task {
    number: u32,
    journal: Journal,
    writer: Writer,
    waiting: VecDeque<Ticket>,
    left: u64,
}

impl Task {
    async fn run(mut self) {
        if let Err(error) = self.write().await {
            let number = self.number;
            say(&format!("failed {number} {}", error.code()));
            // Nothing is acknowledged any more, and whoever comes is refused at once.
            for error in
                [self.append().await, self.acquire().await].into_iter().filter_map(Result::err)
            {
                say(&format!("refused {number} {}", error.code()));
            }
            while let Some(ticket) = self.waiting.pop_front() {
                // Those before the one that failed may be durable, and those behind it are not.
                match ticket.await {
                    Ok(committed) => say(&format!("done {number} {}", committed.version.get())),
                    Err(error) => say(&format!("failed {number} {}", error.code())),
                }
            }
        }
    }

    async fn write(&mut self) -> Result<()> {
        while self.left > 0 || !self.waiting.is_empty() {
            while self.left > 0 && (self.waiting.len() as u64) < OPEN {
                self.append().await?;
                self.left -= 1;
            }
            let Some(ticket) = self.waiting.pop_front() else { break };
            let committed = ticket.await?;
            say(&format!("done {} {}", self.number, committed.version.get()));
        }
        Ok(())
    }

    async fn append(&mut self) -> Result<()> {
        let permit = self.writer.permit(Share::New, 1000).await?;
        let append = append_of(self.number, self.writer.head().get() + 1);
        self.waiting.push_back(self.writer.append(permit, append)?);
        Ok(())
    }

    async fn acquire(&self) -> Result<()> {
        let shard = self.writer.stream().shard(self.journal.shards());
        self.journal.acquire(shard).await.map(drop)
    }
}

/// Makes one copy after the other, until one fails.
async fn make_copies(journal: Journal, path: PathBuf, first: u64) {
    for number in first.. {
        say(&format!("begun {number}"));
        if let Err(error) = journal.backup(copy_of(&path, number)).await {
            return say(&format!("failed {STREAMS} {}", error.code()));
        }
        say(&format!("ended {number}"));
    }
}

/// Compacts the store once after the other, until that fails.
fn compact(path: &Path) -> Result<()> {
    // The harness may have begun a line.
    say("\nopening");
    for number in 1.. {
        say(&format!("begun {number}"));
        OfflineStore::at(path).compact()?;
        say(&format!("ended {number}"));
    }
    Ok(())
}

async fn write(system: &System, path: &Path) -> Result<()> {
    let durability = match setting(DURABILITY) {
        Some(name) if name == "process" => Durability::Process,
        _ => Durability::Sync,
    };
    let appends = setting(APPENDS).unwrap().into_string().unwrap().parse().unwrap();
    // The harness may have begun a line.
    say("\nopening");
    let journal = options(path, durability).open(system).await?;
    let mut leases = Vec::new();
    for shard in 0..journal.shards().get() {
        leases.push(journal.acquire(Shard::new(shard)).await?);
    }
    let (ended, mut ends) = mpsc::channel::<()>(1);
    for number in 0..STREAMS {
        let stream = stream(number);
        let lease = &leases[usize::from(stream.shard(journal.shards()).get())];
        let writer = journal.open(lease, &stream).await?;
        say(&format!("head {number} {}", writer.head().get()));
        let (journal, waiting) = (journal.clone(), VecDeque::new());
        let (task, ended) =
            (Task { number, journal, writer, waiting, left: appends }, ended.clone());
        system.executor("writers").execute(async move {
            task.run().await;
            drop(ended);
        });
    }
    if let Some(first) = setting(COPIES) {
        let first = first.into_string().unwrap().parse().unwrap();
        let (copies, ended) = (make_copies(journal.clone(), path.to_owned(), first), ended.clone());
        system.executor("copies").execute(async move {
            copies.await;
            drop(ended);
        });
    }
    drop(ended);
    // Nothing is sent: it ends when the last of them has.
    assert!(ends.recv().await.is_none());
    journal.close().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_until_it_is_killed_or_the_store_fails() {
    let Some(path) = setting(STORE) else {
        // Nobody has asked for it. What others rely on: that contents differ and repeat.
        assert_eq!(append_of(1, 7), append_of(1, 7));
        assert_ne!(append_of(1, 7), append_of(2, 7));
        return;
    };
    if setting(COMPACT).is_some() {
        return compact(Path::new(&path)).unwrap();
    }
    let system = System::builder().start().await.unwrap();
    let written = write(&system, Path::new(&path)).await;
    if let Err(error) = &written {
        say(&format!("failed {STREAMS} {}", error.code()));
    }
    system.stop().await.unwrap();
    assert_eq!(written.as_ref().map_err(Error::code), Ok(&()));
}
