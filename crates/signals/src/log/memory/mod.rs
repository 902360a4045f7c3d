//! A log in memory: for tests, and for what may be gone at exit.
//!
//! - **Appending costs the same however long the log is**; so does reading on, and dropping costs
//!   what is dropped.
//! - **It is bounded.** What it has no room for is refused, unless its retention drops the oldest.
//! - **Nobody else's code runs under its locks**: signals are measured before, and dropped behind
//!   them, because their bytes may be somebody's own.

mod entries;
mod options;
mod parts;
mod size;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use foundation::{Home, InSystem, Result};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::coop::consume_budget;

pub use options::MemoryLogBuilder;

use self::entries::{Entries, Sized};
use self::parts::Parts;
use self::size::size;
use super::entry::{LogBounds, LogPage, LogPosition, Retained, Retention};
use super::port::{PartChange, SignalLog};
use crate::signal::Signal;
use crate::sync::Mutex;

/// How many signals a page has at most, whatever the reader would take: others wait while it is
/// made.
const PAGE: usize = 4096;

/// A log in memory. A clone is the same one; it is gone with the last of them, and not with a bus
/// that uses it, nor with the system whose clock it has.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::System;
/// use signals::{LogPosition, MemoryLog, Signal, SignalLog};
///
/// let system = System::builder().start().await?;
/// let log = MemoryLog::new(&system);
/// let shipped = Signal::new("order.7.shipped", "/shop").stamp(&system)?;
/// let positions = log.append(vec![shipped.clone()]).await?;
/// let page = log.read(LogPosition::START, 10).await?;
/// assert_eq!(page.entries[0].position, positions[0]);
/// assert!(page.entries[0].signal.is_same(&shipped));
/// assert_eq!(*log.tail().borrow(), positions[0]);
/// system.stop().await
/// # })?;
/// # Ok::<_, foundation::Error>(())
/// ```
#[derive(Clone)]
pub struct MemoryLog {
    shared: Arc<Shared>,
}

struct Shared {
    home: Home,
    options: MemoryLogBuilder,
    entries: Mutex<Entries>,
    parts: Mutex<Parts>,
    tail: watch::Sender<LogPosition>,
}

impl MemoryLog {
    /// An empty log with the default options, which takes its times from the clock of the system.
    #[must_use]
    pub fn new(system: &impl InSystem) -> Self {
        Self::with(Self::builder(), system.home())
    }

    /// The options of a log.
    pub const fn builder() -> MemoryLogBuilder {
        MemoryLogBuilder::new()
    }

    fn with(options: MemoryLogBuilder, home: Home) -> Self {
        let (entries, parts) = (Mutex::default(), Mutex::default());
        let tail = watch::Sender::new(LogPosition::START);
        Self { shared: Arc::new(Shared { home, options, entries, parts, tail }) }
    }
}

#[async_trait]
impl SignalLog for MemoryLog {
    async fn append(&self, signals: Vec<Signal>) -> Result<Vec<LogPosition>> {
        // Nothing here waits, and who appends without end would never let others run.
        consume_budget().await;
        if signals.is_empty() {
            return Ok(Vec::new());
        }
        let Shared { home, options, entries, tail, .. } = &*self.shared;
        let count = signals.len();
        let mut signals: Vec<Sized> =
            signals.into_iter().map(|signal| (size(&signal), signal)).collect();
        let now = home.now();
        let appended = entries.lock().append(&mut signals, now, &options.room);
        let (first, dropped) = appended?;
        let positions: Vec<_> = (first..).take(count).map(LogPosition::new).collect();
        let end = positions.last().copied().unwrap_or_default();
        advance(tail, end);
        drop(dropped);
        Ok(positions)
    }

    async fn read(&self, after: LogPosition, limit: usize) -> Result<LogPage> {
        consume_budget().await;
        self.shared.entries.lock().read(after, limit.min(PAGE))
    }

    fn tail(&self) -> watch::Receiver<LogPosition> {
        self.shared.tail.subscribe()
    }

    async fn bounds(&self) -> Result<LogBounds> {
        Ok(self.shared.entries.lock().bounds())
    }

    async fn position_at(&self, time: Timestamp) -> Result<LogPosition> {
        Ok(self.shared.entries.lock().position_at(time))
    }

    async fn retain(&self, retention: Retention) -> Result<Retained> {
        let now = self.shared.home.now();
        let (retained, dropped) = self.shared.entries.lock().retain(retention, now);
        drop(dropped);
        Ok(retained)
    }

    async fn load_part(&self, owner: &str, key: &str) -> Result<Option<Vec<u8>>> {
        consume_budget().await;
        Ok(self.shared.parts.lock().load(owner, key))
    }

    async fn list_parts(
        &self,
        owner: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>> {
        consume_budget().await;
        Ok(self.shared.parts.lock().list(owner, after, limit))
    }

    async fn store_parts(&self, owner: &str, changes: Vec<PartChange>) -> Result<()> {
        consume_budget().await;
        self.shared.parts.lock().store(owner, changes, self.shared.options.part_bytes)
    }

    async fn owners(&self) -> Result<Vec<String>> {
        Ok(self.shared.parts.lock().owners())
    }
}

/// Tells that it can be read so far, unless it was told that it is further: of two appends the
/// later one may come here first.
fn advance(tail: &watch::Sender<LogPosition>, end: LogPosition) {
    tail.send_if_modified(|tail| {
        let is_further = end > *tail;
        *tail = end.max(*tail);
        is_further
    });
}

impl fmt::Debug for MemoryLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounds = self.shared.entries.lock().bounds();
        f.debug_struct("MemoryLog").field("bounds", &bounds).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
