//! Reading the log again: whatever matches, from a position on, as far as it goes.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use foundation::Result;

use crate::bus::{Bus, IntoPatterns, LogCore};
use crate::durable::{Start, start_position};
use crate::log::{LogEntry, LogPosition};
use crate::topic::Pattern;

/// How many entries are read at a time.
const PAGE: usize = 256;

/// Reads the log of a bus again. Made by [`Bus::replay`]. It subscribes to nothing, and nothing is
/// delivered on account of it.
#[must_use = "nothing is read until it is asked"]
pub struct Replay {
    core: Arc<LogCore>,
    patterns: Vec<Pattern>,
    position: LogPosition,
    /// How far what is ready was read.
    read_to: LogPosition,
    ready: VecDeque<LogEntry>,
}

impl Bus {
    /// Reads the log again: whatever matches, from a start on.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// use std::sync::Arc;
    ///
    /// use foundation::System;
    /// use signals::{Bus, MemoryLog, Signal, Start};
    ///
    /// let system = System::builder().name("shop").start().await?;
    /// let log = Arc::new(MemoryLog::new(&system));
    /// let bus = Bus::builder().log(log).start(&system).await?;
    /// for order in 1..=3 {
    ///     bus.publish(Signal::new(format!("order.{order}.shipped"), "/shop")).await?;
    /// }
    /// let mut replay = bus.replay("order.*.shipped", Start::Beginning).await?;
    /// let first = replay.next().await?.unwrap();
    /// assert_eq!(first.signal.topic().as_str(), "order.1.shipped");
    /// // Another one goes on where this one is.
    /// let mut rest = bus.replay("**", Start::After(replay.position())).await?;
    /// assert_eq!(rest.next().await?.unwrap().signal.topic().as_str(), "order.2.shipped");
    /// system.stop().await
    /// # })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `invalid_pattern`; `no_log` when the bus has none; whatever the log fails with.
    pub async fn replay(&self, patterns: impl IntoPatterns, start: Start) -> Result<Replay> {
        let patterns = patterns.into_patterns()?;
        let core = Arc::clone(&self.log_part()?.core);
        let position = start_position(&*core.log, start).await?;
        Ok(Replay { core, patterns, position, read_to: position, ready: VecDeque::new() })
    }
}

impl Replay {
    /// The next one that matches; none at the end of the log, for now. Given up, nothing is lost:
    /// the next call gives the same.
    ///
    /// # Errors
    ///
    /// `signal_gap` when it is behind what is kept: [`Self::skip`] goes on behind that; whatever
    /// the log fails with.
    pub async fn next(&mut self) -> Result<Option<LogEntry>> {
        loop {
            while let Some(entry) = self.ready.pop_front() {
                self.position = entry.position;
                if self.patterns.iter().any(|pattern| pattern.matches(entry.signal.topic())) {
                    return Ok(Some(entry));
                }
            }
            self.position = self.position.max(self.read_to);
            let page = self.core.log.read(self.position, PAGE).await?;
            let is_end = page.entries.is_empty() && page.read_to == self.read_to;
            self.read_to = page.read_to;
            self.ready = page.entries.into();
            if is_end {
                return Ok(None);
            }
        }
    }

    /// Behind what it has given, and looked at.
    #[must_use]
    pub const fn position(&self) -> LogPosition {
        self.position
    }

    /// Goes on behind a position, such as the [end](crate::gap_end) of a gap.
    pub fn skip(&mut self, position: LogPosition) {
        self.position = position;
        self.read_to = position;
        self.ready.clear();
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Replay");
        shown.field("patterns", &self.patterns).field("position", &self.position);
        shown.finish_non_exhaustive()
    }
}
