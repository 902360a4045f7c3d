//! The log of one case, with a clock that the case moves.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use foundation::{Clock, Executor, System};
use jiff::Timestamp;
use serde_json::json;

use super::LogHarness;
use super::ask::{ok, same, some, within};
use crate::log::{LogBounds, LogEntry, LogPosition, PartChange, Retained, Retention, SignalLog};
use crate::signal::Signal;

/// What a case has.
pub(super) struct Store<'a> {
    harness: &'a dyn LogHarness,
    system: System,
    wall: Wall,
    /// None while it is opened again.
    log: Option<Arc<dyn SignalLog>>,
}

/// A clock that stands still until it is moved: microseconds since 1970.
#[derive(Debug, Clone)]
struct Wall(Arc<AtomicI64>);

/// 2026-01-01: any time that is neither negative nor near an end of what can be written.
const BEGIN: i64 = 1_767_225_600_000_000;

/// How large the pages are that cases read, unless it matters. No case has so many that it takes
/// long, and most have more.
const PAGE: usize = 100;

/// After what a log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Written,
    Closed,
    Crashed,
}

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        at(self.0.load(Ordering::SeqCst))
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Written => "as it was written",
            Self::Closed => "after a close",
            Self::Crashed => "after a crash",
        })
    }
}

impl<'a> Store<'a> {
    /// A new log.
    pub(super) async fn new(harness: &'a dyn LogHarness) -> Self {
        let wall = Wall(Arc::new(AtomicI64::new(BEGIN)));
        let system = ok(System::builder().clock(wall.clone()).start().await, "a system starts");
        let mut store = Self { harness, system, wall, log: None };
        store.open().await;
        store
    }

    async fn open(&mut self) {
        let open = self.harness.open(&self.system);
        self.log = Some(ok(within("a log opens", open).await, "a log opens"));
    }

    /// The log.
    pub(super) fn log(&self) -> &Arc<dyn SignalLog> {
        some(self.log.as_ref(), "a log is there unless it is opened again")
    }

    /// What starts tasks.
    pub(super) fn executor(&self) -> Executor {
        self.system.executor("conformance")
    }

    /// Whether the log can be opened again.
    pub(super) fn survives(&self) -> bool {
        self.harness.survives()
    }

    /// Whether it drops all that it may.
    pub(super) fn drops_all_it_may(&self) -> bool {
        self.harness.drops_all_it_may()
    }

    /// After what this log is to be read.
    pub(super) fn ways(&self) -> &'static [Way] {
        const SURVIVING: &[Way] = &[Way::Written, Way::Closed, Way::Crashed];
        if self.survives() { SURVIVING } else { &[Way::Written] }
    }

    /// Brings the log there.
    pub(super) async fn go(&mut self, way: Way) {
        match way {
            Way::Written => return,
            Way::Closed => self.close().await,
            Way::Crashed => {
                let log = self.take();
                within("a log crashes", self.harness.crash(log)).await;
            }
        }
        self.open().await;
    }

    async fn close(&mut self) {
        let log = self.take();
        within("a log closes", self.harness.close(log)).await;
    }

    fn take(&mut self) -> Arc<dyn SignalLog> {
        some(self.log.take(), "a log is there unless it is opened again")
    }

    /// Closes the log, and gives what is left to be [ended](Self::end).
    pub(super) async fn closed(mut self) -> Self {
        self.close().await;
        self
    }

    /// Ends the case. Whatever the log started has to be gone then.
    pub(super) async fn end(mut self) {
        if self.log.is_some() {
            self.close().await;
        }
        ok(within("the system stops", self.system.stop()).await, "the system stops");
    }

    /// The time now.
    pub(super) fn now(&self) -> Timestamp {
        self.wall.now()
    }

    /// Lets time pass, or go back.
    pub(super) fn pass(&self, seconds: i64) {
        self.wall.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    /// A signal that says a number.
    pub(super) fn signal(&self, number: usize) -> Signal {
        let draft = Signal::new("kit.number", "/kit").json(json!({ "number": number }));
        ok(draft.stamp(&self.system), "the kit knows good signals")
    }

    /// So many signals, that say numbers from 0 on.
    pub(super) fn signals(&self, count: usize) -> Vec<Signal> {
        (0..count).map(|number| self.signal(number)).collect()
    }

    /// Appends, and gives where they are.
    pub(super) async fn append(&self, signals: Vec<Signal>) -> Vec<LogPosition> {
        let count = signals.len();
        let append = within("an append ends", self.log().append(signals));
        let positions = ok(append.await, "signals are appended");
        same(&positions.len(), &count, "an append gives a position for each signal");
        positions
    }

    /// Appends signals one by one.
    pub(super) async fn append_each(&self, signals: &[Signal]) -> Vec<LogPosition> {
        let mut positions = Vec::new();
        for signal in signals {
            positions.extend(self.append(vec![signal.clone()]).await);
        }
        positions
    }

    /// What there is.
    pub(super) async fn bounds(&self) -> LogBounds {
        let bounds = within("a log tells its bounds", self.log().bounds());
        ok(bounds.await, "a log tells its bounds")
    }

    /// Everything behind a position.
    pub(super) async fn read(&self, after: LogPosition) -> Vec<LogEntry> {
        self.read_in_pages(after, PAGE).await
    }

    /// Everything behind a position, in pages of that size.
    pub(super) async fn read_in_pages(&self, after: LogPosition, limit: usize) -> Vec<LogEntry> {
        let end = self.bounds().await.end;
        let (found, _) = read_to(self.log(), after, end, limit).await;
        found
    }

    /// Drops what a retention does not keep.
    pub(super) async fn retain(&self, retention: Retention) -> Retained {
        let retain = within("retention ends", self.log().retain(retention));
        ok(retain.await, "a log drops what is not kept")
    }

    /// Behind which position things are of that time or later.
    pub(super) async fn position_at(&self, time: Timestamp) -> LogPosition {
        let position = within("a time is looked up", self.log().position_at(time));
        ok(position.await, "a time is looked up")
    }

    /// Changes parts.
    pub(super) async fn store(&self, owner: &str, changes: Vec<PartChange>) {
        let store = within("parts are stored", self.log().store_parts(owner, changes));
        ok(store.await, "parts are stored");
    }

    /// All parts of an owner.
    pub(super) async fn load(&self, owner: &str) -> Vec<(String, Vec<u8>)> {
        self.list(owner, "", usize::MAX).await
    }

    /// One part of an owner.
    pub(super) async fn load_one(&self, owner: &str, key: &str) -> Option<Vec<u8>> {
        let load = within("a part is loaded", self.log().load_part(owner, key));
        ok(load.await, "a part is loaded")
    }

    /// Parts of an owner behind a key.
    pub(super) async fn list(
        &self,
        owner: &str,
        after: &str,
        limit: usize,
    ) -> Vec<(String, Vec<u8>)> {
        let list = within("parts are listed", self.log().list_parts(owner, after, limit));
        ok(list.await, "parts are listed")
    }

    /// All owners.
    pub(super) async fn owners(&self) -> Vec<String> {
        ok(within("owners are listed", self.log().owners()).await, "owners are listed")
    }
}

/// Everything from one position to another, and maybe more, in pages of that size; and where to go
/// on.
pub(super) async fn read_to(
    log: &Arc<dyn SignalLog>,
    after: LogPosition,
    end: LogPosition,
    limit: usize,
) -> (Vec<LogEntry>, LogPosition) {
    let (mut at, mut found) = (after, Vec::new());
    while at < end {
        let page = ok(within("a page comes", log.read(at, limit)).await, "a log is read");
        let count = page.entries.len();
        assert!(count <= limit, "a page of {limit} at most has {count}");
        let mut before = at;
        for entry in &page.entries {
            let (position, read_to) = (entry.position, page.read_to);
            assert!(position > before, "positions rise: {position} comes behind {before}");
            assert!(position <= read_to, "{position} is in a page up to {read_to}");
            before = position;
        }
        assert!(page.read_to > at, "there is more up to {end}, and a page behind {at} goes on");
        at = page.read_to;
        found.extend(page.entries);
    }
    (found, at)
}

pub(super) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(micros: i64) -> Timestamp {
    match Timestamp::from_microsecond(micros) {
        Ok(time) => time,
        Err(error) => panic!("the kit stays within what can be written: {error}"),
    }
}
