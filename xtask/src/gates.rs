//! The gates that run cargo: format, lints, documentation and tests.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::finding::{Verdict, report};
use crate::links;
use crate::policy::{PEERS, Policy};
use crate::tools::{Tool, cargo, run};
use crate::tree::Tree;

/// Whether to rewrite what differs, or only to say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Write,
    Check,
}

/// Formats both workspaces.
///
/// # Errors
///
/// When rustfmt is missing.
pub(crate) fn fmt(tree: &Tree, format: Format) -> Result<Verdict> {
    Tool::Fmt.require(&tree.root)?;
    let mut verdict = Verdict::Clean;
    // `--all` would follow the peers' path dependencies back into the first workspace.
    let workspaces: [&[&str]; 2] = [&["fmt", "--all"], &["fmt", "--manifest-path", PEERS]];
    for arguments in workspaces.into_iter().take(1 + usize::from(tree.contains(PEERS))) {
        let mut command = cargo(&tree.root, arguments);
        if format == Format::Check {
            command.args(["--", "--check"]);
        }
        verdict = verdict.and(run(&mut command)?);
    }
    Ok(verdict)
}

/// Clippy, twice: over product code with every lint, and over tests, benchmarks, examples and
/// tools without those that only product code carries. The bans hold in both.
///
/// # Errors
///
/// When clippy is missing.
pub(crate) fn lint(tree: &Tree, policy: &Policy) -> Result<Verdict> {
    Tool::Clippy.require(&tree.root)?;
    let mut product = clippy(&tree.root);
    for package in policy.product() {
        product.args(["--package", package]);
    }
    product.args(["--lib", "--bins", "--", "-D", "warnings"]);
    if run(&mut product)? == Verdict::Failed {
        return Ok(Verdict::Failed);
    }
    let mut rest = clippy(&tree.root);
    rest.args(["--workspace", "--all-targets", "--", "-D", "warnings"]);
    for lint in policy.lints.product_only.keys() {
        rest.args(["-A", lint]);
    }
    run(&mut rest)
}

/// Whether `doc` opens what it made in a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Open {
    No,
    Browser,
}

/// Builds the documentation, warnings being failures, and follows the links of the documents.
///
/// # Errors
///
/// When cargo cannot be started.
pub(crate) fn doc(tree: &Tree, open: Open) -> Result<Verdict> {
    let verdict = report(links::check(tree));
    let mut command = cargo(&tree.root, ["doc", "--locked", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    if open == Open::Browser {
        command.arg("--open");
    }
    Ok(verdict.and(run(&mut command)?))
}

/// Runs the tests whose name contains one of `filters`, or all: with cargo-nextest where it is
/// installed, with `cargo test` where it is not.
///
/// # Errors
///
/// When cargo cannot be started.
pub(crate) fn tests(tree: &Tree, filters: &[String]) -> Result<Verdict> {
    if Tool::Nextest.is_there(&tree.root) {
        let mut command = cargo(&tree.root, ["nextest", "run", "--locked", "--workspace"]);
        return run(command.args(filters));
    }
    println!("cargo nextest is missing; running `cargo test` in its place");
    let targets = ["--lib", "--bins", "--tests", "--examples"];
    let mut command = cargo(&tree.root, ["test", "--locked", "--workspace"]);
    command.args(targets).arg("--").args(filters);
    run(&mut command)
}

/// Runs the examples in the documentation.
///
/// # Errors
///
/// When cargo cannot be started.
pub(crate) fn doctests(tree: &Tree) -> Result<Verdict> {
    run(&mut cargo(&tree.root, ["test", "--locked", "--workspace", "--doc"]))
}

/// Clippy without the compiler flags of the environment or of a `config.toml`: `--cap-lints` among
/// them would silence every lint, and the expectations of the canary with them.
fn clippy(root: &Path) -> Command {
    let mut command = cargo(root, ["clippy", "--locked", "--no-deps", "--quiet"]);
    command.env("CARGO_ENCODED_RUSTFLAGS", "");
    command
}
