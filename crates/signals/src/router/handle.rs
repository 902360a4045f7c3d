//! A router, as its users see it.

use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use foundation::{Error, Result};

use super::cache::Outdated;
use super::matches::{Matches, PredicateFailure};
use super::registered::{Registered, RouteId};
use super::route::{IntoRoute, Route};
use super::table::Table;
use crate::codes;
use crate::error::shortened;
use crate::signal::Signal;
use crate::sync::RwLock;
use crate::topic::Pattern;

/// Finds who wants a signal: routes from [patterns](Pattern) to targets, which may be whatever
/// there is. A clone is the same router.
///
/// Routes may be added and removed by one thread while others route. Whoever routes sees the routes
/// as they were at one moment.
///
/// ```
/// use signals::{Router, Signal};
///
/// let router = Router::new();
/// let ids = router.add([("order.*.shipped", "mail"), ("order.**", "log")])?;
/// router.add([("order.7.shipped", "call", 100)])?;
///
/// let shipped = Signal::new("order.7.shipped", "/shop").id("1").build()?;
/// let matches = router.route(&shipped)?;
/// assert!(matches.targets().eq(&["call", "mail", "log"]));
///
/// router.remove(ids[1]);
/// let placed = Signal::new("order.7.placed", "/shop").id("2").build()?;
/// assert_eq!(router.route(&placed).unwrap_err().code(), "no_handlers");
/// # Ok::<_, foundation::Error>(())
/// ```
pub struct Router<T> {
    table: Arc<RwLock<Table<T>>>,
}

// === impl Router ===

impl<T> Router<T> {
    /// One without routes.
    #[must_use]
    pub fn new() -> Self {
        Self { table: Arc::new(RwLock::new(Table::new(seed()))) }
    }

    /// One with a set of routes.
    ///
    /// # Errors
    ///
    /// As from [`Self::add`].
    pub fn from_routes(set: impl IntoIterator<Item = impl IntoRoute<T>>) -> Result<Self> {
        let router = Self::new();
        router.add(set)?;
        Ok(router)
    }

    /// Adds a set of routes, in that order, and gives their ids. Either all are added or none: when
    /// one of them cannot be, the router stays as it is.
    ///
    /// # Errors
    ///
    /// `invalid_pattern`, `invalid_route`, or `route_exists` when a name is there already; the
    /// place of the route in the set is the detail `index`.
    pub fn add(&self, set: impl IntoIterator<Item = impl IntoRoute<T>>) -> Result<Vec<RouteId>> {
        let routes = checked(set)?;
        // Dropped after the lock.
        let mut outdated = Outdated::new();
        let mut table = self.table.write();
        let taken = routes.iter().enumerate().find_map(|(index, route)| {
            let name = route.name.as_deref().filter(|name| table.has_name(name))?;
            Some((index, exists(name)))
        });
        if let Some((index, error)) = taken {
            // The routes are dropped by whoever has no lock.
            drop(table);
            return Err(error.with_detail("index", index));
        }
        let add = |route: Route<T>| {
            table.outdate(&route.pattern, &mut outdated);
            table.add(route)
        };
        Ok(routes.into_iter().map(add).collect())
    }

    /// Adds one route, and gives its id.
    ///
    /// # Errors
    ///
    /// `invalid_pattern`, `invalid_route`, or `route_exists` when its name is there already.
    pub fn add_one(&self, route: impl IntoRoute<T>) -> Result<RouteId> {
        let route = route.into_route()?;
        let mut outdated = Outdated::new();
        let mut table = self.table.write();
        if let Some(name) = route.name.as_deref().filter(|name| table.has_name(name)) {
            let error = exists(name);
            drop(table);
            return Err(error);
        }
        table.outdate(&route.pattern, &mut outdated);
        Ok(table.add(route))
    }

    /// Puts a set of routes in place of all that there are, and gives their ids. Whoever routes
    /// sees either the ones or the others, and waits for nothing meanwhile: of a very large set, a
    /// new one is in place sooner than [added](Self::add) to.
    ///
    /// # Errors
    ///
    /// As from [`Self::add`], with which names are those of the set only; the router stays as it
    /// is.
    pub fn replace(
        &self,
        set: impl IntoIterator<Item = impl IntoRoute<T>>,
    ) -> Result<Vec<RouteId>> {
        let routes = checked(set)?;
        // Those who route go on meanwhile, however many there are.
        let mut fresh = Table::with_ids(seed(), self.table.write().take_ids(routes.len()));
        let ids = routes.into_iter().map(|route| fresh.add(route)).collect();
        let before = self.table.write().put_in_place(fresh);
        drop(before);
        Ok(ids)
    }

    /// Removes a route, and gives it, if it was there. Whoever has found it before may still use
    /// it.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn remove(&self, id: RouteId) -> Option<Registered<T>> {
        let mut outdated = Outdated::new();
        let mut table = self.table.write();
        let pattern = table.get(id)?.pattern().clone();
        table.outdate(&pattern, &mut outdated);
        table.remove(id)
    }

    /// Removes all routes of exactly that pattern, and says how many there were. Others stay, also
    /// those whose patterns begin with it.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn remove_pattern(&self, pattern: &Pattern) -> usize {
        let mut outdated = Outdated::new();
        let mut table = self.table.write();
        table.outdate(pattern, &mut outdated);
        let removed = table.remove_pattern(pattern);
        drop(table);
        removed.map_or(0, |list| list.len())
    }

    /// All routes, in the order in which they were added.
    #[must_use]
    pub fn list(&self) -> Vec<Registered<T>> {
        self.table.read().routes().cloned().collect()
    }

    /// A route, if it is there.
    #[must_use]
    pub fn get(&self, id: RouteId) -> Option<Registered<T>> {
        self.table.read().get(id).cloned()
    }

    /// Whether there is a route of exactly that pattern, wildcards taken literally. Of a text that
    /// is no pattern there is none.
    #[must_use]
    pub fn has_route(&self, pattern: &str) -> bool {
        pattern.parse().is_ok_and(|pattern| self.table.read().has_pattern(&pattern))
    }

    /// How many routes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.read().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The routes that match a signal, in order; there may be none.
    #[must_use]
    pub fn matching(&self, signal: &Signal) -> Matches<T> {
        let found = self.table.read().find(signal.topic().as_str());
        if found.is_crowded
            && let Some(mut table) = self.table.try_write()
        {
            table.make_room();
        }
        drop(found.pushed_out);
        let mut matches = found.matches;
        if found.is_tie {
            matches.merge();
        }
        matches.ask(signal);
        matches
    }

    /// The routes that match a signal, in order, of which there is at least one.
    ///
    /// # Errors
    ///
    /// `no_handlers` when none matches, with the `type`; and when conditions failed, with how many,
    /// as `failed`, and the error of the first one as the source.
    pub fn route(&self, signal: &Signal) -> Result<Matches<T>> {
        let matches = self.matching(signal);
        if matches.is_empty() {
            return Err(no_handlers(signal, matches.failures()));
        }
        Ok(matches)
    }
}

impl<T: Clone> Router<T> {
    /// Adds all routes that another router has, in the order in which they were added there, after
    /// those that are here, and gives their new ids.
    ///
    /// # Errors
    ///
    /// `route_exists` when a name is there already; the router stays as it is.
    pub fn merge(&self, other: &Self) -> Result<Vec<RouteId>> {
        self.add(other.list().iter().map(Registered::to_route))
    }
}

impl<T> Clone for Router<T> {
    fn clone(&self) -> Self {
        Self { table: Arc::clone(&self.table) }
    }
}

impl<T> Default for Router<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Router<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Something that nobody can know who chooses patterns. It decides nothing but where they are in a
/// table, and so need not be one of the system's seeds.
fn seed() -> u64 {
    RandomState::new().hash_one(())
}

/// All routes of a set, or an error that says which one cannot be.
fn checked<T>(set: impl IntoIterator<Item = impl IntoRoute<T>>) -> Result<Vec<Route<T>>> {
    let mut routes: Vec<Route<T>> = Vec::new();
    let mut names = BTreeSet::new();
    for (index, route) in set.into_iter().enumerate() {
        let at_index = |error: Error| error.with_detail("index", index);
        let route = route.into_route().map_err(at_index)?;
        if let Some(name) = &route.name
            && !names.insert(Arc::clone(name))
        {
            return Err(at_index(exists(name)));
        }
        routes.push(route);
    }
    Ok(routes)
}

fn exists(name: &str) -> Error {
    Error::from(codes::ROUTE_EXISTS)
        .with_message("another route has that name")
        .with_detail("name", shortened(name))
}

fn no_handlers<T>(signal: &Signal, failures: &[PredicateFailure<T>]) -> Error {
    let topic = signal.topic().as_str();
    let error = Error::from(codes::NO_HANDLERS)
        .with_message("no route matches the signal")
        .with_detail("type", shortened(topic));
    match failures {
        [] => error,
        [first, ..] => error.with_detail("failed", failures.len()).with_source(first.error.clone()),
    }
}

#[cfg(test)]
mod tests {
    //! What is remembered of types.

    use super::Router;
    use crate::signal::Signal;

    #[test]
    fn as_many_types_are_remembered_as_there_are_routes_or_more() {
        let router = Router::from_routes((0..1000).map(|it| (format!("a.{it}.b"), it))).unwrap();
        for it in 0..2000 {
            let topic = format!("a.{}.b", it % 1000);
            let signal = Signal::new(topic, "/test").id("1").build().unwrap();
            assert_eq!(router.matching(&signal).len(), 1);
        }
        let remembered = router.table.read().remembered();
        assert!(remembered > 900, "{remembered}");
        // Routes go one by one, and what is remembered with them.
        for route in router.list().iter().skip(10) {
            router.remove(route.id());
        }
        assert_eq!(router.table.read().remembered(), 0);
    }
}
