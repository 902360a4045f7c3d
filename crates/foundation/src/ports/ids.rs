//! Ids: `UUIDv7`, each greater than the one before, whatever the clock does.
//!
//! An id holds milliseconds since 1970 and 74 bits of chance (RFC 9562, section 5.7). Within one
//! millisecond, or while the clock stands or goes back, the next id is the last one plus a random
//! step (section 6.2, method 2), so that ids sort in the order in which they were made.

use fastrand::Rng;
use jiff::Timestamp;
use uuid::{Builder, Uuid};

/// Bits of chance in an id: 12 before the variant, 62 after it.
const CHANCE_BITS: u32 = 74;
/// Greatest step between two ids of one millisecond: ids are hard to guess, and 2^41 of them fit.
const MOST_STEP: u64 = 1 << 32;

/// Makes the ids and seeds of one system.
#[derive(Debug)]
pub(crate) struct Ids {
    random: Rng,
    milliseconds: u64,
    chance: u128,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: Rng::with_seed(seed), milliseconds: 0, chance: 0 }
    }

    /// The next id, at a time of `now` or, if an earlier id had a later one, then.
    pub(crate) fn next(&mut self, now: Timestamp) -> Uuid {
        let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
        if now > self.milliseconds {
            self.milliseconds = now;
            // The highest bit stays free, so that half of all ids lie above the first.
            self.chance = self.random.u128(..) >> (128 - CHANCE_BITS + 1);
        } else {
            self.chance += u128::from(self.random.u64(1..=MOST_STEP));
            if self.chance >> CHANCE_BITS != 0 {
                self.milliseconds += 1;
                self.chance = self.random.u128(..) >> (128 - CHANCE_BITS + 1);
            }
        }
        Builder::from_unix_timestamp_millis(self.milliseconds, &bytes(self.chance)).into_uuid()
    }

    pub(crate) fn seed(&mut self) -> u64 {
        self.random.u64(..)
    }
}

/// 74 bits in the ten bytes that the builder takes, which puts version and variant over four bits
/// of the first and two bits of the third.
fn bytes(chance: u128) -> [u8; 10] {
    let high = u16::try_from(chance >> 62).unwrap_or(0).to_be_bytes();
    let low = u64::try_from(chance & ((1 << 62) - 1)).unwrap_or(0).to_be_bytes();
    let mut bytes = [0; 10];
    let (front, back) = bytes.split_at_mut(high.len());
    front.copy_from_slice(&high);
    back.copy_from_slice(&low);
    bytes
}

#[cfg(test)]
mod tests {
    //! Order and repeatability, with clocks that stand still and go back.

    use jiff::Timestamp;

    use super::{CHANCE_BITS, Ids};

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    #[test]
    fn ids_sort_in_the_order_in_which_they_were_made() {
        let mut ids = Ids::new(7);
        let clock = (0..10_000).map(|n| match n % 1000 {
            0..500 => at(1_000_000 + n / 100),
            500..900 => at(1_000_005),
            _ => at(999_000),
        });
        let made: Vec<_> = clock.map(|now| ids.next(now)).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
        assert!(made.iter().all(|id| id.get_version_num() == 7));
        assert!(made.iter().all(|id| id.get_variant() == uuid::Variant::RFC4122));
    }

    #[test]
    fn an_id_tells_its_millisecond() {
        let id = Ids::new(7).next(at(1_790_000_000_123));
        let (seconds, nanoseconds) = id.get_timestamp().unwrap().to_unix();
        assert_eq!((seconds, nanoseconds), (1_790_000_000, 123_000_000));
    }

    #[test]
    fn a_millisecond_that_is_used_up_goes_on_in_the_next() {
        let mut ids = Ids::new(7);
        let first = ids.next(at(5000));
        ids.chance = (1 << CHANCE_BITS) - 1;
        let next = ids.next(at(5000));
        assert!(next > first);
        assert_eq!(next.get_timestamp().unwrap().to_unix(), (5, 1_000_000));
    }

    #[test]
    fn one_seed_gives_the_same_ids_and_another_seed_others() {
        let make = |seed| Ids::new(seed).next(at(5000));
        assert_eq!(make(1), make(1));
        assert_ne!(make(1), make(2));
    }
}
