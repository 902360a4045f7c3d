//! Power cuts at any call, and syncs that fail: nothing acknowledged is lost, nothing is half
//! there, every file opens.
//!
//! The store is on a simulated disk that loses, tears and reorders what was not synced. A naive model
//! keeps what was sent to each stream; after each cut the stream has to be at a version that is
//! not behind what was acknowledged, and in every way as the model says of that version.

use std::num::NonZeroU32;

use fastrand::Rng;
use foundation::System;
use journal::testing::{Disk, Faults};
use journal::{
    Append, Journal, Lease, OfflineStore, RedbOptions, Retention, Share, StreamId, Ticket, Writer,
    is_unknown,
};
use testkit::{for_each_seed, panics};

use crate::model::{Model, random_append};

/// Sessions between two of which the power is cut.
const SESSIONS: usize = 4;
const STREAMS: u32 = 4;

/// One life of a disk: sessions that write, and cuts between them.
struct Life {
    random: Rng,
    disk: Disk,
    model: Model,
    /// How much a commit folds: so little that streams are folded in many.
    slice: usize,
    /// Whether the store was opened once.
    exists: bool,
    /// Every n-th sync does nothing.
    skip_sync: Option<u64>,
}

/// What a session has open.
struct Session<'a> {
    life: &'a mut Life,
    journal: Journal,
    writers: Vec<Option<Writer>>,
    waiting: Vec<(StreamId, Ticket)>,
}

/// The power was cut while this was done.
struct Cut;

impl Life {
    fn new(seed: u64, skip_sync: Option<u64>) -> Self {
        let mut random = Rng::with_seed(seed);
        let shards = random.u16(1..=2);
        let (disk, model, slice) = (Disk::new(), Model::new(shards), random.usize(1..12));
        Self { disk, model, slice, exists: false, random, skip_sync }
    }

    async fn run(&mut self) {
        for _ in 0..SESSIONS {
            let fails = self.set_faults();
            let system = System::builder().start().await.unwrap();
            let closed = self.session(&system).await;
            // After a sync that failed the machine may go on, and somebody opens the store again.
            let goes_on = matches!(closed, Ok(true)) || (fails && closed.is_err());
            if !goes_on || self.random.bool() {
                // In the middle of it: what is still open dies with the machine.
                let random = &mut self.random;
                self.disk.cut_power(&mut |below| random.u64(..below));
            }
            system.stop().await.unwrap();
            if !self.exists {
                // A new store is made in a file of its own, which nobody finds until it is whole.
                self.disk = Disk::new();
            }
        }
        let random = &mut self.random;
        self.disk.cut_power(&mut |below| random.u64(..below));
        self.disk.faults(Faults::default());
        if self.exists {
            let verified = OfflineStore::on_disk(&self.disk).verify().unwrap();
            assert!(verified.is_sound(), "{:?}", verified.problems);
        }
        let system = System::builder().start().await.unwrap();
        let journal = self.options().open(&system).await.unwrap();
        self.model.verify(&journal).await.unwrap();
        journal.close().await.unwrap();
        system.stop().await.unwrap();
    }

    /// Gives whether a sync fails; otherwise the power may be cut.
    fn set_faults(&mut self) -> bool {
        let skip_sync = self.skip_sync;
        let mut faults = Faults { skip_sync, ..Faults::default() };
        let kind = self.random.u8(..8);
        match kind {
            0 => {}
            1..3 => faults.fail_sync_at = Some(self.disk.syncs() + 1 + self.random.u64(..30)),
            _ => {
                let after = self.random.u64(..40) << self.random.u32(..4);
                faults.cut_at_call = Some(self.disk.calls() + 1 + after);
            }
        }
        self.disk.faults(faults);
        (1..3).contains(&kind)
    }

    fn options(&self) -> RedbOptions {
        let retention = Retention {
            signals_for: std::time::Duration::MAX,
            signal_bytes: u64::MAX,
            log_bytes: u64::MAX,
            blobs_for: std::time::Duration::ZERO,
            ..Retention::default()
        };
        RedbOptions::on_disk(&self.disk)
            .shards(self.model.shards())
            .retention(retention)
            .tail(64 << 10)
            .slice(self.slice)
            .cache(1 << 20)
    }

    /// Gives whether it ended with a close.
    async fn session(&mut self, system: &System) -> Result<bool, Cut> {
        let journal = self.options().open(system).await.map_err(|_| Cut)?;
        self.exists = true;
        self.model.verify(&journal).await.map_err(|_| Cut)?;
        let mut session = Session { life: self, journal, writers: Vec::new(), waiting: Vec::new() };
        session.writers.resize_with(STREAMS as usize, || None);
        let done = session.work().await;
        let settled = session.settle().await;
        done.and(settled)?;
        let closes = session.life.random.bool();
        if closes {
            session.journal.close().await.map_err(|_| Cut)?;
        }
        Ok(closes)
    }
}

impl Session<'_> {
    async fn work(&mut self) -> Result<(), Cut> {
        for _ in 0..self.life.random.u32(1..40) {
            match self.life.random.u32(..20) {
                0 => self.journal.fold().await.map_err(|_| Cut)?,
                1 => drop(self.journal.retain().await.map_err(|_| Cut)?),
                2..6 => self.settle().await?,
                6 => self.blob().await?,
                _ => self.append().await?,
            }
        }
        Ok(())
    }

    async fn append(&mut self) -> Result<(), Cut> {
        let number = self.life.random.u32(..STREAMS);
        self.append_to(number, None).await
    }

    /// Writes a blob that a stream then holds, or lets it release one.
    async fn blob(&mut self) -> Result<(), Cut> {
        let random = &mut self.life.random;
        let number = random.u32(..STREAMS);
        let stream = stream(number);
        if let Some(held) = self.life.model.held(&stream).filter(|_| random.u8(..3) == 0) {
            return self.append_to(number, Some(Append::new().release(held))).await;
        }
        let (byte, length) = (random.u8(..), random.usize(..600_000) >> random.u32(..8));
        let byte_of = |at: usize| byte.wrapping_add(u8::try_from(at / 100 % 256).unwrap());
        let bytes: Vec<u8> = (0..length).map(byte_of).collect();
        let lease = self.lease(&stream).await?;
        let mut blob = self.journal.new_blob(&lease);
        for piece in bytes.chunks(100_000) {
            blob.write(piece).await.map_err(|_| Cut)?;
        }
        if self.life.random.u8(..8) == 0 {
            return Ok(());
        }
        let id = blob.finish().await.map_err(|_| Cut)?;
        self.life.model.finished(id, bytes);
        self.append_to(number, Some(Append::new().hold(id))).await
    }

    async fn lease(&mut self, stream: &StreamId) -> Result<Lease, Cut> {
        let shard = stream.shard(self.journal.shards());
        match self.life.model.lease(shard) {
            Some(lease) if !lease.is_lost() => Ok(lease),
            _ => {
                let lease = self.journal.acquire(shard).await.map_err(|_| Cut)?;
                self.life.model.leased(&lease);
                Ok(lease)
            }
        }
    }

    async fn append_to(&mut self, number: u32, append: Option<Append>) -> Result<(), Cut> {
        let stream = stream(number);
        if self.writers[number as usize].is_none() || self.life.random.u8(..10) == 0 {
            let lease = self.lease(&stream).await?;
            let writer = self.journal.open(&lease, &stream).await.map_err(|_| Cut)?;
            self.writers[number as usize] = Some(writer);
        }
        let writer = self.writers[number as usize].as_mut().unwrap();
        assert_eq!(writer.head().get(), self.life.model.sent(&stream), "the head of {stream}");
        let random = &mut self.life.random;
        let append = append.unwrap_or_else(|| random_append(random, writer.head()));
        let permit = writer.permit(Share::New, 100).await.map_err(|_| Cut)?;
        let ticket = writer.append(permit, append.clone()).map_err(|_| Cut)?;
        self.life.model.send(&stream, append);
        self.waiting.push((stream, ticket));
        Ok(())
    }

    /// Waits for every open ticket: each is answered, whatever happens.
    async fn settle(&mut self) -> Result<(), Cut> {
        let mut cut = Ok(());
        for (stream, ticket) in self.waiting.drain(..) {
            match ticket.await {
                Ok(committed) => self.life.model.acknowledge(&stream, committed.version),
                Err(error) => {
                    assert!(is_unknown(&error), "{}", error.report());
                    cut = Err(Cut);
                }
            }
        }
        cut
    }
}

fn stream(number: u32) -> StreamId {
    StreamId::new("stream", &format!("s{number}")).unwrap()
}

fn live(seed: u64, skip_sync: Option<u64>) {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(Life::new(seed, skip_sync).run());
}

/// Split, so that two can run at a time.
fn many(part: u64) {
    for_each_seed(NonZeroU32::new(500).unwrap(), |seed| live(seed ^ part, None));
}

#[test]
fn nothing_acknowledged_is_lost_by_a_cut_at_any_call() {
    many(0);
}

#[test]
fn nothing_acknowledged_is_lost_by_a_cut_at_any_call_in_other_lives() {
    many(1 << 40);
}

#[test]
fn nothing_acknowledged_is_lost_by_a_cut_at_any_call_in_a_third_of_them() {
    many(2 << 40);
}

#[test]
fn nothing_acknowledged_is_lost_by_a_cut_at_any_call_in_a_fourth_of_them() {
    many(3 << 40);
}

#[test]
fn a_disk_that_skips_syncs_is_found_out() {
    // The same lives on an honest disk: so it is the disk that is found out.
    for seed in 0..20 {
        live(seed, None);
    }
    let said = panics(|| {
        for seed in 0..20 {
            live(seed, Some(3));
        }
    });
    assert!(!said.is_empty(), "whatever finds it out says what is wrong");
}
