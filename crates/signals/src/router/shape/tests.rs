//! Shapes, and what is literal in them.

use super::Shape;
use crate::router::key::Key;
use crate::router::segments::{Segments, split};
use crate::topic::Pattern;

fn pattern(text: &str) -> Pattern {
    text.parse().unwrap()
}

fn shape(text: &str) -> Option<Shape> {
    Shape::of(&pattern(text))
}

/// Whether a type has the literals of a pattern that are given as text.
fn has(by: &str, topic: &str, text: &str) -> bool {
    let mut segments = Segments::new();
    split(topic, &Key::new(1), &mut segments);
    shape(by).unwrap().has(&segments, text.as_bytes())
}

#[test]
fn patterns_with_the_same_wildcards_have_one_shape() {
    assert_eq!(shape("a.*.b"), shape("c.*.d"));
    assert_eq!(shape("a.**.b"), shape("c.**.d"));
    for (one, other) in [("a.*", "*.a"), ("a.**", "a.*"), ("a.**", "**.a"), ("a.b.**", "a.**.b")] {
        assert_ne!(shape(one), shape(other), "{one} {other}");
    }
    assert!(shape("**.a.**").is_none());
}

#[test]
fn a_type_fits_when_it_could_match() {
    let lengths = |text| (0..6).filter(|n| shape(text).unwrap().fits(*n)).collect::<Vec<_>>();
    assert_eq!(lengths("a.*"), [2]);
    assert_eq!(lengths("a.**.*.b"), [3, 4, 5]);
    assert_eq!(lengths("**"), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn texts_are_compared_segment_by_segment() {
    // Hashes alone tell these apart nearly always, so that nothing else would show it.
    assert_eq!(Shape::text(&pattern("a.*.b.**.c")), "a.b.c.");
    assert!(has("a.*.b", "a.x.b", "a.b."));
    assert!(has("a.**.b", "a.x.y.b", "a.b."));
    assert!(has("**", "a.x", ""));
    for text in ["ab.", "a.b", "ab", "a.b.c.", "b.a.", "a.", ""] {
        assert!(!has("a.*.b", "a.x.b", text), "{text}");
        assert!(!has("a.**.b", "a.x.b", text), "{text}");
    }
}
