//! What types that were routed lately have come to: routing one again is one look-up, and looks at
//! little memory, however many routes there are.
//!
//! A type is kept where there is room. Where there is none it pushes out another one when it comes
//! the second time within a while, so that types of which each comes once do not push out those
//! that come often. Whoever changes routes takes out what the change concerns,
//! before anybody can see the change: of a pattern without wildcards that is one type, of any other
//! all of them, which costs no more than it took to put them there.
//!
//! It is in sets of three, each in one line of a cache, with a lock for those who route at the same
//! time. There are more and more sets as they fill, up to about as many as there are routes: where
//! there are few, finding them is quick, and there may be very many routers. When routes have
//! become much fewer, all is forgotten, and it begins anew.

use std::sync::Arc;

use smallvec::SmallVec;

use super::label::Label;
use super::registered::Registered;
use crate::sync::{AtomicUsize, Mutex, Ordering};

/// Types in a set.
const WAYS: usize = 3;
/// Sets there are at first.
const FEWEST: usize = 2;
/// Sets there may be with few routes, and with however many: room for 96 types and for 24,576.
const MOST: std::ops::RangeInclusive<usize> = 32..=8192;
/// So many times more sets there are when they have filled.
const GROWTH: usize = 4;
/// How long a type may be that is kept, in bytes.
const LONGEST: usize = 128;
/// How many routes a type may have that is kept. With more, finding them is little of what there is
/// to do.
pub(super) const MOST_ROUTES: usize = 64;

pub(super) struct Cache<T> {
    /// A power of two of them, or none.
    sets: Box<[Line<T>]>,
    /// How many types are kept.
    kept: AtomicUsize,
}

/// What a type has come to.
pub(super) struct Known<T> {
    topic: Label,
    pub(super) is_conditional: bool,
    /// In order.
    pub(super) routes: SmallVec<[Registered<T>; 4]>,
}

/// What was in a cache and is not any more. It may hold the last of a target, and so is dropped by
/// whoever has no lock.
#[must_use = "it is dropped when the lock is given back"]
pub(super) struct Outdated<T> {
    sets: Vec<Box<[Line<T>]>>,
    types: Vec<Arc<Known<T>>>,
}

/// A set with its lock, in one line of a cache.
#[repr(align(64))]
struct Line<T>(Mutex<Set<T>>);

struct Set<T> {
    kept: [Option<Kept<T>>; WAYS],
    /// Which types have come lately for which there was no room.
    seen: [u16; 4],
}

struct Kept<T> {
    hash: u64,
    known: Arc<Known<T>>,
}

/// What has come of looking for a type.
pub(super) enum Looked<T> {
    Known(Arc<Known<T>>),
    /// It is not there, and should be.
    Wanted,
    /// It is not there.
    Unknown,
}

// === impl Cache ===

impl<T> Cache<T> {
    pub(super) fn new() -> Self {
        Self { sets: Box::new([]), kept: AtomicUsize::new(0) }
    }

    /// Looks for a type of that hash, and notes that it came.
    #[inline]
    pub(super) fn look(&self, hash: u64, topic: &str) -> Looked<T> {
        let Some(set) = self.set(hash) else { return Looked::Unknown };
        let mut set = set.lock();
        for kept in set.kept.iter().flatten() {
            if kept.hash == hash && kept.known.topic.is(topic) {
                return Looked::Known(Arc::clone(&kept.known));
            }
        }
        let is_wanted = topic.len() <= LONGEST && (set.has_room() || set.sees(hash));
        if is_wanted { Looked::Wanted } else { Looked::Unknown }
    }

    /// Keeps what a type has come to, and gives what was pushed out for it.
    pub(super) fn keep(&self, hash: u64, known: &Arc<Known<T>>) -> Option<Arc<Known<T>>> {
        let pushed_out = self.set(hash)?.lock().put(Kept { hash, known: Arc::clone(known) });
        if pushed_out.is_none() {
            self.kept.fetch_add(1, Ordering::Relaxed);
        }
        pushed_out.map(|kept| kept.known)
    }

    /// Whether there should be more sets, with so many routes.
    #[inline]
    pub(super) fn is_crowded(&self, routes: usize) -> bool {
        let (kept, sets) = (self.kept.load(Ordering::Relaxed), self.sets.len());
        2 * kept >= WAYS * sets && sets < most_sets(routes)
    }

    /// Makes more sets, if there should be.
    pub(super) fn grow(&mut self, routes: usize) {
        if !self.is_crowded(routes) {
            return;
        }
        let count = (GROWTH * self.sets.len()).clamp(FEWEST, most_sets(routes));
        let sets = (0..count).map(|_| Line(Mutex::new(Set::new()))).collect();
        let before = std::mem::replace(&mut self.sets, sets);
        for set in before {
            // Those of one set are in several now, so that none is pushed out.
            for kept in set.0.into_inner().kept.into_iter().flatten() {
                let set = self.set(kept.hash);
                let pushed_out = set.and_then(|set| set.lock().put(kept));
                debug_assert!(pushed_out.is_none(), "one set has become several");
            }
        }
    }

    /// Whether there are many more sets than there should be, with so many routes.
    pub(super) fn is_too_large(&self, routes: usize) -> bool {
        self.sets.len() > GROWTH * most_sets(routes)
    }

    /// Takes out the type of that hash.
    pub(super) fn forget(&mut self, hash: u64, topic: &str, outdated: &mut Outdated<T>) {
        let Some(set) = self.set(hash) else { return };
        let Some(taken) = set.lock().take(hash, topic) else { return };
        *self.kept.get_mut() -= 1;
        outdated.types.push(taken.known);
    }

    /// Takes out all of them.
    pub(super) fn clear(&mut self, outdated: &mut Outdated<T>) {
        if !self.sets.is_empty() {
            let before = std::mem::replace(self, Self::new());
            outdated.sets.push(before.sets);
        }
    }

    #[inline]
    fn set(&self, hash: u64) -> Option<&Mutex<Set<T>>> {
        let mask = (self.sets.len() as u64).wrapping_sub(1);
        self.sets.get(usize::try_from(hash & mask).ok()?).map(|line| &line.0)
    }

    /// How many types are kept, and in how many sets.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        let kept = self.sets.iter().map(|set| set.0.lock().kept.iter().flatten().count()).sum();
        assert_eq!(self.kept.load(Ordering::Relaxed), kept);
        (kept, self.sets.len())
    }
}

/// How many sets there may be with so many routes: a power of two.
fn most_sets(routes: usize) -> usize {
    routes.clamp(*MOST.start(), *MOST.end()).next_power_of_two()
}

// === impl Known ===

impl<T> Known<T> {
    /// What a type has come to: routes in order.
    pub(super) fn new(topic: &str, routes: SmallVec<[Registered<T>; 4]>) -> Self {
        let is_conditional = routes.iter().any(Registered::is_conditional);
        Self { topic: Label::new(topic), is_conditional, routes }
    }
}

// === impl Set ===

impl<T> Set<T> {
    fn new() -> Self {
        Self { kept: [const { None }; WAYS], seen: [0; 4] }
    }

    fn has_room(&self) -> bool {
        self.kept.iter().any(Option::is_none)
    }

    /// Notes a type that is not there; whether it was noted before.
    fn sees(&mut self, hash: u64) -> bool {
        let [.., low, high] = hash.to_le_bytes();
        // 0 is nothing.
        let tag = u16::from_le_bytes([low, high]) | 1;
        if self.seen.contains(&tag) {
            return true;
        }
        let [first, second, third, _] = self.seen;
        self.seen = [tag, first, second, third];
        false
    }

    /// Puts one in, and gives the one that is pushed out: what was known of the same type, or else
    /// the oldest if there is no room.
    fn put(&mut self, kept: Kept<T>) -> Option<Kept<T>> {
        let is_same =
            |place: &Option<Kept<T>>| place.as_ref().is_some_and(|other| other.hash == kept.hash);
        let place = self.kept.iter().position(is_same);
        let place = place.or_else(|| self.kept.iter().position(Option::is_none));
        let place = place.unwrap_or(WAYS - 1);
        let others = self.kept.get_mut(..=place).unwrap_or_default();
        // The newest one is the first.
        others.rotate_right(1);
        others.first_mut().and_then(|first| first.replace(kept))
    }

    fn take(&mut self, hash: u64, topic: &str) -> Option<Kept<T>> {
        let is_it = |kept: &Kept<T>| kept.hash == hash && kept.known.topic.is(topic);
        self.kept.iter_mut().find_map(|kept| kept.take_if(|kept| is_it(kept)))
    }
}

// === impl Outdated ===

impl<T> Outdated<T> {
    pub(super) const fn new() -> Self {
        Self { sets: Vec::new(), types: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
