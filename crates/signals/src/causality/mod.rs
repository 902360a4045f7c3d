//! What led to what: chains of causes and effects, and conversations, in what is in the log.
//!
//! A signal names the one that [caused](crate::Draft::caused_by) it, and the conversation that both
//! belong to. The [index](index) of that is made of the log when it is first asked for, and read on
//! whenever it is asked again; who never asks pays nothing.

mod handle;
mod index;

pub(crate) use handle::Trail;
pub use handle::{Causality, Chain};
