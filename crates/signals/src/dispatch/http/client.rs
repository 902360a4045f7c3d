//! What all endpoints of a dispatcher share: circuits, limits, and how connections are made.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use foundation::{
    BreakerOptions, Bulkhead, BulkheadOptions, CircuitBreakers, CircuitPermit, Error, Home, Result,
    Retry, codes as system_codes,
};

use super::attempt::attempt;
use super::circuit::settle;
use super::connect::Connector;
use super::endpoint::{Endpoint, Message};
use super::resolve::{Lookup, Resolver};
use super::tls;
use crate::bus::Outcome;
use crate::dispatch::report::Sent;
use crate::error::invalid_options;
use crate::signal::Signal;
use crate::sync::{AtomicU32, Mutex, Ordering};

/// The most connections: as many as a process may have files open, on a machine that allows more
/// than usual.
const MOST_CONNECTIONS: usize = 10_000;
/// The most signals that are on their way; each holds its message.
const MOST_IN_FLIGHT: usize = 100_000;
/// The most circuits: one for each destination that is in use or has lately failed. One takes some
/// 400 bytes.
const MOST_CIRCUITS: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();
/// How many origins are remembered beside those in use: to remember one costs some 200 bytes, and
/// to make it anew is cheap.
const IDLE_ORIGINS: usize = 256;

/// How endpoints are reached, in common.
#[derive(Clone)]
pub(in super::super) struct ClientOptions {
    pub(in super::super) max_in_flight: usize,
    pub(in super::super) max_connections: usize,
    pub(in super::super) max_connections_per_origin: usize,
    pub(in super::super) circuit: BreakerOptions,
    pub(in super::super) roots: Vec<Vec<u8>>,
    pub(in super::super) resolver: Option<Arc<Lookup>>,
}

/// What is known of the attempts to send one signal.
#[derive(Default)]
struct Tried {
    attempts: AtomicU32,
    failed: Mutex<Option<Error>>,
}

/// What sends to endpoints.
pub(in super::super) struct Client {
    home: Home,
    connector: Connector,
    circuits: CircuitBreakers,
    in_flight: Bulkhead,
    connections: Bulkhead,
    /// The connections of each origin that is in use, and of some that were.
    origins: Mutex<HashMap<Arc<str>, Arc<Bulkhead>>>,
    per_origin: BulkheadOptions,
}

// === impl ClientOptions ===

impl ClientOptions {
    fn validate(&self) -> Result<()> {
        let limits = [
            ("max_in_flight", self.max_in_flight, MOST_IN_FLIGHT, "1 to 100,000"),
            ("max_connections", self.max_connections, MOST_CONNECTIONS, "1 to 10,000"),
            (
                "max_connections_per_origin",
                self.max_connections_per_origin,
                MOST_CONNECTIONS,
                "1 to 10,000",
            ),
        ];
        let wrong = limits.iter().find(|(_, value, most, _)| !(1..=*most).contains(value));
        wrong.map_or(Ok(()), |(field, _, _, range)| Err(invalid_options(field, range)))
    }
}

impl Default for ClientOptions {
    fn default() -> Self {
        let reset_after = Duration::from_secs(30);
        Self {
            max_in_flight: 1024,
            max_connections: 64,
            max_connections_per_origin: 8,
            circuit: BreakerOptions::default().reset_after(reset_after).success_threshold(1),
            roots: Vec::new(),
            resolver: None,
        }
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("max_in_flight", &self.max_in_flight)
            .field("max_connections", &self.max_connections)
            .field("max_connections_per_origin", &self.max_connections_per_origin)
            .field("circuit", &self.circuit)
            .finish_non_exhaustive()
    }
}

// === impl Client ===

impl Client {
    pub(in super::super) fn new(home: &Home, options: ClientOptions) -> Result<Self> {
        options.validate()?;
        let resolver = Resolver::new(home, options.resolver);
        let connector = Connector { resolver, tls: tls::configuration(&options.roots)? };
        // Whoever waits is in flight, so that as many may wait as may be in flight.
        let limit = |most| BulkheadOptions::new(most).max_queue(options.max_in_flight);
        let circuits = CircuitBreakers::with_max_circuits(home, options.circuit, MOST_CIRCUITS)?;
        let in_flight = BulkheadOptions::new(options.max_in_flight).max_queue(0);
        Ok(Self {
            home: home.clone(),
            connector,
            circuits,
            in_flight: Bulkhead::new(home, "signals.in_flight", in_flight)?,
            connections: Bulkhead::new(
                home,
                "signals.connections",
                limit(options.max_connections),
            )?,
            origins: Mutex::default(),
            per_origin: limit(options.max_connections_per_origin),
        })
    }

    pub(in super::super) const fn circuits(&self) -> &CircuitBreakers {
        &self.circuits
    }

    /// Sends a signal to an endpoint, and tries again as long as that may help.
    pub(in super::super) async fn send(&self, endpoint: &Endpoint, signal: &Signal) -> Sent {
        let tried = Tried::default();
        let outcome = match self.try_to_send(endpoint, signal, &tried).await {
            Ok(()) => Outcome::Acknowledged,
            Err(error) => Outcome::Failed(error.with_detail("destination", &**endpoint.name())),
        };
        Sent { pid: None, attempts: tried.attempts.into_inner(), outcome }
    }

    async fn try_to_send(&self, endpoint: &Endpoint, signal: &Signal, tried: &Tried) -> Result<()> {
        let _in_flight = self.in_flight.try_acquire()?;
        let message = endpoint.message(signal)?;
        let retry = Retry::new(&self.home, endpoint.policy.clone())?;
        retry.run(|_| self.once(endpoint, &message, tried)).await
    }

    /// One attempt, if it may be made.
    async fn once(&self, endpoint: &Endpoint, message: &Message, tried: &Tried) -> Result<()> {
        let (origin, deadline) = (self.origin(&endpoint.origin)?, endpoint.terms.deadline);
        // First that of the origin: whoever waits for a slow one holds no connection of the others.
        let _of_origin = origin.acquire(deadline).await?;
        let _of_all = self.connections.acquire(deadline).await?;
        let permit = self.permit(endpoint.circuit());
        // One that opens between two attempts hides why.
        let permit = permit.map_err(|error| match tried.failed.lock().clone() {
            Some(failed) => error.with_source(failed),
            None => error,
        })?;
        tried.attempts.fetch_add(1, Ordering::Relaxed);
        let outcome = attempt(&self.home, &self.connector, endpoint, message).await;
        if let Some(permit) = permit {
            settle(permit, &outcome);
        }
        *tried.failed.lock() = outcome.as_ref().err().cloned();
        outcome
    }

    /// The right to make an attempt; without a circuit where all others leave no room for it.
    /// However many destinations fail, none is cut off that may work.
    fn permit(&self, circuit: &str) -> Result<Option<CircuitPermit>> {
        match self.circuits.circuit(circuit) {
            Ok(circuit) => circuit.acquire().map(Some).map_err(|error| {
                error.with_message("it has failed too often, and is left alone for a while")
            }),
            Err(error) if error.code() == system_codes::TOO_MANY_CIRCUITS.name => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The connections of an origin.
    fn origin(&self, origin: &Arc<str>) -> Result<Arc<Bulkhead>> {
        let mut origins = self.origins.lock();
        if let Some(bulkhead) = origins.get(origin) {
            return Ok(Arc::clone(bulkhead));
        }
        if origins.len() >= IDLE_ORIGINS {
            // Nobody takes hold of one meanwhile: that needs this lock.
            origins.retain(|_, bulkhead| Arc::strong_count(bulkhead) > 1);
        }
        let bulkhead = Arc::new(Bulkhead::new(&self.home, Arc::clone(origin), self.per_origin)?);
        origins.insert(Arc::clone(origin), Arc::clone(&bulkhead));
        Ok(bulkhead)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("in_flight", &self.in_flight)
            .field("connections", &self.connections)
            .field("circuits", &self.circuits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
