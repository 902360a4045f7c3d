//! How many steps each child costs: looks at children, and commands. Counted, not timed, for a few
//! children and for a hundred thousand.

use super::{NOW, Pure, commands, rules, traits};
use crate::actor::Restart;
use crate::exit::ExitReason;
use crate::supervisor::dynamic::options::Rules;
use crate::supervisor::dynamic::state::Command;
use crate::supervisor::looks::{FEW, MANY, Steps};

struct Counted {
    state: Pure,
    commands: u64,
}

impl Counted {
    fn new(intensity: u32) -> Self {
        let rules = Rules { max_children: usize::MAX, intensity, ..rules(None) };
        Self { state: Pure::new(rules), commands: 0 }
    }

    /// Carries out what is to be done: starts are begun, and everything else is said only.
    fn carry_out(&mut self) {
        while let Some(command) = self.state.next_command() {
            self.commands += 1;
            if let Command::Start(key) = command {
                let attempt = self.state.begin(key).map(|child| child.attempt);
                let _ = self.state.runs(key, attempt.expect("it is there"));
            }
        }
    }

    /// The steps that `act` takes for each of `many` children.
    fn per_child(&mut self, many: u64, act: impl FnOnce(&mut Self)) -> Steps {
        let before = self.steps();
        act(self);
        self.carry_out();
        self.steps().each(before, many)
    }

    fn steps(&self) -> Steps {
        Steps { looks: self.state.table.looks.count(), commands: self.commands }
    }
}

/// What each child costs when `many` are started, all crash, and all are stopped.
fn start_crash_stop(many: u64) -> [Steps; 3] {
    let mut counted = Counted::new(u32::MAX);
    let start = counted.per_child(many, |counted| {
        for key in 0..many {
            counted.state.adopt(key, traits(Restart::Permanent), "a").unwrap();
            let _ = counted.state.runs(key, 1);
        }
    });
    let crash = counted.per_child(many, |counted| {
        for key in 0..many {
            let _ = counted.state.ended(key, 1, ExitReason::Killed, NOW);
        }
    });
    assert_eq!(counted.state.table.tally().alive, usize::try_from(many).unwrap());
    let stop = counted.per_child(many, |counted| {
        counted.state.stop();
        counted.carry_out();
        for key in 0..many {
            let _ = counted.state.ended(key, 2, ExitReason::Shutdown, NOW);
        }
    });
    assert_eq!(counted.state.table.len(), 0);
    [start, crash, stop]
}

#[test]
fn each_of_a_hundred_thousand_children_costs_as_many_steps_as_each_of_a_hundred() {
    // K14
    let (few, many) = (start_crash_stop(FEW), start_crash_stop(MANY));
    println!("steps per child, started, crashed and stopped: {few:?} and {many:?}");
    assert_eq!(few, many);
    assert!(many.iter().all(|steps| steps.looks + steps.commands <= 20), "{many:?}");
}

#[test]
fn what_follows_from_the_first_few_crashes_is_for_all_of_them() {
    // K14
    for many in [10, MANY] {
        let mut counted = Counted::new(3);
        for key in 0..many {
            counted.state.adopt(key, traits(Restart::Permanent), "a").unwrap();
            let _ = counted.state.runs(key, 1);
        }
        for key in 0..many {
            let _ = counted.state.ended(key, 1, ExitReason::Killed, NOW);
        }
        assert_eq!(commands(&mut counted.state), ["start", "start", "start", "end"]);
        counted.state.stop();
        // The three that were to be restarted, and the one that was too many.
        let told = commands(&mut counted.state);
        assert_eq!(told.iter().filter(|told| *told == "forget a").count(), 4);
        assert_eq!(counted.state.table.len(), 0);
    }
}
