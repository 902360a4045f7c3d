//! How errors are counted.

use std::time::Duration;

use crate::actor::refused;
use crate::error::{Category, Result};

/// The greatest threshold: as many times are kept for each kind of error.
const GREATEST_THRESHOLD: usize = 1000;
/// The longest window. A count over more is a statistic, which is not kept in memory.
const LONGEST_WINDOW: Duration = Duration::from_hours(7 * 24);
/// The shortest: with a sixtieth of it, counts are kept.
const SHORTEST_WINDOW: Duration = Duration::from_millis(1);

/// How an [`ErrorTracker`](super::ErrorTracker) counts.
///
/// | option | default |
/// |---|---|
/// | [`threshold`](Self::threshold) | 10 errors of one kind |
/// | [`window`](Self::window) | 5 minutes |
/// | [`alert_on`](Self::alert_on) | every category |
#[derive(Debug, Clone)]
#[must_use]
pub struct ErrorTracking {
    pub(super) threshold: usize,
    pub(super) window: Duration,
    pub(super) alert_on: Vec<Category>,
}

impl ErrorTracking {
    /// How many errors of one kind in the window give an alert; 1 to 1,000.
    pub const fn threshold(mut self, errors: usize) -> Self {
        self.threshold = errors;
        self
    }

    /// How far back errors count; 1 ms to 7 days.
    pub const fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Gives alerts for errors of these categories only. All are counted.
    pub fn alert_on(mut self, categories: impl IntoIterator<Item = Category>) -> Self {
        self.alert_on = categories.into_iter().collect();
        self
    }

    /// Refuses what cannot be.
    pub(crate) fn validate(&self) -> Result<()> {
        if !(1..=GREATEST_THRESHOLD).contains(&self.threshold) {
            return Err(refused("threshold", "1 to 1,000 errors"));
        }
        if !(SHORTEST_WINDOW..=LONGEST_WINDOW).contains(&self.window) {
            return Err(refused("window", "1 ms to 7 days"));
        }
        Ok(())
    }
}

impl Default for ErrorTracking {
    fn default() -> Self {
        let alert_on = Vec::from([
            Category::Validation,
            Category::Infrastructure,
            Category::Business,
            Category::System,
        ]);
        Self { threshold: 10, window: Duration::from_mins(5), alert_on }
    }
}
