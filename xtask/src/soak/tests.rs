//! The seeds of the rounds.

use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroU64};

use super::{Plan, parse_seed};

fn seeds(rounds: u32, seed: u64) -> Vec<u64> {
    let rounds = NonZeroU32::new(rounds).unwrap();
    Plan { rounds, scale: NonZeroU64::MIN, seed }.seeds().map(|(_, seed)| seed).collect()
}

#[test]
fn gives_every_round_another_seed() {
    assert_eq!(seeds(1_000, 7).into_iter().collect::<BTreeSet<_>>().len(), 1_000);
}

#[test]
fn repeats_a_round_when_given_the_seed_it_printed() {
    let third = seeds(5, 7)[2];
    assert_eq!(seeds(1, third), [third]);
    assert_eq!(parse_seed(&format!("{third:#x}")), Ok(third));
}

#[test]
fn refuses_what_is_no_seed() {
    for wrong in ["", "0x", "-1", "seven", "0x1ffffffffffffffff"] {
        assert!(parse_seed(wrong).is_err(), "{wrong}");
    }
}
