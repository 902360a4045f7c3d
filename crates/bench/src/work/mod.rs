//! Group `work`: what it costs to have work done by a pool, and by a program of the operating
//! system. Each is measured alone, one after the other.

mod bare;
mod ours;

use std::future::Future;

use anyhow::{Result, ensure};

pub use bare::Bare;
pub use ours::Ours;

use crate::clock::{PerOperation, Stopwatch};
use crate::figure::{Sample, Unit};
use crate::size::Size;

/// Tasks in a full run.
const TASKS: u32 = 200_000;
/// Tasks in one batch, and places of a pool.
const BATCH: u32 = 100;
/// Programs in a full run.
const PROGRAMS: u32 = 2000;
/// The program: it does nothing, so that starting it is all.
pub const PROGRAM: &str = "/bin/true";

/// Somebody who has work done.
pub trait Subject: Sized + Send + Sync + 'static {
    /// Under which key it is printed.
    const KEY: &'static str;

    /// Makes one.
    fn start() -> impl Future<Output = Result<Self>> + Send;
    /// Gives `value` from a task in a pool.
    fn task(&self, value: u64) -> impl Future<Output = Result<u64>> + Send;
    /// Gives 0 to `values` from as many tasks at the same time, summed up.
    fn tasks(&self, values: u64) -> impl Future<Output = Result<u64>> + Send;
    /// Runs [`PROGRAM`], and gives what it has written, which is nothing.
    fn program(&self) -> impl Future<Output = Result<Vec<u8>>> + Send;
    /// Ends what it has started.
    fn stop(self) -> impl Future<Output = Result<()>> + Send;
}

/// Measures `S`.
///
/// # Errors
///
/// When work fails, or comes to something else than it should.
#[expect(clippy::disallowed_methods, reason = "ban: spawn, whoever waits runs on a worker too")]
pub async fn samples<S: Subject>(size: Size) -> Result<Vec<Sample>> {
    tokio::spawn(async move {
        let subject = S::start().await?;
        let (tasks, programs) = (size.of(TASKS), size.of(PROGRAMS));
        let samples = vec![
            sample::<S>("pool_task", tasks, &one_after_the_other(&subject, tasks).await?),
            sample::<S>("pool_task_100", tasks, &together(&subject, tasks).await?),
            sample::<S>("command_run", programs, &run(&subject, programs).await?),
        ];
        subject.stop().await?;
        Ok(samples)
    })
    .await?
}

fn sample<S: Subject>(name: &str, operations: u32, times: &PerOperation) -> Sample {
    let mut values = vec![(S::KEY.to_owned(), times.median())];
    if S::KEY == "ours" {
        values.push(("p50".to_owned(), times.median()));
        values.push(("p99".to_owned(), times.quantile(0.99)));
    }
    Sample { name: name.to_owned(), unit: Unit::Nanoseconds, operations, values }
}

/// Times of tasks that follow each other.
async fn one_after_the_other<S: Subject>(subject: &S, tasks: u32) -> Result<PerOperation> {
    let mut times = PerOperation::default();
    for _ in 0..tasks.div_ceil(BATCH) {
        let stopwatch = Stopwatch::start();
        for value in 0..u64::from(BATCH) {
            ensure!(subject.task(value).await? == value, "a task came to something else");
        }
        times.add(stopwatch.elapsed(), BATCH);
    }
    Ok(times)
}

/// Times per task, of a hundred at the same time.
async fn together<S: Subject>(subject: &S, tasks: u32) -> Result<PerOperation> {
    let (mut times, values) = (PerOperation::default(), u64::from(BATCH));
    for _ in 0..tasks.div_ceil(BATCH) {
        let stopwatch = Stopwatch::start();
        let sum = subject.tasks(values).await?;
        times.add(stopwatch.elapsed(), BATCH);
        ensure!(sum == values * (values - 1) / 2, "tasks came to something else");
    }
    Ok(times)
}

/// Times of programs that follow each other.
async fn run<S: Subject>(subject: &S, programs: u32) -> Result<PerOperation> {
    let mut times = PerOperation::default();
    for _ in 0..programs {
        let stopwatch = Stopwatch::start();
        let written = subject.program().await?;
        times.add(stopwatch.elapsed(), 1);
        ensure!(written.is_empty(), "{PROGRAM} has written something");
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    //! The workload notices work that comes to something else.

    use anyhow::Result;

    use super::{Bare, Ours, Subject, samples};
    use crate::size::Size;

    fn measured<S: Subject>() -> Result<Vec<String>> {
        let samples = crate::runtime_with_io()?.block_on(samples::<S>(Size::Quick))?;
        let names = |(name, _): &(String, f64)| name.clone();
        let all = samples.iter().map(|sample| {
            let keys: Vec<_> = sample.values.iter().map(names).collect();
            format!("{} {}", sample.name, keys.join(" "))
        });
        Ok(all.collect())
    }

    #[test]
    fn each_figure_of_ours_has_a_limit_beside_it() {
        let names = ["pool_task", "pool_task_100", "command_run"];
        assert_eq!(measured::<Ours>().unwrap(), names.map(|name| format!("{name} ours p50 p99")));
        assert_eq!(measured::<Bare>().unwrap(), names.map(|name| format!("{name} limit_tokio")));
    }

    /// Gives nothing but nought.
    struct Lazy;

    impl Subject for Lazy {
        const KEY: &'static str = "lazy";

        async fn start() -> Result<Self> {
            Ok(Self)
        }

        async fn task(&self, _: u64) -> Result<u64> {
            Ok(0)
        }

        async fn tasks(&self, _: u64) -> Result<u64> {
            Ok(0)
        }

        async fn program(&self) -> Result<Vec<u8>> {
            Ok(Vec::new())
        }

        async fn stop(self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn work_that_is_not_done_is_noticed_however_fast() {
        let error = measured::<Lazy>().unwrap_err();
        assert_eq!(error.to_string(), "a task came to something else");
    }
}
