//! Ours: a supervised actor with a bounded mailbox.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use foundation::{
    Actor, ActorRef, ChildSpec, Context, DynamicSupervisor, Flow, Init, Mailbox, Reply, Restart,
    Supervisor, System,
};
use tokio::sync::Notify;

use super::{How, MAILBOX, Subject};
use crate::crash::ON_PURPOSE;

/// A running actor.
#[derive(Debug, Clone)]
pub struct Ours(ActorRef<Sum>);

/// A system, and supervisors in it: one for children that come and go, one for those that stay.
#[derive(Debug)]
pub struct World {
    system: System,
    dynamic: ActorRef<DynamicSupervisor>,
    supervisor: ActorRef<Supervisor>,
    names: AtomicU64,
}

#[derive(Debug)]
struct Sum {
    total: u64,
}

#[derive(Debug)]
enum Message {
    Add(u64),
    Total(Reply<u64>),
    Hibernate,
    Crash,
}

impl Actor for Sum {
    type Args = Option<Arc<Notify>>;
    type Message = Message;

    async fn init(
        started: Option<Arc<Notify>>,
        _: &mut Context<Self>,
    ) -> foundation::Result<Init<Self>> {
        started.inspect(|started| started.notify_one());
        Ok(Init::Ready(Self { total: 0 }))
    }

    async fn handle(
        &mut self,
        message: Message,
        _: &mut Context<Self>,
    ) -> foundation::Result<Flow> {
        match message {
            Message::Add(amount) => self.total += amount,
            Message::Total(reply) => reply.send(self.total),
            Message::Hibernate => return Ok(Flow::Hibernate),
            Message::Crash => std::panic::panic_any(ON_PURPOSE),
        }
        Ok(Flow::Continue)
    }
}

fn spec(name: impl Into<Arc<str>>, started: Option<Arc<Notify>>) -> ChildSpec<Sum> {
    ChildSpec::actor(name, started).mailbox(Mailbox::bounded(MAILBOX))
}

impl Subject for Ours {
    type World = World;

    async fn world() -> Result<World> {
        let system = System::builder().name("bench").start().await?;
        let dynamic = DynamicSupervisor::builder().start(&system).await?;
        let supervisor = Supervisor::one_for_one().start(&system).await?;
        Ok(World { system, dynamic, supervisor, names: AtomicU64::new(0) })
    }

    async fn start(world: &World) -> Result<Self> {
        Ok(Self(world.system.start(spec("sum", None)).await?))
    }

    fn start_so(world: &World, how: How) -> Option<impl Future<Output = Result<Self>> + Send> {
        Some(async move {
            Ok(Self(match how {
                How::Default | How::Acknowledged => world.system.start(spec("sum", None)).await?,
                How::Dynamic => {
                    let temporary = spec("sum", None).restart(Restart::Temporary);
                    world.dynamic.start_child(temporary).await?
                }
                How::DynamicRestarting => world.dynamic.start_child(spec("sum", None)).await?,
                How::Static => {
                    let name = world.names.fetch_add(1, Ordering::Relaxed).to_string();
                    world.supervisor.start_child(spec(name, None)).await?
                }
            }))
        })
    }

    async fn tell(&self, amount: u64) -> Result<()> {
        Ok(self.0.tell(Message::Add(amount)).await?)
    }

    async fn ask(&self) -> Result<u64> {
        Ok(self.0.ask(Message::Total).await?)
    }

    fn ask_without_deadline(&self) -> Option<impl Future<Output = Result<u64>> + Send> {
        Some(async { Ok(self.0.ask(Message::Total).without_deadline().await?) })
    }

    fn hibernate(&self) -> Option<impl Future<Output = Result<()>> + Send> {
        Some(async { Ok(self.0.tell(Message::Hibernate).await?) })
    }

    fn task(world: &World, value: u64) -> Option<impl Future<Output = Result<u64>> + Send> {
        Some(async move { Ok(world.dynamic.async_nolink(async move { Ok(value) })?.await?) })
    }

    fn start_supervised(
        world: &World,
        started: Arc<Notify>,
    ) -> Option<impl Future<Output = Result<Self>> + Send> {
        let supervisor = Supervisor::one_for_one()
            .intensity(u32::MAX, Duration::from_millis(1))
            .child(spec("sum", Some(started)));
        Some(async { Ok(Self(supervisor.start(&world.system).await?.child("sum").await?)) })
    }

    fn crash(&self) -> Option<impl Future<Output = Result<()>> + Send> {
        Some(async { Ok(self.0.tell(Message::Crash).await?) })
    }

    /// A system stops its children in the reverse order of their start.
    async fn stop(world: World, actors: Vec<Self>) -> Result<()> {
        world.system.stop().await?;
        drop(actors);
        Ok(())
    }
}
