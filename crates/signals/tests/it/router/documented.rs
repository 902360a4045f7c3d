//! Where Jido's router and its documents part: each case on the side of the documents.

use signals::{Pattern, Registered, Route, Router};

use super::{routed, signal};

/// What a router with those patterns gives, each of which is its own target.
fn found(patterns: &[&'static str], topic: &str) -> Vec<&'static str> {
    let router = Router::from_routes(patterns.iter().map(|by| (*by, *by))).unwrap();
    routed(&router, topic)
}

#[test]
fn two_wildcards_stand_for_no_segment_as_well() {
    // R1
    assert_eq!(found(&["audit.**"], "audit"), ["audit.**"]);
    assert_eq!(found(&["user.**.created"], "user.created"), ["user.**.created"]);
    assert_eq!(found(&["**.created"], "created"), ["**.created"]);
}

#[test]
fn a_type_is_matched_as_a_whole() {
    // R2
    assert_eq!(found(&["user", "user.created"], "user.created"), ["user.created"]);
    let beyond = [
        ("user", "user.created.x"),
        ("user.*", "user.123.updated"),
        ("*.created", "user.created.x"),
        ("*", "a.b"),
        ("order.**.completed", "order.1.completed.extra"),
        ("a.b", "a"),
        ("a.*", "a"),
        ("*.*", "a"),
    ];
    for (by, topic) in beyond {
        assert!(found(&[by], topic).is_empty(), "{topic} by {by}");
    }
}

#[test]
fn each_route_is_found_once() {
    // R3
    assert_eq!(found(&["**.x"], "a.x.b.x"), ["**.x"]);
    assert_eq!(found(&["**.*"], "a.b.c"), ["**.*"]);
    assert_eq!(found(&["**.a.**.a.**"], "a.a.a.a.a"), ["**.a.**.a.**"]);
    assert_eq!(found(&["**.a.*.**"], "a.a.a.a.a"), ["**.a.*.**"]);
}

#[test]
fn those_of_one_pattern_come_as_they_were_added() {
    // R4
    let names = ["a", "b", "c", "d", "e", "f"];
    for count in 1..=names.len() {
        let router = Router::from_routes(Route::each("t", names[..count].to_vec()).unwrap());
        assert_eq!(routed(&router.unwrap(), "t"), names[..count]);
    }
    let router = Router::from_routes([("e", "a")]).unwrap();
    router.add(Route::each("e", ["noop", "logger", "console"]).unwrap()).unwrap();
    assert_eq!(routed(&router, "e"), ["a", "noop", "logger", "console"]);
}

#[test]
fn a_condition_does_not_change_the_order() {
    // R5
    let when = |by, target, priority| {
        Route::new(by, target).unwrap().priority(priority).unwrap().when(|_| Ok(true))
    };
    let plain = |by, target, priority| Route::new(by, target).unwrap().priority(priority).unwrap();
    let of = |routes: Vec<Route<_>>, topic| routed(&Router::from_routes(routes).unwrap(), topic);
    assert_eq!(of(vec![when("p", "m90", 90), when("p", "m10", 10)], "p"), ["m90", "m10"]);
    assert_eq!(of(vec![when("p", "m", 100), plain("p", "plain", -100)], "p"), ["m", "plain"]);
    let three = vec![when("a.b", "m", 100), plain("a.*", "w", -100), plain("**", "c", 0)];
    assert_eq!(of(three, "a.b"), ["m", "w", "c"]);
}

#[test]
fn removing_a_pattern_removes_no_other() {
    // R6
    let router = Router::from_routes(["user", "user.created", "user.created.x"].map(|by| (by, by)));
    let router = router.unwrap();
    let pattern = |text: &'static str| Pattern::new(text).unwrap();
    assert_eq!(router.remove_pattern(&pattern("user")), 1);
    let left: Vec<_> = router.list().iter().map(|route| *route.target()).collect();
    assert_eq!((router.len(), left), (2, vec!["user.created", "user.created.x"]));
    assert_eq!(router.remove_pattern(&pattern("user")), 0);
    assert_eq!(router.remove_pattern(&pattern("user.*")), 0);
    assert_eq!(routed(&router, "user.created"), ["user.created"]);
    assert_eq!(router.len(), 2);
}

#[test]
fn all_routes_of_a_pattern_are_listed() {
    // R7
    let route = || Route::new("p", "m").unwrap();
    let router = Router::from_routes([route(), route().when(|_| Ok(true))]).unwrap();
    assert_eq!((router.list().len(), router.len()), (2, 2));
    assert_eq!(
        router.list().iter().map(Registered::is_conditional).collect::<Vec<_>>(),
        [false, true]
    );
}

#[test]
fn a_type_that_nobody_wants_is_an_error_that_names_it() {
    let router = Router::from_routes([("user.created", 1)]).unwrap();
    let error = router.route(&signal("unknown.path")).unwrap_err();
    assert_eq!((error.code(), &error.details()["type"]), ("no_handlers", &"unknown.path".into()));
    assert!(!error.details().contains_key("failed"));
    let error = router.route(&signal(super::counted(101))).unwrap_err();
    assert_eq!(error.code(), "no_handlers");
    assert!(router.matching(&signal("unknown.path")).is_empty());
}
