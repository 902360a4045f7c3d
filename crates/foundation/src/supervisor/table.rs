//! The children of a supervisor in the order of their start, and what is to be known of all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::looks::Looks;
use crate::actor::{ChildKind, Restart};
use crate::error::Error;
use crate::exit::ExitReason;

/// A child among its siblings. Later ones are greater.
pub(super) type Key = u64;

/// The children. `T` is somebody who waits for an answer, `B` what the loop knows of a child.
#[derive(Debug)]
pub(super) struct Table<T, B> {
    /// Boxed, because the nodes of a tree that grows at one end are half empty.
    children: BTreeMap<Key, Box<Child<T, B>>>,
    keys: HashMap<Arc<str>, Key>,
    next: Key,
    tally: Tally,
    pub(super) looks: Looks,
}

/// How many children there are of which sort, kept so that nobody has to look at all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) supervisors: usize,
    /// Those with a live incarnation.
    pub(super) alive: usize,
    /// Those that are starting or stopping.
    pub(super) in_transit: usize,
    /// Significant ones that run, or are to.
    pub(super) significant: usize,
    pub(super) unresponsive: usize,
}

/// What of a child does not change.
#[derive(Debug, Clone)]
pub(super) struct Traits {
    pub(super) name: Arc<str>,
    pub(super) restart: Restart,
    pub(super) kind: ChildKind,
    pub(super) significant: bool,
    pub(super) abandoned_when_unresponsive: bool,
    /// Whether it is killed without being asked.
    pub(super) brutal: bool,
}

#[derive(Debug)]
pub(super) struct Child<T, B> {
    pub(super) traits: Traits,
    pub(super) body: B,
    status: Status,
    /// The how many-th attempt to start it this is. What is said of an earlier one is stale.
    pub(super) attempt: u32,
    /// Its `init` chose not to run; its end follows.
    pub(super) ignored: bool,
    /// Why its start fails, if it was that which had it killed.
    pub(super) failure: Option<Error>,
    /// How often it was started.
    pub(super) starts: u32,
    /// It does not end, and what is to be done when it has.
    pub(super) owed: Owed,
    /// Whether it was added by the request that is starting it.
    pub(super) is_new: bool,
    /// Who waits for its start.
    pub(super) starter: Option<T>,
    /// Who waits for its end.
    pub(super) stoppers: Vec<T>,
}

/// What is to be done when a child that did not end has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owed {
    Nothing,
    /// To start it: its group was restarted without it.
    Start,
    /// To try again: it was its start that took too long, and every attempt counts.
    Attempt,
}

/// Where a child is. The arrows:
///
/// | from | to | when |
/// |---|---|---|
/// | `Down`, `Restarting`, `Dead` | `Starting` | it is to run |
/// | `Starting` | `Running` | it says that it does |
/// | `Starting` | `Down`, `Restarting` | it does not start |
/// | `Running` | `Down`, `Starting` | it ends by itself |
/// | `Running` | `Dead` | it ends by itself, and the supervisor has something else to do first |
/// | `Dead` | `Down` | it is not to be restarted, or was to be stopped |
/// | `Starting`, `Running` | `Stopping`, `Killed` | it is to end, or its start takes too long |
/// | `Stopping` | `Killed` | it takes too long |
/// | `Stopping`, `Killed` | `Down` | it has ended |
/// | `Killed` | `Unresponsive` | it does not end |
/// | `Unresponsive` | `Down`, `Starting` | it ends at last |
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Status {
    Down,
    Restarting,
    Starting,
    Running,
    Dead(Box<ExitReason>),
    Stopping,
    Killed,
    /// Since when, as the supervisor counts time.
    Unresponsive(Duration),
}

impl Status {
    /// Whether an incarnation is there.
    pub(super) const fn is_alive(&self) -> bool {
        matches!(
            self,
            Self::Starting | Self::Running | Self::Stopping | Self::Killed | Self::Unresponsive(_)
        )
    }

    pub(super) const fn is_in_transit(&self) -> bool {
        matches!(self, Self::Starting | Self::Stopping | Self::Killed)
    }

    const fn is_up(&self) -> bool {
        !matches!(self, Self::Down)
    }
}

impl<T, B> Child<T, B> {
    pub(super) const fn status(&self) -> &Status {
        &self.status
    }
}

impl<T, B> Table<T, B> {
    pub(super) fn new() -> Self {
        Self {
            children: BTreeMap::new(),
            keys: HashMap::new(),
            next: 0,
            tally: Tally::default(),
            looks: Looks::default(),
        }
    }

    /// Adds a child after all others. The name is free.
    pub(super) fn add(&mut self, traits: Traits, body: B) -> Key {
        let key = self.next;
        self.next += 1;
        self.keys.insert(Arc::clone(&traits.name), key);
        self.tally.supervisors += usize::from(traits.kind == ChildKind::Supervisor);
        let child = Child {
            traits,
            body,
            status: Status::Down,
            attempt: 0,
            starts: 0,
            ignored: false,
            failure: None,
            owed: Owed::Nothing,
            is_new: false,
            starter: None,
            stoppers: Vec::new(),
        };
        self.children.insert(key, Box::new(child));
        key
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Box<Child<T, B>>> {
        self.set(key, Status::Down);
        let child = self.children.remove(&key)?;
        self.keys.remove(&child.traits.name);
        self.tally.supervisors -= usize::from(child.traits.kind == ChildKind::Supervisor);
        Some(child)
    }

    /// Moves a child to another status, and keeps the tally.
    pub(super) fn set(&mut self, key: Key, status: Status) {
        self.looks.one_more();
        let Some(child) = self.children.get_mut(&key) else { return };
        let (before, after) = (&child.status, &status);
        let tally = &mut self.tally;
        let count = |total: &mut usize, before: bool, after: bool| {
            *total = *total + usize::from(after) - usize::from(before);
        };
        count(&mut tally.alive, before.is_alive(), after.is_alive());
        count(&mut tally.in_transit, before.is_in_transit(), after.is_in_transit());
        let is_unresponsive = |status: &Status| matches!(status, Status::Unresponsive(_));
        count(&mut tally.unresponsive, is_unresponsive(before), is_unresponsive(after));
        if child.traits.significant {
            count(&mut tally.significant, before.is_up(), after.is_up());
        }
        child.status = status;
    }

    pub(super) fn get(&self, key: Key) -> Option<&Child<T, B>> {
        self.looks.one_more();
        self.children.get(&key).map(|child| &**child)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Child<T, B>> {
        self.looks.one_more();
        self.children.get_mut(&key).map(|child| &mut **child)
    }

    /// The child, if what is said is said of its latest incarnation.
    pub(super) fn current(&mut self, key: Key, attempt: u32) -> Option<&mut Child<T, B>> {
        self.get_mut(key).filter(|child| child.attempt == attempt)
    }

    pub(super) fn named(&self, name: &str) -> Option<Key> {
        self.looks.one_more();
        self.keys.get(name).copied()
    }

    /// The first child from `from` on that `wanted` says yes to.
    pub(super) fn first(&self, from: Key, wanted: impl Fn(&Status) -> bool) -> Option<Key> {
        let mut rest = self.children.range(from..).inspect(|_| self.looks.one_more());
        rest.find(|(_, child)| wanted(&child.status)).map(|(key, _)| *key)
    }

    /// The last child in the range that `wanted` says yes to.
    pub(super) fn last(
        &self,
        range: std::ops::Range<Key>,
        wanted: impl Fn(&Status) -> bool,
    ) -> Option<Key> {
        let mut rest = self.children.range(range).rev().inspect(|_| self.looks.one_more());
        rest.find(|(_, child)| wanted(&child.status)).map(|(key, _)| *key)
    }

    /// All of them, in the order of their start.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (Key, &Child<T, B>)> {
        let all = self.children.iter().inspect(|_| self.looks.one_more());
        all.map(|(key, child)| (*key, &**child))
    }

    /// What comes after the last one.
    pub(super) const fn end(&self) -> Key {
        self.next
    }

    pub(super) fn len(&self) -> usize {
        self.children.len()
    }

    pub(super) const fn tally(&self) -> Tally {
        self.tally
    }
}
