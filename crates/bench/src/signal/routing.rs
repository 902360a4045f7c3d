//! Finding the two routes of a signal, among many: one by its exact type, and one with a wildcard.
//!
//! Whoever publishes a signal has just made it, so it is in the cache; what it is looked up in is
//! not, since types are drawn at random. A million routes are measured twice: with as many types
//! that are published as there are with ten thousand routes, so that the others are idle; and with
//! all types, of which none is in the cache, which is hard on every table.

use std::collections::HashMap;
use std::hint::black_box;

use anyhow::{Context, Result, ensure};
use fastrand::Rng;
use signals::{Pattern, Router, Signal};

use crate::clock::{PerOperation, Stopwatch};
use crate::figure::{Sample, Unit};
use crate::size::Size;

/// How many routes there are, and of how many types signals are.
const CASES: [(u32, u32, &str); 4] = [
    (10, 5, "signal_route_10"),
    (10_000, 5000, "signal_route_10000"),
    (1_000_000, 5000, "signal_route_1000000"),
    (1_000_000, 500_000, "signal_route_1000000_any"),
];
/// Signals in a full run.
const SIGNALS: u32 = 500_000;
/// Signals in one batch.
const BATCH: u32 = 100;

/// Whoever finds routes.
pub(super) trait Subject: Sized {
    /// Under which key it is printed.
    const KEY: &'static str;
    /// How many routes it finds of a signal.
    const FOUND: usize;

    /// Makes one, with a route for each pattern.
    fn start(patterns: Vec<String>) -> Result<Self>;
    /// How many routes there are for a signal.
    fn find(&self, signal: &Signal) -> usize;
    /// How many signals are tried, of so many.
    fn signals(signals: u32, routes: u32) -> u32 {
        let _ = routes;
        signals
    }
}

/// A type, of which there are half as many as there are routes.
fn topic(number: u32) -> String {
    let (shop, verb) = (number % 97, ["placed", "paid", "shipped"][number as usize % 3]);
    format!("shop-{shop}.order.{number}.{verb}")
}

/// The pattern with a wildcard that matches that type, and no other: the number is in it.
fn wildcard(number: u32) -> String {
    let (shop, verb) = (number % 97, ["placed", "paid", "shipped"][number as usize % 3]);
    match number % 5 {
        0 => format!("shop-{shop}.order.{number}.*"),
        1 => format!("shop-{shop}.*.{number}.{verb}"),
        2 => format!("*.order.{number}.{verb}"),
        3 => format!("**.{number}.{verb}"),
        _ => format!("shop-{shop}.order.{number}.**"),
    }
}

pub(super) fn samples<S: Subject>(size: Size) -> Result<Vec<Sample>> {
    CASES.into_iter().map(|(routes, types, name)| sample::<S>(size, routes, types, name)).collect()
}

fn sample<S: Subject>(size: Size, routes: u32, types: u32, name: &str) -> Result<Sample> {
    let mut random = Rng::with_seed(u64::from(routes));
    let topics = routes / 2;
    let mut patterns: Vec<_> = (0..topics).map(topic).chain((0..topics).map(wildcard)).collect();
    random.shuffle(&mut patterns);
    let subject = S::start(patterns)?;
    let types: Vec<_> = (0..types).map(|_| random.u32(0..topics)).collect();
    let mut times = PerOperation::default();
    let signals = S::signals(size.of(SIGNALS), routes);
    for _ in 0..signals.div_ceil(BATCH) {
        let count = signals.min(BATCH);
        let drawn = (0..count).map(|_| {
            let number = random.choice(&types).context("types")?;
            Ok(Signal::new(topic(*number), "/bench").id("1").build()?)
        });
        let drawn = drawn.collect::<Result<Vec<_>>>()?;
        let stopwatch = Stopwatch::start();
        let found: usize = drawn.iter().map(|signal| black_box(&subject).find(signal)).sum();
        times.add(stopwatch.elapsed(), count);
        ensure!(found == S::FOUND * drawn.len(), "{found} routes for {count} signals");
    }
    let mut values = vec![(S::KEY.to_owned(), times.median())];
    if S::KEY == "ours" {
        values.push(("p50".to_owned(), times.median()));
        values.push(("p99".to_owned(), times.quantile(0.99)));
    }
    let (name, unit) = (name.to_owned(), Unit::Nanoseconds);
    // Not all of them are tried with as many signals, since a scan of a million takes long.
    Ok(Sample { name, unit, operations: routes, values })
}

/// A router of `signals`.
pub(super) struct Ours(Router<usize>);

impl Subject for Ours {
    const KEY: &'static str = "ours";
    const FOUND: usize = 2;

    fn start(patterns: Vec<String>) -> Result<Self> {
        let routes = patterns.into_iter().enumerate().map(|(number, pattern)| (pattern, number));
        Ok(Self(Router::from_routes(routes)?))
    }

    fn find(&self, signal: &Signal) -> usize {
        let Ok(matches) = self.0.route(signal) else { return 0 };
        matches.targets().map(|target| usize::from(*black_box(target) < usize::MAX)).sum()
    }
}

/// One look-up of the exact type, in a table of as many.
pub(super) struct HashExact(HashMap<String, usize>);

impl Subject for HashExact {
    const KEY: &'static str = "limit_hash_exact";
    const FOUND: usize = 1;

    fn start(patterns: Vec<String>) -> Result<Self> {
        let numbered = patterns.into_iter().enumerate();
        Ok(Self(numbered.map(|(number, pattern)| (pattern, number)).collect()))
    }

    fn find(&self, signal: &Signal) -> usize {
        usize::from(self.0.get(signal.topic().as_str()).is_some_and(|target| *target < usize::MAX))
    }
}

/// Every pattern is tried, one after the other.
pub(super) struct LinearScan(Vec<Pattern>);

impl Subject for LinearScan {
    const KEY: &'static str = "linear_scan";
    const FOUND: usize = 2;

    fn start(patterns: Vec<String>) -> Result<Self> {
        Ok(Self(patterns.into_iter().map(Pattern::new).collect::<foundation::Result<_>>()?))
    }

    fn find(&self, signal: &Signal) -> usize {
        self.0.iter().filter(|pattern| pattern.matches(signal.topic())).count()
    }

    /// So few that all scans take seconds.
    fn signals(signals: u32, routes: u32) -> u32 {
        signals.min(10_000_000 / routes).max(10)
    }
}

#[cfg(test)]
mod tests {
    //! Every pattern matches what it should, and who finds less has no figures.

    use super::{HashExact, LinearScan, Ours, Pattern, Result, Signal, Size, Subject};
    use super::{sample, topic, wildcard};

    fn key<S: Subject>() -> String {
        let sample = sample::<S>(Size::Quick, 100, 50, "figure").unwrap();
        sample.values[0].0.clone()
    }

    #[test]
    fn the_figure_of_ours_has_limits_beside_it() {
        let keys = [key::<Ours>(), key::<HashExact>(), key::<LinearScan>()];
        assert_eq!(keys, ["ours", "limit_hash_exact", "linear_scan"]);
    }

    #[test]
    fn a_pattern_with_a_wildcard_matches_one_type() {
        for number in 0..20 {
            let pattern: Pattern = wildcard(number).parse().unwrap();
            assert!(!pattern.is_literal());
            let matched = (0..100).filter(|other| pattern.matches_text(&topic(*other)));
            assert_eq!(matched.collect::<Vec<_>>(), [number]);
        }
    }

    /// Finds one route too few.
    struct Lazy;

    impl Subject for Lazy {
        const KEY: &'static str = "lazy";
        const FOUND: usize = 2;

        fn start(_: Vec<String>) -> Result<Self> {
            Ok(Self)
        }

        fn find(&self, _: &Signal) -> usize {
            1
        }
    }

    #[test]
    fn who_finds_less_has_no_figures() {
        let error = sample::<Lazy>(Size::Quick, 100, 50, "figure").unwrap_err();
        assert!(error.to_string().contains("routes for"), "{error}");
    }
}
