//! All circuits of one kind, by key.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::time::Instant;

use super::circuit::{Circuit, CircuitBreaker};
use super::options::BreakerOptions;
use super::state::Thresholds;
use super::{CircuitChange, CircuitStatus};
use crate::actor::{Actor, ActorRef, refused};
use crate::error::{Error, Result, codes};
use crate::listen::Listeners;
use crate::sync::Mutex;
use crate::system::{Home, InSystem};

/// How many circuits there are at most, unless it is said: one takes some 300 bytes, and whoever
/// calls more different things at a time is being made to.
const MOST_CIRCUITS: usize = 10_000;
/// How long it takes until somebody looks again who found few that may be forgotten, in
/// nanoseconds: so long that refusing new keys costs little, however many come.
const PAUSE: u64 = 100_000_000;
/// How long a key may be, in bytes.
const LONGEST_KEY: usize = 255;

/// Circuit breakers by key, with options in common. A clone is the same circuits.
///
/// A circuit is made when its key is first used, and kept. When there are as many as there may be,
/// those give way that nobody holds, that have no options of their own, and that are as new or were
/// not used for twice as long as they would be open.
#[derive(Clone)]
pub struct CircuitBreakers {
    breakers: Arc<Breakers>,
}

struct Breakers {
    thresholds: Thresholds,
    max_circuits: usize,
    home: Home,
    started: Instant,
    circuits: Mutex<Circuits>,
    listeners: Arc<Listeners<CircuitChange>>,
}

#[derive(Default)]
struct Circuits {
    by_key: HashMap<Arc<str>, Arc<Circuit>>,
    /// Before when nobody looks again for some that may be forgotten.
    rests_until: u64,
}

impl CircuitBreakers {
    /// Circuits with these options, at most 10,000 of them.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn new(system: &impl InSystem, options: BreakerOptions) -> Result<Self> {
        let max_circuits = NonZeroUsize::new(MOST_CIRCUITS).unwrap_or(NonZeroUsize::MIN);
        Self::with_max_circuits(system, options, max_circuits)
    }

    /// As [`Self::new`], with another number of circuits at most.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn with_max_circuits(
        system: &impl InSystem,
        options: BreakerOptions,
        max_circuits: NonZeroUsize,
    ) -> Result<Self> {
        let home = system.home();
        let breakers = Breakers {
            thresholds: options.thresholds()?,
            max_circuits: max_circuits.get(),
            started: Instant::now(),
            circuits: Mutex::default(),
            listeners: Arc::new(Listeners::new(&home.ports)),
            home,
        };
        Ok(Self { breakers: Arc::new(breakers) })
    }

    /// The circuit of `key`, which has 1 to 255 bytes. It is made if there is none.
    ///
    /// # Errors
    ///
    /// `too_many_circuits`; `invalid_options` for a key that cannot be.
    pub fn circuit(&self, key: &str) -> Result<CircuitBreaker> {
        Ok(CircuitBreaker { circuit: self.get_or_make(key)? })
    }

    /// Gives the circuit of `key` options of its own; it is made if there is none. One that is
    /// there stays what it is, and goes by the new options from now on.
    ///
    /// # Errors
    ///
    /// As [`Self::circuit`], and `invalid_options`.
    pub fn configure(&self, key: &str, options: BreakerOptions) -> Result<CircuitBreaker> {
        let thresholds = options.thresholds()?;
        let circuit = self.get_or_make(key)?;
        circuit.configure(thresholds);
        Ok(CircuitBreaker { circuit })
    }

    /// The circuit of `key`, if there is one: for whoever looks and does not call.
    ///
    /// # Errors
    ///
    /// `circuit_not_found`.
    pub fn find(&self, key: &str) -> Result<CircuitBreaker> {
        let found = self.breakers.circuits.lock().by_key.get(key).cloned();
        found.map(|circuit| CircuitBreaker { circuit }).ok_or_else(|| not_found(key))
    }

    /// Forgets the circuit of `key`. Whoever holds it goes on with it; the next call of
    /// [`Self::circuit`] makes a new one.
    ///
    /// # Errors
    ///
    /// `circuit_not_found`.
    pub fn remove(&self, key: &str) -> Result<()> {
        let removed = self.breakers.circuits.lock().by_key.remove(key);
        removed.map(drop).ok_or_else(|| not_found(key))
    }

    /// All circuits, by key, each as it is at some moment of the call.
    #[must_use]
    pub fn statuses(&self) -> Vec<CircuitStatus> {
        let circuits = self.breakers.circuits.lock();
        let all: BTreeMap<_, _> = circuits.by_key.clone().into_iter().collect();
        drop(circuits);
        all.into_values().map(|circuit| CircuitBreaker { circuit }.status()).collect()
    }

    /// How many circuits there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.breakers.circuits.lock().by_key.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells an actor of every change of any circuit from now on, as long as its incarnation of now
    /// runs, or until it [listens no more](Self::unlisten). `make` makes a message of a change, in
    /// the task of the listener; a panic in it is the listener's. Changes come before the messages
    /// in its mailbox, those of one circuit in order. One that listens twice is told twice.
    ///
    /// # Errors
    ///
    /// `no_process` when `listener` has ended; `invalid_options` for one of another system.
    pub fn listen<A: Actor>(
        &self,
        listener: &ActorRef<A>,
        make: impl Fn(CircuitChange) -> A::Message + Send + Sync + 'static,
    ) -> Result<()> {
        self.breakers.listeners.add(listener, make)
    }

    /// Tells an actor nothing more. What is on its way still comes.
    ///
    /// # Errors
    ///
    /// `not_registered` when it does not listen.
    pub fn unlisten<A: Actor>(&self, listener: &ActorRef<A>) -> Result<()> {
        self.breakers.listeners.remove(&listener.peer())
    }

    fn get_or_make(&self, key: &str) -> Result<Arc<Circuit>> {
        if key.is_empty() || key.len() > LONGEST_KEY {
            return Err(refused("key", "a key has 1 to 255 bytes"));
        }
        let Breakers { thresholds, max_circuits, home, started, listeners, .. } = &*self.breakers;
        let mut circuits = self.breakers.circuits.lock();
        if let Some(circuit) = circuits.by_key.get(key) {
            return Ok(Arc::clone(circuit));
        }
        let now = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let gone = circuits.make_room(*max_circuits, now);
        if circuits.by_key.len() >= *max_circuits {
            return Err(Error::from(codes::TOO_MANY_CIRCUITS).with_detail("max", *max_circuits));
        }
        let key: Arc<str> = key.into();
        let circuit = Circuit::new(Arc::clone(&key), *thresholds, home, *started, listeners);
        let circuit = Arc::new(circuit);
        circuits.by_key.insert(key, Arc::clone(&circuit));
        drop(circuits);
        drop(gone);
        Ok(circuit)
    }
}

impl Circuits {
    /// Takes out what may be forgotten, if there are as many as there may be.
    fn make_room(&mut self, max_circuits: usize, now: u64) -> Vec<Arc<Circuit>> {
        if self.by_key.len() < max_circuits || now < self.rests_until {
            return Vec::new();
        }
        // Nobody can take hold of one meanwhile: that needs this lock, or another hold.
        let may_go =
            |circuit: &Arc<Circuit>| Arc::strong_count(circuit) == 1 && circuit.is_idle(now);
        let gone = self.by_key.extract_if(|_, circuit| may_go(circuit));
        let gone: Vec<_> = gone.map(|(_, circuit)| circuit).collect();
        if gone.len() < max_circuits.div_ceil(8) {
            self.rests_until = now.saturating_add(PAUSE);
        }
        gone
    }
}

fn not_found(key: &str) -> Error {
    Error::from(codes::CIRCUIT_NOT_FOUND).with_detail("key", key)
}

impl fmt::Debug for CircuitBreakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakers").field("len", &self.len()).finish_non_exhaustive()
    }
}
