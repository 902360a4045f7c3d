//! Dynamic supervisors: children that come and go, in no order, and as many as there may be.
//!
//! - **Whoever asks for a child starts it.** The supervisor only takes it in, which is a few lines
//!   under a lock; a child that is not restarted is forgotten in the same way.
//! - **A child that fails is its own matter**: restarted for itself, and with a budget of its own,
//!   where the supervisor gives one, quarantined for itself.
//! - **The end is one for all**: every child is asked at the same time.
//!
//! Semantics are those of Elixir's `DynamicSupervisor`; `docs/supervision.md` lists where they
//! differ.

mod backoff;
mod handle;
mod members;
mod options;
mod run;
mod state;
mod table;

pub(in crate::supervisor) use members::Members;
pub use options::{ChildBudget, DynamicSupervisorBuilder};
pub use run::DynamicSupervisor;

#[cfg(test)]
mod tests;
