//! The routes that match a signal, in order.

use std::fmt;
use std::sync::Arc;

use foundation::Error;
use smallvec::SmallVec;

use super::cache::Known;
use super::list::List;
use super::registered::Registered;
use crate::signal::Signal;

/// What was found, one list for each pattern that matches. More than are kept in place are rare.
pub(super) type Lists<T> = SmallVec<[List<T>; 3]>;

/// The routes that match a signal, as they were at one moment, each once: more
/// [specific](crate::Pattern::specificity) ones first, of those equally specific the ones of higher
/// priority, and of those the ones that were added first.
pub struct Matches<T>(Form<T>);

enum Form<T> {
    /// Each no more specific than those before it.
    Lists(Lists<T>),
    /// What the type has come to before.
    Known(Arc<Known<T>>),
    Settled(Box<Settled<T>>),
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
    /// Lists, each no more specific than those before it.
    #[inline]
    pub(super) const fn of_lists(lists: Lists<T>) -> Self {
        Self(Form::Lists(lists))
    }

    /// What the type has come to before.
    #[inline]
    pub(super) const fn of_known(known: Arc<Known<T>>) -> Self {
        Self(Form::Known(known))
    }

    /// Puts routes of equally specific lists in one order.
    pub(super) fn merge(&mut self) {
        let mut routes: Vec<_> = self.iter().cloned().collect();
        routes.sort_by(Registered::cmp_order);
        self.0 = Form::Settled(Box::new(Settled { routes, failures: Vec::new() }));
    }

    /// Leaves those out whose condition does not hold. This runs code of the user.
    #[inline]
    pub(super) fn ask(&mut self, signal: &Signal) {
        let is_conditional = match &self.0 {
            Form::Lists(lists) => lists.iter().any(List::is_conditional),
            Form::Known(known) => known.is_conditional,
            Form::Settled(settled) => settled.routes.iter().any(Registered::is_conditional),
        };
        if is_conditional {
            self.ask_each(signal);
        }
    }

    fn ask_each(&mut self, signal: &Signal) {
        let (mut routes, mut failures) = (Vec::new(), Vec::new());
        for route in self.iter() {
            match route.accepts(signal) {
                Ok(true) => routes.push(route.clone()),
                Ok(false) => {}
                Err(error) => failures.push(PredicateFailure { route: route.clone(), error }),
            }
        }
        self.0 = Form::Settled(Box::new(Settled { routes, failures }));
    }

    /// How many routes match.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Lists(lists) => lists.iter().map(List::len).sum(),
            Form::Known(known) => known.routes.len(),
            Form::Settled(settled) => settled.routes.len(),
        }
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The routes, in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &Registered<T>> {
        let (routes, lists) = match &self.0 {
            Form::Lists(lists) => ([].as_slice(), lists.as_slice()),
            Form::Known(known) => (known.routes.as_slice(), [].as_slice()),
            Form::Settled(settled) => (settled.routes.as_slice(), [].as_slice()),
        };
        routes.iter().chain(lists.iter().flat_map(List::iter))
    }

    /// Where they go, in order.
    pub fn targets(&self) -> impl Iterator<Item = &T> {
        self.iter().map(Registered::target)
    }

    /// The conditions that failed, in order. Their routes are not among those that match.
    #[must_use]
    pub fn failures(&self) -> &[PredicateFailure<T>] {
        match &self.0 {
            Form::Settled(settled) => &settled.failures,
            Form::Lists(_) | Form::Known(_) => &[],
        }
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
