//! Every status and everything that can be said in it, without a runtime.

use std::time::Duration;

use super::options::{ChildBudget, Rules};
use super::state::{Command, Due, Outcome, Refused, State};
use super::table::{Key, Status, Tally, Traits};
use crate::actor::{ChildKind, Restart};
use crate::error::{Error, codes};
use crate::exit::ExitReason;

/// Who waits, by a number; what is known of a child, by its name.
type Pure = State<u32, &'static str>;

const A: Key = 7;
const NOW: Duration = Duration::from_secs(1);
const PERIOD: Duration = Duration::from_secs(10);

fn rules(per_child: Option<ChildBudget>) -> Rules {
    Rules { max_children: 3, intensity: 1, period: PERIOD, per_child }
}

fn traits(restart: Restart) -> Traits {
    Traits { restart, kind: ChildKind::Worker, abandoned_when_unresponsive: false, brutal: false }
}

/// A supervisor with one child that is starting.
fn starting(restart: Restart) -> Pure {
    let mut state = Pure::new(rules(None));
    state.adopt(A, traits(restart), "a").unwrap();
    state
}

fn late() -> Error {
    codes::TIMEOUT.into()
}

fn attempt(state: &Pure) -> u32 {
    state.table.get(A).map_or(0, |child| child.attempt)
}

fn status(state: &Pure) -> Option<Status> {
    state.table.get(A).map(super::table::Child::status)
}

/// The child is late with what it is to do now.
fn is_late(state: &mut Pure, attempt: u32, now: Duration) {
    if let Some(status) = status(state) {
        state.is_late(Due { key: A, attempt, status }, late(), now);
    }
}

/// The commands, in short.
fn commands(state: &mut Pure) -> Vec<String> {
    let mut commands = Vec::new();
    while let Some(command) = state.next_command() {
        commands.push(match command {
            Command::Start(_) => "start".to_owned(),
            Command::Wait(_, _, wait) => format!("wait {}", wait.as_millis()),
            Command::Settled(_) => "settled".into(),
            Command::Ask(_) => "ask".into(),
            Command::Kill(_) => "kill".into(),
            Command::Abandon(_) => "abandon".into(),
            Command::Answer(whom, _, Ok(())) => format!("{whom}: ok"),
            Command::Answer(whom, _, Err(error)) => format!("{whom}: {}", error.code()),
            Command::Report(..) => "report".into(),
            Command::Quarantined(_) => "quarantined".into(),
            Command::Forget(name) => format!("forget {name}"),
            Command::Lost(name) => format!("lost {name}"),
            Command::End => "end".into(),
            Command::Over => "over".into(),
        });
    }
    commands
}

/// A supervisor with one permanent child, which has come to a status.
fn at(wanted: Status) -> Pure {
    let mut state = starting(Restart::Permanent);
    let _ = state.runs(A, 1);
    match wanted {
        Status::Starting => {
            let _ = state.ended(A, 1, ExitReason::Killed, NOW);
            assert!(state.begin(A).is_some());
        }
        Status::Running => {}
        Status::Restarting => drop(state.ended(A, 1, ExitReason::Killed, NOW)),
        Status::Quarantined => {
            state = Pure::new(rules(Some(ChildBudget::default().intensity(0, PERIOD))));
            state.adopt(A, traits(Restart::Permanent), "a").unwrap();
            let _ = state.runs(A, 1);
            let _ = state.ended(A, 1, ExitReason::Killed, NOW);
        }
        Status::Stopping => state.terminate(A, 1),
        Status::Killed => {
            state.terminate(A, 1);
            is_late(&mut state, 1, NOW);
        }
        Status::Unresponsive => {
            state.terminate(A, 1);
            is_late(&mut state, 1, NOW);
            is_late(&mut state, 1, NOW);
        }
    }
    drop(commands(&mut state));
    assert_eq!(status(&state), Some(wanted));
    state
}

const ALL: [Status; 7] = [
    Status::Starting,
    Status::Running,
    Status::Restarting,
    Status::Quarantined,
    Status::Stopping,
    Status::Killed,
    Status::Unresponsive,
];

/// What each status becomes, and which commands that gives, when `say` is said.
fn table(say: impl Fn(&mut Pure), expected: [(Option<Status>, &str); 7]) {
    for (from, (to, told)) in ALL.into_iter().zip(expected) {
        let mut state = at(from);
        say(&mut state);
        assert_eq!(
            (status(&state), commands(&mut state).join(", ").as_str()),
            (to, told),
            "{from:?}"
        );
        let tally = state.table.tally();
        let alive = status(&state).is_some_and(Status::is_alive);
        let unresponsive = status(&state) == Some(Status::Unresponsive);
        let counted = Tally {
            supervisors: 0,
            alive: usize::from(alive),
            unresponsive: usize::from(unresponsive),
        };
        assert_eq!(tally, counted, "{from:?}");
    }
}

#[test]
fn a_child_that_runs() {
    let same = |status| (Some(status), "");
    let say = |state: &mut Pure| {
        let now = attempt(state);
        drop(state.runs(A, now));
    };
    let mut expected = ALL.map(same);
    expected[0] = (Some(Status::Running), "settled");
    table(say, expected);
}

#[test]
fn a_child_that_has_ended() {
    let say = |state: &mut Pure| {
        let now = attempt(state);
        drop(state.ended(A, now, ExitReason::Killed, PERIOD * 3));
    };
    table(
        say,
        [
            (Some(Status::Restarting), "start"),
            (Some(Status::Restarting), "start"),
            (Some(Status::Restarting), ""),
            (Some(Status::Quarantined), ""),
            (None, "1: ok, forget a"),
            (None, "1: ok, forget a"),
            (None, "forget a"),
        ],
    );
}

#[test]
fn a_child_that_is_late() {
    let say = |state: &mut Pure| {
        let now = attempt(state);
        is_late(state, now, NOW);
    };
    table(
        say,
        [
            (Some(Status::Killed), "kill"),
            (Some(Status::Running), ""),
            (Some(Status::Restarting), ""),
            (Some(Status::Quarantined), ""),
            (Some(Status::Killed), "kill"),
            (Some(Status::Unresponsive), "1: unresponsive"),
            (Some(Status::Unresponsive), ""),
        ],
    );
}

#[test]
fn a_child_that_is_to_end() {
    table(
        |state| state.terminate(A, 2),
        [
            (Some(Status::Stopping), "ask"),
            (Some(Status::Stopping), "ask"),
            (None, "2: ok, forget a"),
            (None, "2: ok, forget a"),
            (Some(Status::Stopping), ""),
            (Some(Status::Killed), ""),
            (Some(Status::Unresponsive), "2: unresponsive"),
        ],
    );
}

#[test]
fn a_child_that_is_released() {
    let no = "2: not_quarantined";
    let mut expected = ALL.map(|status| (Some(status), no));
    expected[3] = (Some(Status::Restarting), "start");
    table(|state| state.release(A, 2), expected);
}

#[test]
fn a_child_whose_time_has_come() {
    let same = |status| (Some(status), "");
    let say = |state: &mut Pure| {
        let now = attempt(state);
        state.try_again(A, now);
    };
    let mut expected = ALL.map(same);
    expected[2] = (Some(Status::Restarting), "start");
    table(say, expected);
}

#[test]
fn all_children_that_are_to_end() {
    table(
        Pure::stop,
        [
            (Some(Status::Stopping), "ask"),
            (Some(Status::Stopping), "ask"),
            (None, "forget a, over, over"),
            (None, "forget a, over, over"),
            (Some(Status::Stopping), ""),
            (Some(Status::Killed), ""),
            (Some(Status::Unresponsive), "over"),
        ],
    );
    table(
        Pure::kill,
        [
            (Some(Status::Killed), "kill"),
            (Some(Status::Killed), "kill"),
            (None, "forget a, over, over"),
            (None, "forget a, over, over"),
            (Some(Status::Killed), "kill"),
            (Some(Status::Killed), ""),
            (Some(Status::Unresponsive), "over"),
        ],
    );
}

#[test]
fn what_is_said_of_another_attempt_changes_nothing() {
    // K16
    for from in ALL {
        let mut state = at(from);
        let other = attempt(&state) + 1;
        let _ = state.runs(A, other);
        let _ = state.ended(A, other, ExitReason::Killed, NOW);
        is_late(&mut state, other, NOW);
        state.try_again(A, other);
        assert_eq!((status(&state), commands(&mut state)), (Some(from), vec![]));
    }
}

#[test]
fn whoever_has_ended_for_good_is_given_back_to_whoever_said_so() {
    for (restart, reason) in [
        (Restart::Temporary, ExitReason::Killed),
        (Restart::Temporary, ExitReason::Normal),
        (Restart::Transient, ExitReason::Normal),
    ] {
        let mut state = starting(restart);
        let _ = state.runs(A, 1);
        let Outcome { forgotten, report, wake } = state.ended(A, 1, reason, NOW);
        assert_eq!((forgotten, report.is_some(), wake), (Some("a"), true, false));
        assert_eq!((state.table.len(), commands(&mut state)), (0, vec![]));
    }
}

#[test]
fn a_first_start_that_fails_or_is_given_up_leaves_nothing() {
    let mut failed = starting(Restart::Permanent);
    assert_eq!(failed.ended(A, 1, ExitReason::Killed, NOW).forgotten, Some("a"));
    let mut ignored = starting(Restart::Permanent);
    ignored.ignores(A, 1);
    let outcome = ignored.ended(A, 1, ExitReason::Normal, NOW);
    assert_eq!((outcome.forgotten, outcome.report.is_none()), (Some("a"), true));
}

#[test]
fn a_start_that_is_given_up_leaves_nothing_whatever_has_become_of_it() {
    table(
        |state| drop(state.give_up(A, late())),
        [
            (Some(Status::Killed), "kill"),
            (Some(Status::Killed), "kill"),
            (None, "forget a"),
            (None, "forget a"),
            (Some(Status::Killed), "kill"),
            (Some(Status::Killed), ""),
            (Some(Status::Unresponsive), ""),
        ],
    );
    // None of them is started again, also if it does not end at first.
    for from in ALL {
        for ends in [true, false] {
            let mut state = at(from);
            let _ = state.give_up(A, late());
            let now = attempt(&state);
            if !ends {
                is_late(&mut state, now, NOW);
            }
            let _ = state.ended(A, now, ExitReason::Killed, PERIOD * 3);
            assert_eq!((status(&state), state.table.len()), (None, 0), "{from:?}");
            let told = commands(&mut state);
            assert!(!told.iter().any(|told| told == "start"), "{from:?}: {told:?}");
        }
    }
}

#[test]
fn what_was_to_be_done_in_an_earlier_status_is_of_no_account() {
    for from in ALL {
        for due in ALL.into_iter().filter(|due| *due != from) {
            let mut state = at(from);
            let due = Due { key: A, attempt: attempt(&state), status: due };
            state.is_late(due, late(), NOW);
            assert_eq!((status(&state), commands(&mut state)), (Some(from), vec![]));
        }
    }
}

#[test]
fn too_many_restarts_end_it_once_and_nothing_starts_after_that() {
    let mut state = Pure::new(rules(None));
    for key in 1..=3 {
        state.adopt(key, traits(Restart::Permanent), "a").unwrap();
        let _ = state.runs(key, 1);
    }
    let wakes: Vec<_> =
        (1..=3).map(|key| state.ended(key, 1, ExitReason::Killed, NOW).wake).collect();
    // The loop is told once, whatever comes after.
    assert_eq!(wakes, [true, false, false]);
    assert_eq!(state.next_command().map(|command| format!("{command:?}")), Some("Start(1)".into()));
    assert!(state.begin(1).is_none(), "it ends");
    assert_eq!(commands(&mut state), ["end"]);
    assert_eq!(state.adopt(9, traits(Restart::Permanent), "b"), Err(Refused::Closed));
    state.stop();
    assert_eq!(commands(&mut state).last().map(String::as_str), Some("over"));
}

#[test]
fn one_that_did_not_end_is_started_when_it_has_if_it_was_its_start_that_took_too_long() {
    let mut state = at(Status::Starting);
    let now = attempt(&state);
    is_late(&mut state, now, NOW);
    is_late(&mut state, now, NOW);
    assert_eq!(
        (status(&state), commands(&mut state)),
        (Some(Status::Unresponsive), vec!["kill".to_owned()])
    );
    let _ = state.ended(A, now, ExitReason::Killed, PERIOD * 3);
    assert_eq!(
        (status(&state), commands(&mut state)),
        (Some(Status::Restarting), vec!["start".to_owned()])
    );
}

#[test]
fn one_that_is_abandoned_is_lost_or_moves_elsewhere() {
    let abandoned = Traits { abandoned_when_unresponsive: true, ..traits(Restart::Permanent) };
    let mut state = Pure::new(rules(None));
    state.adopt(A, abandoned, "a").unwrap();
    let _ = state.runs(A, 1);
    let _ = state.ended(A, 1, ExitReason::Killed, NOW);
    assert!(state.begin(A).is_some());
    drop(commands(&mut state));
    is_late(&mut state, 2, PERIOD * 3);
    is_late(&mut state, 2, PERIOD * 3);
    assert_eq!(commands(&mut state), ["kill", "abandon", "report", "start"]);
    assert!(state.moved && state.begin(A).is_some_and(|child| child.attempt == 4));
    state.terminate(A, 1);
    is_late(&mut state, 4, PERIOD * 3);
    is_late(&mut state, 4, PERIOD * 3);
    assert_eq!(commands(&mut state), ["ask", "kill", "lost a", "1: ok"]);
    assert_eq!(status(&state), None);
}

#[test]
fn a_budget_of_its_own_makes_waits_and_ends_in_quarantine() {
    let mut state = Pure::new(rules(Some(ChildBudget::default())));
    state.adopt(A, traits(Restart::Permanent), "a").unwrap();
    let mut told = Vec::new();
    for reason in [ExitReason::Shutdown].into_iter().chain(vec![ExitReason::Killed; 6]) {
        let now = attempt(&state);
        let _ = state.runs(A, now);
        let _ = state.ended(A, now, reason, NOW);
        told.extend(commands(&mut state).into_iter().filter(|told| told != "settled"));
        let _ = state.begin(A);
    }
    let waits = ["wait 100", "wait 100", "wait 200", "wait 400", "wait 800", "wait 1600"];
    assert_eq!((&told[..6], told[6].as_str()), (&waits.map(String::from)[..], "quarantined"));
    assert_eq!(told.len(), 7);
}

mod steps;
