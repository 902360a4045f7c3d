//! A resource, as its users see it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use super::BackpressureChange;
use super::options::ResourceOptions;
use super::state::{Backpressure, Change, Refused, State, Ticket, Urgency};
use crate::actor::{Actor, ActorRef, refused};
use crate::error::{Error, Result, codes};
use crate::listen::Listeners;
use crate::sync::Mutex;
use crate::system::{Home, InSystem};

/// What a resource is. A type without values is enough:
///
/// ```
/// enum Connections {}
///
/// impl foundation::ResourceKind for Connections {
///     const NAME: &'static str = "connections";
/// }
/// ```
pub trait ResourceKind: 'static {
    /// What it is called, in errors and events.
    const NAME: &'static str;
}

/// A resource of which there is only so much. A clone is the same resource.
///
/// ```
/// # enum Connections {}
/// # impl foundation::ResourceKind for Connections {
/// #     const NAME: &'static str = "connections";
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::{Resource, ResourceOptions, System};
///
/// let system = System::builder().name("shop").start().await?;
/// let connections = Resource::<Connections>::new(&system, ResourceOptions::new(10))?;
/// let permit = connections.acquire(10)?;
/// assert_eq!(connections.acquire(1).unwrap_err().code(), "resource_exhausted");
/// drop(permit);
/// assert_eq!(connections.status().used, 0);
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Resource<K: ResourceKind> {
    resource: Arc<Inner>,
    kind: PhantomData<fn() -> K>,
}

/// The right to use some units of a resource. Dropping it gives them back.
///
/// It is of the type of its resource:
///
/// ```compile_fail,E0308
/// # use foundation::{ResourceKind, ResourcePermit};
/// # enum Connections {}
/// # impl ResourceKind for Connections { const NAME: &'static str = "connections"; }
/// # enum Files {}
/// # impl ResourceKind for Files { const NAME: &'static str = "files"; }
/// fn connect(permit: &ResourcePermit<Connections>) {}
/// fn mistaken(file: &ResourcePermit<Files>) {
///     connect(file);
/// }
/// ```
#[must_use = "dropping a permit gives it back"]
pub struct ResourcePermit<K: ResourceKind> {
    resource: Arc<Inner>,
    ticket: Ticket,
    kind: PhantomData<fn() -> K>,
}

struct Inner {
    name: Arc<str>,
    home: Home,
    limit: u64,
    started: Instant,
    /// Listeners are told under this lock, so that all hear in one order.
    state: Mutex<State>,
    listeners: Arc<Listeners<BackpressureChange>>,
}

/// A resource, as it was when it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResourceStatus {
    /// How much is in use, by permits and otherwise.
    pub used: u64,
    /// How much there is.
    pub limit: u64,
    /// How many permits are held.
    pub permits: usize,
    /// How nearly it is used up.
    pub level: Backpressure,
}

// === impl Resource ===

impl<K: ResourceKind> Resource<K> {
    /// A resource of which nothing is used.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn new(system: &impl InSystem, options: ResourceOptions) -> Result<Self> {
        let levels = options.levels()?;
        let lifetime = options.permit_lifetime;
        let lifetime = lifetime.map(|life| u64::try_from(life.as_nanos()).unwrap_or(u64::MAX));
        let home = system.home();
        let resource = Inner {
            name: K::NAME.into(),
            limit: levels.limit,
            started: Instant::now(),
            state: Mutex::new(State::new(levels, lifetime)),
            listeners: Arc::new(Listeners::new(&home.ports)),
            home,
        };
        Ok(Self { resource: Arc::new(resource), kind: PhantomData })
    }

    /// Takes some units, all of them or none; 1 or more.
    ///
    /// # Errors
    ///
    /// `backpressure_active` while the level is severe; `resource_exhausted` when there are not as
    /// many; `cost_too_high` when there never are; `invalid_options` for 0.
    pub fn acquire(&self, units: u64) -> Result<ResourcePermit<K>> {
        self.take(units, Urgency::Ordinary)
    }

    /// Takes some units for work that is given some also while the level is severe: what frees
    /// more than it takes, above all.
    ///
    /// # Errors
    ///
    /// As [`Self::acquire`], but for `backpressure_active`.
    pub fn acquire_urgent(&self, units: u64) -> Result<ResourcePermit<K>> {
        self.take(units, Urgency::Urgent)
    }

    /// Says how much is used by those who take no permits, as it was measured. It takes the place
    /// of what was said before; it may be more than there is.
    pub fn observe(&self, units: u64) {
        self.resource.change(|state, _| state.observe(units));
    }

    /// How much is in use.
    #[must_use]
    pub fn status(&self) -> ResourceStatus {
        let limit = self.resource.limit;
        self.resource.change(|state, _| ResourceStatus {
            used: state.used(),
            limit,
            permits: state.permits(),
            level: state.level(),
        })
    }

    /// Tells an actor of every change of the level from now on, as long as its incarnation of now
    /// runs, or until it [listens no more](Self::unlisten). `make` makes a message of a change, in
    /// the task of the listener; a panic in it is the listener's. Changes come before the messages
    /// in its mailbox, in order. One that listens twice is told twice.
    ///
    /// # Errors
    ///
    /// `no_process` when `listener` has ended; `invalid_options` for one of another system.
    pub fn listen<A: Actor>(
        &self,
        listener: &ActorRef<A>,
        make: impl Fn(BackpressureChange) -> A::Message + Send + Sync + 'static,
    ) -> Result<()> {
        self.resource.listeners.add(listener, make)
    }

    /// Tells an actor nothing more. What is on its way still comes.
    ///
    /// # Errors
    ///
    /// `not_registered` when it does not listen.
    pub fn unlisten<A: Actor>(&self, listener: &ActorRef<A>) -> Result<()> {
        self.resource.listeners.remove(&listener.peer())
    }

    fn take(&self, units: u64, urgency: Urgency) -> Result<ResourcePermit<K>> {
        let Inner { name, limit, .. } = &*self.resource;
        if units == 0 {
            return Err(refused("units", "1 or more"));
        }
        if units > *limit {
            return Err(Error::from(codes::COST_TOO_HIGH)
                .with_detail("resource", &**name)
                .with_detail("cost", units)
                .with_detail("limit", *limit));
        }
        let taken = self.resource.change(|state, now| match state.acquire(units, urgency, now) {
            Ok(ticket) => Ok(ticket),
            Err(refused) => Err((refused, state.used())),
        });
        match taken {
            Ok(ticket) => {
                let resource = Arc::clone(&self.resource);
                Ok(ResourcePermit { resource, ticket, kind: PhantomData })
            }
            Err((refused, used)) => {
                tracing::debug!(resource = %name, units, used, "resource.refused");
                let code = match refused {
                    Refused::Exhausted => codes::RESOURCE_EXHAUSTED,
                    Refused::Backpressure => codes::BACKPRESSURE_ACTIVE,
                };
                Err(Error::from(code)
                    .with_detail("resource", &**name)
                    .with_detail("used", used)
                    .with_detail("limit", *limit))
            }
        }
    }
}

impl<K: ResourceKind> Clone for Resource<K> {
    fn clone(&self) -> Self {
        Self { resource: Arc::clone(&self.resource), kind: PhantomData }
    }
}

impl<K: ResourceKind> fmt::Debug for Resource<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Resource");
        shown.field("name", &K::NAME).field("status", &self.status()).finish_non_exhaustive()
    }
}

// === impl ResourcePermit ===

impl<K: ResourceKind> ResourcePermit<K> {
    /// For how many units it is.
    #[must_use]
    pub const fn units(&self) -> u64 {
        self.ticket.units
    }

    /// Whether its units were taken back, because it was held for longer than a permit lives.
    #[must_use]
    pub fn has_expired(&self) -> bool {
        self.resource.change(|state, _| state.has_expired(self.ticket))
    }
}

impl<K: ResourceKind> Drop for ResourcePermit<K> {
    fn drop(&mut self) {
        self.resource.change(|state, _| state.release(self.ticket));
    }
}

impl<K: ResourceKind> fmt::Debug for ResourcePermit<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ResourcePermit");
        shown.field("resource", &K::NAME).field("units", &self.units()).finish_non_exhaustive()
    }
}

// === impl Inner ===

impl Inner {
    /// Takes back what has expired, changes something, and tells of the levels that it has then:
    /// listeners under the lock, so that all hear in one order, and whoever reads events after it.
    fn change<T>(&self, change: impl FnOnce(&mut State, u64) -> T) -> T {
        let at = self.home.ports.now();
        let mut state = self.state.lock();
        // Under the lock, so that time does not go back from one to the next.
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let expired = state.expire(now);
        let without_those = self.settle(&mut state, at);
        let changed = change(&mut state, now);
        let after = self.settle(&mut state, at);
        drop(state);
        if expired > 0 {
            tracing::warn!(resource = %self.name, expired, "resource.permits_expired");
        }
        for Change { from, to, used } in without_those.into_iter().chain(after) {
            let (resource, limit) = (&self.name, self.limit);
            if to > from {
                tracing::warn!(%resource, ?from, ?to, used, limit, "resource.level_changed");
            } else {
                tracing::info!(%resource, ?from, ?to, used, limit, "resource.level_changed");
            }
        }
        changed
    }

    /// Goes to the level that what is in use has, and tells listeners.
    fn settle(&self, state: &mut State, at: Timestamp) -> Option<Change> {
        let change = state.settle()?;
        let Change { from, to, used } = change;
        let (resource, limit) = (Arc::clone(&self.name), self.limit);
        self.listeners.tell(&BackpressureChange { resource, from, to, used, limit, at, missed: 0 });
        Some(change)
    }
}
