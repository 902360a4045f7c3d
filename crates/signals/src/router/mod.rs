//! Who wants a signal: one matcher for the bus, for agents and for plugins.
//!
//! A [`Router`] holds [routes](Route), each from a [pattern](crate::Pattern) to a target, and gives
//! those that match a signal in one order ([`Matches`]). Whatever else is done with them is the
//! matter of whoever asks.
//!
//! - **A set of routes is added wholly or not at all**, and whoever reads sees it so.
//! - **No code of a user runs under the lock**: neither a condition nor the end of a target.
//! - Routing costs as much as the segments of the type and the patterns that share segments with
//!   it, and hardly depends on how many routes there are; of a type that was routed lately it is
//!   one look-up.

mod cache;
mod directory;
mod handle;
mod index;
mod key;
mod label;
mod list;
mod matches;
mod registered;
mod route;
mod segments;
mod shape;
mod slots;
mod table;
mod trie;

pub use handle::Router;
pub use matches::{Matches, PredicateFailure};
pub use registered::{Registered, RouteId};
pub use route::{IntoRoute, MAX_PRIORITY, Route};
