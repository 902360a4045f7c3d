//! The machine, one step at a time.

mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use foundation::Backoff;

use super::{Because, Kept, Rules, Settlement, State, Step};
use crate::log::LogPosition;

fn at(position: u64) -> LogPosition {
    LogPosition::new(position)
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn rules(max_in_flight: usize) -> Rules {
    let backoff = Backoff::Exponential { base: ms(100), cap: ms(1000) };
    Rules { max_in_flight, ack_deadline: ms(5000), max_attempts: 3, backoff }
}

fn kept(cursor: u64, delivered_to: u64) -> Kept {
    Kept {
        cursor: at(cursor),
        delivered_to: at(delivered_to),
        attempts: BTreeMap::new(),
        buried: BTreeSet::new(),
    }
}

/// One that has read so many signals, at every tenth position.
fn read(max_in_flight: usize, signals: u64) -> State<u64> {
    let mut state = State::new(rules(max_in_flight), &kept(0, 0));
    for signal in 1..=signals {
        state.read(at(signal * 10), signal);
    }
    state
}

/// What is delivered now, and for the how many-th time.
fn delivered(state: &mut State<u64>, now: u64) -> Vec<(u64, u32)> {
    let steps = state.deliver(ms(now), true).into_iter();
    steps
        .map(|step| match step {
            Step::Deliver { position, attempt, .. } => (position.get(), attempt),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn ack(state: &mut State<u64>, position: u64) -> Option<Step<u64>> {
    state.settled(at(position), 1, Settlement::Acknowledged, ms(0))
}

const REFUSED: Settlement = Settlement::Refused { again: true };

#[test]
fn signals_are_delivered_in_order_and_not_more_than_may_be_in_flight() {
    let mut state = read(2, 3);
    assert_eq!(delivered(&mut state, 0), [(10, 1), (20, 1)]);
    assert_eq!(delivered(&mut state, 0), []);
    assert_eq!((state.in_flight(), state.waiting()), (2, 1));
    assert_eq!(ack(&mut state, 10), None);
    assert_eq!(delivered(&mut state, 0), [(30, 1)]);
}

#[test]
fn the_cursor_does_not_pass_what_is_open() {
    let mut state = read(10, 3);
    delivered(&mut state, 0);
    ack(&mut state, 30);
    assert_eq!(state.cursor(), at(9), "only the last is acknowledged");
    ack(&mut state, 10);
    assert_eq!(state.cursor(), at(19));
    ack(&mut state, 20);
    assert_eq!(state.cursor(), at(30));
    state.read_up_to(at(77));
    assert_eq!(state.cursor(), at(77), "what does not match is passed");
    assert_eq!(state.kept(), kept(77, 77));
}

#[test]
fn what_was_open_is_delivered_again_after_a_restart() {
    let mut state = read(10, 3);
    delivered(&mut state, 0);
    ack(&mut state, 10);
    ack(&mut state, 30);
    let kept = state.kept();
    assert_eq!((kept.cursor, kept.delivered_to), (at(19), at(30)));
    let mut state = State::new(rules(10), &kept);
    for signal in 2..=3 {
        state.read(at(signal * 10), signal);
    }
    assert_eq!(state.recovered(ms(0)), None);
    // The first one may have ended the process: it goes alone, after a wait.
    assert_eq!(delivered(&mut state, 0), []);
    state.tick(ms(100));
    assert_eq!(delivered(&mut state, 100), [(20, 2)]);
    assert_eq!(delivered(&mut state, 100), []);
    state.settled(at(20), 2, Settlement::Acknowledged, ms(100));
    assert_eq!(delivered(&mut state, 100), [(30, 1)]);
}

#[test]
fn nobody_is_charged_after_a_restart_in_which_nothing_was_under_way() {
    let mut state = State::new(rules(10), &kept(10, 10));
    state.read(at(20), 2);
    assert_eq!(state.recovered(ms(0)), None);
    assert_eq!(delivered(&mut state, 0), [(20, 1)]);
}

#[test]
fn one_that_is_refused_waits_longer_each_time_and_is_given_up() {
    let mut state = read(10, 1);
    for (now, attempt, again) in [(0, 1, 100), (100, 2, 300)] {
        assert_eq!(delivered(&mut state, now), [(10, attempt)]);
        assert_eq!(state.settled(at(10), attempt, REFUSED, ms(now)), None);
        assert_eq!(state.wakes(), Some(ms(again)));
        assert_eq!(state.tick(ms(again - 1)), []);
        assert_eq!(delivered(&mut state, again - 1), []);
        state.tick(ms(again));
    }
    assert_eq!(delivered(&mut state, 300), [(10, 3)]);
    let buried = state.settled(at(10), 3, REFUSED, ms(300));
    let because = Because::Refused;
    let expected =
        Step::Bury { position: at(10), what: 1, attempts: 3, because, was_redriven: false };
    assert_eq!(buried, Some(expected));
    assert_eq!((state.cursor(), state.wakes()), (at(10), None));
}

#[test]
fn one_that_is_refused_for_good_is_given_up_at_once() {
    let mut state = read(10, 1);
    delivered(&mut state, 0);
    let buried = state.settled(at(10), 1, Settlement::Refused { again: false }, ms(0));
    assert!(matches!(buried, Some(Step::Bury { attempts: 1, .. })));
}

#[test]
fn one_that_takes_too_long_is_delivered_again_and_a_late_acknowledgement_counts() {
    let mut state = read(10, 2);
    delivered(&mut state, 0);
    assert_eq!(state.wakes(), Some(ms(5000)));
    assert_eq!(state.tick(ms(5000)), []);
    state.tick(ms(5100));
    assert_eq!(delivered(&mut state, 5100), [(10, 2)], "the time of the other begins now");
    // A late refusal of the first attempt says nothing about the second.
    assert_eq!(state.settled(at(10), 1, REFUSED, ms(5200)), None);
    assert_eq!(state.in_flight(), 2);
    assert_eq!(ack(&mut state, 10), None);
    assert_eq!(state.cursor(), at(19));
    assert_eq!(ack(&mut state, 10), None, "twice changes nothing");
    assert_eq!(state.cursor(), at(19));
}

#[test]
fn with_one_in_flight_a_failure_holds_what_comes_behind_it() {
    let mut state = read(1, 2);
    assert_eq!(delivered(&mut state, 0), [(10, 1)]);
    state.settled(at(10), 1, REFUSED, ms(0));
    assert_eq!(delivered(&mut state, 50), [], "strictly in order");
    state.tick(ms(100));
    assert_eq!(delivered(&mut state, 100), [(10, 2)]);
}

#[test]
fn the_end_of_a_consumer_charges_what_it_was_at_and_nothing_else() {
    let mut state = read(10, 3);
    delivered(&mut state, 0);
    // What was in its mailbox is dropped as it ends.
    let dropped = Settlement::Dropped { in_panic: false };
    for position in [10, 20, 30] {
        assert_eq!(state.settled(at(position), 1, dropped, ms(0)), None);
    }
    assert_eq!(state.consumer_ended(ms(0)), None);
    state.tick(ms(100));
    assert_eq!(delivered(&mut state, 100), [(10, 2)], "alone");
    state.settled(at(10), 2, Settlement::Acknowledged, ms(100));
    assert_eq!(delivered(&mut state, 100), [(20, 1), (30, 1)]);
}

#[test]
fn a_panic_charges_the_one_that_was_handled() {
    let mut state = read(10, 3);
    delivered(&mut state, 0);
    state.settled(at(20), 1, Settlement::Dropped { in_panic: true }, ms(0));
    state.settled(at(10), 1, Settlement::Dropped { in_panic: false }, ms(0));
    assert_eq!(state.consumer_ended(ms(0)), None);
    state.tick(ms(100));
    assert_eq!(delivered(&mut state, 100), [(20, 2)], "alone");
    state.settled(at(20), 2, Settlement::Acknowledged, ms(100));
    assert_eq!(delivered(&mut state, 100), [(10, 1), (30, 1)]);
}

#[test]
fn one_that_ends_its_consumer_every_time_is_given_up_and_takes_no_other_with_it() {
    let mut state = read(10, 3);
    let (mut now, mut buried) = (0, None);
    for attempt in 1..=3 {
        let expected = if attempt == 1 { vec![10, 20, 30] } else { vec![10] };
        let positions: Vec<_> = delivered(&mut state, now).into_iter().map(|(at, _)| at).collect();
        assert_eq!(positions, expected, "{attempt}");
        let ended = state.settled(at(10), attempt, Settlement::Dropped { in_panic: true }, ms(now));
        buried = ended.or_else(|| state.consumer_ended(ms(now)));
        now += 1000;
        state.tick(ms(now));
    }
    assert!(matches!(buried, Some(Step::Bury { attempts: 3, because: Because::Ended, .. })));
    assert_eq!(state.consumer_ended(ms(now)), None);
    assert_eq!(delivered(&mut state, now), [(20, 1), (30, 1)]);
}

/// Symptom: a signal over which its consumer ended each time without a panic was delivered for
/// ever. Mechanism: once it went alone the end of the consumer was taken for explained, and was not
/// charged. It is only where a panic has told which one it was.
#[test]
fn one_that_ends_its_consumer_without_a_panic_is_given_up_too() {
    let mut state = read(10, 3);
    let dropped = Settlement::Dropped { in_panic: false };
    let mut attempts = Vec::new();
    let mut now = 0;
    let buried = loop {
        let attempt = delivered(&mut state, now)[0].1;
        attempts.push(attempt);
        state.settled(at(10), attempt, dropped, ms(now));
        if let Some(buried) = state.consumer_ended(ms(now)) {
            break buried;
        }
        now += 1000;
        assert_eq!(state.tick(ms(now)), []);
    };
    assert_eq!(attempts, [1, 2, 3]);
    assert!(matches!(buried, Step::Bury { attempts: 3, because: Because::Ended, .. }));
}

/// Symptom: when a panic had a signal given up, the next one was charged with the same end.
#[test]
fn the_end_over_one_that_is_given_up_is_charged_to_no_other() {
    let mut state = read(10, 3);
    state.set_rules(Rules { max_attempts: 1, ..rules(10) });
    delivered(&mut state, 0);
    let buried = state.settled(at(10), 1, Settlement::Dropped { in_panic: true }, ms(0));
    assert!(matches!(buried, Some(Step::Bury { because: Because::Ended, .. })));
    for position in [20, 30] {
        let dropped = Settlement::Dropped { in_panic: false };
        assert_eq!(state.settled(at(position), 1, dropped, ms(0)), None);
    }
    assert_eq!(state.consumer_ended(ms(0)), None);
    assert_eq!(delivered(&mut state, 0), [(20, 1), (30, 1)]);
}

/// Symptom: attempts were forgotten by every restart, so that a signal which ended the process each
/// time was never given up. Mechanism: what was kept was written again before the log was read, of
/// what had been read by then, which was nothing.
#[test]
fn attempts_are_kept_until_what_they_are_of_is_read() {
    let mut kept = kept(0, 0);
    kept.attempts = [(at(10), 2), (at(20), 3), (at(30), 3)].into();
    let mut state = State::new(rules(10), &kept);
    assert_eq!(state.kept(), kept);
    state.read(at(10), 1);
    assert_eq!(state.kept(), kept);
    state.read_up_to(at(25));
    assert_eq!(state.kept().attempts.len(), 2, "20 does not match any more");
    state.read(at(30), 3);
    assert_eq!(delivered(&mut state, 0), [(10, 2), (30, 3)]);
}

#[test]
fn a_dead_letter_that_is_redriven_does_not_move_the_cursor() {
    let mut state = read(10, 1);
    delivered(&mut state, 0);
    ack(&mut state, 10);
    state.redrive(at(5), 99);
    assert_eq!(state.cursor(), at(10));
    assert_eq!(delivered(&mut state, 0), [(5, 1)]);
    let unburied = state.settled(at(5), 1, Settlement::Acknowledged, ms(0));
    assert_eq!(unburied, Some(Step::Unbury { position: at(5) }));
    state.redrive(at(6), 98);
    assert_eq!(state.deliver(ms(0), false).len(), 1, "those may be delivered alone");
    let buried = state.settled(at(6), 1, Settlement::Refused { again: false }, ms(0));
    assert!(matches!(buried, Some(Step::Bury { was_redriven: true, .. })));
    assert_eq!(state.kept(), kept(10, 10));
}

/// Symptom: a dead letter behind a signal that was open could not be redriven: its acknowledgement
/// was of no account, and it moved the cursor back when it took too long. Mechanism: it was looked
/// for among those that are settled first.
#[test]
fn a_dead_letter_behind_one_that_is_open_can_be_redriven() {
    let mut state = read(10, 2);
    delivered(&mut state, 0);
    state.settled(at(20), 1, Settlement::Refused { again: false }, ms(0));
    state.redrive(at(20), 2);
    assert!(state.is_open(at(20)));
    assert_eq!(delivered(&mut state, 0), [(20, 1)]);
    assert_eq!(state.settled(at(20), 1, REFUSED, ms(0)), None);
    state.tick(ms(100));
    assert_eq!(delivered(&mut state, 100), [(20, 2)]);
    let unburied = state.settled(at(20), 2, Settlement::Acknowledged, ms(100));
    assert_eq!(unburied, Some(Step::Unbury { position: at(20) }));
    assert_eq!(state.cursor(), at(9));
    ack(&mut state, 10);
    assert_eq!((state.cursor(), state.in_flight(), state.waiting()), (at(20), 0, 0));
}

/// Symptom: a signal that was refused for good behind one that was open was delivered again after a
/// restart. It is now kept which those are.
#[test]
fn a_dead_letter_behind_one_that_is_open_is_not_delivered_again_after_a_restart() {
    let mut state = read(10, 3);
    delivered(&mut state, 0);
    for position in [20, 30] {
        state.settled(at(position), 1, Settlement::Refused { again: false }, ms(0));
    }
    let kept = state.kept();
    assert_eq!(kept.buried, [at(20), at(30)].into());
    let mut state = State::new(rules(10), &kept);
    state.redrive(at(30), 3);
    for signal in 1..=3 {
        state.read(at(signal * 10), signal);
    }
    assert_eq!(delivered(&mut state, 0), [(10, 1), (30, 1)]);
    assert!(state.settled(at(30), 1, Settlement::Acknowledged, ms(0)).is_some());
    ack(&mut state, 10);
    assert_eq!(state.cursor(), at(30));
    assert_eq!(state.kept(), super::Kept { buried: BTreeSet::new(), ..self::kept(30, 30) });
}

#[test]
fn one_that_is_delivered_again_anyhow_is_not_redriven_beside_that() {
    let mut state = read(10, 1);
    state.redrive(at(10), 1);
    assert_eq!(delivered(&mut state, 0), [(10, 1)]);
    assert_eq!(ack(&mut state, 10), Some(Step::Unbury { position: at(10) }));
    assert_eq!(state.cursor(), at(10));
}

#[test]
fn new_ones_are_held_back_when_only_the_redriven_may_go() {
    let mut state = read(10, 2);
    state.redrive(at(5), 99);
    let steps = state.deliver(ms(0), false);
    assert!(matches!(steps.as_slice(), [Step::Deliver { what: 99, .. }]));
    assert_eq!(delivered(&mut state, 0), [(10, 1), (20, 1)]);
}

#[test]
fn one_that_could_not_be_delivered_comes_next_and_is_not_charged() {
    let mut state = read(10, 2);
    delivered(&mut state, 0);
    state.undelivered(at(10));
    state.undelivered(at(20));
    assert_eq!(delivered(&mut state, 0), [(10, 1), (20, 1)]);
}

#[test]
fn it_takes_no_more_in_than_it_can_hold() {
    let mut state = read(2, 0);
    assert_eq!(state.room(), 8);
    for signal in 1..=8 {
        state.read(at(signal), signal);
    }
    assert_eq!(state.room(), 0);
    delivered(&mut state, 0);
    ack(&mut state, 2);
    assert_eq!(state.room(), 0, "it is behind one that is open");
    ack(&mut state, 1);
    assert_eq!(state.room(), 2);
}

#[test]
fn what_was_read_before_is_not_taken_in_twice() {
    let mut state = read(10, 2);
    state.read(at(20), 7);
    state.read(at(5), 8);
    assert_eq!(delivered(&mut state, 0), [(10, 1), (20, 1)]);
}
