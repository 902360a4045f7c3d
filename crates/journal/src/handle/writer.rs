//! The one writer of a stream.

use std::fmt;
use std::sync::Arc;

use foundation::Result;

use crate::append::{Append, Change, Limits};
use crate::engine::EngineWriter;
use crate::permit::{Gates, Permit, Share};
use crate::stream::{Shard, StreamId, Version, no_such_shard};
use crate::ticket::Ticket;

/// The one writer of a stream. Opening the stream again fences it; dropped, the stream has none.
#[must_use = "dropped, the stream has no writer"]
pub struct Writer {
    pub(super) engine: Box<dyn EngineWriter>,
    pub(super) stream: StreamId,
    pub(super) shard: Shard,
    pub(super) gates: Arc<Gates>,
    pub(super) journal: Arc<Gates>,
    pub(super) limits: Limits,
}

impl Writer {
    /// Whose writer it is.
    #[must_use]
    pub const fn stream(&self) -> &StreamId {
        &self.stream
    }

    /// The version of the stream, including what is queued.
    #[must_use]
    pub fn head(&self) -> Version {
        self.engine.head()
    }

    /// Waits until an append of about `bytes` may be made. Given up, nothing is taken. It is for
    /// this writer. After the journal has stopped it may still be given; the append then says so.
    ///
    /// # Errors
    ///
    /// `too_large` when so much is never allowed at a time; `store_closed`.
    pub async fn permit(&self, share: Share, bytes: usize) -> Result<Permit> {
        Permit::take(&self.gates, &self.journal, share, bytes).await
    }

    /// Queues an append and returns at once; the ticket says what becomes of it. Appends of a
    /// writer become durable in their order. The permit goes with it, whatever its size was thought
    /// to be, and is free again when the ticket is answered.
    ///
    /// # Errors
    ///
    /// Nothing was queued, and the writer may go on: `too_large`, `invalid_record`; `no_such_shard`
    /// when it holds a blob of another shard; `store_older` when it holds or releases blobs and the
    /// format of the store has to be raised for that; `store_read_only` when the disk is nearly full;
    /// `version_conflict` when the append expects another version; whatever the codec refuses.
    /// Nothing was queued, and nothing more will be: `lease_lost`, `writer_fenced`,
    /// `stream_deleted`, `store_closed`.
    pub fn append(&mut self, mut permit: Permit, append: Append) -> Result<Ticket> {
        self.limits.admit(&append, self.head())?;
        self.check_blobs(&append)?;
        let size = crate::format::stored_size(&self.stream, &append);
        if size > self.limits.append {
            return Err(crate::error::too_large("append", size, self.limits.append));
        }
        permit.settle(size);
        self.engine.append(append, permit)
    }

    /// Refuses blobs of other shards.
    fn check_blobs(&self, append: &Append) -> Result<()> {
        for change in append.changes() {
            let (Change::Hold(blob) | Change::Release(blob)) = change else { continue };
            if blob.shard() != self.shard {
                let message = format!("the blob {blob} is not in shard {}", self.shard);
                return Err(no_such_shard(blob.shard(), message));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.head();
        f.debug_struct("Writer")
            .field("stream", &self.stream)
            .field("head", &head)
            .finish_non_exhaustive()
    }
}
