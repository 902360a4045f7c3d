//! The store of one case: a journal with a clock that the case moves.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use foundation::{Clock, Executor, System};
use jiff::Timestamp;

use super::ask::{append, event, fails, named, ok, some, within};
use super::{Harness, Setup};
use crate::append::Append;
use crate::codes;
use crate::entry::{LogEntry, SignalEntry};
use crate::handle::{Journal, Writer};
use crate::lease::Lease;
use crate::load::{Due, Load, Loaded, StreamInfo};
use crate::stats::Retained;
use crate::stream::{Position, Shard, StreamId};
use crate::ticket::Committed;

/// What a case has.
pub(super) struct Store<'a> {
    harness: &'a dyn Harness,
    setup: Setup,
    system: System,
    wall: Wall,
    /// None while it is opened again.
    journal: Option<Journal>,
    leases: BTreeMap<u16, Lease>,
}

/// A clock that stands still until it is moved: microseconds since 1970.
#[derive(Debug, Clone)]
struct Wall(Arc<AtomicI64>);

/// 2026-01-01: any time that is neither negative nor near an end of what can be written.
const BEGIN: i64 = 1_767_225_600_000_000;

/// After what a store is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Written,
    Settled,
    Reopened,
    SettledAgain,
    Crashed,
}

/// The stream that is appended to, to know where a log ends. No case has so many of its own.
const END: usize = 999;

/// Passes until retention has nothing more to drop; each drops something.
const MOST_PASSES: usize = 10_000;

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        at(self.0.load(Ordering::SeqCst))
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Written => "as it was written",
            Self::Settled => "after housekeeping",
            Self::Reopened => "after a close",
            Self::SettledAgain => "after a close and housekeeping",
            Self::Crashed => "after a crash",
        })
    }
}

impl<'a> Store<'a> {
    /// A new store with the default setup.
    pub(super) async fn new(harness: &'a dyn Harness) -> Self {
        Self::with(harness, Setup::default()).await
    }

    /// A new store.
    pub(super) async fn with(harness: &'a dyn Harness, setup: Setup) -> Self {
        let wall = Wall(Arc::new(AtomicI64::new(BEGIN)));
        let system = ok(System::builder().clock(wall.clone()).start().await, "a system starts");
        let (journal, leases) = (None, BTreeMap::new());
        let mut store = Self { harness, setup, system, wall, journal, leases };
        store.open().await;
        store
    }

    /// What a backup has made at `path`, as a store of its own, at the same time as this one.
    pub(super) async fn open_backup(&self, path: &Path) -> Self {
        let wall = self.wall.clone();
        let system = ok(System::builder().clock(wall.clone()).start().await, "a system starts");
        let open = self.harness.open_backup(&system, &self.setup, path);
        let journal = ok(within("a backup opens", open).await, "a backup opens");
        same_setup(&journal, &self.setup);
        let (harness, setup, leases) = (self.harness, self.setup, BTreeMap::new());
        Self { harness, setup, system, wall, journal: Some(journal), leases }
    }

    /// The path of that name for a backup, if the harness gives one.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.harness.path(name)
    }

    async fn open(&mut self) {
        let open = self.harness.open(&self.system, &self.setup);
        let journal = ok(within("a store opens", open).await, "a store opens");
        same_setup(&journal, &self.setup);
        self.journal = Some(journal);
    }

    /// The journal.
    pub(super) fn journal(&self) -> &Journal {
        some(self.journal.as_ref(), "a journal is there unless it is opened again")
    }

    /// What starts tasks.
    pub(super) fn executor(&self) -> Executor {
        self.system.executor("conformance")
    }

    /// Whether the store can be opened again.
    pub(super) fn survives(&self) -> bool {
        self.harness.survives()
    }

    /// Closes the journal, and opens the store again.
    pub(super) async fn reopen(&mut self) {
        let journal = self.take();
        ok(within("a journal closes", journal.close()).await, "a journal closes");
        drop(journal);
        self.open().await;
    }

    /// Kills the journal, and opens the store again.
    pub(super) async fn crash(&mut self) {
        let journal = self.take();
        within("a journal crashes", self.harness.crash(journal)).await;
        self.open().await;
    }

    fn take(&mut self) -> Journal {
        self.leases.clear();
        some(self.journal.take(), "a journal is there unless it is opened again")
    }

    /// Makes the store do its housekeeping.
    pub(super) async fn settle(&self) {
        let settle = self.harness.settle(self.journal());
        ok(within("a store settles", settle).await, "a store settles");
    }

    /// After what this store is to be read.
    pub(super) fn ways(&self) -> &'static [Way] {
        const SURVIVING: &[Way] =
            &[Way::Written, Way::Settled, Way::Reopened, Way::SettledAgain, Way::Crashed];
        const PASSING: &[Way] = &[Way::Written, Way::Settled];
        if self.survives() { SURVIVING } else { PASSING }
    }

    /// Brings the store there.
    pub(super) async fn go(&mut self, way: Way) {
        match way {
            Way::Written => {}
            Way::Settled | Way::SettledAgain => self.settle().await,
            Way::Reopened => self.reopen().await,
            Way::Crashed => self.crash().await,
        }
    }

    /// Ends the case. Whatever the engine started has to be gone then.
    pub(super) async fn end(mut self) {
        let journal = self.take();
        ok(within("a journal closes", journal.close()).await, "a journal closes");
        drop(journal);
        ok(within("the system stops", self.system.stop()).await, "the system stops");
    }

    /// The time now.
    pub(super) fn now(&self) -> Timestamp {
        self.wall.now()
    }

    /// The time in `seconds`, or before them.
    pub(super) fn time(&self, seconds: i64) -> Timestamp {
        at(self.wall.0.load(Ordering::SeqCst) + seconds * 1_000_000)
    }

    /// Lets time pass.
    pub(super) fn pass(&self, time: Duration) {
        let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        self.wall.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// The `number`-th stream of a shard.
    pub(super) fn stream(&self, shard: u16, number: usize) -> StreamId {
        let mut streams = (0..100_000)
            .map(|id| named("case", &format!("stream-{id}")))
            .filter(|stream| stream.shard(self.setup.shards) == Shard::new(shard));
        some(streams.nth(number), "each shard has streams")
    }

    /// The lease of a shard, which is taken when it is first asked for.
    pub(super) async fn lease(&mut self, shard: u16) -> Lease {
        if let Some(lease) = self.leases.get(&shard) {
            return lease.clone();
        }
        let lease = self.acquire(shard).await;
        self.leases.insert(shard, lease.clone());
        lease
    }

    /// Takes a shard over; [`Self::lease`] does not hear of it.
    pub(super) async fn acquire(&self, shard: u16) -> Lease {
        let acquire = self.journal().acquire(Shard::new(shard));
        ok(within("a shard is acquired", acquire).await, "a shard is acquired")
    }

    /// A new writer of a stream.
    pub(super) async fn writer(&mut self, stream: &StreamId) -> Writer {
        let lease = self.lease(stream.shard(self.setup.shards).get()).await;
        let open = self.journal().open(&lease, stream);
        ok(within("a stream opens", open).await, "a stream opens")
    }

    /// Appends to a stream through a writer of its own.
    pub(super) async fn append(&mut self, stream: &StreamId, what: Append) -> Committed {
        append(&mut self.writer(stream).await, what).await
    }

    /// The first page of what is asked for.
    pub(super) async fn load(&self, stream: &StreamId, load: Load) -> Loaded {
        let load = self.journal().load(stream, load);
        ok(within("a load ends", load).await, "a stream is loaded")
    }

    /// The streams that are due.
    pub(super) async fn due(
        &self,
        shard: u16,
        until: Timestamp,
        after: Option<&Due>,
        limit: usize,
    ) -> Vec<Due> {
        let due = self.journal().due(Shard::new(shard), until, after, limit);
        ok(within("due streams are listed", due).await, "due streams are listed")
    }

    /// The streams of a kind.
    pub(super) async fn streams(
        &self,
        kind: &str,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Vec<StreamInfo> {
        let streams = self.journal().streams(kind, after, limit);
        ok(within("streams are listed", streams).await, "streams are listed")
    }

    /// The next `count` appends behind `from`.
    pub(super) async fn log(&self, from: Position, count: usize) -> Vec<LogEntry> {
        let mut reader = ok(self.journal().log(from), "a log is read");
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(ok(within("the log has more", reader.next()).await, "a log is read"));
        }
        entries
    }

    /// The next `count` signals behind `from`.
    pub(super) async fn signals(&self, from: Position, count: usize) -> Vec<SignalEntry> {
        let mut reader = ok(self.journal().signals(from), "signals are read");
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(ok(within("there are more", reader.next()).await, "signals are read"));
        }
        entries
    }

    /// All appends of a shard, which is given one more to know where they end.
    pub(super) async fn whole_log(&mut self, shard: u16) -> Vec<LogEntry> {
        let end = self.stream(shard, END);
        let last = self.append(&end, event("the last of the log")).await;
        let mut reader =
            ok(self.journal().log(Position::start(Shard::new(shard))), "a log is read");
        let (mut entries, mut before) = (Vec::new(), reader.position());
        loop {
            let entry = ok(within("the log has more", reader.next()).await, "a log is read");
            assert!(
                entry.position.is_after(before),
                "a reader goes on, and is given nothing twice"
            );
            before = entry.position;
            if entry.position == last.position {
                return entries;
            }
            if entry.stream != end {
                entries.push(entry);
            }
        }
    }

    /// All signals of a shard, which is given one more to know where they end.
    pub(super) async fn whole_signals(&mut self, shard: u16) -> Vec<SignalEntry> {
        let last = Append::new().signal(super::ask::signal("the last of the signals"));
        let end = self.stream(shard, END);
        let last = self.append(&end, last).await;
        let from = Position::start(Shard::new(shard));
        let mut reader = ok(self.journal().signals(from), "signals are read");
        let (mut entries, mut before) = (Vec::new(), reader.position());
        loop {
            let entry = ok(within("there are more", reader.next()).await, "signals are read");
            assert!(
                entry.position.is_after(before),
                "a reader goes on, and is given nothing twice"
            );
            before = entry.position;
            if entry.position == last.position {
                return entries;
            }
            if entry.stream != end {
                entries.push(entry);
            }
        }
    }

    /// Where the log of a shard ends.
    pub(super) fn log_end(&self, shard: u16) -> Position {
        ok(self.journal().end(Shard::new(shard)), "a log has an end")
    }

    /// Settles, and drops all that has passed its retention: what was dropped.
    pub(super) async fn retain(&self) -> Retained {
        self.settle().await;
        let mut all = Retained::default();
        for _ in 0..MOST_PASSES {
            let pass = self.journal().retain();
            let pass = ok(within("retention passes", pass).await, "retention passes");
            all.signals += pass.signals;
            all.answers += pass.answers;
            all.tombstones += pass.tombstones;
            all.blobs += pass.blobs;
            if !pass.more {
                return all;
            }
        }
        panic!("retention does not end: after {MOST_PASSES} passes there is more to drop");
    }

    /// Fails unless the name is that of a deleted stream.
    pub(super) async fn is_deleted(&mut self, stream: &StreamId, way: Way) {
        let lease = self.lease(stream.shard(self.setup.shards).get()).await;
        let journal = self.journal();
        let opened = within("a stream opens", journal.open(&lease, stream)).await;
        fails(opened, codes::STREAM_DELETED, format!("a deleted stream is not opened, {way}"));
        let loaded = within("a load ends", journal.load(stream, Load::all())).await;
        fails(loaded, codes::STREAM_DELETED, format!("a deleted stream is not loaded, {way}"));
        let answer = within("an answer is looked up", journal.answer(stream, "key", 1)).await;
        fails(answer, codes::STREAM_DELETED, format!("a deleted stream has no answers, {way}"));
    }
}

fn same_setup(journal: &Journal, setup: &Setup) {
    assert_eq!(journal.shards(), setup.shards, "a journal has the shards it was set up with");
    assert_eq!(journal.limits(), setup.limits, "a journal has the limits it was set up with");
    assert_eq!(journal.pressure(), setup.pressure, "a journal has the pressure it was set up with");
}

fn at(micros: i64) -> Timestamp {
    match Timestamp::from_microsecond(micros) {
        Ok(time) => time,
        Err(error) => panic!("the kit stays within what can be written: {error}"),
    }
}
