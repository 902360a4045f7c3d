//! `cargo xtask soak`: all tests again and again, each round in another order and with other seeds.
//!
//! A round runs every test program once, its tests in parallel threads of one process, where they
//! would meet if they shared anything. The order is shuffled by the test programs themselves. Their
//! switch for that is not stable yet, so it has to be allowed by an environment variable; it is set
//! for the finished programs only and never reaches the compiler.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;

use crate::finding::Verdict;
use crate::tools::cargo;
use crate::tree::Tree;

/// How often, how much, and from which seed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) rounds: NonZeroU32,
    pub(crate) scale: NonZeroU64,
    pub(crate) seed: u64,
}

impl Plan {
    /// The seed of every round: the first has the plan's own, so that a single round repeats it.
    fn seeds(self) -> impl Iterator<Item = (u32, u64)> {
        (1..=self.rounds.get()).scan(self.seed, |next, round| {
            let seed = *next;
            // The odd step of a Weyl sequence: no seed comes twice.
            *next = next.wrapping_add(0x9e37_79b9_7f4a_7c15);
            Some((round, seed))
        })
    }
}

/// A built test program and the folder that cargo would run it in.
#[derive(Debug)]
struct TestProgram {
    executable: PathBuf,
    folder: PathBuf,
}

/// Runs the rounds of `plan`, and stops at the first failure.
///
/// # Errors
///
/// When cargo or a test program cannot be started.
pub(crate) fn run(tree: &Tree, plan: &Plan) -> Result<Verdict> {
    let Some(programs) = build(tree)? else {
        return Ok(Verdict::Failed);
    };
    for (round, seed) in plan.seeds() {
        println!("round {round} of {}, seed {seed:#x}", plan.rounds);
        for program in &programs {
            let command = &mut shuffled(program, seed, plan.scale);
            let output = command
                .output()
                .with_context(|| format!("{}: cannot be started", program.executable.display()))?;
            if !output.status.success() {
                print!("{}", String::from_utf8_lossy(&output.stdout));
                eprint!("{}", String::from_utf8_lossy(&output.stderr));
                let scale = plan.scale;
                println!(
                    "repeat with: cargo xtask soak --rounds 1 --scale {scale} --seed {seed:#x}"
                );
                return Ok(Verdict::Failed);
            }
        }
    }
    println!("{} rounds of {} test programs: no failure", plan.rounds, programs.len());
    Ok(Verdict::Clean)
}

fn shuffled(program: &TestProgram, seed: u64, scale: NonZeroU64) -> Command {
    let mut command = Command::new(&program.executable);
    command
        .current_dir(&program.folder)
        .args(["-Z", "unstable-options", "--shuffle-seed", &seed.to_string()])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("JIDO_TEST_BASE", seed.to_string())
        .env("JIDO_TEST_SCALE", scale.to_string())
        .stdin(Stdio::null());
    command
}

/// Builds every test program; none when that fails.
fn build(tree: &Tree) -> Result<Option<Vec<TestProgram>>> {
    let targets = ["--lib", "--bins", "--tests", "--examples"];
    let mut command = cargo(&tree.root, ["test", "--locked", "--workspace", "--no-run"]);
    command.args(targets).arg("--message-format=json-render-diagnostics");
    let output = command.stderr(Stdio::inherit()).output().context("cargo cannot be started")?;
    if !output.status.success() {
        return Ok(None);
    }
    let mut programs = Vec::new();
    for message in Message::parse_stream(output.stdout.as_slice()) {
        let Message::CompilerArtifact(artifact) = message.context("cargo's messages")? else {
            continue;
        };
        if let (true, Some(executable)) = (artifact.profile.test, artifact.executable) {
            let folder = artifact.manifest_path.parent().context("a manifest without a folder")?;
            programs.push(TestProgram { executable: executable.into(), folder: folder.into() });
        }
    }
    if programs.is_empty() {
        bail!("there is no test program; is this the root of the project?");
    }
    Ok(Some(programs))
}

/// A seed as printed or as written by hand.
pub(crate) fn parse_seed(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hexadecimal) => u64::from_str_radix(hexadecimal, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| "not a number (decimal, or 0x and hexadecimal)".to_owned())
}

#[cfg(test)]
mod tests;
