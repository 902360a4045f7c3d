//! Group `actor`: messages to one actor, and its answers.
//!
//! The actor adds up what it is told and answers with the total. [`samples`] is the whole workload;
//! whoever is measured implements [`Subject`]. The limit is what a task with a bare channel does.

use std::future::Future;

use anyhow::{Context, Result, ensure};
use tokio::sync::{mpsc, oneshot};

use crate::clock::{PerOperation, Stopwatch};
use crate::figure::{Sample, Unit};
use crate::size::Size;

/// Messages in a full run of a tell figure.
const TELLS: u32 = 2_000_000;
/// Calls in a full run of an ask figure.
const ASKS: u32 = 200_000;
/// Calls in one batch of an ask figure.
const BATCH: u32 = 100;
/// Capacity of a bounded mailbox, wherever one can be chosen.
pub const MAILBOX: usize = 1024;

/// One actor that adds up what it is told.
pub trait Subject: Clone + Send + Sync + 'static {
    /// Starts an actor whose total is 0.
    fn start() -> impl Future<Output = Result<Self>> + Send;
    /// Tells it to add `amount`, and waits only for a place in its mailbox.
    fn tell(&self, amount: u64) -> impl Future<Output = Result<()>> + Send;
    /// Asks it for its total.
    fn ask(&self) -> impl Future<Output = Result<u64>> + Send;
}

/// Measures `S` under the name `key`: `actor_tell`, `actor_tell_4p` and `actor_ask`.
///
/// # Errors
///
/// When the actor fails, or when its total is not what it was told.
pub async fn samples<S: Subject>(key: &str, size: Size) -> Result<Vec<Sample>> {
    let tells = size.of(TELLS);
    let mut samples = Vec::new();
    for (name, producers) in [("actor_tell", 1), ("actor_tell_4p", 4)] {
        samples.push(Sample {
            name: name.to_owned(),
            unit: Unit::PerSecond,
            operations: tells,
            values: vec![(key.to_owned(), tell::<S>(producers, tells).await?)],
        });
    }
    let asks = size.of(ASKS);
    let times = ask::<S>(asks).await?;
    let mut values = vec![(key.to_owned(), times.median())];
    if key == "ours" {
        values.push(("p50".to_owned(), times.median()));
        values.push(("p99".to_owned(), times.quantile(0.99)));
    }
    let (name, unit) = ("actor_ask".to_owned(), Unit::Nanoseconds);
    samples.push(Sample { name, unit, operations: asks, values });
    Ok(samples)
}

/// Measures the limit: a task that reads a channel of tokio.
///
/// # Errors
///
/// As [`samples`].
pub async fn limit(size: Size) -> Result<Vec<Sample>> {
    samples::<BareTask>("limit_tokio_mpsc", size).await
}

/// Messages per second from `producers` tasks, until the last one is handled.
#[expect(clippy::disallowed_methods, reason = "ban: spawn, producers run beside the actor")]
async fn tell<S: Subject>(producers: u32, tells: u32) -> Result<f64> {
    let subject = S::start().await?;
    let stopwatch = Stopwatch::start();
    let producers: Vec<_> = (0..producers)
        .map(|producer| {
            let subject = subject.clone();
            let share = tells / producers + u32::from(producer < tells % producers);
            tokio::spawn(async move {
                for _ in 0..share {
                    subject.tell(1).await?;
                }
                anyhow::Ok(())
            })
        })
        .collect();
    for producer in producers {
        producer.await??;
    }
    let total = subject.ask().await?;
    let rate = stopwatch.per_second(tells);
    ensure!(total == u64::from(tells), "{tells} messages were sent and {total} handled");
    Ok(rate)
}

/// Times of calls that follow each other.
#[expect(clippy::disallowed_methods, reason = "ban: spawn, the caller runs on a worker too")]
async fn ask<S: Subject>(asks: u32) -> Result<PerOperation> {
    let subject = S::start().await?;
    subject.tell(7).await?;
    let caller = tokio::spawn(async move {
        let mut times = PerOperation::default();
        for _ in 0..asks / BATCH {
            let stopwatch = Stopwatch::start();
            for _ in 0..BATCH {
                ensure!(subject.ask().await? == 7, "an answer is wrong");
            }
            times.add(stopwatch.elapsed(), BATCH);
        }
        Ok(times)
    });
    caller.await?
}

/// A task that reads a bounded channel: nothing supervises it, nothing restarts it.
#[derive(Debug, Clone)]
struct BareTask(mpsc::Sender<Message>);

#[derive(Debug)]
enum Message {
    Add(u64),
    Total(oneshot::Sender<u64>),
}

impl Subject for BareTask {
    #[expect(clippy::disallowed_methods, reason = "ban: spawn, the limit is a bare task")]
    async fn start() -> Result<Self> {
        let (sender, mut receiver) = mpsc::channel(MAILBOX);
        tokio::spawn(async move {
            let mut total = 0;
            while let Some(message) = receiver.recv().await {
                match message {
                    Message::Add(amount) => total += amount,
                    // The caller may have gone; then nobody wants the answer.
                    Message::Total(reply) => drop(reply.send(total)),
                }
            }
        });
        Ok(Self(sender))
    }

    async fn tell(&self, amount: u64) -> Result<()> {
        self.0.send(Message::Add(amount)).await.ok().context("the task is gone")
    }

    async fn ask(&self) -> Result<u64> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Message::Total(reply)).await.ok().context("the task is gone")?;
        answer.await.context("the task is gone")
    }
}

#[cfg(test)]
mod tests;
