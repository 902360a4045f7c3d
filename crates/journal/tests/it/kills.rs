//! Processes that are killed with SIGKILL at random moments while they write.
//!
//! What the process was told is durable has to be in the file, and nothing that it has not sent. The
//! same file is used on after each kill, by another process or by this one.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;

use fastrand::Rng;
use foundation::System;
use journal::{Durability, Shard};
use testkit::for_each_seed;

use crate::child::{Child, OPEN, STREAMS, Said, append_of, options, stream};
use crate::model::Model;

/// What is durable of each stream, as far as anybody was told.
pub(crate) type Durable = [u64; STREAMS as usize];

/// What is known of a file that processes write and are killed.
pub(crate) struct File<'a> {
    pub(crate) path: &'a Path,
    pub(crate) durability: Durability,
    pub(crate) random: Rng,
    pub(crate) durable: Durable,
    /// The epoch of each shard, as far as anybody was told.
    epochs: [u64; 2],
    /// What was durable when each copy of the file was begun.
    pub(crate) begun: BTreeMap<u64, Durable>,
    /// The last copy that is said to be there.
    pub(crate) ended: Option<u64>,
}

impl<'a> File<'a> {
    /// One that nobody has written yet.
    pub(crate) fn new(path: &'a Path, durability: Durability, seed: u64) -> Self {
        let (random, begun) = (Rng::with_seed(seed), BTreeMap::new());
        Self { path, durability, random, durable: [0; 4], epochs: [0; 2], begun, ended: None }
    }

    /// A process writes and is killed when it has said a random number of things.
    fn kill_one(&mut self) {
        let mut child = Child::start(&[], self.path, self.durability, u64::MAX);
        let mut left = match self.random.u32(..4) {
            // While it opens the store.
            0 => 1,
            1 => self.random.u32(1..8),
            _ => self.random.u32(8..150),
        };
        while left > 0 {
            let said = child.said().expect("it writes until it is killed");
            self.hear(&said);
            left -= 1;
        }
        // Somewhere between two lines.
        for turn in 0..self.random.u32(..300_000) {
            std::hint::black_box(turn);
        }
        self.kill(child);
    }

    /// Kills a process, and hears what it has said until then.
    pub(crate) fn kill(&mut self, mut child: Child) {
        child.kill();
        while let Some(said) = child.said() {
            self.hear(&said);
        }
        assert!(!child.wait(), "it was killed");
    }

    pub(crate) fn hear(&mut self, said: &Said) {
        match *said {
            Said::Opening => {}
            Said::Head(number, head) => {
                let durable = &mut self.durable[number as usize];
                assert!(
                    (*durable..=*durable + OPEN).contains(&head),
                    "stream {number} is at {head}; {durable} were acknowledged"
                );
                *durable = head;
            }
            Said::Done(number, version) => {
                let durable = &mut self.durable[number as usize];
                *durable += 1;
                assert_eq!(version, *durable, "acknowledged in order");
            }
            Said::Begun(copy) => drop(self.begun.insert(copy, self.durable)),
            Said::Ended(copy) => self.ended = Some(copy),
            Said::Failed(..) | Said::Refused(..) => panic!("nothing fails here: {said:?}"),
        }
    }

    /// Reads everything and compares it with what was sent.
    pub(crate) async fn verify(&mut self) {
        let system = System::builder().start().await.unwrap();
        let journal = options(self.path, self.durability).open(&system).await.unwrap();
        let mut model = Model::new(journal.shards().get());
        for (number, durable) in (0..).zip(self.durable) {
            for version in 1..=durable + OPEN {
                model.send(&stream(number), append_of(number, version));
            }
            for version in 1..=durable {
                model.acknowledge(&stream(number), journal::Version::new(version));
            }
        }
        model.verify(&journal).await.unwrap();
        for (number, durable) in (0..).zip(&mut self.durable) {
            *durable = model.sent(&stream(number));
        }
        for (shard, before) in (0..).zip(&mut self.epochs) {
            let lease = journal.acquire(Shard::new(shard)).await.unwrap();
            assert!(lease.epoch().get() > *before, "{lease:?} after epoch {before}");
            *before = lease.epoch().get();
        }
        if self.random.bool() {
            journal.fold().await.unwrap();
        }
        journal.close().await.unwrap();
        system.stop().await.unwrap();
    }
}

/// Kills several processes on one file. Gives how many versions they have made durable.
fn kill(seed: u64, durability: Durability, kills: u32) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let mut file = File::new(&path, durability, seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for _ in 0..kills {
        file.kill_one();
        if file.random.bool() {
            runtime.block_on(file.verify());
        }
    }
    runtime.block_on(file.verify());
    file.durable.iter().sum()
}

fn kill_many(part: u64, durability: Durability) {
    for_each_seed(NonZeroU32::new(4).unwrap(), |seed| {
        let durable = kill(seed ^ part, durability, 10);
        assert!(durable > 0, "some of them came to writing");
    });
}

#[test]
fn what_was_acknowledged_survives_kills() {
    kill_many(0, Durability::Sync);
}

#[test]
fn what_was_acknowledged_survives_other_kills() {
    kill_many(1 << 40, Durability::Sync);
}

#[test]
fn what_was_acknowledged_survives_kills_without_syncs() {
    kill_many(2 << 40, Durability::Process);
}

#[test]
fn what_was_acknowledged_survives_other_kills_without_syncs() {
    kill_many(3 << 40, Durability::Process);
}

#[test]
fn a_store_whose_creator_was_killed_is_created_anew_or_is_whole() {
    for_each_seed(NonZeroU32::new(12).unwrap(), |seed| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.redb");
        let durability = Durability::Sync;
        let mut file = File::new(&path, durability, seed);
        let mut child = Child::start(&[], &path, durability, u64::MAX);
        assert_eq!(child.said(), Some(Said::Opening));
        for turn in 0..file.random.u32(..3_000_000) {
            std::hint::black_box(turn);
        }
        file.kill(child);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(file.verify());
        let mut next = Child::start(&[], &path, durability, 3);
        while let Some(said) = next.said() {
            file.hear(&said);
        }
        assert!(next.wait(), "it writes and ends");
        runtime.block_on(file.verify());
        assert!(file.durable.iter().all(|durable| *durable >= 3), "{:?}", file.durable);
    });
}
