//! Supervisors: actors that start other actors, in order, and start them again when they fail.
//!
//! - **Order**: children start one after the other, each acknowledged before the next begins, and
//!   stop in reverse, each gone before the next is asked.
//! - **One budget per supervisor**: more restarts than its intensity allows, and it ends with
//!   `Shutdown`, which is the matter of its own supervisor.
//! - **Full death first**: a child is started again when nothing of the incarnation before is left.
//! - **It answers at any time**, because it waits for nobody in its own loop: [`state`] decides,
//!   `run` carries out.
//! - **Nobody is orphaned**: a supervisor that is killed kills its children, and is dead when they
//!   are.
//!
//! That is a static supervisor, the files of this folder. [`dynamic`] has children that come and
//! go, without an order; [`partition`] has one child several times, and is a static one otherwise.
//!
//! Semantics are those of OTP's `supervisor`; where they differ, `docs/supervision.md` says why.

mod child;
mod dynamic;
mod handle;
mod intensity;
mod listing;
mod looks;
mod options;
mod partition;
mod plan;
mod report;
mod run;
mod state;
mod table;

pub use dynamic::{ChildBudget, DynamicSupervisor, DynamicSupervisorBuilder};
pub use handle::{ChildInfo, ChildState, Counts};
pub(crate) use listing::{Line, children_of};
pub use options::{AutoShutdown, IntoChildSpec, Strategy, SupervisorBuilder};
pub use partition::{PartitionSupervisor, PartitionSupervisorBuilder};
pub use run::Supervisor;

#[cfg(test)]
mod tests;
