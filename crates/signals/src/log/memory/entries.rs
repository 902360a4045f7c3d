//! The signals of a log in memory: in segments, so that an append moves none of those before it.

use std::collections::VecDeque;
use std::time::Duration;

use foundation::{Error, Result};
use jiff::{SignedDuration, Timestamp};

use crate::codes;
use crate::log::entry::{LogBounds, LogEntry, LogPage, LogPosition, Retained, Retention, gap};
use crate::signal::Signal;

/// How many signals a segment has. A smaller one is allocated more often; a larger one is more to
/// allocate within one append.
const SEGMENT: usize = 1024;

/// The signals that are kept. Their positions are next to each other.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// All but the first and the last have `SEGMENT` signals.
    segments: VecDeque<VecDeque<Stored>>,
    kept_after: u64,
    count: u64,
    bytes: u64,
    /// When the last one was appended that ever was.
    last_at: Option<Timestamp>,
}

/// A signal that is kept, or was.
#[derive(Debug)]
pub(super) struct Stored {
    at: Timestamp,
    bytes: u64,
    signal: Signal,
}

/// A signal that comes, and its size.
pub(super) type Sized = (u64, Signal);

/// What a log has room for, and what it drops by itself to make room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) signals: u64,
    pub(super) bytes: u64,
    pub(super) retention: Retention,
}

/// So many signals, of so many bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Amount {
    count: u64,
    bytes: u64,
}

impl Entries {
    /// Takes all of the signals, or leaves them where they are. Gives the position of the first,
    /// and what was dropped to make room.
    pub(super) fn append(
        &mut self,
        signals: &mut Vec<Sized>,
        now: Timestamp,
        room: &Room,
    ) -> Result<(u64, Vec<Stored>)> {
        let count = u64::try_from(signals.len()).unwrap_or(u64::MAX);
        let coming = Amount { count, bytes: signals.iter().map(|(bytes, _)| *bytes).sum() };
        let at = self.not_before_the_last(now);
        let surplus = self.surplus(room.retention, at, coming);
        check("signals", self.count - surplus.count + coming.count, room.signals)?;
        check("bytes", self.bytes - surplus.bytes + coming.bytes, room.bytes)?;
        let dropped = self.drop_front(surplus.count);
        let first = self.end() + 1;
        for (bytes, signal) in signals.drain(..) {
            self.push(Stored { at, bytes, signal });
        }
        self.last_at = Some(at);
        Ok((first, dropped))
    }

    /// What is behind `after`, `limit` at most.
    pub(super) fn read(&self, after: LogPosition, limit: usize) -> Result<LogPage> {
        let Some(passed) = after.get().checked_sub(self.kept_after) else {
            return Err(gap(after, LogPosition::new(self.kept_after)));
        };
        let begin = usize::try_from(passed).unwrap_or(usize::MAX);
        let left = self.count.saturating_sub(passed);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(limit);
        let mut entries = Vec::with_capacity(count);
        let positions = after.get().saturating_add(1)..;
        for (number, stored) in positions.zip(self.from(begin)).take(count) {
            let position = LogPosition::new(number);
            entries.push(LogEntry::new(position, stored.at, stored.signal.clone()));
        }
        let read_to = entries.last().map_or(after, |entry| entry.position);
        Ok(LogPage::new(entries, read_to))
    }

    /// Behind which position everything that is kept is of `time` or later.
    pub(super) fn position_at(&self, time: Timestamp) -> LogPosition {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            let is_earlier = self.get(middle).is_some_and(|stored| stored.at < time);
            if is_earlier {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        LogPosition::new(self.kept_after + low)
    }

    /// Drops what `retention` does not keep, which is given back to be dropped elsewhere.
    pub(super) fn retain(
        &mut self,
        retention: Retention,
        now: Timestamp,
    ) -> (Retained, Vec<Stored>) {
        let now = self.not_before_the_last(now);
        let surplus = self.surplus(retention, now, Amount::default());
        let dropped = self.drop_front(surplus.count);
        (Retained::new(surplus.count, self.count), dropped)
    }

    pub(super) const fn bounds(&self) -> LogBounds {
        LogBounds::new(LogPosition::new(self.kept_after), LogPosition::new(self.end()))
    }

    /// The time now; a clock that is set back does not make signals older than those before them.
    fn not_before_the_last(&self, now: Timestamp) -> Timestamp {
        self.last_at.map_or(now, |last| now.max(last))
    }

    const fn end(&self) -> u64 {
        self.kept_after + self.count
    }

    /// How much at the beginning is over what is kept, when `coming` is there too. Looks at no more
    /// than that.
    fn surplus(&self, retention: Retention, now: Timestamp, coming: Amount) -> Amount {
        let most = retention.count.unwrap_or(u64::MAX);
        let over = (self.count + coming.count).saturating_sub(most);
        let most = retention.bytes.unwrap_or(u64::MAX);
        let mut surplus = Amount::default();
        for stored in self.from(0) {
            let left = self.bytes - surplus.bytes + coming.bytes;
            let has_passed = retention.age.is_some_and(|age| is_older(stored.at, now, age));
            if surplus.count >= over && left <= most && !has_passed {
                break;
            }
            surplus.count += 1;
            surplus.bytes += stored.bytes;
        }
        surplus
    }

    fn push(&mut self, stored: Stored) {
        self.count += 1;
        self.bytes += stored.bytes;
        match self.segments.back_mut() {
            Some(last) if last.len() < SEGMENT => last.push_back(stored),
            Some(_) => {
                let mut segment = VecDeque::with_capacity(SEGMENT);
                segment.push_back(stored);
                self.segments.push_back(segment);
            }
            // Many logs are small.
            None => self.segments.push_back(VecDeque::from([stored])),
        }
    }

    fn drop_front(&mut self, count: u64) -> Vec<Stored> {
        let mut dropped = Vec::new();
        for _ in 0..count {
            let Some(stored) = self.pop_front() else { break };
            self.kept_after += 1;
            self.count -= 1;
            self.bytes -= stored.bytes;
            dropped.push(stored);
        }
        dropped
    }

    fn pop_front(&mut self) -> Option<Stored> {
        let stored = self.segments.front_mut()?.pop_front();
        if self.segments.front().is_some_and(VecDeque::is_empty) {
            self.segments.pop_front();
        }
        stored
    }

    /// The signal so far behind the first.
    fn get(&self, index: u64) -> Option<&Stored> {
        self.from(usize::try_from(index).ok()?).next()
    }

    /// The signals from the one on that is so far behind the first. To find it takes no longer in a
    /// long log.
    fn from(&self, index: usize) -> impl Iterator<Item = &Stored> {
        let first = self.segments.front().map_or(0, VecDeque::len);
        let (segment, within) = match index.checked_sub(first) {
            None => (0, index),
            Some(rest) => (1 + rest / SEGMENT, rest % SEGMENT),
        };
        let tail = self.segments.get(segment).into_iter();
        let tail = tail.flat_map(move |segment| segment.range(within.min(segment.len())..));
        let rest = self.segments.range((segment + 1).min(self.segments.len())..);
        tail.chain(rest.flatten())
    }
}

/// Whether it has been kept for `age`.
fn is_older(at: Timestamp, now: Timestamp, age: Duration) -> bool {
    // What is longer than can be counted is for ever.
    SignedDuration::try_from(age).is_ok_and(|age| now.duration_since(at) >= age)
}

fn check(limit: &str, wanted: u64, most: u64) -> Result<()> {
    if wanted <= most {
        return Ok(());
    }
    let error = Error::from(codes::LOG_FULL).with_detail("limit", limit);
    Err(error.with_detail("most", most).with_detail("wanted", wanted))
}

#[cfg(test)]
mod tests;
