//! How many steps each child costs: looks at children, and commands. Counted, not timed, for a few
//! children and for a hundred thousand.

use super::{Desk, Strategy, rules, traits};
use crate::exit::ExitReason;
use crate::supervisor::looks::{FEW, MANY, Steps};
use crate::supervisor::options::Rules;
use crate::supervisor::state::Command;
use crate::supervisor::table::Key;

impl Desk {
    /// Carries out what is to be done: children start at once, and those who are asked to end do.
    fn obey(&mut self) -> u64 {
        let mut commands = 0;
        while let Some(command) = self.state.next_command() {
            commands += 1;
            match command {
                Command::Start(key) => self.runs(key),
                Command::Ask(key) => self.ends(key, ExitReason::Shutdown),
                _ => {}
            }
        }
        commands
    }

    /// The steps that `act` takes for each of `many` children.
    fn per_child(&mut self, many: u64, act: impl FnOnce(&mut Self)) -> Steps {
        let looks = |desk: &Self| desk.state.table.looks.count();
        let before = Steps { looks: looks(self), commands: 0 };
        act(self);
        let commands = self.obey();
        Steps { looks: looks(self), commands }.each(before, many)
    }
}

/// What each child costs when `many` are started, all crash, and all are stopped.
fn start_crash_stop(strategy: Strategy, many: u64) -> [Steps; 3] {
    let intensity = u32::try_from(many).unwrap();
    let rules = Rules { intensity, ..rules(strategy) };
    let mut desk = Desk::new(rules, (0..many).map(|n| traits(&n.to_string())));
    let start = desk.per_child(many, |desk| desk.state.begin(desk.now));
    let crash = desk.per_child(many, |desk| {
        let crashed: Vec<(Key, u32)> = (0..many).map(|key| (key, desk.attempt(key))).collect();
        for (key, attempt) in crashed {
            desk.state.ended(key, attempt, ExitReason::Killed, desk.now);
        }
    });
    assert_eq!(desk.state.table.tally().alive, usize::try_from(many).unwrap(), "{strategy:?}");
    let stop = desk.per_child(many, |desk| desk.state.stop(desk.now));
    assert_eq!(desk.state.table.tally().alive, 0, "{strategy:?}");
    [start, crash, stop]
}

#[test]
fn each_of_a_hundred_thousand_children_costs_as_many_steps_as_each_of_a_hundred() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let (few, many) = (start_crash_stop(strategy, FEW), start_crash_stop(strategy, MANY));
        println!("{strategy:?}, steps per child, started, crashed and stopped: {few:?}, {many:?}");
        assert_eq!(few, many, "{strategy:?}");
        assert!(many.iter().all(|steps| steps.looks + steps.commands <= 50), "{many:?}");
    }
}

#[test]
fn one_crash_that_restarts_all_costs_each_of_them_the_same() {
    let crash = |many: u64| {
        let mut desk =
            Desk::new(rules(Strategy::OneForAll), (0..many).map(|n| traits(&n.to_string())));
        desk.state.begin(desk.now);
        desk.obey();
        desk.per_child(many, |desk| desk.ends(many / 2, ExitReason::Killed))
    };
    assert_eq!(crash(FEW), crash(MANY));
}
