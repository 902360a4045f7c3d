//! Rules about waiting: the order of a `select!`, and the time in which a test runs.

use super::{Project, RustFile};
use crate::code::Code;
use crate::finding::Finding;

pub(super) fn biased_select(file: &RustFile<'_>, _: &Project<'_>) -> Vec<Finding> {
    // Two tokens lie between the name and the first word inside: `!` and the bracket.
    let random = file.code.find("select !").filter(|at| {
        let opens = ["{", "(", "["].iter().any(|open| file.code.starts_with(at + 2, open));
        opens && !file.code.starts_with(at + 3, "biased ;")
    });
    let message = "`select!` without `biased;` takes a random ready arm; \
                   write `biased;` first and put the arms in the order that is meant";
    random.map(|at| file.at(at, message)).collect()
}

pub(super) fn paused_time(file: &RustFile<'_>, project: &Project<'_>) -> Vec<Finding> {
    let listed = |path: &str| {
        project.policy.exceptions.real_time.iter().any(|exception| exception.file == path)
    };
    if listed(file.path()) {
        return Vec::new();
    }
    let running = file.code.find("# [ tokio :: test").filter(|at| !pauses(&file.code, *at));
    let message = "an async test in real time; write `#[tokio::test(start_paused = true)]`, \
                   or list the file under [[real-time]] in xtask/policy/exceptions.toml with \
                   the real threads, files, sockets or processes it needs";
    running.map(|at| file.at(at, message)).collect()
}

/// Whether the attribute at `at` starts its test with paused time.
fn pauses(code: &Code, at: usize) -> bool {
    let mut inside = code.inside(at + 1);
    inside.any(|index| code.starts_with(index, "start_paused = true"))
}
