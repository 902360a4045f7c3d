//! Feature flags: what is switched on, for all or for some, while the program runs.
//!
//! - **Flags are defined**: one that is not is refused, so that a misspelt name is no flag that is
//!   off for ever.
//! - **Reading is one atomic operation**, and waits for nobody; where ids are named, it takes a
//!   lock for a few lines.
//! - **Changing is durable first**: a change is stored by the flag server, then seen, then told.
//!   When it is not known whether it was stored, the server reads what is; nothing is changed
//!   before that is known. Reading goes on meanwhile with what was last known.
//! - **Who is in stays in**: whether an id is in a percentage depends on the two and on nothing
//!   else, in every process and every release; a greater percentage takes more in, and nobody out.

mod hash;
mod options;
mod rule;
mod server;
mod store;
mod table;

use std::sync::Arc;

use jiff::Timestamp;

pub use hash::flag_bucket;
pub use options::FlagsBuilder;
pub use rule::{FlagRule, Percentage};
pub use server::{FlagMessage, FlagServer, FlagServerArgs};
pub use store::{FlagStore, MemoryFlagStore};
pub use table::{Flag, Flags};

use crate::listen::Event;

/// What a listener hears when a flag has changed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FlagChange {
    /// Which.
    pub flag: Arc<str>,
    /// What it was.
    pub from: Arc<FlagRule>,
    /// What it is.
    pub to: Arc<FlagRule>,
    /// When, by the wall clock of the system, read before it was done: of two at the same time the
    /// second may have the earlier one.
    pub at: Timestamp,
    /// How many changes the listener was not told of, before this one or right after it, because
    /// too many waited.
    pub missed: u64,
}

impl Event for FlagChange {
    fn missed(&mut self) -> &mut u64 {
        &mut self.missed
    }
}
