//! The project's own commands and gates; `cargo xtask help` lists them.
//!
//! Exit codes: 0 all is well, 1 a gate found something, 2 the command could not do its work (it was
//! called wrongly, or something it needs is missing or broken) and says why in one line.

mod arguments;
mod bans;
mod bench;
#[cfg(test)]
mod canary;
mod ci;
mod code;
mod document;
mod finding;
mod gates;
mod layers;
mod links;
mod policy;
mod rendered;
mod soak;
mod tidy;
mod tools;
mod tree;

use std::process::ExitCode;

use anyhow::{Context, Result};

use arguments::{Arguments, Command, Parsed};
use finding::Verdict;
use gates::{Format, Open};
use policy::Policy;
use tree::Tree;

fn main() -> ExitCode {
    let command = match Arguments::parse() {
        Parsed::Run(command) => command,
        Parsed::Answer(text) => {
            print!("{text}");
            return ExitCode::SUCCESS;
        }
        Parsed::Wrong(line) => return cannot(&line),
    };
    match run(command) {
        Ok(Verdict::Clean) => ExitCode::SUCCESS,
        Ok(Verdict::Failed) => ExitCode::from(1),
        Err(error) => cannot(&format!("{error:#}")),
    }
}

fn cannot(line: &str) -> ExitCode {
    eprintln!("xtask: {}", line.replace('\n', " "));
    ExitCode::from(2)
}

fn run(command: Command) -> Result<Verdict> {
    #[expect(clippy::disallowed_methods, reason = "ban: std::env, looks for the root from here")]
    let here = std::env::current_dir().context("the current folder does not exist")?;
    let tree = Tree::read(&here)?;
    let policy = Policy::read(&tree)?;
    match command {
        Command::Ci => ci::run(&tree, &policy),
        Command::Fmt { check } => {
            gates::fmt(&tree, if check { Format::Check } else { Format::Write })
        }
        Command::Layers { write: false } => layers::check(&tree, &policy),
        Command::Layers { write: true } => layers::write(&tree, &policy),
        Command::Tidy { rules: true, .. } => Ok(tidy::list()),
        Command::Tidy { write: true, .. } => tidy::write(&tree, &policy),
        Command::Tidy { .. } => tidy::check(&tree, &policy),
        Command::Lint => gates::lint(&tree, &policy),
        Command::Doc { open } => gates::doc(&tree, if open { Open::Browser } else { Open::No }),
        Command::Test { filters } => {
            let verdict = gates::tests(&tree, &filters)?;
            if filters.is_empty() && verdict == Verdict::Clean {
                return gates::doctests(&tree);
            }
            Ok(verdict)
        }
        Command::Bench { group, quick } => bench::run_group(&tree, group, quick),
        Command::Soak { rounds, scale, seed } => {
            soak::run(&tree, &soak::Plan { rounds, scale, seed })
        }
    }
}
