//! Bulkheads: how many calls may run at a time, and how many may wait for that.
//!
//! Whoever waits does so in the order in which they came, and passes as soon as somebody has left.

mod handle;
mod options;

pub use handle::{Bulkhead, BulkheadPermit, BulkheadStatus};
pub use options::BulkheadOptions;
