//! The port: what a store has to do to be a journal.
//!
//! People use [`Journal`](crate::Journal), which has an engine inside. An engine is what stands
//! behind it: the memory, redb, later `PostgreSQL` or NATS. What each method guarantees on success, on
//! an error and when it is given up is said here, and asked by [`testing`](crate::testing), which
//! every engine has to pass.
//!
//! # What holds of all of them
//!
//! - **Nothing is seen before it is durable.** Loads, lists, due wakes and readers of the log see
//!   appends whose tickets would say so, and no others.
//! - **Positions have no gaps for readers:** who has read up to a position has seen every record up
//!   to there that is kept.
//! - **Refused is not unknown.** An append that is refused is not there and will not be; the appends
//!   of others are not affected, and later ones of the same writer are refused too. When nobody
//!   knows, the ticket says `unknown_outcome`, the engine has stopped, and every open ticket gets the
//!   same.
//! - **Given up is not undone.** A future of the engine that is dropped may have done its work.

use std::fmt::Debug;
use std::num::NonZeroU16;
use std::sync::Arc;

use async_trait::async_trait;
use foundation::{Error, Result};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::append::{Append, Limits, Payload};
use crate::blob::{BlobId, BlobInfo, Chunk};
use crate::entry::{LogEntry, Page, SignalEntry};
use crate::lease::Lease;
use crate::load::{Due, Load, Loaded, StreamInfo};
use crate::maintenance::Maintenance;
use crate::options::Durability;
use crate::permit::{Permit, Pressure};
use crate::stats::{Retained, Stats};
use crate::stream::{Position, Shard, StreamId, Version};
use crate::ticket::Ticket;

/// A store that can be a journal.
#[async_trait]
pub trait Engine: Debug + Send + Sync + 'static {
    /// How many shards the store has. It never changes.
    fn shards(&self) -> NonZeroU16;

    /// What the store promises.
    fn durability(&self) -> Durability;

    /// How large things may be.
    fn limits(&self) -> Limits;

    /// How much may be on its way at a time.
    fn pressure(&self) -> Pressure;

    /// Takes the shard over. On success its epoch is durable and greater than every earlier one,
    /// the lease before is lost, and of what was appended under it nothing more becomes durable:
    /// what is durable by then is all there is. On an error, or given up, the lease before may be
    /// lost all the same.
    ///
    /// An engine whose leases run out of themselves waits until the one before has.
    ///
    /// # Errors
    ///
    /// `no_such_shard`, `store_closed`.
    async fn acquire(&self, shard: Shard) -> Result<Lease>;

    /// Makes a lease hold longer, where leases run out of themselves; elsewhere it asks whether it
    /// is lost. On an error nothing has changed, or the lease is lost and says so.
    ///
    /// # Errors
    ///
    /// `lease_lost`, `store_closed`.
    async fn renew(&self, lease: &Lease) -> Result<()>;

    /// Opens a stream for writing. On success the writer before is fenced: what it had queued is
    /// durable or refused, and it appends nothing more. On an error, or given up, it may be fenced
    /// all the same.
    ///
    /// # Errors
    ///
    /// `lease_lost`; `no_such_shard` when the stream is in another shard; `stream_deleted`;
    /// `writer_fenced` when somebody else opens it meanwhile; `store_closed`; whatever reading comes
    /// to.
    async fn open(&self, lease: &Lease, stream: &StreamId) -> Result<Box<dyn EngineWriter>>;

    /// What is asked for of a stream, as it was at one moment, and at least as late as when it was
    /// asked. A stream that nobody has appended to is at version 0. Changes nothing.
    ///
    /// # Errors
    ///
    /// `stream_deleted`, `store_corrupt`, `store_closed`, `store_error`, and whatever the codec
    /// refuses to decode.
    async fn load(&self, stream: &StreamId, load: &Load) -> Result<Loaded>;

    /// The recorded answer to a command. Changes nothing.
    ///
    /// # Errors
    ///
    /// `key_reused` when the key was answered for another fingerprint, and as [`Self::load`].
    async fn answer(
        &self,
        stream: &StreamId,
        key: &str,
        fingerprint: u128,
    ) -> Result<Option<Payload>>;

    /// The streams of a shard whose wake is due by `until`, the earliest first, at most `limit`,
    /// behind `after`. Changes nothing: a stream is due until its wake is set anew.
    ///
    /// # Errors
    ///
    /// `no_such_shard`, and as [`Self::load`].
    async fn due(
        &self,
        shard: Shard,
        until: Timestamp,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<Vec<Due>>;

    /// The streams of a kind, of all shards, in the order of their ids, at most `limit`, behind
    /// `after`. Deleted ones are left out. Changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Self::load`].
    async fn streams(
        &self,
        kind: &str,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamInfo>>;

    /// The appends behind `from`, at most about `limit`, whole. When there is none the page is
    /// empty. Changes nothing.
    ///
    /// # Errors
    ///
    /// `gap` when `from` is behind what is kept; `no_such_shard`, and as [`Self::load`].
    async fn read_log(&self, from: Position, limit: usize) -> Result<Page<LogEntry>>;

    /// The signals behind `from`, as [`Self::read_log`], with a retention of their own.
    ///
    /// # Errors
    ///
    /// As [`Self::read_log`].
    async fn read_signals(&self, from: Position, limit: usize) -> Result<Page<SignalEntry>>;

    /// The position behind which the first signal of `time` or later comes, as near as times of
    /// appends tell. Changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Self::read_log`].
    async fn signals_since(&self, shard: Shard, time: Timestamp) -> Result<Position>;

    /// Where the durable log of the shard ends, now and later; none of a shard that is not there.
    fn end(&self, shard: Shard) -> Option<watch::Receiver<Position>>;

    /// An id for a new blob of the shard, which nothing else has or had. Nothing is written.
    fn new_blob(&self, shard: Shard) -> BlobId;

    /// Writes the next chunk of a blob of the lease's shard, which begins with chunk 0; that it is of
    /// that shard is the caller's to see to. On success it is durable. On an
    /// error, or given up, it may be there all the same, and the blob cannot be gone on with.
    ///
    /// # Errors
    ///
    /// `lease_lost`, `store_read_only`, `store_older`; `blob_not_found` when the chunks before are
    /// not there any more; `invalid_record` when it is not the next one, or the blob is finished;
    /// whatever the codec refuses; `store_closed`, `unknown_outcome`.
    async fn write_chunk(&self, lease: &Lease, chunk: Chunk, permit: Permit) -> Result<()>;

    /// Ends a blob, which has `length` bytes in its chunks, as the caller has counted. On success
    /// it is durable, and can be read and held. On an error, or given up, it may be finished all
    /// the same.
    ///
    /// # Errors
    ///
    /// As [`Self::write_chunk`].
    async fn finish_blob(&self, lease: &Lease, blob: BlobId, length: u64) -> Result<()>;

    /// What a blob is that is finished. Changes nothing.
    ///
    /// # Errors
    ///
    /// `blob_not_found`, and as [`Self::load`].
    async fn blob(&self, blob: BlobId) -> Result<BlobInfo>;

    /// One of the chunks of a blob that is finished. Changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Self::blob`].
    async fn read_chunk(&self, blob: BlobId, index: u32) -> Result<Vec<u8>>;

    /// The blobs that a stream holds, in the order of their ids, at most `limit`, behind `after`.
    /// Changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Self::load`].
    async fn holds(
        &self,
        stream: &StreamId,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<Vec<BlobId>>;

    /// Lets the store be written in the newest format that this release knows, from now on; an
    /// earlier release does not open it any more. Gives that format. On an error, or given up, it
    /// may be so all the same. What is never written down is always of the newest.
    ///
    /// # Errors
    ///
    /// `store_closed`, `unknown_outcome`.
    async fn raise_format(&self) -> Result<u8>;

    /// Drops some of what has passed its retention: signals, answers, tombstones, blobs that nobody
    /// holds. What is not folded
    /// is folded first. On an error, or given up, some of it was dropped.
    ///
    /// # Errors
    ///
    /// `store_closed`, `unknown_outcome`.
    async fn retain(&self) -> Result<Retained>;

    /// Does what housekeeping there is now, such as folding the log into rows, for everything that
    /// was durable when it was asked. Nothing that is read changes by it. On an error, or given up,
    /// some of it is done.
    ///
    /// # Errors
    ///
    /// `store_closed`.
    async fn fold(&self) -> Result<()>;

    /// What it has done and holds.
    fn stats(&self) -> Stats;

    /// What looks after its store, if it has one.
    fn maintenance(&self) -> Option<Arc<dyn Maintenance>> {
        None
    }

    /// Waits until the journal has stopped. Gives why when that was a failure, and nothing when it
    /// was closed. Given up, nothing changes.
    async fn ended(&self) -> Option<Error>;

    /// Commits what is queued, ends the leases and lets the store go. Everything after is
    /// `store_closed`. Given up, it goes on in the background. Closed twice, it does nothing more.
    ///
    /// # Errors
    ///
    /// `unknown_outcome` when the last commit failed.
    async fn close(&self) -> Result<()>;
}

/// The one writer of a stream, as an engine gives it. Dropped, the stream has none.
pub trait EngineWriter: Debug + Send + Sync {
    /// The version of the stream, including what is queued.
    fn head(&self) -> Version;

    /// Queues an append and returns at once. Appends become durable in the order in which they were
    /// queued, wholly or not at all. `append` has been checked against the limits; the version that
    /// it expects is the engine's to check.
    ///
    /// # Errors
    ///
    /// `store_closed`, `store_read_only`, `store_older`, `lease_lost`, `writer_fenced`,
    /// `stream_deleted`, `version_conflict`, and whatever the codec refuses: nothing was queued. That
    /// an answer is there already, or a blob is not, is found later and is the ticket's outcome.
    fn append(&mut self, append: Append, permit: Permit) -> Result<Ticket>;
}
