//! The packages of the workspace as `cargo metadata` tells them, reduced to what the rules ask for.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result, anyhow};
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::tree::Tree;

/// A package of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Path of its manifest from the root of the workspace.
    pub(crate) manifest: String,
    pub(crate) edges: Vec<Edge>,
    /// The names of its test programs.
    pub(crate) test_programs: Vec<String>,
    /// Its features and what each turns on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
}

/// A dependency of a package.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    /// The name of the package depended on.
    pub(crate) to: String,
    /// The key it has in the manifest.
    pub(crate) key: String,
    pub(crate) kind: Kind,
    /// Whether it lies in this repository rather than in a registry.
    pub(crate) local: bool,
    /// The features of it that are asked for.
    pub(crate) features: Vec<String>,
}

/// When a dependency is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Normal,
    Build,
    Dev,
}

impl Kind {
    /// The table of a manifest that holds dependencies of this kind.
    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::Normal => "dependencies",
            Self::Build => "build-dependencies",
            Self::Dev => "dev-dependencies",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "normal",
            Self::Build => "build",
            Self::Dev => "dev",
        })
    }
}

/// Asks cargo for the packages of the workspace, in the order of their names.
///
/// # Errors
///
/// With cargo's own words in one line, when a manifest is broken.
pub(crate) fn packages(tree: &Tree) -> Result<Vec<Package>> {
    let mut command = MetadataCommand::new();
    command.current_dir(&tree.root).no_deps();
    let metadata = command.exec().map_err(|error| match error {
        cargo_metadata::Error::CargoMetadata { stderr } => {
            anyhow!("cargo metadata: {}; mend the manifest", one_line(&stderr))
        }
        other => anyhow!("cargo metadata: {other}"),
    })?;
    let mut packages = metadata
        .packages
        .iter()
        .map(|package| reduce(package, tree))
        .collect::<Result<Vec<_>>>()?;
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

fn reduce(package: &cargo_metadata::Package, tree: &Tree) -> Result<Package> {
    let manifest = package.manifest_path.as_std_path().strip_prefix(&tree.root).ok();
    let manifest = manifest.and_then(std::path::Path::to_str).with_context(|| {
        format!("{}: a member outside the workspace; move it below crates/", package.manifest_path)
    })?;
    let edges = package.dependencies.iter().filter_map(|dependency| {
        Some(Edge {
            to: dependency.name.clone(),
            key: dependency.rename.clone().unwrap_or_else(|| dependency.name.clone()),
            kind: match dependency.kind {
                DependencyKind::Normal => Kind::Normal,
                DependencyKind::Build => Kind::Build,
                DependencyKind::Development => Kind::Dev,
                DependencyKind::Unknown => return None,
            },
            local: dependency.path.is_some(),
            features: dependency.features.clone(),
        })
    });
    let test_programs = package.targets.iter().filter(|target| target.is_test());
    Ok(Package {
        test_programs: test_programs.map(|target| target.name.clone()).collect(),
        name: package.name.to_string(),
        manifest: manifest.replace('\\', "/"),
        edges: edges.collect(),
        features: package.features.clone().into_iter().collect(),
    })
}

/// Cargo's report of an error without its drawing of the source, in one line.
pub(crate) fn one_line(report: &str) -> String {
    let drawn = |line: &&str| {
        let inside = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        !line.is_empty() && !inside.starts_with('|')
    };
    let lines: Vec<_> = report.lines().map(str::trim).filter(drawn).collect();
    lines.join(" ").replace("error: ", "")
}
