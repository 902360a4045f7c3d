//! Trying again, when that may help and not otherwise.
//!
//! - **Only infrastructure errors** are tried again: a request that cannot be stays impossible, and
//!   a refusal is an answer.
//! - **Waits grow, and are left to chance**: exponential with full jitter by default, so that those
//!   who failed together do not come back together.
//! - **It ends**: after a number of attempts, at a deadline, when the shared budget is spent. What
//!   it gives then is the last error, unchanged.
//!
//! The caller's code runs in the caller: nothing is started, and dropping the future ends it.

mod after;
mod backoff;
mod budget;
mod plan;
mod policies;
mod policy;
mod run;

pub use after::parse_retry_after;
pub use backoff::{Backoff, Jitter};
pub use budget::RetryBudget;
pub use policies::RetryPolicies;
pub use policy::RetryPolicy;
pub use run::{Attempt, Retry};
