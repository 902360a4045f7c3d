//! What is written is read again, also what was written by the first version.

use jiff::Timestamp;

use super::{Gap, Kept, KeptState, dead_key};
use crate::codes;
use crate::log::LogPosition;

fn at(position: u64) -> LogPosition {
    LogPosition::new(position)
}

fn kept() -> KeptState {
    let patterns = vec!["s.*".to_owned()];
    let mut kept = KeptState::new(patterns, Timestamp::UNIX_EPOCH, at(5));
    kept.keep(&Kept {
        cursor: at(7),
        delivered_to: at(9),
        attempts: [(at(8), 2)].into(),
        buried: [at(9)].into(),
    });
    kept.dead = 3;
    kept.is_paused = true;
    kept.gaps.push(Gap { from: at(1), to: at(4) });
    kept
}

/// To the byte: what was written must be read for ever.
const WRITTEN: &str = concat!(
    r#"{"version":1,"patterns":["s.*"],"created":"1970-01-01T00:00:00Z","cursor":7,"#,
    r#""delivered_to":9,"attempts":{"8":2},"buried":[9],"dead":3,"is_paused":true,"#,
    r#""gaps":[{"from":1,"to":4}]}"#,
);

#[test]
fn it_is_written_so_to_the_byte_and_read_again() {
    let written = kept().write().unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), WRITTEN);
    assert_eq!(KeptState::read("audit", WRITTEN.as_bytes()).unwrap(), kept());
}

#[test]
fn that_dead_letters_are_to_be_counted_is_written_when_it_is_so() {
    let mut uncounted = kept();
    uncounted.is_uncounted = true;
    let written = WRITTEN.replace(r#""dead":3"#, r#""dead":3,"is_uncounted":true"#);
    assert_eq!(String::from_utf8(uncounted.write().unwrap()).unwrap(), written);
    assert_eq!(KeptState::read("audit", written.as_bytes()).unwrap(), uncounted);
}

#[test]
fn what_is_left_out_is_as_at_first() {
    let written = br#"{"version":1,"patterns":["s.*"],"created":"1970-01-01T00:00:00Z","cursor":5,
        "delivered_to":5}"#;
    let read = KeptState::read("audit", written).unwrap();
    assert_eq!(read, KeptState::new(vec!["s.*".into()], Timestamp::UNIX_EPOCH, at(5)));
}

#[test]
fn what_is_of_a_later_version_or_is_no_state_is_refused() {
    let later = WRITTEN.replace(r#""version":1"#, r#""version":2"#);
    for bytes in [later.as_str(), "", "{}", "[]", "null"] {
        let refused = KeptState::read("audit", bytes.as_bytes()).unwrap_err();
        assert_eq!(refused.code(), codes::SUBSCRIPTION_UNREADABLE.name, "{bytes}");
        assert_eq!(refused.details()["subscription"], "audit");
    }
}

#[test]
fn keys_of_dead_letters_are_in_the_order_of_their_positions() {
    let mut keys = [10, 9, u64::MAX, 1].map(|position| dead_key(at(position)));
    keys.sort();
    assert_eq!(keys, [1, 9, 10, u64::MAX].map(|position| dead_key(at(position))));
    assert_eq!(keys[0], "dead/00000000000000000001");
}

#[test]
fn one_that_was_sought_or_ended_in_order_has_nothing_under_way() {
    let mut kept = kept();
    kept.settle();
    assert_eq!((kept.kept().cursor, kept.kept().delivered_to), (at(7), at(7)));
    kept.go_to(at(2));
    assert_eq!((kept.kept().cursor, kept.kept().delivered_to), (at(2), at(2)));
    assert!(kept.kept().attempts.is_empty() && kept.kept().buried.is_empty());
}
