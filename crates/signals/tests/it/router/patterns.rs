//! What is a pattern, what it matches, and how specific it is: tables of Jido's, on the side of its
//! documents.

use signals::{MAX_TOPIC, Pattern, Topic};

use super::{counted, signal};

fn pattern(text: &str) -> Pattern {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn segments_and_wildcards_make_a_pattern() {
    for text in ["a", "a.B_c-9", "**.*", "*.**", "*", "**", "user.*", "*.created", "**.a.**", "-"] {
        assert_eq!(pattern(text).as_str(), text);
        assert_eq!(Pattern::try_from(text).unwrap().to_string(), text);
        assert_eq!(Pattern::try_from(text.to_owned()).unwrap(), pattern(text));
        assert_eq!(pattern(text).is_literal(), !text.contains('*'), "{text}");
    }
    let longest = "a".repeat(MAX_TOPIC);
    assert_eq!(pattern(&longest).as_str(), longest);
    let topic = Topic::new("a.b").unwrap();
    assert_eq!(Pattern::from(topic), pattern("a.b"));
}

#[test]
fn what_is_no_pattern_is_refused_with_problem_and_position() {
    let too_long = "a.".repeat(MAX_TOPIC);
    let cases = [
        ("", "empty", 0),
        (&too_long, "too_long", MAX_TOPIC),
        ("a..b", "empty_segment", 2),
        (".", "empty_segment", 0),
        (".a", "empty_segment", 0),
        ("a.", "empty_segment", 2),
        ("user..created", "empty_segment", 5),
        ("**.**", "wildcards_adjacent", 3),
        ("a.**.**", "wildcards_adjacent", 5),
        ("user.**.**.created", "wildcards_adjacent", 8),
        ("a**b", "double_wildcard_in_segment", 1),
        ("***", "double_wildcard_in_segment", 0),
        ("invalid**path", "double_wildcard_in_segment", 7),
        ("a.b*", "wildcard_in_segment", 3),
        ("*a", "wildcard_in_segment", 0),
        ("a b", "characters", 1),
        ("a/b", "characters", 1),
        ("a:b", "characters", 1),
        ("a.é", "characters", 2),
        ("a\0", "characters", 1),
        ("invalid@#path", "characters", 7),
    ];
    for (text, problem, position) in cases {
        let error = text.parse::<Pattern>().unwrap_err();
        assert_eq!(error.code(), "invalid_pattern", "{text}");
        assert_eq!(error.details()["problem"], problem, "{text}");
        assert_eq!(error.details()["position"], position, "{text}");
        assert!(error.details().contains_key("pattern") && error.report().to_string().len() < 300);
        assert!(!pattern("**").matches_text(text) || text.contains('*'), "{text}");
    }
}

#[test]
fn it_matches_what_the_table_says() {
    let (hundred, deep, wrong) = (counted(100), "1.**.100", "1.**.999");
    let table = [
        ("user.created", "user.created", true),
        ("user.updated", "user.created", false),
        ("user.123", "user.*", true),
        ("user.123.updated", "user.*", false),
        ("user.123", "*.123", true),
        ("user.created", "user.**.created", true),
        ("user.created", "**.created", true),
        ("order.123.payment.completed", "order.**", true),
        ("order.123.payment.completed", "order.**.completed", true),
        ("order.123.payment.completed", "**.completed", true),
        ("user.123.created", "user.*.created", true),
        ("order.456.payment.completed", "*.*.payment.*", true),
        ("a.b.c.d.e", "a.**.e", true),
        ("a.e", "a.**.e", true),
        ("a", "**", true),
        ("a.b.c", "**", true),
        ("user.deleted", "user.created", false),
        ("order.payment", "order.**.completed", false),
        (&hundred, deep, true),
        (&hundred, wrong, false),
        ("a.b.c.d.e.f", "a.**.c.**.f", true),
        ("a.c.f", "a.**.c.**.f", true),
        ("a.b.c.d.e", "a.**.c.**.f", false),
        ("user.123.created", "user.*.*", true),
        ("audit", "audit.**", true),
        ("audit.user.created", "audit.**", true),
        ("user.audit", "audit.**", false),
        ("created.user", "**.created", false),
        ("user.profile.address.created", "user.**.created", true),
        ("user.updated", "user.**.created", false),
        // R8
        ("user.123.x", "user.*.**", true),
        ("a.x.b.y", "a.**.b.**", true),
        ("x.y", "*.**", true),
        // A text that is no type
        ("user..created", "user.**", false),
        ("", "**", false),
        ("a.*", "a.*", false),
        ("user@123", "**", false),
    ];
    for (text, by, expected) in table {
        assert_eq!(pattern(by).matches_text(text), expected, "{text} by {by}");
        if let Ok(topic) = text.parse() {
            assert_eq!(pattern(by).matches(&topic), expected, "{text} by {by}");
        }
    }
}

#[test]
fn it_keeps_the_signals_that_match() {
    let all = ["user.created", "user.updated", "audit.user.x", "audit", "order.1.paid"];
    let all = all.map(signal);
    let kept = |by| -> Vec<&str> {
        pattern(by).filter(&all).map(|signal| signal.topic().as_str()).collect()
    };
    assert_eq!(kept("user.created"), ["user.created"]);
    assert_eq!(kept("user.*"), ["user.created", "user.updated"]);
    assert_eq!(kept("audit.**"), ["audit.user.x", "audit"]);
    assert!(kept("nobody.*").is_empty());
}

#[test]
fn it_is_as_specific_as_the_table_says() {
    let table = [
        ("a", 5000),
        ("a.b", 13000),
        ("a.*", 9100),
        ("a.**", 8200),
        ("*.b", 6000),
        ("**.b", 5000),
        ("*", 1000),
        ("a.b.c", 24000),
        ("a.*.c", 17100),
        ("a.**.c", 16200),
        ("a.b.**", 19400),
        ("*.*.c", 7100),
        ("a.b.c.d", 38000),
        ("**", 0),
    ];
    for (text, expected) in table {
        assert_eq!(pattern(text).specificity(), expected, "{text}");
    }
    // The longest there can be are counted, too.
    let longest = ["a"; 512].join(".");
    assert_eq!(pattern(&longest).specificity(), 2000 * 512 + 3000 * (512 * 513 / 2));
}

#[test]
fn a_pattern_that_goes_back_often_takes_no_longer_than_both_lengths() {
    // Were it to go back to every `**`, it would not end.
    let by = format!("{}b", "**.a.".repeat(200));
    let text = format!("a{}", ".a".repeat(511));
    assert!(!pattern(&by).matches_text(&text));
    assert!(pattern(&format!("{}a", "**.a.".repeat(200))).matches_text(&text));
}
