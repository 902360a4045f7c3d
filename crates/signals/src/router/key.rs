//! Hashes that nobody can foresee who does not know the key.
//!
//! Who chooses patterns or types cannot choose where they are in a table, and so cannot have them
//! all in one place.

use std::hash::Hasher;
use std::sync::Arc;

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;

/// Odd, so that nothing is lost by multiplying with it, and of many different bits.
pub(super) const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;

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
        // With the length: without it `a.a.a` and `a.a.a.a` have one hash, whatever the key.
        let length = (text.len() as u64).wrapping_mul(GOLDEN_RATIO);
        let mut hasher = FoldHasher::with_seed(length, &self.0);
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

#[cfg(test)]
mod tests {
    //! What repeats itself has a hash for each length.

    use std::collections::BTreeSet;

    use super::Key;

    #[test]
    fn texts_that_differ_in_how_often_they_repeat_have_different_hashes() {
        let key = Key::new(1);
        let texts = ["a", "a.", "ab.", "abc.abc-"].into_iter();
        let texts: BTreeSet<_> =
            texts.flat_map(|part| (1..100).map(move |times| part.repeat(times))).collect();
        let hashes: BTreeSet<_> = texts.iter().map(|text| key.of(text.as_bytes())).collect();
        assert_eq!(hashes.len(), texts.len());
    }
}
