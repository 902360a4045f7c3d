//! Pressure: how much may be on its way to the disk at a time.
//!
//! Whoever decides takes a permit first, for one append of about so many bytes. It goes with the
//! append and is given back when the outcome is known. Without one left, whoever wants to append
//! waits, and so do those who want something of it. Completions of what was begun earlier have a
//! share of their own, so that they never wait for what they would make room for.

use std::sync::Arc;

use foundation::{Error, Result};
use tokio::sync::Semaphore;

use crate::codes;
use crate::error::too_large;
use crate::sync::{Mutex, MutexGuard};

/// How much may be on its way at a time, for each [`Share`]. Bytes are those that a permit was asked
/// for until its append is queued, and may then be more: what was overdrawn is missing later. Bytes
/// have to be at least [`Limits::append`](crate::Limits::append).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Pressure {
    /// Appends of the whole journal. 4,096: more make no group larger that the disk would notice.
    pub appends: u32,
    /// Bytes of the whole journal. 32 MiB: they are held in memory until they are durable.
    pub bytes: u32,
    /// Appends of one writer. 256.
    pub writer_appends: u32,
    /// Bytes of one writer. 8 MiB.
    pub writer_bytes: u32,
}

impl Default for Pressure {
    fn default() -> Self {
        Self { appends: 4096, bytes: 32 << 20, writer_appends: 256, writer_bytes: 8 << 20 }
    }
}

impl Pressure {
    /// Refuses what could never let the largest append through: for engines.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn check(&self, largest: usize) -> Result<()> {
        let fields = [
            ("pressure.appends", self.appends, 1),
            ("pressure.bytes", self.bytes, largest),
            ("pressure.writer_appends", self.writer_appends, 1),
            ("pressure.writer_bytes", self.writer_bytes, largest),
        ];
        for (field, value, least) in fields {
            if usize::try_from(value).unwrap_or(usize::MAX) < least {
                return Err(Error::from(foundation::codes::INVALID_OPTIONS)
                    .with_message(format!("{field} is {value}, and the least is {least}"))
                    .with_detail("field", field));
            }
        }
        Ok(())
    }
}

/// Whose share a permit is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Share {
    /// That of new work.
    #[default]
    New,
    /// That of completions and control, as large again: it is never used up by new work.
    Reserved,
}

/// A permit for one append. Dropped, it is given back.
#[derive(Debug)]
#[must_use = "dropped, it is given back"]
pub struct Permit {
    writer: Arc<Gates>,
    journal: Arc<Gates>,
    share: Share,
    bytes: u32,
}

/// The gates of a journal or of a writer, one pair for each share.
#[derive(Debug)]
pub(crate) struct Gates {
    new: Pair,
    reserved: Pair,
    most_bytes: u32,
}

#[derive(Debug)]
struct Pair {
    appends: Gate,
    bytes: Gate,
}

/// A number of permits that may be overdrawn: an append that turns out larger than was thought is
/// made all the same, and what it took too much is missing later.
#[derive(Debug)]
struct Gate {
    permits: Semaphore,
    debt: Mutex<u32>,
}

impl Permit {
    /// Waits for one of the writer, then of the journal: always in this order, so nobody who holds
    /// what another one waits for waits for that one.
    pub(crate) async fn take(
        writer: &Arc<Gates>,
        journal: &Arc<Gates>,
        share: Share,
        bytes: usize,
    ) -> Result<Self> {
        let most = writer.most_bytes.min(journal.most_bytes);
        let Some(bytes) = u32::try_from(bytes).ok().filter(|bytes| *bytes <= most) else {
            return Err(too_large("permit", bytes, usize::try_from(most).unwrap_or(usize::MAX)));
        };
        // Each step gives back what it has when a later one is given up.
        let of_writer = Taken::take(writer, share, bytes).await?;
        let of_journal = Taken::take(journal, share, bytes).await?;
        of_writer.keep();
        of_journal.keep();
        Ok(Self { writer: Arc::clone(writer), journal: Arc::clone(journal), share, bytes })
    }

    /// How many bytes it is for.
    #[must_use]
    pub const fn bytes(&self) -> u32 {
        self.bytes
    }

    /// Makes it one for as many bytes as the append has.
    pub(crate) fn settle(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        for gates in [&self.writer, &self.journal] {
            gates.pair(self.share).bytes.adjust(self.bytes, bytes);
        }
        self.bytes = bytes;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        for gates in [&self.writer, &self.journal] {
            gates.pair(self.share).give(self.bytes);
        }
    }
}

impl Gates {
    pub(crate) fn of_journal(pressure: &Pressure) -> Arc<Self> {
        Self::new(pressure.appends, pressure.bytes)
    }

    pub(crate) fn of_writer(pressure: &Pressure) -> Arc<Self> {
        Self::new(pressure.writer_appends, pressure.writer_bytes)
    }

    fn new(appends: u32, bytes: u32) -> Arc<Self> {
        let pair = || Pair { appends: Gate::new(appends), bytes: Gate::new(bytes) };
        Arc::new(Self { new: pair(), reserved: pair(), most_bytes: bytes })
    }

    const fn pair(&self, share: Share) -> &Pair {
        match share {
            Share::New => &self.new,
            Share::Reserved => &self.reserved,
        }
    }

    /// Nobody gets a permit any more.
    pub(crate) fn close(&self) {
        for gate in [&self.new, &self.reserved].iter().flat_map(|pair| [&pair.appends, &pair.bytes])
        {
            gate.permits.close();
        }
    }
}

/// What was taken from one pair of gates, until it is kept.
struct Taken<'a> {
    pair: &'a Pair,
    bytes: u32,
}

impl<'a> Taken<'a> {
    async fn take(gates: &'a Gates, share: Share, bytes: u32) -> Result<Self> {
        let pair = gates.pair(share);
        pair.appends.take(1).await?;
        let one = Taken { pair, bytes: 0 };
        pair.bytes.take(bytes).await?;
        one.keep();
        Ok(Taken { pair, bytes })
    }

    fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.pair.give(self.bytes);
    }
}

impl Pair {
    fn give(&self, bytes: u32) {
        self.appends.give(1);
        self.bytes.give(bytes);
    }
}

impl Gate {
    fn new(permits: u32) -> Self {
        let permits = usize::try_from(permits).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { permits: Semaphore::new(permits), debt: Mutex::new(0) }
    }

    async fn take(&self, count: u32) -> Result<()> {
        match self.permits.acquire_many(count).await {
            Ok(permits) => {
                permits.forget();
                Ok(())
            }
            Err(_closed) => Err(codes::STORE_CLOSED.into()),
        }
    }

    fn give(&self, count: u32) {
        let mut debt = self.debt();
        let paid = count.min(*debt);
        *debt -= paid;
        self.permits.add_permits(usize::try_from(count - paid).unwrap_or(0));
    }

    fn adjust(&self, from: u32, to: u32) {
        if to <= from {
            self.give(from - to);
        } else if let Ok(permits) = self.permits.try_acquire_many(to - from) {
            permits.forget();
        } else {
            let mut debt = self.debt();
            *debt = debt.saturating_add(to - from);
        }
    }

    fn debt(&self) -> MutexGuard<'_, u32> {
        self.debt.lock()
    }
}

#[cfg(test)]
mod tests;
