//! Where patterns are: in the table while there are few shapes, else in the trie.

use super::{Index, MOST_KINDS};
use crate::router::list::List;
use crate::router::registered::{Registered, RouteId};
use crate::router::route::Route;
use crate::topic::Pattern;

fn list(pattern: &Pattern) -> List<u8> {
    List::One(Registered::new(RouteId::FIRST, Route::of(pattern.clone(), 0)))
}

/// One of many shapes that a type of ten segments matches, which its literal ones tell apart.
fn pattern(shape: usize, number: usize) -> Pattern {
    let segment = |n: u32| if (shape >> n) & 1 == 1 { format!("{number}") } else { "*".into() };
    let all: Vec<String> = (0..10).map(segment).collect();
    all.join(".").parse().unwrap()
}

/// How many patterns a type matches.
fn of(index: &Index<u8>, topic: &str) -> usize {
    index.find(topic, index.hash(topic)).len()
}

fn found(index: &Index<u8>, number: usize) -> usize {
    of(index, &[number.to_string().as_str(); 10].join("."))
}

fn insert(index: &mut Index<u8>, pattern: &Pattern) {
    assert!(index.get(pattern).is_none() && index.get_mut(pattern).is_none());
    index.insert(pattern, list(pattern));
    assert!(index.get(pattern).is_some() && index.get_mut(pattern).is_some());
}

#[test]
fn more_shapes_than_are_asked_in_turn_are_found_in_the_trie() {
    let (mut index, shapes) = (Index::new(1), 1..=3 * MOST_KINDS);
    for shape in shapes.clone() {
        for number in [1, 2] {
            insert(&mut index, &pattern(shape, number));
        }
    }
    assert_eq!((index.kinds.len(), index.in_trie.len()), (MOST_KINDS, 2 * MOST_KINDS));
    assert_eq!((found(&index, 1), found(&index, 2)), (3 * MOST_KINDS, 3 * MOST_KINDS));
    assert_eq!(found(&index, 3), 0);
    for shape in shapes {
        index.remove(&pattern(shape, 1)).unwrap();
        assert!(index.remove(&pattern(shape, 1)).is_none());
        assert!(index.get(&pattern(shape, 2)).is_some());
    }
    assert_eq!((found(&index, 1), found(&index, 2)), (0, 3 * MOST_KINDS));
}

#[test]
fn a_shape_stays_where_it_is_until_its_last_pattern_is_gone() {
    let mut index = Index::new(1);
    for shape in 1..=MOST_KINDS + 1 {
        insert(&mut index, &pattern(shape, 1));
    }
    let late = MOST_KINDS + 1;
    index.remove(&pattern(1, 1)).unwrap();
    // There is room in the table now, but one of that shape is in the trie.
    insert(&mut index, &pattern(late, 2));
    assert_eq!((index.kinds.len(), index.in_trie.len()), (MOST_KINDS - 1, 1));
    for number in [1, 2] {
        index.remove(&pattern(late, number)).unwrap();
    }
    assert!(index.in_trie.is_empty() && index.trie.is_empty());
    insert(&mut index, &pattern(late, 3));
    assert_eq!((index.kinds.len(), index.in_trie.len(), found(&index, 3)), (MOST_KINDS, 0, 1));
}

#[test]
fn a_kind_that_comes_again_is_another_one() {
    let mut index = Index::new(1);
    for number in 0..3 * MOST_KINDS {
        insert(&mut index, &pattern(7, number));
        assert_eq!((index.kinds.len(), found(&index, number)), (1, 1));
        index.remove(&pattern(7, number)).unwrap();
        assert_eq!((index.kinds.len(), found(&index, number)), (0, 0));
    }
}

#[test]
fn patterns_without_a_shape_are_found_too() {
    let mut index = Index::new(1);
    let long = |last: &str| [&["*"; 65].join("."), last].join(".").parse::<Pattern>().unwrap();
    let all = ["**.1.**".parse().unwrap(), "1.**.1.**".parse().unwrap(), long("1"), long("2")];
    for pattern in &all {
        insert(&mut index, pattern);
    }
    assert!(index.kinds.is_empty());
    assert_eq!(found(&index, 1), 2);
    assert_eq!(of(&index, &["1"; 66].join(".")), 3);
    for pattern in &all {
        index.remove(pattern).unwrap();
    }
    assert!(index.trie.is_empty() && found(&index, 1) == 0);
}
