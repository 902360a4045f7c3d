//! Taking everything out of a journal, and putting it into a new store.
//!
//! The lines are described in `docs/export.md`. They are for moving a store to another release, to
//! another durability or another program; for a copy of the file there are faster ways.

use std::io::Write;

use foundation::Result;

use crate::handle::Journal;

/// What an export has written, or an import has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Exported {
    /// Lines, the first and the last included.
    pub lines: u64,
    /// Streams, but those that are in the log only; deleted ones included whose names are not free
    /// yet.
    pub streams: u64,
    /// Blobs, those that are not whole included.
    pub blobs: u64,
    /// Appends in the log.
    pub appends: u64,
    /// Signals, but those that are in the log only.
    pub signals: u64,
    /// Bytes of all lines.
    pub bytes: u64,
}

impl Journal {
    /// Writes everything that the journal holds to `to`, as lines of JSON, while others go on. It is
    /// as it was at one moment after the call: what was durable before it is there, and what comes
    /// later is not. The last line says that it is whole, so that one that was cut off is told.
    ///
    /// It is done in short steps by the threads that read, so at most a line and a megabyte are held
    /// in memory. Until it is done, the file keeps what it reads, and grows by what is changed
    /// meanwhile. Writing is blocking: what is slow holds up one reader. Payloads are written as
    /// they are stored: if they are encrypted, they stay so.
    ///
    /// Given up, it stops behind the step that is under way, and unless that was the last, what was
    /// written lacks its last line.
    ///
    /// # Errors
    ///
    /// `not_supported` of an engine without a store; `store_corrupt`, `store_closed`,
    /// `store_error`; `export_failed` when `to` could not be written.
    pub async fn export(&self, to: impl Write + Send + 'static) -> Result<Exported> {
        self.maintenance("export")?.export(Box::new(to)).await
    }
}
