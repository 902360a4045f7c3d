//! Attempts, and the waits between them.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use fastrand::Rng;
use tokio::time::Instant;

use super::plan::{Next, next};
use super::policy::RetryPolicy;
use crate::deadline::Within;
use crate::error::{Error, Result};
use crate::sync::Mutex;
use crate::system::{Home, InSystem};

/// Tries operations again, as a policy says. A clone shares its chance.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?.block_on(async {
/// use foundation::{Error, Retry, RetryPolicy, System};
///
/// let system = System::builder().name("shop").start().await?;
/// let retry = Retry::new(&system, RetryPolicy::exponential())?;
/// let price = retry.run(async |attempt| match attempt.number {
///     1 | 2 => Err(Error::infrastructure("bank_unreachable")),
///     _ => Ok(17),
/// });
/// assert_eq!(price.await?, 17);
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Retry {
    retry: Arc<Inner>,
}

struct Inner {
    policy: RetryPolicy,
    home: Home,
    /// Where chance comes from.
    random: Mutex<Rng>,
}

/// One attempt, for the code that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Which one, from 1.
    pub number: u32,
    /// How many there are at most.
    pub max: u32,
}

impl Retry {
    /// Tries again as `policy` says, in this system: by its clock, with chance from its seed.
    ///
    /// # Errors
    ///
    /// `invalid_options` when the policy cannot be.
    pub fn new(system: &impl InSystem, policy: RetryPolicy) -> Result<Self> {
        policy.validate()?;
        let home = system.home();
        let random = Mutex::new(Rng::with_seed(home.ports.new_seed()));
        Ok(Self { retry: Arc::new(Inner { policy, home, random }) })
    }

    /// Runs an operation until it succeeds, or there is no reason to try again. Each attempt is a
    /// new future, made by `operation`.
    ///
    /// # Errors
    ///
    /// The error of the last attempt, unchanged: when it is no infrastructure error, when there
    /// were as many attempts as there may be, when a wait would be over after the deadline or is
    /// longer than the policy allows, and when the budget is spent. `timeout` when the last attempt
    /// was dropped because it took too long, with the last error of one before as its cause;
    /// `system_stopping` when it was because the system went.
    pub async fn run<T, F: Future<Output = Result<T>>>(
        &self,
        mut operation: impl FnMut(Attempt) -> F,
    ) -> Result<T> {
        let Inner { policy, home, random } = &*self.retry;
        // No clock is read for what has no deadline.
        let deadline = policy.deadline.map(|deadline| Instant::now() + deadline);
        let left = || deadline.map(|at| at.saturating_duration_since(Instant::now()));
        policy.budget.as_ref().inspect(|budget| budget.deposit());
        let (mut before, mut number) = (None, 0);
        // The plan gives up after as many attempts as there may be.
        loop {
            number += 1;
            let attempt = operation(Attempt { number, max: policy.max_attempts });
            // The first has all of the time, and then nothing is looked up.
            let left_now = if number == 1 { policy.deadline } else { left() };
            let limit = policy.attempt_deadline.into_iter().chain(left_now).min();
            let within = Within::new(home.limit(limit), attempt);
            let error = match within.await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => {
                    before = Some(error.clone());
                    error
                }
                // Of several in a row each names the last error that the operation has given.
                Err(_passed) => timed_out(home.deadlines.passed(limit), before.clone()),
            };
            let chance = random.lock().u64(..);
            let wait = match next(policy, number, &error, left(), chance) {
                Next::TryAfter(wait) => wait,
                Next::GiveUp(because) => {
                    let because = because.as_str();
                    tracing::debug!(%error, number, because, "retry.given_up");
                    return Err(error);
                }
            };
            if policy.budget.as_ref().is_some_and(|budget| !budget.withdraw()) {
                tracing::debug!(%error, number, because = "budget", "retry.given_up");
                return Err(error);
            }
            tracing::debug!(%error, number, ?wait, "retry.waiting");
            // It is large, and most operations never come here.
            if Box::pin(home.sleep(wait)).await.is_err() {
                return Err(error);
            }
        }
    }
}

fn timed_out(error: Error, before: Option<Error>) -> Error {
    match before {
        Some(before) => error.with_source(before),
        None => error,
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry").field("policy", &self.retry.policy).finish_non_exhaustive()
    }
}
