//! Counting errors, and telling whoever listens when there are too many of one kind.
//!
//! - **An error is counted once**: when it is stamped, as it leaves the actor or the scope it
//!   happened in, by the tracker of its system. Others are counted by whoever
//!   [finds](ErrorTracker::track) them.
//! - **A kind of error is its code and its category.** Each is counted in a window that slides.
//! - **A threshold is crossed once**: there is one alert when the count comes to it, and none more
//!   until it has been below.

mod handle;
mod options;
mod state;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use handle::ErrorTracker;
pub use options::ErrorTracking;

use crate::error::Category;
use crate::listen::Event;

/// What a listener hears when errors of one kind have come to the threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorAlert {
    /// The code of the errors.
    pub code: Arc<str>,
    /// Their category.
    pub category: Category,
    /// How many there are in the window: as many as the threshold.
    pub count: usize,
    /// How long the window is.
    pub window: Duration,
    /// When the last one was counted, by the wall clock of the system, read before it was.
    pub at: Timestamp,
    /// How many alerts the listener was not told of, before this one or right after it, because too
    /// many waited.
    pub missed: u64,
}

/// How many errors of one kind there are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorCount {
    /// Their code.
    pub code: Arc<str>,
    /// Their category.
    pub category: Category,
    /// How many there are in the window, to a sixtieth of it: errors are counted until all of the
    /// sixtieth in which they happened is too old.
    pub recent: usize,
    /// How many there were since this kind was first seen.
    pub total: u64,
    /// Whether there are as many as the threshold, so that an alert was given.
    pub alerting: bool,
}

impl Event for ErrorAlert {
    fn missed(&mut self) -> &mut u64 {
        &mut self.missed
    }
}

#[cfg(test)]
mod tests;
