//! Making a signal, and writing it as JSON and reading it again.

use std::hint::black_box;

use anyhow::{Result, ensure};
use foundation::{Home, InSystem, System};
use serde_json::{Value, json};
use signals::Signal;
use signals::codec::Codec;

use crate::clock::{PerOperation, Stopwatch};
use crate::figure::{Sample, Unit};
use crate::size::Size;

/// Signals in a full run.
const SIGNALS: u32 = 1_000_000;
/// Signals in one batch.
const BATCH: u32 = 1000;

pub(super) async fn ours(size: Size) -> Result<Vec<Sample>> {
    let system = System::builder().name("bench").start().await?;
    let home = system.home();
    let made = times(size, || {
        let signal = Signal::new("order.7.shipped", "/shop").stamp(&home)?;
        Ok(signal.topic().as_str().len())
    })?;
    let (signal, codec) = (example(&home)?, Codec::default());
    let json = times(size, || {
        let written = codec.encode_json(black_box(&signal))?;
        let read = codec.decode_json(&written)?;
        ensure!(read.id() == signal.id(), "another signal was read");
        Ok(written.len())
    })?;
    system.stop().await?;
    Ok(vec![sample("signal_new", &made, "ours", size), sample("signal_json", &json, "ours", size)])
}

pub(super) async fn limits(size: Size) -> Result<Vec<Sample>> {
    let system = System::builder().name("bench").start().await?;
    let home = system.home();
    let id = times(size, || Ok(home.new_id().as_bytes().len()))?;
    let written = Codec::default().encode_json(&example(&home)?)?;
    let value: Value = serde_json::from_slice(&written)?;
    let json = times(size, || {
        let written = serde_json::to_vec(black_box(&value))?;
        let read: Value = serde_json::from_slice(&written)?;
        ensure!(read["id"] == value["id"], "another value was read");
        Ok(written.len())
    })?;
    system.stop().await?;
    Ok(vec![
        sample("signal_new", &id, "limit_uuid7", size),
        sample("signal_json", &json, "limit_serde_json_value", size),
    ])
}

/// A signal of some two hundred bytes.
fn example(home: &Home) -> Result<Signal> {
    let data = json!({ "order": 7, "parcels": [{ "weight": 1.5 }], "express": true });
    let draft = Signal::new("order.7.shipped", "https://example.com/shop").subject("7").json(data);
    Ok(draft.stamp(home)?)
}

/// Times of doing something that gives a size, which is never nothing.
fn times(size: Size, mut once: impl FnMut() -> Result<usize>) -> Result<PerOperation> {
    let mut times = PerOperation::default();
    for _ in 0..size.of(SIGNALS).div_ceil(BATCH) {
        let stopwatch = Stopwatch::start();
        for _ in 0..BATCH {
            ensure!(black_box(once()?) > 0, "nothing was made");
        }
        times.add(stopwatch.elapsed(), BATCH);
    }
    Ok(times)
}

fn sample(name: &str, times: &PerOperation, key: &str, size: Size) -> Sample {
    let mut values = vec![(key.to_owned(), times.median())];
    if key == "ours" {
        values.push(("p50".to_owned(), times.median()));
        values.push(("p99".to_owned(), times.quantile(0.99)));
    }
    let (name, unit) = (name.to_owned(), Unit::Nanoseconds);
    Sample { name, unit, operations: size.of(SIGNALS), values }
}
