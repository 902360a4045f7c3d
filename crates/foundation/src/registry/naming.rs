//! The name that a specification gives to every incarnation of its actor.

use std::sync::Arc;

use serde_json::Value;

use super::Registry;
use super::table::{Registering, check_key};
use crate::actor::{Peer, refused};
use crate::error::{Error, Result, codes};

/// Where an actor is registered while it runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Naming {
    /// Unset, it is the registry of the system.
    pub(crate) registry: Option<Registry>,
    pub(crate) key: Key,
    pub(crate) metadata: Value,
}

/// Under what an actor is registered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Key {
    /// It is not, which is refused.
    #[default]
    Missing,
    /// The name that it is started under.
    OwnName,
    Given(Arc<str>),
}

impl Naming {
    /// Has an incarnation begin with its name: nobody sees one without the other. `begin` begins
    /// it.
    ///
    /// # Errors
    ///
    /// `already_started` when somebody else has the name; `invalid_options`. It has not begun then.
    pub(crate) fn begin(&self, owner: &Peer, begin: impl FnOnce()) -> Result<()> {
        let (registry, key) = (self.registry(owner), self.key(&owner.name())?);
        if registry.table.check_owner(owner).is_err() {
            return Err(refused("via", "the registry belongs to another system"));
        }
        let (metadata, owner) = (self.metadata.clone(), owner.clone());
        let registered = registry.table.register(Registering { key, owner, metadata }, begin);
        registered.map_err(|error| {
            if error.code() != codes::ALREADY_REGISTERED.name {
                return error;
            }
            let taken = Error::from(codes::ALREADY_STARTED).with_message(error.message());
            let details = error.details().iter();
            let details = details.map(|(key, value)| (key.clone(), value.clone()));
            details.fold(taken, |it, (key, value)| it.with_detail(&*key, value))
        })
    }

    /// Refuses what cannot be.
    pub(crate) fn validate(&self, name: &Arc<str>) -> Result<()> {
        self.key(name).and_then(|key| check_key(&key))
    }

    /// Under what an actor called `name` is registered.
    fn key(&self, name: &Arc<str>) -> Result<Arc<str>> {
        match &self.key {
            Key::Missing => Err(refused("metadata", "who is not registered has none")),
            Key::OwnName => Ok(Arc::clone(name)),
            Key::Given(key) => Ok(Arc::clone(key)),
        }
    }

    fn registry<'a>(&'a self, owner: &'a Peer) -> &'a Registry {
        self.registry.as_ref().unwrap_or(&owner.process.core().system.names)
    }
}
