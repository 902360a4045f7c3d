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

/// What such a file does not contain, and what it does instead.
const IMPURE: [(&str, &str); 17] = [
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
    ("std :: fs", "take the data as a parameter"),
    ("std :: env", "take the value as a parameter"),
    ("std :: io", "take the data as a parameter"),
    ("std :: net", "take the data as a parameter"),
    ("std :: process", "return what is to be done"),
    ("std :: sync", "own the state; whoever shares it locks it outside"),
    ("std :: thread", "return what is to be done"),
];

pub(super) fn pure_file(file: &RustFile<'_>, _: &Project<'_>) -> Vec<Finding> {
    if !PURE_FILES.contains(&file.source.name()) {
        return Vec::new();
    }
    let found = |(pattern, instead): &(&str, &str)| {
        let name = pattern.replace(' ', "");
        file.wherever(pattern, &format!("`{name}` in a pure file; {instead}"))
    };
    IMPURE.iter().flat_map(found).collect()
}
