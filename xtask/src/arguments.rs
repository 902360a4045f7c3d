//! The command line of `cargo xtask`.

use std::num::{NonZeroU32, NonZeroU64};

use clap::{Parser, Subcommand};

use crate::bench::Group;

/// The project's own commands and gates.
///
/// Exit codes: 0 all is well, 1 a gate found something, 2 the command could not do its work.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_version_flag = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run every gate in order until one fails; this is what continuous integration runs
    Ci,
    /// Run the tests, then the examples in the documentation
    Test {
        /// Only tests whose name contains one of these, and no examples
        filters: Vec<String>,
    },
    /// Format both workspaces
    Fmt {
        /// Change nothing; fail where something would change
        #[arg(long)]
        check: bool,
    },
    /// Run clippy with the bans: over product code, then over tests and tools
    Lint,
    /// Check which package uses which, and that all carry the pinned lints
    Layers {
        /// Render the diagram of docs/architecture.md instead
        #[arg(long)]
        write: bool,
    },
    /// Check the text rules
    Tidy {
        /// List the rules instead
        #[arg(long, conflicts_with = "write")]
        rules: bool,
        /// Render the bans into docs/style.md instead
        #[arg(long)]
        write: bool,
    },
    /// Build the documentation and follow its links
    Doc {
        /// Show it in a browser
        #[arg(long)]
        open: bool,
    },
    /// Measure a group of benchmarks beside its limits and peers
    Bench {
        /// What to measure
        group: Group,
        /// End within a minute after the build, with a tenth of the size or less
        #[arg(long)]
        quick: bool,
    },
    /// Run all tests again and again, in random order and with more seeds
    Soak {
        /// How often
        #[arg(long, default_value = "20")]
        rounds: NonZeroU32,
        /// How many times more seeds than usual
        #[arg(long, default_value = "20")]
        scale: NonZeroU64,
        /// Where the rounds begin: decimal, or 0x and hexadecimal; printed by every round
        #[arg(long, default_value = "0", value_parser = crate::soak::parse_seed)]
        seed: u64,
    },
}

/// What the command line asks for.
pub(crate) enum Parsed {
    Run(Command),
    /// Help, which is an answer.
    Answer(String),
    /// What is wrong with it and what to do, in one line.
    Wrong(String),
}

impl Arguments {
    /// Parses the arguments of this process.
    pub(crate) fn parse() -> Parsed {
        match Self::try_parse() {
            Ok(arguments) => Parsed::Run(arguments.command),
            Err(answer) if !answer.use_stderr() => Parsed::Answer(answer.to_string()),
            Err(wrong) => Parsed::Wrong(one_line(&wrong.to_string())),
        }
    }
}

/// Clap's report without its usage, in one line.
fn one_line(report: &str) -> String {
    let report = report.split("\nUsage:").next().unwrap_or(report);
    let report = if report.starts_with("error: ") { report } else { "error: no command given" };
    let words = report.trim_start_matches("error: ").split_whitespace();
    let line = words.collect::<Vec<_>>().join(" ").replace(" tip: ", "; ");
    let line = line.split(" For more information").next().unwrap_or(&line);
    format!("{line}; `cargo xtask help` lists what there is")
}
