//! A budget of retries that many callers share.

use std::sync::Arc;

use crate::actor::refused;
use crate::error::Result;
use crate::sync::{AtomicU64, Ordering};

/// Parts of one retry: a hundredth, so that a percentage of one is a whole number.
const RETRY: u64 = 100;
/// The greatest reserve; a greater one would be no limit.
const GREATEST_RESERVE: u32 = 1_000_000;

/// Limits how many retries there are for each hundred calls, whoever makes them: when everything
/// fails, retries would multiply the load on what is down. A clone is the same budget.
///
/// It begins with a reserve of retries. Each call adds a percentage of one, up to the reserve; each
/// retry takes one. So it needs no clock: while nothing fails it is full, and while everything
/// fails the retries are that percentage of the calls (Finagle's `RetryBudget`, without its
/// window).
///
/// ```
/// use foundation::RetryBudget;
///
/// let budget = RetryBudget::new(20, 10)?;
/// assert_eq!(budget.left(), 10);
/// # foundation::Result::Ok(())
/// ```
#[derive(Debug, Clone)]
pub struct RetryBudget {
    budget: Arc<Budget>,
}

#[derive(Debug)]
struct Budget {
    /// What one call adds, in parts of a retry.
    per_call: u64,
    most: u64,
    left: AtomicU64,
}

impl RetryBudget {
    /// `percent` retries for each hundred calls, 0 to 1,000, and a `reserve` of some, 1 to
    /// 1,000,000, which it begins with.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn new(percent: u32, reserve: u32) -> Result<Self> {
        if percent > 1000 {
            return Err(refused("percent", "0 to 1,000"));
        }
        if !(1..=GREATEST_RESERVE).contains(&reserve) {
            return Err(refused("reserve", "1 to 1,000,000 retries"));
        }
        let most = u64::from(reserve) * RETRY;
        let budget = Budget { per_call: percent.into(), most, left: AtomicU64::new(most) };
        Ok(Self { budget: Arc::new(budget) })
    }

    /// How many retries it has left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.budget.left.load(Ordering::Relaxed) / RETRY
    }

    /// A call is made.
    pub(super) fn deposit(&self) {
        let Budget { per_call, most, left } = &*self.budget;
        // Nearly always full, and then there is nothing to write that others would have to reread.
        if left.load(Ordering::Relaxed) < *most {
            let more = |left: u64| Some((left + per_call).min(*most));
            // It cannot fail: there is always something to write.
            let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        }
    }

    /// A call is to be repeated. Whether it may be.
    pub(super) fn withdraw(&self) -> bool {
        let one_less = |left: u64| left.checked_sub(RETRY);
        let left = &self.budget.left;
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    //! What calls add and retries take.

    use super::RetryBudget;

    #[test]
    fn begins_full_and_lends_what_calls_have_added() {
        let budget = RetryBudget::new(20, 3).unwrap();
        assert!((0..3).all(|_| budget.withdraw()));
        assert!(!budget.withdraw());
        for _ in 0..4 {
            budget.deposit();
        }
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw() && !budget.withdraw());
    }

    #[test]
    fn never_holds_more_than_its_reserve() {
        let budget = RetryBudget::new(1000, 2).unwrap();
        assert!(budget.withdraw());
        (0..100).for_each(|_| budget.deposit());
        assert_eq!(budget.left(), 2);
    }

    #[test]
    fn a_budget_that_cannot_be_is_refused() {
        for (percent, reserve, field) in [(1001, 1, "percent"), (1, 0, "reserve")] {
            let error = RetryBudget::new(percent, reserve).unwrap_err();
            assert_eq!(error.details()["field"], field);
        }
        assert_eq!(RetryBudget::new(0, 1_000_001).unwrap_err().code(), "invalid_options");
    }
}
