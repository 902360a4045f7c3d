//! The children of a dynamic supervisor by their places, and how many there are of which sort.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::actor::{ChildKind, Restart};
use crate::error::Error;
use crate::supervisor::intensity::Restarts;
use crate::supervisor::looks::Looks;

/// The place that a child has, or had first.
pub(super) type Key = u64;

/// Children for whom there is room when there are none: so few that it is not worth to give it
/// back, which would cost the next one more than its place.
const ROOM: usize = 1024;

/// The children. `T` is somebody who waits for an answer, `B` what others know of a child.
#[derive(Debug)]
pub(super) struct Table<T, B> {
    children: HashMap<Key, Child<T, B>, BuildHasherDefault<KeyHasher>>,
    tally: Tally,
    pub(super) looks: Looks,
}

/// Spreads keys. They are numbers that the system gives, one after the other, so that nobody can
/// choose them to collide.
#[derive(Debug, Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        // Fibonacci hashing: the golden ratio carries each bit into the upper ones, and the map
        // looks at both ends.
        let spread = (self.0 ^ key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = spread ^ (spread >> 32);
    }
}

/// How many children there are of which sort, kept so that nobody has to look at all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) supervisors: usize,
    /// Those with a live incarnation.
    pub(super) alive: usize,
    pub(super) unresponsive: usize,
}

/// What of a child does not change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traits {
    pub(super) restart: Restart,
    pub(super) kind: ChildKind,
    pub(super) abandoned_when_unresponsive: bool,
    /// Whether it is killed without being asked.
    pub(super) brutal: bool,
}

/// A child. There may be a hundred thousand of them, so what few need is boxed.
#[derive(Debug)]
pub(super) struct Child<T, B> {
    pub(super) body: B,
    pub(super) more: Option<Box<More<T>>>,
    /// The how many-th attempt to start it this is, from 1. What is said of an earlier one is
    /// stale.
    pub(super) attempt: u32,
    pub(super) traits: Traits,
    status: Status,
    /// Its `init` chose not to run; its end follows.
    pub(super) ignored: bool,
}

/// What only a child has that has failed, or for which somebody waits.
#[derive(Debug)]
pub(super) struct More<T> {
    /// Its own restarts that count.
    pub(super) restarts: Option<Restarts>,
    /// Why its start fails, if it was that which had it killed.
    pub(super) failure: Option<Error>,
    /// It does not end, and is to be started when it has.
    pub(super) owed: bool,
    /// Nobody wants it, so it is not started again.
    pub(super) called_off: bool,
    /// How many attempts were counted because it was left in its place.
    pub(super) moves: u32,
    /// Who waits for its start.
    pub(super) starter: Option<T>,
    /// Who waits for its end.
    pub(super) stoppers: Vec<T>,
}

/// Where a child is. The arrows:
///
/// | from | to | when |
/// |---|---|---|
/// | – | `Starting` | it is adopted |
/// | `Starting` | `Running` | it says that it does |
/// | `Starting`, `Running` | forgotten | it does not start the first time, or ends and is not restarted |
/// | `Starting`, `Running` | `Restarting` | it is to be started again |
/// | `Restarting` | `Starting` | its time has come |
/// | `Starting`, `Running` | `Quarantined` | its own budget is spent |
/// | `Quarantined` | `Starting` | it is released |
/// | `Restarting`, `Quarantined` | forgotten | it is to end |
/// | `Starting`, `Running` | `Stopping`, `Killed` | it is to end, or its start takes too long |
/// | `Stopping` | `Killed` | it takes too long |
/// | `Stopping`, `Killed` | forgotten, `Restarting` | it has ended; it was its start that took too long |
/// | `Killed` | `Unresponsive` | it does not end |
/// | `Unresponsive` | forgotten, `Restarting` | it ends at last |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    Starting,
    Running,
    Restarting,
    Quarantined,
    Stopping,
    Killed,
    Unresponsive,
}

impl Status {
    /// Whether an incarnation is there.
    pub(super) const fn is_alive(self) -> bool {
        !matches!(self, Self::Restarting | Self::Quarantined)
    }
}

impl<T, B> Child<T, B> {
    pub(super) const fn status(&self) -> Status {
        self.status
    }

    pub(super) fn more(&mut self) -> &mut More<T> {
        self.more.get_or_insert_with(|| {
            Box::new(More {
                restarts: None,
                failure: None,
                owed: false,
                called_off: false,
                moves: 0,
                starter: None,
                stoppers: Vec::new(),
            })
        })
    }
}

impl<T, B> Table<T, B> {
    pub(super) fn new() -> Self {
        Self { children: HashMap::default(), tally: Tally::default(), looks: Looks::default() }
    }

    /// Adds a child that is starting.
    pub(super) fn add(&mut self, key: Key, traits: Traits, body: B) {
        self.tally.alive += 1;
        self.tally.supervisors += usize::from(traits.kind == ChildKind::Supervisor);
        let status = Status::Starting;
        let child = Child { body, more: None, attempt: 1, traits, status, ignored: false };
        self.children.insert(key, child);
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Child<T, B>> {
        self.looks.one_more();
        let child = self.children.remove(&key)?;
        self.tally.count(child.status, None);
        self.tally.supervisors -= usize::from(child.traits.kind == ChildKind::Supervisor);
        if self.children.is_empty() && self.children.capacity() > ROOM {
            // Room for those who were there at the busiest time is given back at the quietest.
            self.children.shrink_to(ROOM);
        }
        Some(child)
    }

    /// Moves a child to another status, and keeps the tally.
    pub(super) fn set(&mut self, key: Key, status: Status) {
        self.looks.one_more();
        let Some(child) = self.children.get_mut(&key) else { return };
        self.tally.count(child.status, Some(status));
        child.status = status;
    }

    pub(super) fn get(&self, key: Key) -> Option<&Child<T, B>> {
        self.looks.one_more();
        self.children.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Child<T, B>> {
        self.looks.one_more();
        self.children.get_mut(&key)
    }

    /// The child, if what is said is said of its latest incarnation.
    pub(super) fn current(&mut self, key: Key, attempt: u32) -> Option<&mut Child<T, B>> {
        self.get_mut(key).filter(|child| child.attempt == attempt)
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Child<T, B>)> {
        self.children.iter().inspect(|_| self.looks.one_more()).map(|(key, child)| (*key, child))
    }

    /// The keys, in the order in which the children were adopted.
    pub(super) fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<_> =
            self.children.keys().inspect(|_| self.looks.one_more()).copied().collect();
        keys.sort_unstable();
        keys
    }

    pub(super) fn len(&self) -> usize {
        self.children.len()
    }

    pub(super) const fn tally(&self) -> Tally {
        self.tally
    }
}

impl Tally {
    /// Counts a change of status; to none when a child is forgotten.
    fn count(&mut self, before: Status, after: Option<Status>) {
        let count = |total: &mut usize, is: fn(Status) -> bool| {
            *total = *total + usize::from(after.is_some_and(is)) - usize::from(is(before));
        };
        count(&mut self.alive, Status::is_alive);
        count(&mut self.unresponsive, |status| status == Status::Unresponsive);
    }
}
