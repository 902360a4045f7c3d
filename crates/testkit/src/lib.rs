//! What the tests of every crate share.
//!
//! A dev-dependency only; no product code names it. Today it holds the seeds of random tests:
//! [`for_each_seed`] runs a test a fixed small number of times, more under `cargo xtask soak`, and
//! prints what is needed to repeat the one run that failed.

mod seeds;

pub use seeds::{Seeds, for_each_seed};
