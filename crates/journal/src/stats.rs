//! What a journal has done and holds, counted.

/// Counts of a journal since it was opened, and what it holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Appends that are durable.
    pub appends: u64,
    /// Commits in which they were made durable.
    pub groups: u64,
    /// Bytes of those, as they were written.
    pub bytes: u64,
    /// Appends that were refused, when they were queued or when they were to be committed. Those that
    /// are over a limit are not: they never came so far.
    pub refused: u64,
    /// Appends of which nobody knows.
    pub unknown: u64,
    /// Appends that were folded.
    pub folded: u64,
    /// Appends that wait for their group.
    pub queued: usize,
    /// Appends in the log that are not folded yet; in memory, those kept for readers.
    pub tail: usize,
    /// Bytes of those, which are held in memory.
    pub tail_bytes: u64,
    /// Bytes of the log on disk: those that are not folded, and those kept for readers.
    pub log_bytes: u64,
    /// Bytes of signals that are kept, beside those of the tail.
    pub signal_bytes: u64,
    /// Streams of which something is held in memory besides the cache: those that have a writer, and
    /// those with appends that are queued or not folded. In memory, all of them.
    pub streams: usize,
    /// Streams that have a writer.
    pub writers: usize,
    /// Requests to read that wait or run on threads.
    pub reads_queued: usize,
}

/// What a pass of retention dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Retained {
    /// Signals.
    pub signals: u64,
    /// Answers.
    pub answers: u64,
    /// Tombstones of deleted streams.
    pub tombstones: u64,
    /// Blobs that nobody held.
    pub blobs: u64,
    /// Whether there may be more to drop: a pass is bounded.
    pub more: bool,
}
