//! Patterns and routers.

mod again;
mod conditions;
mod documented;
mod model;
mod order;
mod patterns;
mod sets;
mod threads;

use signals::{Router, Signal};

/// A signal of that type.
pub(crate) fn signal(topic: impl Into<String>) -> Signal {
    Signal::new(topic.into(), "/test").id("1").build().unwrap()
}

/// The targets of a type, in order.
pub(crate) fn routed<T: Clone>(router: &Router<T>, topic: impl Into<String>) -> Vec<T> {
    router.matching(&signal(topic)).targets().cloned().collect()
}

/// A type of the numbers from 1 to `last`.
pub(crate) fn counted(last: u32) -> String {
    (1..=last).map(|n| n.to_string()).collect::<Vec<_>>().join(".")
}
