//! The summary a person reads at the end.

use std::time::Duration;

use super::{Outcome, summary};

#[test]
fn shows_each_step_with_its_time_and_the_total() {
    let second = Outcome::Passed(Duration::from_millis(1_250));
    let text = summary(&[("fmt", Outcome::Passed(Duration::from_secs(1))), ("tidy", second)]);
    let expected = "== summary\n\
                    fmt      ok           1.0 s\n\
                    tidy     ok           1.2 s\n\
                    total    ok           2.2 s\n";
    assert_eq!(text, expected);
}

#[test]
fn shows_what_failed_and_what_was_not_reached() {
    let failed = Outcome::Failed(Duration::from_secs(2));
    let text = summary(&[("fmt", failed), ("tidy", Outcome::NotRun)]);
    let expected = "== summary\n\
                    fmt      FAILED       2.0 s\n\
                    tidy     not run          -\n\
                    total    FAILED       2.0 s\n";
    assert_eq!(text, expected);
}
