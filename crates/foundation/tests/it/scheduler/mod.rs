//! Schedules of actors: what they are told, and what becomes of it when somebody ends.

mod calendar;
mod holdings;
mod managing;
mod ticking;

use std::sync::Mutex;
use std::time::Duration;

use foundation::{
    Actor, ActorRef, ChildSpec, Clock, Context, Flow, Init, Reply, Result, Scheduler, System, Tick,
};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::fixture::after;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// A wall clock that goes with the runtime's, and can be set.
#[derive(Debug)]
struct SettableClock {
    started: Instant,
    shows: Mutex<Timestamp>,
}

impl SettableClock {
    fn showing(text: &str) -> Self {
        Self { started: Instant::now(), shows: Mutex::new(text.parse().unwrap()) }
    }

    fn set(&self, by: SignedDuration) {
        let mut shows = self.shows.lock().unwrap();
        *shows += by;
    }
}

impl Clock for SettableClock {
    fn now(&self) -> Timestamp {
        let gone = SignedDuration::try_from(self.started.elapsed()).unwrap();
        *self.shows.lock().unwrap() + gone
    }
}

/// Writes down when it is told of a tick, and works as long as it is to.
struct Worker {
    begun: Instant,
    takes: Duration,
    done: Vec<Done>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Done {
    name: String,
    /// In milliseconds since it was started.
    at: u128,
    due: Timestamp,
    missed: u64,
    is_forced: bool,
}

enum Message {
    Tick(Tick),
    Takes(Duration),
    Done(Reply<Vec<Done>>),
    Panic,
}

impl Actor for Worker {
    type Args = Duration;
    type Message = Message;

    async fn init(takes: Duration, _: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self { begun: Instant::now(), takes, done: Vec::new() }))
    }

    async fn handle(&mut self, message: Message, _: &mut Context<Self>) -> Result<Flow> {
        match message {
            Message::Tick(tick) => {
                self.done.push(Done {
                    name: tick.name().to_owned(),
                    at: self.begun.elapsed().as_millis(),
                    due: tick.due(),
                    missed: tick.missed(),
                    is_forced: tick.is_forced(),
                });
                after(self.takes).await;
            }
            Message::Takes(takes) => self.takes = takes,
            Message::Done(reply) => reply.send(std::mem::take(&mut self.done)),
            Message::Panic => panic!("it is told to"),
        }
        Ok(Flow::Continue)
    }
}

/// A scheduler and an owner, in a system whose clock can be set.
struct Stage {
    system: System,
    clock: std::sync::Arc<SettableClock>,
    scheduler: Scheduler,
    worker: ActorRef<Worker>,
}

/// The clock of a system is given away; the test keeps it too.
#[derive(Debug)]
struct Shared(std::sync::Arc<SettableClock>);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl Stage {
    async fn set() -> Self {
        Self::at("2026-06-01T00:00:00Z").await
    }

    async fn at(text: &str) -> Self {
        let clock = std::sync::Arc::new(SettableClock::showing(text));
        let shared = Shared(std::sync::Arc::clone(&clock));
        let system = System::builder().name("test").seed(7).clock(shared).start().await.unwrap();
        let scheduler = Scheduler::start(&system).await.unwrap();
        let worker = worker(&system).await;
        Self { system, clock, scheduler, worker }
    }

    /// When it was told of ticks since it was last asked, in milliseconds.
    async fn times(&self) -> Vec<u128> {
        self.done().await.into_iter().map(|done| done.at).collect()
    }

    async fn done(&self) -> Vec<Done> {
        self.worker.ask(Message::Done).without_deadline().await.unwrap()
    }
}

async fn worker(system: &System) -> ActorRef<Worker> {
    system.start(ChildSpec::<Worker>::actor("worker", Duration::ZERO)).await.unwrap()
}
