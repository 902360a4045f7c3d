//! Every engine passes the kit.

mod memory;
mod redb_on_a_disk;
mod redb_on_a_file;

use journal::testing::CASES;

#[test]
fn no_two_cases_have_the_same_name() {
    let mut names: Vec<_> = CASES.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CASES.len());
}
