//! Process groups: several actors under one key.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::changes::Registration;
use super::query::Query;
use super::table::{Edit, Keys, Table, is, not_registered};
use super::{RegistryEntry, RegistryEvent};
use crate::actor::{Actor, ActorRef};
use crate::deadline::Deadlines;
use crate::error::{Error, Result};
use crate::ports::Ports;
use crate::system::System;

/// Groups of actors. An actor may be in any number of them, and in one several times; it leaves all
/// when it ends. A group is there while somebody is in it. This is OTP's `pg`, and what a registry
/// with duplicate keys is in Elixir. A system has [one set of groups](System::groups) of its own; a
/// clone is the same set.
///
/// ```
/// # use foundation::{Actor, ChildSpec, Context, Flow, Init, Result, System};
/// # struct Room(Vec<&'static str>);
/// # impl Actor for Room {
/// #     type Args = ();
/// #     type Message = &'static str;
/// #     async fn init((): (), _: &mut Context<Self>) -> Result<Init<Self>> {
/// #         Ok(Init::Ready(Self(Vec::new())))
/// #     }
/// #     async fn handle(&mut self, said: &'static str, _: &mut Context<Self>) -> Result<Flow> {
/// #         self.0.push(said);
/// #         Ok(Flow::Continue)
/// #     }
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// # let system = System::builder().name("shop").start().await?;
/// # let alice = system.start(ChildSpec::<Room>::actor("alice", ())).await?;
/// # let bob = system.start(ChildSpec::<Room>::actor("bob", ())).await?;
/// let groups = system.groups();
/// groups.join("guests", &alice)?;
/// groups.join("guests", &bob)?;
/// for guest in groups.members::<Room>("guests")? {
///     guest.tell("welcome").await?;
/// }
/// groups.leave("guests", &bob)?;
/// assert_eq!(groups.members::<Room>("guests")?, [alice]);
/// # system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Groups {
    table: Arc<Table>,
}

impl Groups {
    /// Groups for actors of `system`, called `name` in errors.
    #[must_use]
    pub fn new(system: &System, name: impl Into<Arc<str>>) -> Self {
        Self::of(name.into(), &system.shared().ports, &system.shared().deadlines)
    }

    pub(crate) fn of(name: Arc<str>, ports: &Arc<Ports>, deadlines: &Arc<Deadlines>) -> Self {
        Self { table: Table::new(name, Keys::Duplicate, ports, deadlines) }
    }

    /// What they are called.
    #[must_use]
    pub fn name(&self) -> &str {
        self.table.name()
    }

    /// Has an actor join a group, in its incarnation of now.
    ///
    /// # Errors
    ///
    /// `no_process` when it has ended; `invalid_options` for a group without a name, with one of
    /// more than 255 bytes, or for an actor of another system.
    pub fn join<A: Actor>(&self, group: impl Into<Arc<str>>, member: &ActorRef<A>) -> Result<()> {
        self.join_with(group, member, Value::Null)
    }

    /// As [`Self::join`], with metadata for queries.
    ///
    /// # Errors
    ///
    /// As [`Self::join`].
    pub fn join_with<A: Actor>(
        &self,
        group: impl Into<Arc<str>>,
        member: &ActorRef<A>,
        metadata: impl Into<Value>,
    ) -> Result<()> {
        let registration = Registration::new(group, member).metadata(metadata);
        self.table.register(registration.into_registering(), || ())
    }

    /// Has an actor leave a group, however often it has joined it. It looks at all members.
    ///
    /// # Errors
    ///
    /// `not_registered` when it is not in the group.
    pub fn leave<A: Actor>(&self, group: &str, member: &ActorRef<A>) -> Result<()> {
        match self.table.unregister(group, is(member.pid())) {
            0 => Err(self.not_in(group, member)),
            _ => Ok(()),
        }
    }

    /// Replaces what is said of a member of a group, of every membership it has there.
    ///
    /// # Errors
    ///
    /// `not_registered` when it is not in the group.
    pub fn set_metadata<A: Actor>(
        &self,
        group: &str,
        member: &ActorRef<A>,
        metadata: impl Into<Value>,
    ) -> Result<()> {
        match self.table.edit(group, &Edit::Set(metadata.into()), is(member.pid())) {
            0 => Err(self.not_in(group, member)),
            _ => Ok(()),
        }
    }

    /// The members of a group, in the order in which they joined, as often as they did. None where
    /// there is no such group.
    ///
    /// # Errors
    ///
    /// `wrong_type` when the messages of one of them are not those of `A`.
    pub fn members<A: Actor>(&self, group: &str) -> Result<Vec<ActorRef<A>>> {
        self.entries(group).iter().map(RegistryEntry::actor_ref).collect()
    }

    /// The members of a group, of whatever type, with their metadata, in the order in which they
    /// joined.
    #[must_use]
    pub fn entries(&self, group: &str) -> Vec<RegistryEntry> {
        self.table.holders(group)
    }

    /// The members of all groups that a query finds, in the order in which they joined. It looks at
    /// all of them, each as it is at some moment of the call.
    ///
    /// # Errors
    ///
    /// `invalid_query`.
    pub fn select(&self, query: &Query) -> Result<Vec<RegistryEntry>> {
        self.table.select(query)
    }

    /// All groups that somebody is in, sorted.
    #[must_use]
    pub fn groups(&self) -> Vec<Arc<str>> {
        self.table.keys()
    }

    /// How many memberships there are, in all groups.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether nobody is in any group.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells an actor of everybody who joins or leaves any group, as
    /// [`Registry::listen`](super::Registry::listen).
    ///
    /// # Errors
    ///
    /// As [`Registry::listen`](super::Registry::listen).
    pub fn listen<A: Actor>(
        &self,
        listener: &ActorRef<A>,
        make: impl Fn(RegistryEvent) -> A::Message + Send + Sync + 'static,
    ) -> Result<()> {
        self.table.listen(listener, make)
    }

    /// Tells an actor nothing more. What is on its way still comes.
    ///
    /// # Errors
    ///
    /// `not_registered` when it does not listen.
    pub fn unlisten<A: Actor>(&self, listener: &ActorRef<A>) -> Result<()> {
        self.table.unlisten(&listener.peer())
    }

    /// How many listen. One that listens twice counts twice.
    #[must_use]
    pub fn listeners(&self) -> usize {
        self.table.listeners.len()
    }

    fn not_in<A: Actor>(&self, group: &str, member: &ActorRef<A>) -> Error {
        let (actor, pid) = (member.name(), member.pid());
        not_registered(self.name(), group)
            .with_message(format!("{actor:?} {pid} is not in {group:?}"))
            .with_detail("pid", pid.to_string())
    }
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Groups");
        shown.field("name", &self.name()).field("len", &self.len()).finish_non_exhaustive()
    }
}
