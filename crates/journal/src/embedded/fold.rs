//! Folding: the log becomes rows, a slice at a time, in the same commits as appends.
//!
//! A cycle folds everything up to one group: first the signals, in the order of the log; then each
//! stream, in the order of their names, so that neighbouring rows are written together; then the
//! groups leave the memory, and those that no reader needs leave the log. The longer the tail when
//! a cycle begins, the more appends of a stream become one row.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use redb::{ReadableTable, Table, WriteTransaction};

use super::blobs;
use super::core::Core;
use super::failure::{Failure, Outcome};
use super::plan::{self, Into, Row, Write};
use super::rows;
use super::tables::{
    ANSWERS, ANSWERS_UNTIL, BLOBS, EVENTS, HOLDERS, HOLDS, LOG, LOOSE, PARTS, SIGNALS, SNAPSHOTS,
    STREAMS, TOMBSTONES, WAKES, after_all, blob_key, group_of, holder_key, shard_fact, signal_key,
    within, write_fact,
};
use super::tail::{Entry, Held, Kept, slice};
use crate::blob::BlobId;
use crate::format::{
    BLOBS as WITH_BLOBS, Body, Header, Kind, SignalRow, StoredChange, seal, unseal,
};
use crate::stream::StreamId;

/// A cycle that has begun.
#[derive(Debug)]
pub(super) struct Cycle {
    /// The last group that it folds.
    pub(super) target: u64,
    phase: Phase,
    /// Streams that are not folded yet.
    streams: usize,
}

#[derive(Debug)]
enum Phase {
    /// Signals, from this group on.
    Signals { group: u64 },
    /// Streams, those behind this one.
    Streams { after: Option<StreamId> },
    /// A stream of which is not known that it fits into one slice: what is left to do.
    Stream(Left),
    /// Everything is in rows.
    Done,
}

/// What is left to do of a stream.
#[derive(Debug)]
struct Left {
    entry: Arc<Entry>,
    /// To be done when the rest is not done in the slice that begins it.
    begin: Option<Write>,
    writes: VecDeque<Write>,
    finish: Vec<Write>,
}

/// What a slice has done, to be made known when it is durable.
#[derive(Debug, Default)]
pub(super) struct Slice {
    /// Streams that are folded up to the target.
    folded: Vec<Arc<Entry>>,
    /// Whether the cycle is over: its target.
    done: Option<u64>,
    signal_bytes: u64,
}

/// How much a slice may do. The cost of a row that is set is 1 and its size in kilobytes; what is
/// removed costs as [`Write::rows_for`] says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget(pub(super) usize);

/// What a stream costs that was appended to a few times: its row, a part, a run of events.
const STREAM: usize = 4;
/// A stream of which is known that it needs no more than this many slices' budgets is folded whole.
const WHOLE: usize = 2;

impl Cycle {
    pub(super) fn new(core: &Core, first: u64, target: u64) -> Self {
        let entries: Vec<_> = core.tail.lock().streams.values().cloned().collect();
        let streams = entries.iter().filter(|entry| entry.has_records(target)).count();
        Self { target, phase: Phase::Signals { group: first }, streams }
    }

    /// About what is left to do.
    pub(super) fn left(&self) -> Budget {
        let begun = match &self.phase {
            Phase::Signals { group } => {
                usize::try_from(self.target.saturating_sub(*group)).unwrap_or(usize::MAX)
            }
            Phase::Stream(left) => left.writes.len(),
            Phase::Streams { .. } | Phase::Done => 0,
        };
        Budget(self.streams.saturating_mul(STREAM).saturating_add(begun).saturating_add(1))
    }

    /// Whether it removes rows, of which nobody knows how many there are.
    pub(super) fn is_removing(&self) -> bool {
        let Phase::Stream(left) = &self.phase else { return false };
        left.writes.front().is_some_and(|write| write.cost().is_none())
    }

    /// Does as much as `budget` allows.
    pub(super) fn slice(
        &mut self,
        core: &Core,
        write: &WriteTransaction,
        mut budget: Budget,
    ) -> Outcome<Slice> {
        let mut slice = Slice::default();
        let mut tables = Tables::new(write, core.format());
        while budget.0 > 0 {
            match &mut self.phase {
                Phase::Signals { group } => {
                    let bytes = fold_signals(core, &mut tables, *group, &mut budget)?;
                    slice.signal_bytes += bytes;
                    *group += 1;
                    if *group > self.target {
                        self.phase = Phase::Streams { after: None };
                    }
                }
                Phase::Streams { after } => {
                    let Some(entry) = next_stream(core, after.as_ref(), self.target) else {
                        self.phase = Phase::Done;
                        continue;
                    };
                    *after = Some(entry.stream.clone());
                    self.streams = self.streams.saturating_sub(1);
                    let held = records(core, &entry, self.target);
                    let mut plan = plan_stream(&mut tables, &entry, &held)?;
                    let cost = cost_of(&plan.writes);
                    if cost.is_some_and(|cost| cost <= budget.0.saturating_mul(WHOLE)) {
                        plan.writes.append(&mut plan.finish);
                        // Its row was read at least.
                        budget.spend(cost_of(&plan.writes).unwrap_or(0).max(1));
                        tables.execute(plan.writes)?;
                        slice.folded.push(entry);
                    } else {
                        let plan::Plan { begin, writes, finish } = plan;
                        self.phase =
                            Phase::Stream(Left { entry, begin, writes: writes.into(), finish });
                    }
                }
                Phase::Stream(left) => {
                    if tables.go_on(left, &mut budget)? {
                        slice.folded.push(Arc::clone(&left.entry));
                        self.phase = Phase::Streams { after: Some(left.entry.stream.clone()) };
                    }
                }
                Phase::Done => {
                    slice.done = Some(self.target);
                    break;
                }
            }
        }
        drop(tables);
        if slice.done.is_some() {
            write_fact(write, "folded", self.target)?;
        }
        if slice.signal_bytes > 0 {
            write_fact(write, "signal_bytes", core.counts.signals() + slice.signal_bytes)?;
        }
        Ok(slice)
    }
}

impl Slice {
    /// Bytes of the signals that it has set.
    pub(super) const fn signal_bytes(&self) -> u64 {
        self.signal_bytes
    }

    /// Makes known what is durable now. Gives the groups that nobody needs in memory any more.
    pub(super) fn publish(self, core: &Core, target: u64) -> bool {
        core.counts.add_signals(self.signal_bytes);
        for entry in &self.folded {
            entry.state.lock().folded(target);
        }
        let mut tail = core.tail.lock();
        for entry in self.folded {
            tail.forget_idle(&entry.stream);
        }
        let Some(folded) = self.done else { return false };
        tail.folded = folded;
        tail.holds.retain(|_, group| *group > folded);
        let mut gone = Vec::new();
        while tail.groups.front().is_some_and(|group| group.number <= folded) {
            let Some(group) = tail.groups.pop_front() else { break };
            let bytes = u64::try_from(group.bytes.len()).unwrap_or(0);
            tail.bytes = tail.bytes.saturating_sub(bytes);
            tail.records = tail.records.saturating_sub(group.records.len());
            tail.kept_bytes += bytes;
            tail.kept.push_back(group.kept());
            core.counts.folded(group.records.len());
            gone.push(group);
        }
        drop(tail);
        // Large, so not under the lock.
        drop(gone);
        true
    }
}

/// Removes groups from the log that are folded and that no reader needs, at most `most`. Gives
/// the last one removed.
pub(super) fn trim(core: &Core, write: &WriteTransaction, most: u64) -> Outcome<Option<u64>> {
    let doomed: Vec<Kept> = {
        let tail = core.tail.lock();
        let over = tail.kept_bytes.saturating_sub(core.options.retention.log_bytes);
        let mut left = over.min(most);
        let doomed = tail.kept.iter().take_while(|kept| {
            let doomed = left > 0;
            left = left.saturating_sub(kept.bytes);
            doomed
        });
        doomed.cloned().collect()
    };
    let Some(last) = doomed.last().map(|kept| kept.number) else { return Ok(None) };
    let mut log = write.open_table(LOG)?;
    for kept in &doomed {
        log.remove(kept.number)?;
    }
    drop(log);
    write_fact(write, "trimmed", last)?;
    let ends: BTreeMap<_, _> = doomed.into_iter().flat_map(|kept| kept.ends).collect();
    for (shard, end) in ends {
        write_fact(write, &shard_fact("trimmed", shard), end)?;
    }
    Ok(Some(last))
}

/// Makes known that groups up to `last` are gone from the log.
pub(super) fn trimmed(core: &Core, last: u64) {
    let mut tail = core.tail.lock();
    tail.trimmed = last;
    while tail.kept.front().is_some_and(|kept| kept.number <= last) {
        if let Some(kept) = tail.kept.pop_front() {
            tail.kept_bytes = tail.kept_bytes.saturating_sub(kept.bytes);
        }
    }
}

fn fold_signals(
    core: &Core,
    tables: &mut Tables<'_>,
    group: u64,
    budget: &mut Budget,
) -> Outcome<u64> {
    let (bytes, spots) = {
        let tail = core.tail.lock();
        let Some(group) = tail.group(group) else { return Ok(0) };
        let spots: Vec<_> = group.records.iter().filter(|spot| spot.signals > 0).copied().collect();
        (Arc::clone(&group.bytes), spots)
    };
    let mut added = 0;
    budget.spend(1);
    for spot in spots {
        let (header, body) = unseal(slice(&bytes, spot.offset, spot.length), Kind::Append)?;
        let (mut position, body) = (header.position, Body::new(body)?);
        for change in body.changes() {
            let StoredChange::Signal { class, routing, payload } = change? else { continue };
            let record = body.record;
            let row = SignalRow {
                stream: record.stream,
                version: record.version,
                at: record.at,
                class,
                routing,
                payload,
            };
            let header = Header { kind: Kind::Signal, shard: header.shard, position };
            let row = seal(header, &row.encode());
            budget.spend(1 + row.len() / 1024);
            let table = tables.at(SIGNALS_AT)?;
            let key = signal_key(spot.shard, position);
            // One that is there was folded before a crash, and is counted.
            if table.insert(key.as_slice(), row.as_slice())?.is_none() {
                added += u64::try_from(row.len()).unwrap_or(0);
            }
            position += 1;
        }
    }
    Ok(added)
}

/// The next stream behind `after` that has something to fold.
fn next_stream(core: &Core, after: Option<&StreamId>, target: u64) -> Option<Arc<Entry>> {
    let tail = core.tail.lock();
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut streams = tail.streams.range::<StreamId, _>((from, Bound::Unbounded));
    streams.find_map(|(_, entry)| entry.has_records(target).then(|| Arc::clone(entry)))
}

fn records(core: &Core, entry: &Entry, target: u64) -> Vec<Held> {
    let tail = core.tail.lock();
    let state = entry.state.lock();
    tail.held(state.records.iter().take_while(|place| place.group <= target))
}

fn plan_stream(tables: &mut Tables<'_>, entry: &Entry, held: &[Held]) -> Outcome<plan::Plan> {
    let stream = entry.stream.key();
    let before = tables.row(stream)?;
    let mut shard = None;
    let mut read = Vec::with_capacity(held.len());
    for record in held {
        let (header, body) = unseal(record.record(), Kind::Append)?;
        shard = Some(header.shard);
        read.push(Ok((header, Body::new(body)?)));
    }
    let shard = crate::stream::Shard::new(shard.unwrap_or(0));
    Ok(plan::plan(stream, shard, before, read.into_iter())?)
}

/// None if how much there is to do is only known when it is done.
fn cost_of(writes: &[Write]) -> Option<usize> {
    writes.iter().map(Write::cost).sum()
}

impl Write {
    /// None if it removes as many rows as there are.
    fn cost(&self) -> Option<usize> {
        match self {
            Self::Put(_, key, value) => Some(1 + (key.len() + value.len()) / 1024),
            Self::Remove(..) => Some(1),
            Self::Hold(..) => Some(2),
            Self::Release(..) => Some(4),
            Self::RemoveRange(..) | Self::RemoveEvents(..) | Self::ReleaseAll(..) => None,
        }
    }

    /// Of what it removes, so many cost so much.
    const fn rows_for(&self) -> (usize, usize) {
        match self {
            // Whole pages of them go at a time.
            Self::RemoveRange(..) => (8, 1),
            // They are large, and looked into.
            Self::RemoveEvents(..) => (1, 16),
            // Several rows each.
            Self::ReleaseAll(..) => (1, 4),
            _ => (1, 1),
        }
    }
}

impl Budget {
    const fn spend(&mut self, cost: usize) {
        self.0 = self.0.saturating_sub(cost);
    }
}

type Opened<'t> = Option<Table<'t, &'static [u8], &'static [u8]>>;

/// The tables that folding writes, each opened when it is first needed.
pub(super) struct Tables<'t> {
    write: &'t WriteTransaction,
    /// The format of the store: a table that it does not have is not made here.
    format: u8,
    opened: [Opened<'t>; TABLES],
}

/// The place of the signals among the opened tables, behind those of [`Into`].
const SIGNALS_AT: usize = 12;
const TABLES: usize = 13;

impl<'t> Tables<'t> {
    pub(super) fn new(write: &'t WriteTransaction, format: u8) -> Self {
        Self { write, format, opened: Default::default() }
    }

    fn at(&mut self, place: usize) -> Outcome<&mut Table<'t, &'static [u8], &'static [u8]>> {
        const ALL: [super::tables::Rows; TABLES] = [
            STREAMS,
            PARTS,
            EVENTS,
            SNAPSHOTS,
            ANSWERS,
            ANSWERS_UNTIL,
            WAKES,
            TOMBSTONES,
            HOLDS,
            HOLDERS,
            BLOBS,
            LOOSE,
            SIGNALS,
        ];
        let missing = || Failure::Corrupt("a table that is not known".to_owned());
        let opened = self.opened.get_mut(place).ok_or_else(missing)?;
        if opened.is_none() {
            let definition = ALL.get(place).copied().ok_or_else(missing)?;
            *opened = Some(self.write.open_table(definition)?);
        }
        opened.as_mut().ok_or_else(missing)
    }

    pub(super) fn table(
        &mut self,
        into: Into,
    ) -> Outcome<&mut Table<'t, &'static [u8], &'static [u8]>> {
        self.at(into as usize)
    }

    /// The row of a stream.
    pub(super) fn row(&mut self, stream: &[u8]) -> Outcome<Row> {
        let table = self.table(Into::Streams)?;
        let Some(row) = table.get(stream)? else { return Ok(Row::default()) };
        Ok(rows::stream(stream, row.value())?.1.into())
    }

    /// Does what a plan says.
    pub(super) fn execute(&mut self, writes: impl IntoIterator<Item = Write>) -> Outcome<()> {
        for write in writes {
            let rest = self.some_of(write, &mut Budget(usize::MAX))?;
            debug_assert!(rest.is_none(), "nothing is that much");
        }
        Ok(())
    }

    /// Does as much of what is left of a stream as `budget` allows. Gives whether that was all.
    fn go_on(&mut self, left: &mut Left, budget: &mut Budget) -> Outcome<bool> {
        while budget.0 > 0
            && let Some(write) = left.writes.pop_front()
        {
            if let Some(rest) = self.some_of(write, budget)? {
                left.writes.push_front(rest);
            }
        }
        if left.writes.is_empty() {
            let finish = std::mem::take(&mut left.finish);
            budget.spend(cost_of(&finish).unwrap_or(0));
            self.execute(finish)?;
            return Ok(true);
        }
        // In the commit of the first of them.
        self.execute(left.begin.take())?;
        Ok(false)
    }

    /// Does as much of it as `budget` allows, and something at least. Gives what there may be left.
    fn some_of(&mut self, write: Write, budget: &mut Budget) -> Outcome<Option<Write>> {
        let (rows, cost) = write.rows_for();
        let most = (budget.0 / cost).saturating_mul(rows).max(1);
        budget.spend(write.cost().unwrap_or(0));
        let removed = match &write {
            Write::Put(into, key, value) => {
                self.table(*into)?.insert(key.as_slice(), value.as_slice())?;
                return Ok(None);
            }
            Write::Remove(into, key) => {
                self.table(*into)?.remove(key.as_slice())?;
                return Ok(None);
            }
            Write::Hold(stream, blob, row) => {
                self.hold(stream, *blob, row)?;
                return Ok(None);
            }
            // A store that has no blobs has none to release.
            Write::Release(..) | Write::ReleaseAll(..) if self.format < WITH_BLOBS => {
                return Ok(None);
            }
            Write::Release(stream, blob, at, was) => {
                self.release(stream, *blob, *at, *was)?;
                return Ok(None);
            }
            Write::RemoveRange(into, from, to) => self.remove_range(*into, from, to, most)?,
            Write::RemoveEvents(stream, version) => self.remove_events(stream, *version, most)?,
            Write::ReleaseAll(stream, at) => self.release_all(stream, *at, most)?,
        };
        budget.spend(removed.div_ceil(rows).max(1).saturating_mul(cost));
        Ok((removed >= most).then_some(write))
    }

    fn hold(&mut self, stream: &[u8], blob: BlobId, row: &[u8]) -> Outcome<()> {
        let (hold, holder) = (within(stream, &blob_key(blob)), holder_key(blob, stream));
        self.table(Into::Holds)?.insert(hold.as_slice(), row)?;
        self.table(Into::Holders)?.insert(holder.as_slice(), &[][..])?;
        Ok(())
    }

    /// Removes so many rows of a range at most, the first. Gives how many.
    fn remove_range(&mut self, into: Into, from: &[u8], to: &[u8], most: usize) -> Outcome<usize> {
        let table = self.table(into)?;
        let (mut removed, mut end) = (0, to.to_vec());
        for row in table.range(from..to)? {
            let (key, _) = row?;
            if removed == most {
                end = key.value().to_vec();
                break;
            }
            removed += 1;
        }
        table.retain_in(from..end.as_slice(), |_, _| false)?;
        Ok(removed)
    }

    /// Releases so many blobs of a stream at most. Gives how many.
    fn release_all(&mut self, stream: &[u8], at: Timestamp, most: usize) -> Outcome<usize> {
        let held = blobs::held_by(self.table(Into::Holds)?, stream, most)?;
        for blob in &held {
            self.release(stream, *blob, at, true)?;
        }
        Ok(held.len())
    }

    fn release(
        &mut self,
        stream: &[u8],
        blob: BlobId,
        at: Timestamp,
        was_held: bool,
    ) -> Outcome<()> {
        let key = blob_key(blob);
        let has_row = self.table(Into::Holds)?.remove(within(stream, &key).as_slice())?.is_some();
        if !has_row && !was_held {
            return Ok(());
        }
        self.table(Into::Holders)?.remove(holder_key(blob, stream).as_slice())?;
        // Both at a time.
        self.table(Into::Blobs)?;
        let mut table = self.opened.get_mut(Into::Blobs as usize).and_then(Option::take);
        let released = match &mut table {
            Some(table) => blobs::release(table, self.table(Into::Loose)?, blob, at),
            None => Ok(()),
        };
        if let Some(place) = self.opened.get_mut(Into::Blobs as usize) {
            *place = table;
        }
        released
    }

    /// Removes rows of events that have none behind `version`, so many at most. Gives how many.
    fn remove_events(&mut self, stream: &[u8], version: u64, most: usize) -> Outcome<usize> {
        let (from, end) = (within(stream, &[]), after_all(stream));
        let mut to = within(stream, &version.to_be_bytes());
        to.push(0);
        let to = to.min(end);
        let table = self.table(Into::Events)?;
        let mut doomed = Vec::new();
        for row in table.range(from.as_slice()..to.as_slice())? {
            if doomed.len() == most {
                break;
            }
            let (key, value) = row?;
            let events = rows::events(key.value(), value.value())?.events;
            if events.last().is_none_or(|last| last.version <= version) {
                doomed.push(key.value().to_vec());
            }
        }
        for key in &doomed {
            table.remove(key.as_slice())?;
        }
        Ok(doomed.len())
    }
}

/// Whether a row with its last change at `position` is folded for good: a crash would not fold it
/// once more.
pub(super) fn is_settled(core: &Core, position: u64) -> bool {
    group_of(position) <= core.tail.lock().folded
}
