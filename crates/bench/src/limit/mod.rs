//! Group `limit`: what it costs to be limited, guarded and switched, while nothing is wrong.
//!
//! Each operation is measured alone, by two threads at what they share, and by two threads at
//! things of their own. Whoever is measured implements [`Subject`]; the limit is the bare thing
//! that ours is built on, or that it stands around.

mod bare;
mod ours;

use std::future::Future;
use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

pub use bare::Bare;
pub use ours::Ours;

use crate::clock::{PerOperation, Stopwatch};
use crate::figure::{Sample, Unit};
use crate::size::Size;

/// Operations of each thread in a full run.
const OPERATIONS: u32 = 5_000_000;
/// Operations in one batch: so many that reading the clock around them does not show.
const BATCH: u32 = 1000;
/// Keys that a keyed limit is asked about in turn.
const KEYS: u64 = 1000;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Admitting something, below the limit.
    Check,
    /// The same, by one of a thousand keys.
    CheckKeyed,
    /// A call that succeeds at once, through a closed circuit.
    Call,
    /// A call that succeeds at the first attempt.
    Retry,
    /// Making an error, and dropping it.
    CreateError,
    /// Reading a flag.
    CheckFlag,
}

/// Who uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// One thread.
    Alone,
    /// Two threads, and both the same limit.
    Contended,
    /// Two threads, and each its own limit.
    Apart,
}

/// Something that has limits. An operation that it has not gives nothing.
pub trait Subject: Sized + Send + Sync + 'static {
    /// Under which key it is printed.
    fn key(operation: Operation) -> &'static str;
    /// Makes one.
    fn start() -> impl Future<Output = Result<Self>> + Send;
    /// Ends what it has started.
    fn stop(self) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }
    /// Whether one more is admitted, which it is.
    fn check(&self) -> Option<bool> {
        None
    }
    /// Whether one more of `key` is admitted, which it is.
    fn check_keyed(&self, key: u64) -> Option<bool> {
        let _ = key;
        None
    }
    /// Gives `value` from a call that is guarded.
    fn call(&self, value: u64) -> impl Future<Output = Option<u64>> + Send {
        let _ = value;
        std::future::ready(None)
    }
    /// Gives `value` from a call that would be tried again.
    fn retry(&self, value: u64) -> impl Future<Output = Option<u64>> + Send {
        let _ = value;
        std::future::ready(None)
    }
    /// Makes an error and drops it.
    fn create_error(&self) -> Option<()> {
        None
    }
    /// Whether a flag is on, which it is.
    fn check_flag(&self) -> Option<bool> {
        None
    }
}

impl Operation {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Check, "limit_check"),
        (Self::CheckKeyed, "limit_check_keyed"),
        (Self::Call, "breaker_call"),
        (Self::Retry, "retry_ok_path"),
        (Self::CreateError, "error_create"),
        (Self::CheckFlag, "flag_check"),
    ];
}

/// Measures `S`.
///
/// # Errors
///
/// When something is not admitted, or a call gives something else than it should.
pub async fn samples<S: Subject>(size: Size) -> Result<Vec<Sample>> {
    let operations = size.of(OPERATIONS);
    let mut samples = Vec::new();
    for (operation, name) in Operation::ALL {
        for (by, suffix) in
            [(Use::Alone, ""), (Use::Contended, "_contended"), (Use::Apart, "_apart")]
        {
            let Some(times) = measure::<S>(operation, by, operations).await? else { continue };
            let key = S::key(operation);
            let mut values = vec![(key.to_owned(), times.median())];
            if key == "ours" {
                values.push(("p50".to_owned(), times.median()));
                values.push(("p99".to_owned(), times.quantile(0.99)));
            }
            let name = format!("{name}{suffix}");
            samples.push(Sample { name, unit: Unit::Nanoseconds, operations, values });
        }
    }
    Ok(samples)
}

/// Times per operation; nothing where there is no such operation.
#[expect(clippy::disallowed_methods, reason = "ban: spawn, each thread is a worker of the runtime")]
async fn measure<S: Subject>(
    operation: Operation,
    by: Use,
    operations: u32,
) -> Result<Option<PerOperation>> {
    let first = Arc::new(S::start().await?);
    let others = match by {
        Use::Alone => Vec::new(),
        Use::Contended => vec![Arc::clone(&first)],
        Use::Apart => vec![Arc::new(S::start().await?)],
    };
    let subjects = std::iter::once(first).chain(others);
    let threads: Vec<_> = subjects
        .map(|subject| {
            tokio::spawn(async move {
                let mut times = PerOperation::default();
                for _ in 0..operations.div_ceil(BATCH) {
                    let stopwatch = Stopwatch::start();
                    let Some(done) = batch(&*subject, operation).await else {
                        return Ok((subject, None));
                    };
                    times.add(stopwatch.elapsed(), BATCH);
                    ensure!(done == BATCH, "{operation:?}: {done} of {BATCH} were done");
                    tokio::task::yield_now().await;
                }
                Ok((subject, Some(times)))
            })
        })
        .collect();
    let (mut all, mut subjects) = (None, Vec::new());
    for thread in threads {
        let (subject, times) = thread.await??;
        subjects.push(subject);
        match (&mut all, times) {
            (Some(all), Some(times)) => PerOperation::merge(all, times),
            (all, times) => *all = times,
        }
    }
    // Two threads may have had the same one.
    while let Some(subject) = subjects.pop() {
        if let Some(subject) = Arc::into_inner(subject) {
            subject.stop().await?;
        }
    }
    Ok(all)
}

/// Does an operation as often as a batch has, and says how often it came to what it should.
async fn batch<S: Subject>(subject: &S, operation: Operation) -> Option<u32> {
    let mut done = 0;
    for n in 0..u64::from(BATCH) {
        let fine = match operation {
            Operation::Check => black_box(subject).check()?,
            Operation::CheckKeyed => black_box(subject).check_keyed(black_box(n % KEYS))?,
            Operation::Call => black_box(subject).call(black_box(n)).await? == n,
            Operation::Retry => black_box(subject).retry(black_box(n)).await? == n,
            Operation::CreateError => black_box(subject).create_error().is_some(),
            Operation::CheckFlag => black_box(subject).check_flag()?,
        };
        done += u32::from(fine);
    }
    // An operation without a result says only now that there is none.
    (done > 0).then_some(done)
}

/// What a subject needs that cannot fail here.
fn nonzero(number: u32) -> Result<std::num::NonZeroU32> {
    std::num::NonZeroU32::new(number).context("a number above zero")
}

#[cfg(test)]
mod tests {
    //! The workload counts, and says so when something is not done.

    use super::{BATCH, Bare, Operation, Ours, Subject, batch, samples};
    use crate::size::Size;

    #[test]
    fn each_operation_of_ours_has_a_limit_beside_it() {
        let all = async {
            let (ours, bare) = (Ours::start().await.unwrap(), Bare::start().await.unwrap());
            for (operation, name) in Operation::ALL {
                assert_eq!(batch(&ours, operation).await, Some(BATCH), "{name}");
                assert_eq!(batch(&bare, operation).await, Some(BATCH), "{name}");
                assert!(Bare::key(operation).starts_with("limit_"), "{name}");
            }
            ours.stop().await.unwrap();
        };
        crate::runtime().unwrap().block_on(all);
    }

    /// Admits nothing, and has nothing else.
    struct Closed;

    impl Subject for Closed {
        fn key(_: Operation) -> &'static str {
            "closed"
        }

        async fn start() -> anyhow::Result<Self> {
            Ok(Self)
        }

        fn check(&self) -> Option<bool> {
            Some(false)
        }
    }

    #[test]
    fn a_subject_that_admits_nothing_has_no_figures() {
        let measured = crate::runtime().unwrap().block_on(samples::<Closed>(Size::Quick));
        assert_eq!(measured.unwrap(), []);
    }
}
