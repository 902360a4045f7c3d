//! A number of appends, by one caller and by many.

use std::path::Path;

use anyhow::{Context, Result};

use super::workload::{Opened, Until, Work, check, run};
use super::{Amounts, Folding, Keep, Subject};
use crate::figure::{Sample, Unit};

/// At how many callers it is counted what is written to the disk.
const COUNTED: u32 = 64;

/// The figures `journal_append_…`, `journal_bytes_per_op` and `journal_latency_1`.
pub(super) async fn samples<S: Subject>(amounts: &Amounts, folder: &Path) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for (callers, appends) in amounts.appends {
        let until = Until::Appends(appends / callers);
        let work = Work { callers, streams: callers, keep: Keep::Events, until };
        let opened = Opened::<S>::new(folder, Folding::On).await?;
        let before = written()?;
        let done = run(&opened.subject, work).await?;
        let acknowledged = written()?;
        samples.push(Sample {
            name: format!("journal_append_{callers}"),
            unit: Unit::PerSecond,
            operations: done.appends,
            values: vec![(S::KEY.to_owned(), done.per_second())],
        });
        if callers == COUNTED {
            opened.subject.settle().await?;
            let per_append = |after: f64| (after - before) / f64::from(done.appends);
            let mut values = vec![(S::KEY.to_owned(), per_append(written()?))];
            if S::KEY == "ours" {
                values.push(("ours_before_fold".to_owned(), per_append(acknowledged)));
            }
            let (name, unit) = ("journal_bytes_per_op".to_owned(), Unit::Bytes);
            samples.push(Sample { name, unit, operations: done.appends, values });
        }
        check(&*opened.subject, work, &done).await?;
        opened.close().await?;
    }
    samples.push(latency::<S>(amounts.timed, folder).await?);
    Ok(samples)
}

/// How long one caller waits who is alone.
async fn latency<S: Subject>(appends: u32, folder: &Path) -> Result<Sample> {
    let until = Until::Appends(appends);
    let work = Work { callers: 1, streams: 1, keep: Keep::Events, until };
    let opened = Opened::<S>::new(folder, Folding::On).await?;
    let done = run(&opened.subject, work).await?;
    check(&*opened.subject, work, &done).await?;
    opened.close().await?;
    let microseconds = |share| done.times.quantile(share) / 1000.0;
    let mut values = vec![(S::KEY.to_owned(), microseconds(0.5))];
    if S::KEY == "ours" {
        values.push(("p50".to_owned(), microseconds(0.5)));
        values.push(("p99".to_owned(), microseconds(0.99)));
    } else {
        values.push((format!("{}_p99", S::KEY), microseconds(0.99)));
    }
    let (name, unit) = ("journal_latency_1".to_owned(), Unit::Microseconds);
    Ok(Sample { name, unit, operations: done.appends, values })
}

/// Bytes that this process has caused to be written to the disk.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, where the kernel tells it")]
fn written() -> Result<f64> {
    let io = std::fs::read_to_string("/proc/self/io")
        .context("what is written is counted where there is a /proc: on Linux")?;
    let bytes = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    Ok(bytes.context("/proc/self/io has no write_bytes")?.trim().parse()?)
}
