//! Who runs and who waits, and how it ended: what a pool knows.
//!
//! | a task | is given a place | begins | is over |
//! |---|---|---|---|
//! | waiting | placed | – | forgotten, as withdrawn |
//! | placed | – | running | its place is given on; withdrawn |
//! | running | – | – | its place is given on; counted as it ended |

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::options::TaskPoolOptions;

/// The tasks of one pool, each as a `W`, by the number in which they came.
pub(super) struct State<W> {
    options: TaskPoolOptions,
    is_closed: bool,
    next: u64,
    waiting: BTreeMap<u64, W>,
    /// Those of them for whom there is a queue.
    queued: BTreeSet<u64>,
    /// Those that have a place.
    placed: BTreeMap<u64, W>,
    /// Those of them that have begun.
    running: BTreeSet<u64>,
    counts: Counts,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    submitted: u64,
    refused: u64,
    started: u64,
    completed: u64,
    failed: u64,
    timed_out: u64,
    panicked: u64,
    stopped: u64,
    withdrawn: u64,
    run_time: Duration,
    longest: Duration,
    most_running: usize,
}

/// How a task ended that had begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Completed,
    Failed,
    TimedOut,
    Panicked,
    /// Somebody ended it.
    Stopped,
}

/// Why a task is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Full,
    Closed,
}

/// A pool, as it was when it was looked at.
///
/// Of `submitted` tasks each is queued, withdrawn or started; of `started` ones each is running,
/// completed, failed, timed out, panicked or stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskPoolStats {
    /// How many run.
    pub running: usize,
    /// How many are to run, and have not begun.
    pub queued: usize,
    /// How many ran at a time at most.
    pub most_running: usize,
    /// How many were taken in.
    pub submitted: u64,
    /// How many were not.
    pub refused: u64,
    /// How many have begun.
    pub started: u64,
    /// How many gave a value.
    pub completed: u64,
    /// How many gave an error.
    pub failed: u64,
    /// How many took too long, and were ended.
    pub timed_out: u64,
    /// How many panicked.
    pub panicked: u64,
    /// How many were ended by somebody after they had begun: their holder let them go, they were
    /// killed, the pool was closed.
    pub stopped: u64,
    /// How many were ended before they began, those included that could not be started.
    pub withdrawn: u64,
    /// How long those took together that are over.
    pub run_time: Duration,
    /// How long the longest of them took.
    pub longest_run: Duration,
    /// How the pool runs its tasks now.
    pub options: TaskPoolOptions,
    /// Whether it takes no more tasks in.
    pub is_closed: bool,
}

impl<W: Clone> State<W> {
    pub(super) fn new(options: TaskPoolOptions) -> Self {
        Self {
            options,
            is_closed: false,
            next: 0,
            waiting: BTreeMap::new(),
            queued: BTreeSet::new(),
            placed: BTreeMap::new(),
            running: BTreeSet::new(),
            counts: Counts::default(),
        }
    }

    pub(super) const fn options(&self) -> TaskPoolOptions {
        self.options
    }

    /// Takes a task in, one of those for whom there is a queue if it is `bounded`. Gives its number,
    /// and whether it has a place.
    pub(super) fn enter(&mut self, who: W, bounded: bool) -> Result<(u64, bool), Refusal> {
        let has_place = self.has_place();
        let refusal = if self.is_closed {
            Some(Refusal::Closed)
        } else if bounded && !has_place && self.queued.len() >= self.options.max_queue {
            Some(Refusal::Full)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.counts.refused += 1;
            return Err(refusal);
        }
        let number = self.next;
        self.next += 1;
        self.counts.submitted += 1;
        let tasks = if has_place { &mut self.placed } else { &mut self.waiting };
        tasks.insert(number, who);
        if bounded && !has_place {
            self.queued.insert(number);
        }
        Ok((number, has_place))
    }

    /// A task that has a place begins. Gives how long it may take.
    pub(super) fn begin(&mut self, number: u64) -> Duration {
        self.running.insert(number);
        self.counts.started += 1;
        self.counts.most_running = self.counts.most_running.max(self.running.len());
        self.options.deadline
    }

    /// A task is over. Gives those that have a place now.
    pub(super) fn leave(&mut self, number: u64, outcome: Outcome, took: Duration) -> Vec<W> {
        if self.running.remove(&number) {
            let counts = &mut self.counts;
            let count = match outcome {
                Outcome::Completed => &mut counts.completed,
                Outcome::Failed => &mut counts.failed,
                Outcome::TimedOut => &mut counts.timed_out,
                Outcome::Panicked => &mut counts.panicked,
                Outcome::Stopped => &mut counts.stopped,
            };
            *count += 1;
            counts.run_time = counts.run_time.saturating_add(took);
            counts.longest = counts.longest.max(took);
        } else {
            self.counts.withdrawn += 1;
        }
        self.placed.remove(&number);
        self.waiting.remove(&number);
        self.queued.remove(&number);
        self.give_places()
    }

    /// Runs tasks otherwise from now on. Gives those that have a place now. Those that have one
    /// keep it, however many.
    pub(super) fn update(&mut self, options: TaskPoolOptions) -> Vec<W> {
        self.options = options;
        self.give_places()
    }

    /// Takes no more tasks in.
    pub(super) const fn close(&mut self) {
        self.is_closed = true;
    }

    /// Those that are not over.
    pub(super) fn everybody(&self) -> Vec<W> {
        self.placed.values().chain(self.waiting.values()).cloned().collect()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.placed.is_empty() && self.waiting.is_empty()
    }

    pub(super) fn stats(&self) -> TaskPoolStats {
        let running = self.running.len();
        let Counts { submitted, refused, started, completed, failed, .. } = self.counts;
        let Counts { timed_out, panicked, stopped, withdrawn, .. } = self.counts;
        let Counts { run_time, longest, most_running, .. } = self.counts;
        TaskPoolStats {
            running,
            queued: self.waiting.len() + self.placed.len() - running,
            most_running,
            submitted,
            refused,
            started,
            completed,
            failed,
            timed_out,
            panicked,
            stopped,
            withdrawn,
            run_time,
            longest_run: longest,
            options: self.options,
            is_closed: self.is_closed,
        }
    }

    /// Whether there is a place: nobody waits while there is one.
    fn has_place(&self) -> bool {
        self.placed.len() < self.options.max_concurrent
    }

    fn give_places(&mut self) -> Vec<W> {
        let mut placed = Vec::new();
        while self.has_place() {
            let Some((number, who)) = self.waiting.pop_first() else { break };
            self.queued.remove(&number);
            placed.push(who.clone());
            self.placed.insert(number, who);
        }
        placed
    }
}

#[cfg(test)]
mod tests {
    //! Random tasks come, begin and end, and the pool is looked at after each step.

    use std::collections::VecDeque;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Outcome, Refusal, State};
    use crate::task::pool::TaskPoolOptions;

    #[derive(Debug, Clone)]
    enum Step {
        Enter {
            bounded: bool,
        },
        /// Of those that are in, the one at this place.
        Begin(usize),
        Leave(usize),
        Update {
            max_concurrent: usize,
            max_queue: usize,
        },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => any::<bool>().prop_map(|bounded| Step::Enter { bounded }),
            3 => any::<usize>().prop_map(Step::Begin),
            3 => any::<usize>().prop_map(Step::Leave),
            1 => (1..5_usize, 0..5_usize)
                .prop_map(|(max_concurrent, max_queue)| Step::Update { max_concurrent, max_queue }),
        ];
        prop::collection::vec(step, 0..120)
    }

    fn options(max_concurrent: usize, max_queue: usize) -> TaskPoolOptions {
        TaskPoolOptions::new(max_concurrent).max_queue(max_queue)
    }

    /// A pool as one would write it who has no other worry: a line of tasks, the first of which
    /// have places.
    #[derive(Default)]
    struct Model {
        line: VecDeque<(u64, bool, bool)>,
        /// Those that a queue is for.
        bounded: Vec<u64>,
        places: usize,
    }

    impl Model {
        fn placed(&self) -> usize {
            self.line.iter().filter(|(_, placed, _)| *placed).count()
        }

        /// Those that get a place.
        fn give(&mut self) -> Vec<u64> {
            let mut given = Vec::new();
            while self.placed() < self.places {
                let Some(first) = self.line.iter_mut().find(|(_, placed, _)| !placed) else {
                    break;
                };
                first.1 = true;
                given.push(first.0);
            }
            given
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn a_pool_does_what_a_line_of_tasks_does(steps in steps()) {
            let mut state = State::new(options(2, 3));
            let mut model = Model { places: 2, ..Model::default() };
            let (mut queue, mut refused, mut over) = (3, 0, 0);
            for step in steps {
                match step {
                    Step::Enter { bounded } => {
                        let waits = |(number, placed, _): &&(u64, bool, bool)| {
                            !placed && model.bounded.contains(number)
                        };
                        let waiting = model.line.iter().filter(waits).count();
                        let has_place = model.placed() < model.places;
                        let number = state.next;
                        match state.enter(number, bounded) {
                            Ok((entered, placed)) => {
                                prop_assert_eq!(entered, number);
                                prop_assert_eq!(placed, has_place);
                                prop_assert!(placed || !bounded || waiting < queue);
                                model.line.push_back((number, placed, false));
                                if bounded {
                                    model.bounded.push(number);
                                }
                            }
                            Err(refusal) => {
                                prop_assert_eq!(refusal, Refusal::Full);
                                prop_assert!(bounded && !has_place && waiting >= queue);
                                refused += 1;
                            }
                        }
                    }
                    Step::Begin(at) => {
                        let ready = model.line.iter_mut().filter(|it| it.1 && !it.2);
                        let mut ready: Vec<_> = ready.collect();
                        if !ready.is_empty() {
                            let at = at % ready.len();
                            ready[at].2 = true;
                            state.begin(ready[at].0);
                        }
                    }
                    Step::Leave(at) if !model.line.is_empty() => {
                        let (number, _, _) = model.line.remove(at % model.line.len()).unwrap();
                        let given = state.leave(number, Outcome::Completed, Duration::ZERO);
                        prop_assert_eq!(given, model.give());
                        over += 1;
                    }
                    Step::Leave(_) => {}
                    Step::Update { max_concurrent, max_queue } => {
                        (model.places, queue) = (max_concurrent, max_queue);
                        let given = state.update(options(max_concurrent, max_queue));
                        prop_assert_eq!(given, model.give());
                    }
                }
                let stats = state.stats();
                let running = model.line.iter().filter(|it| it.2).count();
                prop_assert_eq!(stats.running, running);
                prop_assert_eq!(stats.queued, model.line.len() - running);
                prop_assert_eq!(stats.refused, refused);
                prop_assert_eq!(stats.completed + stats.withdrawn, over);
                prop_assert_eq!(stats.submitted, stats.started + stats.withdrawn + stats.queued as u64);
                prop_assert_eq!(stats.started, stats.completed + stats.running as u64);
                prop_assert_eq!(state.is_idle(), model.line.is_empty());
            }
        }
    }

    #[test]
    fn each_end_is_counted_as_what_it_was() {
        let mut state = State::new(options(1, 0));
        let table = [
            Outcome::Completed,
            Outcome::Failed,
            Outcome::TimedOut,
            Outcome::Panicked,
            Outcome::Stopped,
        ];
        for (seconds, outcome) in (1..).zip(table) {
            let (number, placed) = state.enter((), true).unwrap();
            assert!(placed);
            state.begin(number);
            state.leave(number, outcome, Duration::from_secs(seconds));
        }
        let seen = state.stats();
        let counts = [seen.completed, seen.failed, seen.timed_out, seen.panicked, seen.stopped];
        assert_eq!((counts, seen.withdrawn), ([1; 5], 0));
        assert_eq!((seen.run_time.as_secs(), seen.longest_run.as_secs()), (15, 5));
    }

    #[test]
    fn a_closed_pool_takes_nobody_in_and_lets_everybody_finish() {
        let mut state = State::new(options(1, 5));
        let (first, _) = state.enter('a', true).unwrap();
        let (second, placed) = state.enter('b', true).unwrap();
        assert!(!placed);
        state.close();
        assert_eq!(state.enter('c', true), Err(Refusal::Closed));
        assert_eq!(state.enter('c', false), Err(Refusal::Closed));
        state.begin(first);
        assert_eq!(state.everybody(), ['a', 'b']);
        assert_eq!(state.leave(first, Outcome::Completed, Duration::ZERO), ['b']);
        assert!(!state.is_idle());
        state.begin(second);
        assert_eq!(state.leave(second, Outcome::Completed, Duration::ZERO), [] as [char; 0]);
        assert!(state.is_idle());
    }
}
