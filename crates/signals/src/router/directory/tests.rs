//! A directory beside a set of the standard library, with so few hashes that groups are full and
//! what went on wraps around.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use fastrand::Rng;
use testkit::for_each_seed;

use super::{Directory, FEWEST, FULL, GROUP, Word};

/// Numbers with their hashes.
type Hashes = [u64];

fn find(directory: &Directory, hashes: &Hashes, number: u32) -> bool {
    directory.find(hashes[number as usize], |other| other == number).is_some()
}

fn check(directory: &Directory, hashes: &Hashes, model: &BTreeSet<u32>) {
    for number in 0..u32::try_from(hashes.len()).unwrap() {
        assert_eq!(find(directory, hashes, number), model.contains(&number), "{number}");
    }
    assert_eq!(directory.used, model.len());
}

fn turn(directory: &mut Directory, hashes: &Hashes, model: &mut BTreeSet<u32>, number: u32) {
    let (hash, hash_of) = (hashes[number as usize], |number: u32| hashes[number as usize]);
    if model.remove(&number) {
        directory.remove(hash, number, hash_of);
    } else {
        model.insert(number);
        directory.insert(hash, number, hash_of);
    }
}

#[test]
fn it_finds_what_was_added_and_not_removed() {
    for_each_seed(NonZeroU32::new(40).unwrap(), |seed| {
        let mut random = Rng::with_seed(seed);
        // Few groups, among them the last, and few tags, among them 0 and 1.
        let (groups, tags) = (random.u64(1..9), random.u64(1..5));
        let hash = |_| (random.u64(0..groups).wrapping_sub(groups / 2) << 32) | random.u64(0..tags);
        let hashes: Vec<u64> = (0..600).map(hash).collect();
        let (mut directory, mut model) = (Directory::new(), BTreeSet::new());
        check(&directory, &hashes, &model);
        for _ in 0..20 {
            for _ in 0..60 {
                turn(&mut directory, &hashes, &mut model, random.u32(0..600));
            }
            check(&directory, &hashes, &model);
        }
        // What is not there is not removed.
        directory.remove(1 << 40, 600, |_| 0);
        check(&directory, &hashes, &model);
        for number in model.clone() {
            turn(&mut directory, &hashes, &mut model, number);
        }
        check(&directory, &hashes, &model);
    });
}

#[test]
fn what_went_on_is_forgotten_when_it_is_removed() {
    let hashes = [3 << 32; 3 * GROUP];
    let (mut directory, mut model) = (Directory::new(), BTreeSet::new());
    for _ in 0..2 {
        for number in 0..21 {
            turn(&mut directory, &hashes, &mut model, number);
        }
    }
    assert!(directory.words.iter().all(|word| word.0 == 0), "{:?}", directory.words);
}

#[test]
fn more_that_went_on_than_can_be_told_are_never_forgotten() {
    let hashes = [3 << 32; 600];
    let (mut directory, mut model) = (Directory::new(), BTreeSet::new());
    for number in 0..600 {
        turn(&mut directory, &hashes, &mut model, number);
    }
    check(&directory, &hashes, &model);
    for number in (0..600).filter(|number| number % 100 > 0) {
        turn(&mut directory, &hashes, &mut model, number);
    }
    check(&directory, &hashes, &model);
}

#[test]
fn it_grows_and_shrinks_with_what_is_in_it() {
    let mut random = Rng::with_seed(5);
    let hashes: Vec<u64> = (0..50_000).map(|_| random.u64(..)).collect();
    let (mut directory, mut model) = (Directory::new(), BTreeSet::new());
    for number in 0..50_000 {
        turn(&mut directory, &hashes, &mut model, number);
        assert!(directory.capacity() >= directory.used);
    }
    assert!(directory.capacity() <= 2 * hashes.len());
    check(&directory, &hashes, &model);
    for number in 0..50_000 {
        turn(&mut directory, &hashes, &mut model, number);
    }
    assert_eq!((directory.used, directory.capacity()), (0, FULL * FEWEST));
}

#[test]
fn every_place_with_a_tag_is_named_and_no_other() {
    let mut random = Rng::with_seed(9);
    for _ in 0..10_000 {
        let bytes: [u8; 8] = std::array::from_fn(|_| random.u8(0..4));
        let (word, tag) = (Word(u64::from_le_bytes(bytes)), random.u8(0..4));
        let named: Vec<_> = word.places_of(tag).collect();
        let right: Vec<_> = (0..GROUP).filter(|place| bytes[*place] == tag).collect();
        assert_eq!(named, right, "{bytes:?} {tag}");
    }
}
