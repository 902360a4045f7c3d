//! Random lives of the machine: whatever happens, nothing is lost, the cursor passes nothing that
//! is open, and in the end everything is settled.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::{Settlement, State, Step};
use super::{at, kept, ms, rules};

/// What happens.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Read(u64),
    Deliver,
    /// The nth of those in flight is settled.
    Settle(usize, Fate),
    Ended,
    Passes(u64),
    /// The process ends, and goes on with what was kept when it last delivered.
    Crash,
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    Acknowledged,
    Refused,
    Rejected,
    Dropped,
    Panicked,
}

fn happening() -> impl Strategy<Value = Happening> {
    let fate = prop_oneof![
        4 => Just(Fate::Acknowledged),
        1 => Just(Fate::Refused),
        1 => Just(Fate::Rejected),
        1 => Just(Fate::Dropped),
        1 => Just(Fate::Panicked),
    ];
    prop_oneof![
        4 => (1_u64..4).prop_map(Happening::Read),
        6 => Just(Happening::Deliver),
        8 => (0_usize..6, fate).prop_map(|(nth, fate)| Happening::Settle(nth, fate)),
        1 => Just(Happening::Ended),
        3 => (1_u64..3000).prop_map(Happening::Passes),
        1 => Just(Happening::Crash),
    ]
}

/// The machine, and what is known of it from outside.
struct Life {
    state: State<u64>,
    max_in_flight: usize,
    now: u64,
    read: BTreeSet<u64>,
    done: BTreeSet<u64>,
    /// Which attempt each one that is delivered is at.
    out: BTreeMap<u64, u32>,
    /// What would be found after a crash.
    kept: super::super::Kept,
}

impl Life {
    fn new(max_in_flight: usize) -> Self {
        let kept = kept(0, 0);
        Self {
            state: State::new(rules(max_in_flight), &kept),
            max_in_flight,
            now: 0,
            read: BTreeSet::new(),
            done: BTreeSet::new(),
            out: BTreeMap::new(),
            kept,
        }
    }

    fn follow(&mut self, steps: impl IntoIterator<Item = Step<u64>>) {
        for step in steps {
            match step {
                Step::Deliver { position, attempt, what } => {
                    assert_eq!(position.get(), what);
                    assert!((1..=3).contains(&attempt), "{attempt}");
                    assert!(!self.done.contains(&what), "{what} is settled");
                    let before = self.out.insert(what, attempt);
                    assert!(before.is_none_or(|before| before < attempt), "{what} twice");
                }
                Step::Bury { what, attempts, .. } => {
                    assert!(attempts <= 3);
                    self.out.remove(&what);
                    assert!(self.done.insert(what), "{what} buried twice");
                }
                Step::Unbury { .. } => panic!("nothing was redriven"),
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        let now = ms(self.now);
        match happening {
            Happening::Read(more) => {
                let next = self.read.last().copied().unwrap_or(0);
                for position in (next + 1..=next + more).take(self.state.room()) {
                    self.state.read(at(position), position);
                    self.read.insert(position);
                }
            }
            Happening::Deliver => {
                let steps = self.state.deliver(now, true);
                // What has to survive is kept before anything is delivered.
                self.kept = self.state.kept();
                self.follow(steps);
            }
            Happening::Settle(nth, fate) => self.settle(nth, fate),
            Happening::Ended => {
                let step = self.state.consumer_ended(now);
                self.out.clear();
                self.follow(step);
            }
            Happening::Passes(time) => {
                self.now += time;
                let steps = self.state.tick(ms(self.now));
                self.follow(steps);
            }
            Happening::Crash => self.crash(),
        }
        self.check();
    }

    fn settle(&mut self, nth: usize, fate: Fate) {
        let Some((&position, &attempt)) = self.out.iter().nth(nth) else { return };
        let settlement = match fate {
            Fate::Acknowledged => Settlement::Acknowledged,
            Fate::Refused => Settlement::Refused { again: true },
            Fate::Rejected => Settlement::Refused { again: false },
            Fate::Dropped => Settlement::Dropped { in_panic: false },
            Fate::Panicked => Settlement::Dropped { in_panic: true },
        };
        let step = self.state.settled(at(position), attempt, settlement, ms(self.now));
        if settlement == Settlement::Acknowledged {
            self.out.remove(&position);
            self.done.insert(position);
        }
        self.follow(step);
    }

    fn crash(&mut self) {
        self.state = State::new(rules(self.max_in_flight), &self.kept);
        self.out.clear();
        let cursor = self.kept.cursor.get();
        for position in self.read.iter().filter(|position| **position > cursor) {
            self.state.read(at(*position), *position);
        }
        // What was settled after the last time that something was kept is delivered again.
        let buried = &self.kept.buried;
        self.done.retain(|one| *one <= cursor || buried.contains(&at(*one)));
        let step = self.state.recovered(ms(self.now));
        self.follow(step);
    }

    fn check(&self) {
        let open = self.read.iter().find(|position| !self.done.contains(position));
        let cursor = self.state.cursor().get();
        if let Some(open) = open {
            assert!(cursor < *open, "the cursor {cursor} has passed {open}");
        }
        assert!(self.state.in_flight() <= self.max_in_flight);
        let kept = self.state.kept();
        assert!(kept.cursor <= kept.delivered_to);
        assert!(kept.attempts.keys().all(|position| *position > kept.cursor));
    }

    /// Whoever consumes now acknowledges everything.
    fn finish(mut self) {
        for _ in 0..self.read.len() * 4 + 8 {
            self.happen(Happening::Passes(2000));
            self.happen(Happening::Deliver);
            while !self.out.is_empty() {
                self.settle(0, Fate::Acknowledged);
            }
        }
        assert_eq!(self.done, self.read);
        assert_eq!(self.state.cursor().get(), self.read.last().copied().unwrap_or(0));
        assert_eq!((self.state.in_flight(), self.state.waiting()), (0, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_is_lost_and_the_cursor_passes_nothing_that_is_open(
        max_in_flight in 1_usize..5,
        happenings in prop::collection::vec(happening(), 0..60),
    ) {
        let mut life = Life::new(max_in_flight);
        for happening in happenings {
            life.happen(happening);
        }
        life.finish();
    }
}
