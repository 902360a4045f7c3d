//! Publishing through a log, with more and more in it; and a durable subscription, end to end.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Result, ensure};
use foundation::System;
use signals::{Bus, Durable, DurableOptions, LogPosition, MemoryLog, Signal, SignalLog, Start};
use tokio::sync::{mpsc, oneshot};

use crate::clock::{PerOperation, Stopwatch};
use crate::figure::{Sample, Unit};
use crate::size::Size;

/// How many signals are in the log, and how many are published then.
const CASES: [(u32, &str); 3] = [
    (0, "signal_publish_logged_0"),
    (100_000, "signal_publish_logged_100000"),
    (1_000_000, "signal_publish_logged_1000000"),
];
const PUBLISHED: u32 = 100_000;
const BATCH: u32 = 100;
/// Signals through a durable subscription in a full run.
const DURABLE: u32 = 200_000;
/// How many are on their way at a time.
const IN_FLIGHT: usize = 100;

pub(super) async fn ours(size: Size) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for (before, name) in CASES {
        let system = System::builder().name("bench").start().await?;
        let log = Arc::new(filled(&system, size.of(before)).await?);
        let bus = Bus::builder().log(log).start(&system).await?;
        let mut times = PerOperation::default();
        for _ in 0..size.of(PUBLISHED) / BATCH {
            let stopwatch = Stopwatch::start();
            for _ in 0..BATCH {
                let report = bus.publish(Signal::new("order.7.shipped", "/shop")).await?;
                ensure!(report.position().is_some() && report.is_complete(), "it is not there");
            }
            times.add(stopwatch.elapsed(), BATCH);
        }
        let values = vec![
            ("ours".to_owned(), times.median()),
            ("p50".to_owned(), times.median()),
            ("p99".to_owned(), times.quantile(0.99)),
        ];
        samples.push(sample(name, size.of(PUBLISHED), values));
        system.stop().await?;
    }
    samples.push(durable(size).await?);
    Ok(samples)
}

/// Appending to the same log alone; and a channel with an acknowledgement for each message.
pub(super) async fn limits(size: Size) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for (before, name) in CASES {
        let system = System::builder().name("bench").start().await?;
        let log = filled(&system, size.of(before)).await?;
        let mut times = PerOperation::default();
        for _ in 0..size.of(PUBLISHED) / BATCH {
            let stopwatch = Stopwatch::start();
            for _ in 0..BATCH {
                let signal = Signal::new("order.7.shipped", "/shop").stamp(&system)?;
                ensure!(black_box(log.append(vec![signal]).await?).len() == 1, "it is not there");
            }
            times.add(stopwatch.elapsed(), BATCH);
        }
        let values = vec![("limit_append".to_owned(), times.median())];
        samples.push(sample(name, size.of(PUBLISHED), values));
        system.stop().await?;
    }
    samples.push(channel(size).await?);
    Ok(samples)
}

/// A log that has so many signals.
async fn filled(system: &System, signals: u32) -> Result<MemoryLog> {
    // All that is published comes on top, and nothing is dropped.
    let room = u64::from(signals) + u64::from(PUBLISHED) + 1000;
    let log = MemoryLog::builder().max_signals(room).max_bytes(1 << 32).build(system)?;
    for _ in 0..signals.div_ceil(1000) {
        let one = || Signal::new("order.7.placed", "/shop").stamp(system);
        log.append((0..1000).map(|_| one()).collect::<foundation::Result<_>>()?).await?;
    }
    Ok(log)
}

/// A consumer that acknowledges, from the first signal to where the cursor is behind the last.
async fn durable(size: Size) -> Result<Sample> {
    let signals = size.of(DURABLE) / 1000 * 1000;
    let system = System::builder().name("bench").start().await?;
    let log = Arc::new(filled(&system, signals).await?);
    let bus = Bus::builder().log(log).start(&system).await?;
    let options = DurableOptions::new("bench").start(Start::Beginning).max_in_flight(IN_FLIGHT);
    let stopwatch = Stopwatch::start();
    let durable = bus.handle("order.**", async |_| Ok(())).durable(options).await?;
    settled(&durable, u64::from(signals)).await?;
    let values = vec![("ours".to_owned(), stopwatch.per_second(signals))];
    let acknowledged = durable.status().acknowledged;
    ensure!(acknowledged == u64::from(signals), "{acknowledged} were acknowledged");
    system.stop().await?;
    let (name, unit) = ("signal_durable".to_owned(), Unit::PerSecond);
    Ok(Sample { name, unit, operations: signals, values })
}

/// Waits until everything is settled.
async fn settled(durable: &Durable, signals: u64) -> Result<()> {
    while durable.status().acknowledged < signals {
        ensure!(durable.status().dead_letters == 0, "something was given up");
        tokio::task::yield_now().await;
    }
    ensure!(durable.status().cursor > LogPosition::START, "the cursor has not moved");
    Ok(())
}

async fn channel(size: Size) -> Result<Sample> {
    let signals = size.of(DURABLE) / 1000 * 1000;
    let (sender, mut receiver) = mpsc::channel::<(Arc<u64>, oneshot::Sender<()>)>(IN_FLIGHT);
    #[expect(clippy::disallowed_methods, reason = "ban: spawn, the limit is a bare task")]
    let handler = tokio::spawn(async move {
        let mut count = 0;
        while let Some((signal, acknowledge)) = receiver.recv().await {
            count += *signal;
            // It is waited for until the end.
            let _ = acknowledge.send(());
        }
        count
    });
    let mut waiting = VecDeque::new();
    let stopwatch = Stopwatch::start();
    for _ in 0..signals {
        if waiting.len() == IN_FLIGHT
            && let Some(acknowledged) = waiting.pop_front()
        {
            let acknowledged: oneshot::Receiver<()> = acknowledged;
            acknowledged.await?;
        }
        let (acknowledge, acknowledged) = oneshot::channel();
        sender.send((Arc::new(1), acknowledge)).await?;
        waiting.push_back(acknowledged);
    }
    for acknowledged in waiting {
        acknowledged.await?;
    }
    let values = vec![("limit_channel_acknowledged".to_owned(), stopwatch.per_second(signals))];
    drop(sender);
    ensure!(handler.await? == u64::from(signals), "something was lost");
    let (name, unit) = ("signal_durable".to_owned(), Unit::PerSecond);
    Ok(Sample { name, unit, operations: signals, values })
}

fn sample(name: &str, operations: u32, values: Vec<(String, f64)>) -> Sample {
    Sample { name: name.to_owned(), unit: Unit::Nanoseconds, operations, values }
}
