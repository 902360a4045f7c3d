//! Rounds: our program and the peers' take turns, each round in a new process.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::figure::{Figure, Sample};

/// A program that prints the samples of one round.
#[derive(Debug, Clone)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// What makes it print the samples of the group that is measured.
    pub arguments: Vec<OsString>,
    /// How many rounds it takes part in. Odd, so that one of them is the median.
    pub rounds: u32,
}

/// Runs `programs` in turn, each as often as it says, and gives the medians.
///
/// # Errors
///
/// When a program cannot be started, fails (its own result was wrong) or prints something that is
/// not a sample.
pub fn measure(programs: &[Program]) -> Result<Vec<Figure>> {
    let mut samples = Vec::new();
    let rounds = programs.iter().map(|program| program.rounds).max().unwrap_or(0);
    for round in 0..rounds {
        for program in programs.iter().filter(|program| round < program.rounds) {
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
