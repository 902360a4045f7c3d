//! How a log in memory is made.

use foundation::{InSystem, Result};

use super::MemoryLog;
use super::entries::Room;
use crate::error::invalid_options;
use crate::log::entry::Retention;

/// As many signals as some hundred megabytes hold.
const SIGNALS: u64 = 1_000_000;
/// A part of the memory of most machines that their other programs do not miss.
const BYTES: u64 = 256 << 20;
/// What a hundred thousand subscriptions keep.
const PART_BYTES: usize = 64 << 20;

/// The options of a log in memory. Begin with [`MemoryLog::builder`].
///
/// | option | default | |
/// |---|---|---|
/// | [`retention`](Self::retention) | for ever | what is older or more is dropped by an append |
/// | [`max_signals`](Self::max_signals) | 1,000,000 | more are refused with `log_full` |
/// | [`max_bytes`](Self::max_bytes) | 256 MiB | likewise, by their size as JSON |
/// | [`max_part_bytes`](Self::max_part_bytes) | 64 MiB | what is kept for subscriptions |
#[derive(Debug, Clone, Copy)]
#[must_use = "there is no log until it is built"]
pub struct MemoryLogBuilder {
    pub(super) room: Room,
    pub(super) part_bytes: usize,
}

impl MemoryLogBuilder {
    pub(super) const fn new() -> Self {
        let room = Room { signals: SIGNALS, bytes: BYTES, retention: Retention::forever() };
        Self { room, part_bytes: PART_BYTES }
    }

    /// What the log keeps. Each append drops what is older or more, the oldest first; what is
    /// appended at one time is kept together at least until the next append.
    pub const fn retention(mut self, retention: Retention) -> Self {
        self.room.retention = retention;
        self
    }

    /// How many signals there may be. More are refused, unless the retention makes room for them.
    pub const fn max_signals(mut self, most: u64) -> Self {
        self.room.signals = most;
        self
    }

    /// How many bytes of signals there may be, about, by their size as JSON.
    pub const fn max_bytes(mut self, most: u64) -> Self {
        self.room.bytes = most;
        self
    }

    /// How many bytes there may be of the parts that are kept for subscriptions.
    pub const fn max_part_bytes(mut self, most: usize) -> Self {
        self.part_bytes = most;
        self
    }

    /// An empty log, which takes its times from the clock of the system.
    ///
    /// # Errors
    ///
    /// `invalid_options` for a log that has no room at all.
    pub fn build(self, system: &impl InSystem) -> Result<MemoryLog> {
        for (field, most) in [("max_signals", self.room.signals), ("max_bytes", self.room.bytes)] {
            if most == 0 {
                return Err(invalid_options(field, "there has to be room for something"));
            }
        }
        Ok(MemoryLog::with(self, system.home()))
    }
}
