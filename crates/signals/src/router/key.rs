//! Hashes that nobody can foresee who does not know the key.
//!
//! Who chooses patterns cannot choose where they are in a table, and so cannot have them all in one
//! place. Who chooses types only looks there.

use std::hash::Hasher;
use std::sync::Arc;

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;

/// What hashes are keyed with.
#[derive(Debug, Clone)]
pub(super) struct Key(Arc<SharedSeed>);

impl Key {
    pub(super) fn new(seed: u64) -> Self {
        Self(Arc::new(SharedSeed::from_u64(seed)))
    }

    /// The hash of a text.
    #[inline]
    pub(super) fn of(&self, text: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(0, &self.0);
        hasher.write(text);
        hasher.finish()
    }

    /// The hash of a hash and a number.
    #[inline]
    pub(super) fn mix(&self, hash: u64, number: u64) -> u64 {
        let mut hasher = FoldHasher::with_seed(hash, &self.0);
        hasher.write_u64(number);
        hasher.finish()
    }
}
