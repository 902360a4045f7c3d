//! Partitioned supervisors: one child as many times as there are partitions, and a key says which
//! of them is meant. For a child that would be a bottleneck if there were one of it.
//!
//! - **A key always means the same partition**, as long as their number is the same.
//! - **To look one up costs no message**: whoever has a reference to the supervisor finds it.
//! - **Their number can change** while they run, up to what it began with.
//!
//! Semantics are those of Elixir's `PartitionSupervisor`; `docs/supervision.md` lists where they
//! differ.

mod handle;
mod options;
mod route;
mod run;

pub use options::PartitionSupervisorBuilder;
pub use run::PartitionSupervisor;
