//! Routing: a message reaches every matching subscriber, or the sender learns why not.
//!
//! Layer 1. What binds this crate, and stays so as it grows:
//!
//! - **It does not know the journal.** It reads and writes logs through a port of its own; the
//!   adapter that joins the two lives in `jido-system`.
//! - **It never waits for a slow receiver**, and what is a user's runs contained: in the
//!   publisher's task, or, with a log, in the task that delivers, where it holds up only whom it is
//!   for.
//!
//! A [`Signal`] is a `CloudEvent`, which [`Signal::new`] begins as a [`Draft`]. A [`Router`] finds
//! who wants one, by [patterns](Pattern) of its [type](Topic). A [`Bus`] brings it there, and with
//! a [log](SignalLog) also to whoever was away: [durable](Durable) subscriptions. Agents send each
//! other messages through [`coordination`]; a [`Dispatcher`] sends signals to actors, names,
//! groups, the log, and with the feature `http` to endpoints and webhooks.

mod bus;
mod causality;
pub mod codec;
pub mod codes;
pub mod coordination;
mod dispatch;
mod durable;
mod error;
mod log;
mod replay;
mod router;
mod signal;
mod sync;
#[cfg(feature = "testing")]
pub mod testing;
mod topic;

pub use bus::{
    Bus, BusBuilder, BusStats, Delivery, Dispatch, IntoPatterns, IntoSignal, Middleware, Outcome,
    Published, Receipt, Subscribe, SubscribeHandler, SubscriptionId, SubscriptionInfo, WhenFull,
};
pub use causality::{Causality, Chain};
pub use dispatch::{
    Destination, DispatchReceipt, Dispatched, Dispatcher, DispatcherBuilder, LogLevel, LogOptions,
};
#[cfg(feature = "http")]
pub use dispatch::{HttpOptions, WebhookOptions, WebhookScheme, WebhookSecret, WebhookVerifier};
pub use durable::{DeadLetter, DeadLetters, Durable, DurableOptions, DurableStatus, Gap, Start};
pub use log::{
    LogBounds, LogEntry, LogPage, LogPosition, MAX_PART_BYTES, MAX_PART_CHANGES, MAX_PART_KEY,
    MAX_PART_OWNER, MemoryLog, MemoryLogBuilder, PartChange, Retained, Retention, SignalLog,
    check_parts, gap, gap_end,
};
pub use replay::Replay;
pub use router::{
    IntoRoute, MAX_PRIORITY, Matches, PredicateFailure, Registered, Route, RouteId, Router,
};
pub use signal::{
    Attribute, Data, Draft, Extensions, Id, MAX_EXTENSIONS, Signal, SignalData, Source,
    TraceContext,
};
pub use topic::{MAX_TOPIC, Pattern, Topic};

/// The examples in the documents run as tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../../docs/cloudevents.md")]
    struct CloudEvents;
    #[doc = include_str!("../../../docs/signals.md")]
    struct Signals;
    #[doc = include_str!("../../../docs/coordination.md")]
    struct Coordination;
    #[doc = include_str!("../../../docs/dispatch.md")]
    struct Dispatch;
}
