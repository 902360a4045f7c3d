//! What was found, by what it is of. It holds where records are, and not what they say, but for what
//! is asked of all of them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::num::NonZeroU16;

use super::blobs::Blobs;
use super::scan::{Source, scan};
use crate::embedded::failure::{Failure, Outcome};
use crate::embedded::tables::group_of;
use crate::format::{BLOBS, FORMAT, Found, HEAD, Head, Header, Kind, Record, StoredChange};
use crate::salvage::FoundRecord;
use crate::stream::{Shard, StreamId};

/// Everything that was found.
#[derive(Debug)]
pub(super) struct Index {
    source: Source,
    pub(super) found: Vec<FoundRecord>,
    pub(super) damaged: Vec<FoundRecord>,
    pub(super) unknown: Vec<FoundRecord>,
    pub(super) unfit: Vec<FoundRecord>,
    pub(super) streams: BTreeMap<StreamId, Vec<Entry>>,
    pub(super) blobs: Blobs,
    /// Rows of the log by their number: where the head is, and how many bytes there are with it. All
    /// copies, since the first may not be whole.
    pub(super) groups: BTreeMap<u64, Vec<(u64, u64)>>,
    /// The greatest value of each fact. Those that change only rise.
    pub(super) facts: BTreeMap<String, u64>,
    /// The last group that anything was in.
    pub(super) last: u64,
    pub(super) undone: u64,
    seen: HashSet<(u32, u32, u64)>,
    /// Damaged ones, of which another copy may be whole.
    broken: Vec<(FoundRecord, (u32, u32, u64))>,
}

/// A record of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) header: Header,
    pub(super) offset: u64,
    pub(super) length: u64,
    /// Of an append, a part, an answer and a stream; of a snapshot, what it is of; of events, the
    /// last.
    pub(super) version: u64,
    /// Of an append.
    pub(super) epoch: u64,
    /// Of a stream.
    pub(super) born: u64,
    /// Of a stream that is deleted, and of the append that did it.
    pub(super) deleted: bool,
}

impl Index {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            found: Vec::new(),
            damaged: Vec::new(),
            unknown: Vec::new(),
            unfit: Vec::new(),
            streams: BTreeMap::new(),
            blobs: Blobs::default(),
            groups: BTreeMap::new(),
            facts: BTreeMap::new(),
            last: 0,
            undone: 0,
            seen: HashSet::new(),
            broken: Vec::new(),
        }
    }

    /// Looks through the file.
    pub(super) fn fill(&mut self) -> Outcome<()> {
        let source = self.source.reopened()?;
        scan(&source, |offset, head, record| Ok(self.take(offset, head, record)))?;
        let broken = std::mem::take(&mut self.broken);
        let lost = broken.into_iter().filter(|(_, id)| !self.seen.contains(id));
        self.damaged = lost.map(|(place, _)| place).collect();
        self.seen = HashSet::new();
        Ok(())
    }

    fn take(&mut self, offset: u64, head: Head, record: Option<&[u8]>) -> bool {
        let place = FoundRecord {
            offset,
            length: head.len(),
            kind: head.kind,
            shard: Shard::new(head.shard),
            position: head.position,
        };
        let id = (head.checksums.0, head.checksums.1, head.position);
        let Some(bytes) = record else {
            self.broken.push((place, id));
            return false;
        };
        match head.judge(bytes) {
            Found::Damaged => {
                self.broken.push((place, id));
                return false;
            }
            Found::Unknown => self.unknown.push(place),
            Found::Record(header, record) => {
                let is_new = self.seen.insert(id);
                if is_new {
                    self.found.push(place);
                }
                if is_new || header.kind == Kind::Group {
                    self.add(place, header, &record);
                }
            }
        }
        true
    }

    fn add(&mut self, place: FoundRecord, header: Header, record: &Record<'_>) {
        let group = group_of(header.position);
        // A blob is written before the group of its position, which may never have come.
        let is_blob = matches!(record, Record::Blob(_) | Record::Chunk(_));
        self.last = self.last.max(group.saturating_sub(u64::from(is_blob)));
        let mut entry = Entry {
            header,
            offset: place.offset,
            length: place.length,
            version: 0,
            epoch: 0,
            born: 0,
            deleted: false,
        };
        let stream = match record {
            Record::Blob(row) => return self.blobs.row(*row, entry),
            Record::Chunk(row) => return self.blobs.chunk(row.blob, row.index, entry),
            Record::Group(bytes) => {
                let length = place.length + u64::from(*bytes);
                self.groups.entry(group).or_default().push((place.offset, length));
                return;
            }
            Record::Meta(fact) => {
                let value = self.facts.entry(fact.name.to_owned()).or_default();
                *value = fact.value.max(*value);
                return;
            }
            record => record.stream().and_then(StreamId::from_key),
        };
        let Some(stream) = stream else {
            self.unfit.push(place);
            return;
        };
        match record {
            Record::Group(..) | Record::Meta(_) | Record::Blob(_) | Record::Chunk(_) => {}
            Record::Hold(row) => entry.version = row.version,
            Record::Append(body) => {
                entry.version = body.record.version;
                entry.epoch = body.record.epoch;
                let is_tombstone = |change| matches!(change, Ok(StoredChange::Tombstone));
                entry.deleted = body.changes().any(is_tombstone);
            }
            Record::Part(row) => entry.version = row.version,
            Record::Events(row) => entry.version = row.events.last().map_or(0, |it| it.version),
            Record::Snapshot(row) => entry.version = row.version,
            Record::Answer(row) => entry.version = row.version,
            Record::Signal(row) => entry.version = row.version,
            Record::Stream(row) => {
                entry.version = row.version;
                entry.born = row.born;
                entry.deleted = row.deleted;
            }
        }
        self.streams.entry(stream).or_default().push(entry);
    }

    /// The format of the store, if it is a later one.
    pub(super) fn later_format(&self) -> Option<u64> {
        self.facts.get("format").copied().filter(|format| *format > u64::from(FORMAT))
    }

    /// The format of the store, as far as it is known: that of what was found at least.
    pub(super) fn format(&self) -> u8 {
        let told = self.facts.get("format").and_then(|format| u8::try_from(*format).ok());
        let found = if self.blobs.is_empty() { 1 } else { BLOBS };
        told.unwrap_or(FORMAT).clamp(found, FORMAT)
    }

    pub(super) fn fact(&self, name: &str) -> u64 {
        self.facts.get(name).copied().unwrap_or(0)
    }

    /// How many shards the store had: the least number that all streams and blobs fit, or else all
    /// streams. A stream's shard follows from its name and that number; a blob's is in its name.
    pub(super) fn guess_shards(&self) -> Option<NonZeroU16> {
        let all: BTreeSet<_> = self
            .streams
            .iter()
            .flat_map(|(stream, entries)| entries.iter().map(move |it| (stream, it.header.shard)))
            .collect();
        let fits = |shards: &NonZeroU16| {
            all.iter().all(|(stream, shard)| stream.shard(*shards).get() == *shard)
        };
        let first = |least| (least..=u16::MAX).filter_map(NonZeroU16::new).find(fits);
        // A blob of elsewhere does not keep the streams from being found.
        first(self.blobs.least_shards()).or_else(|| first(1))
    }

    /// Leaves out what does not fit a store of so many shards, and appends that were undone.
    pub(super) fn sift(&mut self, shards: NonZeroU16) {
        let mut unfit = Vec::new();
        for (stream, entries) in &mut self.streams {
            let shard = stream.shard(shards).get();
            entries.retain(|entry| {
                let fits = entry.header.shard == shard;
                if !fits {
                    unfit.push(entry.place());
                }
                fits
            });
        }
        unfit.extend(self.blobs.sift(shards).iter().map(Entry::place));
        self.unfit.append(&mut unfit);
        for undone in undone(&self.streams) {
            self.undone += 1;
            if let Some(entries) = self.streams.get_mut(&undone.0) {
                entries.retain(|entry| entry.offset != undone.1);
            }
        }
        self.streams.retain(|_, entries| !entries.is_empty());
    }

    /// The bytes of a record.
    pub(super) fn record(&self, entry: &Entry) -> Outcome<Vec<u8>> {
        self.source.read(entry.offset, entry.length)
    }

    /// The bytes at a place, if the file is long enough.
    pub(super) fn bytes(&self, offset: u64, length: u64) -> Outcome<Option<Vec<u8>>> {
        if self.source.has(offset, length) {
            return self.source.read(offset, length).map(Some);
        }
        Ok(None)
    }
}

impl Entry {
    fn place(&self) -> FoundRecord {
        FoundRecord {
            offset: self.offset,
            length: self.length,
            kind: self.header.kind as u8,
            shard: Shard::new(self.header.shard),
            position: self.header.position,
        }
    }

    /// Reads what it says.
    pub(super) fn decode<'a>(&self, bytes: &'a [u8]) -> Outcome<Record<'a>> {
        let body = bytes.get(HEAD..).unwrap_or_default();
        Record::decode(self.header.kind, body).map_err(Failure::from)
    }
}

/// Appends whose commit was torn, or undone by opening the store again: of a shard, positions and
/// epochs rise together, so one with a lesser epoch than another at its place or before was not there
/// when that other one was written.
fn undone(streams: &BTreeMap<StreamId, Vec<Entry>>) -> Vec<(StreamId, u64)> {
    let mut appends: Vec<_> = streams
        .iter()
        .flat_map(|(stream, entries)| entries.iter().map(move |entry| (stream, entry)))
        .filter(|(_, entry)| entry.header.kind == Kind::Append)
        .collect();
    appends.sort_by_key(|(_, it)| (it.header.shard, it.header.position));
    let mut undone = Vec::new();
    for of_shard in appends.chunk_by(|a, b| a.1.header.shard == b.1.header.shard) {
        let mut epoch = 0;
        for same in of_shard.chunk_by(|a, b| a.1.header.position == b.1.header.position) {
            epoch = same.iter().map(|(_, entry)| entry.epoch).max().unwrap_or(0).max(epoch);
            let lesser = same.iter().filter(|(_, entry)| entry.epoch < epoch);
            undone.extend(lesser.map(|(stream, entry)| ((*stream).clone(), entry.offset)));
        }
    }
    undone
}
