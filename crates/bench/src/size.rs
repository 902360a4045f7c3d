//! How much work a benchmark does.

/// The size of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// The size that targets are judged on.
    Full,
    /// A tenth of it, for a look while working.
    Quick,
}

impl Size {
    /// How many operations, of `full` in a full run.
    #[must_use]
    pub const fn of(self, full: u32) -> u32 {
        match self {
            Self::Full => full,
            Self::Quick => full.div_ceil(10),
        }
    }

    /// How many rounds ours and the peers take turns. Odd, so that one of them is the median.
    #[must_use]
    pub const fn rounds(self) -> u32 {
        match self {
            Self::Full => 7,
            Self::Quick => 3,
        }
    }
}
