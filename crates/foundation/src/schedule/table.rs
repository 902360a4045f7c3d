//! All schedules of a scheduler, and which is due next.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::state::{At, CORRECTION, Counts, Due, Moment, State};
use crate::actor::Pid;

/// Schedules, each with a `T` that is told.
#[derive(Debug)]
pub(super) struct Table<T> {
    entries: HashMap<u64, Entry<T>>,
    names: BTreeMap<(Pid, Arc<str>), u64>,
    /// When to look at which, by clock.
    runs: BTreeSet<(Duration, u64)>,
    walls: BTreeSet<(Timestamp, u64)>,
    /// What is wanted of those that were at work when they were looked at, or that changed.
    ready: Vec<(u64, Due)>,
    /// The latest that the wall clock has said.
    seen: Timestamp,
}

#[derive(Debug)]
pub(super) struct Entry<T> {
    pub(super) owner: Pid,
    pub(super) name: Arc<str>,
    pub(super) state: State,
    pub(super) target: T,
    wakes: Option<At>,
}

/// Somebody who is to be told.
pub(super) struct Fired<T> {
    pub(super) number: u64,
    pub(super) name: Arc<str>,
    pub(super) due: Due,
    pub(super) target: T,
}

/// What looking has found.
pub(super) struct Look<T> {
    pub(super) fired: Vec<Fired<T>>,
    /// Those that are over.
    pub(super) over: Vec<u64>,
    /// When to look again, by clock.
    pub(super) run: Option<Duration>,
    pub(super) wall: Option<Timestamp>,
}

impl<T: Clone> Table<T> {
    pub(super) fn new() -> Self {
        Self {
            entries: HashMap::new(),
            names: BTreeMap::new(),
            runs: BTreeSet::new(),
            walls: BTreeSet::new(),
            ready: Vec::new(),
            seen: Timestamp::MIN,
        }
    }

    /// Adds a schedule. Gives the one that had its name, and is to be removed.
    pub(super) fn insert(&mut self, number: u64, entry: Entry<T>) -> Option<u64> {
        let before = self.names.insert((entry.owner, Arc::clone(&entry.name)), number);
        self.entries.insert(number, entry);
        self.settle(number);
        before
    }

    /// The schedule that a name means.
    pub(super) fn find(&self, owner: Pid, name: &Arc<str>) -> Option<u64> {
        self.names.get(&(owner, Arc::clone(name))).copied()
    }

    /// Takes a schedule out.
    pub(super) fn remove(&mut self, number: u64) -> Option<(T, Counts)> {
        let entry = self.take(number)?;
        let name = (entry.owner, entry.name);
        // Another may have its name by now.
        if self.names.get(&name) == Some(&number) {
            self.names.remove(&name);
        }
        Some((entry.target, entry.state.counts))
    }

    /// Does something with a schedule, after which it may be due at another time.
    pub(super) fn change(
        &mut self,
        number: u64,
        change: impl FnOnce(&mut State) -> Option<Due>,
    ) -> Option<Fired<T>> {
        let entry = self.entries.get_mut(&number)?;
        let due = change(&mut entry.state);
        let fired = due.map(|due| entry.fired(number, due));
        self.settle(number);
        fired
    }

    /// As [`Self::change`], and leaves what is due to whoever looks next.
    pub(super) fn change_later(
        &mut self,
        number: u64,
        change: impl FnOnce(&mut State) -> Option<Due>,
    ) {
        if let Some(fired) = self.change(number, change) {
            self.ready.push((number, fired.due));
        }
    }

    /// What is due by now.
    pub(super) fn look(&mut self, now: Moment) -> Look<T> {
        let mut look = Look { fired: Vec::new(), over: Vec::new(), run: None, wall: None };
        self.correct(now);
        for (number, due) in std::mem::take(&mut self.ready) {
            let entry = self.entries.get(&number);
            look.fired.extend(entry.map(|entry| entry.fired(number, due)));
        }
        let mut chance = now.chance;
        // Whatever is looked at is at work then, or due later.
        while let Some(number) = self.first(now) {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let now = Moment { chance: chance.rotate_left(32), ..now };
            look.fired.extend(self.change(number, |state| state.look(now)));
            if self.is_over(number) {
                look.over.push(number);
            }
        }
        look.run = self.runs.first().map(|(at, _)| *at);
        look.wall = self.walls.first().map(|(at, _)| *at);
        look
    }

    /// What a schedule is to be told that nobody has told it yet.
    pub(super) fn take_ready(&mut self, number: u64) -> Option<Fired<T>> {
        let at = self.ready.iter().position(|(ready, _)| *ready == number)?;
        let (_, due) = self.ready.remove(at);
        Some(self.entries.get(&number)?.fired(number, due))
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        self.entries.contains_key(&number)
    }

    /// The names of an owner.
    pub(super) fn names_of(&self, owner: Pid) -> Vec<u64> {
        let all = self.names.range((owner, "".into())..);
        all.take_while(|((of, _), _)| *of == owner).map(|(_, number)| *number).collect()
    }

    /// Takes everything out.
    pub(super) fn take_all(&mut self) -> Vec<(u64, T)> {
        let numbers: Vec<_> = self.names.values().copied().collect();
        let all = numbers.into_iter();
        all.filter_map(|number| Some((number, self.remove(number)?.0))).collect()
    }

    pub(super) fn get(&self, number: u64) -> Option<&Entry<T>> {
        self.entries.get(&number)
    }

    /// Whether a schedule has done all it had to do.
    pub(super) fn is_over(&self, number: u64) -> bool {
        self.entries.get(&number).is_some_and(|entry| entry.state.is_over())
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// All schedules, by owner and name.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry<T>> {
        self.names.values().filter_map(|number| self.entries.get(number))
    }

    /// Plans all patterns anew when the wall clock was wrong before.
    fn correct(&mut self, now: Moment) {
        if self.seen.duration_since(now.wall) <= CORRECTION {
            self.seen = self.seen.max(now.wall);
            return;
        }
        self.seen = now.wall;
        // Those too that are at work, and look for their next time when that is over.
        let all: Vec<_> = self.names.values().copied().collect();
        for number in all {
            self.change(number, |state| {
                state.replan(now);
                None
            });
        }
    }

    /// One that has come due.
    fn first(&self, now: Moment) -> Option<u64> {
        let run = self.runs.first().filter(|(at, _)| *at <= now.run).map(|(_, number)| *number);
        let wall = || self.walls.first().filter(|(at, _)| *at <= now.wall);
        run.or_else(|| wall().map(|(_, number)| *number))
    }

    /// Notes when to look at a schedule.
    fn settle(&mut self, number: u64) {
        let Some(entry) = self.entries.get_mut(&number) else { return };
        let wakes = entry.state.wakes();
        let before = std::mem::replace(&mut entry.wakes, wakes);
        if before == wakes {
            return;
        }
        self.forget(before, number);
        match wakes {
            Some(At::Run(at)) => drop(self.runs.insert((at, number))),
            Some(At::Wall(at)) => drop(self.walls.insert((at, number))),
            None => {}
        }
    }

    fn take(&mut self, number: u64) -> Option<Entry<T>> {
        let entry = self.entries.remove(&number)?;
        self.forget(entry.wakes, number);
        self.ready.retain(|(ready, _)| *ready != number);
        Some(entry)
    }

    fn forget(&mut self, wakes: Option<At>, number: u64) {
        match wakes {
            Some(At::Run(at)) => drop(self.runs.remove(&(at, number))),
            Some(At::Wall(at)) => drop(self.walls.remove(&(at, number))),
            None => {}
        }
    }
}

impl<T: Clone> Entry<T> {
    pub(super) const fn new(owner: Pid, name: Arc<str>, state: State, target: T) -> Self {
        Self { owner, name, state, target, wakes: None }
    }

    fn fired(&self, number: u64, due: Due) -> Fired<T> {
        let (name, target) = (Arc::clone(&self.name), self.target.clone());
        Fired { number, name, due, target }
    }
}
