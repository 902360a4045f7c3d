//! A partitioned supervisor is a supervisor, and shares which partitions there are.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::handle::Partitions;
use super::options::{PartitionBlueprint, PartitionSupervisorBuilder};
use crate::actor::{Actor, Context, Flow, Init};
use crate::error::Result;
use crate::exit::ExitReason;
use crate::supervisor::options::IntoChildSpec;
use crate::supervisor::run::{Message, Supervisor};

/// A supervisor of one kind of child, `A`, of which there is one for each partition. Begin one with
/// [`PartitionSupervisor::of`].
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
/// use foundation::{ChildSpec, PartitionSupervisor, System};
///
/// let system = System::builder().name("shop").start().await?;
/// let visits = PartitionSupervisor::of(4, |_| ChildSpec::<Counter>::actor("visits", 0))
///     .name("visits")
///     .start(&system)
///     .await?;
///
/// visits.route_by(&"alice")?.tell(Message::Add(2)).await?;
/// assert_eq!(visits.route_by(&"alice")?.ask(Message::Total).await?, 2);
/// assert_eq!(visits.route(5)?, visits.route(1)?);
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct PartitionSupervisor<A> {
    supervisor: Supervisor,
    partition: PhantomData<fn() -> A>,
}

impl<A: Actor> PartitionSupervisor<A> {
    /// Begins a supervisor of so many partitions, each of which is what `make` makes of its number,
    /// from 0.
    pub fn of<C>(partitions: usize, make: impl Fn(usize) -> C) -> PartitionSupervisorBuilder<A>
    where
        C: IntoChildSpec<Actor = A>,
    {
        PartitionSupervisorBuilder::new(partitions, make)
    }
}

impl<A: Actor> Actor for PartitionSupervisor<A> {
    type Args = PartitionBlueprint<A>;
    type Message = Message;

    async fn init(given: PartitionBlueprint<A>, cx: &mut Context<Self>) -> Result<Init<Self>> {
        given.validate()?;
        let partitions = Partitions::<A>::new(given.blueprint.children.clone());
        let supervisor = Supervisor::begin(given.blueprint, cx).await?;
        cx.share(Arc::new(partitions));
        Ok(Init::Ready(Self { supervisor, partition: PhantomData }))
    }

    async fn handle(&mut self, message: Message, cx: &mut Context<Self>) -> Result<Flow> {
        Ok(self.supervisor.go_on(message, cx))
    }

    async fn terminate(&mut self, _: &ExitReason, cx: &mut Context<Self>) {
        self.supervisor.finish(cx).await;
    }
}

impl<A> fmt::Debug for PartitionSupervisor<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PartitionSupervisor").field(&self.supervisor).finish()
    }
}
