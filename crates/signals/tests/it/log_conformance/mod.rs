//! Every log passes the kit.

mod faulty;
mod forgetful;
mod memory;
mod memory_on_threads;
mod surviving;

use signals::testing::{LOG_CASES, run_log_case};

use crate::polled::polled;

#[test]
fn no_two_cases_have_the_same_name() {
    let mut names: Vec<_> = LOG_CASES.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), LOG_CASES.len());
}

#[tokio::test(start_paused = true)]
async fn a_case_that_there_is_not_is_a_panic() {
    let run =
        testkit::panics(|| polled(Box::pin(run_log_case("no case", &memory::Memory)).as_mut()));
    assert_eq!(run, "there is no case \"no case\"");
}
