//! Which partition a key means.

use std::hash::{DefaultHasher, Hash, Hasher};

/// The partition of a number: what is left of its absolute value when it is divided by their
/// number. None where there are none.
pub(super) fn of_number(number: i64, partitions: usize) -> Option<usize> {
    let partitions = u64::try_from(partitions).ok()?;
    usize::try_from(number.unsigned_abs().checked_rem(partitions)?).ok()
}

/// The partition of any other key. The same in every run of one program; who builds that anew with
/// another compiler may find it changed.
pub(super) fn of_key(key: &impl Hash, partitions: usize) -> Option<usize> {
    let partitions = u64::try_from(partitions).ok()?;
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    usize::try_from(hasher.finish().checked_rem(partitions)?).ok()
}

#[cfg(test)]
mod tests {
    //! Keys, in tables.

    use super::{of_key, of_number};

    #[test]
    fn numbers_go_round() {
        // OTP H28
        let partitions = [0, 1, 2, 3, -1].map(|number| of_number(number, 3));
        assert_eq!(partitions, [Some(0), Some(1), Some(2), Some(0), Some(1)]);
        for number in [i64::MIN, i64::MAX] {
            assert!(of_number(number, 8).is_some_and(|partition| partition < 8));
        }
        assert_eq!((of_number(7, 0), of_number(7, 1)), (None, Some(0)));
    }

    #[test]
    fn other_keys_are_spread_and_stay_where_they_are() {
        let mut keys_of = [0; 8];
        for n in 0..8000 {
            let key = format!("user-{n}");
            let partition = of_key(&key, 8).unwrap();
            assert_eq!(of_key(&key.as_str(), 8), Some(partition));
            keys_of[partition] += 1;
        }
        assert!(keys_of.iter().all(|keys| (800..1200).contains(keys)), "{keys_of:?}");
        assert_eq!(of_key(&"user", 0), None);
    }
}
