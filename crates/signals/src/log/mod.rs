//! The port through which a bus keeps its signals: a log that is appended to and read from a
//! position, live; and beside it, small parts of bytes under the names of subscriptions.
//!
//! - **What was appended is durable** as far as the log promises that of anything, when
//!   [`SignalLog::append`] returns.
//! - **Readers see a prefix without gaps**, in one order for all, and nothing that is not durable.
//! - **What is no longer kept is told**: whoever reads behind it gets the error `gap`, never
//!   silence.
//!
//! An in-memory log is [`MemoryLog`]. A conformance kit is in `testing`.

mod bounded;
mod entry;
mod limits;
mod memory;
mod port;

pub(crate) use bounded::Bounded;
pub(crate) use entry::entry_at;
pub use entry::{LogBounds, LogEntry, LogPage, LogPosition, Retained, Retention, gap, gap_end};
pub use limits::{MAX_PART_BYTES, MAX_PART_CHANGES, MAX_PART_KEY, MAX_PART_OWNER, check_parts};
pub use memory::{MemoryLog, MemoryLogBuilder};
pub use port::{PartChange, SignalLog};
