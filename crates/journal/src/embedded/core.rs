//! What the commit loop, the readers and those who append share.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use foundation::{Error, Home, Result};
use redb::Database;
use tokio::sync::watch;

use super::medium::Medium;
use super::options::RedbOptions;
use super::queue::{Queue, closed};
use super::tail::Tail;
use crate::codes;
use crate::lease::Lease;
use crate::stats::Stats;
use crate::stream::{Position, Shard};
use crate::sync::Mutex;

/// One open store.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) options: RedbOptions,
    /// What errors name.
    pub(super) path: PathBuf,
    pub(super) home: Home,
    pub(super) shards: Vec<ShardState>,
    pub(super) queue: Queue,
    pub(super) tail: Mutex<Tail>,
    pub(super) counts: Counts,
    pub(super) medium: Arc<Medium>,
    /// The format that the store is written in.
    format: AtomicU8,
    /// Whether the disk has too little room left.
    nearly_full: AtomicBool,
    /// The store itself; gone when it is closed.
    database: Mutex<Option<Arc<Database>>>,
    /// Why it stopped, if it did before it was closed.
    failed: OnceLock<Error>,
    /// Numbers writers: each opening is another one.
    writers: AtomicU64,
}

/// See [`Core`].
#[derive(Debug)]
pub(super) struct ShardState {
    pub(super) lease: Mutex<Option<Lease>>,
    /// Gone when the store is closed, so that who waits is told.
    end: Mutex<Option<watch::Sender<Position>>>,
    ends: watch::Receiver<Position>,
}

/// Counts, for statistics only.
#[derive(Debug, Default)]
pub(super) struct Counts {
    appends: AtomicU64,
    groups: AtomicU64,
    bytes: AtomicU64,
    refused: AtomicU64,
    unknown: AtomicU64,
    folded: AtomicU64,
    signals: AtomicU64,
}

impl Core {
    pub(super) fn new(
        options: RedbOptions,
        path: PathBuf,
        home: Home,
        opened: super::open::Opened,
    ) -> Self {
        let shards = opened.ends.iter().enumerate().map(|(shard, end)| {
            let shard = Shard::new(u16::try_from(shard).unwrap_or(0));
            let (end, ends) = watch::channel(Position::new(shard, *end));
            ShardState { lease: Mutex::new(None), end: Mutex::new(Some(end)), ends }
        });
        let core = Self {
            options,
            path,
            home,
            shards: shards.collect(),
            queue: Queue::default(),
            tail: Mutex::new(opened.tail),
            counts: Counts::default(),
            medium: opened.medium,
            format: AtomicU8::new(opened.format),
            nearly_full: AtomicBool::new(false),
            database: Mutex::new(Some(opened.database)),
            failed: OnceLock::new(),
            writers: AtomicU64::new(0),
        };
        core.counts.add_signals(opened.signal_bytes);
        core
    }

    pub(super) fn shard_count(&self) -> NonZeroU16 {
        let count = u16::try_from(self.shards.len()).unwrap_or(u16::MAX);
        NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN)
    }

    pub(super) fn shard(&self, shard: Shard) -> Option<&ShardState> {
        self.shards.get(usize::from(shard.get()))
    }

    /// The format that the store is written in.
    pub(super) fn format(&self) -> u8 {
        self.format.load(Ordering::Acquire)
    }

    /// The store is written in that format now.
    pub(super) fn raised(&self, format: u8) {
        self.format.store(format, Ordering::Release);
    }

    /// Refuses what needs a later format than that of the store.
    pub(super) fn check_format(&self, needed: u8) -> Result<()> {
        let found = self.format();
        if found >= needed {
            return Ok(());
        }
        Err(Error::from(codes::STORE_OLDER)
            .with_message(format!("{} is of format {found}", self.path.display()))
            .with_detail("found", found)
            .with_detail("needed", needed))
    }

    /// The number of a new writer.
    pub(super) fn new_writer(&self) -> u64 {
        self.writers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Whether a read would hardly wait for the disk.
    pub(super) fn is_warm(&self) -> bool {
        self.medium.is_warm()
    }

    /// Looks how much room the disk has left.
    pub(super) fn look_at_room(&self) {
        let reserve = self.options.reserve;
        let room = if reserve > 0 { self.medium.room() } else { None };
        let nearly_full = room.is_some_and(|room| room < reserve);
        if self.nearly_full.swap(nearly_full, Ordering::AcqRel) == nearly_full {
            return;
        }
        let path = self.path.display().to_string();
        if nearly_full {
            tracing::error!(path, room, reserve, "journal.read_only");
        } else {
            tracing::warn!(path, room, reserve, "journal.writable");
        }
    }

    /// Refuses to append while the disk is nearly full. Looks again then, so that it goes on as
    /// soon as there is room.
    pub(super) fn check_room(&self) -> Result<()> {
        if !self.nearly_full.load(Ordering::Acquire) {
            return Ok(());
        }
        self.look_at_room();
        if !self.nearly_full.load(Ordering::Acquire) {
            return Ok(());
        }
        let (room, reserve) = (self.medium.room().unwrap_or(0), self.options.reserve);
        Err(Error::from(codes::STORE_READ_ONLY)
            .with_message(format!("{} has {room} bytes of room left", self.path.display()))
            .with_detail("room", room)
            .with_detail("reserve", reserve))
    }

    /// The store, while it is open.
    pub(super) fn database(&self) -> Result<Arc<Database>> {
        let database = self.database.lock().clone();
        database.ok_or_else(|| self.closed())
    }

    /// The error of whoever comes after the end, with why it has ended.
    pub(super) fn closed(&self) -> Error {
        closed(self.failed.get())
    }

    /// The error of whoever has a lease that is lost. It may be because everything has ended, of
    /// which nothing was known a moment before.
    pub(super) fn lost(&self, lease: &Lease) -> Error {
        self.queue.check().err().unwrap_or_else(|| lease.refusal())
    }

    /// Stops because of `cause`: nothing is taken in any more, every lease is lost, and everybody
    /// who waits is told. The first cause stays.
    pub(super) fn fail(&self, cause: &Error) {
        let first = self.failed.set(cause.clone()).is_ok();
        if first {
            let (path, code) = (self.path.display().to_string(), cause.code());
            tracing::error!(
                path,
                code,
                error = %cause.report(),
                "journal.failed"
            );
        }
        for item in self.queue.fail(cause) {
            if matches!(item, super::queue::Item::Append(_)) {
                self.counts.unknown();
            }
            item.fail(cause);
        }
        self.end();
    }

    /// Why it stopped, if it failed.
    pub(super) fn cause(&self) -> Option<Error> {
        self.failed.get().cloned()
    }

    /// Ends the leases, tells those who wait, and lets the store go.
    pub(super) fn end(&self) {
        // First, so that whoever hears of the end finds nothing any more.
        let database = self.database.lock().take();
        for shard in &self.shards {
            if let Some(lease) = shard.lease.lock().take() {
                lease.end();
            }
            drop(shard.end.lock().take());
        }
        super::guard::let_go(database);
    }
}

impl ShardState {
    /// Where the durable log ends, now and later.
    pub(super) fn ends(&self) -> watch::Receiver<Position> {
        self.ends.clone()
    }

    /// The log goes up to there now.
    pub(super) fn reach(&self, end: Position) {
        if let Some(sender) = &*self.end.lock() {
            sender.send_replace(end);
        }
    }
}

impl Counts {
    pub(super) fn committed(&self, appends: usize, bytes: usize) {
        add(&self.groups, 1);
        add(&self.appends, appends);
        add(&self.bytes, bytes);
    }

    pub(super) fn refused(&self) {
        add(&self.refused, 1);
    }

    pub(super) fn unknown(&self) {
        add(&self.unknown, 1);
    }

    pub(super) fn folded(&self, appends: usize) {
        add(&self.folded, appends);
    }

    pub(super) fn add_signals(&self, bytes: u64) {
        self.signals.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn remove_signals(&self, bytes: u64) {
        // Only the commit loop writes it. It never goes below nothing, which would be a great deal.
        self.signals.store(self.signals().saturating_sub(bytes), Ordering::Relaxed);
    }

    /// Bytes of signals in their table. Only the commit loop changes them.
    pub(super) fn signals(&self) -> u64 {
        self.signals.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self, stats: &mut Stats) {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        stats.appends = get(&self.appends);
        stats.groups = get(&self.groups);
        stats.bytes = get(&self.bytes);
        stats.refused = get(&self.refused);
        stats.unknown = get(&self.unknown);
        stats.folded = get(&self.folded);
        stats.signal_bytes = get(&self.signals);
    }
}

fn add(count: &AtomicU64, number: usize) {
    count.fetch_add(u64::try_from(number).unwrap_or(0), Ordering::Relaxed);
}
