//! The pure parts: buckets and what they say, windows, and when to look for keys that are not used.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

use super::clock::RuntimeClock;
use super::crowd::{Crowd, Room};
use super::options::{RateLimit, Valid};
use super::tokens::{Buckets, filled};
use super::window::Window;

const SECOND: u64 = 1_000_000_000;

#[test]
fn a_bucket_says_what_is_in_it_and_when_there_is_enough() {
    // Four tokens, one each 100 ns.
    let quota = Quota::with_period(Duration::from_nanos(100)).unwrap();
    let quota = quota.allow_burst(NonZeroU32::new(4).unwrap());
    let table = [
        // full at, cost, now: tokens, wait
        (None, 1, 0, (4, 0)),
        (None, 4, 0, (4, 0)),
        (Some(100), 1, 0, (3, 0)),
        (Some(100), 4, 0, (3, 100)),
        (Some(100), 4, 99, (3, 1)),
        (Some(100), 4, 100, (4, 0)),
        (Some(400), 1, 0, (0, 100)),
        (Some(400), 1, 99, (0, 1)),
        (Some(400), 1, 100, (1, 0)),
        (Some(400), 3, 100, (1, 200)),
        (Some(400), 1, 1_000_000, (4, 0)),
    ];
    for (full_at, cost, now, expected) in table {
        assert_eq!(filled(quota, full_at, cost, now), expected, "{full_at:?} {cost} {now}");
    }
}

#[test]
fn the_time_between_two_tokens_is_rounded_up() {
    let interval = |quota, period| match RateLimit::tokens(quota, period).validate().unwrap() {
        Valid::Tokens(quota) => quota.replenish_interval().as_nanos(),
        other => panic!("{other:?}"),
    };
    assert_eq!(interval(3, Duration::from_secs(1)), 333_333_334);
    assert_eq!(interval(4, Duration::from_secs(1)), 250_000_000);
    assert_eq!(interval(1_000_000_000, Duration::from_secs(1)), 1);
    assert_eq!(interval(999_999_999, Duration::from_secs(1)), 2);
}

#[test]
fn a_clock_begins_where_whoever_reads_it_first_does() {
    for _ in 0..100 {
        // Slow enough that time goes on meanwhile.
        let (clock, first) = RuntimeClock::with(|clock| (0..10).map(|_| clock.nanoseconds()).max());
        assert_eq!(first, Some(0));
        let mut readings = std::iter::repeat_with(|| clock.nanoseconds());
        assert!(readings.any(|now| now > 0));
    }
}

#[test]
fn a_window_counts_what_was_admitted_since_and_says_when_there_is_room() {
    let (mut window, limit) = (Window::default(), (10, 100));
    assert_eq!(window.admit(4, limit, 0), Ok(()));
    assert_eq!(window.admit(4, limit, 30), Ok(()));
    assert_eq!(window.admit(2, limit, 30), Ok(()));
    assert_eq!(window.admit(1, limit, 99), Err(Some(1)));
    assert_eq!(window.admit(5, limit, 99), Err(Some(31)));
    assert_eq!(window.admit(11, limit, 99), Err(None));
    assert_eq!(window.remaining(limit, 99), 0);
    // What was admitted a window ago counts no more.
    assert_eq!((window.remaining(limit, 100), window.remaining(limit, 130)), (4, 10));
    assert!(window.is_new(100, 130));
}

#[test]
fn buckets_that_were_full_for_a_while_are_taken_out() {
    use governor::state::StateStore;
    let buckets = Buckets::<u32>::new(10);
    for (key, full_at) in [(1, SECOND), (2, 2 * SECOND), (3, 3 * SECOND)] {
        let set = |_| Ok::<_, ()>(((), full_at.into()));
        buckets.measure_and_replace(&key, set).unwrap();
    }
    let left = |now| {
        buckets.sweep(now);
        ([1, 2, 3].map(|key| buckets.contains(&key)), buckets.crowd().len())
    };
    assert_eq!(left(SECOND + SECOND / 10 - 1), ([true, true, true], 3));
    assert_eq!(left(SECOND + SECOND / 10), ([false, true, true], 2));
    assert_eq!(left(10 * SECOND), ([false, false, false], 0));
}

/// A crowd of so many.
fn crowd(len: usize, max: usize) -> Crowd {
    let crowd = Crowd::new(max);
    (0..len).for_each(|_| crowd.one_more());
    crowd
}

#[test]
fn nobody_looks_while_there_are_few_or_not_twice_as_many() {
    assert!(!crowd(1023, 10_000).is_dense() && crowd(1024, 10_000).is_dense());
    assert!(!crowd(2, 3).is_dense() && crowd(3, 3).is_dense());
    let crowd = crowd(1500, 10_000);
    let Room::Sweep(sweeping) = crowd.room(0) else { panic!("nobody has looked") };
    assert!(matches!(sweeping.swept(0), Room::Enough));
    assert!(!crowd.is_dense());
    (1500..3000).for_each(|_| crowd.one_more());
    assert!(crowd.is_dense());
}

#[test]
fn one_looks_at_a_time_and_not_again_before_a_while_after_that() {
    const PAUSE: u64 = 100_000_000;
    let crowd = crowd(3, 3);
    let Room::Sweep(sweeping) = crowd.room(0) else { panic!("nobody has looked") };
    // It takes long. Others do not look, and find no room.
    for now in [0, PAUSE, 10 * PAUSE] {
        assert!(matches!(crowd.room(now), Room::None(PAUSE)), "{now}");
    }
    let over = 20 * PAUSE;
    assert!(matches!(sweeping.swept(over), Room::None(PAUSE)));
    assert!(matches!(crowd.room(over + 1), Room::None(wait) if wait == PAUSE - 1));
    crowd.one_less();
    assert!(matches!(crowd.room(over + 1), Room::Enough));
    crowd.one_more();
    assert!(matches!(crowd.room(over + PAUSE), Room::Sweep(_)));
    // The right to look was dropped: somebody else has it.
    assert!(matches!(crowd.room(over + PAUSE), Room::Sweep(_)));
}
