//! Limits: how often, how many at a time, how much.
//!
//! | limit | what it bounds | over it |
//! |---|---|---|
//! | [`RateLimiter`], [`KeyedRateLimiter`] | how often, in a time | refused, or waits |
//! | [`Bulkhead`] | how many at a time | waits in order, or refused |
//! | [`Resource`] | how much is in use, of something that has a name | refused, after warnings |
//!
//! Each is a value that is shared by cloning, without a process behind it: to check takes an atomic
//! operation, or a lock for a few lines; now and then a new key of a keyed limit looks through all.
//! What is taken of a bulkhead or a resource is a permit, and is given back when that is dropped,
//! however it ends who holds it.

mod concurrency;
mod rate;
mod resource;

pub use concurrency::{Bulkhead, BulkheadOptions, BulkheadPermit, BulkheadStatus};
pub use rate::{KeyedRateLimiter, RateLimit, RateLimiter, RateLimiters, RateStatus};
pub use resource::{
    Backpressure, BackpressureChange, Resource, ResourceKind, ResourceOptions, ResourcePermit,
    ResourceStatus,
};
