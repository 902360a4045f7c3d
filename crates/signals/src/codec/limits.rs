//! How much of a signal is written and read.

/// How deep JSON may be at most. What reads it calls itself for each level, and the parser stops at
/// 128, of which two are those of the signal and of the batch.
const DEEPEST: u8 = 120;

/// How much is written and read at once. What attributes may be is not in here, as it is the same
/// for every signal: names of 64 bytes, texts of 4096, and 64 extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    /// How many bytes a body, or a signal or batch as JSON, has. 10,000,000, as Jido reads;
    /// everybody who has to do with `CloudEvents` takes 64 KiB.
    pub bytes: usize,
    /// How many arrays and objects are within each other in the data. 100, and 120 at most: more
    /// than anybody needs, and less than a stack bears.
    pub depth: u8,
    /// How many signals are in a batch. 1000: as many as are handled in one go.
    pub batch: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 10_000_000, depth: 100, batch: 1000 }
    }
}

impl Limits {
    pub(super) fn deepest(self) -> u8 {
        self.depth.min(DEEPEST)
    }
}
