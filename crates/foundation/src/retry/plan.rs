//! What follows a failed attempt. Pure.

use std::time::Duration;

use super::policy::RetryPolicy;
use crate::error::Error;

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Another attempt, after this wait.
    TryAfter(Duration),
    /// Nothing: the error is the last.
    GiveUp(Because),
}

/// Why an error is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Because {
    /// Trying again would not help.
    NotRetryable,
    /// There were as many attempts as there may be.
    Attempts,
    /// The error asks for a longer wait than the policy allows.
    RetryAfter,
    /// The wait would be over after the deadline.
    Deadline,
}

/// What follows the `nth` attempt, from 1, that failed with `error`. `left` is what is left until
/// the deadline, if there is one; `chance` is any number.
pub(super) fn next(
    policy: &RetryPolicy,
    nth: u32,
    error: &Error,
    left: Option<Duration>,
    chance: u64,
) -> Next {
    if !error.is_retryable() {
        return Next::GiveUp(Because::NotRetryable);
    }
    if nth >= policy.max_attempts {
        return Next::GiveUp(Because::Attempts);
    }
    let asked = error.retry_after().unwrap_or(Duration::ZERO);
    if asked > policy.longest_retry_after {
        return Next::GiveUp(Because::RetryAfter);
    }
    let wait = policy.jitter.apply(policy.backoff.wait(nth), chance).max(asked);
    if left.is_some_and(|left| wait >= left) {
        return Next::GiveUp(Because::Deadline);
    }
    Next::TryAfter(wait)
}

/// Why, as events say it.
impl Because {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::NotRetryable => "not retryable",
            Self::Attempts => "attempts",
            Self::RetryAfter => "retry after",
            Self::Deadline => "deadline",
        }
    }
}

#[cfg(test)]
mod tests {
    //! Every reason to give up, and every wait.

    use std::time::Duration;

    use super::{Because, Next, next};
    use crate::error::Error;
    use crate::retry::{Jitter, RetryPolicy};

    const MS: Duration = Duration::from_millis(1);

    fn down() -> Error {
        Error::infrastructure("down")
    }

    fn policy() -> RetryPolicy {
        RetryPolicy::exponential().jitter(Jitter::None).longest_retry_after(1000 * MS)
    }

    #[test]
    fn only_infrastructure_errors_are_tried_again() {
        for error in [Error::validation("a"), Error::business("a"), Error::system("a")] {
            let next = next(&policy(), 1, &error.with_retry_after(MS), None, 0);
            assert_eq!(next, Next::GiveUp(Because::NotRetryable));
        }
        assert_eq!(next(&policy(), 1, &down(), None, 0), Next::TryAfter(100 * MS));
    }

    #[test]
    fn there_are_as_many_attempts_as_the_policy_says() {
        assert_eq!(next(&policy(), 2, &down(), None, 0), Next::TryAfter(200 * MS));
        for nth in [3, 4] {
            assert_eq!(next(&policy(), nth, &down(), None, 0), Next::GiveUp(Because::Attempts));
        }
    }

    #[test]
    fn a_wait_is_as_long_as_the_error_asks_for_if_that_is_longer() {
        let asking = |wait| next(&policy(), 1, &down().with_retry_after(wait), None, 0);
        assert_eq!(asking(50 * MS), Next::TryAfter(100 * MS));
        assert_eq!(asking(700 * MS), Next::TryAfter(700 * MS));
        assert_eq!(asking(1000 * MS), Next::TryAfter(1000 * MS));
        assert_eq!(asking(1001 * MS), Next::GiveUp(Because::RetryAfter));
        assert_eq!(asking(Duration::MAX), Next::GiveUp(Because::RetryAfter));
    }

    #[test]
    fn a_wait_that_would_end_at_the_deadline_is_not_begun() {
        let left = |left| next(&policy(), 1, &down(), Some(left), 0);
        assert_eq!(left(101 * MS), Next::TryAfter(100 * MS));
        assert_eq!(left(100 * MS), Next::GiveUp(Because::Deadline));
        assert_eq!(left(Duration::ZERO), Next::GiveUp(Because::Deadline));
    }

    #[test]
    fn chance_shortens_waits_and_never_what_an_error_asks_for() {
        let policy = policy().jitter(Jitter::Full);
        assert_eq!(next(&policy, 1, &down(), None, 0), Next::TryAfter(Duration::ZERO));
        assert_eq!(next(&policy, 1, &down(), None, u64::MAX), Next::TryAfter(100 * MS));
        let asking = down().with_retry_after(20 * MS);
        assert_eq!(next(&policy, 1, &asking, None, 0), Next::TryAfter(20 * MS));
    }
}
