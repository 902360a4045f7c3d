//! `cargo xtask bench`: builds the benchmarks and their peers in release, and runs one group.
//!
//! The benchmark program does the rest: it runs itself and the peers in turn and prints one line
//! per figure. Speed never decides the exit code; a benchmark whose own result is wrong does.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::MetadataCommand;
use clap::ValueEnum;

use crate::finding::Verdict;
use crate::policy::PEERS;
use crate::tools::{cargo, run};
use crate::tree::Tree;

/// A group of benchmarks. A group is added with the component that it measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Messages to an actor, and answers
    Actor,
    /// Appends that are durable before they are acknowledged, and what is read of them
    Journal,
    /// Limits, breakers, retries, errors and flags, while nothing is wrong
    Limit,
    /// Finding who wants a signal
    Signal,
    /// Tasks of a pool, and programs of the operating system
    Work,
}

impl Group {
    /// Whether other people's libraries are measured too, and not only what the limit is.
    const fn has_peers(self) -> bool {
        match self {
            Self::Actor | Self::Journal | Self::Limit => true,
            Self::Signal | Self::Work => false,
        }
    }
}

/// Builds and runs `group`.
///
/// # Errors
///
/// When cargo or the benchmark program cannot be started.
pub(crate) fn run_group(tree: &Tree, group: Group, quick: bool) -> Result<Verdict> {
    let metadata = MetadataCommand::new().current_dir(&tree.root).no_deps().exec();
    let target = metadata.context("cargo metadata")?.target_directory.into_std_path_buf();
    let peers_target = target.join("bench-peers");

    let ours = cargo(&tree.root, ["build", "--release", "--locked", "--package", "bench"]);
    let mut peers = cargo(&tree.root, ["build", "--release", "--locked", "--manifest-path", PEERS]);
    peers.arg("--target-dir").arg(&peers_target);
    for mut build in [ours].into_iter().chain(group.has_peers().then_some(peers)) {
        if run(&mut build)? == Verdict::Failed {
            return Ok(Verdict::Failed);
        }
    }

    let program = |folder: PathBuf, name: &str| {
        folder.join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    };
    let name = group.to_possible_value().context("a group without a name")?;
    let mut command = Command::new(program(target, "bench"));
    command.current_dir(&tree.root).args(["run", name.get_name()]);
    if group.has_peers() {
        command.arg("--peers").arg(program(peers_target, "bench-peers"));
    }
    if quick {
        command.arg("--quick");
    }
    run(&mut command)
}
