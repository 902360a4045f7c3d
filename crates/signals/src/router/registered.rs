//! A route that is in a router.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use foundation::{Result, contain};

use super::route::{Predicate, Route};
use crate::signal::Signal;
use crate::topic::Pattern;

/// Which route of a router it is: a later one has a greater id, and none is given twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(u64);

/// A [route](Route) that is or was in a router. A clone is the same one.
pub struct Registered<T>(Arc<Entry<T>>);

/// What whoever routes looks at is in front, on the line of the cache that a clone writes to.
#[repr(C)]
struct Entry<T> {
    id: RouteId,
    priority: i8,
    is_conditional: bool,
    target: T,
    specificity: i64,
    pattern: Pattern,
    predicate: Option<Predicate>,
    name: Option<Arc<str>>,
}

// === impl RouteId ===

impl RouteId {
    pub(super) const FIRST: Self = Self(1);

    pub(super) const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The one behind so many more.
    pub(super) const fn after(self, count: usize) -> Self {
        Self(self.0 + count as u64)
    }

    /// As a number, to show it.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for RouteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for RouteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RouteId({})", self.0)
    }
}

// === impl Registered ===

impl<T> Registered<T> {
    pub(super) fn new(id: RouteId, route: Route<T>) -> Self {
        let Route { pattern, priority, predicate, name, target } = route;
        let (specificity, is_conditional) = (pattern.specificity(), predicate.is_some());
        Self(Arc::new(Entry {
            id,
            priority,
            is_conditional,
            target,
            specificity,
            pattern,
            predicate,
            name,
        }))
    }

    /// Which one it is.
    #[must_use]
    pub fn id(&self) -> RouteId {
        self.0.id
    }

    /// What it matches.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.0.pattern
    }

    /// How [specific](Pattern::specificity) its pattern is.
    #[must_use]
    pub fn specificity(&self) -> i64 {
        self.0.specificity
    }

    /// Its priority.
    #[must_use]
    pub fn priority(&self) -> i8 {
        self.0.priority
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Whether it has a condition.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        self.0.is_conditional
    }

    /// Where it goes.
    #[must_use]
    pub fn target(&self) -> &T {
        &self.0.target
    }

    /// The order in which routes are given.
    pub(super) fn cmp_order(&self, other: &Self) -> Ordering {
        let specific = other.specificity().cmp(&self.specificity());
        let urgent = || other.priority().cmp(&self.priority());
        specific.then_with(urgent).then_with(|| self.id().cmp(&other.id()))
    }

    /// Whether the condition holds of a signal, if there is one.
    pub(super) fn accepts(&self, signal: &Signal) -> Result<bool> {
        match &self.0.predicate {
            None => Ok(true),
            Some(predicate) => contain(|| predicate(signal)).flatten(),
        }
    }
}

impl<T: Clone> Registered<T> {
    /// The same route, for another router.
    pub(super) fn to_route(&self) -> Route<T> {
        let Entry { priority, target, pattern, predicate, name, .. } = &*self.0;
        Route {
            pattern: pattern.clone(),
            priority: *priority,
            predicate: predicate.clone(),
            name: name.clone(),
            target: target.clone(),
        }
    }
}

impl<T> Clone for Registered<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Registered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Entry { id, priority, is_conditional, pattern, name, .. } = &*self.0;
        let mut shown = f.debug_struct("Registered");
        shown.field("id", id).field("pattern", pattern).field("priority", priority);
        shown.field("name", name).field("is_conditional", is_conditional).finish_non_exhaustive()
    }
}
