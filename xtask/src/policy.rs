//! The policy of the project as data: what `xtask/policy/` says, read and checked for sense.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;

use crate::document;
use crate::tree::Tree;

/// Which crate may use which.
pub(crate) const LAYERS: &str = "xtask/policy/layers.toml";
/// Which lints the root manifest must carry.
pub(crate) const LINTS: &str = "xtask/policy/lints.toml";
/// Which file may do what is banned elsewhere.
pub(crate) const EXCEPTIONS: &str = "xtask/policy/exceptions.toml";

/// The manifest of the benchmark peers: a workspace of its own, with its own lock file.
pub(crate) const PEERS: &str = "crates/bench-peers/Cargo.toml";

/// `layers.toml`, `lints.toml` and `exceptions.toml`.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) packages: Vec<Package>,
    pub(crate) lints: Lints,
    pub(crate) exceptions: Exceptions,
}

/// One package of the workspace and what it may use.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Package {
    pub(crate) name: String,
    /// 0 is the lowest. A package without a layer is a tool: no product code uses it.
    pub(crate) layer: Option<u8>,
    /// What it is for, in one line; shown in the diagram.
    pub(crate) about: String,
    /// Packages of the workspace it may use.
    #[serde(default)]
    pub(crate) normal: Vec<String>,
    /// Packages of the workspace its build script may use.
    #[serde(default)]
    pub(crate) build: Vec<String>,
    /// Packages of the workspace its tests, benchmarks and examples may use besides.
    #[serde(default)]
    pub(crate) dev: Vec<String>,
    /// Crates from outside it may use, each with the reason.
    #[serde(default)]
    pub(crate) external: External,
}

/// Crates from outside, by the kind of the dependency: name → reason.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct External {
    #[serde(default)]
    pub(crate) normal: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) build: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) dev: BTreeMap<String, String>,
}

/// Lints by tool, and those that only product code carries.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Lints {
    pub(crate) rust: BTreeMap<String, Pin>,
    pub(crate) clippy: BTreeMap<String, Pin>,
    /// Lint, with its tool, → why tests and tools do without it.
    pub(crate) product_only: BTreeMap<String, String>,
}

/// The level a lint is pinned to, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pin {
    pub(crate) level: String,
    pub(crate) reason: String,
}

/// Files and what they, and only they, may do.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Exceptions {
    /// Files that may do what a ban of `.clippy.toml` names.
    #[serde(default)]
    pub(crate) ban: Vec<BanException>,
    /// Files whose asynchronous tests need real threads, files, sockets or processes.
    #[serde(default)]
    pub(crate) real_time: Vec<FileException>,
    /// Files that may declare a `static` or a thread-local.
    #[serde(default)]
    pub(crate) global_state: Vec<FileException>,
}

/// One file and the bans it is exempt from, by name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BanException {
    pub(crate) file: String,
    pub(crate) bans: Vec<String>,
    pub(crate) reason: String,
}

/// One file that is exempt from one rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileException {
    pub(crate) file: String,
    pub(crate) reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayersFile {
    package: Vec<Package>,
}

impl Policy {
    /// Reads the three files.
    ///
    /// # Errors
    ///
    /// In one line with file and line, when one of them is missing or does not have its form.
    pub(crate) fn read(tree: &Tree) -> Result<Self> {
        let LayersFile { package } = document::read(tree.source(LAYERS)?)?;
        Ok(Self {
            packages: package,
            lints: document::read(tree.source(LINTS)?)?,
            exceptions: document::read(tree.source(EXCEPTIONS)?)?,
        })
    }

    /// The package called `name`.
    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// The names of the packages that are the product: those with a layer, lowest first.
    pub(crate) fn product(&self) -> Vec<&str> {
        let mut product: Vec<_> = self.packages.iter().filter(|p| p.layer.is_some()).collect();
        product.sort_by_key(|package| package.layer);
        product.iter().map(|package| package.name.as_str()).collect()
    }
}
