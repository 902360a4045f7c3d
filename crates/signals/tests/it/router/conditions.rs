//! Conditions: they hold, do not, fail or panic, and take no other route down.

use std::sync::Arc;
use std::sync::Mutex;

use foundation::Error;
use serde_json::json;
use signals::{Route, Router, Signal};

use super::{routed, signal};

fn to<T>(target: T) -> Route<T> {
    Route::new("t", target).unwrap()
}

#[test]
fn a_route_matches_when_its_condition_holds() {
    let has_email = |signal: &Signal| {
        Ok(signal.data().as_json().is_some_and(|data| data.get("email").is_some()))
    };
    let router = Router::from_routes([to("enrich").when(has_email)]).unwrap();
    let with = Signal::new("t", "/s").id("1").json(json!({ "email": "a@b" })).build().unwrap();
    assert!(router.route(&with).unwrap().targets().eq([&"enrich"]));
    assert_eq!(router.route(&signal("t")).unwrap_err().code(), "no_handlers");
}

#[test]
fn one_that_fails_or_panics_does_not_match_and_the_others_do() {
    let router = Router::from_routes([
        to("first"),
        to("fails").when(|_| Err(Error::business("no_data"))),
        to("holds").when(|_| Ok(true)),
        to("panics").when(|_| panic!("no such field")),
        to("does not").when(|_| Ok(false)),
        to("last"),
    ])
    .unwrap();
    let matches = router.route(&signal("t")).unwrap();
    assert!(matches.targets().eq(&["first", "holds", "last"]));
    assert_eq!((matches.len(), matches.is_empty()), (3, false));
    let ids: Vec<_> = router.list().iter().map(signals::Registered::id).collect();
    let [failed, panicked] = matches.failures() else { panic!("{matches:?}") };
    assert_eq!((failed.route.id(), failed.error.code()), (ids[1], "no_data"));
    assert_eq!((panicked.route.id(), panicked.error.code()), (ids[3], "callback_panicked"));
    assert_eq!(panicked.error.message(), "no such field");
    // It goes on: they are asked again, and the routes are as before.
    assert_eq!(routed(&router, "t"), ["first", "holds", "last"]);
    assert_eq!(router.len(), 6);
}

#[test]
fn when_only_failing_ones_match_the_error_says_so() {
    let router = Router::from_routes([
        to(1).when(|_| Err(Error::business("no_data"))),
        to(2).when(|_| panic!("no such field")),
    ])
    .unwrap();
    let error = router.route(&signal("t")).unwrap_err();
    assert_eq!((error.code(), &error.details()["failed"]), ("no_handlers", &2.into()));
    assert!(error.report().to_string().contains("caused by: no_data"), "{}", error.report());
    let matches = router.matching(&signal("t"));
    assert_eq!((matches.is_empty(), matches.failures().len()), (true, 2));
}

#[test]
fn it_is_not_asked_before_a_signal_comes_nor_about_one_of_another_type() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let asks = Arc::clone(&asked);
    let route = Route::new("t.*", 1).unwrap().when(move |signal| {
        asks.lock().unwrap().push(signal.topic().as_str().to_owned());
        Ok(true)
    });
    let router = Router::from_routes([route]).unwrap();
    assert_eq!(routed(&router, "other").len(), 0);
    assert_eq!(routed(&router, "t.1"), [1]);
    assert_eq!(*asked.lock().unwrap(), ["t.1"]);
}

#[test]
fn conditions_are_asked_as_long_as_one_of_a_pattern_has_one() {
    let never = |target| to(target).when(|_| Ok(false));
    let router = Router::from_routes([to(1), never(2), to(3), never(4)]).unwrap();
    let ids: Vec<_> = router.list().iter().map(signals::Registered::id).collect();
    for (gone, left) in [(0, vec![3]), (1, vec![3]), (2, vec![]), (3, vec![])] {
        router.remove(ids[gone]).unwrap();
        assert_eq!(routed(&router, "t"), left);
    }
}

#[test]
fn it_may_change_the_router_that_asks_it() {
    let router = Router::new();
    let inner = router.clone();
    router.add_one(to(1).when(move |_| inner.add_one(("later", 2)).map(|_| true))).unwrap();
    assert_eq!(routed(&router, "t"), [1]);
    assert_eq!(routed(&router, "later"), [2]);
}

#[test]
fn the_end_of_a_target_may_use_the_router_too() {
    struct Leaves(Option<Router<Leaves>>);
    impl Drop for Leaves {
        fn drop(&mut self) {
            if let Some(router) = self.0.take() {
                let _ = router.add_one(("left", Leaves(None)));
            }
        }
    }
    let router = Router::new();
    let leaves = || Leaves(Some(router.clone()));
    let id = router.add_one(("a", leaves())).unwrap();
    router.add([("b", leaves()), ("b", leaves())]).unwrap();
    drop(router.remove(id));
    router.remove_pattern(&"b".parse().unwrap());
    assert_eq!(router.matching(&signal("left")).len(), 3);
    let taken = Route::new("c", leaves()).unwrap().named("c");
    router.add_one(taken).unwrap();
    router.add_one(Route::new("c", leaves()).unwrap().named("c")).unwrap_err();
    router.add([Route::new("c", leaves()).unwrap().named("c")]).unwrap_err();
    assert_eq!(router.matching(&signal("left")).len(), 5);
    router.replace([("d", leaves())]).unwrap();
    assert_eq!(router.matching(&signal("left")).len(), 1);
    router.replace(Vec::<Route<Leaves>>::new()).unwrap();
}
