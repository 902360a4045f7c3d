//! Ours: the journal in a file, with its defaults.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use foundation::System;
use journal::{
    Append, Journal, Lease, Load, Payload, RedbOptions, Shard, Share, StreamId, Version, Writer,
};

use super::{EVENT, Folding, Record, STATE, Subject};

/// What kind the streams are of.
const KIND: &str = "account";
/// The part that a state is in.
const PART: &[u8] = b"state";
/// What a journal has by default: so many bytes of the file in memory,
const CACHE: usize = 64 << 20;
/// and so many of the log.
const TAIL: u64 = 128 << 20;
/// A tail so large that nothing is folded.
const NEVER_FULL: u64 = 1 << 40;

/// A journal and the lease of its shard.
#[derive(Debug)]
pub struct Ours {
    system: System,
    journal: Journal,
    lease: Lease,
}

fn id(number: u32) -> Result<StreamId> {
    Ok(StreamId::new(KIND, &format!("{number:07}"))?)
}

impl Subject for Ours {
    const KEY: &'static str = "ours";
    type Stream = Writer;

    async fn open(folder: &Path, folding: Folding) -> Result<Self> {
        let system = System::builder().name("bench").start().await?;
        let options = RedbOptions::new(folder.join("journal.redb"));
        let options = match folding {
            Folding::On => options.cache(CACHE).tail(TAIL),
            Folding::Off => options.tail(NEVER_FULL),
        };
        let journal = options.open(&system).await?;
        let lease = journal.acquire(Shard::new(0)).await?;
        Ok(Self { system, journal, lease })
    }

    async fn stream(&self, number: u32) -> Result<Writer> {
        Ok(self.journal.open(&self.lease, &id(number)?).await?)
    }

    async fn append(&self, stream: &mut Writer, record: Record) -> Result<()> {
        let permit = stream.permit(Share::New, STATE + EVENT).await?;
        let append = Append::new().put(PART, Payload::new(1, record.state));
        let append = match record.event {
            Some(event) => append.event(Payload::new(1, event)),
            None => append,
        };
        let committed = stream.append(permit, append)?.await?;
        let version = committed.version.get();
        ensure!(version == record.version, "an append made {version}, not {}", record.version);
        Ok(())
    }

    async fn settle(&self) -> Result<()> {
        Ok(self.journal.fold().await?)
    }

    fn folded(&self) -> Option<u64> {
        Some(self.journal.stats().folded)
    }

    /// The cache, the tail, and both shares of what is on its way.
    fn memory_bound(&self) -> Option<f64> {
        let queued = f64::from(self.journal.pressure().bytes) * 2.0;
        let tail = u32::try_from(TAIL).ok().map(f64::from)?;
        let cache = u32::try_from(CACHE).ok().map(f64::from)?;
        Some(cache + tail + queued)
    }

    async fn appends(&self, streams: u32) -> Result<u64> {
        let mut appends = 0;
        let (mut after, mut found) = (None, 0);
        loop {
            let page = self.journal.streams(KIND, after.as_ref(), 1000).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.stream.clone());
            found += u32::try_from(page.len())?;
            appends += page.iter().map(|stream| stream.version.get()).sum::<u64>();
        }
        ensure!(found <= streams, "{found} streams of {streams}");
        Ok(appends)
    }

    async fn load(&self, stream: u32) -> Result<Option<Record>> {
        let loaded = self.journal.load(&id(stream)?, Load::all()).await?;
        if loaded.version == Version::NONE {
            return Ok(None);
        }
        let versions = loaded.events.iter().map(|event| event.version.get());
        ensure!(
            loaded.events.is_empty() || versions.eq(1..=loaded.version.get()),
            "events are lost"
        );
        let state = loaded.parts.first().context("the state is not there")?.payload.bytes();
        let event = loaded.events.last().map(|event| event.payload.bytes());
        let record = Record::read(stream, state, event);
        ensure!(record.version == loaded.version.get(), "the state is of another version");
        Ok(Some(record))
    }

    async fn close(self) -> Result<()> {
        self.journal.close().await?;
        Ok(self.system.stop().await?)
    }
}
