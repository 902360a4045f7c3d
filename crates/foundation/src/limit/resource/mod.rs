//! Resources: how much of something is in use, and what happens when it runs out.
//!
//! A resource has a type of its own, and so has its permit: a function that needs a connection says
//! so by taking a `ResourcePermit<Connections>`, and cannot be called with one of something else.
//!
//! Before it is used up there are three levels, each with a lower end than the one where it began,
//! so that a use which swings about a threshold does not swing about the level:
//!
//! | level | begins when more is used than | ends when no more is used than | what is given |
//! |---|---|---|---|
//! | normal | – | – | all that is asked for |
//! | moderate | `moderate_at`, 90 % | 5 points less | the same; whoever listens is told |
//! | severe | `severe_at`, 95 % | 5 points less | to [urgent](Resource::acquire_urgent) work only, up to the limit |

mod handle;
mod options;
mod state;

use std::sync::Arc;

use jiff::Timestamp;

pub use handle::{Resource, ResourceKind, ResourcePermit, ResourceStatus};
pub use options::ResourceOptions;
pub use state::Backpressure;

use crate::listen::Event;

/// What a listener hears when the level of a resource has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackpressureChange {
    /// The resource.
    pub resource: Arc<str>,
    /// What the level was.
    pub from: Backpressure,
    /// What it is.
    pub to: Backpressure,
    /// How much was in use then.
    pub used: u64,
    /// How much there is.
    pub limit: u64,
    /// When, by the wall clock of the system, read before it was done: of two at the same time the
    /// second may have the earlier one.
    pub at: Timestamp,
    /// How many changes the listener was not told of, before this one or right after it, because
    /// too many waited.
    pub missed: u64,
}

impl Event for BackpressureChange {
    fn missed(&mut self) -> &mut u64 {
        &mut self.missed
    }
}

#[cfg(test)]
mod tests;
