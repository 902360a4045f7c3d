//! Dead letters are written and read again, with their signal where it fits.

use jiff::Timestamp;

use super::{DeadLetter, MOST_BYTES};
use crate::codes;
use crate::log::LogPosition;
use crate::signal::Signal;

fn letter(text: String) -> DeadLetter {
    let signal = Signal::new("s.1", "/test").id("1").text(text).build().unwrap();
    DeadLetter {
        position: LogPosition::new(7),
        signal: Some(signal),
        attempts: 3,
        because: "refused".into(),
        error: Some(serde_json::json!({ "code": "busy" })),
        at: Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn one_is_read_as_it_was_written() {
    let letter = letter("hello".into());
    let read = DeadLetter::read("audit", &letter.write().unwrap()).unwrap();
    assert_eq!(read.signal.as_ref().unwrap().data(), letter.signal.as_ref().unwrap().data());
    assert_eq!(DeadLetter { signal: None, ..read }, DeadLetter { signal: None, ..letter });
}

#[test]
fn one_that_is_too_large_is_written_without_its_signal() {
    let bytes = letter("x".repeat(MOST_BYTES)).write().unwrap();
    assert!(bytes.len() < 1000);
    assert_eq!(DeadLetter::read("audit", &bytes).unwrap().signal, None);
}

#[test]
fn what_is_of_a_later_version_or_is_none_is_refused() {
    let written = String::from_utf8(letter(String::new()).write().unwrap()).unwrap();
    let later = written.replace(r#""version":1"#, r#""version":9"#);
    for bytes in [later.as_str(), "", "{}"] {
        let refused = DeadLetter::read("audit", bytes.as_bytes()).unwrap_err();
        assert_eq!(refused.code(), codes::SUBSCRIPTION_UNREADABLE.name, "{bytes}");
    }
}
