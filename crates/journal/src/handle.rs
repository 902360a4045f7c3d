//! What people hold: a journal, a writer, a reader.

mod maintenance;
mod readers;
mod writer;

use std::fmt;
use std::num::NonZeroU16;
use std::sync::Arc;

use foundation::{Error, Result};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::append::{Limits, Payload};
use crate::blob::{BlobId, BlobReader, BlobWriter};
use crate::engine::Engine;
use crate::lease::Lease;
use crate::load::{Due, Load, Loaded, StreamInfo};
use crate::options::Durability;
use crate::permit::{Gates, Pressure};
use crate::stats::{Retained, Stats};
use crate::stream::{Position, Shard, StreamId, check_kind, no_such_shard};

pub use self::readers::{LogReader, SignalReader};
pub use self::writer::Writer;

/// A durable log of many streams. Clones are the same journal.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::System;
/// use journal::{Append, Load, MemoryOptions, Payload, Shard, Share, StreamId};
///
/// let system = System::builder().start().await?;
/// let journal = MemoryOptions::default().open(&system)?;
/// let lease = journal.acquire(Shard::new(0)).await?;
///
/// let stream = StreamId::new("account", "alice")?;
/// let mut alice = journal.open(&lease, &stream).await?;
/// let permit = alice.permit(Share::New, 100).await?;
/// let append = Append::new().put("balance", Payload::new(1, *b"10"));
/// let committed = alice.append(permit, append)?.await?;
///
/// let loaded = journal.load(&stream, Load::all()).await?;
/// assert_eq!(loaded.version, committed.version);
/// assert_eq!(loaded.parts[0].payload.bytes(), b"10");
/// journal.close().await?;
/// # system.stop().await
/// # })?;
/// # Ok::<_, foundation::Error>(())
/// ```
#[derive(Clone)]
pub struct Journal {
    engine: Arc<dyn Engine>,
    gates: Arc<Gates>,
    limits: Limits,
}

// === impl Journal ===

impl Journal {
    /// A journal on that engine.
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        let (gates, limits) = (Gates::of_journal(&engine.pressure()), engine.limits());
        Self { engine, gates, limits }
    }

    /// How many shards it has.
    #[must_use]
    pub fn shards(&self) -> NonZeroU16 {
        self.engine.shards()
    }

    /// What it promises.
    #[must_use]
    pub fn durability(&self) -> Durability {
        self.engine.durability()
    }

    /// How large things may be.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// How much may be on its way at a time.
    pub fn pressure(&self) -> Pressure {
        self.engine.pressure()
    }

    /// Takes a shard over: whoever had it before has lost it, and nothing that it appends from now
    /// on is accepted. See [`Engine::acquire`].
    ///
    /// # Errors
    ///
    /// `no_such_shard`, `store_closed`.
    pub async fn acquire(&self, shard: Shard) -> Result<Lease> {
        self.check(shard)?;
        self.engine.acquire(shard).await
    }

    /// Makes a lease hold longer, where leases run out of themselves. See [`Engine::renew`].
    ///
    /// # Errors
    ///
    /// `lease_lost`, `store_closed`.
    pub async fn renew(&self, lease: &Lease) -> Result<()> {
        self.engine.renew(lease).await
    }

    /// Opens a stream for writing, whether there is something in it or not. The writer before is
    /// fenced. See [`Engine::open`].
    ///
    /// # Errors
    ///
    /// `lease_lost`; `no_such_shard` when the stream is in another shard; `stream_deleted`;
    /// `writer_fenced` when somebody else opens it meanwhile; `store_closed`, `store_corrupt`,
    /// `store_error`.
    pub async fn open(&self, lease: &Lease, stream: &StreamId) -> Result<Writer> {
        let shard = stream.shard(self.shards());
        if shard != lease.shard() {
            let message =
                format!("{stream} is in shard {shard}, the lease is of {}", lease.shard());
            return Err(no_such_shard(shard, message));
        }
        let engine = self.engine.open(lease, stream).await?;
        Ok(Writer {
            engine,
            stream: stream.clone(),
            shard,
            gates: Gates::of_writer(&self.engine.pressure()),
            journal: Arc::clone(&self.gates),
            limits: self.limits,
        })
    }

    /// What is asked for of a stream, as it was at one moment. See [`Engine::load`].
    ///
    /// # Errors
    ///
    /// `stream_deleted`, `store_corrupt`, `store_closed`, `store_error`, and whatever the codec
    /// refuses to decode.
    pub async fn load(&self, stream: &StreamId, load: Load) -> Result<Loaded> {
        self.engine.load(stream, &load).await
    }

    /// The recorded answer to the command that `fingerprint` is a digest of; none when there is
    /// none, or no longer. See [`Engine::answer`].
    ///
    /// # Errors
    ///
    /// `key_reused` when the key was answered for another command, and as [`Self::load`].
    pub async fn answer(
        &self,
        stream: &StreamId,
        key: &str,
        fingerprint: u128,
    ) -> Result<Option<Payload>> {
        self.engine.answer(stream, key, fingerprint).await
    }

    /// The streams of a shard that are due by `until`, the earliest first, behind `after`. See
    /// [`Engine::due`].
    ///
    /// # Errors
    ///
    /// `no_such_shard`, and as [`Self::load`].
    pub async fn due(
        &self,
        shard: Shard,
        until: Timestamp,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<Vec<Due>> {
        self.check(shard)?;
        self.engine.due(shard, until, after, limit).await
    }

    /// The streams of a kind, in the order of their ids, behind `after`. See [`Engine::streams`].
    ///
    /// # Errors
    ///
    /// `invalid_record`, `too_large` when that is no kind, and as [`Self::load`].
    pub async fn streams(
        &self,
        kind: &str,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamInfo>> {
        check_kind(kind)?;
        self.engine.streams(kind, after, limit).await
    }

    /// Reads the log behind `from`, and goes on as it grows.
    ///
    /// # Errors
    ///
    /// `no_such_shard`.
    pub fn log(&self, from: Position) -> Result<LogReader> {
        LogReader::new(self, from)
    }

    /// Reads the signals behind `from`, and goes on as they come.
    ///
    /// # Errors
    ///
    /// `no_such_shard`.
    pub fn signals(&self, from: Position) -> Result<SignalReader> {
        SignalReader::new(self, from)
    }

    /// Where to read from to get the signals since `time`. See [`Engine::signals_since`].
    ///
    /// # Errors
    ///
    /// `no_such_shard`, and as [`Self::load`].
    pub async fn signals_since(&self, shard: Shard, time: Timestamp) -> Result<Position> {
        self.check(shard)?;
        self.engine.signals_since(shard, time).await
    }

    /// Where the durable log of a shard ends now.
    ///
    /// # Errors
    ///
    /// `no_such_shard`.
    pub fn end(&self, shard: Shard) -> Result<Position> {
        Ok(*self.watch(shard)?.borrow())
    }

    /// Begins a blob for streams of the lease's shard. Nothing is written yet.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # use foundation::System;
    /// # use journal::{Append, MemoryOptions, Payload, Shard, Share, StreamId};
    /// # let system = System::builder().start().await?;
    /// # let journal = MemoryOptions::default().open(&system)?;
    /// # let lease = journal.acquire(Shard::new(0)).await?;
    /// # let mut writer = journal.open(&lease, &StreamId::new("report", "2026")?).await?;
    /// let mut blob = journal.new_blob(&lease);
    /// blob.write(b"as many bytes as there are, ").await?;
    /// blob.write(b"piece by piece").await?;
    /// let id = blob.finish().await?;
    ///
    /// let append = Append::new().put("report", Payload::new(1, id.to_string())).hold(id);
    /// let permit = writer.permit(Share::New, 100).await?;
    /// writer.append(permit, append)?.await?;
    ///
    /// let bytes = journal.read_blob(id).await?.read_all(1 << 20).await?;
    /// assert_eq!(bytes, b"as many bytes as there are, piece by piece");
    /// # journal.close().await?;
    /// # system.stop().await
    /// # })?;
    /// # Ok::<_, foundation::Error>(())
    /// ```
    pub fn new_blob(&self, lease: &Lease) -> BlobWriter {
        BlobWriter::new(Arc::clone(&self.engine), lease.clone(), Arc::clone(&self.gates))
    }

    /// Reads a blob that is finished.
    ///
    /// # Errors
    ///
    /// `blob_not_found`; `no_such_shard`; `store_corrupt`, `store_closed`, `store_error`.
    pub async fn read_blob(&self, blob: BlobId) -> Result<BlobReader> {
        self.check(blob.shard())?;
        let info = self.engine.blob(blob).await?;
        Ok(BlobReader::new(Arc::clone(&self.engine), blob, info))
    }

    /// The blobs that a stream holds, behind `after`. See [`Engine::holds`].
    ///
    /// # Errors
    ///
    /// As [`Self::load`].
    pub async fn holds(
        &self,
        stream: &StreamId,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<Vec<BlobId>> {
        self.engine.holds(stream, after, limit).await
    }

    /// Lets the store be written in the newest format that this release knows, when no earlier
    /// release has to open it any more. Gives that format. See [`Engine::raise_format`].
    ///
    /// # Errors
    ///
    /// `store_closed`, `unknown_outcome`.
    pub async fn raise_format(&self) -> Result<u8> {
        self.engine.raise_format().await
    }

    /// Drops some of what has passed its retention. See [`Engine::retain`].
    ///
    /// # Errors
    ///
    /// `store_closed`, `unknown_outcome`.
    pub async fn retain(&self) -> Result<Retained> {
        self.engine.retain().await
    }

    /// Does what housekeeping there is now. It happens by itself; asked for, it makes the next
    /// opening faster. See [`Engine::fold`].
    ///
    /// # Errors
    ///
    /// `store_closed`.
    pub async fn fold(&self) -> Result<()> {
        self.engine.fold().await
    }

    /// What it has done and holds.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }

    /// Waits until the journal has stopped. Gives why when that was a failure, and nothing when it
    /// was closed. See [`Engine::ended`].
    pub async fn ended(&self) -> Option<Error> {
        self.engine.ended().await
    }

    /// Commits what is queued and lets the store go. Everything after is `store_closed`. See
    /// [`Engine::close`].
    ///
    /// # Errors
    ///
    /// `unknown_outcome` when the last commit failed.
    pub async fn close(&self) -> Result<()> {
        self.gates.close();
        self.engine.close().await
    }

    fn check(&self, shard: Shard) -> Result<()> {
        self.watch(shard).map(drop)
    }

    fn watch(&self, shard: Shard) -> Result<watch::Receiver<Position>> {
        let shards = self.shards();
        let message = || format!("there is no shard {shard}; the store has {shards}");
        self.engine.end(shard).ok_or_else(|| no_such_shard(shard, message()))
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("engine", &self.engine).finish_non_exhaustive()
    }
}
