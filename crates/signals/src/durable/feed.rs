//! What whoever reads the tail of the log hands on to a durable subscription, so that one which
//! keeps up does not read the log itself.

use std::collections::VecDeque;

use crate::log::LogEntry;
use crate::sync::Mutex;

/// How many entries may wait. Whoever lags by more reads the log.
const MOST_WAITING: usize = 1024;

/// Entries that match, in order, with none missing since it went live.
#[derive(Debug, Default)]
pub(super) struct Feed(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Whether everything that matches is handed on.
    live: bool,
    waiting: VecDeque<LogEntry>,
}

/// What is in a feed.
#[derive(Debug, PartialEq)]
pub(super) struct Fed {
    pub(super) entries: Vec<LogEntry>,
    /// Whether there is nothing else in it.
    pub(super) is_empty: bool,
    /// Whether it is complete: if not, the log has to be read on behind the last entry.
    pub(super) is_live: bool,
}

impl Feed {
    /// Hands an entry on, while it is live. False when it is not, or not any more.
    pub(super) fn push(&self, entry: &LogEntry) -> bool {
        let mut inner = self.0.lock();
        if inner.live && inner.waiting.len() == MOST_WAITING {
            inner.live = false;
        }
        if inner.live {
            inner.waiting.push_back(entry.clone());
        }
        inner.live
    }

    /// Whether everything that matches is handed on.
    pub(super) fn is_live(&self) -> bool {
        self.0.lock().live
    }

    /// Begins anew: whatever is handed on from here on is there.
    pub(super) fn go_live(&self) {
        let mut inner = self.0.lock();
        inner.live = true;
        let before = std::mem::take(&mut inner.waiting);
        drop(inner);
        drop(before);
    }

    /// Nothing is handed on any more.
    pub(super) fn stop(&self) {
        let mut inner = self.0.lock();
        inner.live = false;
        let before = std::mem::take(&mut inner.waiting);
        drop(inner);
        drop(before);
    }

    /// Takes out the first entries, `most` of them.
    pub(super) fn take(&self, most: usize) -> Fed {
        let mut inner = self.0.lock();
        let count = most.min(inner.waiting.len());
        let entries = inner.waiting.drain(..count).collect();
        Fed { entries, is_empty: inner.waiting.is_empty(), is_live: inner.live }
    }
}

#[cfg(test)]
mod tests;
