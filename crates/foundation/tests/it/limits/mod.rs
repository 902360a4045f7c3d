//! Limits: of rates, of calls at a time, of resources.

mod bulkhead;
mod keyed;
mod random;
mod rate;
mod resources;
