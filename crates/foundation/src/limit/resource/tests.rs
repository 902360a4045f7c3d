//! Levels at their thresholds, both ways; permits that are given back, expire, and are refused.

use super::state::{Backpressure, Change, Levels, Refused, State, Urgency};

use Backpressure::{Moderate, Normal, Severe};
use Urgency::{Ordinary, Urgent};

const LEVELS: Levels = Levels {
    limit: 100,
    moderate_above: 90,
    moderate_until: 85,
    severe_above: 95,
    severe_until: 90,
};

/// The level at each use in turn.
fn levels(uses: impl IntoIterator<Item = u64>) -> Vec<Backpressure> {
    let mut state = State::new(LEVELS, None);
    let at = |used| {
        state.observe(used);
        state.settle();
        state.level()
    };
    uses.into_iter().map(at).collect()
}

#[test]
fn a_level_begins_above_its_threshold_and_ends_below_it() {
    assert_eq!(levels([90, 91, 90, 86, 85]), [Normal, Moderate, Moderate, Moderate, Normal]);
    assert_eq!(levels([95, 96, 95, 91, 90]), [Moderate, Severe, Severe, Severe, Moderate]);
    assert_eq!(levels([100, 86, 85, 90]), [Severe, Moderate, Normal, Normal]);
    assert_eq!(levels([100, 0, 100]), [Severe, Normal, Severe]);
}

#[test]
fn swinging_about_a_threshold_changes_the_level_once() {
    let mut state = State::new(LEVELS, None);
    let mut changes = Vec::new();
    for used in [91, 89, 91, 88, 92, 86] {
        state.observe(used);
        changes.extend(state.settle());
    }
    assert_eq!(changes, [Change { from: Normal, to: Moderate, used: 91 }]);
}

#[test]
fn gives_what_there_is_and_takes_it_back() {
    let mut state = State::new(LEVELS, None);
    let ticket = state.acquire(60, Ordinary, 0).unwrap();
    assert_eq!(state.acquire(41, Ordinary, 0), Err(Refused::Exhausted));
    let other = state.acquire(30, Ordinary, 0).unwrap();
    assert_eq!((state.used(), state.permits(), state.settle()), (90, 2, None));
    state.release(ticket);
    assert_eq!((state.used(), state.permits()), (30, 1));
    state.release(other);
    assert_eq!((state.used(), state.permits()), (0, 0));
    // What others use counts.
    state.observe(u64::MAX);
    assert_eq!(state.acquire(1, Urgent, 0), Err(Refused::Exhausted));
}

#[test]
fn gives_to_urgent_work_only_while_it_is_severe() {
    let mut state = State::new(LEVELS, None);
    let ticket = state.acquire(96, Ordinary, 0).unwrap();
    assert_eq!(state.settle().map(|change| change.to), Some(Severe));
    assert_eq!(state.acquire(1, Ordinary, 0), Err(Refused::Backpressure));
    let urgent = state.acquire(4, Urgent, 0).unwrap();
    assert_eq!(state.acquire(1, Urgent, 0), Err(Refused::Exhausted));
    state.release(urgent);
    state.release(ticket);
    assert_eq!(state.settle(), Some(Change { from: Severe, to: Normal, used: 0 }));
    state.acquire(1, Ordinary, 0).unwrap();
}

#[test]
fn a_permit_expires_once_and_at_its_time() {
    let mut state = State::new(LEVELS, Some(100));
    let first = state.acquire(50, Ordinary, 0).unwrap();
    let second = state.acquire(40, Ordinary, 60).unwrap();
    assert_eq!((state.expire(99), state.used()), (0, 90));
    assert_eq!((state.expire(100), state.used()), (1, 40));
    assert!(state.has_expired(first) && !state.has_expired(second));
    // What was taken back is not given back once more.
    state.release(first);
    assert_eq!(state.used(), 40);
    state.release(second);
    assert_eq!((state.expire(1000), state.used(), state.permits()), (0, 0, 0));
}
