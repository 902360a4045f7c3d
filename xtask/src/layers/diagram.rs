//! The diagram of the layers, rendered from the policy.

use std::fmt::Write;

use crate::policy::{Package, Policy};

/// Diagram and table, as Markdown.
pub(super) fn render(policy: &Policy) -> String {
    let mut product: Vec<_> = policy.packages.iter().filter(|p| p.layer.is_some()).collect();
    product.sort_by_key(|package| std::cmp::Reverse(package.layer));
    let tools = policy.packages.iter().filter(|package| package.layer.is_none());
    let ordered: Vec<_> = product.into_iter().chain(tools).collect();
    format!("```text\n{}```\n\n{}", diagram(&ordered), table(&ordered))
}

fn diagram(packages: &[&Package]) -> String {
    let width = packages.iter().map(|package| package.name.len()).max().unwrap_or(0);
    let mut lines = String::new();
    let mut above = None;
    for package in packages {
        let label = match package.layer {
            layer if above == Some(layer) => "  ".to_owned(),
            Some(layer) => format!("L{layer}"),
            None => "--".to_owned(),
        };
        above = Some(package.layer);
        let _ = writeln!(lines, "{label}   {:width$}   {}", package.name, package.about);
    }
    lines
}

fn table(packages: &[&Package]) -> String {
    let mut lines = String::from(
        "| package | may use | in its build script | in its tests too | crates from outside |\n\
         |---|---|---|---|---|\n",
    );
    for package in packages {
        let external = &package.external;
        let outside: Vec<_> = [&external.normal, &external.build]
            .into_iter()
            .flat_map(|m| m.keys().cloned())
            .collect();
        let in_tests: Vec<_> = external.dev.keys().cloned().collect();
        let outside = match (list(&outside), list(&in_tests)) {
            (outside, in_tests) if in_tests == NONE => outside,
            (outside, in_tests) => format!("{outside}; in tests: {in_tests}"),
        };
        let _ = writeln!(
            lines,
            "| `{}` | {} | {} | {} | {outside} |",
            package.name,
            list(&package.normal),
            list(&package.build),
            list(&package.dev)
        );
    }
    lines
}

const NONE: &str = "–";

fn list(names: &[String]) -> String {
    if names.is_empty() { NONE.to_owned() } else { names.join(", ") }
}
