//! A circuit that many use at a time.
//!
//! While it is closed and nothing fails, which is nearly always, a call reads one word and writes
//! nothing. Everything else is done under a lock, for a few lines.

use super::state::{Change, Circuit, Looks, Refused, Thresholds, Verdict};
use crate::sync::{AtomicU64, Mutex, Ordering};

#[derive(Debug)]
pub(crate) struct Gate {
    /// The epoch, doubled, and one more while the circuit is clean. Written under the lock.
    word: AtomicU64,
    circuit: Mutex<Circuit>,
}

impl Gate {
    pub(crate) fn new(thresholds: Thresholds) -> Self {
        let circuit = Circuit::new(thresholds);
        Self { word: AtomicU64::new(word_of(&circuit)), circuit: Mutex::new(circuit) }
    }

    /// The epoch that a call belongs to, if it is let through without a trace. It is nearly always;
    /// otherwise there is [`Self::acquire`].
    #[inline]
    pub(crate) fn pass(&self) -> Option<u64> {
        let word = self.word.load(Ordering::Acquire);
        (word & 1 == 1).then_some(word >> 1)
    }

    /// Whether what came of a call leaves no trace. It nearly never does; otherwise there is
    /// [`Self::settle`].
    #[inline]
    pub(crate) fn leaves_no_trace(&self, epoch: u64, verdict: Verdict) -> bool {
        verdict != Verdict::Failure && self.word.load(Ordering::Acquire) == epoch << 1 | 1
    }

    /// The epoch that a call belongs to, if it is let through, and the change that it brings about.
    /// `told` hears of that under the lock.
    pub(crate) fn acquire(
        &self,
        now: impl FnOnce() -> u64,
        told: impl FnOnce(Change),
    ) -> (Result<u64, Refused>, Option<Change>) {
        let mut acquired = Err(Refused { retry_after: None });
        let change = self.change(told, |circuit| match circuit.acquire(now()) {
            Ok((epoch, change)) => {
                acquired = Ok(epoch);
                change
            }
            Err(refused) => {
                acquired = Err(refused);
                None
            }
        });
        (acquired, change)
    }

    /// A call of that epoch has come to something.
    pub(crate) fn settle(
        &self,
        epoch: u64,
        verdict: Verdict,
        now: impl FnOnce() -> u64,
        told: impl FnOnce(Change),
    ) -> Option<Change> {
        self.change(told, |circuit| circuit.settle(epoch, verdict, now()))
    }

    pub(crate) fn trip(
        &self,
        now: impl FnOnce() -> u64,
        told: impl FnOnce(Change),
    ) -> Option<Change> {
        self.change(told, |circuit| circuit.trip(now()))
    }

    pub(crate) fn reset(&self, told: impl FnOnce(Change)) -> Option<Change> {
        self.change(told, Circuit::reset)
    }

    pub(crate) fn configure(&self, thresholds: Thresholds) {
        self.circuit.lock().configure(thresholds);
    }

    pub(crate) fn looks(&self, now: impl FnOnce() -> u64) -> Looks {
        let circuit = self.circuit.lock();
        // Under the lock, so that time does not go back from one to the next.
        circuit.looks(now())
    }

    pub(crate) fn is_idle(&self, now: u64) -> bool {
        self.circuit.lock().is_idle(now)
    }

    fn change(
        &self,
        told: impl FnOnce(Change),
        change: impl FnOnce(&mut Circuit) -> Option<Change>,
    ) -> Option<Change> {
        let mut circuit = self.circuit.lock();
        let change = change(&mut circuit);
        self.word.store(word_of(&circuit), Ordering::Release);
        if let Some(change) = change {
            told(change);
        }
        change
    }
}

fn word_of(circuit: &Circuit) -> u64 {
    circuit.epoch() << 1 | u64::from(circuit.is_clean())
}
