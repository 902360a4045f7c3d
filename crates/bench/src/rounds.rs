//! Rounds: our program and the peers' take turns, each round in a new process.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::figure::{Figure, Sample};
use crate::size::Size;

/// A program that prints the samples of one round.
#[derive(Debug, Clone)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// What makes it print the samples of the group that is measured.
    pub arguments: Vec<OsString>,
}

/// Runs `programs` in turn, as often as `size` says, and gives the medians.
///
/// # Errors
///
/// When a program cannot be started, fails (its own result was wrong) or prints something that is
/// not a sample.
pub fn measure(programs: &[Program], size: Size) -> Result<Vec<Figure>> {
    let mut samples = Vec::new();
    for _ in 0..size.rounds() {
        for program in programs {
            samples.extend(one_round(program)?);
        }
    }
    Figure::merge(&samples)
}

fn one_round(program: &Program) -> Result<Vec<Sample>> {
    let name = program.path.display();
    let mut command = Command::new(&program.path);
    command.args(&program.arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("{name}: cannot be started"))?;
    ensure!(output.status.success(), "{name}: {}", output.status);
    let text = String::from_utf8(output.stdout).with_context(|| format!("{name}: not UTF-8"))?;
    text.lines().map(str::parse).collect::<Result<_>>().with_context(|| format!("{name}"))
}
