//! Every arrow of the table, and random calls against a model that remembers each of them.

use std::fmt::Write as _;

use fastrand::Rng;

use super::state::{Change, Circuit, CircuitState, Refused, Thresholds, Verdict};

use CircuitState::{Closed, HalfOpen, Open};
use Verdict::{Failure, Neutral, Success};

const THRESHOLDS: Thresholds =
    Thresholds { failures: 3, successes: 2, probes: 2, reset_after: 100 };

/// Lets a call through, whatever that changes.
fn admitted(circuit: &mut Circuit, now: u64) -> u64 {
    circuit.acquire(now).unwrap().0
}

fn fail(circuit: &mut Circuit, now: u64) -> Option<Change> {
    let epoch = admitted(circuit, now);
    circuit.settle(epoch, Failure, now)
}

/// One that was opened at 0.
fn opened() -> Circuit {
    let mut circuit = Circuit::new(THRESHOLDS);
    assert_eq!((fail(&mut circuit, 0), fail(&mut circuit, 0)), (None, None));
    assert_eq!(fail(&mut circuit, 0), Some(Change { from: Closed, to: Open }));
    circuit
}

#[test]
fn opens_at_failures_in_a_row_and_at_no_others() {
    let mut circuit = Circuit::new(THRESHOLDS);
    for verdicts in [[Failure, Failure, Success], [Failure, Failure, Success]] {
        for verdict in verdicts {
            let epoch = admitted(&mut circuit, 0);
            assert_eq!(circuit.settle(epoch, verdict, 0), None);
        }
    }
    for verdict in [Failure, Neutral, Failure] {
        let epoch = admitted(&mut circuit, 0);
        assert_eq!(circuit.settle(epoch, verdict, 0), None);
    }
    assert_eq!(circuit.looks(0).failures, 2);
    assert_eq!(fail(&mut circuit, 0), Some(Change { from: Closed, to: Open }));
}

#[test]
fn refuses_while_it_is_open_and_says_for_how_long() {
    let mut circuit = opened();
    for now in [0, 1, 99] {
        assert_eq!(circuit.acquire(now), Err(Refused { retry_after: Some(100 - now) }));
    }
    let probe = Change { from: Open, to: HalfOpen };
    assert_eq!(circuit.acquire(100).unwrap().1, Some(probe));
}

#[test]
fn lets_as_many_probes_through_as_it_may_at_a_time() {
    let mut circuit = opened();
    let first = admitted(&mut circuit, 100);
    assert_eq!(admitted(&mut circuit, 110), first);
    assert_eq!(circuit.acquire(150), Err(Refused { retry_after: None }));
    // One that says nothing makes place for another.
    assert_eq!(circuit.settle(first, Neutral, 150), None);
    assert_eq!(admitted(&mut circuit, 150), first);
    assert_eq!(circuit.settle(first, Success, 151), None);
    assert_eq!(circuit.settle(first, Success, 151), Some(Change { from: HalfOpen, to: Closed }));
}

#[test]
fn one_failed_probe_opens_it_again_for_the_whole_time() {
    let mut circuit = opened();
    let epoch = admitted(&mut circuit, 130);
    assert_eq!(circuit.settle(epoch, Success, 130), None);
    assert_eq!(fail(&mut circuit, 140), Some(Change { from: HalfOpen, to: Open }));
    assert_eq!(circuit.acquire(239), Err(Refused { retry_after: Some(1) }));
    assert_eq!(circuit.looks(240).retry_after, Some(0));
    // The success from before counts no more.
    let epoch = admitted(&mut circuit, 240);
    assert_eq!(circuit.settle(epoch, Success, 240), None);
}

#[test]
fn a_late_result_of_an_earlier_epoch_is_nothing() {
    let mut circuit = Circuit::new(THRESHOLDS);
    let early = admitted(&mut circuit, 0);
    circuit.trip(0);
    for verdict in [Success, Failure, Neutral] {
        assert_eq!(circuit.settle(early, verdict, 0), None);
    }
    let probe = admitted(&mut circuit, 100);
    for verdict in [Success, Success, Failure, Neutral] {
        assert_eq!(circuit.settle(early, verdict, 100), None);
    }
    assert_eq!(circuit.looks(100).probes, 1);
    circuit.reset();
    assert_eq!(circuit.settle(probe, Failure, 100), None);
    assert_eq!(circuit.looks(100).failures, 0);
}

#[test]
fn probes_that_hang_are_waited_for_no_longer_than_it_is_open() {
    let mut circuit = opened();
    let hung = [admitted(&mut circuit, 100), admitted(&mut circuit, 120)];
    assert_eq!(circuit.acquire(219), Err(Refused { retry_after: None }));
    let (next, change) = circuit.acquire(220).unwrap();
    assert_eq!((change, circuit.looks(220).probes), (None, 1));
    for epoch in hung {
        assert_ne!(epoch, next);
        assert_eq!(circuit.settle(epoch, Failure, 220), None);
    }
    assert_eq!(circuit.looks(220).state, HalfOpen);
}

#[test]
fn tripping_and_resetting_work_in_every_state() {
    for at in [Closed, Open, HalfOpen] {
        let made = || {
            let mut circuit = if at == Closed { Circuit::new(THRESHOLDS) } else { opened() };
            if at == HalfOpen {
                admitted(&mut circuit, 100);
            }
            assert_eq!(circuit.looks(100).state, at);
            circuit
        };
        let mut tripped = made();
        let change = (at != Open).then_some(Change { from: at, to: Open });
        assert_eq!(tripped.trip(150), change);
        assert_eq!(tripped.acquire(249), Err(Refused { retry_after: Some(1) }));
        let mut reset = made();
        let change = (at != Closed).then_some(Change { from: at, to: Closed });
        assert_eq!(reset.reset(), change);
        assert!(reset.is_clean());
    }
}

#[test]
fn what_it_knows_is_out_of_date_when_nobody_used_it_for_twice_as_long_as_it_is_open() {
    let clean = Circuit::new(THRESHOLDS);
    assert!(clean.is_idle(0) && clean.is_idle(1_000_000));
    let mut failed = Circuit::new(THRESHOLDS);
    fail(&mut failed, 50);
    assert!(!failed.is_idle(250) && failed.is_idle(251));
    let mut open = opened();
    assert!(!open.is_idle(200) && open.is_idle(201));
    // Whoever is refused uses it.
    open.acquire(50).unwrap_err();
    assert!(!open.is_idle(250));
    let probe = admitted(&mut open, 1000);
    assert!(!open.is_idle(1200));
    open.settle(probe, Neutral, 1200);
    assert!(!open.is_idle(1400) && open.is_idle(1401));
}

/// A circuit that remembers every call of its phase, and counts when it is asked.
struct Model {
    thresholds: Thresholds,
    state: CircuitState,
    /// When this phase began; for a half-open circuit, when the last probe did.
    since: u64,
    /// The calls that were let through in this phase, with what came of them.
    calls: Vec<(usize, Option<Verdict>)>,
}

impl Model {
    fn enter(&mut self, state: CircuitState, now: u64) {
        (self.state, self.since) = (state, now);
        self.calls.clear();
    }

    fn acquire(&mut self, call: usize, now: u64) -> Option<Refused> {
        let over = self.since + self.thresholds.reset_after;
        if self.state == Open {
            if now < over {
                return Some(Refused { retry_after: Some(over - now) });
            }
            self.enter(HalfOpen, now);
        }
        if self.state == HalfOpen {
            let under_way = self.calls.iter().filter(|(_, verdict)| verdict.is_none()).count();
            if under_way >= self.thresholds.probes as usize {
                if now < over {
                    return Some(Refused { retry_after: None });
                }
                self.enter(HalfOpen, now);
            }
            self.since = now;
        }
        self.calls.push((call, None));
        None
    }

    fn settle(&mut self, call: usize, verdict: Verdict, now: u64) {
        let Some(at) = self.calls.iter().position(|(id, _)| *id == call) else { return };
        // In the order in which they come back.
        self.calls.remove(at);
        self.calls.push((call, Some(verdict)));
        let said = self.calls.iter().filter_map(|(_, verdict)| *verdict);
        let said = said.filter(|verdict| *verdict != Neutral);
        match self.state {
            Closed => {
                let in_a_row = said.rev().take_while(|verdict| *verdict == Failure).count();
                if in_a_row >= self.thresholds.failures as usize {
                    self.enter(Open, now);
                }
            }
            HalfOpen => {
                let all: Vec<_> = said.collect();
                if all.contains(&Failure) {
                    self.enter(Open, now);
                } else if all.len() >= self.thresholds.successes as usize {
                    self.enter(Closed, now);
                }
            }
            Open => {}
        }
    }
}

#[test]
fn agrees_with_a_model_that_remembers_every_call() {
    let seed = 0x_b4ea;
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    for round in 0..500 {
        let thresholds = Thresholds {
            failures: random.u32(1..4),
            successes: random.u32(1..4),
            probes: random.u32(1..4),
            reset_after: random.u64(1..50),
        };
        let mut circuit = Circuit::new(thresholds);
        let mut model = Model { thresholds, state: Closed, since: 0, calls: Vec::new() };
        let (mut now, mut open, mut story) = (0, Vec::new(), String::new());
        for call in 0..200 {
            now += random.u64(0..thresholds.reset_after);
            if random.bool() {
                let expected = model.acquire(call, now);
                let admitted = circuit.acquire(now);
                let _ = writeln!(story, "{now}: call {call} {admitted:?}");
                assert_eq!(admitted.err(), expected, "{round}\n{story}");
                open.extend(admitted.ok().map(|(epoch, _)| (call, epoch)));
            } else if !open.is_empty() {
                let (call, epoch) = open.swap_remove(random.usize(..open.len()));
                let verdict = [Success, Failure, Failure, Neutral][random.usize(..4)];
                let _ = writeln!(story, "{now}: call {call} is a {verdict:?}");
                model.settle(call, verdict, now);
                circuit.settle(epoch, verdict, now);
            }
            assert_eq!(circuit.looks(now).state, model.state, "{round}\n{story}");
        }
    }
}
