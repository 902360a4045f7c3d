//! A bus: what is published reaches everybody whose pattern matches, or the publisher learns why
//! not.
//!
//! - **It has no loop**, unless it has a log. Publishing runs in the publisher's task: it stamps,
//!   routes, takes a place in every inbox, and only then delivers. With a log, one task feeds the
//!   durable subscriptions, and another one delivers to the others. Nobody waits for a slow
//!   receiver.
//! - **All or nothing**: a receiver without room refuses the signal for all of them, before any of
//!   them has it, unless its subscription or its mailbox says that it may be left out.
//! - **A subscription belongs to one incarnation** of an actor and is gone when that has ended,
//!   before the next one begins.
//! - **In order**: what one publisher has published reaches each receiver in that order.

mod anchor;
mod delivery;
mod guarded;
mod handle;
mod handler;
mod log;
mod middleware;
mod options;
mod places;
mod publish;
mod pump;
mod receiver;
mod report;
mod subscribe;
mod subscription;
mod table;

pub use delivery::Delivery;
pub use handle::{Bus, BusStats};
pub use handler::SubscribeHandler;
pub(crate) use log::{LogCore, LogPart};
pub use middleware::{Dispatch, Middleware};
pub use options::BusBuilder;
pub use publish::IntoSignal;
pub(crate) use receiver::{Receive, Receiver, Waits};
pub use report::{Outcome, Published, Receipt};
pub use subscribe::{IntoPatterns, Subscribe};
pub use subscription::{SubscriptionId, SubscriptionInfo, WhenFull};
