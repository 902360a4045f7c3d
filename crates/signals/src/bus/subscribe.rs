//! Subscribing an actor.

use std::fmt;
use std::future::{IntoFuture, Ready, ready};
use std::sync::{Arc, Weak};

use foundation::{Actor, Error, Incarnation, Pid, Result};

use super::delivery::Delivery;
use super::guarded::Guarded;
use super::handle::{Bus, Shared};
use super::receiver::{Receive, Receiver};
use super::subscription::{Subscriber, SubscriptionId, Wanted, WhenFull};
use crate::codes;
use crate::durable::{Durable, DurableOptions};
use crate::error::invalid_options;
use crate::signal::Signal;
use crate::topic::Pattern;

/// How many patterns a subscription may have.
const MOST_PATTERNS: usize = 256;

/// A condition beside the pattern.
pub(super) type Condition = Arc<dyn Fn(&Signal) -> Result<bool> + Send + Sync>;

/// What a subscription is about: a pattern, or several of which one has to match.
pub trait IntoPatterns {
    /// The patterns.
    ///
    /// # Errors
    ///
    /// `invalid_pattern`.
    fn into_patterns(self) -> Result<Vec<Pattern>>;
}

/// A subscription of an actor that is being made. Made by
/// [`Bus::subscribe`](super::Bus::subscribe); await it.
#[must_use = "nothing is subscribed to until it is awaited"]
pub struct Subscribe<'a, A: Actor, F> {
    shared: &'a Arc<Shared>,
    incarnation: Incarnation<A>,
    make: F,
    terms: Terms,
}

/// Whose a subscription was that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detached {
    Actor,
    /// A handler, which ends with it.
    Handler(Pid),
}

/// What is common to all kinds of subscriptions.
pub(super) struct Terms {
    pub(super) patterns: Result<Vec<Pattern>>,
    pub(super) name: Option<Arc<str>>,
    pub(super) priority: i8,
    pub(super) when_full: WhenFull,
    pub(super) condition: Option<Condition>,
    is_handler: bool,
}

impl<'a, A, F> Subscribe<'a, A, F>
where
    A: Actor,
    F: Fn(Delivery) -> A::Message + Send + Sync + 'static,
{
    pub(super) fn new(
        shared: &'a Arc<Shared>,
        patterns: Result<Vec<Pattern>>,
        incarnation: Incarnation<A>,
        make: F,
    ) -> Self {
        Self { shared, incarnation, make, terms: Terms::new(patterns) }
    }

    /// What it is called: no two subscriptions of a bus are called the same.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.terms.name = Some(name.into());
        self
    }

    /// Its priority among those whose patterns are as specific, from -100 to 100; the greater one
    /// is delivered to first. 0 unless this is said.
    pub const fn priority(mut self, priority: i8) -> Self {
        self.terms.priority = priority;
        self
    }

    /// What happens when the actor has no room.
    pub const fn when_full(mut self, then: WhenFull) -> Self {
        self.terms.when_full = then;
        self
    }

    /// A condition beside the pattern. It runs in the publisher's task; of a bus with a log in the
    /// task that delivers. One that fails or panics does not match, and the publisher is told.
    pub fn when(
        mut self,
        condition: impl Fn(&Signal) -> Result<bool> + Send + Sync + 'static,
    ) -> Self {
        self.terms.condition = Some(guarded(condition));
        self
    }

    /// Consumes a durable subscription: it is there for good, under its name, and goes on where it
    /// was when somebody consumes it again. Takes a name, or [`DurableOptions`].
    ///
    /// # Errors
    ///
    /// `invalid_pattern`, `invalid_options`; `no_log` when the bus has none; `consumer_exists` when
    /// another incarnation consumes it that lives; `too_many_subscriptions`; `no_process` when the
    /// actor has ended; `bus_not_running`; whatever the log fails with.
    pub async fn durable(self, options: impl Into<DurableOptions>) -> Result<Durable> {
        let Self { shared, incarnation, make, terms } = self;
        let options = options.into();
        let patterns = terms.durable(&options)?;
        let receiver = Box::new(Receiver::new(incarnation.clone(), make));
        let bus = Bus { shared: Arc::clone(shared) };
        bus.consume(patterns, options, &incarnation, receiver).await
    }

    fn subscribe(self) -> Result<SubscriptionId> {
        let Self { shared, incarnation, make, terms } = self;
        shared.attach(terms, &incarnation, make)
    }
}

impl<A, F> IntoFuture for Subscribe<'_, A, F>
where
    A: Actor,
    F: Fn(Delivery) -> A::Message + Send + Sync + 'static,
{
    type Output = Result<SubscriptionId>;
    type IntoFuture = Ready<Result<SubscriptionId>>;

    /// # Errors
    ///
    /// `invalid_pattern`; `invalid_route` for a priority, and `invalid_options` for a name or a
    /// number of patterns, that cannot be; `subscription_exists` when another one has the name;
    /// `too_many_subscriptions`; `no_process` when the actor has ended; `bus_not_running`.
    fn into_future(self) -> Self::IntoFuture {
        ready(self.subscribe())
    }
}

impl<A: Actor, F> fmt::Debug for Subscribe<'_, A, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Subscribe");
        shown.field("patterns", &self.terms.patterns).finish_non_exhaustive()
    }
}

/// A condition of a user.
pub(super) fn guarded(
    condition: impl Fn(&Signal) -> Result<bool> + Send + Sync + 'static,
) -> Condition {
    let condition = Guarded::new(condition);
    Arc::new(move |signal| condition.get().map_or(Ok(false), |condition| condition(signal)))
}

// === impl Terms ===

impl Terms {
    pub(super) fn new(patterns: Result<Vec<Pattern>>) -> Self {
        let (name, priority, when_full, condition) = (None, 0, WhenFull::default(), None);
        Self { patterns, name, priority, when_full, condition, is_handler: false }
    }

    /// The same, of a receiver that is there for this alone.
    pub(super) fn of_handler(self) -> Self {
        Self { is_handler: true, ..self }
    }

    /// The patterns of a durable subscription, which has nothing else of this.
    pub(super) fn durable(self, options: &DurableOptions) -> Result<Vec<Pattern>> {
        self.validate()?;
        options.validate()?;
        if self.condition.is_some() {
            return Err(invalid_options("when", "a durable subscription has patterns only"));
        }
        if self.name.is_some() || self.priority != 0 || self.when_full != WhenFull::default() {
            let why = "of name, priority and room a durable subscription has its own options";
            return Err(invalid_options("durable", why));
        }
        self.patterns
    }

    pub(super) fn validate(&self) -> Result<()> {
        let patterns = self.patterns.as_ref().map_err(Clone::clone)?;
        if patterns.is_empty() || patterns.len() > MOST_PATTERNS {
            return Err(invalid_options("patterns", "there are 1 to 256 of them"));
        }
        if self.name.as_ref().is_some_and(|name| name.is_empty() || name.len() > 255) {
            return Err(invalid_options("name", "a name has 1 to 255 bytes"));
        }
        Ok(())
    }
}

// === impl Shared ===

impl Shared {
    /// A new subscription of an incarnation.
    pub(super) fn attach<A, F>(
        self: &Arc<Self>,
        terms: Terms,
        incarnation: &Incarnation<A>,
        make: F,
    ) -> Result<SubscriptionId>
    where
        A: Actor,
        F: Fn(Delivery) -> A::Message + Send + Sync + 'static,
    {
        self.check_runs()?;
        terms.validate()?;
        let receiver = Box::new(Receiver::new(incarnation.clone(), make));
        let id = self.insert(terms, receiver)?;
        // From here on its end takes the subscription away; if it has come before, that is done
        // here.
        let weak: Weak<Self> = Arc::downgrade(self);
        let at_end = incarnation.at_end(move || {
            if let Some(shared) = weak.upgrade() {
                shared.forget(id);
            }
        });
        let at_end = at_end.inspect_err(|_| self.forget(id))?;
        let table = self.table.lock();
        if let Some(subscriber) = table.get(id) {
            // With the table held: who ends it finds this.
            *subscriber.at_end.lock() = Some(at_end);
        } else {
            // Somebody has ended it in this moment.
            drop(table);
            at_end.call_off();
        }
        Ok(id)
    }

    fn insert(&self, terms: Terms, receiver: Box<dyn Receive>) -> Result<SubscriptionId> {
        let Terms { patterns, name, priority, when_full, condition, is_handler } = terms;
        let wanted = Wanted { name, patterns: patterns?, priority, when_full, is_handler };
        let since = self.home.now();
        let mut table = self.table.lock();
        if table.len() >= self.max_subscriptions {
            let error = Error::from(codes::TOO_MANY_SUBSCRIPTIONS);
            return Err(error.with_detail("max_subscriptions", self.max_subscriptions));
        }
        if let Some(name) = wanted.name.as_ref().filter(|name| table.has_name(name)) {
            return Err(Error::from(codes::SUBSCRIPTION_EXISTS).with_detail("name", &**name));
        }
        let id = table.next_id();
        let subscriber = Arc::new(Subscriber::new(id, wanted, since, receiver));
        table.insert(Arc::clone(&subscriber));
        drop(table);
        match subscriber.routes(condition.as_ref()).and_then(|routes| self.router.add(routes)) {
            Ok(routes) => {
                if let Err(routes) = self.table.lock().set_routes(id, routes) {
                    // Somebody has ended it in this moment.
                    for route in routes {
                        self.router.remove(route);
                    }
                }
                Ok(id)
            }
            Err(error) => {
                self.forget(id);
                Err(error)
            }
        }
    }

    /// Takes a subscription away, if it is there.
    fn forget(&self, id: SubscriptionId) {
        let _ = self.detach(id);
    }

    /// Takes a subscription away, and gives whose it was.
    pub(super) fn detach(&self, id: SubscriptionId) -> Option<Detached> {
        let entry = self.table.lock().remove(id)?;
        entry.subscriber.end();
        for route in entry.routes {
            self.router.remove(route);
        }
        let at_end = entry.subscriber.at_end.lock().take();
        if let Some(at_end) = at_end {
            at_end.call_off();
        }
        let pid = entry.subscriber.receiver.pid();
        let is_handler = entry.subscriber.is_handler;
        Some(if is_handler { Detached::Handler(pid) } else { Detached::Actor })
    }
}

// === impl IntoPatterns ===

impl IntoPatterns for &str {
    fn into_patterns(self) -> Result<Vec<Pattern>> {
        Ok(vec![Pattern::new(self.to_owned())?])
    }
}

impl IntoPatterns for String {
    fn into_patterns(self) -> Result<Vec<Pattern>> {
        Ok(vec![Pattern::new(self)?])
    }
}

impl IntoPatterns for Pattern {
    fn into_patterns(self) -> Result<Vec<Pattern>> {
        Ok(vec![self])
    }
}

impl IntoPatterns for &[&str] {
    fn into_patterns(self) -> Result<Vec<Pattern>> {
        self.iter().map(|text| Pattern::new((*text).to_owned())).collect()
    }
}

impl<const N: usize> IntoPatterns for [&str; N] {
    fn into_patterns(self) -> Result<Vec<Pattern>> {
        self.as_slice().into_patterns()
    }
}

impl IntoPatterns for Vec<Pattern> {
    fn into_patterns(self) -> Result<Vec<Pattern>> {
        Ok(self)
    }
}
