//! Rules about lint levels in source: one lint at a time is expected, and no more.

use super::{Project, RustFile};
use crate::code::Code;
use crate::finding::Finding;

/// Attributes that set the level of a lint, other than `expect`.
const LEVELS: [&str; 4] = ["allow", "warn", "deny", "forbid"];
/// Lints that stand for many, the bans among them.
const GROUPS: [&str; 10] = [
    "all",
    "cargo",
    "complexity",
    "correctness",
    "nursery",
    "pedantic",
    "perf",
    "restriction",
    "style",
    "suspicious",
];

pub(super) fn no_allow(file: &RustFile<'_>, _: &Project<'_>) -> Vec<Finding> {
    let set = attributes(&file.code)
        .filter(|at| LEVELS.iter().any(|level| file.code.starts_with(*at, &format!("{level} ("))));
    let message = "lint levels are set once for all, in the root manifest; here a lint can only \
                   be expected: write `#[expect(LINT, reason = \"why\")]`";
    set.map(|at| file.at(at, message)).collect()
}

pub(super) fn no_group(file: &RustFile<'_>, _: &Project<'_>) -> Vec<Finding> {
    let whole = attributes(&file.code).filter(|at| file.code.starts_with(*at, "expect ("));
    let groups = whole.flat_map(|at| file.code.inside(at + 1)).filter(|at| {
        let names = |group: &&str| file.code.starts_with(*at, &format!("clippy :: {group}"));
        file.code.starts_with(*at, "warnings") || GROUPS.iter().any(names)
    });
    let message = "expecting a group hides whatever else happens there, bans included; \
                   expect the one lint";
    groups.map(|at| file.at(at, message)).collect()
}

/// Where something stands that an attribute says: at its beginning, or inside a `cfg_attr`.
fn attributes(code: &Code) -> impl Iterator<Item = usize> {
    code.find("#").flat_map(|at| {
        let open = at + 1 + usize::from(code.starts_with(at + 1, "!"));
        let inside = if code.starts_with(open, "[") { code.inside(open) } else { 0..0 };
        let conditional = code.starts_with(open + 1, "cfg_attr");
        inside.filter(move |index| conditional || *index == open + 1)
    })
}
