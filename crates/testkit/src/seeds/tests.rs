//! What the environment variables choose, and what the sequence promises.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use super::{BASE, ONE, SCALE, Seeds};

fn chosen(settings: &[(&str, &str)]) -> Result<Vec<u64>, String> {
    let lookup = |name: &str| {
        settings.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    Seeds::from_settings(NonZeroU32::new(4).unwrap(), lookup).map(Iterator::collect)
}

#[test]
fn runs_the_same_few_seeds_every_time_when_nothing_is_set() {
    assert_eq!(chosen(&[]), chosen(&[]));
    assert_eq!(chosen(&[]).unwrap(), Seeds::sequence(0, 4).collect::<Vec<_>>());
}

#[test]
fn runs_more_seeds_when_scaled_and_begins_with_the_usual_ones() {
    let scaled = chosen(&[(SCALE, "3")]).unwrap();
    assert_eq!(scaled.len(), 12);
    assert_eq!(scaled[..4], chosen(&[]).unwrap());
}

#[test]
fn runs_other_seeds_from_another_base() {
    let usual: BTreeSet<_> = chosen(&[]).unwrap().into_iter().collect();
    let other: BTreeSet<_> = chosen(&[(BASE, "0x10")]).unwrap().into_iter().collect();
    assert!(usual.is_disjoint(&other));
}

#[test]
fn runs_one_seed_only_when_it_is_named_whatever_the_scale() {
    assert_eq!(chosen(&[(ONE, "0xff"), (SCALE, "9")]).unwrap(), [255]);
    assert_eq!(chosen(&[(ONE, "17")]).unwrap(), [17]);
}

#[test]
fn never_runs_zero_cases() {
    assert_eq!(chosen(&[(SCALE, "0")]).unwrap().len(), 4);
}

#[test]
fn names_the_variable_that_is_not_a_number() {
    for (name, value) in [(ONE, "x"), (SCALE, "-1"), (BASE, "0xg"), (ONE, "")] {
        let message = chosen(&[(name, value)]).unwrap_err();
        assert!(message.starts_with(&format!("{name}={value}: not a number")), "{message}");
    }
}

#[test]
fn matches_the_published_sequence_of_the_generator() {
    // The first outputs of SplitMix64 from seed 1234567, as its reference implementation has them.
    let published =
        [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
    assert_eq!(Seeds::sequence(1_234_567, 3).collect::<Vec<_>>(), published);
}
