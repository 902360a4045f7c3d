//! Where an id stands with a flag. Pure, and fixed for ever: every process of every release puts
//! the same id in the same place.

/// How many places there are: a hundredth of a percent each.
pub(super) const BUCKETS: u64 = 10_000;

/// The place of an id with a flag, 0 to 9,999. A flag at 12.34 % is on for places 0 to 1,233.
///
/// It is FNV-1a with 64 bits over the bytes of the flag's name, a byte 255 (which no text holds),
/// and the bytes of the id; then the finalizer of `MurmurHash3`, `fmix64`, because FNV alone
/// spreads short texts badly; then the upper 64 bits of the product with 10,000, as 128 bits.
///
/// ```
/// use foundation::flag_bucket;
///
/// assert_eq!(flag_bucket("canary", "agent-1"), 4647);
/// assert_eq!(flag_bucket("canary", "agent-2"), 45);
/// ```
///
/// Sources: [FNV](http://www.isthe.com/chongo/tech/comp/fnv/index.html),
/// [`MurmurHash3`](https://github.com/aappleby/smhasher/wiki/MurmurHash3).
#[must_use]
pub fn flag_bucket(flag: &str, id: &str) -> u16 {
    let bytes = flag.bytes().chain([u8::MAX]).chain(id.bytes());
    let fnv = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let place = (u128::from(fmix64(fnv)) * u128::from(BUCKETS)) >> 64;
    // It is below the number of places.
    u16::try_from(place).unwrap_or(u16::MAX)
}

const fn fmix64(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    //! Places that were computed by another program, and how evenly they are spread.

    use super::{BUCKETS, flag_bucket};

    #[test]
    fn the_places_of_ids_never_change() {
        for (flag, id, place) in [
            ("canary", "agent-1", 4647),
            ("canary", "agent-2", 45),
            ("canary", "", 1811),
            ("", "", 1083),
            ("use_v2", "agent-1", 9839),
            ("use_v2", "Zoë", 366),
            ("a", "ba", 5720),
            ("ab", "a", 4831),
            ("canary", "0192f0c4-7b3e-7c1a-9f00-000000000001", 3604),
        ] {
            assert_eq!(flag_bucket(flag, id), place, "{flag:?} {id:?}");
        }
    }

    #[test]
    fn places_are_spread_evenly() {
        let mut tenths = [0; 10];
        for n in 0..100_000 {
            let place = flag_bucket("canary", &n.to_string());
            assert!(u64::from(place) < BUCKETS);
            tenths[usize::from(place) / 1000] += 1;
        }
        // Four standard deviations.
        assert!(tenths.iter().all(|count| (9_620..=10_380).contains(count)), "{tenths:?}");
    }
}
