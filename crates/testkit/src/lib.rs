//! What the tests of every crate share.
//!
//! A dev-dependency only; no product code names it.
//!
//! - [`for_each_seed`] runs a random test a fixed small number of times, more under
//!   `cargo xtask soak`, and prints what is needed to repeat the one run that failed.
//! - [`Log`] is written by whatever is tested, so that a test can compare the order of events.
//! - [`eventually`] waits for what nothing announces, and tells the last status when it gives up.
//! - [`Puppet`] is an actor that starts, fails and ends as a test tells it to.
//! - [`Probe`] keeps whatever an actor is told.
//! - [`Gate`] holds a thread until it is opened.
//! - [`Telemetry`] writes down what is told through `tracing`.
//! - [`panics`] tells what a panic said.

mod eventually;
mod gate;
mod log;
mod panics;
mod probe;
mod puppet;
mod seeds;
mod telemetry;

pub use eventually::eventually;
pub use gate::Gate;
pub use log::Log;
pub use panics::panics;
pub use probe::{Probe, Probing};
pub use puppet::{End, Pull, Puppet, Start, Strings, pass};
pub use seeds::{Seeds, for_each_seed};
pub use telemetry::Telemetry;
