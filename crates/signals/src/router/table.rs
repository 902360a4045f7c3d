//! What a router holds: routes by pattern, by id and by name. Nothing here runs code of a user, and
//! what is taken out is handed back, to be dropped when nobody holds a lock.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::index::Index;
use super::list::List;
use super::matches::Matches;
use super::registered::{Registered, RouteId};
use super::route::Route;
use crate::topic::Pattern;

pub(super) struct Table<T> {
    patterns: Index<T>,
    routes: BTreeMap<RouteId, Registered<T>>,
    names: BTreeMap<Arc<str>, RouteId>,
    next: RouteId,
}

// === impl Table ===

impl<T> Table<T> {
    /// An empty one, with a seed for its hashes.
    pub(super) fn new(seed: u64) -> Self {
        let (routes, names) = (BTreeMap::new(), BTreeMap::new());
        Self { patterns: Index::new(seed), routes, names, next: RouteId::FIRST }
    }

    /// Takes all routes out, and gives ids from where this has come to.
    pub(super) fn take(&mut self, seed: u64) -> Self {
        let next = Self { next: self.next, ..Self::new(seed) };
        std::mem::replace(self, next)
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

    /// Adds the routes of all patterns that a type matches, the more specific ones first. Whether
    /// some are equally specific, and so have to be merged.
    pub(super) fn find(&self, topic: &str, matches: &mut Matches<T>) -> bool {
        let mut found = self.patterns.find(topic);
        if found.len() > 1 {
            found.sort_unstable_by_key(|&(specificity, _)| Reverse(specificity));
        }
        // All of them are looked at before the first one is cloned: memory brings them at the same
        // time, while a clone waits for its own.
        let touched = found.iter().fold(0, |all, (_, list)| all ^ list.touch());
        std::hint::black_box(touched);
        let (mut before, mut any_tie) = (None, false);
        for (specificity, list) in found {
            any_tie |= before == Some(specificity);
            before = Some(specificity);
            matches.push(list.clone());
        }
        any_tie
    }

    /// How many nodes the patterns take, and how many places of nodes are free.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        self.patterns.counts()
    }
}

#[cfg(test)]
mod tests;
