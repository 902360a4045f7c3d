//! How long to wait before trying again. Pure.

use std::time::Duration;

/// How waits grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backoff {
    /// The first wait is `base`; each further one is twice as long, and none longer than `cap`.
    Exponential {
        /// The first wait.
        base: Duration,
        /// The longest.
        cap: Duration,
    },
    /// The first wait is `step`; each further one is longer by `step`, and none longer than `cap`.
    Linear {
        /// The first wait, and by how much they grow.
        step: Duration,
        /// The longest.
        cap: Duration,
    },
    /// Every wait is this long; zero tries again at once.
    Fixed(Duration),
}

/// What chance does to a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Jitter {
    /// Anything from nothing to the whole wait, each as likely: of all ways the one with the least
    /// load on what is to recover, for many callers that failed together ([AWS Architecture Blog]).
    ///
    /// [AWS Architecture Blog]: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    #[default]
    Full,
    /// Nothing: the wait as it is.
    None,
}

impl Backoff {
    /// The wait after the `nth` failure, from 1, before chance.
    #[must_use]
    pub fn wait(&self, nth: u32) -> Duration {
        let before = nth.saturating_sub(1);
        match *self {
            Self::Exponential { base, cap } => {
                let factor = 1_u128 << before.min(127);
                shorter(base.as_nanos().saturating_mul(factor), cap)
            }
            Self::Linear { step, cap } => step.saturating_mul(before.saturating_add(1)).min(cap),
            Self::Fixed(wait) => wait,
        }
    }

    /// The first and the longest wait.
    pub(super) const fn bounds(&self) -> (Duration, Duration) {
        match *self {
            Self::Exponential { base, cap } => (base, cap),
            Self::Linear { step, cap } => (step, cap),
            Self::Fixed(wait) => (wait, wait),
        }
    }
}

/// So many nanoseconds, or `cap` if that is shorter.
fn shorter(nanoseconds: u128, cap: Duration) -> Duration {
    if nanoseconds >= cap.as_nanos() {
        return cap;
    }
    let second = Duration::from_secs(1).as_nanos();
    let seconds = u64::try_from(nanoseconds / second).unwrap_or(u64::MAX);
    let rest = u32::try_from(nanoseconds % second).unwrap_or(0);
    Duration::new(seconds, rest)
}

impl Jitter {
    /// What becomes of a wait. `chance` is any number, each as likely.
    #[must_use]
    pub fn apply(self, wait: Duration, chance: u64) -> Duration {
        match self {
            Self::None => wait,
            Self::Full => {
                let nanoseconds = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
                let product = u128::from(nanoseconds) * u128::from(chance);
                let scaled = product.div_ceil(u128::from(u64::MAX));
                Duration::from_nanos(u64::try_from(scaled).unwrap_or(nanoseconds))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    //! The sequences, to their caps and beyond, and the bounds of chance.

    use std::time::Duration;

    use super::{Backoff, Jitter};

    const MS: Duration = Duration::from_millis(1);

    fn waits(backoff: Backoff, count: u32) -> Vec<u128> {
        (1..=count).map(|nth| backoff.wait(nth).as_millis()).collect()
    }

    #[test]
    fn an_exponential_backoff_doubles_up_to_its_cap() {
        // RET-3
        let backoff = Backoff::Exponential { base: 100 * MS, cap: 5000 * MS };
        assert_eq!(waits(backoff, 8), [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        for nth in [32, 33, 34, u32::MAX] {
            assert_eq!(backoff.wait(nth), 5000 * MS);
        }
        let from_nothing = Backoff::Exponential { base: Duration::from_nanos(1), cap: 5000 * MS };
        assert_eq!(
            (from_nothing.wait(33), from_nothing.wait(34)),
            (Duration::from_nanos(1 << 32), 5000 * MS)
        );
        let longest = Backoff::Exponential { base: Duration::MAX, cap: Duration::MAX };
        assert_eq!(longest.wait(u32::MAX), Duration::MAX);
    }

    #[test]
    fn a_linear_backoff_grows_by_its_step_up_to_its_cap() {
        let backoff = Backoff::Linear { step: 500 * MS, cap: 1700 * MS };
        assert_eq!(waits(backoff, 5), [500, 1000, 1500, 1700, 1700]);
        assert_eq!(backoff.wait(u32::MAX), 1700 * MS);
        assert_eq!(backoff.wait(0), 500 * MS);
    }

    #[test]
    fn a_fixed_backoff_stays() {
        assert_eq!(waits(Backoff::Fixed(1000 * MS), 3), [1000, 1000, 1000]);
        assert_eq!(waits(Backoff::Fixed(Duration::ZERO), 3), [0, 0, 0]);
    }

    #[test]
    fn full_jitter_gives_anything_from_nothing_to_the_whole() {
        let wait = 1000 * MS;
        let full = |chance| Jitter::Full.apply(wait, chance);
        assert_eq!((full(0), full(u64::MAX)), (Duration::ZERO, wait));
        assert_eq!(full(u64::MAX / 4).as_millis(), 250);
        assert_eq!(Jitter::Full.apply(Duration::ZERO, u64::MAX), Duration::ZERO);
        assert_eq!(Jitter::None.apply(wait, 0), wait);
        let longest = Jitter::Full.apply(Duration::MAX, u64::MAX);
        assert!(
            longest <= Duration::MAX && longest > Duration::from_secs(u64::MAX / 2_000_000_000)
        );
    }

    #[test]
    fn full_jitter_is_even() {
        let mut quarters = [0; 4];
        for n in 0..40_000 {
            let wait = Jitter::Full.apply(1000 * MS, n * (u64::MAX / 40_000));
            quarters[usize::try_from(wait.as_millis() / 250).unwrap().min(3)] += 1;
        }
        assert!(quarters.iter().all(|count| (9_990..=10_010).contains(count)), "{quarters:?}");
    }
}
