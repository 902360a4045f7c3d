//! What is in a log, and where.

use std::fmt;
use std::time::Duration;

use foundation::{Error, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::port::SignalLog;
use crate::codes;
use crate::signal::Signal;

/// A place in a log. Later ones are greater; no two signals of a log have the same. What the
/// numbers are is up to the log: there may be numbers between two that are next to each other.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
pub struct LogPosition(u64);

/// A signal in a log.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LogEntry {
    /// Where it is.
    pub position: LogPosition,
    /// When it was appended: never earlier than the one before.
    pub at: Timestamp,
    /// The signal.
    pub signal: Signal,
}

/// A page of a log.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LogPage {
    /// What is there, in order.
    pub entries: Vec<LogEntry>,
    /// Everything up to here is in the page: where the next one begins.
    pub read_to: LogPosition,
}

/// What a log has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogBounds {
    /// Behind which position everything is kept. Reading from here or later finds no gap.
    pub kept_after: LogPosition,
    /// The last position that can be read.
    pub end: LogPosition,
}

/// What a log keeps. What is older, or over the size, may be dropped, from the beginning on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Retention {
    /// How long a signal is kept.
    pub age: Option<Duration>,
    /// How many signals are kept.
    pub count: Option<u64>,
    /// How many bytes of signals are kept, by their size as JSON, more or less.
    pub bytes: Option<u64>,
}

/// What was dropped from a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Retained {
    /// How many signals were dropped.
    pub dropped: u64,
    /// How many are left.
    pub left: u64,
}

impl LogPosition {
    /// Before everything that a log may have.
    pub const START: Self = Self(0);

    /// The position of that number, for logs.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl LogEntry {
    /// For logs.
    #[must_use]
    pub const fn new(position: LogPosition, at: Timestamp, signal: Signal) -> Self {
        Self { position, at, signal }
    }
}

impl LogPage {
    /// For logs.
    #[must_use]
    pub const fn new(entries: Vec<LogEntry>, read_to: LogPosition) -> Self {
        Self { entries, read_to }
    }
}

impl LogBounds {
    /// For logs.
    #[must_use]
    pub const fn new(kept_after: LogPosition, end: LogPosition) -> Self {
        Self { kept_after, end }
    }
}

impl Retained {
    /// For logs.
    #[must_use]
    pub const fn new(dropped: u64, left: u64) -> Self {
        Self { dropped, left }
    }
}

impl Retention {
    /// Everything is kept, for ever.
    #[must_use]
    pub const fn forever() -> Self {
        Self { age: None, count: None, bytes: None }
    }

    /// Signals are kept for so long.
    #[must_use]
    pub const fn age(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// So many signals are kept.
    #[must_use]
    pub const fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// So many bytes of signals are kept.
    #[must_use]
    pub const fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }
}

/// The entry at a position, if it is kept.
///
/// # Errors
///
/// Whatever reading fails with.
pub(crate) async fn entry_at(
    log: &dyn SignalLog,
    position: LogPosition,
) -> Result<Option<LogEntry>> {
    let before = LogPosition::new(position.get().saturating_sub(1));
    match log.read(before, 1).await {
        Ok(page) => Ok(page.entries.into_iter().find(|entry| entry.position == position)),
        Err(error) if gap_end(&error).is_some() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The error of whoever reads from `from`, where what is up to `to` is no longer kept. For logs.
#[must_use]
pub fn gap(from: LogPosition, to: LogPosition) -> Error {
    Error::from(codes::SIGNAL_GAP).with_detail("from", from.get()).with_detail("to", to.get())
}

/// Behind which position to read on after a `signal_gap`; none of another error.
#[must_use]
pub fn gap_end(error: &Error) -> Option<LogPosition> {
    if error.code() != codes::SIGNAL_GAP.name {
        return None;
    }
    error.details().get("to")?.as_u64().map(LogPosition)
}
