//! Benchmarks: every figure beside its limit and its peers, measured in the same run.
//!
//! A group's workload is written once, over a trait ([`actor::Subject`], [`journal::Subject`],
//! [`limit::Subject`], [`work::Subject`]); the bare library that is the limit, ours, and each peer
//! implement that trait, so that all of them do the same work. A measurement is a [`Sample`].
//! Rounds of our program and of the peers' alternate, and a [`Figure`] holds the median of each
//! value over the rounds: the machine's moods hit all of them alike.
//!
//! Every workload asserts its own result, so that a fast path that loses work cannot look fast.

pub mod actor;
mod clock;
pub mod crash;
mod figure;
pub mod journal;
pub mod limit;
mod rounds;
pub mod signal;
mod size;
pub mod work;

pub use clock::{PerOperation, Stopwatch};
pub use figure::{Figure, Sample, Unit};
pub use rounds::{Program, measure};
pub use size::Size;

/// The runtime that every workload runs on: two workers, as many as the machines of reference have
/// cores.
///
/// # Errors
///
/// When the system refuses its threads.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    crash::keep_quiet();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build()
}

/// The same with input and output, for workloads that start programs.
///
/// # Errors
///
/// As [`runtime`].
pub fn runtime_with_io() -> std::io::Result<tokio::runtime::Runtime> {
    crash::keep_quiet();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
