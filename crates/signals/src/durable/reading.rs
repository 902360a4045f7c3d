//! How a runner reads on: what it is handed, or the log itself where it lags.

use foundation::Result;

use super::handle::Gap;
use super::options::Start;
use super::run::Runner;
use crate::log::{LogPosition, SignalLog, gap_end};
use crate::signal::Signal;

/// How many entries are read from the log at a time.
const PAGE: usize = 256;
/// How many gaps are kept.
const MOST_GAPS: usize = 16;

impl Runner {
    /// Reads on, as far as there is room. Whether there may be more right now.
    pub(super) async fn read(&mut self) -> Result<bool> {
        let room = self.state.room();
        if room == 0 {
            return Ok(false);
        }
        let done = self.shared.core.done();
        let fed = self.shared.feed.take(room);
        if fed.is_live || !fed.entries.is_empty() {
            for entry in fed.entries {
                self.take_in(entry.position, entry.signal);
            }
            if fed.is_live && fed.is_empty {
                self.state.read_up_to(done);
            }
            return Ok(!fed.is_live);
        }
        self.read_log(room).await
    }

    /// Reads the log itself, until it has caught up with whoever reads the tail.
    async fn read_log(&mut self, mut room: usize) -> Result<bool> {
        // From here on everything that matches is handed on; what may have been missed is read
        // first.
        self.shared.feed.go_live();
        let handed_on = self.shared.core.begun();
        let after = self.state.read_to();
        let page = match self.log.read(after, PAGE).await {
            Ok(page) => page,
            Err(error) => {
                // What was to be read first was not, so that what is handed on is not complete.
                self.shared.feed.stop();
                let to = gap_end(&error).ok_or(error)?;
                self.lose(Gap { from: after, to });
                return Ok(true);
            }
        };
        for entry in page.entries {
            if !self.shared.is_about(&entry) {
                continue;
            }
            if room == 0 {
                // It is read again when there is room.
                self.shared.feed.stop();
                return Ok(true);
            }
            self.take_in(entry.position, entry.signal);
            room -= 1;
        }
        self.state.read_up_to(page.read_to);
        if self.state.read_to() < handed_on {
            self.shared.feed.stop();
            return Ok(true);
        }
        Ok(false)
    }

    fn take_in(&mut self, position: LogPosition, signal: Signal) {
        self.state.read(position, signal);
    }

    /// Something is no longer kept.
    fn lose(&mut self, gap: Gap) {
        let (subscription, from, to) = (&*self.shared.name, gap.from.get(), gap.to.get());
        tracing::error!(subscription, from, to, "signals.gap");
        self.kept.gaps.push(gap);
        let too_many = self.kept.gaps.len().saturating_sub(MOST_GAPS);
        self.kept.gaps.drain(..too_many);
        self.state.read_up_to(gap.to);
    }
}

/// Where a subscription or a replay begins.
pub(crate) async fn start_position(log: &dyn SignalLog, start: Start) -> Result<LogPosition> {
    match start {
        Start::Now => Ok(log.bounds().await?.end),
        Start::Beginning => Ok(log.bounds().await?.kept_after),
        Start::After(position) => Ok(position),
        Start::At(time) => log.position_at(time).await,
    }
}
