//! The routes that match a signal, in order.

use std::fmt;

use foundation::Error;
use smallvec::SmallVec;

use super::list::List;
use super::registered::Registered;
use crate::signal::Signal;

/// What was found, one list for each pattern that matches. More than are kept in place are rare.
type Lists<T> = SmallVec<[List<T>; 3]>;

/// The routes that match a signal, as they were at one moment, each once: more
/// [specific](crate::Pattern::specificity) ones first, of those equally specific the ones of higher
/// priority, and of those the ones that were added first.
pub struct Matches<T> {
    lists: Lists<T>,
    /// In place of the lists.
    settled: Option<Box<Settled<T>>>,
}

/// What came of lists that had to be merged, or in which there are conditions.
struct Settled<T> {
    routes: Vec<Registered<T>>,
    failures: Vec<PredicateFailure<T>>,
}

/// A condition that failed or panicked: its route did not match.
#[derive(Clone)]
#[non_exhaustive]
pub struct PredicateFailure<T> {
    /// Whose condition.
    pub route: Registered<T>,
    /// What it gave; `callback_panicked` when it panicked.
    pub error: Error,
}

// === impl Matches ===

impl<T> Matches<T> {
    /// Nothing yet.
    #[inline]
    pub(super) fn new() -> Self {
        Self { lists: SmallVec::new(), settled: None }
    }

    /// Adds a list that is no more specific than those before it.
    #[inline]
    pub(super) fn push(&mut self, list: List<T>) {
        self.lists.push(list);
    }

    /// Puts routes of equally specific lists in one order.
    pub(super) fn merge(&mut self) {
        let mut routes: Vec<_> = self.iter().cloned().collect();
        routes.sort_by(Registered::cmp_order);
        self.settled = Some(Box::new(Settled { routes, failures: Vec::new() }));
    }

    /// Leaves those out whose condition does not hold. This runs code of the user.
    pub(super) fn ask(&mut self, signal: &Signal) {
        if !self.lists.iter().any(List::is_conditional) {
            return;
        }
        let (mut routes, mut failures) = (Vec::new(), Vec::new());
        for route in self.iter() {
            match route.accepts(signal) {
                Ok(true) => routes.push(route.clone()),
                Ok(false) => {}
                Err(error) => failures.push(PredicateFailure { route: route.clone(), error }),
            }
        }
        self.settled = Some(Box::new(Settled { routes, failures }));
    }

    /// How many routes match.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.settled {
            None => self.lists.iter().map(List::len).sum(),
            Some(settled) => settled.routes.len(),
        }
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match &self.settled {
            None => self.lists.is_empty(),
            Some(settled) => settled.routes.is_empty(),
        }
    }

    /// The routes, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Registered<T>> {
        let (lists, routes) = match &self.settled {
            None => (self.lists.as_slice(), [].as_slice()),
            Some(settled) => ([].as_slice(), settled.routes.as_slice()),
        };
        lists.iter().flat_map(List::iter).chain(routes)
    }

    /// Where they go, in order.
    pub fn targets(&self) -> impl Iterator<Item = &T> {
        self.iter().map(Registered::target)
    }

    /// The conditions that failed, in order. Their routes are not among those that match.
    #[must_use]
    pub fn failures(&self) -> &[PredicateFailure<T>] {
        self.settled.as_ref().map_or(&[], |settled| &settled.failures)
    }
}

impl<T> fmt::Debug for PredicateFailure<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("PredicateFailure");
        shown.field("route", &self.route.id()).field("error", &self.error).finish()
    }
}

impl<T> fmt::Debug for Matches<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = fmt::from_fn(|f| f.debug_list().entries(self.iter()).finish());
        let mut shown = f.debug_struct("Matches");
        shown.field("routes", &routes).field("failures", &self.failures()).finish()
    }
}
