//! Sets of routes: wholly or not at all; merging, replacing, removing, counting.

use std::sync::Arc;

use foundation::Result;
use signals::{Pattern, Route, Router};

use super::{routed, signal};

fn two() -> Router<&'static str> {
    Router::from_routes([
        Route::new("a.b", "first").unwrap().named("one"),
        Route::new("a.*", "second").unwrap(),
    ])
    .unwrap()
}

fn listed<T: Copy>(router: &Router<T>) -> Vec<T> {
    router.list().iter().map(|route| *route.target()).collect()
}

#[test]
fn every_invalid_set_leaves_the_router_as_it_is() {
    let router = two();
    let fine = || Route::new("c", "third");
    let wrong: [(Result<Route<&str>>, &str); 13] = [
        (Route::new("", "x"), "invalid_pattern"),
        (Route::new("a..b", "x"), "invalid_pattern"),
        (Route::new("invalid**path", "x"), "invalid_pattern"),
        (Route::new("***", "x"), "invalid_pattern"),
        (Route::new("invalid@#path", "x"), "invalid_pattern"),
        (Route::new("user.**.**.created", "x"), "invalid_pattern"),
        (Route::new("a.b*", "x"), "invalid_pattern"),
        (Route::new("a".repeat(1025), "x"), "invalid_pattern"),
        (fine().unwrap().priority(101), "invalid_route"),
        (fine().unwrap().priority(-101), "invalid_route"),
        (fine().unwrap().priority(i32::MIN), "invalid_route"),
        (fine().map(|route| route.named("one")), "route_exists"),
        (fine().map(|route| route.named("two")), "route_exists"),
    ];
    for (wrong, code) in wrong {
        // Its name is that of the last of those that are wrong.
        let named = fine().map(|route| route.named("two"));
        let problem = wrong.as_ref().err().map(|error| error.details().clone());
        let error = router.add([named, fine(), wrong, fine()]).unwrap_err();
        assert_eq!((error.code(), &error.details()["index"]), (code, &2.into()));
        for (key, value) in problem.into_iter().flatten() {
            assert_eq!(error.details()[&key], value);
        }
        assert_eq!(listed(&router), ["first", "second"]);
        assert_eq!(routed(&router, "a.b"), ["first", "second"]);
        assert!(!router.has_route("c"));
    }
    assert_eq!(router.replace([("a", "x"), ("b..", "y")]).unwrap_err().details()["index"], 1);
    assert_eq!(listed(&router), ["first", "second"]);
    assert_eq!(router.add_one(("a b", "x")).unwrap_err().code(), "invalid_pattern");
    assert_eq!(router.add_one(("a", "x", 101)).unwrap_err().details()["priority"], 101);
    let taken = router.add_one(fine().unwrap().named("one")).unwrap_err();
    assert_eq!((taken.code(), &taken.details()["name"]), ("route_exists", &"one".into()));
    assert_eq!(router.len(), 2);
}

#[test]
fn the_bounds_of_priorities_are_allowed() {
    for priority in [-100, 0, 100] {
        let router = Router::from_routes([("a", 1, priority)]).unwrap();
        assert_eq!(i32::from(router.list()[0].priority()), priority);
    }
}

#[test]
fn one_many_and_no_routes_are_sets() {
    assert_eq!(Router::from_routes([("a", 1)]).unwrap().len(), 1);
    assert_eq!(Router::from_routes([("a", 1), ("b", 2), ("a", 3)]).unwrap().len(), 3);
    let none = Router::<u8>::from_routes(Vec::<Route<u8>>::new()).unwrap();
    assert!(none.is_empty() && none.add(Vec::<Route<u8>>::new()).unwrap().is_empty());
}

#[test]
fn ids_are_given_in_the_order_of_the_set_and_never_again() {
    let router = Router::from_routes([("a", 1)]).unwrap();
    let ids = router.add([("b", 2), ("c", 3)]).unwrap();
    assert!(ids.is_sorted() && ids[0] > router.list()[0].id());
    assert_eq!(router.get(ids[1]).unwrap().target(), &3);
    assert_eq!(router.remove(ids[1]).unwrap().target(), &3);
    assert!(router.remove(ids[1]).is_none() && router.get(ids[1]).is_none());
    let later = router.replace([("d", 4)]).unwrap();
    assert!(later[0] > ids[1]);
}

#[test]
fn adding_what_is_there_gives_two() {
    let router = Router::from_routes([("a", 1)]).unwrap();
    router.add([("a", 1)]).unwrap();
    assert_eq!((routed(&router, "a"), router.len()), (vec![1, 1], 2));
}

#[test]
fn removing_the_last_one_leaves_none() {
    let router = Router::from_routes([("a.*", 1)]).unwrap();
    assert_eq!(router.remove_pattern(&Pattern::new("unknown").unwrap()), 0);
    assert_eq!(router.len(), 1);
    assert_eq!(router.remove_pattern(&Pattern::new("a.*").unwrap()), 1);
    assert_eq!(router.route(&signal("a.b")).unwrap_err().code(), "no_handlers");
    assert_eq!(router.remove_pattern(&Pattern::new("a.*").unwrap()), 0);
    assert!(router.is_empty());
}

#[test]
fn a_name_is_free_again_when_its_route_is_gone() {
    let router = Router::new();
    let named = || Route::new("a", 1).unwrap().named("n");
    let id = router.add_one(named()).unwrap();
    assert_eq!(router.list()[0].name(), Some("n"));
    router.remove(id);
    router.add_one(named()).unwrap();
    router.remove_pattern(&Pattern::new("a").unwrap());
    router.add_one(named()).unwrap();
    router.replace([named()]).unwrap();
    assert_eq!(router.add([named()]).unwrap_err().code(), "route_exists");
    assert_eq!(router.len(), 1);
}

#[test]
fn merging_appends_what_another_has() {
    let of = |routes: &[(&'static str, u8)]| Router::from_routes(routes.iter().copied()).unwrap();
    let merged = |one: &[(&'static str, u8)], other: &[(&'static str, u8)]| {
        let router = of(one);
        router.merge(&of(other)).unwrap();
        listed(&router)
    };
    assert_eq!(merged(&[("a", 1), ("b", 2)], &[("c", 3), ("d", 4)]), [1, 2, 3, 4]);
    assert!(merged(&[], &[]).is_empty());
    assert_eq!(merged(&[("a", 1)], &[]), [1]);
    assert_eq!(merged(&[("a", 1)], &[("a", 2)]), [1, 2]);
    let router = of(&[("a", 1)]);
    router.merge(&router.clone()).unwrap();
    assert_eq!(routed(&router, "a"), [1, 1]);
    assert_eq!(two().merge(&two()).unwrap_err().details()["index"], 0);
}

#[test]
fn a_merged_route_has_its_condition_name_and_priority() {
    let other = Route::new("a", 2).unwrap().priority(50).unwrap().named("n").when(|_| Ok(false));
    let router = Router::from_routes([("a", 1)]).unwrap();
    router.merge(&Router::from_routes([other]).unwrap()).unwrap();
    assert_eq!(routed(&router, "a"), [1]);
    let merged = &router.list()[1];
    assert_eq!((merged.name(), merged.priority(), merged.is_conditional()), (Some("n"), 50, true));
}

#[test]
fn a_pattern_is_there_when_exactly_that_is() {
    let router = Router::from_routes([("user.created", 1), ("user.*", 2), ("a.b.c", 3)]).unwrap();
    for (pattern, expected) in [
        ("user.created", true),
        ("user.*", true),
        ("user.123", false),
        ("user", false),
        ("a.b", false),
        ("missing", false),
        ("user..created", false),
        ("**", false),
    ] {
        assert_eq!(router.has_route(pattern), expected, "{pattern}");
    }
}

#[test]
fn replacing_leaves_nothing_of_what_was() {
    let router = two();
    router.replace([("a.b", "new")]).unwrap();
    assert_eq!((routed(&router, "a.b"), routed(&router, "a.c")), (vec!["new"], vec![]));
}

#[test]
fn a_clone_is_the_same_router_and_what_was_found_stays() {
    let (router, target) = (Router::new(), Arc::new(()));
    let id = router.clone().add_one(("a", Arc::clone(&target))).unwrap();
    let found = router.matching(&signal("a"));
    assert_eq!(router.remove(id).unwrap().id(), id);
    assert_eq!((found.len(), found.iter().next().unwrap().id()), (1, id));
    assert_eq!(Arc::strong_count(&target), 2);
    drop(found);
    assert_eq!(Arc::strong_count(&target), 1);
}

#[test]
fn counts_are_right_whatever_is_done() {
    let router = Router::new();
    let ids = router.add(Route::each("system.error", ["noop", "pid"]).unwrap()).unwrap();
    router.add([("system.*", "log"), ("system.error.deep", "deep")]).unwrap();
    assert_eq!((router.len(), routed(&router, "system.error").len()), (4, 3));
    router.remove(ids[0]);
    assert_eq!((router.len(), router.list().len()), (3, 3));
    router.remove_pattern(&Pattern::new("system.error").unwrap());
    assert_eq!((router.len(), listed(&router)), (2, vec!["log", "deep"]));
}
