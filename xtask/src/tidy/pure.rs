//! Pure files: decisions without effects, so that a table of cases tests all of them.

use super::{Project, RustFile};
use crate::finding::Finding;

/// Files that decide and do nothing else, in whatever folder.
const PURE_FILES: [&str; 8] = [
    "apply.rs",
    "backoff.rs",
    "intensity.rs",
    "plan.rs",
    "routes.rs",
    "state.rs",
    "strategy.rs",
    "trie.rs",
];

/// Words that such a file does not contain, and what it does instead.
const IMPURE: [(&str, &str); 12] = [
    ("async", "return what is to be done, and let the loop in run.rs do it"),
    ("await", "return what is to be done, and let the loop in run.rs do it"),
    ("tokio", "return what is to be done, and let the loop in run.rs do it"),
    ("Instant :: now", "take the time as a parameter"),
    ("SystemTime :: now", "take the time as a parameter"),
    ("Timestamp :: now", "take the time as a parameter"),
    (". elapsed (", "take the time as a parameter"),
    ("rand", "take the random number as a parameter"),
    ("fastrand", "take the random number as a parameter"),
    ("Uuid :: now_v7", "take the id as a parameter"),
    ("Mutex", "own the state; whoever shares it locks it outside"),
    ("RwLock", "own the state; whoever shares it locks it outside"),
];
/// Modules of the standard library with effects, and what such a file does instead.
const EFFECTS: [(&str, &str); 6] = [
    ("env", "take the value as a parameter"),
    ("fs", "take the data as a parameter"),
    ("io", "take the data as a parameter"),
    ("net", "take the data as a parameter"),
    ("process", "return what is to be done"),
    ("thread", "return what is to be done"),
];

pub(super) fn pure_file(file: &RustFile<'_>, _: &Project<'_>) -> Vec<Finding> {
    if !PURE_FILES.contains(&file.source.name()) {
        return Vec::new();
    }
    let words = IMPURE.iter().flat_map(|(pattern, instead)| {
        let name = pattern.replace(' ', "");
        file.wherever(pattern, &format!("`{name}` in a pure file; {instead}"))
    });
    words.chain(effects(file)).collect()
}

/// Modules with effects, named by their path or in a list: `std::fs`, `std::{collections, fs}`.
fn effects(file: &RustFile<'_>) -> Vec<Finding> {
    // Three tokens lie between `std` and what follows the `::`.
    let named = file.code.find("std :: ").flat_map(|at| {
        let list = file.code.starts_with(at + 3, "{");
        if list { file.code.inside(at + 3) } else { at + 3..at + 4 }
    });
    let found = named.filter_map(|at| {
        let (name, instead) = EFFECTS.iter().find(|(name, _)| file.code.starts_with(at, name))?;
        Some(file.at(at, format!("`std::{name}` in a pure file; {instead}")))
    });
    found.collect()
}
