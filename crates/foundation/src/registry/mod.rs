//! The registry: actors by name, by what is said of them, and in groups.
//!
//! - **A name has one holder**, a group has many. Both are held by one incarnation, and gone with
//!   it: nobody dead is found, and what an owner lets go of is never what somebody else holds by
//!   then.
//! - **A name survives restarts** where it is part of the specification of a child: every
//!   incarnation takes it before its `init`.
//! - **It is no process**, so it is no bottleneck and cannot crash: keys are spread over many
//!   locks, each held for a few lines.
//!
//! `docs/registry.md` has the whole of it, with examples.

mod changes;
mod groups;
mod handle;
mod holders;
mod lock;
mod naming;
mod query;
mod table;
mod via;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

pub use changes::{BatchReport, Changes, OnError, Registration};
pub use groups::Groups;
pub use handle::Registry;
use holders::Holder;
pub use lock::{KeyLock, Lock};
pub(crate) use naming::{Key, Naming};
pub use query::{AttributePath, Operator, Query};
pub use via::Via;

use crate::actor::{Actor, ActorRef, Peer, Pid};
use crate::error::Result;
use crate::listen::Event;

/// One registration, as it was when it was looked at.
#[derive(Clone)]
#[non_exhaustive]
pub struct RegistryEntry {
    /// The name or the group.
    pub key: Arc<str>,
    /// The incarnation that holds it.
    pub pid: Pid,
    /// The name that this was started under.
    pub actor: Arc<str>,
    /// What is said of it; `Null` if nothing is.
    pub metadata: Value,
    owner: Peer,
}

/// What a listener hears.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryEvent {
    /// What happened.
    pub change: RegistryChange,
    /// The name or the group.
    pub key: Arc<str>,
    /// Who holds it, or held it.
    pub pid: Pid,
    /// How many events the listener was not told of, before this one or right after it, because too
    /// many waited. If there are any, it has to look for itself. The last of those that waited
    /// always says it.
    pub missed: u64,
}

/// What happened in a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegistryChange {
    /// An actor was registered, or has joined a group.
    Registered,
    /// A registration is over, because it was removed or its owner has ended.
    Unregistered,
}

// === impl RegistryEntry ===

impl RegistryEntry {
    fn new(key: Arc<str>, Holder { owner, metadata, .. }: Holder) -> Self {
        Self { key, pid: owner.pid(), actor: owner.name(), metadata, owner }
    }

    /// A reference to the actor.
    ///
    /// # Errors
    ///
    /// `wrong_type` when its messages are not those of `A`.
    pub fn actor_ref<A: Actor>(&self) -> Result<ActorRef<A>> {
        self.owner.clone().reference()
    }
}

impl fmt::Debug for RegistryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RegistryEntry");
        shown.field("key", &self.key).field("pid", &self.pid).field("actor", &self.actor);
        shown.field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

impl PartialEq for RegistryEntry {
    /// Whether both say the same of the same incarnation.
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.pid == other.pid && self.metadata == other.metadata
    }
}

// === impl RegistryEvent ===

impl RegistryEvent {
    fn new(change: RegistryChange, key: &Arc<str>, owner: &Peer) -> Self {
        Self { change, key: Arc::clone(key), pid: owner.pid(), missed: 0 }
    }
}

impl Event for RegistryEvent {
    fn missed(&mut self) -> &mut u64 {
        &mut self.missed
    }
}

#[cfg(test)]
mod tests;
