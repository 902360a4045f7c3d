//! What a journal in memory holds: plain maps, changed by one call at a time.
//!
//! - **An append is checked wholly, then applied wholly.** Nothing is changed before nothing can
//!   fail any more.
//! - **Writers are told apart by a number that is never given twice**, so that one of a stream that
//!   was deleted and made anew has no business with it.
//! - **Payloads stay as the codec gave them**, since whoever holds this runs nobody else's code.

mod blobs;
mod log;
mod stream;

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::ops::Bound;
use std::time::Duration;

use foundation::{Error, Result};
use jiff::{SignedDuration, Timestamp};

use self::blobs::Blob;
use self::log::Log;
pub(super) use self::log::Record;
pub(super) use self::stream::Found;
use self::stream::Stream;
use super::coded::Coded;
use crate::append::{Answer, Change, Payload, Wake};
use crate::blob::BlobId;
use crate::codes;
use crate::entry::{Page, SignalEntry};
use crate::error::{answered, conflict, deleted, fenced};
use crate::lease::Lease;
use crate::load::{Due, Load, StreamInfo};
use crate::options::Retention;
use crate::stats::{Retained, Stats};
use crate::stream::{Epoch, Position, Shard, StreamId, Version, no_such_shard};
use crate::ticket::Committed;

/// All that a journal in memory holds.
#[derive(Debug)]
pub(super) struct State {
    retention: Retention,
    closed: bool,
    shards: BTreeMap<Shard, Owned>,
    /// Those that have been appended to, deleted ones included while their names are refused.
    streams: BTreeMap<StreamId, Stream>,
    /// Those that are being written, too.
    blobs: BTreeMap<BlobId, Blob>,
    /// Which writer each stream has.
    writers: BTreeMap<StreamId, u64>,
    /// The last writer that was given.
    given: u64,
    /// What is counted since it was opened; the rest is filled in when it is asked for.
    counted: Stats,
}

/// A shard, and who owns it.
#[derive(Debug)]
struct Owned {
    epoch: Epoch,
    lease: Option<Lease>,
    log: Log,
}

/// A writer of a stream, as it was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) lease: Lease,
    pub(super) stream: StreamId,
    pub(super) version: Version,
    writer: u64,
}

/// An append whose payloads are encoded.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) at: Timestamp,
    pub(super) expected: Option<Version>,
    pub(super) changes: Vec<Coded<Change>>,
    /// How large it is.
    pub(super) bytes: usize,
}

/// What an append that was queued has come to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is there, and the log of its shard ends at `end`.
    Committed { committed: Committed, end: Position },
    /// It is not, and the writer is fenced.
    Refused(Error),
}

// === impl State ===

impl State {
    pub(super) fn new(shards: NonZeroU16, retention: Retention) -> Self {
        let shards = (0..shards.get()).map(Shard::new);
        let owned = |shard| Owned { epoch: Epoch::new(0), lease: None, log: Log::new(shard) };
        Self {
            retention,
            closed: false,
            shards: shards.map(|shard| (shard, owned(shard))).collect(),
            streams: BTreeMap::new(),
            blobs: BTreeMap::new(),
            writers: BTreeMap::new(),
            given: 0,
            counted: Stats::default(),
        }
    }

    /// Takes the shard over. Returns the lease of now and that before, which is to be ended.
    ///
    /// # Errors
    ///
    /// `no_such_shard`, `store_closed`.
    pub(super) fn acquire(&mut self, shard: Shard) -> Result<(Lease, Option<Lease>)> {
        self.owned(shard)?;
        let shards = self.count();
        self.writers.retain(|stream, _| stream.shard(shards) != shard);
        let owned = self.shards.get_mut(&shard).ok_or_else(|| missing(shard))?;
        owned.epoch = Epoch::new(owned.epoch.get().saturating_add(1));
        let lease = Lease::granted(shard, owned.epoch);
        Ok((lease.clone(), owned.lease.replace(lease)))
    }

    /// Whether the lease is that of its shard.
    ///
    /// # Errors
    ///
    /// `lease_lost`, `no_such_shard`, `store_closed`.
    pub(super) fn check_lease(&self, lease: &Lease) -> Result<()> {
        let owned = self.owned(lease.shard())?;
        // One of another journal may look the same.
        let is_held = owned.lease.as_ref().is_some_and(|held| held.is_same(lease));
        if lease.is_lost() || !is_held {
            return Err(lease.refusal());
        }
        Ok(())
    }

    /// Gives the stream a writer; the one before is fenced.
    ///
    /// # Errors
    ///
    /// `lease_lost`, `no_such_shard`, `stream_deleted`, `store_closed`.
    pub(super) fn open(&mut self, lease: &Lease, stream: &StreamId) -> Result<Opened> {
        self.check_lease(lease)?;
        let shard = stream.shard(self.count());
        if shard != lease.shard() {
            let message =
                format!("{stream} is in shard {shard}, the lease is of {}", lease.shard());
            return Err(no_such_shard(shard, message));
        }
        let version = self.living(stream)?.map_or(Version::NONE, |stream| stream.version);
        self.given = self.given.saturating_add(1);
        self.writers.insert(stream.clone(), self.given);
        let (lease, stream) = (lease.clone(), stream.clone());
        Ok(Opened { lease, stream, version, writer: self.given })
    }

    /// A writer is gone. When it was fenced before, the stream has another one, which stays.
    pub(super) fn release(&mut self, opened: &Opened) {
        if self.writers.get(&opened.stream) == Some(&opened.writer) {
            self.writers.remove(&opened.stream);
        }
    }

    /// Whether the writer may append to the stream as it is now.
    ///
    /// # Errors
    ///
    /// `store_closed`, `lease_lost`, `writer_fenced`, `stream_deleted`, `version_conflict`.
    pub(super) fn check(&self, opened: &Opened, expected: Option<Version>) -> Result<()> {
        self.check_lease(&opened.lease)?;
        if self.writers.get(&opened.stream) != Some(&opened.writer) {
            return Err(fenced(&opened.stream));
        }
        let found = self.living(&opened.stream)?.map_or(Version::NONE, |stream| stream.version);
        match expected {
            Some(expected) if expected != found => Err(conflict(&opened.stream, expected, found)),
            _ => Ok(()),
        }
    }

    /// Appends, wholly or not at all.
    ///
    /// # Errors
    ///
    /// As [`Self::check`]: nothing was queued. What is found only of an append that was is in the
    /// [`Outcome`].
    pub(super) fn append(&mut self, opened: &Opened, append: Encoded) -> Result<Outcome> {
        let outcome = self.try_append(opened, append);
        if !matches!(outcome, Ok(Outcome::Committed { .. })) {
            self.refused();
        }
        outcome
    }

    /// Counts an append that was refused.
    pub(super) const fn refused(&mut self) {
        self.counted.refused = self.counted.refused.saturating_add(1);
    }

    fn try_append(&mut self, opened: &Opened, append: Encoded) -> Result<Outcome> {
        self.check(opened, append.expected)?;
        let answers = self.check_answers(&opened.stream, &append.changes);
        let refusal = answers.and_then(|()| self.check_holds(&opened.stream, &append.changes));
        if let Err(refusal) = refusal {
            self.writers.remove(&opened.stream);
            return Ok(Outcome::Refused(refusal));
        }
        self.release_blobs(&opened.stream, &append);
        let shard = opened.lease.shard();
        let log = &mut self.shards.get_mut(&shard).ok_or_else(|| missing(shard))?.log;
        let stream = self.streams.entry(opened.stream.clone()).or_insert_with(Stream::new);
        let Encoded { at, changes, bytes, .. } = append;
        stream.apply(at, &changes);

        let (version, bytes) = (stream.version, u64::try_from(bytes).unwrap_or(u64::MAX));
        let record = Record { stream: opened.stream.clone(), version, at, changes };
        let position = log.push(record, bytes);
        log.records.drop_over(self.retention.log_bytes);
        self.counted.appends = self.counted.appends.saturating_add(1);
        self.counted.groups = self.counted.appends;
        self.counted.bytes = self.counted.bytes.saturating_add(bytes);
        Ok(Outcome::Committed { committed: Committed::new(position, version), end: log.end })
    }

    /// Refuses answers to keys that have one.
    fn check_answers(&self, id: &StreamId, changes: &[Coded<Change>]) -> Result<()> {
        let Some(stream) = self.streams.get(id) else { return Ok(()) };
        for change in changes {
            let Change::Answer(answer) = &change.value else { continue };
            let Some(recorded) = stream.answers.get(&answer.key) else { continue };
            let same = recorded.value.fingerprint == answer.fingerprint;
            return Err(answered(id, &answer.key, same));
        }
        Ok(())
    }

    /// A page of what is asked for of a stream.
    ///
    /// # Errors
    ///
    /// `stream_deleted`, `store_closed`.
    pub(super) fn load(&self, stream: &StreamId, load: &Load) -> Result<Found> {
        let nothing = || Found::nothing(Version::NONE, Wake::Never);
        Ok(self.living(stream)?.map_or_else(nothing, |stream| stream.load(load)))
    }

    /// The recorded answer to a command.
    ///
    /// # Errors
    ///
    /// `key_reused`, `stream_deleted`, `store_closed`.
    pub(super) fn answer(
        &self,
        id: &StreamId,
        key: &str,
        fingerprint: u128,
    ) -> Result<Option<Coded<Payload>>> {
        let answer: Option<&Coded<Answer>> =
            self.living(id)?.and_then(|stream| stream.answers.get(key));
        match answer {
            Some(answer) if answer.value.fingerprint != fingerprint => {
                Err(answered(id, key, false))
            }
            Some(answer) => Ok(Some(answer.with(answer.value.payload.clone()))),
            None => Ok(None),
        }
    }

    /// The streams of a shard that are due by `until`, the earliest first, behind `after`.
    ///
    /// # Errors
    ///
    /// `no_such_shard`, `store_closed`.
    pub(super) fn due(
        &self,
        shard: Shard,
        until: Timestamp,
        after: Option<&Due>,
        limit: usize,
    ) -> Result<Vec<Due>> {
        self.owned(shard)?;
        let after = after.map(|after| (after.since, &after.stream));
        let wakes = self.streams.iter().filter_map(|(id, stream)| {
            let since = stream.wake.due_from().filter(|since| *since <= until)?;
            Some((since, id)).filter(|due| Some(*due) > after)
        });
        let mut due: Vec<_> = wakes.filter(|(_, id)| id.shard(self.count()) == shard).collect();
        due.sort_unstable();
        due.truncate(limit);
        Ok(due.into_iter().map(|(since, id)| Due::new(since, id.clone())).collect())
    }

    /// The streams of a kind that are not deleted, behind `after`.
    ///
    /// # Errors
    ///
    /// `store_closed`.
    pub(super) fn streams(
        &self,
        kind: &str,
        after: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<StreamInfo>> {
        self.check_open()?;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let streams = self.streams.range::<StreamId, _>((from, Bound::Unbounded));
        // Ids sort by kind first, so those of one kind are together.
        let of_kind =
            streams.skip_while(|(id, _)| id.kind() != kind).take_while(|(id, _)| id.kind() == kind);
        let living = of_kind.filter(|(_, stream)| stream.deleted.is_none()).take(limit);
        let info = living.map(|(id, stream)| {
            StreamInfo::new(id.clone(), stream.version, stream.wake, stream.at)
        });
        Ok(info.collect())
    }

    /// The appends behind `from`.
    ///
    /// # Errors
    ///
    /// `gap`, `no_such_shard`, `store_closed`.
    pub(super) fn read_log(
        &self,
        from: Position,
        limit: usize,
    ) -> Result<Page<(Position, Record)>> {
        let log = &self.owned(from.shard())?.log;
        log.records.read(from, log.end, limit)
    }

    /// The signals behind `from`.
    ///
    /// # Errors
    ///
    /// `gap`, `no_such_shard`, `store_closed`.
    pub(super) fn read_signals(
        &self,
        from: Position,
        limit: usize,
    ) -> Result<Page<(Position, Coded<SignalEntry>)>> {
        let log = &self.owned(from.shard())?.log;
        log.signals.read(from, log.end, limit)
    }

    /// The position behind which the first signal of `time` or later comes.
    ///
    /// # Errors
    ///
    /// `no_such_shard`, `store_closed`.
    pub(super) fn signals_since(&self, shard: Shard, time: Timestamp) -> Result<Position> {
        Ok(self.owned(shard)?.log.signals_since(time))
    }

    /// Drops what has passed its retention.
    ///
    /// # Errors
    ///
    /// `store_closed`.
    pub(super) fn retain(&mut self, now: Timestamp) -> Result<Retained> {
        self.check_open()?;
        let mut retained = Retained::default();
        let signals_to = ago(now, self.retention.signals_for);
        for owned in self.shards.values_mut() {
            let signals = &mut owned.log.signals;
            retained.signals += signals_to.map_or(0, |time| signals.drop_up_to(time));
            retained.signals += signals.drop_over(self.retention.signal_bytes);
        }
        for stream in self.streams.values_mut() {
            let before = stream.answers.len();
            stream.answers.retain(|_, answer| answer.value.until >= now);
            retained.answers += u64::try_from(before - stream.answers.len()).unwrap_or(0);
        }
        let tombstones_to = ago(now, self.retention.tombstones_for);
        let writers = &mut self.writers;
        self.streams.retain(|id, stream| {
            // A time is greater than none, so without a limit every tombstone stays.
            let kept = stream.deleted.is_none_or(|deleted| Some(deleted) > tombstones_to);
            if !kept {
                retained.tombstones += 1;
                writers.remove(id);
            }
            kept
        });
        retained.blobs = self.drop_blobs(now);
        Ok(retained)
    }

    /// What it has done and holds.
    pub(super) fn stats(&self) -> Stats {
        let (streams, writers) = (self.streams.len(), self.writers.len());
        let mut stats = Stats { streams, writers, ..self.counted };
        for Owned { log, .. } in self.shards.values() {
            stats.tail += log.records.len();
            stats.tail_bytes += log.records.bytes;
            stats.signal_bytes += log.signals.bytes;
        }
        stats.log_bytes = stats.tail_bytes;
        stats
    }

    /// Lets everything go. Returns the leases, which are to be ended.
    pub(super) fn close(&mut self) -> Vec<Lease> {
        self.closed = true;
        self.streams.clear();
        self.blobs.clear();
        self.writers.clear();
        let shards = self.shards.iter_mut();
        let leases = shards.filter_map(|(shard, owned)| {
            owned.log = Log::new(*shard);
            owned.lease.take()
        });
        leases.collect()
    }

    fn count(&self) -> NonZeroU16 {
        let shards = u16::try_from(self.shards.len()).unwrap_or(u16::MAX);
        NonZeroU16::new(shards).unwrap_or(NonZeroU16::MIN)
    }

    pub(super) fn check_open(&self) -> Result<()> {
        if self.closed { Err(codes::STORE_CLOSED.into()) } else { Ok(()) }
    }

    fn owned(&self, shard: Shard) -> Result<&Owned> {
        self.check_open()?;
        self.shards.get(&shard).ok_or_else(|| missing(shard))
    }

    /// The stream, if anybody has appended to it.
    fn living(&self, id: &StreamId) -> Result<Option<&Stream>> {
        self.check_open()?;
        match self.streams.get(id) {
            Some(stream) if stream.deleted.is_some() => Err(deleted(id)),
            stream => Ok(stream),
        }
    }
}

/// So long before `now`; none when that is for ever.
fn ago(now: Timestamp, time: Duration) -> Option<Timestamp> {
    now.checked_sub(SignedDuration::try_from(time).ok()?).ok()
}

fn missing(shard: Shard) -> Error {
    no_such_shard(shard, format!("there is no shard {shard}"))
}

#[cfg(test)]
mod tests;
