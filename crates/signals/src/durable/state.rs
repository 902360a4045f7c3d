//! One durable subscription, as a machine: what is delivered next, what is settled, what is given
//! up. Pure: it is told what happens and what time it is, and says what is to be done.
//!
//! - **The cursor is contiguous**: everything that matches up to it is settled. A later
//!   acknowledgement does not move it past an earlier signal that is open.
//! - **At least once**: what was delivered and not settled in time is delivered again, after a wait
//!   that doubles, and is given up after so many attempts. Its time begins when everything is
//!   settled that was delivered before it: until then it waits in the consumer's inbox.
//! - **Whoever ends with the consumer is not charged with it**, except for the one that the
//!   consumer was at: that one then goes alone, so that a signal which ends its consumer every time
//!   takes no other with it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use foundation::Backoff;

use crate::log::LogPosition;

/// How many dead letters behind the cursor are kept from being delivered again after a restart:
/// what is written of them has to fit into one part with all else, and more than that come at least
/// once.
const MOST_BURIED: usize = 10_000;

/// How a durable subscription delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules {
    /// How many are delivered and not settled, or wait to be delivered again, at a time.
    pub(super) max_in_flight: usize,
    /// How long the consumer may take.
    pub(super) ack_deadline: Duration,
    /// How often one is delivered at most.
    pub(super) max_attempts: u32,
    /// How long it waits after an attempt.
    pub(super) backoff: Backoff,
}

/// The state of one durable subscription. `T` is whatever is delivered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State<T> {
    rules: Rules,
    cursor: LogPosition,
    read_to: LogPosition,
    delivered_to: LogPosition,
    /// Which attempt comes next of those that were kept and are not read yet.
    remembered: BTreeMap<LogPosition, u32>,
    /// Dead letters behind the cursor.
    buried: BTreeSet<LogPosition>,
    /// What matches behind the cursor, and is not forgotten.
    open: BTreeMap<LogPosition, Open<T>>,
    /// Dead letters that are to be delivered once more. They have nothing to do with the cursor.
    redriven: BTreeMap<LogPosition, Open<T>>,
    /// Which one goes alone, because it may have ended a consumer.
    alone: Option<LogPosition>,
    /// Whether it is known, and charged, what the consumer ends over.
    is_explained: bool,
    /// How many were delivered.
    delivered: u64,
    /// Which of those in flight was delivered first, and since when that is so: what comes behind
    /// it waits in the consumer's inbox, and its time has not begun.
    turn: Option<(u64, Duration)>,
}

#[derive(Debug, Clone, PartialEq)]
struct Open<T> {
    what: T,
    /// Which attempt is under way, or comes next; from 1.
    attempt: u32,
    phase: Phase,
    /// Whether it is a dead letter until it is acknowledged.
    is_dead: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// To be delivered.
    Ready,
    /// Delivered, as the how many-th.
    InFlight { nth: u64 },
    /// To be delivered when it is that time. `dropped`: because it was let go of unsettled, which
    /// may be because the consumer is ending.
    Waiting { until: Duration, dropped: bool },
    /// Over, and behind one that is not.
    Settled,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settlement {
    /// Handled.
    Acknowledged,
    /// Not handled, as the consumer says; and whether it may be tried again.
    Refused { again: bool },
    /// Let go of without a word, in a panic or not.
    Dropped { in_panic: bool },
}

/// What is to be done with one signal.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step<T> {
    /// It is to be delivered, for the how many-th time.
    Deliver { position: LogPosition, what: T, attempt: u32 },
    /// It is a dead letter from now on, after so many attempts.
    /// One that `was_redriven` was one before.
    Bury { position: LogPosition, what: T, attempts: u32, because: Because, was_redriven: bool },
    /// It is no dead letter any more.
    Unbury { position: LogPosition },
}

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Because {
    /// The consumer said so.
    Refused,
    /// The consumer took too long.
    TooLate,
    /// The consumer let go of it.
    Dropped,
    /// The consumer ended over it.
    Ended,
}

/// What has to survive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// Everything that matches up to here is settled.
    pub(super) cursor: LogPosition,
    /// Up to here some may have been delivered.
    pub(super) delivered_to: LogPosition,
    /// Of those behind the cursor, which attempt comes next where it is not the first.
    pub(super) attempts: BTreeMap<LogPosition, u32>,
    /// Of those behind the cursor, which are dead letters, and not to be delivered again.
    pub(super) buried: BTreeSet<LogPosition>,
}

impl<T: Clone> State<T> {
    /// As it was kept. Whatever was under way then is to be delivered again.
    pub(super) fn new(rules: Rules, kept: &Kept) -> Self {
        Self {
            rules,
            cursor: kept.cursor,
            read_to: kept.cursor,
            delivered_to: kept.delivered_to,
            remembered: kept.attempts.clone(),
            buried: kept.buried.clone(),
            open: BTreeMap::new(),
            redriven: BTreeMap::new(),
            alone: None,
            is_explained: false,
            delivered: 0,
            turn: None,
        }
    }

    /// What has to survive.
    pub(super) fn kept(&self) -> Kept {
        // One that is over its attempts is given up unless its consumer has ended, which is not
        // known.
        let attempt = |open: &Open<T>| open.attempt.min(self.rules.max_attempts);
        let again = self.open.iter().filter(|(_, open)| attempt(open) > 1 && !open.is_settled());
        let again = again.map(|(position, open)| (*position, attempt(open)));
        let remembered = self.remembered.iter().map(|(position, attempt)| (*position, *attempt));
        Kept {
            cursor: self.cursor,
            delivered_to: self.delivered_to.max(self.cursor),
            attempts: remembered.chain(again).collect(),
            buried: self.buried.iter().take(MOST_BURIED).copied().collect(),
        }
    }

    /// How it delivers from now on. What is under way is not changed.
    pub(super) const fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// Everything that matches up to here is settled.
    pub(super) const fn cursor(&self) -> LogPosition {
        self.cursor
    }

    /// Up to here the log was read.
    pub(super) const fn read_to(&self) -> LogPosition {
        self.read_to
    }

    /// How many more it takes in: enough that settled ones behind an open one do not stop it, few
    /// enough that memory is bounded.
    pub(super) fn room(&self) -> usize {
        self.rules.max_in_flight.saturating_mul(4).saturating_sub(self.open.len())
    }

    /// How many are delivered and not settled.
    pub(super) fn in_flight(&self) -> usize {
        self.all().filter(|(_, open)| matches!(open.phase, Phase::InFlight { .. })).count()
    }

    /// How many wait to be delivered.
    pub(super) fn waiting(&self) -> usize {
        let waits = |open: &Open<T>| matches!(open.phase, Phase::Ready | Phase::Waiting { .. });
        self.all().filter(|(_, open)| waits(open)).count()
    }

    /// One that matches was read. Those that were read before are known already.
    pub(super) fn read(&mut self, position: LogPosition, what: T) {
        if position > self.read_to {
            let attempt = self.remembered.remove(&position).unwrap_or(1);
            // A dead letter is not delivered again, except when somebody wants it redriven.
            let is_over = self.buried.contains(&position) || self.redriven.contains_key(&position);
            let phase = if is_over { Phase::Settled } else { Phase::Ready };
            self.open.insert(position, Open { what, attempt, phase, is_dead: false });
            self.read_to = position;
            if is_over {
                self.advance();
            }
        }
    }

    /// Nothing else matches up to there.
    pub(super) fn read_up_to(&mut self, position: LogPosition) {
        self.read_to = self.read_to.max(position);
        // What is not there any more, or does not match any more.
        while let Some(first) = self.remembered.first_entry()
            && *first.key() <= self.read_to
        {
            first.remove();
        }
        self.advance();
    }

    /// Whether one that is not settled is known.
    pub(super) fn has_open(&self) -> bool {
        self.open.values().any(|open| !open.is_settled())
    }

    /// Whether something is still to come of one.
    pub(super) fn is_open(&self, position: LogPosition) -> bool {
        let open = self.redriven.get(&position).or_else(|| self.open.get(&position));
        open.is_some_and(|open| !open.is_settled())
    }

    /// A consumer may have ended over the first one that was delivered, because the process did.
    pub(super) fn recovered(&mut self, now: Duration) -> Option<Step<T>> {
        let (first, _) = self.open.iter().find(|(_, open)| !open.is_settled())?;
        let first = *first;
        (first <= self.delivered_to).then(|| self.charge_with_end(first, now)).flatten()
    }

    /// A dead letter is to be delivered once more.
    pub(super) fn redrive(&mut self, position: LogPosition, what: T) {
        if let Some(open) = self.open.get_mut(&position).filter(|open| !open.is_settled()) {
            // It is delivered again anyhow, because somebody has sought back.
            open.is_dead = true;
            return;
        }
        let open = Open { what, attempt: 1, phase: Phase::Ready, is_dead: true };
        self.redriven.entry(position).or_insert(open);
    }

    /// One that was redriven is not to be delivered any more.
    pub(super) fn forget_redriven(&mut self, position: LogPosition) {
        if self.redriven.remove(&position).is_some() && self.alone == Some(position) {
            self.alone = None;
        }
    }

    /// What is to be delivered now, in order; of what was not given up before only `with_new`.
    pub(super) fn deliver(&mut self, now: Duration, with_new: bool) -> Vec<Step<T>> {
        let taken = |open: &&mut Open<T>| {
            matches!(open.phase, Phase::InFlight { .. } | Phase::Waiting { .. })
        };
        let mut room = self.rules.max_in_flight;
        room = room.saturating_sub(self.open.values_mut().filter(taken).count());
        room = room.saturating_sub(self.redriven.values_mut().filter(taken).count());
        let mut steps = Vec::new();
        // One that is held back does not hold back the others.
        let goes = |one: &LogPosition| with_new || self.redriven.contains_key(one);
        let alone = self.alone.filter(goes);
        let new = self.open.iter_mut().filter(|_| with_new);
        for (position, open) in new.chain(&mut self.redriven) {
            if room == 0 {
                break;
            }
            if open.phase != Phase::Ready || alone.is_some_and(|alone| alone != *position) {
                continue;
            }
            self.delivered += 1;
            open.phase = Phase::InFlight { nth: self.delivered };
            room -= 1;
            let (position, what, attempt) = (*position, open.what.clone(), open.attempt);
            steps.push(Step::Deliver { position, what, attempt });
        }
        let delivered = self.open.iter().rfind(|(_, open)| open.phase != Phase::Ready);
        if let Some((position, _)) = delivered {
            self.delivered_to = self.delivered_to.max(*position);
        }
        self.take_turns(now);
        steps
    }

    /// A delivery could not be made after all: it comes next again, and is not charged.
    pub(super) fn undelivered(&mut self, position: LogPosition) {
        if let Some(open) = self.find(position) {
            open.phase = Phase::Ready;
        }
    }

    /// A delivery is over. One that was delivered again since is settled by whichever
    /// acknowledgement comes first, and charged with the attempt that is under way only.
    pub(super) fn settled(
        &mut self,
        position: LogPosition,
        attempt: u32,
        settlement: Settlement,
        now: Duration,
    ) -> Option<Step<T>> {
        let open = self.find(position)?;
        if open.is_settled() {
            return None;
        }
        let step = match settlement {
            Settlement::Acknowledged => self.over(position),
            _ if open.attempt != attempt || !matches!(open.phase, Phase::InFlight { .. }) => None,
            Settlement::Refused { again: true } => self.failed(position, now, Because::Refused),
            Settlement::Refused { again: false } => Some(self.bury(position, Because::Refused)?),
            Settlement::Dropped { in_panic: true } => {
                self.is_explained = true;
                let buried = self.failed(position, now, Because::Ended);
                if buried.is_none() {
                    self.alone = Some(position);
                }
                buried
            }
            Settlement::Dropped { in_panic: false } => self.failed(position, now, Because::Dropped),
        };
        self.take_turns(now);
        step
    }

    /// The consumer has ended. What it had is to be delivered to the next one; what it was at is
    /// charged.
    pub(super) fn consumer_ended(&mut self, now: Duration) -> Option<Step<T>> {
        let mut first = None;
        for (position, open) in self.open.iter_mut().chain(&mut self.redriven) {
            match open.phase {
                Phase::InFlight { .. } => {}
                Phase::Waiting { dropped: true, .. } => open.attempt -= 1,
                Phase::Waiting { dropped: false, .. } | Phase::Ready | Phase::Settled => continue,
            }
            open.phase = Phase::Ready;
            first.get_or_insert(*position);
        }
        // One that was let go of in a panic is what ended it.
        if std::mem::take(&mut self.is_explained) {
            return None;
        }
        let step = self.charge_with_end(first?, now);
        self.take_turns(now);
        step
    }

    /// The consumer has it no more, and goes on: what it had is to be delivered to the next one,
    /// and is charged to nobody.
    pub(super) fn released(&mut self, now: Duration) {
        for open in self.open.values_mut().chain(self.redriven.values_mut()) {
            if matches!(open.phase, Phase::InFlight { .. }) {
                open.phase = Phase::Ready;
            }
        }
        self.take_turns(now);
    }

    /// Time passes: what took too long, or was given up.
    pub(super) fn tick(&mut self, now: Duration) -> Vec<Step<T>> {
        self.take_turns(now);
        let late =
            self.first_in_flight().filter(|_| self.turn_ends().is_some_and(|end| end <= now));
        let mut dropped = Vec::new();
        let most = self.rules.max_attempts;
        for (position, open) in self.open.iter_mut().chain(&mut self.redriven) {
            match open.phase {
                Phase::Waiting { until, .. } if until <= now && open.attempt > most => {
                    open.attempt -= 1;
                    dropped.push(*position);
                }
                Phase::Waiting { until, .. } if until <= now => open.phase = Phase::Ready,
                _ => {}
            }
        }
        let late = late.and_then(|(_, position)| self.failed(position, now, Because::TooLate));
        self.take_turns(now);
        let dropped = dropped.into_iter().filter_map(|one| self.bury(one, Because::Dropped));
        dropped.chain(late).collect()
    }

    /// When it has to be told the time again.
    pub(super) fn wakes(&self) -> Option<Duration> {
        let until = |(_, open): (_, &Open<T>)| match open.phase {
            Phase::Waiting { until, .. } => Some(until),
            Phase::InFlight { .. } | Phase::Ready | Phase::Settled => None,
        };
        self.all().filter_map(until).chain(self.turn_ends()).min()
    }

    /// The one of those in flight that was delivered first.
    fn first_in_flight(&self) -> Option<(u64, LogPosition)> {
        let in_flight = self.all().filter_map(|(position, open)| match open.phase {
            Phase::InFlight { nth } => Some((nth, *position)),
            _ => None,
        });
        in_flight.min()
    }

    /// Whose turn it is at the consumer, and since when.
    fn take_turns(&mut self, now: Duration) {
        let first = self.first_in_flight().map(|(nth, _)| nth);
        if self.turn.map(|(nth, _)| nth) != first {
            self.turn = first.map(|nth| (nth, now));
        }
    }

    /// When whose turn it is has taken too long.
    fn turn_ends(&self) -> Option<Duration> {
        let (_, since) = self.turn?;
        Some(since.saturating_add(self.rules.ack_deadline))
    }

    fn all(&self) -> impl Iterator<Item = (&LogPosition, &Open<T>)> {
        self.open.iter().chain(&self.redriven)
    }

    fn find(&mut self, position: LogPosition) -> Option<&mut Open<T>> {
        // One that is redriven may also be a settled one behind one that is open.
        match self.redriven.get_mut(&position) {
            Some(open) => Some(open),
            None => self.open.get_mut(&position),
        }
    }

    fn over(&mut self, position: LogPosition) -> Option<Step<T>> {
        if self.alone == Some(position) {
            self.alone = None;
        }
        if self.redriven.remove(&position).is_some() {
            self.buried.remove(&position);
            return Some(Step::Unbury { position });
        }
        let open = self.open.get_mut(&position)?;
        open.phase = Phase::Settled;
        let unburied = open.is_dead.then_some(Step::Unbury { position });
        self.advance();
        unburied
    }

    /// It is given up.
    fn bury(&mut self, position: LogPosition, because: Because) -> Option<Step<T>> {
        let open = self.find(position)?;
        let (attempts, what) = (open.attempt, open.what.clone());
        let was_redriven = self.redriven.contains_key(&position);
        self.over(position);
        if position > self.cursor {
            self.buried.insert(position);
        }
        Some(Step::Bury { position, what, attempts, because, was_redriven })
    }

    /// The attempt that is under way has failed.
    fn failed(
        &mut self,
        position: LogPosition,
        now: Duration,
        because: Because,
    ) -> Option<Step<T>> {
        let Rules { backoff, max_attempts, .. } = self.rules;
        let open = self.find(position)?;
        let attempts = open.attempt;
        // One that was let go of may be in the mailbox of a consumer that is ending: that is known
        // soon.
        if attempts >= max_attempts && because != Because::Dropped {
            return self.bury(position, because);
        }
        let until = now.saturating_add(backoff.wait(attempts));
        open.attempt += 1;
        open.phase = Phase::Waiting { until, dropped: because == Because::Dropped };
        None
    }

    /// One that a consumer may have ended over: it goes next, alone.
    fn charge_with_end(&mut self, position: LogPosition, now: Duration) -> Option<Step<T>> {
        let buried = self.failed(position, now, Because::Ended);
        if buried.is_none() {
            self.alone = Some(position);
        }
        buried
    }

    /// Moves the cursor up to the first one that is open.
    fn advance(&mut self) {
        while let Some(first) = self.open.first_entry() {
            if !first.get().is_settled() {
                let before = first.key().get() - 1;
                self.cursor = self.cursor.max(LogPosition::new(before));
                break;
            }
            self.cursor = first.remove_entry().0;
        }
        if self.open.is_empty() {
            self.cursor = self.read_to;
        }
        let cursor = self.cursor;
        self.buried.retain(|position| *position > cursor);
    }
}

impl Because {
    /// As it is written.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::TooLate => "too late",
            Self::Dropped => "dropped",
            Self::Ended => "ended",
        }
    }
}

impl<T> Open<T> {
    const fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Settled)
    }
}

#[cfg(test)]
mod tests;
