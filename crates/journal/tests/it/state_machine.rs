//! Anything that may be done to a journal, in any order, beside a plain model of it.
//!
//! The store is on a simulated disk and folds so little at a time that it is always in the middle
//! of it. Runtime, clock and disk depend on nothing else, so what goes wrong goes wrong again, and
//! shrinks to the fewest steps that do it.

mod compare;
mod reference;

use std::future::poll_fn;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::Poll;
use std::time::Duration;

use fastrand::Rng;
use foundation::{Clock, Error, System};
use jiff::Timestamp;
use journal::testing::{Disk, Faults};
use journal::{
    Append, Journal, Lease, RedbOptions, Retention, Shard, Share, Ticket, Version, Writer,
    is_refused, is_unknown,
};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use testkit::for_each_seed;
use tokio::runtime::{Builder, Runtime};

use self::reference::{KEPT, Reference, STREAMS, Step, append_of, name};

const SHARD: Shard = Shard::new(0);

/// A clock that stands until it is set, in seconds.
#[derive(Debug, Clone, Default)]
struct Standing(Arc<AtomicI64>);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// A journal that is open, on its disk and its runtime.
struct Tested {
    runtime: Option<Runtime>,
    open: Open,
}

struct Open {
    disk: Disk,
    clock: Standing,
    slice: usize,
    system: System,
    journal: Journal,
    lease: Lease,
    writers: Vec<Option<Writer>>,
    /// Writers that may not append any more.
    fenced: Vec<Writer>,
}

struct Test;

impl StateMachineTest for Test {
    type SystemUnderTest = Tested;
    type Reference = Reference;

    fn init_test(state: &Reference) -> Tested {
        let runtime =
            Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let open = runtime.block_on(Open::new(state.slice, state.now));
        Tested { runtime: Some(runtime), open }
    }

    fn apply(mut tested: Tested, state: &Reference, step: Step) -> Tested {
        let runtime = tested.runtime.take().unwrap();
        runtime.block_on(tested.open.step(state, step));
        tested.runtime = Some(runtime);
        tested
    }

    fn teardown(tested: Tested, state: Reference) {
        let mut open = tested.open;
        tested.runtime.unwrap().block_on(async {
            open.compare_all(&state).await;
            open.reopen().await;
            open.compare_all(&state).await;
            open.journal.close().await.unwrap();
            open.system.stop().await.unwrap();
        });
    }
}

impl Open {
    async fn new(slice: usize, now: i64) -> Self {
        let (disk, clock) = (Disk::new(), Standing(Arc::new(AtomicI64::new(now))));
        let system = System::builder().clock(clock.clone()).start().await.unwrap();
        let journal = options(&disk, slice).open(&system).await.unwrap();
        let lease = journal.acquire(SHARD).await.unwrap();
        let writers = (0..STREAMS).map(|_| None).collect();
        Self { disk, clock, slice, system, journal, lease, writers, fenced: Vec::new() }
    }

    async fn step(&mut self, state: &Reference, step: Step) {
        match step {
            Step::Open(stream) => self.open(stream, state).await,
            Step::Append(stream, chosen, ahead) => {
                let writer = self.writers[usize::from(stream)].as_mut().unwrap();
                let head = writer.head();
                let mut append = append_of(&chosen, head.get(), state.now);
                if let Some(ahead) = ahead {
                    append = append.expecting(Version::new(head.get() + u64::from(ahead)));
                }
                let answered = match queue(writer, append).await {
                    Ok(ticket) => ticket.await,
                    Err(refused) => Err(refused),
                };
                self.check(stream, state, &answered.map(|committed| committed.version));
            }
            Step::Burst(appends) => self.burst(state, appends).await,
            Step::Fold => self.journal.fold().await.unwrap(),
            Step::BeginFold => {
                // It goes on while the next steps are made.
                let mut fold = pin!(self.journal.fold());
                poll_fn(|cx| Poll::Ready(fold.as_mut().poll(cx).is_ready())).await;
            }
            Step::Retain => while self.journal.retain().await.unwrap().more {},
            Step::Tick(_) => self.clock.0.store(state.now, Ordering::Relaxed),
            Step::Delete(stream) => {
                let mut writer = self.writers[usize::from(stream)].take().unwrap();
                queue(&mut writer, Append::tombstone()).await.unwrap().await.unwrap();
                self.fenced.push(writer);
            }
            Step::DropWriter(stream) => self.writers[usize::from(stream)] = None,
            Step::TakeLease => {
                let lease = self.journal.acquire(SHARD).await.unwrap();
                assert!(self.lease.is_lost() && !lease.is_lost());
                assert!(lease.epoch() > self.lease.epoch());
                self.lease = lease;
                self.fenced.extend(self.writers.iter_mut().filter_map(Option::take));
            }
            Step::TryFenced => self.try_fenced().await,
            Step::Reopen => self.reopen().await,
            Step::Crash(stream, chosen, cut, seed) => {
                let head = state.stream(stream).version - 1;
                let append = append_of(&chosen, head, state.now);
                self.crash(stream, (append, head), (u64::from(cut), seed)).await;
            }
            Step::Read(read) => self.compare(state, &read).await,
        }
    }

    async fn open(&mut self, stream: u8, state: &Reference) {
        let opened = self.journal.open(&self.lease, &name(stream)).await;
        assert_eq!(opened.as_ref().err().map(Error::code), state.outcome.map(|code| code.name));
        if let Ok(writer) = opened {
            assert_eq!(writer.head().get(), state.stream(stream).version);
            let before = self.writers[usize::from(stream)].replace(writer);
            self.fenced.extend(before);
        }
    }

    /// Compares what an append came to.
    fn check(&mut self, stream: u8, state: &Reference, answered: &Result<Version, Error>) {
        let code = answered.as_ref().err().map(Error::code);
        assert_eq!(code, state.outcome.map(|code| code.name), "{answered:?}");
        if let Ok(version) = answered {
            assert_eq!(version.get(), state.stream(stream).version);
        }
        if !state.stream(stream).has_writer {
            self.fenced.extend(self.writers[usize::from(stream)].take());
        }
    }

    async fn burst(&mut self, state: &Reference, appends: Vec<(u8, Vec<reference::Chosen>)>) {
        let mut tickets = Vec::new();
        for (stream, chosen) in appends {
            let writer = self.writers[usize::from(stream)].as_mut().unwrap();
            let append = append_of(&chosen, writer.head().get(), state.now);
            tickets.push(queue(writer, append).await.unwrap());
        }
        for ticket in tickets {
            ticket.await.unwrap();
        }
    }

    async fn try_fenced(&mut self) {
        for mut writer in std::mem::take(&mut self.fenced) {
            let refused = queue(&mut writer, Append::new()).await.unwrap_err();
            assert!(is_refused(&refused), "{}", refused.report());
        }
    }

    async fn reopen(&mut self) {
        self.writers.fill_with(|| None);
        self.journal.close().await.unwrap();
        self.try_fenced().await;
        self.start().await;
    }

    async fn start(&mut self) {
        let before = self.lease.clone();
        self.journal = options(&self.disk, self.slice).open(&self.system).await.unwrap();
        self.lease = self.journal.acquire(SHARD).await.unwrap();
        assert!(before.is_lost() && self.lease.epoch() > before.epoch());
    }

    /// Cuts the power somewhere in an append and a fold. Appends it again if it was lost, which it
    /// is wholly or not at all.
    async fn crash(&mut self, stream: u8, (append, head): (Append, u64), (cut, seed): (u64, u64)) {
        let cut_at_call = Some(self.disk.calls() + 1 + cut);
        self.disk.faults(Faults { cut_at_call, ..Faults::default() });
        let mut acknowledged = false;
        if let Some(writer) = &mut self.writers[usize::from(stream)]
            && let Ok(ticket) = queue(writer, append.clone()).await
        {
            match ticket.await {
                Ok(_) => acknowledged = true,
                Err(error) => assert!(is_unknown(&error), "{}", error.report()),
            }
        }
        let _cut = self.journal.fold().await;
        let mut random = Rng::with_seed(seed);
        self.disk.cut_power(&mut |below| random.u64(..below));
        self.disk.faults(Faults::default());
        let before = self.lease.clone();
        let system = System::builder().clock(self.clock.clone()).start().await.unwrap();
        std::mem::replace(&mut self.system, system).stop().await.unwrap();
        assert!(before.is_lost());
        self.writers.fill_with(|| None);
        self.fenced.clear();
        self.start().await;
        let mut writer = self.journal.open(&self.lease, &name(stream)).await.unwrap();
        if writer.head().get() == head {
            assert!(!acknowledged, "an append was lost that was acknowledged");
            queue(&mut writer, append).await.unwrap().await.unwrap();
        } else {
            assert_eq!(writer.head().get(), head + 1);
        }
    }
}

fn options(disk: &Disk, slice: usize) -> RedbOptions {
    let kept = Duration::from_secs(KEPT.unsigned_abs());
    let retention = Retention {
        signals_for: kept,
        tombstones_for: kept,
        log_bytes: 4096,
        ..Retention::default()
    };
    RedbOptions::on_disk(disk).tail(64 << 10).slice(slice).cache(1 << 20).retention(retention)
}

async fn queue(writer: &mut Writer, append: Append) -> Result<Ticket, Error> {
    let permit = writer.permit(Share::New, 100).await?;
    writer.append(permit, append)
}

/// Runs one random sequence of steps, and shrinks it if it goes wrong.
fn run(seed: u64) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config =
        Config { cases: 1, failure_persistence: None, max_shrink_iters: 4000, ..Config::default() };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config.clone(), random);
    let done = runner.run(&Reference::sequential_strategy(1..80), |(state, steps, seen)| {
        Test::test_sequential(config.clone(), state, steps, seen);
        Ok(())
    });
    if let Err(wrong) = done {
        panic!("{wrong}");
    }
}

#[test]
fn whatever_is_done_it_is_as_the_model_says() {
    for_each_seed(NonZeroU32::new(250).unwrap(), run);
}
