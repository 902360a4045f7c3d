//! Messages that nobody handled, or of which nobody knows whether somebody did. Pure: it is told
//! the time.
//!
//! There are so many at most: with one more the oldest is dropped, and counted.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use foundation::{Error, Result};
use jiff::Timestamp;

use crate::codes;
use crate::signal::Signal;

/// Names a dead letter. Later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeadLetterId(u64);

/// A message that was not handled, or of which nobody knows whether it was.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Which one.
    pub id: DeadLetterId,
    /// To whom it was.
    pub to: Arc<str>,
    /// From whom.
    pub from: Arc<str>,
    /// What it says.
    pub signal: Signal,
    /// Why it is here: `buffer_overflowed`, `kept_too_long`, `no_such_receiver`,
    /// `outcome_unknown`, what the receiver refused it with, or what came of the last retry.
    pub reason: Error,
    /// When it first came here.
    pub since: Timestamp,
    /// How often it was offered to its receiver again from here.
    pub attempts: u32,
    /// Whether somebody may have handled it all the same.
    pub may_be_handled: bool,
}

/// Which dead letters are thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purge {
    /// All of them.
    All,
    /// Those that were sent again as often as may be, and those that are here for too long.
    Expired,
}

/// What of a message is kept when nobody gets it.
#[derive(Debug)]
pub(super) struct Remains {
    pub(super) to: Arc<str>,
    pub(super) from: Arc<str>,
    pub(super) signal: Signal,
    pub(super) attempts: u32,
    pub(super) past: Option<Past>,
}

/// What is known of a message that was a dead letter before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past {
    pub(super) id: DeadLetterId,
    pub(super) since: Timestamp,
    pub(super) may_be_handled: bool,
}

/// The dead letters of one coordination.
#[derive(Debug)]
pub(super) struct Letters {
    limits: Limits,
    all: BTreeMap<DeadLetterId, DeadLetter>,
    last: u64,
    dropped: u64,
}

/// How many there may be, how often each is sent again, and for how long it is of use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) capacity: usize,
    pub(super) max_attempts: u32,
    pub(super) expiry: Duration,
}

impl Letters {
    pub(super) const fn new(limits: Limits) -> Self {
        Self { limits, all: BTreeMap::new(), last: 0, dropped: 0 }
    }

    /// Keeps a message. Gives what is dropped for it.
    pub(super) fn bury(
        &mut self,
        remains: Remains,
        reason: Error,
        may_be_handled: bool,
        now: Timestamp,
    ) -> (DeadLetterId, Option<DeadLetter>) {
        let Remains { to, from, signal, attempts, past } = remains;
        let past = past.unwrap_or_else(|| {
            self.last += 1;
            Past { id: DeadLetterId(self.last), since: now, may_be_handled }
        });
        let Past { id, since, .. } = past;
        let may_be_handled = may_be_handled || past.may_be_handled;
        let letter = DeadLetter { id, to, from, signal, reason, since, attempts, may_be_handled };
        self.put(letter);
        (id, self.overflow())
    }

    /// Puts back one that was taken. Gives what is dropped for it.
    pub(super) fn put_back(&mut self, letter: DeadLetter) -> Option<DeadLetter> {
        self.put(letter);
        self.overflow()
    }

    /// Takes one out, to send it again.
    pub(super) fn take(&mut self, id: DeadLetterId) -> Result<DeadLetter> {
        let no_such = || Error::from(codes::NO_SUCH_DEAD_LETTER).with_detail("dead_letter", id.0);
        let letter = self.all.get(&id).ok_or_else(no_such)?;
        if letter.attempts >= self.limits.max_attempts {
            let error = Error::from(codes::ATTEMPTS_USED_UP).with_detail("dead_letter", id.0);
            return Err(error.with_detail("attempts", letter.attempts));
        }
        self.all.remove(&id).ok_or_else(no_such)
    }

    /// The oldest ones, so many at most.
    pub(super) fn list(&self, limit: usize) -> Vec<DeadLetter> {
        self.all.values().take(limit).cloned().collect()
    }

    pub(super) fn get(&self, id: DeadLetterId) -> Option<&DeadLetter> {
        self.all.get(&id)
    }

    /// Those that may be sent again without a second thought: nobody has handled them.
    pub(super) fn to_retry(&self) -> Vec<DeadLetterId> {
        let may_be = |letter: &&DeadLetter| {
            !letter.may_be_handled && letter.attempts < self.limits.max_attempts
        };
        self.all.values().filter(may_be).map(|letter| letter.id).collect()
    }

    /// Throws some away. Gives them.
    pub(super) fn purge(&mut self, which: Purge, now: Timestamp) -> Vec<DeadLetter> {
        let Limits { max_attempts, expiry, .. } = self.limits;
        let goes = |letter: &DeadLetter| match which {
            Purge::All => true,
            Purge::Expired => {
                let age = Duration::try_from(now.duration_since(letter.since));
                letter.attempts >= max_attempts || age.is_ok_and(|age| age > expiry)
            }
        };
        self.all.extract_if(.., |_, letter| goes(letter)).map(|(_, letter)| letter).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many were dropped because there were too many.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    fn put(&mut self, letter: DeadLetter) {
        self.all.insert(letter.id, letter);
    }

    fn overflow(&mut self) -> Option<DeadLetter> {
        if self.all.len() <= self.limits.capacity {
            return None;
        }
        self.dropped += 1;
        self.all.pop_first().map(|(_, letter)| letter)
    }
}

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl DeadLetter {
    /// What is to be known of it while it is sent again.
    pub(super) const fn past(&self) -> Past {
        Past { id: self.id, since: self.since, may_be_handled: self.may_be_handled }
    }
}
