//! What a journal promises, and for how long it keeps what nobody needs any more.

use std::time::Duration;

use foundation::{Error, Result, codes};

/// What survives. A property of the store, chosen when it is created.
///
/// ## `Sync`
///
/// When a call returns Ok, its effect on state survives kill -9, a crash of the machine and a power
/// cut, provided the disk honours fsync. When it returns an error or the process dies first, the
/// effect is there wholly or not at all, and a retry with the same key within its retention finds
/// it.
///
/// ## `Process`
///
/// Survives kill -9 and panics. A power cut may lose the whole store; keep backups.
///
/// ## `Memory`
///
/// Gone at exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// Survives a power cut.
    #[default]
    Sync,
    /// Survives the end of the process.
    Process,
    /// Gone at exit.
    Memory,
}

impl Durability {
    /// Its name, as it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Process => "process",
            Self::Memory => "memory",
        }
    }
}

/// For how long things are kept that no state needs any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Retention {
    /// Signals: for how long. 7 days.
    pub signals_for: Duration,
    /// Signals: how many bytes, of all shards on redb and of each in memory. 1 GiB; the oldest of a
    /// shard go first.
    pub signal_bytes: u64,
    /// Tombstones: for how long the name of a deleted stream is refused. 7 days.
    pub tombstones_for: Duration,
    /// Blobs that no stream holds: for how long. 1 hour, which is the longest that may pass between
    /// two chunks, and from the last one until a stream holds it.
    pub blobs_for: Duration,
    /// The log, for readers that are behind, once it is folded: how many bytes. 16 MiB.
    pub log_bytes: u64,
}

/// Retention longer than this is for ever, and spelled [`Duration::MAX`].
const LONGEST: Duration = Duration::from_hours(24 * 366 * 100);

impl Default for Retention {
    fn default() -> Self {
        Self {
            signals_for: Duration::from_hours(24 * 7),
            signal_bytes: 1 << 30,
            tombstones_for: Duration::from_hours(24 * 7),
            blobs_for: Duration::from_hours(1),
            log_bytes: 16 << 20,
        }
    }
}

impl Retention {
    /// Refuses what cannot be.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn check(&self) -> Result<()> {
        let times = [
            ("retention.signals_for", self.signals_for),
            ("retention.tombstones_for", self.tombstones_for),
            ("retention.blobs_for", self.blobs_for),
        ];
        match times.into_iter().find(|(_, time)| *time > LONGEST && *time != Duration::MAX) {
            None => Ok(()),
            Some((field, _)) => Err(Error::from(codes::INVALID_OPTIONS)
                .with_message(format!("{field} is over 100 years; for ever is Duration::MAX"))
                .with_detail("field", field)),
        }
    }
}
