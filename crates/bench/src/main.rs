//! The benchmark program: `cargo xtask bench` builds it and runs it.
//!
//! `run` measures a group in rounds and prints its figures; `sample` is one round of ours.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use bench::{Program, Sample, Size, actor};
use clap::{Parser, Subcommand, ValueEnum};

#[derive(Debug, Parser)]
#[command(name = "bench", about = "Benchmarks; run them with `cargo xtask bench`")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure a group in rounds, the peers' program in turn, and print its figures
    Run {
        group: Group,
        /// The program of the peers; without it they are left out
        #[arg(long)]
        peers: Option<PathBuf>,
        #[arg(long)]
        quick: bool,
    },
    /// Print the samples of one round
    Sample {
        group: Group,
        #[arg(long)]
        quick: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Group {
    Actor,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run { group, peers, quick } => run(group, peers, quick),
        Command::Sample { group, quick } => sample(group, size(quick)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(group: Group, peers: Option<PathBuf>, quick: bool) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "ban: std::env, each round is a new process")]
    let ours = std::env::current_exe().context("this program does not know where it is")?;
    let group = group.to_possible_value().context("a group without a name")?;
    let mut arguments = vec![group.get_name().into()];
    if quick {
        arguments.push("--quick".into());
    }
    let ours =
        Program { path: ours, arguments: [vec!["sample".into()], arguments.clone()].concat() };
    let peers = peers.map(|path| Program { path, arguments });
    if peers.is_none() {
        println!("the peers are left out: no program of theirs was given");
    }
    let programs: Vec<_> = std::iter::once(ours).chain(peers).collect();
    for figure in bench::measure(&programs, size(quick))? {
        println!("{figure}");
    }
    Ok(())
}

fn sample(group: Group, size: Size) -> Result<()> {
    let samples: Vec<Sample> = match group {
        Group::Actor => bench::runtime()?.block_on(actor::limit(size))?,
    };
    for sample in samples {
        println!("{sample}");
    }
    Ok(())
}

const fn size(quick: bool) -> Size {
    if quick { Size::Quick } else { Size::Full }
}
