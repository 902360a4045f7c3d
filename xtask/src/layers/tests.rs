//! The rules of the layers on small policies, packages and manifests.

use std::collections::BTreeMap;

use super::check;
use super::diagram;
use super::manifests;
use super::workspace::{Edge, Kind, Package, one_line};
use crate::document::Document;
use crate::finding::Finding;
use crate::policy::Policy;
use crate::tree::Tree;

const LAYERS: &str = r#"
[[package]]
name = "base"
layer = 0
about = "the ground"
dev = ["kit"]

[[package]]
name = "left"
layer = 1
about = "one side"
normal = ["base"]
build = ["base"]

[package.external.normal]
serde = "data"

[package.external.dev]
proptest = "properties"

[[package]]
name = "right"
layer = 1
about = "other side"
normal = ["base"]

[[package]]
name = "kit"
about = "a tool"
normal = ["base"]
"#;

const LINTS: &str = r#"
[rust]
unsafe_code = { level = "forbid", reason = "nothing needs it" }
[clippy]
pedantic = { level = "deny", reason = "the group" }
[product-only]
"#;

fn tree(layers: &str) -> Tree {
    let policy = "xtask/policy/";
    let [layers_path, lints, exceptions] =
        ["layers.toml", "lints.toml", "exceptions.toml"].map(|name| format!("{policy}{name}"));
    Tree::of(&[(&layers_path, layers), (&lints, LINTS), (&exceptions, "")])
}

fn edge(to: &str, kind: Kind, local: bool) -> Edge {
    Edge { to: to.to_owned(), key: to.to_owned(), kind, local, features: Vec::new() }
}

fn package(name: &str, edges: Vec<Edge>) -> Package {
    let manifest = format!("crates/{name}/Cargo.toml");
    Package {
        name: name.to_owned(),
        manifest,
        edges,
        test_programs: vec!["it".to_owned()],
        features: BTreeMap::new(),
    }
}

/// The packages of [`LAYERS`], using all that is permitted from outside.
fn packages() -> Vec<Package> {
    let left = vec![edge("serde", Kind::Normal, false), edge("proptest", Kind::Dev, false)];
    let mut packages = ["base", "right", "kit"].map(|name| package(name, Vec::new())).to_vec();
    packages.push(package("left", left));
    packages
}

fn shown(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

/// What the policy `layers` is found to contradict.
fn of_policy(layers: &str, packages: &[Package]) -> Vec<String> {
    let tree = tree(layers);
    let policy = Policy::read(&tree).unwrap();
    let document = Document::parse(tree.source("xtask/policy/layers.toml").unwrap()).unwrap();
    shown(&check::policy(&policy, packages, &document))
}

/// What is found in `package`, whose manifest is `manifest`.
fn of_package(package: &Package, manifest: &str) -> Vec<String> {
    let policy = Policy::read(&tree(LAYERS)).unwrap();
    let files = Tree::of(&[(&package.manifest, manifest)]);
    let document = Document::parse(files.source(&package.manifest).unwrap()).unwrap();
    let mut findings = check::edges(package, &policy, &document);
    findings.extend(manifests::package(package, &document));
    shown(&findings)
}

/// What is found in the root manifest `root`.
fn of_root(root: &str) -> Vec<String> {
    let policy = Policy::read(&tree(LAYERS)).unwrap();
    let files = Tree::of(&[("Cargo.toml", root)]);
    let document = Document::parse(files.source("Cargo.toml").unwrap()).unwrap();
    shown(&manifests::lints(&policy, &document))
}

const PINNED: &str = "[lints]\nworkspace = true\n";

#[test]
fn a_policy_that_agrees_with_the_packages_is_clean() {
    assert_eq!(of_policy(LAYERS, &packages()), [""; 0]);
}

#[test]
fn a_policy_may_not_permit_an_edge_upward_or_sideways_or_to_a_tool() {
    let cases = [
        ("name = \"base\"", "normal = [\"left\"]", "`base` (L0) is permitted `left` (L1)"),
        ("name = \"right\"", "normal = [\"left\"]", "`right` (L1) is permitted `left` (L1)"),
        ("name = \"right\"", "build = [\"right\"]", "`right` (L1) is permitted `right` (L1)"),
        ("name = \"right\"", "normal = [\"kit\"]", "`right` is permitted the tool `kit`"),
        ("name = \"right\"", "normal = [\"gone\"]", "`right` is permitted `gone`, which is no"),
    ];
    for (package, permission, words) in cases {
        let (key, _) = permission.split_once(' ').unwrap();
        let layers = LAYERS.replace(package, &format!("{package}\n{permission}"));
        let (head, tail) = layers.split_once(permission).unwrap();
        let line = head.lines().count() + 1;
        // A key stands once in a table: drop the one the package had.
        let tail = match tail.split_once("\n[[package]]") {
            Some((own, rest)) => {
                let own = own.lines().filter(|line| !line.starts_with(key));
                format!("{}\n[[package]]{rest}", own.collect::<Vec<_>>().join("\n"))
            }
            None => tail.to_owned(),
        };
        let found = of_policy(&format!("{head}{permission}{tail}"), &packages());
        assert_eq!(found.len(), 1, "{words}: {found:?}");
        let place = format!("xtask/policy/layers.toml:{line}: layers: {words}");
        assert!(found[0].starts_with(&place), "{} instead of {place}", found[0]);
    }
}

#[test]
fn a_permission_that_nobody_uses_has_to_go() {
    let mut packages = packages();
    packages.last_mut().unwrap().edges.remove(0);
    let found = of_policy(LAYERS, &packages);
    let expected = "xtask/policy/layers.toml:16: layers: `left` does not use serde (normal); \
                    remove the permission";
    assert_eq!(found, [expected]);
}

#[test]
fn a_policy_for_a_package_that_is_gone_has_to_go() {
    let packages: Vec<_> = packages().into_iter().filter(|p| p.name != "kit").collect();
    let found = of_policy(LAYERS, &packages);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("the workspace has no package `kit`"), "{}", found[0]);
}

#[test]
fn permitted_edges_are_clean() {
    let left = package(
        "left",
        vec![
            edge("base", Kind::Normal, true),
            edge("base", Kind::Build, true),
            edge("base", Kind::Dev, true),
            edge("serde", Kind::Normal, false),
            edge("proptest", Kind::Dev, false),
        ],
    );
    let manifest = format!(
        "{PINNED}[dependencies]\nbase.workspace = true\nserde = {{ workspace = true }}\n\
         [build-dependencies]\nbase.workspace = true\n[dev-dependencies]\n\
         base.workspace = true\nproptest.workspace = true\n"
    );
    assert_eq!(of_package(&left, &manifest), [""; 0]);
}

#[test]
fn a_forbidden_edge_is_found_at_its_line_whatever_its_kind() {
    for kind in [Kind::Normal, Kind::Build, Kind::Dev] {
        let right = package("right", vec![edge("left", kind, true)]);
        let manifest = format!("{PINNED}[{}]\nleft.workspace = true\n", kind.table());
        let found = of_package(&right, &manifest);
        let expected = "crates/right/Cargo.toml:4: layers: `right` (L1) may not use `left` (L1)";
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with(expected), "{}", found[0]);
    }
}

#[test]
fn a_forbidden_edge_is_found_behind_a_target_and_under_another_name() {
    let mut hidden = edge("left", Kind::Normal, true);
    hidden.key = "innocent".to_owned();
    let right = package("right", vec![hidden]);
    let manifest = format!(
        "{PINNED}[target.'cfg(unix)'.dependencies]\n\
         innocent = {{ workspace = true, package = \"left\" }}\n"
    );
    let found = of_package(&right, &manifest);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("crates/right/Cargo.toml:4: layers: "), "{}", found[0]);
}

#[test]
fn a_crate_from_outside_needs_a_permission_for_its_kind() {
    let left = package("left", vec![edge("proptest", Kind::Normal, false)]);
    let found = of_package(&left, &format!("{PINNED}[dependencies]\nproptest.workspace = true\n"));
    let expected = "crates/left/Cargo.toml:4: layers: `left` may not use the external crate \
                    proptest (normal)";
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with(expected), "{}", found[0]);
}

#[test]
fn a_package_without_a_layer_is_found() {
    let found = of_package(
        &package("stray", Vec::new()),
        &format!("[package]\nname = \"stray\"\n{PINNED}"),
    );
    let expected = "crates/stray/Cargo.toml:2: layers: `stray` is not in \
                    xtask/policy/layers.toml; give it a layer";
    assert_eq!(found, [expected]);
}

#[test]
fn test_support_is_reached_by_dev_dependencies_only() {
    for (kind, findings) in [(Kind::Normal, 1), (Kind::Build, 1), (Kind::Dev, 0)] {
        let mut testing = edge("base", kind, true);
        testing.features = vec!["testing".to_owned()];
        let manifest = format!(
            "{PINNED}[{}]\nbase = {{ workspace = true, features = [\"testing\"] }}\n",
            kind.table()
        );
        let found = of_package(&package("left", vec![testing]), &manifest);
        assert_eq!(found.len(), findings, "{kind}: {found:?}");
        assert!(found.iter().all(|f| f.contains("Cargo.toml:4: test-support: ")), "{found:?}");
    }
}

#[test]
fn test_support_is_turned_on_by_no_other_feature() {
    let mut base = package("base", Vec::new());
    let own = ("testing".to_owned(), vec!["left/testing".to_owned()]);
    let default = ("default".to_owned(), vec!["testing".to_owned()]);
    let through = ("full".to_owned(), vec!["left/testing".to_owned()]);
    base.features = BTreeMap::from([own, default, through]);
    let manifest = format!(
        "{PINNED}[features]\ndefault = [\"testing\"]\nfull = [\"left/testing\"]\n\
         testing = [\"left/testing\"]\n"
    );
    let found = of_package(&base, &manifest);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("Cargo.toml:4: test-support: feature `default`"), "{}", found[0]);
    assert!(found[1].contains("Cargo.toml:5: test-support: feature `full`"), "{}", found[1]);
}

#[test]
fn a_version_stands_in_the_root_only() {
    let left = package("left", vec![edge("serde", Kind::Normal, false)]);
    let found = of_package(&left, &format!("{PINNED}[dependencies]\nserde = \"1\"\n"));
    assert_eq!(found.len(), 1);
    let expected = "crates/left/Cargo.toml:4: one-version: `serde` has a version or path of its";
    assert!(found[0].starts_with(expected), "{}", found[0]);
}

#[test]
fn lints_that_are_not_pinned_are_found() {
    let base = package("base", Vec::new());
    let cases = [("", 1), ("[lints.rust]\nmissing_docs = \"allow\"\n", 1)];
    for (lints, line) in cases {
        let found = of_package(&base, lints);
        let expected = format!("crates/base/Cargo.toml:{line}: pinned-lints: ");
        assert!(found[0].starts_with(&expected), "{}", found[0]);
    }
    assert_eq!(of_package(&base, PINNED), [""; 0]);
}

#[test]
fn a_second_test_program_is_found() {
    let mut base = package("base", Vec::new());
    base.test_programs.push("other".to_owned());
    let found = of_package(&base, PINNED);
    assert_eq!(found.len(), 1);
    let expected = "crates/base/Cargo.toml:1: one-test-program: has the test programs `it` to";
    assert!(found[0].starts_with(expected), "{}", found[0]);
}

#[test]
fn a_manifest_that_no_gate_looks_at_is_found() {
    let paths = ["Cargo.toml", "crates/base/Cargo.toml", "crates/bench-peers/Cargo.toml"];
    let mut files = paths.map(|path| (path, "")).to_vec();
    let packages = [package("base", Vec::new())];
    assert_eq!(shown(&manifests::strays(&Tree::of(&files), &packages)), [""; 0]);
    files.push(("crates/base/fuzz/Cargo.toml", ""));
    let found = shown(&manifests::strays(&Tree::of(&files), &packages));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("crates/base/fuzz/Cargo.toml:1: layers: no member"), "{found:?}");
}

#[test]
fn the_root_carries_exactly_the_lints_of_the_policy() {
    let rust = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n";
    let clippy = "[workspace.lints.clippy]\npedantic = { level = \"deny\", priority = -1 }\n";
    assert_eq!(of_root(&format!("{rust}{clippy}")), [""; 0]);

    let lowered = of_root(&format!("{rust}{}", clippy.replace("deny", "warn")));
    let expected = "Cargo.toml:4: pinned-lints: clippy::pedantic must be `deny` (the group), and \
                    is `warn`";
    assert_eq!(lowered, [expected]);

    let missing = of_root(&format!("[workspace.lints.rust]\n{clippy}"));
    let expected = "Cargo.toml:1: pinned-lints: rust::unsafe_code must be `forbid` (nothing needs \
                    it), and is missing";
    assert_eq!(missing, [expected]);

    let extra = of_root(&format!("{rust}missing_docs = \"warn\"\n{clippy}"));
    let expected = "Cargo.toml:3: pinned-lints: rust::missing_docs is not in \
                    xtask/policy/lints.toml; add it there";
    assert_eq!(extra, [expected]);

    assert_eq!(of_root("[workspace]\n").len(), 2);
}

#[test]
fn the_diagram_shows_layers_from_the_top_and_siblings_under_one_label() {
    let rendered = diagram::render(&Policy::read(&tree(LAYERS)).unwrap());
    let expected = "```text\n\
                    L1   left    one side\n     right   other side\n\
                    L0   base    the ground\n\
                    --   kit     a tool\n```\n";
    let (diagram, table) = rendered.split_at(expected.len().min(rendered.len()));
    assert_eq!(diagram, expected);
    let row = "| `left` | base | base | – | serde; in tests: proptest |";
    assert!(table.contains(row), "{table}");
}

#[test]
fn cargos_report_of_a_broken_manifest_becomes_one_line() {
    let report = "error: expected `=`\n --> crates/a/Cargo.toml:3:6\n  |\n3 | name\n  |     ^\n\
                  error: failed to load\n";
    let line = "expected `=` --> crates/a/Cargo.toml:3:6 failed to load";
    assert_eq!(one_line(report), line);
}
