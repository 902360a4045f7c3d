//! Counting looks at children, in tests: they show that there are no more of them for each child
//! the more children there are. Outside of tests nothing is counted, and this is nothing.

#[cfg(test)]
use std::cell::Cell;

/// How often a child was looked at.
#[derive(Debug, Default)]
pub(super) struct Looks {
    #[cfg(test)]
    count: Cell<u64>,
}

impl Looks {
    /// One more.
    #[cfg_attr(
        not(test),
        expect(clippy::unused_self, clippy::missing_const_for_fn, reason = "nobody counts")
    )]
    pub(super) fn one_more(&self) {
        #[cfg(test)]
        self.count.set(self.count.get() + 1);
    }
}

#[cfg(test)]
pub(super) use counting::{FEW, MANY, Steps};

#[cfg(test)]
mod counting {
    //! What is counted, for each child.

    use super::Looks;

    /// A few children, and many.
    pub(in crate::supervisor) const FEW: u64 = 100;
    pub(in crate::supervisor) const MANY: u64 = 100_000;

    /// Steps: looks at children, and commands that there were.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(in crate::supervisor) struct Steps {
        pub(in crate::supervisor) looks: u64,
        pub(in crate::supervisor) commands: u64,
    }

    impl Looks {
        pub(in crate::supervisor) fn count(&self) -> u64 {
            self.count.get()
        }
    }

    impl Steps {
        /// What each of `many` children costs, of all the steps from `before` on.
        pub(in crate::supervisor) fn each(self, before: Self, many: u64) -> Self {
            let each = |total, before| each(total - before, many);
            Self {
                looks: each(self.looks, before.looks),
                commands: each(self.commands, before.commands),
            }
        }
    }

    /// The same for each, but for a few steps that are the supervisor's own. A look at all children
    /// once more would be one more for each.
    fn each(total: u64, many: u64) -> u64 {
        let each = (total + many / 2) / many;
        assert!(total.abs_diff(each * many) <= 20, "{total} steps for {many}");
        each
    }
}
