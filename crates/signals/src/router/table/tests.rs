//! What is left of routes that are gone: nothing.

use super::{Route, RouteId, Table};

fn route(pattern: String) -> Route<u32> {
    Route::new(pattern, 0).unwrap()
}

/// Patterns of every kind that share what they begin with.
fn pattern(number: u32) -> String {
    match number % 5 {
        0 => format!("shop.order.{number}.placed"),
        1 => format!("shop.*.{number}.**"),
        2 => format!("**.{number}.*"),
        3 => format!("shop.{}.**.{number}", number % 7),
        _ => format!("*.order-that-has-a-name-too-long-to-keep-in-place.{number}"),
    }
}

fn fill(table: &mut Table<u32>, count: u32) -> Vec<RouteId> {
    (0..count).map(|number| table.add(route(pattern(number)))).collect()
}

fn found(table: &Table<u32>, topic: &str) -> usize {
    table.find(topic).matches.len()
}

#[test]
fn routes_that_are_removed_leave_no_node_and_no_memory() {
    let mut table = Table::new(1);
    for _ in 0..3 {
        let mut ids = fill(&mut table, 20_000);
        fastrand::Rng::with_seed(3).shuffle(&mut ids);
        for id in ids {
            table.remove(id).unwrap();
        }
        assert_eq!(table.counts(), (0, 0));
        assert!(table.routes.is_empty() && table.names.is_empty());
    }
}

#[test]
fn while_one_stays_the_places_of_the_others_are_used_again() {
    let mut table = Table::new(1);
    table.add(route("shop.*.stays".into()));
    let mut most = 0;
    for _ in 0..5 {
        let ids = fill(&mut table, 5000);
        let (nodes, free) = table.counts();
        most = if most == 0 { nodes } else { most };
        assert_eq!((nodes, free), (most, 0));
        for id in ids {
            table.remove(id).unwrap();
        }
        let (nodes, free) = table.counts();
        assert_eq!((nodes, nodes + free), (1, most));
        assert_eq!(found(&table, "shop.x.stays"), 1);
    }
}

#[test]
fn patterns_that_are_removed_leave_their_names_and_ids_free() {
    let mut table = Table::new(1);
    for number in 0..600 {
        table.add(route("a.**".into()).named(format!("n{number}")));
    }
    let pattern = "a.**".parse().unwrap();
    assert_eq!(table.remove_pattern(&pattern).unwrap().len(), 600);
    assert!(table.remove_pattern(&pattern).is_none());
    assert!(table.routes.is_empty() && table.names.is_empty());
    assert_eq!(table.counts().0, 0);
}

#[test]
fn whatever_the_hashes_are_keyed_with_the_same_is_found() {
    for seed in [0, 1, u64::MAX, 0x5555_5555_5555_5555] {
        let mut table = Table::new(seed);
        fill(&mut table, 1000);
        for number in 0..1000 {
            let topic = pattern(number).replace("**", "x.y").replace('*', "z");
            assert_eq!(found(&table, &topic), 1, "{topic}");
        }
    }
}

#[test]
fn no_id_is_given_twice_however_many_tables_are_made_at_a_time() {
    let mut table = Table::new(1);
    let (one, other) = (table.take_ids(3), table.take_ids(2));
    let between = table.add(route("between".into()));
    let mut ids = vec![between];
    for (first, count) in [(other, 2), (one, 3)] {
        let mut fresh = Table::with_ids(2, first);
        ids.extend(fill(&mut fresh, count));
        table.put_in_place(fresh);
    }
    ids.push(table.add(route("after".into())));
    let last = ids.iter().max().copied();
    assert_eq!(ids.last().copied(), last);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 7);
}
