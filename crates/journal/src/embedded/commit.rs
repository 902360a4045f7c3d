//! The commit loop: whatever waits becomes one group, is written and synced once, and is answered.
//!
//! No timer: what is queued while one group is synced is the next one. Folding goes along in the
//! same commits, a slice at a time, or by itself while nothing waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use foundation::{Error, Result};
use redb::{Database, ReadableDatabase};
use tokio::sync::oneshot;

use super::core::Core;
use super::failure::{Failure, Outcome};
use super::fold::{self, Budget, Cycle, Slice};
use super::guard::guarded;
use super::queue::{Item, Pending};
use super::retain;
use super::rows;
use super::tables::{ANSWERS, LOG, position, shard_fact, within, write_fact};
use super::tail::{Group, Head, Place, Spot};
use crate::codes;
use crate::format::{head_of_group, place};
use crate::stats::Retained;
use crate::stream::{Epoch, Position, Shard, Version};
use crate::ticket::{Committed, unknown};

/// What runs the loop, one step at a time. It is the only one that writes.
#[derive(Debug)]
pub(super) struct Committer {
    core: Arc<Core>,
    database: Arc<Database>,
    /// The number of the next group.
    next: u64,
    epochs: Vec<u64>,
    cycle: Option<Cycle>,
    /// Who waits until everything up to a group is folded.
    folding: Vec<(u64, Wanted)>,
}

#[derive(Debug)]
enum Wanted {
    Fold(oneshot::Sender<Result<()>>),
    Retain(oneshot::Sender<Result<Retained>>),
}

/// A group that is being committed.
#[derive(Debug, Default)]
struct Work {
    bytes: Vec<u8>,
    accepted: Vec<(Pending, Spot)>,
    epochs: Vec<(Shard, u64, oneshot::Sender<Result<Epoch>>)>,
    barriers: Vec<oneshot::Sender<Result<()>>>,
    retain: Vec<oneshot::Sender<Result<Retained>>>,
}

/// What a commit has done beside its group.
#[derive(Debug, Default)]
struct Done {
    slice: Option<(Slice, u64)>,
    trimmed: Option<u64>,
    retained: Option<(Retained, u64)>,
}

/// The share of the tail that has to be there before it is folded: the more, the more appends
/// become one row.
const FOLD_FROM: u64 = 2;
/// By how much folding is ahead of what it has to be to end before the tail is full: a quarter.
const AHEAD: u64 = 4;
/// How many times as much as it brings a commit removes from the log.
const TRIM: u64 = 2;
/// Bytes that it removes at least: where less is brought there is time.
const LEAST_TRIM: u64 = 1 << 20;

impl Committer {
    pub(super) const fn new(
        core: Arc<Core>,
        database: Arc<Database>,
        next: u64,
        epochs: Vec<u64>,
    ) -> Self {
        Self { core, database, next, epochs, cycle: None, folding: Vec::new() }
    }

    /// Whether there is something to do although nothing waits.
    pub(super) fn is_busy(&self) -> bool {
        self.cycle.is_some() || !self.folding.is_empty() || self.has_to_trim()
    }

    /// Commits `items` and a slice of what has to be folded.
    ///
    /// # Errors
    ///
    /// Why the journal has stopped: nothing may be done with this any more, and everybody was told.
    pub(super) fn step(&mut self, items: Vec<Item>) -> Result<()> {
        while self.is_full() {
            if let Err(cause) = self.commit(Work::default()) {
                self.fail_all(items, &cause);
                return Err(cause);
            }
        }
        let mut items = items.into_iter();
        let mut work = Work::default();
        // Items that are not taken in fail below, as those that are.
        let read = guarded(|| items.try_for_each(|item| self.take_in(item, &mut work)));
        if let Err(failure) = read {
            let cause = self.fail(failure, work);
            self.fail_all(items, &cause);
            return Err(cause);
        }
        self.commit(work)
    }

    /// Answers what was taken from the queue and has not come into a group.
    fn fail_all(&self, items: impl IntoIterator<Item = Item>, cause: &Error) {
        for item in items {
            if matches!(item, Item::Append(_)) {
                self.core.counts.unknown();
            }
            item.fail(cause);
        }
    }

    /// Puts an item into the group, or refuses it.
    fn take_in(&mut self, item: Item, work: &mut Work) -> Outcome<()> {
        match item {
            Item::Append(pending) => self.take_append(pending, work)?,
            Item::Epoch(shard, reply) => {
                if let Some(epoch) = self.epochs.get_mut(usize::from(shard.get())) {
                    *epoch += 1;
                    work.epochs.push((shard, *epoch, reply));
                }
            }
            Item::Barrier(reply) => work.barriers.push(reply),
            // What is in this group is durable when it comes to folding.
            Item::Fold(reply) => self.folding.push((self.next, Wanted::Fold(reply))),
            Item::Retain(reply) => self.folding.push((self.next, Wanted::Retain(reply))),
        }
        Ok(())
    }

    fn take_append(&self, mut pending: Pending, work: &mut Work) -> Outcome<()> {
        let refusal = self.refusal(&pending);
        if let Ok(Some(refusal)) = refusal {
            self.refuse(pending, refusal);
            return Ok(());
        }
        if work.bytes.is_empty() {
            // Its place: it is written when the rest is known.
            work.bytes = head_of_group(position(self.next, 0), 0, 0);
        }
        let first = position(self.next, 0);
        let at = work.accepted.last().map_or(first, |(_, spot)| spot.last() + 1);
        place(&mut pending.record, at);
        let spot = Spot {
            offset: u32::try_from(work.bytes.len()).unwrap_or(u32::MAX),
            length: u32::try_from(pending.record.len()).unwrap_or(u32::MAX),
            shard: pending.shard,
            signals: pending.signals,
            position: at,
        };
        work.bytes.append(&mut pending.record);
        // If it is not known whether it is refused, it fails with the others of the group.
        work.accepted.push((pending, spot));
        refusal.map(drop)
    }

    /// Why an append is not accepted, if so. An answer that is accepted is known from now on.
    fn refusal(&self, pending: &Pending) -> Outcome<Option<Error>> {
        let entry = &pending.entry;
        if let Some((writer, error)) = &entry.state.lock().refused
            && *writer == pending.writer
        {
            return Ok(Some(error.clone()));
        }
        for (key, fingerprint) in &pending.answers {
            // Nobody else adds answers, so they are looked for in the store without the lock.
            let recent = entry.state.lock().answers.get(key).map(|(_, recorded)| *recorded);
            let recorded = match recent {
                Some(recorded) => Some(recorded),
                None => self.recorded(entry.stream.key(), key)?,
            };
            if let Some(recorded) = recorded {
                let code =
                    if recorded == *fingerprint { codes::KEY_ANSWERED } else { codes::KEY_REUSED };
                let error = Error::from(code)
                    .with_detail("stream", entry.stream.to_string())
                    .with_detail("key", key.as_str());
                return Ok(Some(error));
            }
        }
        let mut state = entry.state.lock();
        for (key, fingerprint) in &pending.answers {
            state.answers.insert(key.clone(), (self.next, *fingerprint));
        }
        Ok(None)
    }

    /// The fingerprint of an answer that is folded.
    fn recorded(&self, stream: &[u8], key: &str) -> Outcome<Option<u128>> {
        let table = self.database.begin_read()?.open_table(ANSWERS)?;
        let key = within(stream, key.as_bytes());
        let Some(row) = table.get(key.as_slice())? else { return Ok(None) };
        Ok(Some(rows::answer(&key, row.value())?.fingerprint))
    }

    /// Refuses an append, and whatever its writer appends after it.
    fn refuse(&self, pending: Pending, refusal: Error) {
        let stream = &pending.entry.stream;
        let mut state = pending.entry.state.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        if state.refused.as_ref().is_none_or(|(writer, _)| *writer != pending.writer) {
            let message = format!("an earlier append of this writer of {stream} was refused");
            let fenced = fenced(stream).with_message(message).with_source(refusal.clone());
            state.refused = Some((pending.writer, fenced));
            state.head = Some(Head { version: pending.version.saturating_sub(1), deleted: false });
        }
        drop(state);
        self.core.tail.lock().forget_idle(stream);
        self.core.counts.refused();
        pending.resolver.resolve(Err(refusal));
    }

    /// Makes a group durable and answers everybody in it, or fails for good.
    fn commit(&mut self, mut work: Work) -> Result<()> {
        self.begin_cycle();
        let retain = self.due_retention();
        let has_work = !work.accepted.is_empty()
            || !work.epochs.is_empty()
            || retain.is_some()
            || self.cycle.is_some()
            || self.has_to_trim();
        if has_work {
            work.retain.extend(retain);
            self.finish_group(&mut work);
            match guarded(|| self.write(&work)) {
                Ok(done) => {
                    self.core.look_at_room();
                    self.publish(work, done);
                }
                Err(failure) => return Err(self.fail(failure, work)),
            }
        } else {
            answer_all(work.barriers);
        }
        self.answer_folded();
        Ok(())
    }

    /// Sets the head of the group, now that it is known how many appends it has.
    fn finish_group(&self, work: &mut Work) {
        let empty = head_of_group(0, 0, 0).len();
        let (count, bytes) = (work.accepted.len(), work.bytes.len().saturating_sub(empty));
        let head = head_of_group(position(self.next, 0), count, bytes);
        if let Some(start) = work.bytes.get_mut(..head.len()) {
            start.copy_from_slice(&head);
        }
    }

    /// One transaction of the store.
    fn write(&mut self, work: &Work) -> Outcome<Done> {
        let write = self.database.begin_write()?;
        if !work.accepted.is_empty() {
            write.open_table(LOG)?.insert(self.next, work.bytes.as_slice())?;
        }
        for (shard, epoch, _) in &work.epochs {
            write_fact(&write, &shard_fact("epoch", *shard), *epoch)?;
        }
        let mut done = Done::default();
        let bytes = u64::try_from(work.bytes.len()).unwrap_or(0);
        if let Some(mut cycle) = self.cycle.take() {
            let budget = self.budget(&cycle, bytes);
            done.slice = Some((cycle.slice(&self.core, &write, budget)?, cycle.target));
            self.cycle = Some(cycle);
        }
        done.trimmed = fold::trim(&self.core, &write, (bytes * TRIM).max(LEAST_TRIM))?;
        if !work.retain.is_empty() {
            let folded = done.slice.as_ref().map_or(0, |(slice, _)| slice.signal_bytes());
            done.retained = Some(retain::pass(&self.core, &write, folded)?);
        }
        write.commit()?;
        Ok(done)
    }

    /// Makes known what is durable, then answers.
    fn publish(&mut self, work: Work, done: Done) {
        let mut answers = Vec::with_capacity(work.accepted.len());
        if !work.accepted.is_empty() {
            answers = self.publish_group(work.accepted, work.bytes);
        }
        if let Some((slice, target)) = done.slice
            && slice.publish(&self.core, target)
        {
            self.cycle = None;
        }
        if let Some(last) = done.trimmed {
            fold::trimmed(&self.core, last);
        }
        for (resolver, outcome, permit) in answers {
            drop(permit);
            resolver.resolve(Ok(outcome));
        }
        for (_, epoch, reply) in work.epochs {
            // Whoever asked may be gone; the epoch is raised all the same.
            drop(reply.send(Ok(Epoch::new(epoch))));
        }
        answer_all(work.barriers);
        let (retained, signal_bytes) = done.retained.unwrap_or_default();
        self.core.counts.remove_signals(signal_bytes);
        for reply in work.retain {
            drop(reply.send(Ok(retained)));
        }
    }

    /// Puts a durable group into the tail. Gives what is to be answered.
    fn publish_group(
        &mut self,
        accepted: Vec<(Pending, Spot)>,
        bytes: Vec<u8>,
    ) -> Vec<(crate::ticket::Resolver, Committed, crate::permit::Permit)> {
        let (number, size, count) = (self.next, bytes.len(), accepted.len());
        self.next += 1;
        let mut answers = Vec::with_capacity(count);
        let mut group =
            Group { number, bytes: Arc::new(bytes), records: Vec::with_capacity(count) };
        let mut ends = BTreeMap::new();
        let mut tail = self.core.tail.lock();
        for (pending, spot) in accepted {
            group.records.push(spot);
            ends.insert(spot.shard, spot.last());
            let mut state = pending.entry.state.lock();
            state.in_flight = state.in_flight.saturating_sub(1);
            state.records.push_back(Place {
                group: number,
                offset: spot.offset,
                length: spot.length,
                version: pending.version,
                tombstone: pending.tombstone,
            });
            if pending.tombstone {
                state.wake = Some((number, crate::append::Wake::Never));
                state.answers.clear();
            } else if let Some(wake) = pending.wake {
                state.wake = Some((number, wake));
            }
            drop(state);
            let at = Position::new(spot.shard, spot.position);
            let outcome = Committed::new(at, Version::new(pending.version));
            answers.push((pending.resolver, outcome, pending.permit));
        }
        tail.bytes += u64::try_from(size).unwrap_or(0);
        tail.records += count;
        tail.groups.push_back(group);
        drop(tail);
        self.core.counts.committed(count, size);
        for (shard, end) in ends {
            if let Some(state) = self.core.shard(shard) {
                state.reach(Position::new(shard, end));
            }
        }
        answers
    }

    /// Begins to fold when there is enough, or when somebody asks for it.
    fn begin_cycle(&mut self) {
        if self.cycle.is_some() {
            return;
        }
        let tail = self.core.tail.lock();
        let (Some(first), Some(last)) = (tail.groups.front(), tail.groups.back()) else { return };
        let enough = tail.bytes >= self.core.options.tail / FOLD_FROM;
        let asked = self.folding.iter().any(|(group, _)| *group >= first.number);
        if enough || asked {
            let (first, last) = (first.number, last.number);
            drop(tail);
            self.cycle = Some(Cycle::new(&self.core, first, last));
        }
    }

    /// How much of the cycle goes along with a group of `bytes`: the share of it that the group is
    /// of the room which is left, so that the cycle ends before the tail is full.
    fn budget(&self, cycle: &Cycle, bytes: u64) -> Budget {
        let room = self.core.options.tail.saturating_sub(self.core.tail.lock().bytes);
        let left = u64::try_from(cycle.left().0).unwrap_or(u64::MAX);
        let share = left.saturating_mul(bytes).checked_div(room).unwrap_or(left);
        let share = usize::try_from(share + share / AHEAD).unwrap_or(usize::MAX);
        Budget(share.max(self.core.options.slice))
    }

    /// Whether folding has to come first.
    fn is_full(&self) -> bool {
        let tail = self.core.tail.lock();
        tail.bytes >= self.core.options.tail && !tail.groups.is_empty()
    }

    fn has_to_trim(&self) -> bool {
        let tail = self.core.tail.lock();
        !tail.kept.is_empty() && tail.kept_bytes > self.core.options.retention.log_bytes
    }

    /// Somebody who wants old things dropped, when everything that was there is folded.
    fn due_retention(&mut self) -> Option<oneshot::Sender<Result<Retained>>> {
        let place = self.folding.iter().position(|(group, wanted)| {
            matches!(wanted, Wanted::Retain(_)) && self.is_folded(*group)
        })?;
        match self.folding.swap_remove(place) {
            (_, Wanted::Retain(reply)) => Some(reply),
            (_, Wanted::Fold(_)) => None,
        }
    }

    fn answer_folded(&mut self) {
        let folding = std::mem::take(&mut self.folding);
        for (group, wanted) in folding {
            match wanted {
                Wanted::Fold(reply) if self.is_folded(group) => drop(reply.send(Ok(()))),
                wanted => self.folding.push((group, wanted)),
            }
        }
    }

    /// Whether everything that was queued before `group` or in it is folded.
    fn is_folded(&self, group: u64) -> bool {
        let tail = self.core.tail.lock();
        tail.groups.front().is_none_or(|first| first.number > group)
    }

    /// Fails for good: everybody in the group, in the queue and elsewhere is told.
    fn fail(&mut self, failure: Failure, work: Work) -> Error {
        let cause = failure.at(&self.core.path);
        self.core.fail(&cause);
        for (pending, _) in work.accepted {
            self.core.counts.unknown();
            pending.resolver.resolve(Err(unknown(&cause)));
        }
        for (shard, _, reply) in work.epochs {
            Item::Epoch(shard, reply).fail(&cause);
        }
        for reply in work.barriers {
            Item::Barrier(reply).fail(&cause);
        }
        for reply in work.retain {
            Item::Retain(reply).fail(&cause);
        }
        for (_, wanted) in self.folding.drain(..) {
            match wanted {
                Wanted::Fold(reply) => Item::Fold(reply).fail(&cause),
                Wanted::Retain(reply) => Item::Retain(reply).fail(&cause),
            }
        }
        cause
    }
}

/// The error of a writer that is not the stream's any more.
pub(super) fn fenced(stream: &crate::stream::StreamId) -> Error {
    Error::from(codes::WRITER_FENCED).with_detail("stream", stream.to_string())
}

fn answer_all(barriers: Vec<oneshot::Sender<Result<()>>>) {
    for reply in barriers {
        // Whoever asked may be gone.
        drop(reply.send(Ok(())));
    }
}
