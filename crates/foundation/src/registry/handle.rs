//! The registry of names.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::changes::{BatchReport, Changes, OnError, Registration};
use super::lock::Lock;
use super::query::Query;
use super::table::{Edit, Keys, Table, is, not_registered};
use super::via::Via;
use super::{RegistryEntry, RegistryEvent};
use crate::actor::{Actor, ActorRef};
use crate::deadline::Deadlines;
use crate::error::Result;
use crate::ports::Ports;
use crate::system::System;

/// Names of actors, each of which has one holder. A system has [one](System::registry) of its own;
/// any number of others may be made beside it. A clone is the same registry.
///
/// A name is held by one incarnation, and free when that has ended. A name that is to survive
/// restarts belongs into the specification: [`ChildSpec::registered`](crate::ChildSpec::registered)
/// or [`via`](crate::ChildSpec::via).
///
/// Keys have 1 to 255 bytes, and actors belong to the system of the registry; anything else is
/// refused with `invalid_options`.
///
/// ```
/// # use foundation::{Actor, Context, Flow, Init, Reply, Result};
/// # enum Message { Add(u64), Total(Reply<u64>) }
/// # struct Counter(u64);
/// # impl Actor for Counter {
/// #     type Args = u64;
/// #     type Message = Message;
/// #     async fn init(start: u64, _: &mut Context<Self>) -> Result<Init<Self>> {
/// #         Ok(Init::Ready(Self(start)))
/// #     }
/// #     async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow> {
/// #         match message {
/// #             Message::Add(n) => self.0 += n,
/// #             Message::Total(reply) => reply.send(self.0),
/// #         }
/// #         Ok(Flow::Continue)
/// #     }
/// # }
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::{ActorRef, ChildSpec, Query, Supervisor, System};
/// use serde_json::json;
///
/// let system = System::builder().name("shop").start().await?;
/// let counter = ChildSpec::<Counter>::actor("counter", 0)
///     .registered()
///     .metadata(json!({ "counts": ["visits", "orders"] }));
/// Supervisor::one_for_one().name("shop").child(counter).start(&system).await?;
///
/// let counter: ActorRef<Counter> = system.lookup("counter")?;
/// counter.tell(Message::Add(2)).await?;
/// assert_eq!(counter.ask(Message::Total).await?, 2);
///
/// let able = system.registry().select(&Query::new().eq("counts", "orders"))?;
/// assert_eq!(able[0].actor_ref::<Counter>()?, counter);
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    pub(super) table: Arc<Table>,
}

impl Registry {
    /// A registry for actors of `system`, called `name` in errors. It is gone when nobody has it
    /// and nobody is in it any more.
    #[must_use]
    pub fn new(system: &System, name: impl Into<Arc<str>>) -> Self {
        Self::of(name.into(), &system.shared().ports, &system.shared().deadlines)
    }

    pub(crate) fn of(name: Arc<str>, ports: &Arc<Ports>, deadlines: &Arc<Deadlines>) -> Self {
        Self { table: Table::new(name, Keys::Unique, ports, deadlines) }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        self.table.name()
    }

    /// Registers an actor, in its incarnation of now, without metadata.
    ///
    /// # Errors
    ///
    /// `already_registered` when somebody has the name, also `owner` itself: `pid` is in the
    /// details; `no_process` when `owner` has ended; `invalid_options`.
    pub fn register<A: Actor>(&self, key: impl Into<Arc<str>>, owner: &ActorRef<A>) -> Result<()> {
        self.register_with(key, owner, Value::Null)
    }

    /// As [`Self::register`], with metadata for queries.
    ///
    /// # Errors
    ///
    /// As [`Self::register`].
    pub fn register_with<A: Actor>(
        &self,
        key: impl Into<Arc<str>>,
        owner: &ActorRef<A>,
        metadata: impl Into<Value>,
    ) -> Result<()> {
        let registration = Registration::new(key, owner).metadata(metadata);
        self.table.register(registration.into_registering(), || ())
    }

    /// Ends a registration before its owner ends.
    ///
    /// # Errors
    ///
    /// `not_registered`.
    pub fn unregister(&self, key: &str) -> Result<()> {
        self.found(key, self.table.unregister(key, |_| true))
    }

    /// As [`Self::unregister`], if it is this actor that has the name, in its incarnation of now:
    /// for one that gives up its own name, and not that of whoever has taken it since.
    ///
    /// # Errors
    ///
    /// `not_registered` when it is not.
    pub fn unregister_from<A: Actor>(&self, key: &str, owner: &ActorRef<A>) -> Result<()> {
        self.found(key, self.table.unregister(key, is(owner.pid())))
    }

    /// A reference to whoever has the name. It refers to the place of the actor, and so survives
    /// its restarts, whether or not the name does.
    ///
    /// # Errors
    ///
    /// `not_registered` when nobody has the name now; `wrong_type` when the messages of whoever has
    /// it are not those of `A`.
    pub fn lookup<A: Actor>(&self, key: &str) -> Result<ActorRef<A>> {
        let owner = self.table.first(key).ok_or_else(|| not_registered(self.name(), key))?;
        owner.reference()
    }

    /// Whoever has the name when something is said to them.
    #[must_use = "this looks nothing up yet"]
    pub fn via<A: Actor>(&self, key: impl Into<Arc<str>>) -> Via<A> {
        Via::new(self.clone(), key.into())
    }

    /// The registration under a name.
    ///
    /// # Errors
    ///
    /// `not_registered`.
    pub fn entry(&self, key: &str) -> Result<RegistryEntry> {
        let first = self.table.holders(key).into_iter().next();
        first.ok_or_else(|| not_registered(self.name(), key))
    }

    /// Replaces the metadata of a registration.
    ///
    /// # Errors
    ///
    /// `not_registered`.
    pub fn set_metadata(&self, key: &str, metadata: impl Into<Value>) -> Result<()> {
        self.found(key, self.table.edit(key, &Edit::Set(metadata.into()), |_| true))
    }

    /// Adds to the metadata of a registration, key by key; replaces it where it is no object.
    /// Nothing that others add at the same time is lost.
    ///
    /// # Errors
    ///
    /// `not_registered`.
    pub fn merge_metadata(&self, key: &str, more: Map<String, Value>) -> Result<()> {
        self.found(key, self.table.edit(key, &Edit::Merge(more), |_| true))
    }

    /// The registrations that a query finds, in the order in which they were made. It looks at all
    /// of them, each as it is at some moment of the call.
    ///
    /// # Errors
    ///
    /// `invalid_query`.
    pub fn select(&self, query: &Query) -> Result<Vec<RegistryEntry>> {
        self.table.select(query)
    }

    /// All names that somebody has, sorted.
    #[must_use]
    pub fn keys(&self) -> Vec<Arc<str>> {
        self.table.keys()
    }

    /// How many registrations there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes all changes, in their order, or none of them. Nobody sees some of them without the
    /// others who looks at one name, counts, or commits changes, too; [`Self::select`] and
    /// [`Self::keys`] may. At most 10,000 at a time, because the names are locked meanwhile.
    ///
    /// # Errors
    ///
    /// What the first change that cannot be made fails with, as [`Self::register`] and
    /// [`Self::unregister`], and in the details `change`, its index; `invalid_options` for too
    /// many.
    pub fn commit(&self, changes: Changes) -> Result<()> {
        self.table.commit(changes)
    }

    /// Registers all or none.
    ///
    /// # Errors
    ///
    /// As [`Self::commit`].
    pub fn register_all(&self, batch: impl IntoIterator<Item = Registration>) -> Result<()> {
        self.commit(batch.into_iter().fold(Changes::new(), Changes::register))
    }

    /// Registers one after the other, and says which could be.
    pub fn register_each(
        &self,
        batch: impl IntoIterator<Item = Registration>,
        on_error: OnError,
    ) -> BatchReport {
        let batch = batch.into_iter().map(Registration::into_registering);
        BatchReport::of(batch, on_error, |one| &one.key, |one| self.table.register(one, || ()))
    }

    /// Ends one registration after the other, and says which there were.
    pub fn unregister_each<K: Into<Arc<str>>>(
        &self,
        keys: impl IntoIterator<Item = K>,
        on_error: OnError,
    ) -> BatchReport {
        let keys = keys.into_iter().map(Into::into);
        BatchReport::of(keys, on_error, |key| key, |key| self.unregister(&key))
    }

    /// Locks a name, whether or not anybody has it, for whoever has to do several things about it.
    /// Those who want it get it in the order in which they asked; it is free when the guard is
    /// dropped, also by a panic or a kill. It keeps nobody from registering who does not ask for
    /// it.
    ///
    /// # Errors
    ///
    /// When it is awaited: `timeout` after 5 s, unless [`Lock::within`] says otherwise; so also for
    /// somebody who has it already. `invalid_options`.
    pub fn lock(&self, key: impl Into<Arc<str>>) -> Lock {
        Lock::new(Arc::clone(&self.table), key.into())
    }

    /// How many names are locked, or wanted to be.
    #[must_use]
    pub fn locks(&self) -> usize {
        self.table.locks.len()
    }

    /// Tells an actor of every registration and every end of one from now on, as long as its
    /// incarnation of now runs, or until it [listens no more](Self::unlisten). `make` makes a
    /// message of an event, in the task of the listener; a panic in it is the listener's.
    ///
    /// Events come before the messages in its mailbox, those of one key in order. As many as 16,384
    /// may wait; those that there is no room for are missed, and counted in one that it is told.
    /// One that listens twice is told twice.
    ///
    /// # Errors
    ///
    /// `no_process` when `listener` has ended; `invalid_options` for one of another system.
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

    fn found(&self, key: &str, found: usize) -> Result<()> {
        match found {
            0 => Err(not_registered(self.name(), key)),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Registry");
        shown.field("name", &self.name()).field("len", &self.len()).finish_non_exhaustive()
    }
}
