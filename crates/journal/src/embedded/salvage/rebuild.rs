//! A new store of what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU16;
use std::path::Path;

use foundation::Error;
use jiff::Timestamp;

use super::index::{Entry, Index};
use super::stream::{Life, Place};
use crate::blob::BlobId;
use crate::codes;
use crate::embedded::build::Build;
use crate::embedded::failure::{Failure, Outcome};
use crate::embedded::rows::positions_of;
use crate::embedded::tables::{group_of, last_of, shard_fact};
use crate::format::{
    AnswerRow, AppendRecord, EVENT_HEAD, EventEntry, EventsRow, Header, HoldRow, Kind, PartRow,
    Record, SignalRow, SnapshotRow, StoredChange, StoredPayload, StreamRow, open_group, seal,
};
use crate::options::Durability;
use crate::salvage::{Lost, Salvage, Salvaged};
use crate::stream::{Shard, StreamId};

/// Bytes of events in one row, as folding does it.
const EVENTS_BYTES: usize = 64 << 10;

/// Makes the store, and tells what it is made of.
pub(super) fn rebuild(options: Salvage, index: &mut Index, to: &Path) -> Outcome<Salvaged> {
    let shards = shards(options, index)?;
    let durability = match (options.durability, index.facts.get("durability")) {
        (Some(Durability::Sync), _) | (None, None | Some(0)) => Durability::Sync,
        _ => Durability::Process,
    };
    index.sift(shards);
    let mut told = Salvaged {
        shards,
        durability,
        found: std::mem::take(&mut index.found),
        damaged: std::mem::take(&mut index.damaged),
        unknown: std::mem::take(&mut index.unknown),
        unfit: std::mem::take(&mut index.unfit),
        undone: index.undone,
        streams: 0,
        deleted: 0,
        groups: 0,
        signals: 0,
        blobs: 0,
        unproven: 0,
        lost: Vec::new(),
    };
    let index = &*index;
    let damaged = told.damaged.iter().map(|it| group_of(it.position)).max();
    let folded = index.fact("folded").max(index.fact("trimmed"));
    let last = index.last.max(folded).max(damaged.unwrap_or(0));
    let (epochs, blobs) = (BTreeMap::new(), BTreeSet::new());
    let mut build = Rebuild { index, build: Build::new(to)?, shards, epochs, blobs };
    build.build.raise(index.format())?;
    build.blobs(&mut told)?;
    for (stream, entries) in &index.streams {
        build.stream(stream, entries, &mut told)?;
    }
    build.signals(&mut told)?;
    let trimmed = build.log(last, &mut told)?;
    let facts = build.facts(last, trimmed);
    build.build.finish(durability, shards, facts)?;
    Ok(told)
}

fn shards(options: Salvage, index: &Index) -> Outcome<NonZeroU16> {
    let told = index.facts.get("shards").and_then(|shards| u16::try_from(*shards).ok());
    let known = options.shards.or(told.and_then(NonZeroU16::new));
    known.or_else(|| index.guess_shards()).ok_or_else(|| {
        let message = "the number of shards is lost, and no number fits all that was found";
        Failure::Ours(Error::from(codes::NO_SUCH_SHARD).with_message(message))
    })
}

struct Rebuild<'a> {
    index: &'a Index,
    build: Build,
    shards: NonZeroU16,
    /// The greatest epoch of an append, by shard.
    epochs: BTreeMap<u16, u64>,
    /// Those that are there wholly.
    blobs: BTreeSet<BlobId>,
}

/// An event whose bytes are held.
struct HeldEvent {
    version: u64,
    at: Timestamp,
    schema: u16,
    key_id: u32,
    bytes: Vec<u8>,
}

impl Rebuild<'_> {
    fn stream(&mut self, stream: &StreamId, entries: &[Entry], told: &mut Salvaged) -> Outcome<()> {
        for append in entries.iter().filter(|it| it.header.kind == Kind::Append) {
            let epoch = self.epochs.entry(append.header.shard).or_default();
            *epoch = append.epoch.max(*epoch);
        }
        if entries.iter().all(|it| it.header.kind == Kind::Signal) {
            // A signal outlives its stream.
            return Ok(());
        }
        let mut life = Life::of(stream, self.index, entries)?;
        told.streams += 1;
        told.deleted += u64::from(life.row.deleted);
        told.unproven += life.unproven();
        told.lost.append(&mut life.lost);
        self.row(stream, &life)?;
        if let Some(place) = life.snapshot {
            self.place(stream, Kind::Snapshot, place)?;
        }
        self.events(stream, &life)?;
        for place in life.parts.values().filter_map(|(_, place)| *place) {
            self.place(stream, Kind::Part, place)?;
        }
        for place in life.answers.values() {
            self.place(stream, Kind::Answer, *place)?;
        }
        for (blob, (version, position)) in &life.holds {
            let (blob, version, Some(position)) = (*blob, *version, *position) else { continue };
            if !self.blobs.contains(&blob) {
                told.lost.push(Lost::Blob(blob, Some(stream.clone())));
                continue;
            }
            let row = HoldRow { stream: stream.key(), blob, version };
            let header = self.header(stream, Kind::Hold, position);
            self.put(header, &Record::Hold(row), &row.encode())?;
        }
        Ok(())
    }

    /// Blobs of which everything is there. One that nobody holds is collected in its time.
    fn blobs(&mut self, told: &mut Salvaged) -> Outcome<()> {
        for (row, entry, chunks) in self.index.blobs.kept() {
            let Some(chunks) = chunks else {
                told.lost.push(Lost::Blob(row.id, None));
                continue;
            };
            for entry in chunks.iter().chain([&entry]) {
                let bytes = self.index.record(entry)?;
                self.build.row(entry.header, &entry.decode(&bytes)?, bytes.clone())?;
            }
            self.blobs.insert(row.id);
            told.blobs += 1;
        }
        Ok(())
    }

    fn put(&mut self, header: Header, record: &Record<'_>, body: &[u8]) -> Outcome<()> {
        self.build.row(header, record, seal(header, body))
    }

    fn header(&self, stream: &StreamId, kind: Kind, position: u64) -> Header {
        Header { kind, shard: stream.shard(self.shards).get(), position }
    }

    fn row(&mut self, stream: &StreamId, life: &Life) -> Outcome<()> {
        let row = StreamRow {
            stream: stream.key(),
            version: life.row.version,
            folding_to: life.row.folding_to,
            born: life.row.born,
            snapshot: life.row.snapshot,
            wake: life.row.wake,
            at: life.row.at,
            deleted: life.row.deleted,
        };
        let header = self.header(stream, Kind::Stream, life.position);
        self.put(header, &Record::Stream(row), &row.encode())
    }

    /// Writes a value as the row that it is, or that folding would have made of it.
    fn place(&mut self, stream: &StreamId, kind: Kind, place: Place) -> Outcome<()> {
        let bytes = self.index.record(&place.entry)?;
        let record = place.entry.decode(&bytes)?;
        let header = self.header(stream, kind, place.entry.header.position);
        let (Record::Append(body), Some(number)) = (&record, place.change) else {
            return self.build.row(header, &record, bytes.clone());
        };
        let Some(change) = body.changes().nth(number) else { return Ok(()) };
        let (stream, version) = (stream.key(), body.record.version);
        match change? {
            StoredChange::Put(key, payload) => {
                let row = PartRow { stream, key, version, payload };
                self.put(header, &Record::Part(row), &row.encode())
            }
            StoredChange::Answer { key, fingerprint, until, payload } => {
                let row = AnswerRow { stream, key, version, fingerprint, until, payload };
                self.put(header, &Record::Answer(row), &row.encode())
            }
            StoredChange::Snapshot(of, payload) => {
                let row = SnapshotRow { stream, version: of, payload };
                self.put(header, &Record::Snapshot(row), &row.encode())
            }
            _ => Ok(()),
        }
    }

    fn events(&mut self, stream: &StreamId, life: &Life) -> Outcome<()> {
        let (mut run, mut size) = (Vec::new(), 0);
        let mut read: Option<(Entry, Vec<u8>)> = None;
        for (version, entry) in &life.events {
            if size >= EVENTS_BYTES {
                self.run_of_events(stream, life.position, &run)?;
                (run, size) = (Vec::new(), 0);
            }
            // Versions of one row follow one another.
            if read.as_ref().is_none_or(|(before, _)| before != entry) {
                read = Some((*entry, self.index.record(entry)?));
            }
            let bytes = read.as_ref().map_or(&[][..], |(_, bytes)| bytes);
            let record = entry.decode(bytes)?;
            for event in events_of(&record, *version)? {
                size += EVENT_HEAD + event.bytes.len();
                run.push(event);
            }
        }
        self.run_of_events(stream, life.position, &run)
    }

    fn run_of_events(&mut self, stream: &StreamId, at: u64, run: &[HeldEvent]) -> Outcome<()> {
        if run.is_empty() {
            return Ok(());
        }
        let events = run.iter().map(|held| {
            let HeldEvent { version, at, schema, key_id, ref bytes } = *held;
            EventEntry { version, at, payload: StoredPayload { schema, key_id, bytes } }
        });
        let row = EventsRow { stream: stream.key(), events: events.collect() };
        let (header, body) = (self.header(stream, Kind::Events, at), row.encode());
        self.put(header, &Record::Events(row), &body)
    }

    /// Signals, from their rows and from appends that were not folded.
    fn signals(&mut self, told: &mut Salvaged) -> Outcome<()> {
        let index = self.index;
        let mut done = BTreeSet::new();
        for of in [Kind::Signal, Kind::Append] {
            for entry in index.streams.values().flatten().filter(|it| it.header.kind == of) {
                let shard = Shard::new(entry.header.shard);
                let trimmed = index.fact(&shard_fact("signals_trimmed", shard));
                let bytes = index.record(entry)?;
                let record = entry.decode(&bytes)?;
                let mut position = entry.header.position;
                if of == Kind::Signal && position > trimmed && done.insert((shard, position)) {
                    self.build.row(entry.header, &record, bytes.clone())?;
                }
                let Record::Append(body) = record else { continue };
                let (stream, version, at) =
                    (body.record.stream, body.record.version, body.record.at);
                for change in body.changes() {
                    let StoredChange::Signal { class, routing, payload } = change? else {
                        continue;
                    };
                    if position > trimmed && done.insert((shard, position)) {
                        let row = SignalRow { stream, version, at, class, routing, payload };
                        let header = Header { kind: Kind::Signal, position, ..entry.header };
                        self.put(header, &Record::Signal(row), &row.encode())?;
                    }
                    position = position.saturating_add(1);
                }
            }
        }
        told.signals = u64::try_from(done.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// What of the end of the log has no gap. Gives the last group before it.
    fn log(&mut self, last: u64, told: &mut Salvaged) -> Outcome<u64> {
        let kept = self.index.fact("trimmed");
        let first = if kept > 0 {
            kept
        } else {
            self.index.groups.keys().next().map_or(last, |first| first.saturating_sub(1))
        };
        // A number may be anything, so they are not counted one by one.
        let (mut next, mut trimmed, mut whole) = (first.saturating_add(1), first, Vec::new());
        let known = self.index.groups.range(next..).map(|(number, _)| *number);
        for number in known.chain([last.saturating_add(1)]) {
            let row = self.group(number)?;
            if row.is_none() && number <= last {
                continue;
            }
            if number > next {
                told.lost.push(Lost::Groups(next, number - 1));
                trimmed = number - 1;
                whole.clear();
            }
            next = number.saturating_add(1);
            whole.extend(row.map(|row| (number, row)));
        }
        for (number, (offset, length)) in whole {
            let row = self.index.bytes(offset, length)?.unwrap_or_default();
            self.build.group(number, row)?;
            told.groups += 1;
        }
        Ok(trimmed)
    }

    /// Where a copy of the group is that is whole, that of the latest owner.
    fn group(&self, number: u64) -> Outcome<Option<(u64, u64)>> {
        let mut best = None;
        for (offset, length) in self.index.groups.get(&number).into_iter().flatten() {
            let Some(bytes) = self.index.bytes(*offset, *length)? else { continue };
            let Ok(appends) = open_group(&bytes, positions_of(number)) else { continue };
            let mut epoch = 0;
            let mut is_whole = true;
            for append in appends {
                match append {
                    Ok((header, body, ..)) => {
                        epoch = body.record.epoch.max(epoch);
                        is_whole &= self.counts(&header, &body.record);
                    }
                    Err(_damage) => is_whole = false,
                }
            }
            if is_whole && best.is_none_or(|(before, _)| before < epoch) {
                best = Some((epoch, (*offset, *length)));
            }
        }
        Ok(best.map(|(_, place)| place))
    }

    /// Whether an append of a group was not left out.
    fn counts(&self, header: &Header, record: &AppendRecord<'_>) -> bool {
        let stream = StreamId::from_key(record.stream);
        let entries = stream.and_then(|stream| self.index.streams.get(&stream));
        entries.is_some_and(|entries| {
            entries.iter().any(|it| it.header == *header && it.epoch == record.epoch)
        })
    }

    /// The facts of the new store, but for those that every store has.
    fn facts(&self, last: u64, trimmed: u64) -> Vec<(String, u64)> {
        let index = self.index;
        let mut facts = vec![("folded".to_owned(), last), ("trimmed".to_owned(), trimmed)];
        for shard in (0..self.shards.get()).map(Shard::new) {
            let epoch = shard_fact("epoch", shard);
            let found = self.epochs.get(&shard.get()).copied().unwrap_or(0);
            facts.push((epoch.clone(), index.fact(&epoch).max(found)));
            let signals = shard_fact("signals_trimmed", shard);
            facts.push((signals.clone(), index.fact(&signals)));
            let name = shard_fact("trimmed", shard);
            // What of the lost groups was of this shard nobody knows.
            let is_as_before = trimmed == index.fact("trimmed");
            let end = if is_as_before { index.fact(&name) } else { last_of(trimmed) };
            facts.push((name, end));
        }
        facts
    }
}

fn events_of(record: &Record<'_>, version: u64) -> Outcome<Vec<HeldEvent>> {
    let held = |at, payload: StoredPayload<'_>| {
        let StoredPayload { schema, key_id, bytes } = payload;
        HeldEvent { version, at, schema, key_id, bytes: bytes.to_vec() }
    };
    let mut events = Vec::new();
    match record {
        Record::Append(body) => {
            for change in body.changes() {
                if let StoredChange::Event(payload) = change? {
                    events.push(held(body.record.at, payload));
                }
            }
        }
        Record::Events(row) => {
            let same = row.events.iter().filter(|event| event.version == version);
            events.extend(same.map(|event| held(event.at, event.payload)));
        }
        _ => {}
    }
    Ok(events)
}
