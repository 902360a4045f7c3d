//! Windows, thresholds and bounds, to the nanosecond; and counts against a list of all errors.

use fastrand::Rng;

use super::state::{MOST_KINDS, State};
use crate::error::Category::{self, Business, Infrastructure, Validation};

const EVERY: [Category; 4] = [Validation, Infrastructure, Business, Category::System];

const NEVER: [u64; 0] = [];

fn state(threshold: usize, window: u64) -> State {
    State::new(threshold, window, EVERY.into())
}

/// The times, of those given, at which there is an alert.
fn alerts(state: &mut State, times: impl IntoIterator<Item = u64>) -> Vec<u64> {
    let mut alerts = Vec::new();
    for now in times {
        if state.track("down", Infrastructure, now).alert {
            alerts.push(now);
        }
    }
    alerts
}

#[test]
fn alerts_once_when_the_threshold_is_reached() {
    assert_eq!(alerts(&mut state(10, 300), 1..=15), [10]);
    assert_eq!(alerts(&mut state(1, 300), 1..=15), [1]);
}

#[test]
fn alerts_again_when_the_count_was_below_the_threshold_meanwhile() {
    let mut state = state(3, 100);
    assert_eq!(alerts(&mut state, [0, 1, 2, 3]), [2]);
    // There are three or more all the time.
    assert_eq!(alerts(&mut state, [50, 60, 70, 140, 150]), NEVER);
    // At 170 the one of 70 has gone, and there are two before the third.
    assert_eq!(alerts(&mut state, [170]), [170]);
    assert_eq!(alerts(&mut state, [1000, 1001, 1002]), [1002]);
}

#[test]
fn an_error_is_in_the_window_until_it_is_as_old_as_the_window_is_long() {
    assert_eq!(alerts(&mut state(2, 100), [0, 99]), [99]);
    assert_eq!(alerts(&mut state(2, 100), [0, 100]), NEVER);
}

#[test]
fn counts_each_code_and_category_for_itself() {
    let mut state = state(2, 600);
    for (code, category) in [("a", Infrastructure), ("a", Business), ("b", Infrastructure)] {
        assert!(!state.track(code, category, 1).alert);
    }
    assert!(state.track("a", Business, 2).alert);
    let counts = state.counts(2);
    let shown: Vec<_> =
        counts.iter().map(|c| (&*c.code, c.category, c.recent, c.total, c.alerting)).collect();
    assert_eq!(
        shown,
        [
            ("a", Infrastructure, 1, 1, false),
            ("a", Business, 2, 2, true),
            ("b", Infrastructure, 1, 1, false),
        ]
    );
    let later = state.counts(10_000);
    assert!(later.iter().all(|c| c.recent == 0 && !c.alerting));
    assert_eq!(later.iter().map(|c| c.total).collect::<Vec<_>>(), [1, 2, 1]);
}

#[test]
fn counts_all_and_alerts_for_the_categories_that_it_is_told() {
    let mut state = State::new(1, 600, vec![Infrastructure]);
    assert!(!state.track("no", Business, 1).alert);
    assert!(state.track("down", Infrastructure, 1).alert);
    assert_eq!(state.counts(1).len(), 2);
}

#[test]
fn forgets_the_kind_that_was_seen_longest_ago_when_there_are_too_many() {
    let mut state = state(1, 600);
    for n in 0..MOST_KINDS as u64 {
        state.track(&format!("made up {n}"), Validation, n);
    }
    state.track("made up 0", Validation, 5000);
    state.track("one more", Validation, 5001);
    let kept: Vec<_> = state.counts(5001).into_iter().map(|count| count.code).collect();
    assert_eq!(kept.len(), MOST_KINDS);
    assert!(kept.iter().any(|code| &**code == "made up 0"));
    assert!(!kept.iter().any(|code| &**code == "made up 1"));
}

#[test]
fn agrees_with_a_list_of_all_errors() {
    let seed = 0x_5eed;
    println!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    for _ in 0..200 {
        let (threshold, window) = (random.usize(1..8), random.u64(1..500));
        let (mut state, mut all, mut raised) = (state(threshold, window), Vec::new(), false);
        let mut now = 0;
        for _ in 0..200 {
            now += random.u64(0..window / 2 + 2);
            let within = |all: &[u64], at: u64| all.iter().filter(|t| at - **t < window).count();
            // The count falls between errors, and rises with one.
            raised &= within(&all, now) >= threshold;
            all.push(now);
            let alert = within(&all, now) >= threshold && !raised;
            raised |= alert;
            let tracked = state.track("down", Infrastructure, now);
            assert_eq!(tracked.alert, alert, "{threshold} in {window} at {now}: {all:?}");
            let (exact, slice) = (within(&all, now), (window / 60).max(1));
            let wider = all.iter().filter(|t| now - **t < window + slice).count();
            assert!((exact..=wider).contains(&tracked.recent), "{tracked:?}, {exact} to {wider}");
        }
    }
}
