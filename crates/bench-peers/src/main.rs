//! The peers that benchmarks are held against, each doing the workload that ours does.
//!
//! `bench-peers GROUP PEER` prints the samples of one round; `cargo xtask bench` calls it. One file
//! per peer implements the group's `Subject`; the workload itself is in the package `bench`.

mod failsafe;
mod governor;
mod kameo;
mod ractor;

use std::process::ExitCode;

use anyhow::{Result, bail};
use bench::actor::{self, Part};
use bench::{Sample, Size, limit};
use clap::{Parser, ValueEnum};

#[derive(Debug, Parser)]
#[command(name = "bench-peers", about = "One round of the peers; run it with `cargo xtask bench`")]
struct Arguments {
    group: Group,
    peer: Peer,
    #[command(flatten)]
    part: Measured,
    /// A tenth of the size
    #[arg(long)]
    quick: bool,
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
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Peer {
    Ractor,
    Kameo,
    Failsafe,
    Governor,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let size = if arguments.quick { Size::Quick } else { Size::Full };
    let part = if arguments.part.memory { Part::Memory } else { Part::Times };
    match samples(arguments.group, arguments.peer, part, size) {
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
        (Group::Actor, _) | (Group::Limit, _) => bail!("that peer is not of that group"),
    }
}
