//! Rules about what reaches beyond its module: global state, and exports.

use super::{Project, RustFile};
use crate::finding::Finding;

pub(super) fn no_global_state(file: &RustFile<'_>, project: &Project<'_>) -> Vec<Finding> {
    let excepted = &project.policy.exceptions.global_state;
    if !file.is_product(project.policy) || excepted.iter().any(|e| e.file == file.path()) {
        return Vec::new();
    }
    let message = "global state joins two systems of one process; \
                   let the system value own it, or make an immutable table a `const`";
    // The lifetime `'static` is a mark and a word; only the word alone declares something.
    let declared = file
        .code
        .find("static")
        .filter(|at| at.checked_sub(1).is_none_or(|before| !file.code.starts_with(before, "'")));
    let declared = declared.map(|at| file.at(at, message));
    declared.chain(file.wherever("thread_local !", message)).collect()
}

pub(super) fn explicit_reexport(file: &RustFile<'_>, _: &Project<'_>) -> Vec<Finding> {
    let globs = file.code.find("pub use").filter(|at| {
        let statement = file.code.slice(*at..usize::MAX).iter().take_while(|t| t.text != ";");
        statement.clone().any(|token| token.text == "*")
    });
    let message = "a glob exports whatever the module holds tomorrow; list the names";
    globs.map(|at| file.at(at, message)).collect()
}
