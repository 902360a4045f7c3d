//! Readers of the log, which go on as it grows.

use std::collections::VecDeque;
use std::fmt;

use foundation::{Error, Result};
use tokio::sync::watch;

use super::Journal;
use crate::codes;
use crate::engine::Engine;
use crate::entry::{LogEntry, Page, SignalEntry};
use crate::stream::{Position, no_such_shard};

/// Reads the log of a shard: whatever is appended, in order, nothing left out.
#[must_use]
pub struct LogReader(Follow<LogEntry>);

/// Reads the signals of a shard's log: all of them, in order.
#[must_use]
pub struct SignalReader(Follow<SignalEntry>);

/// What a reader gives one by one, and reads by the page.
trait Entry: Sized {
    fn position(&self) -> Position;
    async fn read(engine: &dyn Engine, from: Position) -> Result<Page<Self>>;
}

/// A reader that goes on from a position.
struct Follow<T> {
    journal: Journal,
    position: Position,
    /// How far what is in `ready` was read.
    read_to: Position,
    end: watch::Receiver<Position>,
    ready: VecDeque<T>,
}

/// Entries in one page of a reader: enough that asking costs little, few enough to hold.
const PAGE: usize = 256;

impl LogReader {
    pub(super) fn new(journal: &Journal, from: Position) -> Result<Self> {
        Follow::new(journal, from).map(Self)
    }

    /// The next append; waits for it. Given up, nothing is lost: the next call gives the same.
    ///
    /// # Errors
    ///
    /// `gap` when the reader is behind what is kept: [`Self::skip`] goes on behind it.
    /// `store_closed`, `store_corrupt`, `store_error`.
    pub async fn next(&mut self) -> Result<LogEntry> {
        self.0.next().await
    }

    /// Where it is: behind the last entry that it gave.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.0.position
    }

    /// Goes on behind `position`, such as [`gap_end`](crate::gap_end) of a `gap`.
    ///
    /// # Errors
    ///
    /// `no_such_shard` when it is in another shard.
    pub fn skip(&mut self, position: Position) -> Result<()> {
        self.0.skip(position)
    }
}

impl SignalReader {
    pub(super) fn new(journal: &Journal, from: Position) -> Result<Self> {
        Follow::new(journal, from).map(Self)
    }

    /// The next signal; waits for it. Given up, nothing is lost: the next call gives the same.
    ///
    /// # Errors
    ///
    /// `gap` when the reader is behind what is kept: [`Self::skip`] goes on behind it.
    /// `store_closed`, `store_corrupt`, `store_error`.
    pub async fn next(&mut self) -> Result<SignalEntry> {
        self.0.next().await
    }

    /// Where it is: behind the last signal that it gave, and behind appends without any.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.0.position
    }

    /// Goes on behind `position`, such as [`gap_end`](crate::gap_end) of a `gap`.
    ///
    /// # Errors
    ///
    /// `no_such_shard` when it is in another shard.
    pub fn skip(&mut self, position: Position) -> Result<()> {
        self.0.skip(position)
    }
}

impl Entry for LogEntry {
    fn position(&self) -> Position {
        self.position
    }

    async fn read(engine: &dyn Engine, from: Position) -> Result<Page<Self>> {
        engine.read_log(from, PAGE).await
    }
}

impl Entry for SignalEntry {
    fn position(&self) -> Position {
        self.position
    }

    async fn read(engine: &dyn Engine, from: Position) -> Result<Page<Self>> {
        engine.read_signals(from, PAGE).await
    }
}

impl<T: Entry> Follow<T> {
    /// Given up while it waits or reads, it has changed nothing but to go on from where it has read.
    async fn next(&mut self) -> Result<T> {
        loop {
            if let Some(entry) = self.ready.pop_front() {
                self.position = entry.position();
                return Ok(entry);
            }
            self.position = self.read_to;
            self.wait().await?;
            let page = T::read(&*self.journal.engine, self.position).await?;
            self.read_to = page.read_to;
            self.ready = page.entries.into();
        }
    }
}

impl<T> Follow<T> {
    fn new(journal: &Journal, from: Position) -> Result<Self> {
        let end = journal.watch(from.shard())?;
        let journal = journal.clone();
        Ok(Self { journal, position: from, read_to: from, end, ready: VecDeque::new() })
    }

    /// Waits until the log goes further than was read.
    async fn wait(&mut self) -> Result<()> {
        let read_to = self.read_to;
        let is_there = self.end.wait_for(|end| end.is_after(read_to)).await.is_ok();
        if is_there {
            return Ok(());
        }
        let closed = Error::from(codes::STORE_CLOSED);
        Err(match self.journal.ended().await {
            Some(cause) => closed.with_source(cause),
            None => closed,
        })
    }

    fn skip(&mut self, position: Position) -> Result<()> {
        let shard = self.position.shard();
        if position.shard() != shard {
            let message = format!("the reader is of shard {shard}");
            return Err(no_such_shard(position.shard(), message));
        }
        self.position = position;
        self.read_to = position;
        self.ready.clear();
        Ok(())
    }
}

impl fmt::Debug for LogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader").field("position", &self.0.position).finish_non_exhaustive()
    }
}

impl fmt::Debug for SignalReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalReader").field("position", &self.0.position).finish_non_exhaustive()
    }
}
