//! Durable subscriptions: they read the log from a cursor of their own, and deliver at least once.
//!
//! A durable subscription has a name and outlives its consumer, the bus and, with a log that does,
//! the process. Its [state](state) is a pure machine; the runner tells it what happens, keeps what
//! has to survive beside the log, and only then delivers.

mod consumer;
mod dead;
mod feed;
mod handle;
mod keeping;
mod kept;
mod open;
mod options;
mod reading;
mod requests;
mod run;
mod shared;
mod state;

pub(crate) use consumer::Ticket;
pub use dead::{DeadLetter, DeadLetters};
pub use handle::{Durable, DurableStatus, Gap};
pub use options::{DurableOptions, Start};
pub(crate) use reading::start_position;
pub(crate) use shared::Shared;
