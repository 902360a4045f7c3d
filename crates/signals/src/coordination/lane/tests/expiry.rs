//! What is kept is so for a while: every circuit, every mix of messages, every moment.

use super::*;

/// How a message waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// Its sender does not.
    Kept {
        since: u64,
    },
    Awaited,
}

const WAITS: [Waits; 4] = [
    Waits::Awaited,
    Waits::Kept { since: 10 },
    Waits::Kept { since: 20 },
    Waits::Kept { since: 30 },
];
const MESSAGES: [&str; 3] = ["a", "b", "c"];
const CIRCUITS: [Circuit; 6] = [
    Circuit::Closed { failures: 1 },
    Circuit::Open { until: 40 },
    Circuit::Open { until: 1_000 },
    Circuit::HalfOpen { due: 40, probe: None },
    Circuit::HalfOpen { due: 1_000, probe: None },
    Circuit::HalfOpen { due: 1_000, probe: Some(9) },
];
/// One moment before, at and after each end, and long after all of them.
const MOMENTS: [u64; 8] = [59, 60, 61, 70, 79, 80, 81, 500];

/// A lane in which three messages wait like that.
fn waiting(waits: [Waits; 3]) -> Lane<&'static str> {
    let mut lane = Lane::new(Rules { buffer: 3, ..RULES });
    assert_eq!(lane.join(0), Some(1));
    for message in MESSAGES {
        let offered = lane.offer(message, Mode::Keep, Room::Taken, 0);
        assert!(matches!(offered, Offered::Waits { .. }));
    }
    let mut by_time: Vec<_> = (1..).zip(waits).collect();
    // In the lane time does not go back.
    by_time.sort_by_key(|(_, waits)| if let Waits::Kept { since } = waits { *since } else { 0 });
    for (number, waits) in by_time {
        if let Waits::Kept { since } = waits {
            let gave_up = lane.give_up(number, GiveUp::Unwanted, Mode::Keep, since);
            assert_eq!(gave_up, GaveUp::Kept { overflowed: None });
        }
    }
    lane
}

fn all() -> impl Iterator<Item = ([Waits; 3], Circuit, u64)> {
    let mixes = (0..64).map(|mix: usize| [WAITS[mix / 16], WAITS[mix / 4 % 4], WAITS[mix % 4]]);
    mixes.flat_map(|waits| {
        CIRCUITS
            .into_iter()
            .flat_map(move |circuit| MOMENTS.into_iter().map(move |now| (waits, circuit, now)))
    })
}

/// The messages whose time is over, in the order in which it is; and the others as they were sent.
fn split(waits: [Waits; 3], now: u64) -> (Vec<&'static str>, Vec<(&'static str, Waits)>) {
    let mut over = Vec::new();
    let mut stay = Vec::new();
    for (message, waits) in MESSAGES.into_iter().zip(waits) {
        match waits {
            Waits::Kept { since } if since + RULES.patience <= now => over.push((since, message)),
            _ => stay.push((message, waits)),
        }
    }
    over.sort_by_key(|(since, _)| *since);
    (over.into_iter().map(|(_, message)| message).collect(), stay)
}

#[test]
fn what_is_kept_for_too_long_is_taken_out_at_its_moment_and_nothing_else_is() {
    for (waits, circuit, now) in all() {
        let shown = format!("{waits:?}, {circuit:?}, at {now}");
        let mut lane = waiting(waits);
        lane.circuit = circuit;
        let (over, stay) = split(waits, now);
        assert_eq!(lane.expire(now), over, "{shown}");
        assert_eq!(lane.expire(now), Vec::<&str>::new(), "{shown}");
        assert_eq!(lane.circuit, circuit, "it is no failure: {shown}");
        let left: Vec<_> = lane.queue.iter().map(|waiting| waiting.message).collect();
        assert_eq!(left, stay.iter().map(|(message, _)| *message).collect::<Vec<_>>(), "{shown}");
        let kept = stay.iter().filter(|(_, waits)| *waits != Waits::Awaited).count();
        assert_eq!((lane.looks().kept, lane.looks().waiting), (kept, stay.len() - kept), "{shown}");
        // What was taken out is begun by nobody.
        lane.circuit = Circuit::NEW;
        let mut begun = Vec::new();
        while let Some((_, message)) = lane.begin(1, now) {
            begun.push(*message);
        }
        assert_eq!(begun, left, "{shown}");
        assert!(lane.kept.is_empty(), "{shown}");
    }
}

#[test]
fn a_lane_is_looked_at_when_the_next_one_is_over_or_before() {
    for (waits, circuit, now) in all() {
        for is_there in [true, false] {
            let shown = format!("{waits:?}, {circuit:?}, at {now}, there: {is_there}");
            let mut lane = waiting(waits);
            lane.circuit = circuit;
            if !is_there {
                lane.leave(1);
            }
            lane.expire(now);
            let next = split(waits, now).1.into_iter().filter_map(|(_, waits)| match waits {
                Waits::Kept { since } => Some(since + RULES.patience),
                Waits::Awaited => None,
            });
            let next = next.min();
            let needs_care = lane.needs_care();
            assert!(needs_care || next.is_none(), "{shown}");
            match lane.care(now) {
                Care::Wait { until } => {
                    assert!(needs_care && until > now, "{shown}: {until}");
                    assert!(next.is_none_or(|next| until <= next), "{shown}: {until}, {next:?}");
                    assert!(is_there || Some(until) == next, "{shown}: {until}, {next:?}");
                }
                Care::Offer { .. } => assert!(is_there && needs_care, "{shown}"),
                Care::Nothing => assert_eq!(next, None, "{shown}"),
            }
        }
    }
}

#[test]
fn what_makes_room_or_is_begun_or_given_up_is_not_over_a_second_time() {
    let mut lane = waiting([Waits::Kept { since: 10 }; 3]);
    let kept = lane.offer("d", Mode::Keep, Room::Full, 15);
    assert_eq!(kept, Offered::Kept { because: Because::Full, overflowed: Some("a") });
    assert_eq!(lane.begin(1, 20), Some((2, &"b")));
    assert_eq!(lane.expire(60), ["c"]);
    assert_eq!(lane.abandon(), ["d"]);
    assert!(!lane.needs_care() && lane.looks().kept == 0);
    assert_eq!(lane.expire(1_000), Vec::<&str>::new());
    assert_eq!(lane.settle(2, Verdict::Works, 1_000), Some("b"));
    assert!(!lane.needs_care());
}

#[test]
fn what_is_kept_for_somebody_who_has_gone_is_not_kept_for_longer_by_that() {
    let mut lane = waiting([Waits::Kept { since: 10 }, Waits::Awaited, Waits::Awaited]);
    assert_eq!(lane.begin(1, 10), Some((1, &"a")));
    lane.give_up(2, GiveUp::Late, Mode::Keep, 10);
    lane.drop_assignment(1, 10);
    lane.drop_assignment(1, 11);
    assert_eq!(lane.care(11), Care::Wait { until: 21 });
    assert_eq!(lane.care(21), Care::Offer { epoch: 1 });
    assert_eq!(lane.leave(1), ["c"]);
    assert!(lane.needs_care());
    assert_eq!(lane.care(59), Care::Wait { until: 60 });
    // The next one is tried with it, and has as long as it would have had.
    assert_eq!(lane.join(59), Some(2));
    assert_eq!(lane.care(59), Care::Offer { epoch: 2 });
    assert_eq!(lane.care(59), Care::Wait { until: 60 });
    assert_eq!(lane.expire(60), ["b"]);
    assert_eq!(lane.begin(2, 60), None);
    assert_eq!(lane.care(60), Care::Nothing);
    assert_eq!(lane.looks().circuit, Circuit::NEW);
    assert_eq!(lane.leave(2), Vec::<&str>::new());
    assert!(!lane.is_spent());
    assert_eq!(lane.settle(1, Verdict::Works, 70), Some("a"));
    assert!(lane.is_spent());
}
