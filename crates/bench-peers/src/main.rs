//! The peers that benchmarks are held against, each doing the workload that ours does.
//!
//! `bench-peers GROUP PEER` prints the samples of one round; `cargo xtask bench` calls it. One file
//! per peer implements the group's `Subject`; the workload itself is in the package `bench`.

mod failsafe;
mod fjall;
mod governor;
mod kameo;
mod ractor;
mod redb;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use bench::actor::{self, Part};
use bench::{Sample, Size, journal, limit};
use clap::{Parser, ValueEnum};

#[derive(Debug, Parser)]
#[command(name = "bench-peers", about = "One round of the peers; run it with `cargo xtask bench`")]
struct Arguments {
    group: Group,
    peer: Peer,
    #[arg(long, default_value = "times")]
    part: Measured,
    /// A tenth of the size
    #[arg(long)]
    quick: bool,
    /// Print nothing: fill that folder with what is to be opened, and wait to be killed
    #[arg(long)]
    fill: Option<PathBuf>,
}

/// What is measured in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measured {
    /// How long things take
    Times,
    /// What actors take while they are idle
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
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Peer {
    Ractor,
    Kameo,
    Failsafe,
    Governor,
    RedbKeyedRows,
    Fjall,
    Redb,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let size = if arguments.quick { Size::Quick } else { Size::Full };
    let done = match (arguments.group, &arguments.fill) {
        (Group::Journal, Some(folder)) => fill(arguments.peer, size, folder).map(|()| Vec::new()),
        (Group::Journal, None) => journal_samples(arguments.peer, arguments.part, size),
        (group, _) => {
            of_actor(arguments.part).and_then(|part| samples(group, arguments.peer, part, size))
        }
    };
    match done {
        Ok(samples) => {
            samples.iter().for_each(|sample| println!("{sample}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench-peers: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn of_actor(part: Measured) -> Result<Part> {
    match part {
        Measured::Times => Ok(Part::Times),
        Measured::Memory => Ok(Part::Memory),
        Measured::Mixed | Measured::Reopen => bail!("only a journal has that part"),
    }
}

fn samples(group: Group, peer: Peer, part: Part, size: Size) -> Result<Vec<Sample>> {
    let runtime = bench::runtime()?;
    match (group, peer) {
        (Group::Actor, Peer::Ractor) => {
            runtime.block_on(actor::samples::<ractor::Peer>("ractor", size, part))
        }
        (Group::Actor, Peer::Kameo) => {
            runtime.block_on(actor::samples::<kameo::Peer>("kameo", size, part))
        }
        (Group::Limit, Peer::Failsafe) => runtime.block_on(limit::samples::<failsafe::Peer>(size)),
        (Group::Limit, Peer::Governor) => runtime.block_on(limit::samples::<governor::Peer>(size)),
        _ => bail!("that peer is not of that group"),
    }
}

fn journal_samples(peer: Peer, measured: Measured, size: Size) -> Result<Vec<Sample>> {
    use journal::samples;

    let part = match measured {
        Measured::Memory => bail!("the memory of a journal is not measured"),
        Measured::Mixed => journal::Part::Mixed,
        Measured::Reopen => journal::Part::Reopen,
        Measured::Times => journal::Part::Appends,
    };
    let name = peer.to_possible_value().context("a peer without a name")?;
    let arguments = ["journal", name.get_name()].map(Into::into).into();
    let place = journal::Place::beside(std::env::current_exe()?, arguments, size)?;
    bench::runtime()?.block_on(async {
        match peer {
            Peer::RedbKeyedRows => samples::<redb::Peer<redb::KeyedRows>>(size, part, &place).await,
            Peer::Fjall => samples::<fjall::Peer>(size, part, &place).await,
            Peer::Redb => samples::<redb::Peer<redb::OneRow>>(size, part, &place).await,
            _ => bail!("that peer is not of that group"),
        }
    })
}

fn fill(peer: Peer, size: Size, folder: &Path) -> Result<()> {
    bench::runtime()?.block_on(async {
        match peer {
            Peer::RedbKeyedRows => journal::fill::<redb::Peer<redb::KeyedRows>>(size, folder).await,
            Peer::Fjall => journal::fill::<fjall::Peer>(size, folder).await,
            Peer::Redb => journal::fill::<redb::Peer<redb::OneRow>>(size, folder).await,
            _ => bail!("that peer is not of that group"),
        }
    })
}
