//! The benchmark program: `cargo xtask bench` builds it and runs it.
//!
//! `run` measures a group in rounds and prints its figures; `sample` is one round of ours.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bench::actor::{self, BareTask, Ours, Part};
use bench::{Program, Sample, Size, limit, work};
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
        subject: Subject,
        #[command(flatten)]
        part: Measured,
        #[arg(long)]
        quick: bool,
    },
}

/// What is measured in this process.
#[derive(Debug, Clone, Copy, clap::Args)]
#[group(multiple = false)]
struct Measured {
    /// How long things take: the default
    #[arg(long)]
    times: bool,
    /// What actors take while they are idle
    #[arg(long)]
    memory: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Group {
    Actor,
    Limit,
    Work,
}

/// Who is measured in one round. Each has a process to itself: memory that one has freed would
/// make the next one look small.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Subject {
    Ours,
    Limit,
}

/// The peers of the group, as their program knows them.
const fn peers_of(group: Group) -> &'static [&'static str] {
    match group {
        Group::Actor => &["ractor", "kameo"],
        Group::Limit => &["failsafe", "governor"],
        Group::Work => &[],
    }
}

/// What is measured of the group, each in processes of its own.
const fn parts_of(group: Group) -> &'static [&'static str] {
    match group {
        Group::Actor => &["--times", "--memory"],
        Group::Limit | Group::Work => &["--times"],
    }
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run { group, peers, quick } => run(group, peers.as_deref(), quick),
        Command::Sample { group, subject, part, quick } => {
            let part = if part.memory { Part::Memory } else { Part::Times };
            sample(group, subject, part, size(quick))
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(group: Group, peers: Option<&Path>, quick: bool) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "ban: std::env, each round is a new process")]
    let ours = std::env::current_exe().context("this program does not know where it is")?;
    let value = group.to_possible_value().context("a group without a name")?;
    let program = |path: &Path, arguments: &[&str]| {
        let quick = quick.then_some("--quick");
        let arguments = arguments.iter().copied().chain(quick).map(Into::into).collect();
        Program { path: path.to_owned(), arguments }
    };
    let name = value.get_name();
    let mut programs = Vec::new();
    for part in parts_of(group).iter().copied() {
        programs.push(program(&ours, &["sample", name, "ours", part]));
        programs.push(program(&ours, &["sample", name, "limit", part]));
        if let Some(path) = peers {
            let peers = peers_of(group).iter();
            programs.extend(peers.map(|peer| program(path, &[name, peer, part])));
        }
    }
    if peers.is_none() && !peers_of(group).is_empty() {
        println!("the peers are left out: no program of theirs was given");
    }
    for figure in bench::measure(&programs, size(quick))? {
        println!("{figure}");
    }
    Ok(())
}

fn sample(group: Group, subject: Subject, part: Part, size: Size) -> Result<()> {
    let runtime = match group {
        Group::Actor | Group::Limit => bench::runtime()?,
        Group::Work => bench::runtime_with_io()?,
    };
    let samples: Vec<Sample> = match (group, subject) {
        (Group::Actor, Subject::Ours) => {
            runtime.block_on(actor::samples::<Ours>("ours", size, part))?
        }
        (Group::Actor, Subject::Limit) => {
            runtime.block_on(actor::samples::<BareTask>("limit_tokio_mpsc", size, part))?
        }
        (Group::Limit | Group::Work, _) if part == Part::Memory => {
            bail!("this group is measured in time only")
        }
        (Group::Limit, Subject::Ours) => runtime.block_on(limit::samples::<limit::Ours>(size))?,
        (Group::Limit, Subject::Limit) => runtime.block_on(limit::samples::<limit::Bare>(size))?,
        (Group::Work, Subject::Ours) => runtime.block_on(work::samples::<work::Ours>(size))?,
        (Group::Work, Subject::Limit) => runtime.block_on(work::samples::<work::Bare>(size))?,
    };
    for sample in samples {
        println!("{sample}");
    }
    Ok(())
}

const fn size(quick: bool) -> Size {
    if quick { Size::Quick } else { Size::Full }
}
