//! What a partitioned supervisor is made from: what a partition is, and how many there are.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::PartitionSupervisor;
use crate::actor::{Actor, ActorRef, ChildSpec, Restart, Source, refused};
use crate::error::Result;
use crate::supervisor::options::{Blueprint, IntoChildSpec, Strategy, SupervisorBuilder};
use crate::system::System;

/// The options of a partitioned supervisor.
///
/// | option | default | refused |
/// |---|---|---|
/// | partitions | – | 0; one that is [`Temporary`](Restart::Temporary) |
/// | [`name`](Self::name) | `partition_supervisor` | empty, or longer than 255 bytes |
/// | [`intensity`](Self::intensity) | 3 restarts in 5 s, of all partitions together | a period of 0 |
///
/// What is refused is refused with `invalid_options` when it is started, and the detail `field`. Of
/// the options of a partition its name is of no account: it is called by its number.
#[must_use = "nothing is started until it is"]
pub struct PartitionSupervisorBuilder<A> {
    builder: SupervisorBuilder,
    partition: PhantomData<fn() -> A>,
}

/// What every incarnation of a partitioned supervisor starts from.
pub struct PartitionBlueprint<A> {
    pub(super) blueprint: Blueprint,
    partition: PhantomData<fn() -> A>,
}

impl<A: Actor> PartitionSupervisorBuilder<A> {
    pub(super) fn new<C>(partitions: usize, make: impl Fn(usize) -> C) -> Self
    where
        C: IntoChildSpec<Actor = A>,
    {
        let builder = SupervisorBuilder::new(Strategy::OneForOne).name("partition_supervisor");
        let named = |number: usize| make(number).into_child_spec().named(number.to_string());
        let builder = (0..partitions).map(named).fold(builder, SupervisorBuilder::child);
        Self { builder, partition: PhantomData }
    }

    /// What it is called, among its siblings and in logs; 1 to 255 bytes.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.builder = self.builder.name(name);
        self
    }

    /// How many restarts it allows in which time. One more ends it. The window is inclusive.
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.builder = self.builder.intensity(restarts, period);
        self
    }

    /// The supervisor as a child, for options that it has as one.
    pub fn child_spec(self) -> ChildSpec<PartitionSupervisor<A>> {
        let (name, blueprint) = self.builder.into_parts();
        let blueprint = PartitionBlueprint { blueprint, partition: PhantomData };
        let mut spec = ChildSpec::from_source(name, Arc::new(blueprint));
        spec.be_supervisor();
        spec
    }

    /// Starts it in a system, and waits until all partitions run.
    ///
    /// # Errors
    ///
    /// As [`SupervisorBuilder::start`].
    pub async fn start(self, system: &System) -> Result<ActorRef<PartitionSupervisor<A>>> {
        system.start(self).await
    }
}

impl<A: Actor> IntoChildSpec for PartitionSupervisorBuilder<A> {
    type Actor = PartitionSupervisor<A>;

    fn into_child_spec(self) -> ChildSpec<PartitionSupervisor<A>> {
        self.child_spec()
    }
}

impl<A: Actor> PartitionBlueprint<A> {
    /// Refuses what cannot be.
    pub(super) fn validate(&self) -> Result<()> {
        if self.blueprint.children.is_empty() {
            return Err(refused("partitions", "there is at least one"));
        }
        let mut partitions = self.blueprint.children.iter();
        if partitions.any(|child| child.options().restart == Some(Restart::Temporary)) {
            return Err(refused("restart", "a temporary partition would be forgotten"));
        }
        let mut partitions = self.blueprint.children.iter();
        if partitions.any(|child| child.options().is_registered_under_its_name()) {
            let why = "partitions are called by their numbers; give each a key with `via`";
            return Err(refused("registered", why));
        }
        Ok(())
    }
}

impl<A: Actor> Source<Self> for PartitionBlueprint<A> {
    fn get(&self) -> Option<Self> {
        let blueprint = self.blueprint.get()?;
        Some(Self { blueprint, partition: PhantomData })
    }

    fn another(&self) -> Option<Arc<dyn Source<Self>>> {
        let blueprint = self.blueprint.another();
        Some(Arc::new(Self { blueprint, partition: PhantomData }))
    }
}

impl<A> Clone for PartitionSupervisorBuilder<A> {
    /// Another supervisor, whose partitions have places of their own.
    fn clone(&self) -> Self {
        Self { builder: self.builder.clone(), partition: PhantomData }
    }
}

impl<A> fmt::Debug for PartitionSupervisorBuilder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PartitionSupervisorBuilder").field(&self.builder).finish()
    }
}

impl<A> fmt::Debug for PartitionBlueprint<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PartitionBlueprint").field(&self.blueprint).finish()
    }
}
