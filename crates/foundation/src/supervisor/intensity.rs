//! How many restarts in which time are too many.

use std::collections::VecDeque;
use std::time::Duration;

/// The restarts of one supervisor that still count.
#[derive(Debug)]
pub(super) struct Restarts {
    most: u32,
    period: Duration,
    /// When they were, as the time since some fixed moment; the latest last.
    times: VecDeque<Duration>,
}

/// There were too many.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Restarts {
    pub(super) const fn new(most: u32, period: Duration) -> Self {
        Self { most, period, times: VecDeque::new() }
    }

    /// Counts a restart at `now`. One that lies a whole period back still counts.
    ///
    /// # Errors
    ///
    /// When there are more than allowed.
    pub(super) fn add(&mut self, now: Duration) -> Result<(), TooMany> {
        while self.times.front().is_some_and(|time| now.saturating_sub(*time) > self.period) {
            self.times.pop_front();
        }
        if u32::try_from(self.times.len()).unwrap_or(u32::MAX) >= self.most {
            return Err(TooMany);
        }
        // Where everything is allowed nothing has to be remembered.
        if self.most < u32::MAX {
            self.times.push_back(now);
        }
        Ok(())
    }

    /// How many there were that still counted with the last one, that one included; 0 where
    /// everything is allowed.
    pub(super) fn len(&self) -> usize {
        self.times.len()
    }
}

#[cfg(test)]
mod tests {
    //! The window, in tables.

    use std::time::Duration;

    use super::Restarts;

    /// Which of the restarts at these times, in seconds, are allowed.
    fn allowed(most: u32, period: u64, times: &[u64]) -> Vec<bool> {
        let mut restarts = Restarts::new(most, Duration::from_secs(period));
        times.iter().map(|time| restarts.add(Duration::from_secs(*time)).is_ok()).collect()
    }

    #[test]
    fn more_than_the_intensity_in_one_period_are_too_many() {
        assert_eq!(allowed(2, 10, &[0, 1, 2]), [true, true, false]);
        assert_eq!(allowed(3, 5, &[0, 0, 0, 0]), [true, true, true, false]);
    }

    #[test]
    fn an_intensity_of_nothing_allows_nothing() {
        // OTP E13
        assert_eq!(allowed(0, 10, &[0]), [false]);
    }

    #[test]
    fn the_window_is_inclusive() {
        // OTP E14
        assert_eq!(allowed(1, 5, &[0, 5]), [true, false]);
        assert_eq!(allowed(1, 5, &[0, 6]), [true, true]);
    }

    #[test]
    fn old_restarts_leave_the_window() {
        // OTP E05
        assert_eq!(allowed(1, 1, &[0, 3, 6, 9]), [true; 4]);
        assert_eq!(allowed(2, 10, &[0, 6, 11, 12, 17]), [true, true, true, false, true]);
    }

    #[test]
    fn a_window_slides_and_does_not_begin_anew() {
        // Two in every ten seconds: those at 9 and 10 count until 19 and 20.
        assert_eq!(allowed(2, 10, &[9, 10, 18, 20, 21]), [true, true, false, true, true]);
    }

    #[test]
    fn where_everything_is_allowed_nothing_is_remembered() {
        let mut restarts = Restarts::new(u32::MAX, Duration::MAX);
        assert!((0..10_000).all(|n| restarts.add(Duration::from_secs(n)).is_ok()));
        assert!(restarts.times.is_empty());
    }
}
