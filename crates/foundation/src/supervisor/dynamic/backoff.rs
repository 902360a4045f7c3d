//! How long a child waits before it is started again.

use std::time::Duration;

/// The wait before the `nth` restart, from 1: `first`, doubled with every further one, and no more
/// than `most`.
pub(super) fn before(nth: usize, first: Duration, most: Duration) -> Duration {
    let doublings = u32::try_from(nth.saturating_sub(1)).unwrap_or(u32::MAX);
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(most)
}

/// The wait that is made of it by `chance`, a number of 0 to 1: between half of it and the whole,
/// so that those who failed together do not come back together.
pub(super) fn spread(wait: Duration, chance: f64) -> Duration {
    let half = wait / 2;
    half + half.mul_f64(chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    //! Waits, in tables.

    use std::time::Duration;

    use super::{before, spread};

    const FIRST: Duration = Duration::from_millis(100);
    const MOST: Duration = Duration::from_secs(30);

    #[test]
    fn a_wait_doubles_until_it_is_as_long_as_allowed() {
        let waits: Vec<_> = (0..=12).map(|nth| before(nth, FIRST, MOST).as_millis()).collect();
        let expected =
            [100, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000];
        assert_eq!(waits, expected);
        for nth in [31, 32, 33, 34, 1000, usize::MAX] {
            assert_eq!(before(nth, FIRST, MOST), MOST, "{nth}");
            assert!(before(nth, Duration::from_nanos(1), Duration::MAX).as_nanos() > 1);
        }
    }

    #[test]
    fn chance_makes_it_shorter_by_half_at_most() {
        assert_eq!(spread(MOST, 0.0), Duration::from_secs(15));
        assert_eq!(spread(MOST, 0.5), Duration::from_millis(22_500));
        assert_eq!(spread(MOST, 1.0), MOST);
        assert_eq!(spread(MOST, 7.0), MOST);
        assert_eq!(spread(Duration::ZERO, 0.5), Duration::ZERO);
    }
}
