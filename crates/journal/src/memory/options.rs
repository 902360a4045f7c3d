//! What a journal in memory is opened with.

use std::num::NonZeroU16;
use std::sync::Arc;

use foundation::{InSystem, Result};

use super::engine::MemoryEngine;
use crate::append::Limits;
use crate::codec::{Codec, Identity};
use crate::handle::Journal;
use crate::options::Retention;
use crate::permit::Pressure;

/// How a journal in memory is opened: for tests, and for what may be gone at exit.
///
/// | option | default |
/// |---|---|
/// | [`shards`](Self::shards) | 1 |
/// | [`limits`](Self::limits) | [`Limits::default`] |
/// | [`pressure`](Self::pressure) | [`Pressure::default`] |
/// | [`retention`](Self::retention) | [`Retention::default`] |
/// | [`codec`](Self::codec) | [`Identity`]: payloads are kept as they are |
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use std::num::NonZeroU16;
///
/// use foundation::System;
/// use journal::{Durability, MemoryOptions};
///
/// let system = System::builder().start().await?;
/// let shards = NonZeroU16::MIN.saturating_add(3);
/// let journal = MemoryOptions::default().shards(shards).open(&system)?;
/// assert_eq!(journal.shards(), shards);
/// assert_eq!(journal.durability(), Durability::Memory);
/// # system.stop().await
/// # })?;
/// # Ok::<_, foundation::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct MemoryOptions {
    pub(super) shards: NonZeroU16,
    pub(super) limits: Limits,
    pub(super) pressure: Pressure,
    pub(super) retention: Retention,
    pub(super) codec: Arc<dyn Codec>,
}

impl MemoryOptions {
    /// How many shards it has.
    pub const fn shards(mut self, shards: NonZeroU16) -> Self {
        self.shards = shards;
        self
    }

    /// How large things may be.
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How much may be on its way at a time.
    pub const fn pressure(mut self, pressure: Pressure) -> Self {
        self.pressure = pressure;
        self
    }

    /// For how long things are kept that no state needs any more.
    pub const fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// What payloads pass through.
    pub fn codec(mut self, codec: Arc<dyn Codec>) -> Self {
        self.codec = codec;
        self
    }

    /// An empty journal. It takes the time from the clock of the system, and keeps nothing of it
    /// running.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn open(&self, system: &impl InSystem) -> Result<Journal> {
        self.limits.check()?;
        self.pressure.check(self.limits.append)?;
        self.retention.check()?;
        Ok(Journal::new(Arc::new(MemoryEngine::new(self, system.home()))))
    }
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            shards: NonZeroU16::MIN,
            limits: Limits::default(),
            pressure: Pressure::default(),
            retention: Retention::default(),
            codec: Arc::new(Identity),
        }
    }
}
