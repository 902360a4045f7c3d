//! The engine: the port on one side, the commit loop and the readers on the other.

use std::num::NonZeroU16;
use std::sync::Arc;

use async_trait::async_trait;
use foundation::{Error, Result};
use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

use super::blobs::{self, BlobWrite, What};
use super::core::Core;
use super::lists;
use super::load;
use super::log;
use super::maintenance::RedbMaintenance;
use super::queue::Item;
use super::readers::Readers;
use super::tail::{Entry, Head};
use super::view::read_row;
use super::writer::RedbWriter;
use crate::append::{Limits, Payload};
use crate::blob::{BlobId, BlobInfo, Chunk};
use crate::engine::{Engine, EngineWriter};
use crate::entry::{LogEntry, Page, SignalEntry};
use crate::error::{deleted, fenced};
use crate::format::{BLOBS, ChunkRow, Header, Kind, StoredPayload, seal};
use crate::lease::Lease;
use crate::load::{Due, Load, Loaded, Parts, StreamInfo};
use crate::maintenance::Maintenance;
use crate::options::Durability;
use crate::permit::{Permit, Pressure};
use crate::stats::{Retained, Stats};
use crate::stream::{Position, Shard, StreamId};
use crate::ticket::unknown;

/// Bytes of payloads that a load reads at once, where it is asked for.
const SMALL: usize = 64 << 10;
/// Records of a stream, and keys, that are looked at there.
const FEW: usize = 128;

/// A journal on redb.
#[derive(Debug)]
pub(super) struct RedbEngine {
    pub(super) core: Arc<Core>,
    pub(super) readers: Arc<Readers>,
    /// How many of the loop and the readers are still there.
    pub(super) live: watch::Receiver<usize>,
}

impl RedbEngine {
    /// Asks something of the commit loop.
    async fn ask<T>(&self, item: impl FnOnce(oneshot::Sender<Result<T>>) -> Item) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        self.core.queue.push(item(sender), || Ok(()))?;
        receiver.await.unwrap_or_else(|_ended| Err(self.core.closed()))
    }

    /// Has something written to a blob, if the lease holds.
    async fn write_blob(
        &self,
        lease: &Lease,
        blob: BlobId,
        what: What,
        permit: Option<Permit>,
    ) -> Result<()> {
        let (reply, receiver) = oneshot::channel();
        let admit = || if self.owns(lease) { Ok(()) } else { Err(lease.refusal()) };
        self.core.queue.push(Item::Blob(BlobWrite { blob, what, reply, permit }), admit)?;
        receiver.await.unwrap_or_else(|_ended| Err(self.core.closed()))
    }

    /// Whether little of the stream is unfolded, and little is asked for: all of that is looked at
    /// for a page, however small the page is.
    fn is_small(&self, stream: &StreamId, load: &Load) -> bool {
        if matches!(&load.parts, Parts::Keys(keys) if keys.len() > FEW) {
            return false;
        }
        let tail = self.core.tail.lock();
        let Some(entry) = tail.streams.get(stream) else { return true };
        let records = &entry.state.lock().records;
        let bytes: u64 = records.iter().take(FEW).map(|place| u64::from(place.length)).sum();
        records.len() <= FEW && usize::try_from(bytes).is_ok_and(|bytes| bytes <= SMALL)
    }

    /// Whether the lease is that of its shard. One of another journal may look the same.
    fn owns(&self, lease: &Lease) -> bool {
        let owner = self.core.shard(lease.shard()).map(|shard| shard.lease.lock().clone());
        !lease.is_lost() && owner.flatten().is_some_and(|owner| owner.is_same(lease))
    }

    /// Makes this the only writer of the stream. Gives whether earlier ones have appends on their
    /// way.
    fn fence(&self, stream: &StreamId, number: u64) -> (Arc<Entry>, bool) {
        // Until it has a writer the entry may be forgotten, and another one made for the stream: so
        // it gets the writer under the same lock.
        let mut tail = self.core.tail.lock();
        let entry = tail.entry(stream);
        let mut state = entry.state.lock();
        state.writer = number;
        let waits = state.in_flight > 0;
        drop(state);
        (entry, waits)
    }

    /// Where the stream is, when nothing of it is on its way.
    async fn head(&self, entry: &Arc<Entry>) -> Result<Head> {
        let known = || {
            let state = entry.state.lock();
            let last = state.records.back();
            let last = last.map(|it| Head { version: it.version, deleted: it.tombstone });
            // Of a stream that is deleted and folded the rows know whether its name is free again.
            state.head.filter(|head| !head.deleted || last.is_some()).or(last)
        };
        if let Some(head) = known() {
            return Ok(head);
        }
        let stream = entry.stream.clone();
        let row = self.readers.small(move |_, database| {
            use redb::ReadableDatabase;
            read_row(&database.begin_read()?, stream.key())
        });
        let row = row.await?;
        Ok(known().unwrap_or(Head { version: row.version, deleted: row.deleted }))
    }
}

#[async_trait]
impl Engine for RedbEngine {
    fn shards(&self) -> NonZeroU16 {
        self.core.shard_count()
    }

    fn durability(&self) -> Durability {
        self.core.options.durability
    }

    fn limits(&self) -> Limits {
        self.core.options.limits
    }

    fn pressure(&self) -> Pressure {
        self.core.options.pressure
    }

    async fn acquire(&self, shard: Shard) -> Result<Lease> {
        let Some(state) = self.core.shard(shard) else {
            return Err(crate::stream::no_such_shard(shard, "the store has no such shard"));
        };
        // Under the lock of the queue: what was accepted before is in it, and is answered first.
        self.core.queue.locked(|_| {
            if let Some(lease) = &*state.lease.lock() {
                lease.end();
            }
        });
        let epoch = self.ask(|reply| Item::Epoch(shard, reply)).await?;
        let lease = Lease::granted(shard, epoch);
        // Under the lock of the queue again, which comes first.
        let waits = self.core.queue.locked(|open| {
            let mut held = state.lease.lock();
            // Somebody may have taken it over meanwhile, or the journal may have ended.
            if !open || held.as_ref().is_some_and(|held| held.epoch() > epoch) {
                lease.end();
                return false;
            }
            let before = held.replace(lease.clone()).filter(|before| !before.is_lost());
            before.inspect(Lease::end).is_some()
        });
        if waits {
            // Somebody else took it over at the same time, and may have appended since.
            self.ask(Item::Barrier).await?;
        }
        Ok(lease)
    }

    async fn renew(&self, lease: &Lease) -> Result<()> {
        self.core.queue.check()?;
        if lease.is_lost() { Err(self.core.lost(lease)) } else { Ok(()) }
    }

    async fn open(&self, lease: &Lease, stream: &StreamId) -> Result<Box<dyn EngineWriter>> {
        self.core.queue.check()?;
        if !self.owns(lease) {
            return Err(self.core.lost(lease));
        }
        let number = self.core.new_writer();
        let (entry, waits) = self.fence(stream, number);
        // Drops the entry again when this is given up.
        let mut writer = RedbWriter {
            core: Arc::clone(&self.core),
            entry,
            lease: lease.clone(),
            number,
            head: Head { version: 0, deleted: false },
        };
        if waits {
            self.ask(Item::Barrier).await?;
        }
        let head = self.head(&writer.entry).await?;
        if lease.is_lost() {
            return Err(self.core.lost(lease));
        }
        if head.deleted {
            return Err(deleted(stream));
        }
        let mut state = writer.entry.state.lock();
        if state.writer != number {
            return Err(fenced(stream));
        }
        state.head = Some(head);
        // Nothing of earlier writers is on its way any more.
        state.refused = None;
        drop(state);
        writer.head = head;
        Ok(Box::new(writer))
    }

    async fn load(&self, stream: &StreamId, load: &Load) -> Result<Loaded> {
        let small = Load { page: load.page.min(SMALL), ..load.clone() };
        let read = |core: &Core, database: &_| load::load(core, database, stream, &small);
        let at_once = if self.is_small(stream, load) { self.readers.at_once(read) } else { None };
        match at_once {
            Some(Ok(loaded)) if loaded.more.is_some() && small.page < load.page => {}
            Some(result) => return result,
            None => {}
        }
        let (stream, load) = (stream.clone(), load.clone());
        let read = move |core: &Core, database: &_| load::load(core, database, &stream, &load);
        self.readers.read(read).await
    }

    async fn answer(
        &self,
        stream: &StreamId,
        key: &str,
        fingerprint: u128,
    ) -> Result<Option<Payload>> {
        let (stream, key) = (stream.clone(), key.to_owned());
        let read = move |core: &Core, database: &_| {
            load::answer(core, database, &stream, &key, fingerprint)
        };
        self.readers.small(read).await
    }

    async fn due(
        &self,
        shard: Shard,
        until: Timestamp,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<Vec<Due>> {
        let after = after.cloned();
        let read = move |core: &Core, database: &_| {
            lists::due(core, database, shard, until, (after.as_ref(), limit))
        };
        self.readers.read(read).await
    }

    async fn streams(
        &self,
        kind: &str,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamInfo>> {
        let (kind, after) = (kind.to_owned(), after.cloned());
        let read = move |core: &Core, database: &_| {
            lists::streams(core, database, &kind, after.as_ref(), limit)
        };
        self.readers.read(read).await
    }

    async fn read_log(&self, from: Position, limit: usize) -> Result<Page<LogEntry>> {
        let read = move |core: &Core, database: &_| log::read_log(core, database, from, limit);
        self.readers.read(read).await
    }

    async fn read_signals(&self, from: Position, limit: usize) -> Result<Page<SignalEntry>> {
        let read = move |core: &Core, database: &_| log::read_signals(core, database, from, limit);
        self.readers.read(read).await
    }

    async fn signals_since(&self, shard: Shard, time: Timestamp) -> Result<Position> {
        let read = move |core: &Core, database: &_| log::signals_since(core, database, shard, time);
        self.readers.read(read).await
    }

    fn end(&self, shard: Shard) -> Option<watch::Receiver<Position>> {
        Some(self.core.shard(shard)?.ends())
    }

    fn new_blob(&self, shard: Shard) -> BlobId {
        BlobId::new(shard, self.core.home.new_id().as_u128())
    }

    async fn write_chunk(&self, lease: &Lease, chunk: Chunk, permit: Permit) -> Result<()> {
        self.core.check_format(BLOBS)?;
        self.core.check_room()?;
        let codec = &*self.core.options.codec;
        let key_id = codec.key_id();
        let Chunk { blob, index, bytes: chunk } = chunk;
        let bytes = codec.encode(key_id, &chunk)?;
        let payload = StoredPayload { schema: 0, key_id, bytes: &bytes };
        let header = Header { kind: Kind::Chunk, shard: blob.shard().get(), position: 0 };
        let record = seal(header, &ChunkRow { blob, index, payload }.encode());
        drop(chunk);
        self.write_blob(lease, blob, What::Chunk { index, record }, Some(permit)).await
    }

    async fn finish_blob(&self, lease: &Lease, blob: BlobId, length: u64) -> Result<()> {
        self.core.check_format(BLOBS)?;
        self.write_blob(lease, blob, What::Finish { length }, None).await
    }

    async fn blob(&self, blob: BlobId) -> Result<BlobInfo> {
        let read = move |core: &Core, database: &_| blobs::info(core, database, blob);
        self.readers.small(read).await
    }

    async fn read_chunk(&self, blob: BlobId, index: u32) -> Result<Vec<u8>> {
        let read = move |core: &Core, database: &_| blobs::chunk(core, database, blob, index);
        self.readers.read(read).await
    }

    async fn holds(
        &self,
        stream: &StreamId,
        after: Option<BlobId>,
        limit: usize,
    ) -> Result<Vec<BlobId>> {
        let stream = stream.clone();
        let read =
            move |core: &Core, database: &_| blobs::holds(core, database, &stream, (after, limit));
        self.readers.read(read).await
    }

    async fn raise_format(&self) -> Result<u8> {
        self.ask(Item::Raise).await
    }

    async fn retain(&self) -> Result<Retained> {
        self.ask(Item::Retain).await
    }

    async fn fold(&self) -> Result<()> {
        self.ask(Item::Fold).await
    }

    fn stats(&self) -> Stats {
        let mut stats = Stats::default();
        self.core.counts.read(&mut stats);
        stats.queued = self.core.queue.appends();
        stats.reads_queued = self.readers.busy();
        let entries: Vec<_> = {
            let tail = self.core.tail.lock();
            stats.tail = tail.records;
            stats.tail_bytes = tail.bytes;
            stats.log_bytes = tail.log_bytes();
            tail.streams.values().cloned().collect()
        };
        stats.streams = entries.len();
        stats.writers = entries.iter().filter(|entry| entry.state.lock().writer != 0).count();
        stats
    }

    fn maintenance(&self) -> Option<Arc<dyn Maintenance>> {
        let (core, readers) = (Arc::clone(&self.core), Arc::clone(&self.readers));
        Some(Arc::new(RedbMaintenance { core, readers }))
    }

    async fn ended(&self) -> Option<Error> {
        if let Some(shard) = self.core.shards.first() {
            let mut ends = shard.ends();
            while ends.changed().await.is_ok() {}
        }
        self.core.cause()
    }

    async fn close(&self) -> Result<()> {
        self.core.queue.close(None);
        self.readers.close();
        // The sender lives as long as the last of them.
        let _ = self.live.clone().wait_for(|live| *live == 0).await;
        match self.core.cause() {
            Some(cause) => Err(unknown(&cause)),
            None => Ok(()),
        }
    }
}

impl Drop for RedbEngine {
    fn drop(&mut self) {
        self.core.queue.close(None);
        self.readers.close();
    }
}
