//! In which order routes are given: more specific, more urgent, earlier.

use signals::{Route, Router};

use super::{counted, routed};

/// Targets by a type, of routes as pattern, target and priority.
fn found(routes: &[(&'static str, &'static str, i32)], topic: &str) -> Vec<&'static str> {
    routed(&Router::from_routes(routes.iter().copied()).unwrap(), topic)
}

#[test]
fn they_come_as_the_examples_say() {
    let five = [
        ("**", "catch_all", -100),
        ("*.*.created", "a1", 0),
        ("user.**", "a2", 0),
        ("user.*.created", "a3", 0),
        ("user.123.created", "a4", 0),
    ];
    assert_eq!(found(&five, "user.123.created"), ["a4", "a3", "a2", "a1", "catch_all"]);
    let two = [("user.**.created", "w", 0), ("user.123.created", "x", 100)];
    assert_eq!(found(&two, "user.123.created"), ["x", "w"]);
    let three =
        [("**.created", "g", 0), ("user.**.created", "u", 50), ("user.123.created", "s", 100)];
    assert_eq!(found(&three, "user.123.created"), ["s", "u", "g"]);
    let against = [("audit.**", "aud", 100), ("audit.user", "ex", -100)];
    assert_eq!(found(&against, "audit.user"), ["ex", "aud"]);
    assert_eq!(
        found(&[("t", "lo", -10), ("t", "hi", 50), ("t", "mid", 0)], "t"),
        ["hi", "mid", "lo"]
    );
    assert_eq!(found(&[("t", "a1", 0), ("t", "a2", 0)], "t"), ["a1", "a2"]);
    assert_eq!(found(&[("a.**", "dd", 0), ("a.*", "d", 0)], "a.b"), ["d", "dd"]);
    assert_eq!(found(&[("*.b", "sb", 0), ("a.*", "as", 0)], "a.b"), ["as", "sb"]);
    let deep = [("a.**.z", "h1", 0), ("**.m.**.z", "h2", 50)];
    assert_eq!(found(&deep, "a.b.c.m.x.y.z"), ["h2", "h1"]);
    assert_eq!(found(&[("a.**.m.**.z", "h", 0)], "a.b.c.m.x.y.z"), ["h"]);
}

#[test]
fn patterns_that_are_equally_specific_are_ordered_as_one() {
    // Both are 5000, and both match.
    let tied = [("**.a", "w1", 0), ("a", "e1", 0), ("**.a", "w2", 5), ("a", "e2", -5)];
    assert_eq!(found(&tied, "a"), ["w2", "w1", "e1", "e2"]);
    let mixed = [("a", "e", 0), ("**", "all", 100), ("**.a", "w", 0), ("*", "one", 0)];
    assert_eq!(found(&mixed, "a"), ["e", "w", "one", "all"]);
}

#[test]
fn priorities_of_one_pattern_are_kept_in_order_whatever_comes_when() {
    let mut random = fastrand::Rng::with_seed(7);
    let router = Router::new();
    let mut expected = Vec::new();
    for n in 0..3000_u32 {
        let priority = random.i32(-100..=100);
        let id = router.add_one(("a.*", n, priority)).unwrap();
        expected.push((-priority, n, id));
        if random.u8(..) < 64 {
            let (_, gone, id) = expected.swap_remove(random.usize(..expected.len()));
            assert_eq!(router.remove(id).unwrap().target(), &gone);
        }
    }
    expected.sort_unstable();
    let targets: Vec<_> = expected.iter().map(|(_, n, _)| *n).collect();
    assert_eq!(routed(&router, "a.b"), targets);
    for (_, n, id) in expected {
        assert_eq!(router.remove(id).unwrap().target(), &n);
    }
    assert!(router.is_empty() && routed(&router, "a.b").is_empty());
}

#[test]
fn one_of_a_thousand_siblings_is_found() {
    let siblings = (0..1000).map(|n| (format!("parent.{n}"), n));
    let router = Router::from_routes(siblings).unwrap();
    assert_eq!(routed(&router, "parent.500"), [500]);
    let siblings = (0..1000).map(|n| (format!("parent.{n}.*"), n));
    let router = Router::from_routes(siblings).unwrap();
    assert_eq!(routed(&router, "parent.500.x"), [500]);
}

#[test]
fn many_routes_of_one_pattern_are_found_as_one() {
    let router = Router::from_routes(Route::each("a.*", 0..1000).unwrap()).unwrap();
    assert_eq!(routed(&router, "a.b"), (0..1000).collect::<Vec<_>>());
}

#[test]
fn deep_types_are_found_and_take_no_longer_than_they_are_deep() {
    for (segments, middle) in [(50, 48), (100, 98)] {
        let topic = format!("a.{}.z", vec!["m"; middle].join("."));
        assert_eq!(topic.split('.').count(), segments);
        assert_eq!(found(&[("a.**.z", "h", 0)], &topic), ["h"]);
        assert_eq!(found(&[("a.**.m.**.z", "h", 0)], &topic), ["h"]);
        assert!(found(&[("a.**.m.**.y", "h", 0)], &topic).is_empty());
    }
    let literal = "a.b.c.d.e.f.g.h.i.j.k";
    assert_eq!(found(&[(literal, "h", 0)], literal), ["h"]);
    // Twenty `**`, each of which could stop anywhere: were all ways tried, it would not end.
    let by = format!("{}b", "**.a.".repeat(20));
    let router = Router::from_routes([(by, 1), (format!("{}a", "**.a.".repeat(20)), 2)]).unwrap();
    assert_eq!(routed(&router, ["a"; 500].join(".")), [2]);
    assert_eq!(routed(&Router::from_routes([("1.**.100", 1)]).unwrap(), counted(100)), [1]);
}
