//! `cargo xtask ci`: every gate in order, cheapest first, until one fails.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::finding::Verdict;
use crate::gates::{self, Format, Open};
use crate::policy::Policy;
use crate::tree::Tree;
use crate::{layers, tidy};

/// One gate under the name of the command that runs it alone.
struct Step {
    name: &'static str,
    run: fn(&Tree, &Policy) -> Result<Verdict>,
}

/// The gates, cheapest first, so that a mistake is named soon.
const STEPS: [Step; 7] = [
    Step { name: "fmt", run: |tree, _| gates::fmt(tree, Format::Check) },
    Step { name: "layers", run: layers::check },
    Step { name: "tidy", run: tidy::check },
    Step { name: "lint", run: gates::lint },
    Step { name: "doc", run: |tree, _| gates::doc(tree, Open::No) },
    Step { name: "test", run: |tree, _| gates::tests(tree, &[]) },
    Step { name: "doctest", run: |tree, _| gates::doctests(tree) },
];

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed(Duration),
    Failed(Duration),
    NotRun,
}

/// Runs the gates and prints what each took.
///
/// # Errors
///
/// When a gate cannot do its work; the summary is printed all the same.
pub(crate) fn run(tree: &Tree, policy: &Policy) -> Result<Verdict> {
    let mut outcomes = Vec::new();
    let mut result = Ok(Verdict::Clean);
    for step in &STEPS {
        if !matches!(result, Ok(Verdict::Clean)) {
            outcomes.push((step.name, Outcome::NotRun));
            continue;
        }
        println!("== {}", step.name);
        let started = now();
        result = (step.run)(tree, policy);
        let took = now() - started;
        let passed = matches!(result, Ok(Verdict::Clean));
        let outcome = if passed { Outcome::Passed(took) } else { Outcome::Failed(took) };
        outcomes.push((step.name, outcome));
    }
    print!("{}", summary(&outcomes));
    result
}

/// The table at the end.
fn summary(outcomes: &[(&str, Outcome)]) -> String {
    let mut text = String::from("== summary\n");
    let mut total = Duration::ZERO;
    for (name, outcome) in outcomes {
        let (word, took) = match outcome {
            Outcome::Passed(took) => ("ok", Some(*took)),
            Outcome::Failed(took) => ("FAILED", Some(*took)),
            Outcome::NotRun => ("not run", None),
        };
        total += took.unwrap_or_default();
        let took = took.map_or_else(|| format!("{:>9}", "-"), seconds);
        let _ = writeln!(text, "{name:<8} {word:<8} {took}");
    }
    let failed = outcomes.iter().any(|(_, outcome)| !matches!(outcome, Outcome::Passed(_)));
    let word = if failed { "FAILED" } else { "ok" };
    let _ = writeln!(text, "{:<8} {word:<8} {}", "total", seconds(total));
    text
}

fn seconds(time: Duration) -> String {
    format!("{:>7.1} s", time.as_secs_f64())
}

#[expect(clippy::disallowed_methods, reason = "ban: clock, a person waits for these steps")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests;
