//! What counts as code, and where it is.

use std::num::NonZeroU32;

use super::{Code, string};

fn lines(text: &str, pattern: &str) -> Vec<usize> {
    let code = Code::parse(text).unwrap();
    code.find(pattern).map(|index| code.line(index)).collect()
}

#[test]
fn finds_code_wherever_it_is_broken_over_lines() {
    assert_eq!(lines("fn f() {\n  std :: thread\n::sleep(d);\n}", "std :: thread :: sleep ("), [2]);
}

#[test]
fn sees_inside_macros() {
    assert_eq!(lines("proptest! {\n #[ignore]\n fn f() {} }", "# [ ignore ]"), [2]);
}

#[test]
fn is_not_deceived_by_comments_strings_and_docs() {
    let text = "// #[ignore]\n/* #[ignore] */\n/// #[ignore]\nconst A: &str = r#\"#[ignore]\"#;";
    assert_eq!(lines(text, "# [ ignore ]"), [0_usize; 0]);
}

#[test]
fn finds_a_pattern_at_the_very_end_and_none_longer_than_the_file() {
    assert_eq!(lines("a b", "b"), [1]);
    assert_eq!(lines("a b", "a b c"), [0_usize; 0]);
    assert_eq!(lines("", "a"), [0_usize; 0]);
}

#[test]
fn matches_brackets_of_every_kind() {
    let code = Code::parse("f(a, [b, {c}], d) e").unwrap();
    let inside: Vec<_> = code.slice(code.inside(1)).iter().map(|t| t.text.as_str()).collect();
    assert_eq!(inside.concat(), "a,[b,{c}],d");
}

#[test]
fn names_the_line_where_a_file_stops_being_rust() {
    assert_eq!(Code::parse("fn f() {}\n\nfn g() { \"open }").unwrap_err().line, 3);
    assert!(Code::parse("fn f( {}").is_err());
}

#[test]
fn knows_plain_strings_from_other_literals() {
    assert_eq!(string("\"ban: std::fs\""), Some("ban: std::fs"));
    assert_eq!(string("7"), None);
    assert_eq!(string("b\"x\""), None);
}

/// A rule meets whatever a half-finished edit leaves behind; it must answer, not panic.
#[test]
fn answers_for_any_torn_piece_of_source() {
    let whole = include_str!("../code.rs");
    testkit::for_each_seed(NonZeroU32::new(64).unwrap(), |seed| {
        let cut = |bits: u64| {
            let mut at = usize::try_from(bits).unwrap() % (whole.len() + 1);
            while !whole.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (a, b) = (cut(seed >> 32), cut(seed & 0xffff_ffff));
        let piece = &whole[a.min(b)..a.max(b)];
        match Code::parse(piece) {
            Ok(code) => assert!(code.find("fn").all(|index| code.starts_with(index, "fn"))),
            Err(wrong) => assert!((1..=piece.lines().count().max(1) + 1).contains(&wrong.line)),
        }
    });
}
