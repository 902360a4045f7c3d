//! Publishing to two and to a thousand subscribers, until all have handled everything.
//!
//! What is published at a time fits into every inbox; then every receiver is waited for.

use std::sync::Arc;

use anyhow::{Result, ensure};
use foundation::{
    Actor, ActorRef, ChildSpec, Context, DynamicSupervisor, Flow, Init, Mailbox, Reply, Restart,
    System,
};
use signals::{Bus, Delivery, Signal};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::clock::Stopwatch;
use crate::figure::{Sample, Unit};
use crate::size::Size;

/// To how many, and how many signals in a full run.
const CASES: [(u32, u32, &str); 2] =
    [(2, 500_000, "signal_publish_2"), (1000, 2000, "signal_publish_1000")];
/// Signals at a time, and room in every inbox.
const WINDOW: u32 = 500;
const INBOX: usize = 1024;

/// Whoever counts what it gets.
struct Counter(u64);

enum Message {
    Signal(Delivery),
    Count(Reply<u64>),
}

impl From<Delivery> for Message {
    fn from(delivery: Delivery) -> Self {
        Self::Signal(delivery)
    }
}

impl Actor for Counter {
    type Args = ();
    type Message = Message;

    async fn init((): (), _: &mut Context<Self>) -> foundation::Result<Init<Self>> {
        Ok(Init::Ready(Self(0)))
    }

    async fn handle(
        &mut self,
        message: Message,
        _: &mut Context<Self>,
    ) -> foundation::Result<Flow> {
        match message {
            Message::Signal(delivery) => {
                drop(delivery);
                self.0 += 1;
            }
            Message::Count(reply) => reply.send(self.0),
        }
        Ok(Flow::Continue)
    }
}

pub(super) async fn ours(size: Size) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for (subscribers, signals, name) in CASES {
        let signals = whole(size.of(signals));
        let system = System::builder().name("bench").start().await?;
        let bus = Bus::builder().start(&system).await?;
        let actors = subscribe(&system, &bus, subscribers).await?;
        let stopwatch = Stopwatch::start();
        for window in 1..=signals / WINDOW {
            for _ in 0..WINDOW {
                let report = bus.publish(Signal::new("order.7.shipped", "/shop")).await?;
                ensure!(report.accepted() == subscribers as usize, "{} got it", report.accepted());
            }
            for actor in &actors {
                let count = actor.ask(Message::Count).await?;
                ensure!(count == u64::from(window * WINDOW), "{count} came");
            }
        }
        samples.push(sample(name, signals, "ours", stopwatch));
        system.stop().await?;
    }
    Ok(samples)
}

async fn subscribe(system: &System, bus: &Bus, subscribers: u32) -> Result<Vec<ActorRef<Counter>>> {
    let supervisor = DynamicSupervisor::builder().name("counters").start(system).await?;
    let mut actors = Vec::new();
    for _ in 0..subscribers {
        let spec = ChildSpec::<Counter>::actor("counter", ()).mailbox(Mailbox::bounded(INBOX));
        let actor = supervisor.start_child(spec.restart(Restart::Temporary)).await?;
        bus.subscribe("order.*.shipped", &actor).await?;
        actors.push(actor);
    }
    Ok(actors)
}

/// What goes through a channel: as much as a clone of a signal is.
enum Sent {
    Signal(Arc<u64>),
    Count(oneshot::Sender<u64>),
}

/// One bare channel for each receiver, and one broadcast channel for all.
pub(super) async fn limits(size: Size) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for (subscribers, signals, name) in CASES {
        let signals = whole(size.of(signals));
        samples.push(channels(name, subscribers, signals).await?);
        samples.push(broadcast(name, subscribers, signals).await?);
    }
    Ok(samples)
}

async fn channels(name: &str, subscribers: u32, signals: u32) -> Result<Sample> {
    let mut senders = Vec::new();
    for _ in 0..subscribers {
        let (sender, mut receiver) = mpsc::channel(INBOX);
        senders.push(sender);
        bench_task(async move {
            let mut count = 0;
            while let Some(sent) = receiver.recv().await {
                match sent {
                    Sent::Signal(signal) => count += *signal,
                    Sent::Count(reply) => drop(reply.send(count)),
                }
            }
        });
    }
    let stopwatch = Stopwatch::start();
    for window in 1..=signals / WINDOW {
        for _ in 0..WINDOW {
            let signal = Arc::new(1);
            for sender in &senders {
                sender.send(Sent::Signal(Arc::clone(&signal))).await?;
            }
        }
        for sender in &senders {
            let (reply, count) = oneshot::channel();
            sender.send(Sent::Count(reply)).await?;
            ensure!(count.await? == u64::from(window * WINDOW), "something was lost");
        }
    }
    Ok(sample(name, signals, "limit_channels", stopwatch))
}

async fn broadcast(name: &str, subscribers: u32, signals: u32) -> Result<Sample> {
    let (sender, _) = broadcast::channel(INBOX);
    let (counted, mut counts) = mpsc::channel(INBOX);
    for _ in 0..subscribers {
        let mut receiver = sender.subscribe();
        let counted = counted.clone();
        bench_task(async move {
            let mut count = 0_u64;
            while let Ok(signal) = receiver.recv().await {
                let signal: Arc<u64> = signal;
                count += *signal;
                if count.is_multiple_of(u64::from(WINDOW)) && counted.send(count).await.is_err() {
                    break;
                }
            }
        });
    }
    let stopwatch = Stopwatch::start();
    for window in 1..=signals / WINDOW {
        for _ in 0..WINDOW {
            ensure!(sender.send(Arc::new(1)).is_ok(), "nobody listens");
        }
        for _ in 0..subscribers {
            let count = counts.recv().await;
            ensure!(count == Some(u64::from(window * WINDOW)), "something was lost");
        }
    }
    Ok(sample(name, signals, "tokio_broadcast", stopwatch))
}

/// Whole windows.
const fn whole(signals: u32) -> u32 {
    if signals < WINDOW { WINDOW } else { signals / WINDOW * WINDOW }
}

#[expect(
    clippy::disallowed_methods,
    reason = "ban: spawn, what ours is held against has no system"
)]
fn bench_task(task: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(task));
}

fn sample(name: &str, operations: u32, key: &str, stopwatch: Stopwatch) -> Sample {
    let values = vec![(key.to_owned(), stopwatch.per_second(operations))];
    Sample { name: name.to_owned(), unit: Unit::PerSecond, operations, values }
}
