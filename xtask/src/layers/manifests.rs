//! What every manifest of the workspace has to say.

use toml::de::DeValue;

use crate::document::Document;
use crate::finding::Finding;
use crate::layers::workspace::Package;
use crate::policy::{self, Policy};
use crate::tree::Tree;

/// A package takes its lints, and the version of every dependency, from the workspace.
pub(super) fn package(package: &Package, manifest: &Document<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !is_true(manifest.value(&["lints", "workspace"])) {
        let line = manifest.line(&["lints"]).unwrap_or(1);
        let message = "the lints are not pinned; replace them with `[lints] workspace = true`";
        findings.push(Finding::new(manifest.path(), line, "pinned-lints", message));
    }
    if let [first, .., last] = package.test_programs.as_slice() {
        let message = format!(
            "has the test programs `{first}` to `{last}`, each of which is linked anew; make them \
             modules of tests/it/main.rs"
        );
        findings.push(Finding::new(manifest.path(), 1, "one-test-program", message));
    }
    for edge in &package.edges {
        let mut places = vec![vec![edge.kind.table(), &edge.key]];
        for target in manifest.keys(&["target"]) {
            places.push(vec!["target", target, edge.kind.table(), &edge.key]);
        }
        let written = places.iter().filter(|keys| manifest.value(keys).is_some());
        for keys in written {
            if !is_true(manifest.value(&[keys.as_slice(), &["workspace"]].concat())) {
                let line = manifest.line(keys).unwrap_or(1);
                let message = format!(
                    "`{}` has a version or path of its own; write `{}.workspace = true` and name \
                     it in [workspace.dependencies] of the root",
                    edge.key, edge.key
                );
                findings.push(Finding::new(manifest.path(), line, "one-version", message));
            }
        }
    }
    findings
}

/// Every manifest belongs to a package of the workspace, or to the one workspace beside it.
pub(super) fn strays(tree: &Tree, packages: &[Package]) -> Vec<Finding> {
    let manifests = tree.paths().filter(|path| path.ends_with("/Cargo.toml"));
    let known = |path: &&str| {
        *path == policy::PEERS || packages.iter().any(|package| package.manifest == *path)
    };
    let message = "no member of the workspace, so that no gate looks at it; add it to `members`";
    let stray = manifests.filter(|path| !known(path));
    stray.map(|path| Finding::new(path, 1, "layers", message)).collect()
}

/// The root manifest carries exactly the lints of the policy, at their levels.
pub(super) fn lints(policy: &Policy, root: &Document<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (tool, pins) in [("rust", &policy.lints.rust), ("clippy", &policy.lints.clippy)] {
        let table = ["workspace", "lints", tool];
        let table_line = root.line(&table).or_else(|| root.line(&table[..2])).unwrap_or(1);
        for (lint, pin) in pins {
            let keys = [table.as_slice(), &[lint]].concat();
            let level = root.value(&keys).and_then(level);
            if level != Some(pin.level.as_str()) {
                let message = format!(
                    "{tool}::{lint} must be `{}` ({}), and is {}",
                    pin.level,
                    pin.reason,
                    level.map_or_else(|| "missing".to_owned(), |level| format!("`{level}`"))
                );
                let line = root.line(&keys).unwrap_or(table_line);
                findings.push(Finding::new(root.path(), line, "pinned-lints", message));
            }
        }
        for lint in root.keys(&table).into_iter().filter(|lint| !pins.contains_key(*lint)) {
            let keys = [table.as_slice(), &[lint]].concat();
            let line = root.line(&keys).unwrap_or(table_line);
            let message = format!("{tool}::{lint} is not in {}; add it there", policy::LINTS);
            findings.push(Finding::new(root.path(), line, "pinned-lints", message));
        }
    }
    findings
}

/// The level of a lint, written as a string or as a table with a priority.
fn level<'a>(value: &'a DeValue<'_>) -> Option<&'a str> {
    let level = value.as_table().and_then(|table| table.get("level"));
    level.map_or(value, |level| level.get_ref()).as_str()
}

fn is_true(value: Option<&DeValue<'_>>) -> bool {
    value.and_then(DeValue::as_bool) == Some(true)
}
