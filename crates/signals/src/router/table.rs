//! What a router holds: routes by pattern, by id and by name. Nothing here runs code of a user, and
//! what is taken out is handed back, to be dropped when nobody holds a lock.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::cache::{Cache, Known, Looked, MOST_ROUTES, Outdated};
use super::index::Index;
use super::list::List;
use super::matches::{Lists, Matches};
use super::registered::{Registered, RouteId};
use super::route::Route;
use crate::topic::Pattern;

pub(super) struct Table<T> {
    patterns: Index<T>,
    routes: BTreeMap<RouteId, Registered<T>>,
    names: BTreeMap<Arc<str>, RouteId>,
    next: RouteId,
    cache: Cache<T>,
}

/// What was found, with what is to be done when nobody holds a lock.
pub(super) struct Found<T> {
    pub(super) matches: Matches<T>,
    /// Whether some lists are equally specific, and so have to be merged.
    pub(super) is_tie: bool,
    /// Whether there should be more room.
    pub(super) is_crowded: bool,
    /// To be dropped.
    pub(super) pushed_out: Option<Arc<Known<T>>>,
}

// === impl Table ===

impl<T> Table<T> {
    /// An empty one, with a seed for its hashes.
    pub(super) fn new(seed: u64) -> Self {
        Self::with_ids(seed, RouteId::FIRST)
    }

    /// An empty one that gives ids from that one on.
    pub(super) fn with_ids(seed: u64, next: RouteId) -> Self {
        let (patterns, cache) = (Index::new(seed), Cache::new());
        let (routes, names) = Default::default();
        Self { patterns, routes, names, next, cache }
    }

    /// Gives the first of so many ids, which it gives to no other.
    pub(super) fn take_ids(&mut self, count: usize) -> RouteId {
        let first = self.next;
        self.next = first.after(count);
        first
    }

    /// Takes everything from another one, and gives what there was.
    pub(super) fn put_in_place(&mut self, mut other: Self) -> Self {
        other.next = other.next.max(self.next);
        std::mem::replace(self, other)
    }

    pub(super) fn len(&self) -> usize {
        self.routes.len()
    }

    pub(super) fn routes(&self) -> impl Iterator<Item = &Registered<T>> {
        self.routes.values()
    }

    pub(super) fn get(&self, id: RouteId) -> Option<&Registered<T>> {
        self.routes.get(&id)
    }

    pub(super) fn has_name(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    pub(super) fn has_pattern(&self, pattern: &Pattern) -> bool {
        self.patterns.get(pattern).is_some()
    }

    /// Adds a route, whose name nobody has.
    pub(super) fn add(&mut self, route: Route<T>) -> RouteId {
        let id = self.next;
        self.next = id.next();
        if let Some(name) = &route.name {
            self.names.insert(Arc::clone(name), id);
        }
        let route = Registered::new(id, route);
        match self.patterns.get_mut(route.pattern()) {
            Some(list) => list.add(route.clone()),
            None => self.patterns.insert(route.pattern(), List::One(route.clone())),
        }
        self.routes.insert(id, route);
        id
    }

    /// Takes a route out.
    pub(super) fn remove(&mut self, id: RouteId) -> Option<Registered<T>> {
        let route = self.routes.remove(&id)?;
        self.forget_name(&route);
        if let Some(list) = self.patterns.get_mut(route.pattern())
            && !list.remove(&route)
        {
            self.patterns.remove(route.pattern());
        }
        Some(route)
    }

    /// Takes all routes of exactly that pattern out.
    pub(super) fn remove_pattern(&mut self, pattern: &Pattern) -> Option<List<T>> {
        let list = self.patterns.remove(pattern)?;
        for route in list.iter() {
            self.routes.remove(&route.id());
            self.forget_name(route);
        }
        Some(list)
    }

    fn forget_name(&mut self, route: &Registered<T>) {
        if let Some(name) = route.name() {
            self.names.remove(name);
        }
    }

    /// The routes of all patterns that a type matches, the more specific ones first.
    #[inline]
    pub(super) fn find(&self, topic: &str) -> Found<T> {
        let hash = self.patterns.hash(topic);
        match self.cache.look(hash, topic) {
            Looked::Known(known) => Found::new(Matches::of_known(known)),
            Looked::Wanted => self.find_by_patterns(topic, hash, true),
            Looked::Unknown => self.find_by_patterns(topic, hash, false),
        }
    }

    fn find_by_patterns(&self, topic: &str, hash: u64, is_wanted: bool) -> Found<T> {
        let mut found = self.patterns.find(topic, hash);
        if found.len() > 1 {
            found.sort_unstable_by_key(|&(specificity, _)| Reverse(specificity));
        }
        // All of them are looked at before the first one is cloned: memory brings them at the same
        // time, while a clone waits for its own.
        let touched = found.iter().fold(0, |all, (_, list)| all ^ list.touch());
        std::hint::black_box(touched);
        let is_tie = found.windows(2).any(|two| matches!(two, [one, other] if one.0 == other.0));
        let lists: Lists<T> = found.into_iter().map(|(_, list)| list.clone()).collect();
        let is_crowded = self.cache.is_crowded(self.routes.len());
        let mut found = if is_wanted && lists.iter().map(List::len).sum::<usize>() <= MOST_ROUTES {
            self.keep(topic, hash, &lists, is_tie)
        } else {
            Found { is_tie, ..Found::new(Matches::of_lists(lists)) }
        };
        found.is_crowded = is_crowded;
        found
    }

    /// Keeps what a type has come to, for the next time.
    fn keep(&self, topic: &str, hash: u64, lists: &Lists<T>, is_tie: bool) -> Found<T> {
        let mut routes: SmallVec<_> = lists.iter().flat_map(List::iter).cloned().collect();
        if is_tie {
            routes.sort_by(Registered::cmp_order);
        }
        let known = Arc::new(Known::new(topic, routes));
        let pushed_out = self.cache.keep(hash, &known);
        Found { pushed_out, ..Found::new(Matches::of_known(known)) }
    }

    /// Has the next change of that pattern be seen by all who route after it: to be called before
    /// it.
    pub(super) fn outdate(&mut self, pattern: &Pattern, outdated: &mut Outdated<T>) {
        if pattern.is_literal() && !self.cache.is_too_large(self.routes.len()) {
            let topic = pattern.as_str();
            self.cache.forget(self.patterns.hash(topic), topic, outdated);
        } else {
            self.cache.clear(outdated);
        }
    }

    /// Makes room for more types to be kept, if they are crowded.
    pub(super) fn make_room(&mut self) {
        self.cache.grow(self.routes.len());
    }

    /// How many types are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.cache.counts().0
    }

    /// How many nodes the patterns take, and how many places of nodes are free.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        self.patterns.counts()
    }
}

// === impl Found ===

impl<T> Found<T> {
    const fn new(matches: Matches<T>) -> Self {
        Self { matches, is_tie: false, is_crowded: false, pushed_out: None }
    }
}

#[cfg(test)]
mod tests;
