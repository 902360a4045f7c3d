//! Types that were routed before: every change is seen, and nothing is kept that is gone.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use signals::{Pattern, Route, Router};

use super::signal;

/// Types of which each matches some of the patterns that are changed.
const TOPICS: [&str; 4] = ["a.b", "a.c", "a.b.c", "d"];

fn none<T>() -> [(&'static str, T); 0] {
    []
}

/// What the types come to where there is no route.
const NOTHING: [[i32; 0]; 4] = [[]; 4];

/// What every type comes to. Each is asked for so often that it is known by then.
fn found<T: Clone>(router: &Router<T>) -> Vec<Vec<T>> {
    for topic in TOPICS {
        for _ in 0..4 {
            let _ = router.matching(&signal(topic));
        }
    }
    TOPICS.map(|topic| router.matching(&signal(topic)).targets().cloned().collect()).into()
}

#[test]
fn every_kind_of_change_is_seen_by_a_type_that_was_routed_before() {
    let router = Router::new();
    assert_eq!(found(&router), NOTHING);
    let exact = router.add_one(("a.b", 1)).unwrap();
    assert_eq!(found(&router), [vec![1], vec![], vec![], vec![]]);
    router.add([("a.*", 2), ("d", 3)]).unwrap();
    assert_eq!(found(&router), [vec![1, 2], vec![2], vec![], vec![3]]);
    let all = router.add_one(("**", 4)).unwrap();
    assert_eq!(found(&router), [vec![1, 2, 4], vec![2, 4], vec![4], vec![3, 4]]);
    router.add_one(("a.b", 5, 10)).unwrap();
    assert_eq!(found(&router)[0], [5, 1, 2, 4]);
    router.remove(exact).unwrap();
    assert_eq!(found(&router), [vec![5, 2, 4], vec![2, 4], vec![4], vec![3, 4]]);
    router.remove(all).unwrap();
    assert_eq!(found(&router), [vec![5, 2], vec![2], vec![], vec![3]]);
    assert_eq!(router.remove_pattern(&Pattern::new("d").unwrap()), 1);
    assert_eq!(router.remove_pattern(&Pattern::new("a.*").unwrap()), 1);
    assert_eq!(found(&router), [vec![5], vec![], vec![], vec![]]);
    router.merge(&Router::from_routes([("*.b", 6)]).unwrap()).unwrap();
    assert_eq!(found(&router)[0], [5, 6]);
    router.replace([("a.**", 7)]).unwrap();
    assert_eq!(found(&router), [vec![7], vec![7], vec![7], vec![]]);
    router.replace(none::<i32>()).unwrap();
    assert_eq!(found(&router), NOTHING);
}

#[test]
fn what_was_added_in_vain_changes_nothing() {
    let router = Router::from_routes([Route::new("a.b", 1).unwrap().named("one")]).unwrap();
    let before = found(&router);
    let named = |pattern, target| Route::new(pattern, target).unwrap().named("one");
    router.add([Route::new("a.*", 2).unwrap(), named("a.c", 3)]).unwrap_err();
    router.add_one(named("**", 4)).unwrap_err();
    assert_eq!(found(&router), before);
}

#[test]
fn equally_specific_patterns_are_in_one_order_also_the_second_time() {
    let router = Router::new();
    // Both patterns are as specific.
    router.add([("**.a", 1, 0), ("a", 2, 0), ("**.a", 3, 5), ("a", 4, -5)]).unwrap();
    for round in 0..4 {
        let matches = router.matching(&signal("a"));
        assert!(matches.targets().eq(&[3, 1, 2, 4]), "{matches:?} in round {round}");
    }
}

#[test]
fn a_type_with_very_many_routes_is_found_whole_every_time() {
    let router = Router::from_routes((0..300).map(|number| ("a.*", number))).unwrap();
    for _ in 0..4 {
        assert!(router.matching(&signal("a.b")).targets().copied().eq(0..300));
    }
    let id = router.matching(&signal("a.b")).iter().nth(40).unwrap().id();
    router.remove(id).unwrap();
    assert_eq!(router.matching(&signal("a.b")).len(), 299);
}

#[test]
fn conditions_are_asked_every_time() {
    let asked = Arc::new(AtomicU32::new(0));
    let counting = Arc::clone(&asked);
    let odd = move |_: &signals::Signal| Ok(counting.fetch_add(1, Ordering::Relaxed) % 2 == 1);
    let router = Router::from_routes([Route::new("a.b", 1).unwrap().when(odd)]).unwrap();
    for round in 0..10 {
        assert_eq!(router.matching(&signal("a.b")).len(), round % 2, "in round {round}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 10);
}

#[test]
fn the_target_of_a_route_that_is_removed_is_dropped_at_once() {
    for pattern in ["a.b", "a.*", "**", "*.b.**.c"] {
        let target = Arc::new(());
        let router = Router::from_routes([(pattern, Arc::clone(&target))]).unwrap();
        let id = router.list()[0].id();
        let _ = found(&router);
        drop(router.remove(id));
        assert_eq!(Arc::strong_count(&target), 1, "{pattern}");
        router.add_one((pattern, Arc::clone(&target))).unwrap();
        let _ = found(&router);
        router.remove_pattern(&Pattern::new(pattern).unwrap());
        assert_eq!(Arc::strong_count(&target), 1, "{pattern}");
        router.add_one((pattern, Arc::clone(&target))).unwrap();
        let _ = found(&router);
        router.replace(none::<Arc<()>>()).unwrap();
        assert_eq!(Arc::strong_count(&target), 1, "{pattern}");
    }
}

/// Changes the router that it is dropped by.
struct Curious(Arc<OnceLock<Router<Arc<Self>>>>);

impl Drop for Curious {
    fn drop(&mut self) {
        if let Some(router) = self.0.get() {
            router.add_one(("x.y", Arc::new(Self(Arc::default())))).unwrap();
        }
    }
}

#[test]
fn no_target_ends_under_the_lock_also_if_types_had_come_to_it() {
    for pattern in ["a.b", "**"] {
        let place = Arc::new(OnceLock::new());
        let router = Router::new();
        place.set(router.clone()).ok().unwrap();
        let curious = || Arc::new(Curious(Arc::clone(&place)));
        let id = router.add_one((pattern, curious())).unwrap();
        let _ = found(&router);
        drop(router.remove(id));
        router.add_one((pattern, curious())).unwrap();
        let _ = found(&router);
        router.replace(none::<Arc<Curious>>()).unwrap();
        assert!(router.has_route("x.y"));
    }
}
