//! Group `actor`: messages to one actor and its answers; starting, keeping and stopping many.
//!
//! The actor adds up what it is told and answers with the total. [`samples`] is the whole workload;
//! whoever is measured implements [`Subject`]. The limit is what tasks with bare channels do.

mod limit;
mod memory;
mod ours;

use std::future::Future;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

pub use limit::BareTask;
pub use ours::Ours;

use tokio::sync::Notify;

use crate::clock::{PerOperation, Stopwatch};
use crate::figure::{Sample, Unit};
use crate::size::Size;

/// Messages in a full run of a tell figure.
const TELLS: u32 = 2_000_000;
/// Calls in a full run of an ask figure.
const ASKS: u32 = 200_000;
/// Actors in a full run of the spawn figure.
const SPAWNS: u32 = 50_000;
/// Idle actors in a full run of the memory figure.
const IDLE: u32 = 100_000;
/// Actors that are stopped in order, in a full run.
const STOPS: u32 = 10_000;
/// Crashes of one actor, in a full run.
const RESTARTS: u32 = 10_000;
/// Tasks that are awaited one after the other, in a full run.
const TASKS: u32 = 200_000;
/// Operations in one batch of a time figure.
const BATCH: u32 = 100;
/// Capacity of a bounded mailbox, wherever one can be chosen.
pub const MAILBOX: usize = 1024;

/// One actor that adds up what it is told.
pub trait Subject: Clone + Send + Sync + 'static {
    /// What its actors run in.
    type World: Send + Sync;

    /// Makes the world.
    fn world() -> impl Future<Output = Result<Self::World>> + Send;
    /// Starts an actor whose total is 0, and waits until it says that it runs, if it can.
    fn start(world: &Self::World) -> impl Future<Output = Result<Self>> + Send;
    /// Tells it to add `amount`, and waits only for a place in its mailbox.
    fn tell(&self, amount: u64) -> impl Future<Output = Result<()>> + Send;
    /// Asks it for its total.
    fn ask(&self) -> impl Future<Output = Result<u64>> + Send;
    /// [`Self::ask`] without the deadline that it has by default, for those that have one.
    fn ask_without_deadline(&self) -> Option<impl Future<Output = Result<u64>> + Send> {
        None::<std::future::Ready<Result<u64>>>
    }
    /// Lets it free what it does not need while it is idle, for those that can.
    fn hibernate(&self) -> Option<impl Future<Output = Result<()>> + Send> {
        None::<std::future::Ready<Result<()>>>
    }
    /// [`Self::start`] in another way, for those that have several.
    fn start_so(
        world: &Self::World,
        how: How,
    ) -> Option<impl Future<Output = Result<Self>> + Send> {
        let _ = (world, how);
        None::<std::future::Ready<Result<Self>>>
    }
    /// Gives `value` from a task of its own, for those that have tasks.
    fn task(world: &Self::World, value: u64) -> Option<impl Future<Output = Result<u64>> + Send> {
        let _ = (world, value);
        None::<std::future::Ready<Result<u64>>>
    }
    /// Starts an actor that is restarted whenever it panics, as often as that may be, for those
    /// that have something for it. Each incarnation notifies `started`.
    fn start_supervised(
        world: &Self::World,
        started: Arc<Notify>,
    ) -> Option<impl Future<Output = Result<Self>> + Send> {
        let _ = (world, started);
        None::<std::future::Ready<Result<Self>>>
    }
    /// Makes it panic, for those that can be restarted.
    fn crash(&self) -> Option<impl Future<Output = Result<()>> + Send> {
        None::<std::future::Ready<Result<()>>>
    }
    /// Stops all of them, the last one first, each after the one before has ended.
    fn stop(world: Self::World, actors: Vec<Self>) -> impl Future<Output = Result<()>> + Send;
}

/// What is measured in one process. A process that has held a gigabyte is slow for a while, and one
/// that has freed something does not show what it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// How long things take.
    Times,
    /// What actors take while they are idle.
    Memory,
}

/// Measures `S` under the name `key`.
///
/// # Errors
///
/// When an actor fails, or when its total is not what it was told.
pub async fn samples<S: Subject>(key: &str, size: Size, part: Part) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    if part == Part::Memory {
        let idle = size.of(IDLE);
        samples.push(Sample {
            name: "actor_memory".to_owned(),
            unit: Unit::Bytes,
            operations: idle,
            values: memory::per_idle_actor::<S>(key, idle).await?,
        });
        return Ok(samples);
    }
    let tells = size.of(TELLS);
    for (name, producers) in [("actor_tell", 1), ("actor_tell_4p", 4)] {
        samples.push(Sample {
            name: name.to_owned(),
            unit: Unit::PerSecond,
            operations: tells,
            values: vec![(key.to_owned(), tell::<S>(producers, tells).await?)],
        });
    }
    let asks = size.of(ASKS);
    let mut one = time("actor_ask", asks, key, &ask::<S>(1, asks, Deadline::Default).await?);
    if key == "ours" {
        let times = ask::<S>(1, asks, Deadline::None).await?;
        one.values.push(("ours_without_deadline".to_owned(), times.median()));
    }
    samples.push(one);
    let many = ask::<S>(64, asks, Deadline::Default).await?;
    samples.push(time("actor_ask_64", asks, key, &many));
    let spawns = size.of(SPAWNS);
    let (headline, others) = ways_to_start(key);
    let mut spawned = time("actor_spawn", spawns, key, &spawn::<S>(spawns, headline).await?);
    for (name, how) in others {
        let times = spawn::<S>(spawns, *how).await?;
        spawned.values.push((format!("{key}_{name}"), times.median()));
    }
    samples.push(spawned);
    let tasks = size.of(TASKS);
    if let Some(times) = task::<S>(tasks).await? {
        samples.push(time("task_await", tasks, key, &times));
    }
    let stops = size.of(STOPS);
    samples.push(time("actor_stop", stops, key, &stop::<S>(stops).await?));
    let restarts = size.of(RESTARTS);
    if let Some(times) = restart::<S>(restarts).await? {
        samples.push(time("actor_restart", restarts, key, &times));
    }
    Ok(samples)
}

/// How an actor is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// As it is by default.
    Default,
    /// By a bare task: the same, and whoever starts it waits until it says that it runs.
    Acknowledged,
    /// As the child of a supervisor of children that come and go; it is not restarted.
    Dynamic,
    /// The same, and it is restarted.
    DynamicRestarting,
    /// As the child of a supervisor of children in an order, which are restarted.
    Static,
}

/// How the actor of the headline is started, which of ours is a supervised one, and how others are.
fn ways_to_start(key: &str) -> (How, &'static [(&'static str, How)]) {
    match key {
        "ours" => (
            How::Dynamic,
            &[
                ("restarting", How::DynamicRestarting),
                ("static", How::Static),
                ("unsupervised", How::Default),
            ],
        ),
        "limit_tokio_mpsc" => (How::Default, &[("acknowledged", How::Acknowledged)]),
        _ => (How::Default, &[]),
    }
}

async fn start<S: Subject>(world: &S::World, how: How) -> Result<S> {
    match how {
        How::Default => S::start(world).await,
        how => S::start_so(world, how).context("there is no such way")?.await,
    }
}

/// Which deadline a call has.
#[derive(Debug, Clone, Copy)]
enum Deadline {
    Default,
    None,
}

fn time(name: &str, operations: u32, key: &str, times: &PerOperation) -> Sample {
    let mut values = vec![(key.to_owned(), times.median())];
    if key == "ours" {
        values.push(("p50".to_owned(), times.median()));
        values.push(("p99".to_owned(), times.quantile(0.99)));
    }
    Sample { name: name.to_owned(), unit: Unit::Nanoseconds, operations, values }
}

/// Messages per second from `producers` tasks, until the last one is handled.
#[expect(clippy::disallowed_methods, reason = "ban: spawn, producers run beside the actor")]
async fn tell<S: Subject>(producers: u32, tells: u32) -> Result<f64> {
    let world = S::world().await?;
    let subject = S::start(&world).await?;
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
    S::stop(world, vec![subject]).await?;
    Ok(rate)
}

/// Times of calls that follow each other, in each of `callers` tasks; with several, the time that
/// one call took on the whole.
#[expect(clippy::disallowed_methods, reason = "ban: spawn, the callers run on the workers too")]
async fn ask<S: Subject>(callers: u32, asks: u32, deadline: Deadline) -> Result<PerOperation> {
    let world = S::world().await?;
    let subject = S::start(&world).await?;
    subject.tell(7).await?;
    let callers: Vec<_> = (0..callers)
        .map(|_| {
            let subject = subject.clone();
            tokio::spawn(async move {
                let mut times = PerOperation::default();
                for _ in 0..(asks / callers).div_ceil(BATCH) {
                    let stopwatch = Stopwatch::start();
                    for _ in 0..BATCH {
                        let total = match deadline {
                            Deadline::Default => subject.ask().await?,
                            Deadline::None => match subject.ask_without_deadline() {
                                Some(answer) => answer.await?,
                                None => subject.ask().await?,
                            },
                        };
                        ensure!(total == 7, "an answer is wrong");
                    }
                    times.add(stopwatch.elapsed(), BATCH);
                }
                Ok(times)
            })
        })
        .collect();
    let mut times = PerOperation::default();
    for caller in callers {
        times.merge(caller.await??);
    }
    S::stop(world, vec![subject]).await?;
    Ok(times)
}

/// Times from nothing to the first answer of a new actor.
#[expect(clippy::disallowed_methods, reason = "ban: spawn, whoever starts runs on a worker too")]
async fn spawn<S: Subject>(spawns: u32, how: How) -> Result<PerOperation> {
    let starter = tokio::spawn(async move {
        let mut times = PerOperation::default();
        for _ in 0..spawns.div_ceil(1000) {
            let world = S::world().await?;
            let mut subjects = Vec::new();
            for _ in 0..1000 / BATCH {
                let stopwatch = Stopwatch::start();
                for _ in 0..BATCH {
                    let subject = start::<S>(&world, how).await?;
                    ensure!(subject.ask().await? == 0, "a new actor knows something");
                    subjects.push(subject);
                }
                times.add(stopwatch.elapsed(), BATCH);
            }
            S::stop(world, subjects).await?;
        }
        Ok(times)
    });
    starter.await?
}

/// Times from nothing to what a task comes to; nothing where there are none.
#[expect(clippy::disallowed_methods, reason = "ban: spawn, whoever starts runs on a worker too")]
async fn task<S: Subject>(tasks: u32) -> Result<Option<PerOperation>> {
    let starter = tokio::spawn(async move {
        let world = S::world().await?;
        let mut times = PerOperation::default();
        for _ in 0..tasks.div_ceil(BATCH) {
            let stopwatch = Stopwatch::start();
            for value in 0..u64::from(BATCH) {
                let Some(task) = S::task(&world, value) else {
                    S::stop(world, Vec::new()).await?;
                    return Ok(None);
                };
                ensure!(task.await? == value, "a task came to something else");
            }
            times.add(stopwatch.elapsed(), BATCH);
        }
        S::stop(world, Vec::new()).await?;
        Ok(Some(times))
    });
    starter.await?
}

/// Times per actor of stopping `stops` of them in order.
#[expect(clippy::disallowed_methods, reason = "ban: spawn, whoever stops runs on a worker too")]
async fn stop<S: Subject>(stops: u32) -> Result<PerOperation> {
    let stopper = tokio::spawn(async move {
        let mut times = PerOperation::default();
        for _ in 0..5 {
            let world = S::world().await?;
            let mut subjects = Vec::new();
            for _ in 0..stops {
                subjects.push(S::start(&world).await?);
            }
            let stopwatch = Stopwatch::start();
            S::stop(world, subjects).await?;
            times.add(stopwatch.elapsed(), stops);
        }
        Ok(times)
    });
    stopper.await?
}

/// Times from a panic to the first answer of the next incarnation; nothing where there is none.
#[expect(clippy::disallowed_methods, reason = "ban: spawn, whoever crashes runs on a worker too")]
async fn restart<S: Subject>(restarts: u32) -> Result<Option<PerOperation>> {
    let crasher = tokio::spawn(async move {
        let world = S::world().await?;
        let started = Arc::new(Notify::new());
        let Some(starting) = S::start_supervised(&world, Arc::clone(&started)) else {
            S::stop(world, Vec::new()).await?;
            return Ok(None);
        };
        let subject = starting.await?;
        started.notified().await;
        let mut times = PerOperation::default();
        for _ in 0..restarts {
            subject.tell(1).await?;
            let stopwatch = Stopwatch::start();
            subject.crash().context("it does not crash")?.await?;
            started.notified().await;
            // Whoever is told of the start may be faster than whoever is told to let others in.
            let total = loop {
                match subject.ask().await {
                    Ok(total) => break total,
                    Err(_) => tokio::task::yield_now().await,
                }
            };
            times.add(stopwatch.elapsed(), 1);
            ensure!(total == 0, "a new incarnation knows what the one before was told");
        }
        S::stop(world, vec![subject]).await?;
        Ok(Some(times))
    });
    crasher.await?
}

#[cfg(test)]
mod tests;
