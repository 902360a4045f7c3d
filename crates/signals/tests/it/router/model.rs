//! A router beside a naive matcher, with random patterns and types of so few letters that many
//! match, while routes are added and removed.

use std::num::NonZeroU32;

use fastrand::Rng;
use signals::{Pattern, RouteId, Router};
use testkit::for_each_seed;

use super::signal;

/// Steps of one case.
const STEPS: u32 = 60;
/// Types that are tried after each step.
const TYPES: u32 = 25;

/// A route as it was added.
#[derive(Debug, Clone)]
struct Added {
    id: RouteId,
    pattern: String,
    priority: i32,
}

/// Written from the definition, and trying everything.
fn matches(pattern: &[&str], topic: &[&str]) -> bool {
    match (pattern, topic) {
        ([], []) => true,
        (["**", rest @ ..], _) => (0..=topic.len()).any(|taken| matches(rest, &topic[taken..])),
        (["*", rest @ ..], [_, others @ ..]) => matches(rest, others),
        ([one, rest @ ..], [other, others @ ..]) => one == other && matches(rest, others),
        _ => false,
    }
}

/// How specific, from the definition.
fn specificity(pattern: &[&str]) -> i64 {
    let count = i64::try_from(pattern.len()).unwrap();
    let mut sum = 2000 * count;
    for (i, segment) in (0..).zip(pattern) {
        sum += match *segment {
            "**" => 200 * i - 2000,
            "*" => 100 * i - 1000,
            _ => 3000 * (count - i),
        };
    }
    sum
}

fn expected(added: &[Added], topic: &str) -> Vec<RouteId> {
    let topic: Vec<_> = topic.split('.').collect();
    let mut found: Vec<_> = added
        .iter()
        .map(|route| (route.pattern.split('.').collect::<Vec<_>>(), route))
        .filter(|(pattern, _)| matches(pattern, &topic))
        .map(|(pattern, route)| (-specificity(&pattern), -route.priority, route.id))
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(_, _, id)| id).collect()
}

fn some<'a>(random: &mut Rng, of: &[&'a str], most: usize) -> Vec<&'a str> {
    (0..random.usize(1..=most)).map(|_| *random.choice(of).unwrap()).collect()
}

fn pattern(random: &mut Rng, segments: &[&str]) -> String {
    let mut all = some(random, segments, 6);
    all.dedup_by(|one, other| *one == "**" && *other == "**");
    all.join(".")
}

/// What the segments of a case are: few or more, and long ones, too.
fn letters(random: &mut Rng) -> (Vec<&'static str>, Vec<&'static str>) {
    let long = "a-segment-that-is-longer-than-is-kept-in-place";
    let all = ["a", "b", "c", "ab", long, "d"];
    let literal = all[..random.usize(1..=all.len())].to_vec();
    let mut wild = literal.clone();
    for _ in 0..random.usize(1..=3) {
        wild.extend(["*", "**"]);
    }
    (literal, wild)
}

fn compare(router: &Router<u32>, added: &[Added], topic: &str) {
    let found = router.matching(&signal(topic));
    let ids: Vec<_> = found.iter().map(signals::Registered::id).collect();
    assert_eq!(ids, expected(added, topic), "{topic} by {added:?}");
    assert_eq!(found.len(), ids.len());
}

fn step(random: &mut Rng, router: &Router<u32>, added: &mut Vec<Added>, wild: &[&str]) {
    match random.u8(..10) {
        0..5 => {
            let set: Vec<_> = (0..random.u32(1..5))
                .map(|n| (pattern(random, wild), n, random.i32(-2..=2)))
                .collect();
            let ids = router.add(set.clone()).unwrap();
            for (id, (pattern, _, priority)) in ids.into_iter().zip(set) {
                added.push(Added { id, pattern, priority });
            }
        }
        5..9 if !added.is_empty() => {
            let gone = added.swap_remove(random.usize(..added.len()));
            let removed = router.remove(gone.id).unwrap();
            assert_eq!(removed.pattern().as_str(), gone.pattern);
        }
        _ => {
            let by = added.first().map_or_else(|| "a".into(), |route| route.pattern.clone());
            let count = router.remove_pattern(&Pattern::new(by.clone()).unwrap());
            let before = added.len();
            added.retain(|route| route.pattern != by);
            assert_eq!(count, before - added.len());
        }
    }
    assert_eq!(router.len(), added.len());
}

#[test]
fn a_router_finds_what_a_naive_matcher_finds_in_the_same_order() {
    for_each_seed(NonZeroU32::new(60).unwrap(), |seed| {
        let mut random = Rng::with_seed(seed);
        let (literal, wild) = letters(&mut random);
        let (router, mut added) = (Router::new(), Vec::new());
        for _ in 0..STEPS {
            step(&mut random, &router, &mut added, &wild);
            for _ in 0..TYPES {
                compare(&router, &added, &some(&mut random, &literal, 7).join("."));
            }
        }
        for route in std::mem::take(&mut added) {
            router.remove(route.id).unwrap();
        }
        assert!(router.is_empty());
        compare(&router, &added, "a");
    });
}

#[test]
fn a_pattern_alone_matches_as_a_naive_matcher_does() {
    for_each_seed(NonZeroU32::new(60).unwrap(), |seed| {
        let mut random = Rng::with_seed(seed);
        let (literal, wild) = letters(&mut random);
        for _ in 0..1000 {
            let by = pattern(&mut random, &wild);
            let topic = some(&mut random, &literal, 8).join(".");
            let segments: (Vec<_>, Vec<_>) = (by.split('.').collect(), topic.split('.').collect());
            let parsed = Pattern::new(by.clone()).unwrap();
            assert_eq!(
                parsed.matches_text(&topic),
                matches(&segments.0, &segments.1),
                "{topic} by {by}"
            );
            assert_eq!(parsed.specificity(), specificity(&segments.0), "{by}");
        }
    });
}
