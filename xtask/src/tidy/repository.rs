//! Rules about the repository: what lies at its root, and what continuous integration runs.

use super::Project;
use crate::bans;
use crate::finding::Finding;

/// What the root of the repository holds, beside the dotfiles of whatever tools its readers use.
/// Everything else has a home in one of the folders.
const TOP_LEVEL: [&str; 16] = [
    ".cargo",
    ".ci",
    ".clippy.toml",
    ".config",
    ".gitignore",
    ".rustfmt.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "crates",
    "docs",
    "rust-toolchain.toml",
    "tests",
    "xtask",
];
/// The command that passes the tests: the README gives it, `.ci/run` runs it.
const TEST_COMMAND: &str = "cargo xtask ci";

pub(super) fn one_clippy_config(project: &Project<'_>) -> Vec<Finding> {
    let second = project.tree.paths().filter(|path| {
        let name = path.rsplit('/').next().unwrap_or(path);
        ["clippy.toml", ".clippy.toml"].contains(&name) && *path != bans::FILE
    });
    let message = format!(
        "clippy reads only the nearest configuration, so this one hides every ban of {}; \
         move what it says there",
        bans::FILE
    );
    second.map(|path| Finding::new(path, 1, "", message.clone())).collect()
}

pub(super) fn top_level(project: &Project<'_>) -> Vec<Finding> {
    let root = project.tree.paths().filter(|path| !path.contains('/'));
    let stray = root.filter(|path| !path.starts_with('.') && !TOP_LEVEL.contains(path));
    let message = "does not belong at the root; move it into crates, docs, tests or xtask";
    let mut findings: Vec<_> = stray.map(|path| Finding::new(path, 1, "", message)).collect();
    for missing in TOP_LEVEL.iter().filter(|path| !project.tree.contains(path)) {
        findings.push(Finding::new(missing, 1, "", "is missing; the project needs it"));
    }
    findings
}

pub(super) fn ci_command(project: &Project<'_>) -> Vec<Finding> {
    let runs = |path: &str| {
        let text = project.tree.source(path).map(|source| source.text.as_str());
        text.unwrap_or_default().lines().any(|line| line.trim() == TEST_COMMAND)
    };
    let missing = ["README.md", ".ci/run"].into_iter().filter(|path| !runs(path));
    let message = format!("needs the line `{TEST_COMMAND}`: what passes for a reader passes in CI");
    missing.map(|path| Finding::new(path, 1, "", message.clone())).collect()
}
