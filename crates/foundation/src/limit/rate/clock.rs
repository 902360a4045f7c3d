//! The runtime's clock, as governor reads it.

use std::ops::Add;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::nanos::Nanos;
use tokio::time::Instant;

/// Nanoseconds since the limiter was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(pub(super) u64);

/// Tells the time of the runtime, which tests can stop.
#[derive(Debug, Clone)]
pub(super) struct RuntimeClock {
    started: Instant,
}

impl RuntimeClock {
    pub(super) fn new() -> Self {
        Self { started: Instant::now() }
    }

    /// A clock, and something that reads it once when it is made and calls that moment 0, as a
    /// limiter of governor does. That moment is 0 for the clock too: it begins a little later than
    /// now, and stands still until then.
    pub(super) fn with<T>(make: impl Fn(Self) -> T) -> (Self, T) {
        let mut lead = Duration::ZERO;
        loop {
            let clock = Self { started: Instant::now() + lead };
            let reader = make(clock.clone());
            if clock.nanoseconds() == 0 {
                return (clock, reader);
            }
            // That took too long, and has twice as much time now. It takes none when time stands
            // still, as in tests.
            lead = (2 * lead).max(Duration::from_micros(1));
        }
    }

    /// Nanoseconds since the limiter was made.
    #[inline]
    pub(super) fn nanoseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Clock for RuntimeClock {
    type Instant = Moment;

    #[inline]
    fn now(&self) -> Moment {
        Moment(self.nanoseconds())
    }
}

impl Add<Nanos> for Moment {
    type Output = Self;

    fn add(self, nanoseconds: Nanos) -> Self {
        Self(self.0.saturating_add(nanoseconds.as_u64()))
    }
}

impl Reference for Moment {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_sub(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.as_u64()).unwrap_or(self.0))
    }
}
