//! The engine: one lock around the state, and what is told outside of it.
//!
//! Nobody else's code runs under the lock: payloads are encoded before it is taken and decoded
//! after it was given back, and leases, tickets and readers are told then.

use std::num::NonZeroU16;
use std::sync::Arc;

use async_trait::async_trait;
use foundation::{Error, Home, Result};
use jiff::Timestamp;
use tokio::sync::watch;

use super::coded::{Carries, Coded, encode, in_microseconds};
use super::options::MemoryOptions;
use super::state::{Encoded, Found, Opened, Outcome, Record, State};
use crate::append::{Append, Limits, Payload};
use crate::blob::{BlobId, BlobInfo, Chunk};
use crate::codec::Codec;
use crate::engine::{Engine, EngineWriter};
use crate::entry::{LogEntry, Page, SignalEntry};
use crate::format::FORMAT;
use crate::lease::Lease;
use crate::load::{Due, Load, Loaded, StreamInfo};
use crate::options::Durability;
use crate::permit::{Permit, Pressure};
use crate::stats::{Retained, Stats};
use crate::stream::{Position, Shard, StreamId, Version};
use crate::sync::{Mutex, MutexGuard};
use crate::ticket::Ticket;

/// A journal in memory.
#[derive(Debug)]
pub(super) struct MemoryEngine {
    shards: NonZeroU16,
    limits: Limits,
    pressure: Pressure,
    core: Arc<Core>,
}

/// What the engine and its writers have in common.
#[derive(Debug)]
struct Core {
    state: Mutex<State>,
    ends: Vec<End>,
    codec: Arc<dyn Codec>,
    home: Home,
}

/// Where the log of a shard ends, for who waits for that.
#[derive(Debug)]
struct End {
    /// Gone when the journal is closed, which whoever waits sees.
    told: Mutex<Option<Arc<watch::Sender<Position>>>>,
    seen: watch::Receiver<Position>,
}

#[derive(Debug)]
struct MemoryWriter {
    core: Arc<Core>,
    opened: Opened,
    head: Version,
}

// === impl MemoryEngine ===

impl MemoryEngine {
    pub(super) fn new(options: &MemoryOptions, home: Home) -> Self {
        let shards = (0..options.shards.get()).map(Shard::new);
        let core = Core {
            state: Mutex::new(State::new(options.shards, options.retention)),
            ends: shards.map(End::new).collect(),
            codec: Arc::clone(&options.codec),
            home,
        };
        let (shards, limits, pressure) = (options.shards, options.limits, options.pressure);
        Self { shards, limits, pressure, core: Arc::new(core) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.core.state.lock()
    }
}

#[async_trait]
impl Engine for MemoryEngine {
    fn shards(&self) -> NonZeroU16 {
        self.shards
    }

    fn durability(&self) -> Durability {
        Durability::Memory
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn pressure(&self) -> Pressure {
        self.pressure
    }

    async fn acquire(&self, shard: Shard) -> Result<Lease> {
        let (lease, before) = self.state().acquire(shard)?;
        if let Some(before) = before {
            before.end();
        }
        Ok(lease)
    }

    async fn renew(&self, lease: &Lease) -> Result<()> {
        self.state().check_lease(lease)
    }

    async fn open(&self, lease: &Lease, stream: &StreamId) -> Result<Box<dyn EngineWriter>> {
        let opened = self.state().open(lease, stream)?;
        let head = opened.version;
        Ok(Box::new(MemoryWriter { core: Arc::clone(&self.core), opened, head }))
    }

    async fn load(&self, stream: &StreamId, load: &Load) -> Result<Loaded> {
        let found = self.state().load(stream, load)?;
        self.core.loaded(found)
    }

    async fn answer(
        &self,
        stream: &StreamId,
        key: &str,
        fingerprint: u128,
    ) -> Result<Option<Payload>> {
        let answer = self.state().answer(stream, key, fingerprint)?;
        answer.map(|payload| payload.decode(&*self.core.codec)).transpose()
    }

    async fn due(
        &self,
        shard: Shard,
        until: Timestamp,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<Vec<Due>> {
        self.state().due(shard, until, after, limit)
    }

    async fn streams(
        &self,
        kind: &str,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamInfo>> {
        self.state().streams(kind, after, limit)
    }

    async fn read_log(&self, from: Position, limit: usize) -> Result<Page<LogEntry>> {
        let page = self.state().read_log(from, limit)?;
        let entries = page.entries.into_iter();
        let entries = entries.map(|(position, record)| self.core.log_entry(position, record));
        Ok(Page::new(entries.collect::<Result<_>>()?, page.read_to))
    }

    async fn read_signals(&self, from: Position, limit: usize) -> Result<Page<SignalEntry>> {
        let page = self.state().read_signals(from, limit)?;
        let entries = page.entries.into_iter().map(|(_, signal)| signal);
        Ok(Page::new(self.core.decode(entries)?, page.read_to))
    }

    async fn signals_since(&self, shard: Shard, time: Timestamp) -> Result<Position> {
        self.state().signals_since(shard, time)
    }

    fn end(&self, shard: Shard) -> Option<watch::Receiver<Position>> {
        self.core.end(shard).map(|end| end.seen.clone())
    }

    fn new_blob(&self, shard: Shard) -> BlobId {
        BlobId::new(shard, self.core.home.new_id().as_u128())
    }

    async fn write_chunk(&self, lease: &Lease, chunk: Chunk, permit: Permit) -> Result<()> {
        let key_id = self.core.codec.key_id();
        let Chunk { blob, index, bytes } = chunk;
        let value = Payload::new(0, self.core.codec.encode(key_id, &bytes)?);
        let (chunk, now) = (Coded { key_id, value }, self.core.now());
        let written = self.state().write_chunk(lease, (blob, index), chunk, now);
        drop(permit);
        written
    }

    async fn finish_blob(&self, lease: &Lease, blob: BlobId, length: u64) -> Result<()> {
        let now = self.core.now();
        self.state().finish_blob(lease, blob, length, now)
    }

    async fn blob(&self, blob: BlobId) -> Result<BlobInfo> {
        self.state().blob(blob)
    }

    async fn read_chunk(&self, blob: BlobId, index: u32) -> Result<Vec<u8>> {
        let chunk = self.state().read_chunk(blob, index)?;
        Ok(chunk.decode(&*self.core.codec)?.into_bytes())
    }

    async fn holds(
        &self,
        stream: &StreamId,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<Vec<BlobId>> {
        self.state().holds(stream, after, limit)
    }

    async fn raise_format(&self) -> Result<u8> {
        // Nothing is written down.
        self.state().check_open().map(|()| FORMAT)
    }

    async fn retain(&self) -> Result<Retained> {
        let now = self.core.now();
        self.state().retain(now)
    }

    async fn fold(&self) -> Result<()> {
        // Nothing is behind: appends are applied as they come.
        self.state().check_open()
    }

    fn stats(&self) -> Stats {
        self.state().stats()
    }

    async fn ended(&self) -> Option<Error> {
        if let Some(end) = self.core.ends.first() {
            let mut seen = end.seen.clone();
            while seen.changed().await.is_ok() {}
        }
        // There is nothing that could fail.
        None
    }

    async fn close(&self) -> Result<()> {
        let leases = self.state().close();
        for lease in leases {
            lease.end();
        }
        for end in &self.core.ends {
            let told = end.told.lock().take();
            drop(told);
        }
        Ok(())
    }
}

// === impl MemoryWriter ===

impl EngineWriter for MemoryWriter {
    fn head(&self) -> Version {
        self.head
    }

    fn append(&mut self, append: Append, permit: Permit) -> Result<Ticket> {
        let append = self.encode(&append)?;
        let outcome = self.core.state.lock().append(&self.opened, append)?;
        let (resolver, ticket) = Ticket::pair();
        let outcome = match outcome {
            Outcome::Committed { committed, end } => {
                self.head = committed.version;
                self.core.tell(end);
                Ok(committed)
            }
            Outcome::Refused(refusal) => Err(refusal),
        };
        // Who sees the outcome finds the permit free.
        drop(permit);
        resolver.resolve(outcome);
        Ok(ticket)
    }
}

impl MemoryWriter {
    fn encode(&self, append: &Append) -> Result<Encoded> {
        let changes = append.changes().iter().map(|change| encode(change, &*self.core.codec));
        let changes = changes.collect::<Result<_>>().map_err(|error| {
            let mut state = self.core.state.lock();
            state.refused();
            // That the writer may not append at all comes before what the codec has against it.
            state.check(&self.opened, append.expected()).err().unwrap_or(error)
        })?;
        Ok(Encoded {
            at: self.core.now(),
            expected: append.expected(),
            changes,
            bytes: crate::format::stored_size(&self.opened.stream, append),
        })
    }
}

impl Drop for MemoryWriter {
    fn drop(&mut self) {
        self.core.state.lock().release(&self.opened);
    }
}

// === impl Core ===

impl Core {
    fn now(&self) -> Timestamp {
        in_microseconds(self.home.now())
    }

    fn end(&self, shard: Shard) -> Option<&End> {
        self.ends.get(usize::from(shard.get()))
    }

    /// Tells readers how far the log goes. Of two appends the later one may come first.
    fn tell(&self, position: Position) {
        let told = self.end(position.shard()).and_then(|end| end.told.lock().clone());
        if let Some(told) = told {
            told.send_if_modified(|end| {
                let further = position.is_after(*end);
                if further {
                    *end = position;
                }
                further
            });
        }
    }

    fn decode<T: Carries>(&self, coded: impl IntoIterator<Item = Coded<T>>) -> Result<Vec<T>> {
        coded.into_iter().map(|coded| coded.decode(&*self.codec)).collect()
    }

    fn loaded(&self, found: Found) -> Result<Loaded> {
        let mut loaded = Loaded::at(found.version, found.wake);
        if let Some((version, payload)) = found.snapshot {
            loaded.snapshot = Some((version, payload.decode(&*self.codec)?));
        }
        loaded.events = self.decode(found.events)?;
        loaded.parts = self.decode(found.parts)?;
        loaded.more = found.more;
        Ok(loaded)
    }

    fn log_entry(&self, position: Position, record: Record) -> Result<LogEntry> {
        let changes = self.decode(record.changes)?;
        Ok(LogEntry::new(position, record.stream, record.version, record.at, changes))
    }
}

// === impl End ===

impl End {
    fn new(shard: Shard) -> Self {
        let (told, seen) = watch::channel(Position::start(shard));
        Self { told: Mutex::new(Some(Arc::new(told))), seen }
    }
}
