//! Circuit breakers: what fails again and again is left alone for a while.
//!
//! Each key has a circuit of its own: a bank, a host, a receiver. It is a state machine that
//! everybody shares who calls what is behind it; the calls themselves run in their callers, and
//! never wait for each other.
//!
//! | state | event | what follows |
//! |---|---|---|
//! | closed | a call succeeds | the count of failures is 0 again |
//! | closed | a call fails, as the `failure_threshold`-th in a row | **open** |
//! | open | a call, before `reset_after` has passed | refused: `circuit_open` |
//! | open | a call, after that | **half-open**; the call is a probe |
//! | half-open | a call, while fewer than `probes` are under way | a probe |
//! | half-open | a call, otherwise | refused; or, if the last probe began `reset_after` ago, a probe: those before, whether they succeeded or hang, count no more |
//! | half-open | a probe succeeds, as the `success_threshold`-th | **closed** |
//! | half-open | a probe fails | **open** |
//! | any | a permit is dropped without a verdict | nothing, but that a probe may take its place |
//! | any | a result of a call that began before the last change | nothing |
//! | any | `trip` | **open**, from now |
//! | any | `reset` | **closed** |

mod circuit;
mod gate;
mod handle;
mod options;
mod state;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use circuit::{CircuitBreaker, CircuitPermit};
pub use handle::CircuitBreakers;
pub use options::BreakerOptions;
pub use state::CircuitState;

use crate::listen::Event;

/// What a listener hears when a circuit has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CircuitChange {
    /// Whose circuit.
    pub key: Arc<str>,
    /// What it was.
    pub from: CircuitState,
    /// What it is.
    pub to: CircuitState,
    /// When, by the wall clock of the system, read before it was done: of two at the same time the
    /// second may have the earlier one.
    pub at: Timestamp,
    /// How many changes the listener was not told of, before this one or right after it, because
    /// too many waited.
    pub missed: u64,
}

/// A circuit, as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CircuitStatus {
    /// Whose circuit.
    pub key: Arc<str>,
    /// What it is. An open one stays so until a call has come as a probe.
    pub state: CircuitState,
    /// While it is closed: how many calls have failed in a row.
    pub failures: u32,
    /// While it is half-open: how many probes have succeeded.
    pub successes: u32,
    /// While it is half-open: how many probes are under way.
    pub probes: u32,
    /// While it is open: when a probe is let through; zero when one would be now.
    pub retry_after: Option<Duration>,
}

impl Event for CircuitChange {
    fn missed(&mut self) -> &mut u64 {
        &mut self.missed
    }
}

#[cfg(test)]
mod tests;
