//! Lists of many routes, in pieces.

use super::{List, PIECE, Registered};
use crate::router::registered::RouteId;
use crate::router::route::Route;

fn routes(count: usize) -> Vec<Registered<usize>> {
    let mut id = RouteId::FIRST;
    let all = (0..count).map(|n| {
        id = id.next();
        let priority = i32::from(n % 3 == 0);
        Registered::new(id, Route::new("a", n).unwrap().priority(priority).unwrap())
    });
    all.collect()
}

fn list(routes: &[Registered<usize>]) -> List<usize> {
    let (first, rest) = routes.split_first().unwrap();
    let mut list = List::One(first.clone());
    for route in rest {
        list.add(route.clone());
    }
    list
}

fn targets(list: &List<usize>) -> Vec<usize> {
    list.iter().map(|route| *route.target()).collect()
}

/// The numbers below `count`, those of higher priority first.
fn expected(numbers: impl Iterator<Item = usize> + Clone) -> Vec<usize> {
    let (urgent, others) = (numbers.clone().filter(|n| n % 3 == 0), numbers.filter(|n| n % 3 > 0));
    urgent.chain(others).collect()
}

fn pieces(list: &List<usize>) -> Vec<usize> {
    match list {
        List::One(_) => vec![],
        List::Several(several) => several.pieces.iter().map(|piece| piece.len()).collect(),
    }
}

#[test]
fn it_is_in_order_and_in_pieces_that_are_neither_empty_nor_too_long() {
    for count in [1, 2, 3, PIECE, PIECE + 1, 10 * PIECE] {
        let list = list(&routes(count));
        assert_eq!((targets(&list), list.len()), (expected(0..count), count));
        assert!(pieces(&list).iter().all(|length| (1..=PIECE).contains(length)));
    }
    // Those of one priority come at the end: pieces are full.
    assert!(pieces(&list(&routes(9 * PIECE))).len() <= 13);
}

#[test]
fn what_somebody_reads_does_not_change() {
    let routes = routes(3 * PIECE);
    let mut list = list(&routes[..2 * PIECE]);
    let (before, read) = (targets(&list), list.clone());
    for route in &routes[2 * PIECE..] {
        list.add(route.clone());
    }
    for route in &routes[..PIECE] {
        assert!(list.remove(route));
    }
    assert_eq!(targets(&read), before);
    assert_eq!(targets(&list), expected(PIECE..3 * PIECE));
}

#[test]
fn small_pieces_become_one() {
    let routes = routes(20 * PIECE);
    let mut list = list(&routes);
    for (n, route) in routes.iter().enumerate() {
        if n % 40 > 0 {
            assert!(list.remove(route));
        }
    }
    assert_eq!(targets(&list), expected((0..20 * PIECE).step_by(40)));
    assert!(pieces(&list).len() <= 6, "{:?}", pieces(&list));
    for (n, route) in routes.iter().enumerate().step_by(40) {
        assert_eq!(list.remove(route), n + 40 < routes.len());
    }
}

#[test]
fn what_is_not_there_is_not_removed() {
    let routes = routes(4);
    let mut list = list(&routes[..3]);
    assert!(list.remove(&routes[3]));
    assert_eq!(targets(&list), [0, 1, 2]);
    assert_eq!(list.len(), 3);
}
