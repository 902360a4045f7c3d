//! Dispatch: a signal goes to destinations that are data, all at the same time, and each says what
//! has become of it.
//!
//! - **Destinations are data**: an actor, whoever has a name, all members of a group, the log, and
//!   with the feature `http` an HTTP endpoint or a webhook. A wrong one is refused when it is made.
//! - **One that fails stops no other**, and none is forgotten: there is a receipt for each.
//! - **It has no loop and no task**: everything is done in the task of whoever dispatches, and
//!   given up with it. Nothing survives a crash; what must not be lost goes through a log first.

mod destination;
mod handle;
#[cfg(feature = "http")]
mod http;
mod local;
mod log;
mod options;
mod report;

pub use destination::Destination;
pub use handle::Dispatcher;
#[cfg(feature = "http")]
pub use http::{HttpOptions, WebhookOptions, WebhookScheme, WebhookSecret, WebhookVerifier};
pub use log::{LogLevel, LogOptions};
pub use options::DispatcherBuilder;
pub use report::{DispatchReceipt, Dispatched};
