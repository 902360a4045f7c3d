//! What readers of the log are given.

use jiff::Timestamp;

use crate::append::{Change, Signal};
use crate::stream::{Position, StreamId, Version};

/// An append as readers of the log see it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogEntry {
    /// Where it is.
    pub position: Position,
    /// Whose it is.
    pub stream: StreamId,
    /// The version that it made.
    pub version: Version,
    /// When it was appended.
    pub at: Timestamp,
    /// What it did.
    pub changes: Vec<Change>,
}

/// A signal as readers of the log see it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignalEntry {
    /// Where it is. No two signals have the same.
    pub position: Position,
    /// Who emitted it.
    pub stream: StreamId,
    /// The version that it came with.
    pub version: Version,
    /// When it was appended.
    pub at: Timestamp,
    /// The signal.
    pub signal: Signal,
}

impl LogEntry {
    /// For engines.
    #[must_use]
    pub const fn new(
        position: Position,
        stream: StreamId,
        version: Version,
        at: Timestamp,
        changes: Vec<Change>,
    ) -> Self {
        Self { position, stream, version, at, changes }
    }
}

impl SignalEntry {
    /// For engines.
    #[must_use]
    pub const fn new(
        position: Position,
        stream: StreamId,
        version: Version,
        at: Timestamp,
        signal: Signal,
    ) -> Self {
        Self { position, stream, version, at, signal }
    }
}

/// A page of the log or of its signals.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// What is there, in order.
    pub entries: Vec<T>,
    /// Everything up to here is in the page: where the next one begins.
    pub read_to: Position,
}

impl<T> Page<T> {
    /// For engines.
    #[must_use]
    pub const fn new(entries: Vec<T>, read_to: Position) -> Self {
        Self { entries, read_to }
    }
}
