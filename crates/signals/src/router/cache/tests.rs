//! What is kept, what is pushed out, and what is never kept.

use std::sync::Arc;

use smallvec::smallvec;

use super::{Cache, FEWEST, Known, LONGEST, Line, Looked, MOST, Outdated, WAYS};
use crate::router::registered::{Registered, RouteId};
use crate::router::route::Route;

/// So many routes that there are as many sets as there ever are.
const MANY: usize = 1_000_000;

fn known(topic: &str) -> Arc<Known<u8>> {
    let route = Registered::new(RouteId::FIRST, Route::new("a.b", 0).unwrap());
    Arc::new(Known::new(topic, smallvec![route]))
}

/// Looks for a type, and keeps it if that is wanted; whether it was there.
fn come(cache: &mut Cache<u8>, hash: u64, topic: &str) -> bool {
    match cache.look(hash, topic) {
        Looked::Known(found) => {
            assert!(found.topic.is(topic));
            return true;
        }
        Looked::Wanted => drop(cache.keep(hash, &known(topic))),
        Looked::Unknown => {}
    }
    false
}

fn is_there(cache: &Cache<u8>, hash: u64, topic: &str) -> bool {
    matches!(cache.look(hash, topic), Looked::Known(_))
}

/// A cache that has come to so many sets, of which all types are forgotten.
fn with_sets(sets: usize) -> Cache<u8> {
    let mut cache = Cache::new();
    cache.grow(sets);
    for hash in 0..2 * sets as u64 {
        come(&mut cache, hash, "grow");
        cache.grow(sets);
    }
    let mut outdated = Outdated::new();
    for hash in 0..2 * sets as u64 {
        cache.forget(hash, "grow", &mut outdated);
    }
    assert_eq!(cache.counts(), (0, sets));
    cache
}

#[test]
fn a_type_is_kept_where_there_is_room_and_found_from_then_on() {
    let mut cache = Cache::new();
    assert!(!come(&mut cache, 7, "a.b"), "there is no room at all");
    cache.grow(1);
    assert_eq!(cache.counts(), (0, FEWEST));
    assert!(!come(&mut cache, 7, "a.b"));
    assert!(come(&mut cache, 7, "a.b"));
    assert_eq!(cache.counts(), (1, FEWEST));
}

#[test]
fn two_types_of_the_same_hash_are_not_confused() {
    let mut cache = with_sets(32);
    come(&mut cache, 7, "a.b");
    assert!(!is_there(&cache, 7, "a.c"));
    come(&mut cache, 7, "a.c");
    assert!(is_there(&cache, 7, "a.c") && !is_there(&cache, 7, "a.b"));
    assert_eq!(cache.counts().0, 1);
}

#[test]
fn types_that_come_once_push_out_none_and_one_that_comes_again_does() {
    let mut cache = with_sets(32);
    // All of one set, and told apart by what is noted of them.
    let hash = |number: u64| number << 50;
    for number in 1..=WAYS as u64 {
        come(&mut cache, hash(number), "often");
    }
    for number in 10..1000 {
        come(&mut cache, hash(number), "once");
    }
    for number in 1..=WAYS as u64 {
        assert!(is_there(&cache, hash(number), "often"), "{number}");
    }
    come(&mut cache, hash(10), "again");
    come(&mut cache, hash(10), "again");
    assert!(is_there(&cache, hash(10), "again"));
    assert!(!is_there(&cache, hash(1), "often"), "the oldest one");
    assert!(is_there(&cache, hash(2), "often") && is_there(&cache, hash(3), "often"));
    assert_eq!(cache.counts().0, WAYS);
}

#[test]
fn it_grows_while_it_fills_and_loses_nothing_when_it_does() {
    let mut cache = Cache::new();
    let mut random = fastrand::Rng::with_seed(1);
    let hashes: Vec<_> = (0..2000).map(|_| random.u64(..)).collect();
    for (index, &hash) in hashes.iter().enumerate() {
        let there: Vec<_> = hashes.iter().filter(|hash| is_there(&cache, **hash, "a")).collect();
        if cache.is_crowded(MANY) {
            cache.grow(MANY);
            assert!(there.into_iter().all(|hash| is_there(&cache, *hash, "a")), "at {index}");
        }
        come(&mut cache, hash, "a");
    }
    let (kept, sets) = cache.counts();
    assert!(kept > 1850 && sets == 2048, "{kept} in {sets}");
}

#[test]
fn there_are_as_many_sets_as_routes_and_no_more_than_the_limit() {
    for (routes, most) in [(0, *MOST.start()), (1, *MOST.start()), (100, 128), (MANY, *MOST.end())]
    {
        let mut cache = Cache::new();
        for hash in 0..200_000 {
            come(&mut cache, hash, "a");
            cache.grow(routes);
        }
        assert_eq!(cache.counts(), (WAYS * most, most), "with {routes} routes");
        assert!(!cache.is_crowded(routes));
    }
}

#[test]
fn a_set_with_its_lock_is_one_line_of_a_cache() {
    assert_eq!((size_of::<Line<u8>>(), align_of::<Line<u8>>()), (64, 64));
}

#[test]
fn it_is_too_large_when_there_are_far_fewer_routes_than_there_were() {
    let cache = with_sets(1024);
    let too_large = [1024, 257, 256, 129, 128, 0].map(|routes| cache.is_too_large(routes));
    assert_eq!(too_large, [false, false, false, false, true, true]);
}

#[test]
fn a_type_is_forgotten_alone_and_all_of_them_at_once() {
    let mut cache = with_sets(32);
    for hash in 0..40 {
        come(&mut cache, hash, "a");
    }
    let mut outdated = Outdated::new();
    cache.forget(5, "other", &mut outdated);
    assert!(is_there(&cache, 5, "a"));
    cache.forget(5, "a", &mut outdated);
    assert!(!is_there(&cache, 5, "a") && is_there(&cache, 6, "a"));
    assert_eq!((cache.counts().0, outdated.types.len()), (39, 1));
    cache.clear(&mut outdated);
    assert_eq!(cache.counts(), (0, 0));
    assert!(!cache.is_crowded(0) || cache.sets.is_empty());
    assert_eq!((outdated.sets.len(), outdated.types.len()), (1, 1));
}

#[test]
fn what_is_forgotten_leaves_room_that_is_used_again_and_no_copy() {
    let mut cache = with_sets(32);
    let mut outdated = Outdated::new();
    for hash in [32, 64, 96] {
        come(&mut cache, hash, "a");
    }
    cache.forget(96, "a", &mut outdated);
    // The place that is free comes before that of the same one.
    drop(cache.keep(32, &known("a")));
    assert_eq!(cache.counts().0, 2);
    cache.forget(32, "a", &mut outdated);
    assert!(!is_there(&cache, 32, "a"));
    assert_eq!(cache.counts().0, 1);
}

#[test]
fn a_type_that_is_very_long_is_not_kept() {
    let mut cache = with_sets(32);
    for (length, is_kept) in [(LONGEST, true), (LONGEST + 1, false)] {
        let topic = "a".repeat(length);
        for _ in 0..3 {
            come(&mut cache, 1, &topic);
        }
        assert_eq!(is_there(&cache, 1, &topic), is_kept, "{length}");
    }
}
