//! Rules about a file as a whole: how it begins, how long it is, what it is called.

use super::{Project, RustFile};
use crate::finding::Finding;

/// Longest file. A longer one holds several components, each of which deserves a name.
const MOST_LINES: usize = 600;
/// Longest median of product files: half of them fit on three screens.
const MOST_MEDIAN_LINES: usize = 150;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 7] = ["common", "helper", "helpers", "manager2", "misc", "util", "utils"];

pub(super) fn module_docs(file: &RustFile<'_>, _: &Project<'_>) -> Vec<Finding> {
    let first = file.source.text.lines().next().unwrap_or_default();
    let sentence = first.strip_prefix("//!").map(str::trim).unwrap_or_default();
    if !sentence.is_empty() {
        return Vec::new();
    }
    let message = "begins without `//!`; say in its first line what the file is for";
    vec![Finding::new(file.path(), 1, "", message)]
}

pub(super) fn size(file: &RustFile<'_>, _: &Project<'_>) -> Vec<Finding> {
    let lines = file.source.text.lines().count();
    if lines <= MOST_LINES {
        return Vec::new();
    }
    let message = format!(
        "{lines} lines, at most {MOST_LINES}; give each of its parts a file named after it"
    );
    vec![Finding::new(file.path(), MOST_LINES + 1, "", message)]
}

pub(super) fn median_size(project: &Project<'_>) -> Vec<Finding> {
    let product = project.rust.iter().filter(|file| file.is_product(project.policy));
    let mut sizes: Vec<_> =
        product.map(|file| (file.source.text.lines().count(), file.path())).collect();
    sizes.sort_unstable();
    let Some((median, _)) = sizes.get(sizes.len() / 2) else {
        return Vec::new();
    };
    if *median <= MOST_MEDIAN_LINES {
        return Vec::new();
    }
    let message = format!(
        "the median file of product code has {median} lines, at most {MOST_MEDIAN_LINES}; \
         split files that hold more than one thing, this one first"
    );
    sizes.last().map(|(_, longest)| Finding::new(longest, 1, "", message)).into_iter().collect()
}

pub(super) fn name(file: &RustFile<'_>, _: &Project<'_>) -> Vec<Finding> {
    let parts = file.path().split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
    let empty = parts.filter(|part| EMPTY_NAMES.contains(part));
    let message = |part| format!("`{part}` says nothing; name it after what it holds");
    empty.map(|part| Finding::new(file.path(), 1, "", message(part))).collect()
}
