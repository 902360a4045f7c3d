//! The crate `failsafe`: a circuit breaker with its defaults.

use anyhow::Result;
use bench::limit::{Operation, Subject};
use failsafe::backoff::EqualJittered;
use failsafe::failure_policy::{ConsecutiveFailures, OrElse, SuccessRateOverTimeWindow};
use failsafe::{CircuitBreaker as _, Config, StateMachine};

type Policy = OrElse<SuccessRateOverTimeWindow<EqualJittered>, ConsecutiveFailures<EqualJittered>>;

/// One breaker.
pub struct Peer(StateMachine<Policy, ()>);

impl Subject for Peer {
    fn key(_: Operation) -> &'static str {
        "failsafe"
    }

    async fn start() -> Result<Self> {
        Ok(Self(Config::new().build()))
    }

    async fn call(&self, value: u64) -> Option<u64> {
        self.0.call(|| Ok::<_, ()>(value)).ok()
    }
}
