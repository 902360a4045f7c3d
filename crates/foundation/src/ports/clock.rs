//! The wall clock.

use std::fmt;

use jiff::Timestamp;

/// Tells what time it is, for what is written down.
///
/// Nothing waits by it: a wall clock may be set back. It must not block, and never fails.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to it")]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "ban: clock, this is the port")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
