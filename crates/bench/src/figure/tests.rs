//! The lines that benchmarks print and read.

use std::num::NonZeroU32;

use super::{Figure, Sample, Unit};

fn sample(unit: Unit, operations: u32, values: &[(&str, f64)]) -> Sample {
    let values = values.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
    Sample { name: "actor_tell".to_owned(), unit, operations, values }
}

fn printed(samples: &[Sample]) -> Vec<String> {
    Figure::merge(samples).unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn prints_ours_first_then_limits_then_peers_each_as_its_median() {
    let rounds = [
        sample(Unit::PerSecond, 10, &[("limit_tokio_mpsc", 1.0e7), ("ours", 3.0e6)]),
        sample(Unit::PerSecond, 10, &[("ractor", 5.0e6)]),
        sample(Unit::PerSecond, 10, &[("limit_tokio_mpsc", 1.2e7), ("ours", 9.12e6)]),
        sample(Unit::PerSecond, 10, &[("ractor", 4.0e6)]),
        sample(Unit::PerSecond, 10, &[("limit_tokio_mpsc", 1.1e7), ("ours", 9.0e6)]),
        sample(Unit::PerSecond, 10, &[("ractor", 6.0e6)]),
    ];
    let line = "FIGURE name=actor_tell unit=per_s ours=9.00e6 limit_tokio_mpsc=1.10e7 \
                ractor=5.00e6 n=10";
    assert_eq!(printed(&rounds), [line]);
}

#[test]
fn puts_the_quantiles_of_a_time_beside_ours() {
    let times = [("kameo", 600.0), ("p99", 400.0), ("p50", 215.0), ("ours", 215.0)];
    let line = "FIGURE name=actor_tell unit=ns ours=2.15e2 p99=4.00e2 p50=2.15e2 kameo=6.00e2 n=7";
    assert_eq!(printed(&[sample(Unit::Nanoseconds, 7, &times)]), [line]);
}

#[test]
fn prints_a_baseline_where_there_is_nothing_of_ours() {
    let lines = printed(&[sample(Unit::Bytes, 1, &[("ractor", 5446.0)])]);
    assert_eq!(lines, ["BASELINE name=actor_tell unit=bytes ractor=5.45e3 n=1"]);
}

#[test]
fn refuses_to_compare_different_work() {
    let (less, more) = (sample(Unit::PerSecond, 10, &[]), sample(Unit::PerSecond, 11, &[]));
    assert!(Figure::merge(&[less.clone(), more]).is_err());
    assert!(Figure::merge(&[less.clone(), sample(Unit::Bytes, 10, &[])]).is_err());
    assert!(Figure::merge(&[less.clone(), less]).is_ok());
}

#[test]
fn reads_back_any_sample_it_prints() {
    testkit::for_each_seed(NonZeroU32::new(100).unwrap(), |seed| {
        let mut random = fastrand::Rng::with_seed(seed);
        let values = (0..random.usize(..5)).map(|index| {
            let value = (random.f64() - 0.3) * 10_f64.powi(random.i32(-12..12));
            (format!("key_{index}"), value)
        });
        let values = values.collect();
        let unit = Unit::ALL[random.usize(..Unit::ALL.len())];
        let written = Sample { name: format!("f{seed}"), unit, operations: 7, values };
        assert_eq!(written.to_string().parse::<Sample>().unwrap(), written);
    });
}

#[test]
fn refuses_lines_that_are_no_samples() {
    let wrong = [
        "",
        "FIGURE name=a unit=ns n=1",
        "SAMPLE name=a unit=ns",
        "SAMPLE name=a unit=parsec n=1",
        "SAMPLE name=a unit=ns n=-1",
        "SAMPLE name=a unit=ns n=1 ours",
        "SAMPLE name=a unit=ns n=1 ours=fast",
        "SAMPLE name=a unit=ns n=1 ours=NaN",
    ];
    for line in wrong {
        assert!(line.parse::<Sample>().is_err(), "{line}");
    }
}
