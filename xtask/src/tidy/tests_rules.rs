//! Rules about tests: none is skipped, and each of their assertions can fail.

use super::{Project, RustFile};
use crate::finding::Finding;

pub(super) fn no_ignore(file: &RustFile<'_>, _: &Project<'_>) -> Vec<Finding> {
    let message = "an ignored test rots; mend it, or assert what happens today and say why";
    file.wherever("# [ ignore", message)
}

pub(super) fn no_should_panic(file: &RustFile<'_>, _: &Project<'_>) -> Vec<Finding> {
    let message = "any panic satisfies `#[should_panic]`, a wrong one too; \
                   run the code in a process or an actor and assert on the message";
    file.wherever("# [ should_panic", message)
}

pub(super) fn no_empty_assertion(file: &RustFile<'_>, _: &Project<'_>) -> Vec<Finding> {
    let statements = file.code.find("matches ! (").filter(|at| {
        let begins = at.checked_sub(1).is_some_and(|before| {
            ["{", "}", ";"].iter().any(|mark| file.code.starts_with(before, mark))
        });
        begins && file.code.starts_with(file.code.inside(at + 2).end + 1, ";")
    });
    let message = "a `matches!` statement checks nothing; write `assert!(matches!(…))`";
    statements.map(|at| file.at(at, message)).collect()
}

pub(super) fn own_test_support(file: &RustFile<'_>, project: &Project<'_>) -> Vec<Finding> {
    let beneath = project.policy.package("testkit").map(|testkit| testkit.normal.as_slice());
    let inside = beneath.unwrap_or_default().iter();
    let mut inside = inside.map(|package| format!("crates/{package}/src/"));
    if !inside.any(|folder| file.path().starts_with(&folder)) {
        return Vec::new();
    }
    let message = "testkit was built against another copy of this crate, and its types do not \
                   match; use `crate::testing`, or move the test to the crate's tests folder";
    file.wherever("testkit ::", message)
}
