//! The layers: which package may use which, and which lints every package carries.
//!
//! The rules compare three things: what `cargo metadata` says the packages depend on, what the
//! policy permits, and what the manifests spell out. They are pure;
//! [`check()`] gathers their input.

mod check;
mod diagram;
mod manifests;
mod workspace;

use anyhow::Result;

use crate::document::Document;
use crate::finding::{Verdict, report};
use crate::policy::{self, Policy};
use crate::rendered::Part;
use crate::tree::Tree;

/// Checks packages, policy and manifests against each other, and the diagram against the policy.
///
/// # Errors
///
/// When `cargo metadata` or a manifest cannot be read.
pub(crate) fn check(tree: &Tree, policy: &Policy) -> Result<Verdict> {
    let packages = workspace::packages(tree)?;
    let layers = Document::parse(tree.source(policy::LAYERS)?)?;
    let mut findings = check::policy(policy, &packages, &layers);
    for package in &packages {
        let manifest = Document::parse(tree.source(&package.manifest)?)?;
        findings.extend(check::edges(package, policy, &manifest));
        findings.extend(manifests::package(package, &manifest));
    }
    findings.extend(manifests::strays(tree, &packages));
    findings.extend(manifests::lints(policy, &Document::parse(tree.source("Cargo.toml")?)?));
    findings.extend(diagram(policy).check(tree, "diagram")?);
    Ok(report(findings))
}

/// Renders the diagram into the document that shows it.
///
/// # Errors
///
/// When the document has no place for it or cannot be written.
pub(crate) fn write(tree: &Tree, policy: &Policy) -> Result<Verdict> {
    diagram(policy).write(tree)
}

fn diagram(policy: &Policy) -> Part {
    Part {
        document: "docs/architecture.md",
        shows: "the layers, from xtask/policy/layers.toml",
        command: "cargo xtask layers --write",
        text: diagram::render(policy),
    }
}

#[cfg(test)]
mod tests;
