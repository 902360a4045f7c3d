//! What benchmarks print: samples while measuring, figures at the end.
//!
//! One line each, `KIND name=… unit=… key=value …`. The keys of a figure are `ours` with `p50` and
//! `p99` where it is a time, `limit_…` for what cannot be beaten, the peers under their crate's or
//! product's name, and `n`, the number of operations. Where there is nothing of ours to measure yet
//! the line is a `BASELINE`: what a figure will be held against.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail, ensure};

/// What a value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Operations in a second; more is better.
    PerSecond,
    /// Nanoseconds for an operation; less is better.
    Nanoseconds,
    /// Microseconds for an operation; less is better.
    Microseconds,
    /// Memory; less is better.
    Bytes,
}

impl Unit {
    const ALL: [Self; 4] = [Self::PerSecond, Self::Nanoseconds, Self::Microseconds, Self::Bytes];

    const fn name(self) -> &'static str {
        match self {
            Self::PerSecond => "per_s",
            Self::Nanoseconds => "ns",
            Self::Microseconds => "us",
            Self::Bytes => "bytes",
        }
    }
}

/// The values that one program measured for one figure in one round.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The figure's name, such as `actor_tell`.
    pub name: String,
    /// What the values count.
    pub unit: Unit,
    /// How many operations were measured: the same for all that are compared.
    pub operations: u32,
    /// Who or what was measured, and its value.
    pub values: Vec<(String, f64)>,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SAMPLE name={} unit={} n={}", self.name, self.unit.name(), self.operations)?;
        self.values.iter().try_for_each(|(key, value)| write!(f, " {key}={value:e}"))
    }
}

impl FromStr for Sample {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self> {
        let words = line.strip_prefix("SAMPLE ").context("a sample begins with SAMPLE")?;
        let (mut name, mut unit, mut operations, mut values) = (None, None, None, Vec::new());
        for word in words.split_whitespace() {
            let (key, value) = word.split_once('=').with_context(|| format!("{word}: no `=`"))?;
            match key {
                "name" => name = Some(value.to_owned()),
                "unit" => unit = Unit::ALL.into_iter().find(|unit| unit.name() == value),
                "n" => operations = value.parse().ok(),
                _ => {
                    let number: f64 =
                        value.parse().with_context(|| format!("{word}: no number"))?;
                    ensure!(number.is_finite(), "{word}: not finite");
                    values.push((key.to_owned(), number));
                }
            }
        }
        match (name, unit, operations) {
            (Some(name), Some(unit), Some(operations)) => {
                Ok(Self { name, unit, operations, values })
            }
            _ => bail!("a sample needs name, unit and n: {line}"),
        }
    }
}

/// The medians of what was measured for one figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The same as that of its samples.
    pub name: String,
    /// The same as that of its samples.
    pub unit: Unit,
    /// The same as that of its samples.
    pub operations: u32,
    /// Ours, then its quantiles and variants (`ours_…`), then limits, then peers; each the median
    /// of its samples.
    pub values: Vec<(String, f64)>,
}

impl Figure {
    /// One figure for each name among `samples`, in the order in which the names first appear.
    ///
    /// # Errors
    ///
    /// When samples of one name count different things or different amounts of work.
    pub fn merge(samples: &[Sample]) -> Result<Vec<Self>> {
        let mut figures: Vec<Self> = Vec::new();
        for sample in samples {
            if let Some(figure) = figures.iter().find(|figure| figure.name == sample.name) {
                let same = (figure.unit, figure.operations) == (sample.unit, sample.operations);
                ensure!(same, "{}: measured on different work, {sample}", sample.name);
                continue;
            }
            figures.push(Self {
                name: sample.name.clone(),
                unit: sample.unit,
                operations: sample.operations,
                values: medians(samples.iter().filter(|other| other.name == sample.name)),
            });
        }
        Ok(figures)
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_ours = self.values.iter().any(|(key, _)| key == "ours");
        let kind = if has_ours { "FIGURE" } else { "BASELINE" };
        write!(f, "{kind} name={} unit={}", self.name, self.unit.name())?;
        self.values.iter().try_for_each(|(key, value)| write!(f, " {key}={value:.2e}"))?;
        write!(f, " n={}", self.operations)
    }
}

/// The median of every key, ours first.
fn medians<'a>(samples: impl Iterator<Item = &'a Sample>) -> Vec<(String, f64)> {
    let mut by_key: Vec<(String, Vec<f64>)> = Vec::new();
    for (key, value) in samples.flat_map(|sample| &sample.values) {
        match by_key.iter_mut().find(|(known, _)| known == key) {
            Some((_, values)) => values.push(*value),
            None => by_key.push((key.clone(), vec![*value])),
        }
    }
    by_key.sort_by_key(|(key, _)| rank(key));
    let median = |(key, mut values): (String, Vec<f64>)| {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        values.get(middle).map(|value| (key, *value))
    };
    by_key.into_iter().filter_map(median).collect()
}

/// Ours, its quantiles and variants, limits, peers.
fn rank(key: &str) -> u8 {
    match key {
        "ours" => 0,
        "p50" | "p99" => 1,
        ours if ours.starts_with("ours_") => 2,
        limit if limit.starts_with("limit_") => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests;
