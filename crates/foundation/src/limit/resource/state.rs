//! What is in use of a resource, and at which level that is. Pure: it is told the time, in
//! nanoseconds since some moment, never going back.

use std::collections::BTreeMap;

/// How nearly a resource is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Backpressure {
    /// There is enough.
    Normal,
    /// It is time to slow down.
    Moderate,
    /// Only urgent work is given any.
    Severe,
}

/// In units: when each level begins, and when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Levels {
    pub(super) limit: u64,
    pub(super) moderate_above: u64,
    pub(super) moderate_until: u64,
    pub(super) severe_above: u64,
    pub(super) severe_until: u64,
}

/// All that is in use.
#[derive(Debug)]
pub(super) struct State {
    levels: Levels,
    /// How long a permit lives, in nanoseconds.
    lifetime: Option<u64>,
    /// By when they expire, and number.
    permits: BTreeMap<(u64, u64), u64>,
    /// The sum of the permits.
    held: u64,
    /// What those use who take no permits.
    observed: u64,
    numbers: u64,
    level: Backpressure,
}

/// A permit that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    expires: u64,
    number: u64,
    pub(super) units: u64,
}

/// Whom something is given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    Ordinary,
    Urgent,
}

/// Why nothing is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Exhausted,
    Backpressure,
}

/// The level has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: Backpressure,
    pub(super) to: Backpressure,
    pub(super) used: u64,
}

// === impl State ===

impl State {
    pub(super) const fn new(levels: Levels, lifetime: Option<u64>) -> Self {
        Self {
            levels,
            lifetime,
            permits: BTreeMap::new(),
            held: 0,
            observed: 0,
            numbers: 0,
            level: Backpressure::Normal,
        }
    }

    /// Gives `units`, or none.
    pub(super) fn acquire(
        &mut self,
        units: u64,
        urgency: Urgency,
        now: u64,
    ) -> Result<Ticket, Refused> {
        if units > self.levels.limit.saturating_sub(self.used()) {
            return Err(Refused::Exhausted);
        }
        if self.level == Backpressure::Severe && urgency == Urgency::Ordinary {
            return Err(Refused::Backpressure);
        }
        self.numbers += 1;
        let expires = self.lifetime.map_or(u64::MAX, |lifetime| now.saturating_add(lifetime));
        let ticket = Ticket { expires, number: self.numbers, units };
        self.permits.insert((expires, ticket.number), units);
        self.held += units;
        Ok(ticket)
    }

    /// Takes a permit back, unless it has expired.
    pub(super) fn release(&mut self, ticket: Ticket) {
        if let Some(units) = self.permits.remove(&(ticket.expires, ticket.number)) {
            self.held -= units;
        }
    }

    /// Whether a permit was taken back.
    pub(super) fn has_expired(&self, ticket: Ticket) -> bool {
        !self.permits.contains_key(&(ticket.expires, ticket.number))
    }

    /// What those use who take no permits.
    pub(super) const fn observe(&mut self, units: u64) {
        self.observed = units;
    }

    /// Takes the permits back that have lived long enough, and says how many.
    pub(super) fn expire(&mut self, now: u64) -> usize {
        let mut expired = 0;
        while let Some(first) = self.permits.first_entry() {
            if first.key().0 > now {
                break;
            }
            self.held -= first.remove();
            expired += 1;
        }
        expired
    }

    /// Goes to the level that what is in use has. To be called after each change.
    pub(super) fn settle(&mut self) -> Option<Change> {
        let (from, to) = (self.level, self.levels.next(self.level, self.used()));
        self.level = to;
        (from != to).then_some(Change { from, to, used: self.used() })
    }

    pub(super) const fn used(&self) -> u64 {
        self.held.saturating_add(self.observed)
    }

    pub(super) fn permits(&self) -> usize {
        self.permits.len()
    }

    pub(super) const fn level(&self) -> Backpressure {
        self.level
    }
}

impl Levels {
    /// The level that follows.
    const fn next(&self, level: Backpressure, used: u64) -> Backpressure {
        let severe_from = match level {
            Backpressure::Severe => self.severe_until,
            Backpressure::Normal | Backpressure::Moderate => self.severe_above,
        };
        let moderate_from = match level {
            Backpressure::Normal => self.moderate_above,
            Backpressure::Moderate | Backpressure::Severe => self.moderate_until,
        };
        if used > severe_from {
            Backpressure::Severe
        } else if used > moderate_from {
            Backpressure::Moderate
        } else {
            Backpressure::Normal
        }
    }
}
