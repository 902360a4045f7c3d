//! The error itself: its size, its JSON form, and what a stamp changes.

use std::time::Duration;

use serde_json::json;

use super::{Category, Code, Error, Severity, codes};

#[test]
fn is_one_word_wide_and_so_is_a_result_of_it() {
    let word = size_of::<usize>();
    assert_eq!((size_of::<Error>(), size_of::<super::Result<()>>()), (word, word));
}

#[test]
fn takes_category_and_severity_from_how_it_is_made() {
    let table = [
        (Error::validation("a"), Category::Validation, Severity::Warning, false),
        (Error::infrastructure("a"), Category::Infrastructure, Severity::Error, true),
        (Error::business("a"), Category::Business, Severity::Warning, false),
        (Error::system("a"), Category::System, Severity::Critical, false),
    ];
    for (error, category, severity, retryable) in table {
        assert_eq!(error.category(), category);
        assert_eq!((error.severity(), error.is_retryable()), (severity, retryable), "{category:?}");
    }
    assert_eq!(Error::system("a").with_severity(Severity::Error).severity(), Severity::Error);
}

#[test]
fn the_json_form_goes_both_ways() {
    let inner = Error::infrastructure("socket_closed").with_message("by peer");
    let error = Error::system("bank_down")
        .with_message("three times")
        .with_detail("bank", "north")
        .with_detail("attempts", 3)
        .with_source(std::io::Error::other(inner));
    let json = serde_json::to_value(&error).unwrap();
    let expected = json!({
        "version": 1,
        "code": "bank_down",
        "category": "system",
        "severity": "critical",
        "message": "three times",
        "details": { "attempts": 3, "bank": "north" },
        "causes": ["socket_closed: by peer"],
    });
    assert_eq!(json, expected);
    let back: Error = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&back).unwrap(), json);
    assert_eq!(back, error);
    assert_eq!(back.report().to_string(), error.report().to_string());
}

#[test]
fn what_is_empty_is_left_out_and_may_be_missing() {
    let error = Error::business("no");
    let expected =
        json!({ "version": 1, "code": "no", "category": "business", "severity": "warning" });
    assert_eq!(serde_json::to_value(&error).unwrap(), expected);
    assert_eq!(serde_json::from_value::<Error>(expected).unwrap(), error);
}

#[test]
fn a_form_of_a_later_release_is_refused() {
    for version in [0, 2] {
        let json = json!({
            "version": version, "code": "no", "category": "business", "severity": "warning"
        });
        let refused = serde_json::from_value::<Error>(json).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("version {version} of an error")), "{refused}");
    }
}

#[test]
fn changing_a_clone_leaves_the_original() {
    let original = Error::business("no").with_detail("n", 1);
    let changed = original.clone().with_detail("n", 2);
    assert_eq!(
        (original.details()["n"].clone(), changed.details()["n"].clone()),
        (1.into(), 2.into())
    );
}

#[test]
fn every_code_is_in_the_table_once_and_tells_what_to_do() {
    let names: Vec<_> = codes::ALL.iter().map(|code| code.name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    for Code { name, category, severity, meaning, action, .. } in codes::ALL {
        let snake = |c: char| c.is_ascii_lowercase() || c == '_';
        assert!(name.chars().all(snake), "{name}");
        assert!(!meaning.is_empty() && !action.is_empty(), "{name}");
        assert_eq!(*severity, category.severity(), "{name}");
    }
    let declared = include_str!("code.rs").matches(": Code = ").count();
    assert_eq!(declared, codes::ALL.len(), "a constant is missing from ALL");
}

#[test]
fn any_error_becomes_one_of_ours() {
    // ERR-2
    use std::io;
    let io = |kind| io::Error::new(kind, "what happened");
    let table = [
        (Error::normalize(Error::business("ours")), "ours", Category::Business),
        (
            Error::normalize(io::Error::other(Error::business("nested"))),
            "nested",
            Category::Business,
        ),
        (Error::normalize(Outer(Error::validation("cause"))), "cause", Category::Validation),
        (Error::normalize(io(io::ErrorKind::TimedOut)), "io_error", Category::Infrastructure),
        (Error::normalize(io(io::ErrorKind::NotFound)), "io_error", Category::Validation),
        (Error::normalize(io(io::ErrorKind::StorageFull)), "io_error", Category::System),
        (Error::normalize("x".parse::<u8>().unwrap_err()), "parse_int_error", Category::Validation),
        (
            Error::normalize(serde_json::from_str::<u8>("x").unwrap_err()),
            "serde_json_error",
            Category::Validation,
        ),
        (Error::normalize(std::fmt::Error), "fmt_error", Category::System),
        (Error::normalize(Unheard), "unheard", Category::System),
        (Error::from_text("it broke"), "generic_error", Category::System),
        (Error::from(codes::TIMEOUT), "timeout", Category::Infrastructure),
    ];
    for (error, code, category) in table {
        assert_eq!((error.code(), error.category()), (code, category));
    }
    assert_eq!(Error::from_text("it broke").message(), "it broke");
    let report = Error::normalize(io(io::ErrorKind::TimedOut)).report().to_string();
    assert_eq!(report, "io_error\n  caused by: what happened");
}

#[derive(Debug)]
struct Outer(Error);

#[derive(Debug)]
struct Unheard;

impl std::fmt::Display for Outer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("outer")
    }
}

impl std::fmt::Display for Unheard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("unheard of")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl std::error::Error for Unheard {}

#[test]
fn a_time_to_wait_that_is_no_time_is_none_and_one_that_is_too_long_is_for_ever() {
    let waits = |seconds: f64| {
        Error::infrastructure("busy").with_detail("retry_after_seconds", seconds).retry_after()
    };
    assert_eq!(waits(1.5), Some(Duration::from_millis(1500)));
    assert_eq!(waits(0.0), Some(Duration::ZERO));
    for none in [f64::NAN, -1.0, f64::NEG_INFINITY, f64::INFINITY] {
        assert_eq!(waits(none), None, "{none}");
    }
    assert_eq!(waits(1e300), Some(Duration::MAX));
}
