//! Every rule with an example that it must find and one that it must leave alone.
//!
//! An example is a whole small project: the files that differ from a clean one. A rule that finds
//! nothing in any example here fails [`every_rule_has_an_example_that_it_finds`].

use std::collections::BTreeSet;

use super::{Project, RULES};
use crate::policy::Policy;
use crate::tree::Tree;

/// A rule, a file, its text, and where the rule finds what (line, words); nowhere is line 0.
type Example = (&'static str, &'static str, &'static str, usize, &'static str);

const PRODUCT: &str = "crates/foundation/src/a.rs";
const TEST: &str = "crates/foundation/tests/it/a.rs";

const FILES: &[Example] = &[
    ("rust", PRODUCT, "//! A.\nfn f() {\n    \"open\n}\n", 3, "close what is open"),
    ("rust", PRODUCT, "//! A.\nfn f() {}\n", 0, ""),
    ("module-docs", PRODUCT, "fn f() {}\n", 1, "say in its first line"),
    ("module-docs", PRODUCT, "//!\n//! A.\n", 1, "say in its first line"),
    ("module-docs", PRODUCT, "\n//! A.\n", 1, "say in its first line"),
    ("module-docs", PRODUCT, "", 1, "say in its first line"),
    ("module-docs", PRODUCT, "//! A.\n", 0, ""),
    ("file-name", "crates/foundation/src/utils.rs", "//! A.\n", 1, "`utils` says nothing"),
    ("file-name", "crates/foundation/src/common/mod.rs", "//! A.\n", 1, "`common` says nothing"),
    ("file-name", "crates/foundation/src/commons.rs", "//! A.\n", 0, ""),
];

const PURE: &[Example] = &[
    ("pure-file", "crates/a/src/state.rs", "//! A.\nasync fn f() {}\n", 2, "the loop in run.rs"),
    ("pure-file", "crates/a/src/b/plan.rs", "//! A.\nuse tokio::sync;\n", 2, "`tokio` in a pure"),
    (
        "pure-file",
        "crates/a/src/intensity.rs",
        "//! A.\n\nfn f() { let t = std::time::Instant::now(); }\n",
        3,
        "take the time as a parameter",
    ),
    ("pure-file", "crates/a/src/trie.rs", "//! A.\nuse std::fs;\n", 2, "`std::fs` in a pure"),
    ("pure-file", "crates/a/src/trie.rs", "//! A.\nuse std::{mem, io::Read};\n", 2, "`std::io`"),
    ("pure-file", "crates/a/src/trie.rs", "//! A.\nuse std::sync::{Arc, Mutex};\n", 2, "own the"),
    ("pure-file", "crates/a/src/trie.rs", "//! A.\nuse std::sync::Arc;\n", 0, ""),
    ("pure-file", "crates/a/src/state.rs", "//! An async tale of tokio.\nfn f() {}\n", 0, ""),
    ("pure-file", "crates/a/src/state.rs", "//! A.\nfn f(at: std::time::Instant) {}\n", 0, ""),
    ("pure-file", "crates/a/src/run.rs", "//! A.\nasync fn f() {}\n", 0, ""),
];

const WAITING: &[Example] = &[
    (
        "biased-select",
        PRODUCT,
        "//! A.\nfn f() {\n    tokio::select! { a = b => {} }\n}\n",
        3,
        "write `biased;` first",
    ),
    ("biased-select", TEST, "//! A.\nfn f() { select!(a = b => {}) }\n", 2, "`biased;`"),
    ("biased-select", PRODUCT, "//! A.\nfn f() { select! { biased; a = b => {} } }\n", 0, ""),
    ("biased-select", PRODUCT, "//! A.\nmacro_rules! select { () => {} }\n", 0, ""),
    ("paused-time", TEST, "//! A.\n#[tokio::test]\nasync fn f() {}\n", 2, "start_paused = true"),
    (
        "paused-time",
        TEST,
        "//! A.\n#[tokio::test(start_paused = false)]\nasync fn f() {}\n",
        2,
        "start_paused = true",
    ),
    (
        "paused-time",
        TEST,
        "//! A.\n#[tokio::test(flavor = \"current_thread\", start_paused = true)]\nasync fn f() {}\n",
        0,
        "",
    ),
    ("paused-time", "tests/it/real.rs", "//! A.\n#[tokio::test]\nasync fn f() {}\n", 0, ""),
];

const TESTS: &[Example] = &[
    ("no-ignore", TEST, "//! A.\n#[test]\n#[ignore = \"slow\"]\nfn f() {}\n", 3, "mend it"),
    ("no-ignore", TEST, "//! A.\n// #[ignore]\nfn f() {}\n", 0, ""),
    ("no-should-panic", TEST, "//! A.\n#[test]\n#[should_panic]\nfn f() {}\n", 3, "the message"),
    ("no-should-panic", TEST, "//! A.\n/// Not #[should_panic].\nfn f() {}\n", 0, ""),
    (
        "no-empty-assertion",
        TEST,
        "//! A.\nfn f() {\n    g();\n    matches!(a, Some(_));\n}\n",
        4,
        "`assert!(matches!(…))`",
    ),
    ("no-empty-assertion", TEST, "//! A.\nfn f() { assert!(matches!(a, B)); }\n", 0, ""),
    ("no-empty-assertion", TEST, "//! A.\nfn f() -> bool { matches!(a, B) }\n", 0, ""),
    ("own-test-support", PRODUCT, "//! A.\nuse testkit::Seeds;\n", 2, "`crate::testing`"),
    ("own-test-support", TEST, "//! A.\nuse testkit::Seeds;\n", 0, ""),
    ("own-test-support", "crates/journal/src/a.rs", "//! A.\nuse testkit::Seeds;\n", 0, ""),
];

const GLOBALS: &[Example] = &[
    ("no-global-state", PRODUCT, "//! A.\nstatic A: u8 = 1;\n", 2, "the system value own it"),
    ("no-global-state", PRODUCT, "//! A.\nthread_local! { }\n", 2, "the system value own it"),
    ("no-global-state", PRODUCT, "//! A.\nconst A: &'static str = \"\";\n", 0, ""),
    ("no-global-state", TEST, "//! A.\nstatic A: u8 = 1;\n", 0, ""),
    ("no-global-state", "crates/bench/src/a.rs", "//! A.\nstatic A: u8 = 1;\n", 0, ""),
    ("no-global-state", "crates/foundation/src/hook.rs", "//! A.\nstatic A: u8 = 1;\n", 0, ""),
    ("explicit-reexport", PRODUCT, "//! A.\npub use a::{b::*, c};\n", 2, "list the names"),
    ("explicit-reexport", PRODUCT, "//! A.\npub use a::{b, c};\nuse d::*;\n", 0, ""),
];

const ERRORS: &[Example] = &[
    (
        "one-error-type",
        PRODUCT,
        "//! A.\npub fn f() -> Result<u8, String> {}\n",
        2,
        "the one error",
    ),
    ("one-error-type", PRODUCT, "//! A.\npub async fn f() -> io::Result<u8> {}\n", 2, "the one"),
    (
        "one-error-type",
        PRODUCT,
        "//! A.\nimpl A {\n    pub fn f<F: Fn() -> u8>(f: F) -> Option<Result<(u8, u8), E>> {}\n}\n",
        3,
        "the one error type",
    ),
    (
        "one-error-type",
        PRODUCT,
        "//! A.\npub fn f() -> std::result::Result<u8, fmt::Error>;\n",
        2,
        "the one error type",
    ),
    ("one-error-type", PRODUCT, "//! A.\npub fn f() -> Result<(u8, u8)> {}\n", 0, ""),
    ("one-error-type", PRODUCT, "//! A.\npub fn f() -> foundation::Result<u8> {}\n", 0, ""),
    ("one-error-type", PRODUCT, "//! A.\npub fn f() -> Result<impl Fn() -> u8> {}\n", 0, ""),
    (
        "one-error-type",
        PRODUCT,
        "//! A.\npub fn f<M>() -> std::result::Result<(), Unsent<M>> where M: Into<Result<A, B>> {}\n",
        0,
        "",
    ),
    ("one-error-type", PRODUCT, "//! A.\npub(crate) fn f() -> Result<u8, String> {}\n", 0, ""),
    ("one-error-type", PRODUCT, "//! A.\nfn fmt(&self) -> fmt::Result {}\n", 0, ""),
    ("one-error-type", TEST, "//! A.\npub fn f() -> Result<u8, String> {}\n", 0, ""),
];

const EXCEPTIONS: &[Example] = &[
    (
        "ban-exception",
        PRODUCT,
        "//! A.\n#[expect(clippy::disallowed_methods, reason = \"ban: clock, late\")]\nfn f() {}\n",
        2,
        "use the clock port; a new exception is a decision for xtask/policy/exceptions.toml",
    ),
    (
        "ban-exception",
        "crates/foundation/src/clock.rs",
        "//! A.\n#[expect(clippy::disallowed_methods, reason = \"ban: clock, the port\")]\nfn f() {}\n",
        0,
        "",
    ),
    (
        "ban-exception",
        "crates/foundation/src/clock.rs",
        "//! A.\n#![expect(clippy::disallowed_methods, reason = \"ban: clock, the port\")]\nfn f() {}\n",
        2,
        "on the smallest item",
    ),
    (
        "ban-exception",
        "crates/foundation/src/clock.rs",
        "//! A.\n#[allow(clippy::disallowed_methods, reason = \"ban: clock, the port\")]\nfn f() {}\n",
        2,
        "write `#[expect(",
    ),
    (
        "ban-exception",
        "crates/foundation/src/clock.rs",
        "//! A.\n#[expect(clippy::disallowed_methods)]\nfn f() {}\n",
        2,
        "names no ban",
    ),
    (
        "ban-exception",
        PRODUCT,
        "//! A.\n#[cfg_attr(test, allow(clippy::disallowed_methods))]\nfn f() {}\n",
        2,
        "hides a ban for ever",
    ),
];

const LEVELS: &[Example] = &[
    ("no-allow", TEST, "//! A.\n#![allow(warnings)]\n", 2, "`#[expect(LINT, reason"),
    ("no-allow", TEST, "//! A.\n#[warn(missing_docs)]\nfn f() {}\n", 2, "`#[expect("),
    ("no-allow", TEST, "//! A.\n#[cfg_attr(unix, allow(dead_code))]\nfn f() {}\n", 2, "`#["),
    ("no-allow", TEST, "//! A.\n#[expect(dead_code, reason = \"allow(a)\")]\nfn f() {}\n", 0, ""),
    ("no-allow", TEST, "//! A.\n#[derive(A)]\nfn f() { allow(1); }\n", 0, ""),
    ("no-group", TEST, "//! A.\n#![expect(clippy::style, reason = \"\")]\n", 2, "the one lint"),
    ("no-group", TEST, "//! A.\n#[expect(dead_code, warnings)]\nfn f() {}\n", 2, "the one lint"),
    ("no-group", TEST, "//! A.\n#[cfg_attr(a, expect(clippy::all))]\nfn f() {}\n", 2, "one"),
    ("no-group", TEST, "//! A.\n#[expect(clippy::style_x, reason = \"\")]\nfn f() {}\n", 0, ""),
];

const EVENTS: &[Example] = &[
    ("event-table", PRODUCT, "//! A.\nuse tracing::error;\n", 2, "write an event so"),
    ("event-table", PRODUCT, "//! A.\nuse tracing::level_filters::LevelFilter;\n", 0, ""),
    (
        "event-table",
        PRODUCT,
        "//! A.\nfn f() { tracing::event!(a, \"a.b\"); }\n",
        2,
        "write an event so",
    ),
    (
        "event-table",
        "docs/telemetry.md",
        "| `a.b` | error; debug; info | `a`, `pid` | x |\n",
        1,
        "with the level info",
    ),
    (
        "event-table",
        "docs/telemetry.md",
        "| `a.b` | error; debug | `a`, `pid` | x |\n| `a.b` | error | `a`, `pid` | x |\n",
        2,
        "has a row already",
    ),
    (
        "event-table",
        PRODUCT,
        "//! A.\nfn f() {\n    tracing::error!(a, \"a.unlisted\");\n}\n",
        3,
        "add a row",
    ),
    (
        "event-table",
        PRODUCT,
        "//! A.\nfn f() { tracing::info!(\"{event}\"); }\n",
        2,
        "is a literal",
    ),
    (
        "event-table",
        PRODUCT,
        "//! A.\nfn f() { tracing::info!(a, %pid, \"a.b\"); }\n",
        2,
        "without the level info",
    ),
    (
        "event-table",
        PRODUCT,
        "//! A.\nfn f() { tracing::debug!(a, \"a.b\"); }\n",
        2,
        "with the fields",
    ),
    (
        "event-table",
        PRODUCT,
        "//! A.\nfn f() { tracing::debug!(a = g(1, 2), %pid, \"a.b\"); }\n",
        0,
        "",
    ),
    (
        "event-table",
        PRODUCT,
        "//! A.\nfn f() { tracing::error!(a = &*b, ?pid, \"a.b\"); }\n",
        0,
        "",
    ),
    (
        "event-table",
        "docs/telemetry.md",
        "| `a.b` | error; debug | `a`, `pid` | x |\n| `a.c` | info | – | x |\n",
        2,
        "nobody emits `a.c`",
    ),
];

const REPOSITORY: &[Example] = &[
    ("one-clippy-config", "crates/foundation/clippy.toml", "", 1, "hides every ban"),
    ("top-level", "notes.md", "", 1, "move it into crates, docs, tests or xtask"),
    ("top-level", "docs/notes.md", "", 0, ""),
    ("top-level", ".editorconfig", "", 0, ""),
    ("ci-command", ".ci/run", "cargo test\n", 1, "needs the line `cargo xtask ci`"),
    ("ci-command", "README.md", "# A\n", 1, "needs the line `cargo xtask ci`"),
    ("ban-canary", "xtask/src/canary.rs", "//! A.\n", 0, ""),
];

const MODULES: &[Example] = &[
    ("declared-file", "crates/foundation/src/lost.rs", "//! A.\n", 1, "declare it, or remove it"),
    ("declared-file", "crates/foundation/src/a/lost.rs", "//! A.\n", 1, "declare it, or remove"),
    ("declared-file", "crates/foundation/src/lost/mod.rs", "//! A.\n", 1, "declare it, or"),
    ("declared-file", "crates/foundation/src/examples/c.rs", "//! A.\n", 1, "declare it, or"),
    ("declared-file", "crates/foundation/tests/other.rs", "//! A.\n", 1, "declare it, or remove"),
    ("declared-file", "xtask/src/main.rs", "//! A.\n// mod canary;\n", 0, ""),
    ("declared-file", "crates/foundation/src/b.rs", "//! A.\n", 0, ""),
    ("declared-file", "crates/foundation/src/b/mod.rs", "//! A.\n", 0, ""),
    ("declared-file", "crates/foundation/examples/c.rs", "//! A.\n", 0, ""),
    ("declared-file", "crates/foundation/src/bin/c.rs", "//! A.\n", 0, ""),
    ("declared-file", "crates/foundation/build.rs", "//! A.\n", 0, ""),
    ("declared-file", "crates/foundation/tests/ui/c.rs", "//! A.\n", 0, ""),
];

/// A project in which no rule finds anything.
fn clean() -> Vec<(&'static str, &'static str)> {
    let mut files = vec![
        (".ci/run", "cargo xtask ci\n"),
        (
            ".clippy.toml",
            "disallowed-methods = [\n    { path = \"a::now\", reason = \"ban: clock; use the clock port\" },\n]\n",
        ),
        ("README.md", "cargo xtask ci\n"),
        ("crates/foundation/src/lib.rs", "//! A.\nmod a;\nmod b;\nmod clock;\nmod hook;\n"),
        ("crates/foundation/tests/it/main.rs", "//! A.\nmod a;\n"),
        (
            "crates/journal/src/lib.rs",
            "//! A.\nmod c;\nfn f() { tracing::error!(a, %pid, \"a.b\"); tracing::debug!(a, %pid, \"a.b\"); }\n",
        ),
        (
            "crates/foundation/src/clock.rs",
            "//! A.\n#[expect(clippy::disallowed_methods, reason = \"ban: clock, the port\")]\nfn f() {}\n",
        ),
        ("crates/foundation/src/hook.rs", "//! A.\n"),
        ("docs/telemetry.md", "| `a.b` | error; debug | `a`, `pid` | x |\n"),
        ("tests/it/main.rs", "//! A.\nmod real;\n"),
        ("tests/it/real.rs", "//! A.\n"),
        ("xtask/src/main.rs", "//! A.\n#[cfg(test)]\nmod canary;\n"),
        ("xtask/policy/exceptions.toml", EXCEPTIONS_FILE),
        ("xtask/policy/layers.toml", LAYERS_FILE),
        (
            "xtask/policy/lints.toml",
            "[rust]\n[clippy]\n[product-only]\n\"clippy::unwrap_used\" = \"\"\n",
        ),
        ("xtask/src/canary.rs", "//! A.\ncanary! {\n    \"a::now\" => a::now();\n}\n"),
    ];
    let empty = [".cargo/a", ".config/a", ".gitignore", ".rustfmt.toml", "Cargo.lock", "docs/a"];
    let empty = empty.into_iter().chain(["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT"]);
    files.extend(empty.chain(["rust-toolchain.toml"]).map(|path| (path, "")));
    files
}

const EXCEPTIONS_FILE: &str = "[[ban]]\nfile = \"crates/foundation/src/clock.rs\"\n\
    bans = [\"clock\"]\nreason = \"the port\"\n[[real-time]]\nfile = \"tests/it/real.rs\"\n\
    reason = \"sockets\"\n[[global-state]]\nfile = \"crates/foundation/src/hook.rs\"\n\
    reason = \"the panic hook\"\n";

const LAYERS_FILE: &str = "[[package]]\nname = \"foundation\"\nlayer = 0\nabout = \"\"\n\
    [[package]]\nname = \"journal\"\nlayer = 1\nabout = \"\"\n[[package]]\nname = \"testkit\"\n\
    about = \"\"\nnormal = [\"foundation\"]\n[[package]]\nname = \"bench\"\nabout = \"\"\n";

/// What all rules find in the clean project with `changed` in place of what it had there.
fn findings(changed: &[(&str, &str)]) -> Vec<String> {
    let mut files: Vec<(&str, &str)> = clean();
    files.retain(|(path, _)| !changed.iter().any(|(new, _)| new == path));
    files.extend_from_slice(changed);
    let tree = Tree::of(&files);
    let policy = Policy::read(&tree).unwrap();
    let project = Project::new(&tree, &policy).unwrap();
    RULES.iter().flat_map(|rule| rule.findings(&project)).map(|f| f.to_string()).collect()
}

fn examples() -> impl Iterator<Item = &'static Example> {
    [FILES, PURE, WAITING, TESTS, GLOBALS, ERRORS, EVENTS, EXCEPTIONS, LEVELS, MODULES, REPOSITORY]
        .into_iter()
        .flatten()
}

#[test]
fn nothing_is_found_in_a_clean_project() {
    assert_eq!(findings(&[]), [""; 0]);
}

#[test]
fn each_example_is_found_where_it_stands_or_left_alone() {
    for (rule, file, text, line, words) in examples() {
        let found = findings(&[(file, text)]);
        let of_rule = found.iter().filter(|found| found.contains(&format!(": {rule}: ")));
        let of_rule: Vec<_> = of_rule.filter(|found| found.starts_with(file)).collect();
        let place = format!("{file}:{line}: {rule}: ");
        match (line, of_rule.as_slice()) {
            (0, []) => {}
            (1.., [one]) if one.starts_with(&place) && one.contains(words) => {}
            _ => panic!("{rule} on {file}\n{text}\nexpected {place}…{words}…\nfound {found:#?}"),
        }
    }
}

#[test]
fn every_rule_has_an_example_that_it_finds() {
    let found: BTreeSet<_> =
        examples().filter(|(.., line, _)| *line > 0).map(|(rule, ..)| *rule).collect();
    let elsewhere = ["file-size", "median-size", "ban-canary"];
    let without: Vec<_> = RULES
        .iter()
        .map(|rule| rule.name)
        .filter(|name| !found.contains(name) && !elsewhere.contains(name))
        .collect();
    assert_eq!(without, [""; 0]);
}

#[test]
fn a_file_over_600_lines_is_found_and_one_of_600_is_not() {
    let lines = |count: usize| format!("//! A.\n{}", "\n".repeat(count - 1));
    assert_eq!(findings(&[(TEST, &lines(600))]), [""; 0]);
    let found = findings(&[(TEST, &lines(601))]);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with(&format!("{TEST}:601: file-size: 601 lines")), "{}", found[0]);
}

#[test]
fn a_median_over_150_lines_is_found_and_names_the_longest_file() {
    let long = format!("//! A.\n{}", "\n".repeat(199));
    let longer = format!("//! A.\n{}", "\n".repeat(299));
    let few = [("crates/foundation/src/a.rs", long.as_str())];
    assert_eq!(findings(&few), [""; 0]);
    let many = [
        ("crates/foundation/src/a.rs", long.as_str()),
        ("crates/foundation/src/b.rs", longer.as_str()),
        ("crates/foundation/src/hook.rs", long.as_str()),
        ("crates/journal/src/c.rs", long.as_str()),
    ];
    let found = findings(&many);
    assert_eq!(found.len(), 1);
    let expected = "crates/foundation/src/b.rs:1: median-size: the median file";
    assert!(found[0].starts_with(expected), "{}", found[0]);
}

#[test]
fn a_missing_top_level_entry_is_found() {
    let mut files = clean();
    files.retain(|(path, _)| *path != "LICENSE-MIT");
    let tree = Tree::of(&files);
    let policy = Policy::read(&tree).unwrap();
    let project = Project::new(&tree, &policy).unwrap();
    let found = super::repository::top_level(&project);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].file, "LICENSE-MIT");
}

#[test]
fn a_ban_without_name_or_canary_is_found_where_it_stands() {
    let list = "disallowed-methods = [\n  { path = \"a::now\", reason = \"ban: clock; x\" },\n  \
                { path = \"b::c\", reason = \"because\" },\n]\n";
    let found = findings(&[(".clippy.toml", list)]);
    let expected = [
        ".clippy.toml:3: ban-canary: `b::c` has no name; write `ban: NAME; what to use`",
        ".clippy.toml:3: ban-canary: nothing proves that the ban of `b::c` fires; \
         add a line to xtask/src/canary.rs",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_canary_that_does_something_else_or_outlived_its_ban_is_found() {
    let canary = "//! A.\ncanary! {\n    \"a::now\" => a::later();\n    \"d::e\" => d::e();\n}\n";
    let found = findings(&[("xtask/src/canary.rs", canary)]);
    let expected = [
        "xtask/src/canary.rs:3: ban-canary: says `a::now` and does something else; spell it out",
        "xtask/src/canary.rs:4: ban-canary: `d::e` is not banned in .clippy.toml",
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_exception_that_nothing_needs_is_found_in_the_table() {
    let found = findings(&[("crates/foundation/src/clock.rs", "//! A.\nfn f() {}\n")]);
    let expected = "xtask/policy/exceptions.toml:2: ban-exception: crates/foundation/src/clock.rs \
                    does not need `clock`; remove it";
    assert_eq!(found, [expected]);
}

#[test]
fn an_exception_without_file_or_reason_is_found_in_the_table() {
    let gone = EXCEPTIONS_FILE.replace("tests/it/real.rs", "tests/it/gone.rs");
    let found = findings(&[("xtask/policy/exceptions.toml", &gone)]);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("exceptions.toml:6: ban-exception: tests/it/gone.rs does not exist"));
    for reason in ["the port", "sockets", "the panic hook"] {
        let bare = EXCEPTIONS_FILE.replace(reason, " ");
        let found = findings(&[("xtask/policy/exceptions.toml", &bare)]);
        assert_eq!(found.len(), 1, "{reason}: {found:?}");
        assert!(found[0].contains("has no reason"), "{}", found[0]);
    }
}

#[test]
fn a_ban_cannot_be_dropped_for_tests_and_tools() {
    let lints = "[rust]\n[clippy]\n[product-only]\n\"clippy::disallowed_methods\" = \"\"\n";
    let found = findings(&[("xtask/policy/lints.toml", lints)]);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("clippy::disallowed_methods carries the bans"), "{}", found[0]);
}
