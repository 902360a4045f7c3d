//! The commit loop: whatever waits becomes a few groups, is written and synced once, and is answered.
//!
//! No timer: what is queued while one commit is synced is the next one. Folding goes along in the
//! same commits, a slice at a time, or by itself while nothing waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use foundation::{Error, Result};
use redb::{Database, ReadableDatabase};
use tokio::sync::oneshot;

use super::blobs::{self, BlobWrite};
use super::core::Core;
use super::failure::{Failure, Outcome};
use super::fold::{self, Budget, Cycle, Slice};
use super::group::{self, LogRow};
use super::guard::guarded;
use super::queue::{Item, Pending};
use super::retain;
use super::rows;
use super::tables::{ANSWERS, LOG, create_all, position, shard_fact, within, write_fact};
use super::tail::{Group, Head, Place, Spot};
use crate::error::{answered, fenced, lacks_blob};
use crate::format::FORMAT;
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
    /// How many appends there may be at about the same time: see [`Self::expected`].
    expected: usize,
}

#[derive(Debug)]
enum Wanted {
    Fold(oneshot::Sender<Result<()>>),
    Retain(oneshot::Sender<Result<Retained>>),
}

/// What is committed at once.
#[derive(Debug, Default)]
struct Work {
    accepted: Vec<Pending>,
    /// The same as rows of the log.
    rows: Vec<LogRow>,
    epochs: Vec<(Shard, u64, oneshot::Sender<Result<Epoch>>)>,
    barriers: Vec<oneshot::Sender<Result<()>>>,
    retain: Vec<oneshot::Sender<Result<Retained>>>,
    blobs: Vec<BlobWrite>,
    raise: Vec<oneshot::Sender<Result<u8>>>,
}

impl Work {
    /// Whether nobody waits for it.
    fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.epochs.is_empty()
            && self.barriers.is_empty()
            && self.retain.is_empty()
            && self.blobs.is_empty()
            && self.raise.is_empty()
    }
}

/// What a commit has done beside its group.
#[derive(Debug, Default)]
struct Done {
    slice: Option<(Slice, u64)>,
    trimmed: Option<u64>,
    retained: Option<(Retained, u64)>,
    blobs: Vec<Result<()>>,
}

/// The share of the tail that has to be there before it is folded: the more, the more appends
/// become one row.
const FOLD_FROM: u64 = 2;
/// By how much folding is ahead of what it has to be to end before the tail is full: a quarter.
const AHEAD: u64 = 4;
/// How many times as much is folded in a commit for which nobody waits: each commit writes some
/// pages beside its rows.
const ALONE: usize = 8;
/// How many times as many rows are removed in one commit when there is hardly any room in the tail.
const PRESSED: usize = 64;
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
        Self { core, database, next, epochs, cycle: None, folding: Vec::new(), expected: 0 }
    }

    /// Whether there is something to do although nothing waits.
    pub(super) fn is_busy(&self) -> bool {
        self.cycle.is_some() || !self.folding.is_empty() || self.has_to_trim()
    }

    /// How many appends there may be now, if everybody who was answered by the last commit appends
    /// again: those, and what has waited for it.
    pub(super) const fn expected(&self) -> usize {
        self.expected
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
            Item::Blob(blob) => work.blobs.push(blob),
            Item::Raise(reply) => work.raise.push(reply),
        }
        Ok(())
    }

    fn take_append(&self, pending: Pending, work: &mut Work) -> Outcome<()> {
        let refusal = self.refusal(&pending);
        if let Ok(Some(refusal)) = refusal {
            self.refuse(pending, refusal);
            return Ok(());
        }
        // If it is not known whether it is refused, it fails with the others of the group.
        work.accepted.push(pending);
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
                return Ok(Some(answered(&entry.stream, key, recorded == *fingerprint)));
            }
        }
        if !pending.holds.is_empty() {
            // Blobs are collected here too, so one that is there now is until this is folded.
            if let Some(lacking) = blobs::lacking(&self.database, &pending.holds)? {
                return Ok(Some(lacks_blob(&entry.stream, lacking)));
            }
            let holds = pending.holds.iter().map(|blob| (*blob, self.next));
            self.core.tail.lock().holds.extend(holds);
        }
        if pending.answers.is_empty() {
            return Ok(None);
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
            || !work.blobs.is_empty()
            || !work.raise.is_empty()
            || retain.is_some()
            || self.cycle.is_some()
            || self.has_to_trim();
        if has_work {
            work.retain.extend(retain);
            work.rows = group::rows(self.next, &mut work.accepted);
            match guarded(|| self.write(&mut work)) {
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

    /// One transaction of the store.
    fn write(&mut self, work: &mut Work) -> Outcome<Done> {
        let write = self.database.begin_write()?;
        for row in &work.rows {
            write.open_table(LOG)?.insert(row.number, row.bytes.as_slice())?;
        }
        for (shard, epoch, _) in &work.epochs {
            write_fact(&write, &shard_fact("epoch", *shard), *epoch)?;
        }
        if !work.raise.is_empty() {
            write_fact(&write, "format", u64::from(FORMAT))?;
            create_all(&write, FORMAT)?;
        }
        let blobs = blobs::write(&self.core, &write, &mut work.blobs, position(self.next, 0))?;
        let mut done = Done { blobs, ..Done::default() };
        let bytes = work.rows.iter().map(|row| row.bytes.len()).sum::<usize>();
        let bytes = u64::try_from(bytes).unwrap_or(0);
        if let Some(mut cycle) = self.cycle.take() {
            let budget = self.budget(&cycle, bytes, work.is_empty());
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
        let answers = self.publish_rows(work.accepted, work.rows);
        if let Some((slice, target)) = done.slice
            && slice.publish(&self.core, target)
        {
            self.cycle = None;
        }
        if let Some(last) = done.trimmed {
            fold::trimmed(&self.core, last);
        }
        // Before anybody is answered, so that nobody is counted twice.
        self.expected = answers.len() + self.core.queue.appends();
        // Permits first: whoever is answered takes the next at once, and would be in the way.
        let given_back = answers.into_iter().map(|(resolver, outcome, _)| (resolver, outcome));
        let answers: Vec<_> = given_back.collect();
        for (resolver, outcome) in answers {
            resolver.resolve(Ok(outcome));
        }
        for (_, epoch, reply) in work.epochs {
            // Whoever asked may be gone; the epoch is raised all the same.
            drop(reply.send(Ok(Epoch::new(epoch))));
        }
        answer_all(work.barriers);
        for (blob, result) in work.blobs.into_iter().zip(done.blobs) {
            blob.answer(result);
        }
        for reply in work.raise {
            self.core.raised(FORMAT);
            drop(reply.send(Ok(FORMAT)));
        }
        let (retained, signal_bytes) = done.retained.unwrap_or_default();
        self.core.counts.remove_signals(signal_bytes);
        for reply in work.retain {
            drop(reply.send(Ok(retained)));
        }
    }

    /// Puts durable groups into the tail. Gives what is to be answered.
    fn publish_rows(&mut self, accepted: Vec<Pending>, rows: Vec<LogRow>) -> Vec<Answered> {
        let mut answers = Vec::with_capacity(accepted.len());
        let mut accepted = accepted.into_iter();
        let (mut ends, mut bytes) = (BTreeMap::new(), 0);
        let mut tail = self.core.tail.lock();
        for row in rows {
            self.next = row.number + 1;
            for (spot, pending) in row.spots.iter().zip(&mut accepted) {
                ends.insert(spot.shard, spot.last());
                note(&pending, row.number, *spot);
                let at = Position::new(spot.shard, spot.position);
                let outcome = Committed::new(at, Version::new(pending.version));
                answers.push((pending.resolver, outcome, pending.permit));
            }
            let (size, count) = (row.bytes.len(), row.spots.len());
            tail.bytes += u64::try_from(size).unwrap_or(0);
            tail.records += count;
            let (number, row) = (row.number, (Arc::new(row.bytes), row.spots));
            tail.groups.push_back(Group { number, bytes: row.0, records: row.1 });
            bytes += size;
        }
        drop(tail);
        if !answers.is_empty() {
            self.core.counts.committed(answers.len(), bytes);
        }
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
    /// of the room which is left, so that the cycle ends before the tail is full. What is removed has
    /// a share that nobody knows, so the less room there is the more of it goes at a time.
    fn budget(&self, cycle: &Cycle, bytes: u64, is_alone: bool) -> Budget {
        let room = self.core.options.tail.saturating_sub(self.core.tail.lock().bytes);
        let left = u64::try_from(cycle.left().0).unwrap_or(u64::MAX);
        let share = left.saturating_mul(bytes).checked_div(room).unwrap_or(left);
        let share = usize::try_from(share + share / AHEAD).unwrap_or(usize::MAX);
        let mut times = if is_alone { ALONE } else { 1 };
        if cycle.is_removing() {
            let full = self.core.options.tail.checked_div(room).unwrap_or(u64::MAX);
            times = times.max(usize::try_from(full).unwrap_or(usize::MAX).min(PRESSED));
        }
        Budget(share.max(self.core.options.slice.saturating_mul(times)))
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
        for pending in work.accepted {
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
        for blob in work.blobs {
            Item::Blob(blob).fail(&cause);
        }
        for reply in work.raise {
            Item::Raise(reply).fail(&cause);
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

/// An append that is durable.
type Answered = (crate::ticket::Resolver, Committed, crate::permit::Permit);

/// Notes in the entry of its stream that an append is durable.
fn note(pending: &Pending, group: u64, spot: Spot) {
    let mut state = pending.entry.state.lock();
    state.in_flight = state.in_flight.saturating_sub(1);
    state.records.push_back(Place {
        group,
        offset: spot.offset,
        length: spot.length,
        version: pending.version,
        tombstone: pending.tombstone,
    });
    if pending.tombstone {
        state.wake = Some((group, crate::append::Wake::Never));
        state.answers.clear();
    } else if let Some(wake) = pending.wake {
        state.wake = Some((group, wake));
    }
}

fn answer_all(barriers: Vec<oneshot::Sender<Result<()>>>) {
    for reply in barriers {
        // Whoever asked may be gone.
        drop(reply.send(Ok(())));
    }
}
