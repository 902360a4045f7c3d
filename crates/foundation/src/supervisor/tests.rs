//! What a supervisor decides, one event at a time: commands and statuses, without any task.

use std::sync::Arc;
use std::time::Duration;

use super::options::{AutoShutdown, Rules, Strategy};
use super::state::{Cause, Command, Request, State};
use super::table::{Key, Status, Traits};
use crate::actor::{ChildKind, Restart};
use crate::error::{Error, codes};
use crate::exit::ExitReason;

/// A body says in the end that it was let go of.
type Body = &'static str;

struct Desk {
    state: State<&'static str, Body>,
    now: Duration,
}

fn rules(strategy: Strategy) -> Rules {
    let period = Duration::from_secs(5);
    Rules { strategy, auto_shutdown: AutoShutdown::Never, intensity: 3, period }
}

fn traits(name: &str) -> Traits {
    Traits {
        name: Arc::from(name),
        restart: Restart::Permanent,
        kind: ChildKind::Worker,
        significant: false,
        abandoned_when_unresponsive: false,
        brutal: false,
    }
}

impl Desk {
    fn new(rules: Rules, children: impl IntoIterator<Item = Traits>) -> Self {
        let mut state = State::new(rules);
        for child in children {
            state.table.add(child, "a body");
        }
        Self { state, now: Duration::ZERO }
    }

    /// With its children running.
    fn up(rules: Rules, children: impl IntoIterator<Item = Traits>) -> Self {
        let mut desk = Self::new(rules, children);
        desk.state.begin(desk.now);
        for key in 0..desk.state.table.end() {
            desk.runs(key);
        }
        assert_eq!(desk.commands().last().map(String::as_str), Some("up"));
        desk
    }

    fn of(strategy: Strategy, names: &[&str]) -> Self {
        Self::up(rules(strategy), names.iter().map(|name| traits(name)))
    }

    fn attempt(&self, key: Key) -> u32 {
        self.state.table.get(key).map_or(0, |child| child.attempt)
    }

    fn runs(&mut self, key: Key) {
        self.state.runs(key, self.attempt(key), self.now);
    }

    fn ends(&mut self, key: Key, reason: ExitReason) {
        self.state.ended(key, self.attempt(key), reason, self.now);
    }

    fn is_late(&mut self, key: Key) {
        let late = Error::from(codes::TIMEOUT);
        self.state.is_late(key, self.attempt(key), late, self.now);
    }

    fn request(&mut self, request: Request<Body>, whom: &'static str) {
        self.state.request(request, whom, self.now);
    }

    fn status(&self, key: Key) -> Status {
        self.state.table.get(key).expect("it is there").status().clone()
    }

    /// What is to be done by now, in short.
    fn commands(&mut self) -> Vec<String> {
        let mut commands = Vec::new();
        while let Some(command) = self.state.next_command() {
            commands.push(match command {
                Command::Start(key) => format!("start {key}"),
                Command::Ask(key) => format!("ask {key}"),
                Command::Kill(key) => format!("kill {key}"),
                Command::Abandon(key) => format!("abandon {key}"),
                Command::TryAgain(key, _) => format!("try {key} again"),
                Command::Answer(whom, _, Ok(())) => format!("{whom}: ok"),
                Command::Answer(whom, _, Err(error)) => format!("{whom}: {}", error.code()),
                // These follow from what is done, and have tests as telemetry.
                Command::Report(..) => continue,
                Command::Forget(body) => format!("let go of {body}"),
                Command::Up => "up".to_owned(),
                Command::End(Cause::TooManyRestarts) => "end: too many restarts".to_owned(),
                Command::End(Cause::AutoShutdown) => "end: auto-shutdown".to_owned(),
                Command::Over => "over".to_owned(),
            });
        }
        commands
    }
}

#[test]
fn first_children_start_one_after_the_other() {
    let mut desk = Desk::new(rules(Strategy::OneForOne), ["a", "b"].map(traits));
    desk.state.begin(desk.now);
    assert_eq!(desk.commands(), ["start 0"]);
    desk.runs(0);
    assert_eq!(desk.commands(), ["start 1"]);
    desk.runs(1);
    assert_eq!(desk.commands(), ["up"]);
}

#[test]
fn an_end_while_the_first_children_start_waits_until_they_have() {
    let mut desk = Desk::new(rules(Strategy::OneForOne), ["a", "b"].map(traits));
    desk.state.begin(desk.now);
    desk.runs(0);
    desk.ends(0, ExitReason::Killed);
    assert_eq!(
        (desk.commands(), desk.status(0)),
        (vec!["start 0".into(), "start 1".into()], Status::Dead(Box::new(ExitReason::Killed)))
    );
    desk.runs(1);
    assert_eq!(desk.commands(), ["up", "start 0"]);
}

#[test]
fn what_is_said_of_an_earlier_attempt_is_ignored() {
    // K16
    let mut desk = Desk::of(Strategy::OneForOne, &["a"]);
    let stale = desk.attempt(0);
    desk.ends(0, ExitReason::Killed);
    desk.runs(0);
    assert_eq!(desk.commands(), ["start 0"]);
    desk.state.ended(0, stale, ExitReason::Killed, desk.now);
    desk.state.runs(0, stale, desk.now);
    desk.state.ignores(0, stale);
    desk.state.try_again(0, stale, desk.now);
    desk.state.is_late(0, stale, codes::TIMEOUT.into(), desk.now);
    assert_eq!((desk.commands(), desk.status(0)), (vec![], Status::Running));
}

#[test]
fn what_a_child_says_that_its_status_does_not_allow_changes_nothing() {
    let mut desk = Desk::of(Strategy::OneForOne, &["a"]);
    // A child that runs says so again, and is late with nothing.
    desk.runs(0);
    desk.is_late(0);
    assert_eq!((desk.commands(), desk.status(0)), (vec![], Status::Running));
    desk.request(Request::Terminate("a".into()), "she");
    // It says that it runs after it was asked to end.
    desk.runs(0);
    assert_eq!((desk.commands(), desk.status(0)), (vec!["ask 0".into()], Status::Stopping));
    desk.ends(0, ExitReason::Shutdown);
    assert_eq!(desk.commands(), ["she: ok"]);
    // It ends once more.
    desk.ends(0, ExitReason::Killed);
    desk.runs(0);
    assert_eq!((desk.commands(), desk.status(0)), (vec![], Status::Down));
    // Nobody knows whom this is about.
    desk.state.ended(9, 1, ExitReason::Killed, desk.now);
    assert!(desk.commands().is_empty());
}

#[test]
fn a_start_that_takes_too_long_fails_when_nothing_is_left_of_it() {
    let mut desk = Desk::of(Strategy::OneForOne, &[]);
    desk.request(Request::Start(traits("a"), "hers"), "she");
    assert_eq!(desk.commands(), ["start 0"]);
    desk.is_late(0);
    assert_eq!((desk.commands(), desk.status(0)), (vec!["kill 0".into()], Status::Killed));
    desk.ends(0, ExitReason::Killed);
    assert_eq!(desk.commands(), ["she: timeout", "let go of hers"]);
    assert_eq!(desk.state.table.len(), 0);
}

#[test]
fn requests_wait_for_a_group_and_are_then_carried_out_in_order() {
    let mut desk = Desk::of(Strategy::OneForAll, &["a", "b"]);
    desk.ends(0, ExitReason::Killed);
    assert_eq!(desk.commands(), ["ask 1"]);
    desk.request(Request::Terminate("a".into()), "she");
    desk.request(Request::Delete("a".into()), "he");
    desk.request(Request::Start(traits("c"), "theirs"), "they");
    assert!(desk.commands().is_empty());
    desk.ends(1, ExitReason::Shutdown);
    desk.runs(0);
    desk.runs(1);
    assert_eq!(desk.commands(), ["start 0", "start 1", "ask 0"]);
    desk.ends(0, ExitReason::Shutdown);
    let expected = ["she: ok", "let go of a body", "he: ok", "start 2"];
    assert_eq!(desk.commands(), expected);
    desk.runs(2);
    assert_eq!(desk.commands(), ["they: ok"]);
}

#[test]
fn under_one_for_one_nobody_waits_for_somebody_elses_start() {
    let mut desk = Desk::of(Strategy::OneForOne, &["a", "b"]);
    desk.ends(0, ExitReason::Killed);
    desk.ends(1, ExitReason::Killed);
    desk.request(Request::Start(traits("c"), "hers"), "she");
    assert_eq!(desk.commands(), ["start 0", "start 1", "start 2"]);
    desk.runs(2);
    assert_eq!(desk.commands(), ["she: ok"]);
}

#[test]
fn an_end_that_was_to_come_anyhow_is_forgotten() {
    // The first one fails, and the last one too before it was asked: that is one restart, not two.
    let mut desk = Desk::of(Strategy::OneForAll, &["a", "b", "c"]);
    desk.ends(0, ExitReason::Killed);
    assert_eq!(desk.commands(), ["ask 2"]);
    desk.ends(1, ExitReason::Killed);
    assert_eq!(desk.status(1), Status::Dead(Box::new(ExitReason::Killed)));
    desk.ends(2, ExitReason::Shutdown);
    assert_eq!(desk.commands(), ["start 0"]);
    for key in 0..3 {
        desk.runs(key);
    }
    assert_eq!(desk.commands(), ["start 1", "start 2"]);
    // Two more are allowed, so one was counted.
    for _ in 0..2 {
        desk.ends(0, ExitReason::Killed);
        desk.ends(2, ExitReason::Shutdown);
        desk.ends(1, ExitReason::Shutdown);
        for key in 0..3 {
            desk.runs(key);
        }
        assert!(!desk.commands().iter().any(|command| command.starts_with("end")));
    }
    desk.ends(0, ExitReason::Killed);
    assert_eq!(desk.commands(), ["end: too many restarts"]);
}

#[test]
fn an_end_decided_is_over_only_when_the_loop_has_stopped_everybody() {
    let mut desk = Desk::of(Strategy::OneForOne, &["a", "b", "c"]);
    for _ in 0..3 {
        desk.ends(0, ExitReason::Killed);
        desk.runs(0);
    }
    drop(desk.commands());
    desk.ends(0, ExitReason::Killed);
    assert_eq!(desk.commands(), ["end: too many restarts"]);
    // Others end before the loop comes to that: they stay down.
    desk.ends(1, ExitReason::Killed);
    assert_eq!((desk.commands(), desk.status(1)), (vec![], Status::Down));
    desk.state.stop(desk.now);
    assert_eq!(desk.commands(), ["ask 2"]);
    desk.ends(2, ExitReason::Shutdown);
    assert_eq!(desk.commands(), ["over"]);
}

#[test]
fn a_stop_gives_up_what_waits_and_what_is_starting() {
    let mut desk = Desk::of(Strategy::OneForAll, &["a", "b"]);
    desk.request(Request::Start(traits("c"), "hers"), "she");
    desk.request(Request::Start(traits("d"), "his"), "he");
    assert_eq!(desk.commands(), ["start 2"]);
    desk.state.stop(desk.now);
    assert_eq!(desk.commands(), ["let go of his", "ask 2"]);
    desk.ends(2, ExitReason::Shutdown);
    assert_eq!(desk.commands(), ["she: actor_stopped", "ask 1"]);
    desk.is_late(1);
    desk.ends(1, ExitReason::Killed);
    desk.ends(0, ExitReason::Normal);
    assert_eq!(desk.commands(), ["kill 1", "ask 0", "over"]);
}

#[test]
fn a_kill_kills_everybody_at_once_and_waits_for_all() {
    let mut desk = Desk::of(Strategy::RestForOne, &["a", "b", "c"]);
    desk.request(Request::Terminate("b".into()), "she");
    drop(desk.commands());
    desk.state.kill(desk.now);
    assert_eq!(desk.commands(), ["kill 0", "kill 1", "kill 2"]);
    desk.ends(2, ExitReason::Killed);
    desk.ends(0, ExitReason::Killed);
    assert!(desk.commands().is_empty());
    // The last one does not go, and is not waited for.
    desk.is_late(1);
    assert_eq!(desk.commands(), ["she: unresponsive", "over"]);
}

#[test]
fn with_nobody_left_a_stop_or_a_kill_is_over_at_once() {
    for kill in [false, true] {
        let mut desk = Desk::of(Strategy::OneForAll, &[]);
        if kill {
            desk.state.kill(desk.now);
        } else {
            desk.state.stop(desk.now);
        }
        assert_eq!(desk.commands(), ["over"]);
    }
}

#[test]
fn a_stop_while_the_first_children_start_stops_those_that_have() {
    let mut desk = Desk::new(rules(Strategy::OneForOne), ["a", "b", "c"].map(traits));
    desk.state.begin(desk.now);
    desk.runs(0);
    drop(desk.commands());
    desk.state.stop(desk.now);
    assert_eq!(desk.commands(), ["ask 1"]);
    desk.ends(1, ExitReason::Shutdown);
    desk.ends(0, ExitReason::Shutdown);
    assert_eq!(desk.commands(), ["ask 0", "over"]);
    assert!(desk.state.take_failure().is_none());
}

#[test]
fn a_first_child_that_fails_has_those_before_it_stopped() {
    let mut desk = Desk::new(rules(Strategy::OneForOne), ["a", "b", "c"].map(traits));
    desk.state.begin(desk.now);
    desk.runs(0);
    desk.ends(1, ExitReason::Error(Error::business("broken")));
    assert_eq!(desk.commands(), ["start 0", "start 1", "ask 0"]);
    desk.ends(0, ExitReason::Shutdown);
    assert_eq!(desk.commands(), ["over"]);
    let failure = desk.state.take_failure().expect("a reason");
    assert_eq!(
        (failure.code(), &failure.details()["child"]),
        ("failed_to_start_child", &"b".into())
    );
}

#[test]
fn a_child_that_does_not_go_is_passed_by_and_started_when_it_has_gone() {
    let mut desk = Desk::of(Strategy::OneForAll, &["a", "b"]);
    desk.ends(0, ExitReason::Killed);
    desk.is_late(1);
    desk.is_late(1);
    assert_eq!(desk.commands(), ["ask 1", "kill 1", "start 0"]);
    desk.runs(0);
    assert!(matches!(desk.status(1), Status::Unresponsive(_)));
    desk.ends(1, ExitReason::Killed);
    assert_eq!((desk.commands(), desk.status(1)), (vec!["start 1".into()], Status::Starting));
}

#[test]
fn a_start_that_does_not_go_is_answered_and_forgotten_when_it_has_gone() {
    let mut desk = Desk::of(Strategy::OneForOne, &[]);
    desk.request(Request::Start(traits("a"), "hers"), "she");
    desk.is_late(0);
    desk.is_late(0);
    assert_eq!(desk.commands(), ["start 0", "kill 0", "she: unresponsive"]);
    desk.ends(0, ExitReason::Killed);
    assert_eq!((desk.commands(), desk.state.table.len()), (vec!["let go of hers".into()], 0));
}

#[test]
fn an_abandoned_child_makes_room_at_once() {
    let abandoned = Traits { abandoned_when_unresponsive: true, ..traits("a") };
    let mut desk = Desk::up(rules(Strategy::OneForAll), [abandoned, traits("b")]);
    let old = desk.attempt(0);
    desk.ends(1, ExitReason::Killed);
    desk.is_late(0);
    desk.is_late(0);
    let expected = ["ask 0", "kill 0", "abandon 0", "start 0"];
    assert_eq!(desk.commands(), expected);
    desk.state.ended(0, old, ExitReason::Killed, desk.now);
    assert_eq!((desk.commands(), desk.status(0)), (vec![], Status::Starting));
}

#[test]
fn brutal_children_are_killed_without_being_asked() {
    let brutal = Traits { brutal: true, ..traits("a") };
    let mut desk = Desk::up(rules(Strategy::OneForOne), [brutal]);
    desk.request(Request::Terminate("a".into()), "she");
    assert_eq!(desk.commands(), ["kill 0"]);
    desk.ends(0, ExitReason::Killed);
    assert_eq!(desk.commands(), ["she: ok"]);
}

#[test]
fn the_tally_follows_every_status() {
    let significant = Traits { significant: true, restart: Restart::Transient, ..traits("a") };
    let supervisor = Traits { kind: ChildKind::Supervisor, ..traits("b") };
    let mut desk = Desk::up(rules(Strategy::OneForOne), [significant, supervisor]);
    let tally = |desk: &Desk| {
        let tally = desk.state.table.tally();
        [tally.supervisors, tally.alive, tally.in_transit, tally.significant, tally.unresponsive]
    };
    assert_eq!(tally(&desk), [1, 2, 0, 1, 0]);
    desk.request(Request::Terminate("a".into()), "she");
    assert_eq!(tally(&desk), [1, 2, 1, 1, 0]);
    desk.is_late(0);
    desk.is_late(0);
    assert_eq!(tally(&desk), [1, 2, 0, 1, 1]);
    desk.ends(0, ExitReason::Killed);
    assert_eq!(tally(&desk), [1, 1, 0, 0, 0]);
    desk.request(Request::Restart("a".into()), "she");
    assert_eq!(tally(&desk), [1, 2, 1, 1, 0]);
    desk.ends(0, ExitReason::Error(Error::business("broken")));
    desk.ends(1, ExitReason::Normal);
    assert_eq!(tally(&desk), [1, 1, 1, 0, 0]);
    desk.ends(1, ExitReason::Error(Error::business("broken")));
    assert_eq!((tally(&desk), desk.status(1)), ([1, 0, 0, 0, 0], Status::Restarting));
    desk.request(Request::Terminate("b".into()), "she");
    desk.request(Request::Delete("b".into()), "she");
    assert_eq!(tally(&desk), [0, 0, 0, 0, 0]);
}

#[test]
fn nothing_is_tried_again_when_the_supervisor_ends() {
    // The first one fails to start again, and before that is tried once more the second one spends
    // the budget, or somebody stops or kills the supervisor: the attempt that is still on its way
    // must neither start anything nor end the stopping.
    for how in ["budget", "stop", "kill"] {
        let mut desk = Desk::of(Strategy::OneForOne, &["a", "b", "c"]);
        desk.ends(0, ExitReason::Killed);
        desk.ends(0, ExitReason::Error(Error::business("broken")));
        assert_eq!(desk.commands(), ["start 0", "try 0 again"]);
        for _ in 0..2 {
            desk.ends(1, ExitReason::Killed);
            desk.runs(1);
        }
        drop(desk.commands());
        match how {
            "budget" => {
                desk.ends(1, ExitReason::Killed);
                assert_eq!(desk.commands(), ["end: too many restarts"]);
                desk.state.stop(desk.now);
                assert_eq!(desk.commands(), ["ask 2"]);
            }
            "stop" => {
                desk.state.stop(desk.now);
                assert_eq!(desk.commands(), ["ask 2"]);
            }
            _ => {
                desk.state.kill(desk.now);
                assert_eq!(desk.commands(), ["kill 1", "kill 2"]);
            }
        }
        desk.state.try_again(0, desk.attempt(0), desk.now);
        assert!(desk.commands().is_empty(), "{how}");
        desk.ends(2, ExitReason::Shutdown);
        desk.ends(1, ExitReason::Shutdown);
        assert_eq!(desk.commands().last().map(String::as_str), Some("over"), "{how}");
    }
}

#[test]
fn whoever_ends_a_child_whose_start_takes_too_long_is_answered_and_nothing_is_tried_again() {
    // A restart by the supervisor itself, and a start by request.
    let mut desk = Desk::of(Strategy::OneForOne, &["a"]);
    desk.ends(0, ExitReason::Killed);
    desk.is_late(0);
    desk.request(Request::Terminate("a".into()), "he");
    desk.ends(0, ExitReason::Killed);
    assert_eq!(desk.commands(), ["start 0", "kill 0", "he: ok"]);
    assert_eq!(desk.status(0), Status::Down);
    desk.request(Request::Restart("a".into()), "she");
    desk.is_late(0);
    desk.request(Request::Terminate("a".into()), "he");
    desk.ends(0, ExitReason::Killed);
    assert_eq!(desk.commands(), ["start 0", "kill 0", "she: timeout", "he: ok"]);
    // And one that does not go is not started when it has gone.
    desk.request(Request::Restart("a".into()), "she");
    desk.is_late(0);
    desk.request(Request::Terminate("a".into()), "he");
    desk.is_late(0);
    desk.ends(0, ExitReason::Killed);
    let expected = ["start 0", "kill 0", "she: unresponsive", "he: unresponsive"];
    assert_eq!(
        (desk.commands(), desk.status(0)),
        (expected.map(String::from).to_vec(), Status::Down)
    );
}

#[test]
fn a_child_that_goes_at_last_waits_for_its_turn() {
    // The last one does not go; it does while its group is being stopped, and is started in order.
    let mut desk = Desk::of(Strategy::RestForOne, &["a", "b", "u"]);
    desk.ends(0, ExitReason::Killed);
    desk.is_late(2);
    desk.is_late(2);
    assert_eq!(desk.commands(), ["ask 2", "kill 2", "ask 1"]);
    desk.ends(2, ExitReason::Killed);
    assert!(desk.commands().is_empty());
    desk.ends(1, ExitReason::Shutdown);
    for key in 0..3 {
        desk.runs(key);
    }
    assert_eq!(desk.commands(), ["start 0", "start 1", "start 2"]);
    // It goes while others start: then it follows after them.
    desk.ends(0, ExitReason::Killed);
    desk.is_late(2);
    desk.is_late(2);
    desk.ends(1, ExitReason::Shutdown);
    assert_eq!(desk.commands(), ["ask 2", "kill 2", "ask 1", "start 0"]);
    desk.runs(0);
    desk.ends(2, ExitReason::Killed);
    desk.runs(1);
    assert_eq!(desk.commands(), ["start 1", "start 2"]);
    desk.runs(2);
    assert_eq!((desk.commands(), desk.status(2)), (vec![], Status::Running));
}

#[test]
fn a_start_that_was_refused_is_not_made_up_for_by_a_group_restart() {
    let mut desk = Desk::of(Strategy::OneForAll, &["a"]);
    desk.request(Request::Start(traits("b"), "hers"), "she");
    desk.is_late(1);
    desk.is_late(1);
    assert_eq!(desk.commands(), ["start 1", "kill 1", "she: unresponsive"]);
    desk.ends(0, ExitReason::Killed);
    desk.runs(0);
    desk.ends(1, ExitReason::Killed);
    assert_eq!(desk.commands(), ["start 0", "let go of hers"]);
}

#[test]
fn every_attempt_counts_also_of_a_start_that_does_not_go() {
    let mut desk = Desk::of(Strategy::OneForOne, &["a"]);
    desk.ends(0, ExitReason::Killed);
    for _ in 0..3 {
        desk.is_late(0);
        desk.is_late(0);
        assert_eq!(desk.commands(), ["start 0", "kill 0"]);
        desk.ends(0, ExitReason::Killed);
        assert_eq!(desk.commands(), ["try 0 again"]);
        desk.state.try_again(0, desk.attempt(0), desk.now);
    }
    assert_eq!(desk.commands(), ["end: too many restarts"]);
}

mod steps;
