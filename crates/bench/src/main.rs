//! The benchmark program: `cargo xtask bench` builds it and runs it.
//!
//! `run` measures a group in rounds and prints its figures; `sample` is one round of ours.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bench::actor::{self, BareTask, Ours};
use bench::{Program, Sample, Size, journal, limit, signal, work};
use clap::{Parser, Subcommand, ValueEnum};
use tokio::runtime::Runtime;

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
        #[arg(long, default_value = "times")]
        part: Measured,
        #[arg(long)]
        quick: bool,
        /// Print nothing: fill that folder with what is to be opened, and wait to be killed
        #[arg(long)]
        fill: Option<PathBuf>,
    },
}

/// What is measured in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measured {
    /// How long things take
    Times,
    /// What actors take while they are idle; what a journal holds while many appends pass
    Memory,
    /// What a journal does for a time, with folding
    Mixed,
    /// What a journal does after its process was killed
    Reopen,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Group {
    Actor,
    Journal,
    Limit,
    Signal,
    Work,
}

/// Who is measured in one round. Each has a process to itself: memory that one has freed would
/// make the next one look small.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Subject {
    Ours,
    Limit,
}

/// A part of a group: it is measured in processes of its own.
struct Part {
    name: &'static str,
    /// Whether there is a limit.
    limit: bool,
    /// The peers, as their program knows them.
    peers: &'static [&'static str],
    /// How many rounds, of a full run and of a quick one.
    rounds: (u32, u32),
}

impl Part {
    /// With a limit, in the usual number of rounds.
    const fn new(name: &'static str, peers: &'static [&'static str]) -> Self {
        Self { name, limit: true, peers, rounds: (Size::Full.rounds(), Size::Quick.rounds()) }
    }
}

/// What is measured of the group, and who.
fn parts_of(group: Group) -> Vec<Part> {
    const ACTORS: &[&str] = &["ractor", "kameo"];
    const STORES: &[&str] = &["redb-keyed-rows", "fjall"];
    match group {
        Group::Actor => ["times", "memory"].map(|part| Part::new(part, ACTORS)).into(),
        Group::Limit => vec![Part::new("times", &["failsafe", "governor"])],
        Group::Signal | Group::Work => vec![Part::new("times", &[])],
        // A round of the mixed part is half a minute for each of its two figures and each subject,
        // one of the memory part is ten million appends, one of the part that opens fills a million
        // streams.
        Group::Journal => vec![
            Part::new("times", STORES),
            Part { rounds: (1, 1), ..Part::new("mixed", STORES) },
            Part { rounds: (1, 1), limit: false, ..Part::new("memory", &[]) },
            Part { rounds: (3, 1), limit: false, ..Part::new("reopen", &["redb"]) },
        ],
    }
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run { group, peers, quick } => run(group, peers.as_deref(), quick),
        Command::Sample { group: Group::Journal, subject, part, quick, fill } => {
            journal_sample(subject, part, size(quick), fill.as_deref())
        }
        Command::Sample { group, subject, part, quick, .. } => {
            of_actor(part).and_then(|part| sample(group, subject, part, size(quick)))
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

#[expect(clippy::disallowed_methods, reason = "ban: std::env, each round is a new process")]
fn this_program() -> Result<PathBuf> {
    std::env::current_exe().context("this program does not know where it is")
}

fn run(group: Group, peers: Option<&Path>, quick: bool) -> Result<()> {
    let ours = this_program()?;
    let value = group.to_possible_value().context("a group without a name")?;
    let name = value.get_name();
    let (mut programs, mut left_out) = (Vec::new(), false);
    for part in parts_of(group) {
        let rounds = if quick { part.rounds.1 } else { part.rounds.0 };
        let program = |path: &Path, arguments: &[&str]| {
            let quick = quick.then_some("--quick");
            let arguments = arguments.iter().copied().chain(quick).map(Into::into).collect();
            Program { path: path.to_owned(), arguments, rounds }
        };
        programs.push(program(&ours, &["sample", name, "ours", "--part", part.name]));
        if part.limit {
            programs.push(program(&ours, &["sample", name, "limit", "--part", part.name]));
        }
        match peers {
            Some(path) => {
                let peers = part.peers.iter();
                programs
                    .extend(peers.map(|peer| program(path, &[name, peer, "--part", part.name])));
            }
            None => left_out |= !part.peers.is_empty(),
        }
    }
    if left_out {
        println!("the peers are left out: no program of theirs was given");
    }
    for figure in bench::measure(&programs)? {
        println!("{figure}");
    }
    Ok(())
}

fn of_actor(part: Measured) -> Result<actor::Part> {
    match part {
        Measured::Times => Ok(actor::Part::Times),
        Measured::Memory => Ok(actor::Part::Memory),
        Measured::Mixed | Measured::Reopen => bail!("only a journal has that part"),
    }
}

fn sample(group: Group, subject: Subject, part: actor::Part, size: Size) -> Result<()> {
    let runtime = match group {
        Group::Actor | Group::Limit | Group::Journal | Group::Signal => bench::runtime()?,
        Group::Work => bench::runtime_with_io()?,
    };
    let samples: Vec<Sample> = match (group, subject) {
        (Group::Actor, Subject::Ours) => {
            runtime.block_on(actor::samples::<Ours>("ours", size, part))?
        }
        (Group::Actor, Subject::Limit) => {
            runtime.block_on(actor::samples::<BareTask>("limit_tokio_mpsc", size, part))?
        }
        (Group::Journal, _) => bail!("the journal is measured elsewhere"),
        (Group::Limit | Group::Signal | Group::Work, _) if part == actor::Part::Memory => {
            bail!("this group is measured in time only")
        }
        (Group::Limit, Subject::Ours) => runtime.block_on(limit::samples::<limit::Ours>(size))?,
        (Group::Limit, Subject::Limit) => runtime.block_on(limit::samples::<limit::Bare>(size))?,
        (Group::Signal, Subject::Ours) => in_task(&runtime, signal::ours(size))?,
        (Group::Signal, Subject::Limit) => in_task(&runtime, signal::limits(size))?,
        (Group::Work, Subject::Ours) => runtime.block_on(work::samples::<work::Ours>(size))?,
        (Group::Work, Subject::Limit) => runtime.block_on(work::samples::<work::Bare>(size))?,
    };
    for sample in samples {
        println!("{sample}");
    }
    Ok(())
}

/// Runs what measures as a task of the runtime, as publishers are. A thread outside of it would
/// measure for the most part how long one thread takes to wake another.
#[expect(clippy::disallowed_methods, reason = "ban: spawn, who measures has no system")]
fn in_task(
    runtime: &Runtime,
    measuring: impl Future<Output = Result<Vec<Sample>>> + Send + 'static,
) -> Result<Vec<Sample>> {
    runtime.block_on(async { tokio::spawn(measuring).await? })
}

/// Fills `folder` when there is one, and else measures.
fn journal_sample(
    subject: Subject,
    measured: Measured,
    size: Size,
    folder: Option<&Path>,
) -> Result<()> {
    let runtime = bench::runtime()?;
    if let Some(folder) = folder {
        return runtime.block_on(async {
            match subject {
                Subject::Ours => journal::fill::<journal::Ours>(size, folder).await,
                Subject::Limit => bail!("the limit cannot be read"),
            }
        });
    }
    let part = match measured {
        Measured::Memory => journal::Part::Memory,
        Measured::Mixed => journal::Part::Mixed,
        Measured::Reopen => journal::Part::Reopen,
        Measured::Times => journal::Part::Appends,
    };
    let arguments = ["sample", "journal", "ours"].map(Into::into).into();
    let place = journal::Place::beside(this_program()?, arguments, size)?;
    let samples = runtime.block_on(async {
        match subject {
            Subject::Ours => journal::samples::<journal::Ours>(size, part, &place).await,
            Subject::Limit => {
                let mut samples = journal::samples::<journal::RawFile>(size, part, &place).await?;
                if part == journal::Part::Appends {
                    let ahead = journal::samples::<journal::RawFileAhead>(size, part, &place);
                    samples.extend(ahead.await?);
                }
                Ok(samples)
            }
        }
    })?;
    for sample in samples {
        println!("{sample}");
    }
    Ok(())
}

const fn size(quick: bool) -> Size {
    if quick { Size::Quick } else { Size::Full }
}
