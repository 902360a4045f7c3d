//! The shipped gate of a circuit, under a scheduler that tries many orders of events.

use std::sync::Arc;

use shuttle::thread;

#[path = "../../../src/breaker/gate.rs"]
#[expect(dead_code, reason = "a part of another crate")]
mod gate;
#[path = "../../../src/breaker/state.rs"]
#[expect(dead_code, unreachable_pub, reason = "a part of another crate")]
mod state;

use crate::schedules::{SCHEDULES, explore_seeds};
use gate::Gate;
use state::{CircuitState, Thresholds, Verdict};

const THRESHOLDS: Thresholds = Thresholds { failures: 2, successes: 1, probes: 1, reset_after: 10 };

/// Makes a call as callers do, and says whether it was let through.
fn call(gate: &Gate, verdict: Verdict, now: u64) -> bool {
    let Some(epoch) = acquire(gate, now) else { return false };
    settle(gate, epoch, verdict);
    true
}

fn acquire(gate: &Gate, now: u64) -> Option<u64> {
    gate.pass().or_else(|| gate.acquire(|| now, |_| {}).0.ok())
}

fn settle(gate: &Gate, epoch: u64, verdict: Verdict) {
    if !gate.leaves_no_trace(epoch, verdict) {
        gate.settle(epoch, verdict, || 0, |_| {});
    }
}

#[test]
fn failures_are_counted_whoever_looks_meanwhile() {
    explore_seeds(SCHEDULES, || {
        let gate = Arc::new(Gate::new(THRESHOLDS));
        let failing = [(); 2].map(|()| {
            let gate = Arc::clone(&gate);
            thread::spawn(move || call(&gate, Verdict::Failure, 0))
        });
        for thread in failing {
            thread.join().unwrap();
        }
        assert_eq!(gate.looks(|| 0).state, CircuitState::Open);
        assert!(!call(&gate, Verdict::Success, 0));
    });
}

#[test]
fn a_success_after_a_failure_always_resets_the_count() {
    explore_seeds(SCHEDULES, || {
        let gate = Arc::new(Gate::new(THRESHOLDS));
        let other = Arc::clone(&gate);
        let succeeding = thread::spawn(move || call(&other, Verdict::Success, 0));
        assert!(call(&gate, Verdict::Failure, 0));
        // Begun and settled after that failure: it must not take the word for clean.
        assert!(call(&gate, Verdict::Success, 0));
        assert!(call(&gate, Verdict::Failure, 0));
        assert!(succeeding.join().unwrap());
        let looks = gate.looks(|| 0);
        assert_eq!(looks.state, CircuitState::Closed);
        assert!(looks.failures <= 1);
    });
}

#[test]
fn nobody_is_let_through_who_comes_after_it_was_tripped() {
    explore_seeds(SCHEDULES, || {
        let gate = Arc::new(Gate::new(THRESHOLDS));
        let other = Arc::clone(&gate);
        let calling = thread::spawn(move || call(&other, Verdict::Success, 0));
        gate.trip(|| 0, |_| {});
        assert!(!call(&gate, Verdict::Success, 0));
        calling.join().unwrap();
        assert!(!call(&gate, Verdict::Success, 0));
    });
}

#[test]
fn one_probe_is_let_through_whoever_comes() {
    explore_seeds(SCHEDULES, || {
        let gate = Arc::new(Gate::new(THRESHOLDS));
        gate.trip(|| 0, |_| {});
        let probing = [(); 3].map(|()| {
            let gate = Arc::clone(&gate);
            thread::spawn(move || acquire(&gate, 10).is_some())
        });
        let through = probing.map(|thread| thread.join().unwrap());
        assert_eq!(through.iter().filter(|through| **through).count(), 1);
    });
}

#[test]
fn a_late_failure_never_opens_what_was_reset() {
    explore_seeds(SCHEDULES, || {
        let gate = Arc::new(Gate::new(Thresholds { failures: 1, ..THRESHOLDS }));
        let early = acquire(&gate, 0).unwrap();
        gate.trip(|| 0, |_| {});
        let other = Arc::clone(&gate);
        let late = thread::spawn(move || settle(&other, early, Verdict::Failure));
        gate.reset(|_| {});
        late.join().unwrap();
        assert_eq!(gate.looks(|| 0).state, CircuitState::Closed);
    });
}
