//! The one clock of the benchmarks, and what is made of its readings.

use std::time::{Duration, Instant};

/// Measures the time since it was started.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    #[expect(clippy::disallowed_methods, reason = "ban: clock, a benchmark measures real time")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "ban: clock, a benchmark measures real time")]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// How many of `operations` happened per second since the start.
    #[must_use]
    pub fn per_second(self, operations: u32) -> f64 {
        f64::from(operations) / self.elapsed().as_secs_f64()
    }
}

/// Times per operation, in nanoseconds, each the mean of one batch: a single operation is shorter
/// than it takes to read the clock around it.
#[derive(Debug, Clone, Default)]
pub struct PerOperation {
    nanoseconds: Vec<f64>,
}

impl PerOperation {
    /// Adds a batch of `operations` that together took `time`.
    pub fn add(&mut self, time: Duration, operations: u32) {
        self.nanoseconds.push(time.as_secs_f64() * 1e9 / f64::from(operations));
    }

    /// Adds the batches of `other`.
    pub fn merge(&mut self, other: Self) {
        self.nanoseconds.extend(other.nanoseconds);
    }

    /// The value below which `share` (0 to 1) of the batches lie, by nearest rank; 0 without any.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.nanoseconds.clone();
        sorted.sort_by(f64::total_cmp);
        // At least 1 and at most the number of batches, so the conversion loses nothing.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 batches")]
        let rank = (share * sorted.len() as f64).ceil().max(1.0) as usize;
        sorted.get(rank.min(sorted.len()).saturating_sub(1)).copied().unwrap_or(0.0)
    }

    /// The median.
    #[must_use]
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

#[cfg(test)]
mod tests {
    //! Quantiles of known batches.

    use super::{Duration, PerOperation};

    #[test]
    fn gives_the_mean_per_operation_of_the_batch_at_that_rank() {
        let mut times = PerOperation::default();
        for nanoseconds in [500, 100, 300, 200, 400] {
            times.add(Duration::from_nanos(nanoseconds * 10), 10);
        }
        let shown = |share| format!("{:.3}", times.quantile(share));
        let quantiles = [0.0, 0.2, 0.5, 0.99, 1.0].map(shown);
        assert_eq!(quantiles, ["100.000", "100.000", "300.000", "500.000", "500.000"]);
        assert_eq!(PerOperation::default().median().to_bits(), 0.0_f64.to_bits());
    }
}
