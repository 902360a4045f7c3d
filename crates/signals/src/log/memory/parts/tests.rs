//! How many bytes there are is known all the time.

use super::*;

fn put(key: &str, value: usize) -> PartChange {
    PartChange { key: key.into(), value: Some(vec![1; value]) }
}

fn gone(key: &str) -> PartChange {
    PartChange { key: key.into(), value: None }
}

#[test]
fn what_is_over_the_room_is_refused_and_changes_nothing() {
    let mut parts = Parts::default();
    parts.store("one", vec![put("a", 6)], 10).unwrap();
    let error = parts.store("one", vec![put("b", 0), gone("a"), put("a", 7)], 10).unwrap_err();
    assert_eq!((error.code(), &error.details()["wanted"]), ("log_full", &15.into()));
    assert_eq!(parts.list("one", "", 9), [("a".to_owned(), vec![1; 6])]);
    parts.store("one", vec![put("a", 20), put("a", 6)], 10).unwrap();
    parts.store("one", vec![gone("a"), put("b", 6)], 10).unwrap();
    assert_eq!(parts.bytes, 10);
}

#[test]
fn what_makes_it_smaller_is_never_refused() {
    let mut parts = Parts::default();
    parts.store("one", vec![put("a", 90)], 100).unwrap();
    parts.store("one", vec![put("a", 80)], 10).unwrap();
    parts.store("one", vec![gone("a")], 10).unwrap();
    assert_eq!((parts.bytes, parts.owners().len()), (0, 0));
}

#[test]
fn what_is_gone_gives_its_bytes_back() {
    let mut parts = Parts::default();
    parts.store("one", vec![put("a", 5), put("b", 5)], 100).unwrap();
    parts.store("other", vec![put("a", 5), gone("never there")], 100).unwrap();
    assert_eq!(parts.bytes, 9 + 9 + 11);
    parts.store("one", vec![gone("a"), gone("a")], 100).unwrap();
    assert_eq!(parts.bytes, 9 + 11);
    parts.store("one", vec![gone("b")], 100).unwrap();
    parts.store("other", vec![gone("a")], 100).unwrap();
    assert_eq!(parts.bytes, 0);
}
