//! Routes: what is routed where, in which order, and under which condition.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use foundation::{Error, Result};

use crate::codes;
use crate::signal::Signal;
use crate::topic::Pattern;

/// The highest priority of a route; the lowest is its negative.
pub const MAX_PRIORITY: i8 = 100;

/// A condition of a route.
pub(super) type Predicate = Arc<dyn Fn(&Signal) -> Result<bool> + Send + Sync>;

/// Where signals go whose type matches a [pattern](Pattern), in a [`Router`](super::Router).
///
/// ```
/// use signals::{Route, Router, Signal};
///
/// let urgent = Route::new("order.*.placed", "express")?
///     .named("urgent orders")
///     .priority(50)?
///     .when(|signal| Ok(signal.subject() == Some("urgent")));
/// let router = Router::new();
/// router.add_one(urgent)?;
///
/// let order = Signal::new("order.7.placed", "/shop").id("7").subject("urgent").build()?;
/// assert!(router.route(&order)?.targets().eq([&"express"]));
/// # Ok::<_, foundation::Error>(())
/// ```
#[must_use = "nothing goes there until it is added to a router"]
#[derive(Clone)]
pub struct Route<T> {
    pub(super) pattern: Pattern,
    pub(super) priority: i8,
    pub(super) predicate: Option<Predicate>,
    pub(super) name: Option<Arc<str>>,
    pub(super) target: T,
}

impl<T> Route<T> {
    /// To `target`, by a pattern.
    ///
    /// # Errors
    ///
    /// `invalid_pattern`, as from [`Pattern::new`].
    pub fn new(pattern: impl Into<Cow<'static, str>>, target: T) -> Result<Self> {
        Ok(Self::of(Pattern::new(pattern)?, target))
    }

    /// To `target`, by a pattern that is there.
    pub const fn of(pattern: Pattern, target: T) -> Self {
        Self { pattern, priority: 0, predicate: None, name: None, target }
    }

    /// One to each of several targets, by the same pattern.
    ///
    /// # Errors
    ///
    /// `invalid_pattern`, as from [`Pattern::new`].
    pub fn each(
        pattern: impl Into<Cow<'static, str>>,
        targets: impl IntoIterator<Item = T>,
    ) -> Result<Vec<Self>> {
        let pattern = Pattern::new(pattern)?;
        Ok(targets.into_iter().map(|target| Self::of(pattern.clone(), target)).collect())
    }

    /// Its priority among routes that are equally [specific](Pattern::specificity), from -100 to
    /// 100; the highest comes first. 0 in the beginning.
    ///
    /// # Errors
    ///
    /// `invalid_route` when it is not from -100 to 100.
    pub fn priority(mut self, priority: i32) -> Result<Self> {
        match i8::try_from(priority) {
            Ok(allowed) if allowed.unsigned_abs() <= MAX_PRIORITY.unsigned_abs() => {
                self.priority = allowed;
                Ok(self)
            }
            _ => Err(Error::from(codes::INVALID_ROUTE)
                .with_message("the priority is not from -100 to 100")
                .with_detail("priority", priority)),
        }
    }

    /// Only for signals of which `predicate` says so.
    ///
    /// It is called for each signal that the pattern matches, on the thread of whoever routes it,
    /// so it should take little time. When it fails or panics the signal does not match this route;
    /// the others are asked all the same, and [`Matches::failures`](super::Matches::failures) says
    /// so. It may use the router.
    ///
    /// It is not tried when the route is added, as Jido does with a signal that it makes up: that
    /// it takes a signal and gives a truth is what its type says already, and a condition that
    /// fails on a signal that nobody sent says nothing about those that somebody will send.
    pub fn when(
        mut self,
        predicate: impl Fn(&Signal) -> Result<bool> + Send + Sync + 'static,
    ) -> Self {
        self.predicate = Some(Arc::new(predicate));
        self
    }

    /// Gives it a name that no other route of its router may have.
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl<T> fmt::Debug for Route<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Route");
        shown.field("pattern", &self.pattern).field("priority", &self.priority);
        if let Some(name) = &self.name {
            shown.field("name", name);
        }
        if self.predicate.is_some() {
            shown.field("predicate", &format_args!("_"));
        }
        shown.finish_non_exhaustive()
    }
}

/// What becomes a route: a [`Route`], or a pattern with a target and perhaps a priority.
pub trait IntoRoute<T> {
    /// Makes it.
    ///
    /// # Errors
    ///
    /// `invalid_pattern` or `invalid_route`.
    fn into_route(self) -> Result<Route<T>>;
}

impl<T> IntoRoute<T> for Route<T> {
    fn into_route(self) -> Result<Self> {
        Ok(self)
    }
}

/// What making one came to.
impl<T> IntoRoute<T> for Result<Route<T>> {
    fn into_route(self) -> Self {
        self
    }
}

impl<T, P: Into<Cow<'static, str>>> IntoRoute<T> for (P, T) {
    fn into_route(self) -> Result<Route<T>> {
        Route::new(self.0, self.1)
    }
}

impl<T, P: Into<Cow<'static, str>>> IntoRoute<T> for (P, T, i32) {
    fn into_route(self) -> Result<Route<T>> {
        Route::new(self.0, self.1)?.priority(self.2)
    }
}
