//! What people hold: a journal, a writer, a reader.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroU16;
use std::sync::Arc;

use foundation::{Error, Result};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::append::{Append, Limits, Payload};
use crate::codes;
use crate::engine::{Engine, EngineWriter};
use crate::entry::{LogEntry, Page, SignalEntry};
use crate::lease::Lease;
use crate::load::{Due, Load, Loaded, StreamInfo};
use crate::options::Durability;
use crate::permit::{Gates, Permit, Pressure, Share};
use crate::stats::{Retained, Stats};
use crate::stream::{Position, Shard, StreamId, Version, check_kind, no_such_shard};
use crate::ticket::Ticket;

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

/// The one writer of a stream. Opening the stream again fences it; dropped, the stream has none.
#[must_use = "dropped, the stream has no writer"]
pub struct Writer {
    engine: Box<dyn EngineWriter>,
    stream: StreamId,
    gates: Arc<Gates>,
    journal: Arc<Gates>,
    limits: Limits,
}

/// Reads the log of a shard: whatever is appended, in order, nothing left out.
#[must_use]
pub struct LogReader(Follow<LogEntry>);

/// Reads the signals of a shard's log: all of them, in order.
#[must_use]
pub struct SignalReader(Follow<SignalEntry>);

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
        self.follow(from).map(LogReader)
    }

    /// Reads the signals behind `from`, and goes on as they come.
    ///
    /// # Errors
    ///
    /// `no_such_shard`.
    pub fn signals(&self, from: Position) -> Result<SignalReader> {
        self.follow(from).map(SignalReader)
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

    fn follow<T>(&self, from: Position) -> Result<Follow<T>> {
        let end = self.watch(from.shard())?;
        let journal = self.clone();
        Ok(Follow { journal, position: from, read_to: from, end, ready: VecDeque::new() })
    }
}

// === impl Writer ===

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
    /// Nothing was queued, and the writer may go on: `too_large`, `invalid_record`;
    /// `store_read_only` when the disk is nearly full; `version_conflict` when the append expects
    /// another version; whatever the codec refuses. Nothing was queued, and nothing more will be:
    /// `lease_lost`, `writer_fenced`, `stream_deleted`, `store_closed`.
    pub fn append(&mut self, mut permit: Permit, append: Append) -> Result<Ticket> {
        self.limits.admit(&append, self.head())?;
        let size = crate::format::stored_size(&self.stream, &append);
        if size > self.limits.append {
            return Err(crate::error::too_large("append", size, self.limits.append));
        }
        permit.settle(size);
        self.engine.append(append, permit)
    }
}

// === impl readers ===

impl LogReader {
    /// The next append; waits for it. Given up, nothing is lost: the next call gives the same.
    ///
    /// # Errors
    ///
    /// `gap` when the reader is behind what is kept: [`Self::skip`] goes on behind it.
    /// `store_closed`, `store_corrupt`, `store_error`.
    pub async fn next(&mut self) -> Result<LogEntry> {
        loop {
            if let Some(entry) = self.0.ready.pop_front() {
                self.0.position = entry.position;
                return Ok(entry);
            }
            self.0.position = self.0.read_to;
            self.0.wait().await?;
            let engine = Arc::clone(&self.0.journal.engine);
            let page = engine.read_log(self.0.position, PAGE).await?;
            self.0.fill(page);
        }
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
    /// The next signal; waits for it. Given up, nothing is lost: the next call gives the same.
    ///
    /// # Errors
    ///
    /// `gap` when the reader is behind what is kept: [`Self::skip`] goes on behind it.
    /// `store_closed`, `store_corrupt`, `store_error`.
    pub async fn next(&mut self) -> Result<SignalEntry> {
        loop {
            if let Some(entry) = self.0.ready.pop_front() {
                self.0.position = entry.position;
                return Ok(entry);
            }
            self.0.position = self.0.read_to;
            self.0.wait().await?;
            let engine = Arc::clone(&self.0.journal.engine);
            let page = engine.read_signals(self.0.position, PAGE).await?;
            self.0.fill(page);
        }
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

impl<T> Follow<T> {
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

    fn fill(&mut self, page: Page<T>) {
        self.read_to = page.read_to;
        self.ready = page.entries.into();
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

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("engine", &self.engine).finish_non_exhaustive()
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
