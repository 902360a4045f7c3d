//! An actor by its name, which is looked up each time something is said to it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::Registry;
use crate::actor::{Actor, ActorRef, Reply};
use crate::error::Result;

/// Whoever has a name. Made by [`Registry::via`]. It may be cloned, sent and kept, also before and
/// after anybody has the name: what is said reaches whoever has it then.
///
/// An [`ActorRef`] refers to one place instead. It survives restarts and costs no look-up, and is
/// the better one where there is one.
pub struct Via<A> {
    registry: Registry,
    key: Arc<str>,
    actor: PhantomData<fn() -> A>,
}

impl<A: Actor> Via<A> {
    pub(super) const fn new(registry: Registry, key: Arc<str>) -> Self {
        Self { registry, key, actor: PhantomData }
    }

    /// The name.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// A reference to whoever has the name now.
    ///
    /// # Errors
    ///
    /// As [`Registry::lookup`].
    pub fn resolve(&self) -> Result<ActorRef<A>> {
        self.registry.lookup(&self.key)
    }

    /// Sends a message, as [`ActorRef::tell`].
    ///
    /// # Errors
    ///
    /// As [`Registry::lookup`] and [`ActorRef::tell`].
    pub async fn tell(&self, message: A::Message) -> Result<()> {
        self.resolve()?.tell(message).await
    }

    /// Sends a request and waits for the answer, 5 s at most, as [`ActorRef::ask`].
    ///
    /// # Errors
    ///
    /// As [`Registry::lookup`] and [`ActorRef::ask`].
    pub async fn ask<T: Send>(
        &self,
        make: impl FnOnce(Reply<T>) -> A::Message + Send,
    ) -> Result<T> {
        self.resolve()?.ask(make).await
    }
}

impl<A> Clone for Via<A> {
    fn clone(&self) -> Self {
        let (registry, key) = (self.registry.clone(), Arc::clone(&self.key));
        Self { registry, key, actor: PhantomData }
    }
}

impl<A> fmt::Debug for Via<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Via({:?} in {:?})", self.key, self.registry.name())
    }
}
