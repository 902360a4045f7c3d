//! Every arrow of the circuit, and random use against a model that keeps a plain list of messages.

mod expiry;
mod model;

use std::fmt::Write as _;

use super::{Because, Care, Circuit, GaveUp, GiveUp, Lane, Mode, Offered, Room, Rules, Verdict};

pub(super) const RULES: Rules =
    Rules { failures: 3, reset_after: 100, deadline: 10, buffer: 2, patience: 50 };

type Step = fn(&mut Lane<&'static str>);

/// A lane at 100, where one message waits and is number 1, and one was begun and is number 2.
fn lane(circuit: Circuit) -> Lane<&'static str> {
    let mut lane = Lane::new(RULES);
    assert_eq!(lane.join(0), Some(1));
    for message in ["begun", "waits"] {
        let offered = lane.offer(message, Mode::Keep, Room::Taken, 0);
        assert!(matches!(offered, Offered::Waits { epoch: 1, .. }));
    }
    assert_eq!(lane.begin(1, 0), Some((1, &"begun")));
    lane.circuit = circuit;
    lane
}

fn shown(circuit: Circuit) -> String {
    match circuit {
        Circuit::Closed { failures } => format!("closed {failures}"),
        Circuit::Open { until } => format!("open {until}"),
        Circuit::HalfOpen { due, probe: None } => format!("half {due}"),
        Circuit::HalfOpen { due, probe: Some(probe) } => format!("half {due} {probe}"),
    }
}

/// What is done at 100, when the probe is number 1 if there is one.
const STEPS: [(&str, Step); 23] = [
    ("offer", |lane| {
        lane.offer("new", Mode::Keep, Room::Taken, 100);
    }),
    ("offer, no room", |lane| {
        lane.offer("new", Mode::Keep, Room::Full, 100);
    }),
    ("offer, alone", |lane| {
        lane.queue.clear();
        lane.offer("new", Mode::Keep, Room::Taken, 100);
    }),
    ("offer, alone, no room", |lane| {
        lane.queue.clear();
        lane.offer("new", Mode::Keep, Room::Full, 100);
    }),
    ("offer, unasked", |lane| {
        lane.offer("new", Mode::Keep, Room::Unasked, 100);
    }),
    ("offer, alone, unasked", |lane| {
        lane.queue.clear();
        lane.offer("new", Mode::Keep, Room::Unasked, 100);
    }),
    ("begin", |lane| {
        lane.begin(1, 100);
    }),
    ("begin, nothing there", |lane| {
        lane.queue.clear();
        lane.begin(1, 100);
    }),
    ("works", |lane| {
        lane.settle(1, Verdict::Works, 100);
    }),
    ("works, the last", |lane| {
        lane.queue.clear();
        lane.settle(1, Verdict::Works, 100);
    }),
    ("says nothing", |lane| {
        lane.settle(1, Verdict::Nothing, 100);
    }),
    ("fails", |lane| {
        lane.settle(1, Verdict::Fails, 100);
    }),
    ("fails, was kept", |lane| {
        lane.begun.get_mut(&1).unwrap().was_kept = true;
        lane.settle(1, Verdict::Fails, 100);
    }),
    ("late, begun", |lane| {
        lane.give_up(1, GiveUp::Late, Mode::Keep, 100);
    }),
    ("late, waits", |lane| {
        lane.give_up(2, GiveUp::Late, Mode::Keep, 100);
    }),
    ("not offered", |lane| {
        lane.give_up(2, GiveUp::NotOffered, Mode::Keep, 100);
    }),
    ("unwanted", |lane| {
        lane.give_up(1, GiveUp::Unwanted, Mode::Keep, 100);
        lane.give_up(2, GiveUp::Unwanted, Mode::Return, 100);
    }),
    ("dropped", |lane| lane.drop_assignment(1, 100)),
    ("no room", |lane| lane.no_room(1, 100)),
    ("care", |lane| {
        lane.care(100);
    }),
    ("care, kept for too long", |lane| {
        lane.give_up(2, GiveUp::Unwanted, Mode::Keep, 50);
        assert_eq!(lane.expire(100), ["waits"]);
        lane.care(100);
    }),
    ("care, kept for too long, not offered", |lane| {
        lane.give_up(2, GiveUp::Unwanted, Mode::Keep, 50);
        assert_eq!(lane.expire(100), ["waits"]);
        lane.assignments = 0;
        lane.care(100);
    }),
    ("care, nothing there", |lane| {
        lane.queue.clear();
        lane.begun.clear();
        lane.assignments = 0;
        lane.care(100);
    }),
];

#[test]
fn each_arrow_of_the_circuit_is_the_one_in_the_table() {
    let circuits = [
        Circuit::Closed { failures: 1 },
        Circuit::Closed { failures: 2 },
        Circuit::Open { until: 101 },
        Circuit::Open { until: 100 },
        Circuit::HalfOpen { due: 101, probe: None },
        Circuit::HalfOpen { due: 100, probe: None },
        Circuit::HalfOpen { due: 101, probe: Some(1) },
    ];
    let mut table = String::new();
    for (name, step) in STEPS {
        write!(table, "\n{name}:").unwrap();
        for circuit in circuits {
            let mut lane = lane(circuit);
            step(&mut lane);
            let then = shown(lane.circuit);
            let same = then == shown(circuit);
            write!(table, " {} |", if same { "-" } else { &then }).unwrap();
        }
    }
    // closed 1 | closed 2 | open 101 | open 100 | half 101 | half 100 | half 101, 1 is the probe
    let expected = "
offer: - | - | - | - | - | - | - |
offer, no room: closed 2 | open 200 | - | - | - | - | - |
offer, alone: - | - | - | half 110 | - | - | - |
offer, alone, no room: closed 2 | open 200 | - | open 200 | - | - | - |
offer, unasked: - | - | - | - | - | - | - |
offer, alone, unasked: - | - | - | - | - | - | - |
begin: - | - | - | half 110 2 | half 110 2 | half 110 2 | - |
begin, nothing there: - | - | - | - | - | - | - |
works: closed 0 | closed 0 | - | - | - | - | half 110 |
works, the last: closed 0 | closed 0 | - | - | - | - | closed 0 |
says nothing: - | - | - | - | - | - | half 110 |
fails: closed 2 | open 200 | - | - | - | - | open 200 |
fails, was kept: open 200 | open 200 | - | - | - | - | open 200 |
late, begun: closed 2 | open 200 | - | - | - | - | open 200 |
late, waits: closed 2 | open 200 | - | - | open 200 | open 200 | - |
not offered: closed 2 | open 200 | - | - | open 200 | open 200 | - |
unwanted: - | - | - | - | - | - | - |
dropped: - | - | - | - | open 200 | open 200 | - |
no room: closed 2 | open 200 | - | - | open 200 | open 200 | - |
care: - | - | - | half 110 | - | open 200 | - |
care, kept for too long: - | - | - | - | - | open 200 | - |
care, kept for too long, not offered: - | - | - | - | closed 0 | open 200 | - |
care, nothing there: - | - | - | - | closed 0 | open 200 | - |";
    assert_eq!(table, expected, "{table}");
}

#[test]
fn nobody_receives_before_somebody_joins_and_after_that_one_has_left() {
    let mut lane = Lane::new(RULES);
    assert_eq!(lane.offer("one", Mode::Keep, Room::Taken, 0), Offered::Nobody("one"));
    assert_eq!(lane.join(0), Some(1));
    assert_eq!(lane.join(0), None);
    assert_eq!(
        lane.offer("one", Mode::Keep, Room::Taken, 0),
        Offered::Waits { number: 1, epoch: 1 }
    );
    assert_eq!(lane.leave(1), ["one"]);
    assert_eq!(lane.leave(1), Vec::<&str>::new());
    assert_eq!(lane.offer("two", Mode::Keep, Room::Taken, 0), Offered::Nobody("two"));
    assert!(lane.is_spent());
    assert_eq!(lane.join(0), Some(2));
    // What the first one was offered is not for the second.
    assert_eq!(
        lane.offer("three", Mode::Keep, Room::Taken, 0),
        Offered::Waits { number: 2, epoch: 2 }
    );
    assert_eq!(lane.begin(1, 0), None);
    assert_eq!(lane.leave(1), Vec::<&str>::new());
    assert_eq!(lane.begin(2, 0), Some((2, &"three")));
    assert_eq!(lane.settle(2, Verdict::Works, 0), Some("three"));
    assert_eq!(lane.settle(2, Verdict::Works, 0), None);
}

#[test]
fn what_cannot_be_offered_is_kept_or_given_back_as_its_sender_says() {
    let mut lane = lane(Circuit::Open { until: 107 });
    let open = Because::Open { wait: 7 };
    let returned = lane.offer("back", Mode::Return, Room::Taken, 100);
    assert_eq!(returned, Offered::Returned { because: open, message: "back" });
    for (message, overflowed) in [("a", None), ("b", None), ("c", Some("a")), ("d", Some("b"))] {
        let kept = lane.offer(message, Mode::Keep, Room::Taken, 100);
        assert_eq!(kept, Offered::Kept { because: open, overflowed });
    }
    // Somebody waits for that one: it makes no room, until nobody does.
    let gave_up = lane.give_up(2, GiveUp::Unwanted, Mode::Keep, 100);
    assert_eq!(gave_up, GaveUp::Kept { overflowed: Some("waits") });
    assert_eq!(lane.give_up(2, GiveUp::Late, Mode::Keep, 100), GaveUp::Settled);
    assert_eq!((lane.looks().kept, lane.looks().waiting, lane.looks().in_progress), (2, 0, 1));
}

#[test]
fn one_message_fails_once() {
    let mut lane = lane(Circuit::Closed { failures: 0 });
    for _ in 0..3 {
        assert_eq!(lane.give_up(1, GiveUp::Late, Mode::Keep, 0), GaveUp::InProgress);
    }
    assert!(!lane.is_awaited(1));
    assert_eq!(lane.settle(1, Verdict::Fails, 0), Some("begun"));
    assert_eq!(lane.circuit, Circuit::Closed { failures: 1 });
}

#[test]
fn what_is_taken_back_leaves_an_assignment_that_is_good_for_the_next() {
    let mut lane = lane(Circuit::Closed { failures: 0 });
    assert_eq!(lane.give_up(2, GiveUp::Late, Mode::Return, 0), GaveUp::Returned("waits"));
    assert_eq!(
        lane.offer("next", Mode::Keep, Room::Full, 0),
        Offered::Kept { because: Because::Full, overflowed: None }
    );
    assert_eq!(lane.care(0), Care::Wait { until: RULES.patience });
    assert_eq!(lane.begin(1, 0), Some((3, &"next")));
    assert_eq!(lane.begin(1, 0), None);
}
