//! The rules of the layers, over packages that are already known.

use crate::document::Document;
use crate::finding::Finding;
use crate::layers::workspace::{Edge, Kind, Package};
use crate::policy::{self, Policy};

/// The feature that holds a crate's test support.
const TEST_SUPPORT: &str = "testing";

/// The policy against itself and against the packages there are.
pub(super) fn policy(policy: &Policy, packages: &[Package], layers: &Document<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, permitted) in policy.packages.iter().enumerate() {
        let index = index.to_string();
        let line = |keys: &[&str]| {
            let keys = [&["package", &index], keys].concat();
            layers.line(&keys).unwrap_or(1)
        };
        let Some(package) = packages.iter().find(|package| package.name == permitted.name) else {
            let message = format!("the workspace has no package `{}`; remove it", permitted.name);
            findings.push(Finding::new(policy::LAYERS, line(&["name"]), "layers", message));
            continue;
        };
        for (key, names) in [("normal", &permitted.normal), ("build", &permitted.build)] {
            for message in names.iter().filter_map(|name| wrong_way(policy, permitted, name)) {
                findings.push(Finding::new(policy::LAYERS, line(&[key]), "layers", message));
            }
        }
        for kind in [Kind::Normal, Kind::Build, Kind::Dev] {
            for name in external(permitted, kind).keys().filter(|name| !uses(package, kind, name)) {
                let keys = ["external", &kind.to_string(), name];
                let message = format!(
                    "`{}` does not use {name} ({kind}); remove the permission",
                    package.name
                );
                findings.push(Finding::new(policy::LAYERS, line(&keys), "layers", message));
            }
        }
    }
    findings
}

/// The dependencies of one package against the policy.
pub(super) fn edges(package: &Package, policy: &Policy, manifest: &Document<'_>) -> Vec<Finding> {
    let Some(permitted) = policy.package(&package.name) else {
        let line = manifest.line(&["package", "name"]).unwrap_or(1);
        let message = format!("`{}` is not in {}; give it a layer", package.name, policy::LAYERS);
        return vec![Finding::new(manifest.path(), line, "layers", message)];
    };
    let mut findings = Vec::new();
    for edge in &package.edges {
        let line = line_of(edge, manifest);
        let allowed = if edge.local {
            workspace(permitted, edge.kind).contains(&edge.to)
        } else {
            external(permitted, edge.kind).contains_key(&edge.to)
        };
        if !allowed {
            let message = refusal(policy, permitted, edge);
            findings.push(Finding::new(manifest.path(), line, "layers", message));
        }
        if edge.kind != Kind::Dev && edge.features.iter().any(|name| name == TEST_SUPPORT) {
            let message = format!(
                "a {} edge turns on `{}/{TEST_SUPPORT}`; only dev-dependencies may",
                edge.kind, edge.to
            );
            findings.push(Finding::new(manifest.path(), line, "test-support", message));
        }
    }
    findings.extend(features(package, manifest));
    findings
}

/// Test support is turned on by nobody's features but `testing` itself.
fn features(package: &Package, manifest: &Document<'_>) -> Vec<Finding> {
    let reaches = |on: &String| on == TEST_SUPPORT || on.ends_with(&format!("/{TEST_SUPPORT}"));
    let others = package.features.iter().filter(|(name, _)| name.as_str() != TEST_SUPPORT);
    let wrong = others.filter(|(_, turns_on)| turns_on.iter().any(reaches));
    let finding = |(name, _): (&String, _)| {
        let line = manifest.line(&["features", name]).unwrap_or(1);
        let message = format!(
            "feature `{name}` turns on test support; only `{TEST_SUPPORT}` and dev-dependencies may"
        );
        Finding::new(manifest.path(), line, "test-support", message)
    };
    wrong.map(finding).collect()
}

/// Why the policy itself may not permit `from` to use `to`, if it may not.
fn wrong_way(policy: &Policy, from: &policy::Package, to: &str) -> Option<String> {
    let Some(target) = policy.package(to) else {
        return Some(format!("`{}` is permitted `{to}`, which is no package", from.name));
    };
    match (from.layer, target.layer) {
        (Some(upper), Some(lower)) if lower >= upper => Some(format!(
            "`{}` (L{upper}) is permitted `{to}` (L{lower}); edges go strictly downward, \
             so invert it with a trait of the lower package",
            from.name
        )),
        (Some(_), None) => Some(format!(
            "`{}` is permitted the tool `{to}`; product code uses tools in its tests only",
            from.name
        )),
        _ => None,
    }
}

fn refusal(policy: &Policy, from: &policy::Package, edge: &Edge) -> String {
    let kind = edge.kind;
    if !edge.local {
        return format!(
            "`{}` may not use the external crate {} ({kind}); if it is worth its weight, \
             add it to {} with the reason",
            from.name,
            edge.to,
            policy::LAYERS
        );
    }
    let layer = |package: &policy::Package| {
        package.layer.map_or_else(|| "a tool".to_owned(), |layer| format!("L{layer}"))
    };
    let permitted = workspace(from, kind);
    format!(
        "`{}` ({}) may not use `{}` ({}) as a {kind} dependency; it may use: {}",
        from.name,
        layer(from),
        edge.to,
        policy.package(&edge.to).map_or_else(|| "not in the policy".to_owned(), layer),
        if permitted.is_empty() { "nothing".to_owned() } else { permitted.join(", ") }
    )
}

/// What tests may use: whatever the code may use, and more.
fn workspace(package: &policy::Package, kind: Kind) -> Vec<String> {
    match kind {
        Kind::Normal => package.normal.clone(),
        Kind::Build => package.build.clone(),
        Kind::Dev => [package.normal.clone(), package.dev.clone()].concat(),
    }
}

fn external(package: &policy::Package, kind: Kind) -> &std::collections::BTreeMap<String, String> {
    match kind {
        Kind::Normal => &package.external.normal,
        Kind::Build => &package.external.build,
        Kind::Dev => &package.external.dev,
    }
}

fn uses(package: &Package, kind: Kind, name: &str) -> bool {
    package.edges.iter().any(|edge| !edge.local && edge.kind == kind && edge.to == name)
}

/// The line of an edge: among the dependencies, or among those of one target.
fn line_of(edge: &Edge, manifest: &Document<'_>) -> usize {
    let table = edge.kind.table();
    let anywhere = manifest.line(&[table, &edge.key]);
    let for_target = || {
        let targets = manifest.keys(&["target"]);
        targets.iter().find_map(|target| manifest.line(&["target", target, table, &edge.key]))
    };
    anywhere.or_else(for_target).unwrap_or(1)
}
