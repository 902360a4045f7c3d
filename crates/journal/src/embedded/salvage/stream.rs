//! What one stream was, from all that was found of it.
//!
//! Its life begins with the position of its first append: what has an earlier one is of a stream of
//! the same name that was deleted. Within a life the greater version is the later one. The row of a
//! stream and its appends say the same thing twice, and either may be gone.

use std::collections::BTreeMap;

use super::index::{Entry, Index};
use crate::blob::BlobId;
use crate::embedded::failure::Outcome;
use crate::embedded::plan::Row;
use crate::format::{Kind, Record, StoredChange};
use crate::salvage::Lost;
use crate::stream::{StreamId, Version};

/// Where a value is: in a row, or in that change of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) version: u64,
    pub(super) entry: Entry,
    pub(super) change: Option<usize>,
}

/// A stream as it was last.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) row: Row,
    pub(super) position: u64,
    /// None of what was deleted.
    pub(super) parts: BTreeMap<Vec<u8>, (u64, Option<Place>)>,
    pub(super) answers: BTreeMap<String, Place>,
    pub(super) snapshot: Option<Place>,
    /// By which version each blob is held, or was released.
    pub(super) holds: BTreeMap<BlobId, (u64, Option<u64>)>,
    /// Where the events of each version are.
    pub(super) events: BTreeMap<u64, Entry>,
    pub(super) lost: Vec<Lost>,
    /// Every append behind this version is there.
    proven: u64,
}

impl Life {
    /// The last life of a stream of which `all` was found.
    pub(super) fn of(stream: &StreamId, index: &Index, all: &[Entry]) -> Outcome<Self> {
        let (start, deleted) = bounds(all);
        let of_life = || all.iter().filter(move |it| it.header.position >= start);
        let mut life = Self { position: last_of(of_life()), ..Self::default() };
        let rows = of_life().filter(|it| it.header.kind == Kind::Stream);
        let best = rows.max_by_key(|it| (it.version, it.header.position)).copied();
        if let Some(best) = best
            && let Record::Stream(row) = best.decode(&index.record(&best)?)?
        {
            life.row = row.into();
        }
        let appends = appends(of_life());
        let last = appends.last_key_value().map_or(0, |(version, _)| *version);
        let others = of_life().filter(|it| !matches!(it.header.kind, Kind::Append | Kind::Signal));
        let head = others.map(|it| it.version).max().unwrap_or(0).max(life.row.folding_to);
        let head = head.max(last);
        life.look_for_gaps(stream, head, &appends);
        let first = of_life().map(|it| it.header.position).min().unwrap_or(0);
        if life.row.born == 0 {
            life.row.born = appends.get(&1).map_or(first, |it| it.header.position);
        }
        if deleted {
            life.delete(index, head, &appends)?;
            return Ok(life);
        }
        for append in appends.values() {
            life.append(index, append)?;
        }
        for entry in of_life() {
            life.entry(index, entry)?;
        }
        let wanted = life.row.snapshot;
        let found = life.snapshot.map(|place| place.version);
        if let Some(wanted) = wanted.filter(|wanted| found.is_none_or(|found| found < *wanted)) {
            life.lost.push(Lost::Snapshot(stream.clone(), Version::new(wanted)));
        }
        life.row.snapshot = found;
        life.events.retain(|version, _| *version > found.unwrap_or(0));
        life.row.version = head;
        life.row.folding_to = head;
        Ok(life)
    }

    /// How many parts and answers may have been replaced later.
    pub(super) fn unproven(&self) -> u64 {
        let parts = self.parts.values().filter_map(|(_, place)| *place);
        let all = parts.chain(self.answers.values().copied());
        let versions = all.map(|place| place.version);
        let held = self.holds.values().filter(|(_, at)| at.is_some()).map(|(version, _)| *version);
        versions.chain(held).map(|version| u64::from(version < self.proven)).sum()
    }

    fn look_for_gaps(&mut self, stream: &StreamId, head: u64, appends: &BTreeMap<u64, Entry>) {
        let mut next = self.row.version.saturating_add(1);
        for version in
            appends.range(next..).map(|(version, _)| *version).chain([head.saturating_add(1)])
        {
            if version > next {
                let (from, to) = (Version::new(next), Version::new(version - 1));
                self.lost.push(Lost::Versions(stream.clone(), from, to));
            }
            next = version.saturating_add(1);
        }
        if self.row.version == 0 && !self.lost.is_empty() {
            self.lost.push(Lost::Row(stream.clone()));
        }
        self.proven = head;
        while self.proven > 0 && appends.contains_key(&self.proven) {
            self.proven -= 1;
        }
    }

    fn delete(&mut self, index: &Index, head: u64, appends: &BTreeMap<u64, Entry>) -> Outcome<()> {
        if let Some(last) = appends.get(&head)
            && let Record::Append(body) = last.decode(&index.record(last)?)?
        {
            self.row.at = body.record.at;
        }
        let (born, at) = (self.row.born, self.row.at);
        self.row = Row { version: head, folding_to: head, born, at, ..Row::default() };
        self.row.deleted = true;
        Ok(())
    }

    /// Takes in what an append changes; they come in the order of their versions.
    fn append(&mut self, index: &Index, entry: &Entry) -> Outcome<()> {
        let bytes = index.record(entry)?;
        let Record::Append(body) = entry.decode(&bytes)? else { return Ok(()) };
        let version = entry.version;
        if version > self.row.version {
            self.row.at = body.record.at;
        }
        for (number, change) in body.changes().enumerate() {
            let place = Place { version, entry: *entry, change: Some(number) };
            match change? {
                StoredChange::Event(_) => {
                    self.events.insert(version, *entry);
                }
                StoredChange::Put(key, _) => {
                    self.parts.insert(key.to_vec(), (version, Some(place)));
                }
                StoredChange::Delete(key) => {
                    self.parts.insert(key.to_vec(), (version, None));
                }
                StoredChange::Answer { key, .. } => {
                    self.answers.insert(key.to_owned(), place);
                }
                StoredChange::Wake(wake) if version > self.row.version => self.row.wake = wake,
                StoredChange::Snapshot(of, _) => {
                    if self.snapshot.is_none_or(|before| of >= before.version) {
                        self.snapshot = Some(Place { version: of, ..place });
                    }
                }
                StoredChange::Hold(blob) => {
                    self.holds.insert(blob, (version, Some(entry.header.position)));
                }
                StoredChange::Release(blob) => {
                    self.holds.insert(blob, (version, None));
                }
                StoredChange::Wake(_) | StoredChange::Tombstone | StoredChange::Signal { .. } => {}
            }
        }
        Ok(())
    }

    /// Takes a row in, where it is later than what appends have changed.
    fn entry(&mut self, index: &Index, entry: &Entry) -> Outcome<()> {
        let place = Place { version: entry.version, entry: *entry, change: None };
        match entry.header.kind {
            Kind::Part => {
                let bytes = index.record(entry)?;
                let Record::Part(row) = entry.decode(&bytes)? else { return Ok(()) };
                if self.parts.get(row.key).is_none_or(|(version, _)| *version < entry.version) {
                    self.parts.insert(row.key.to_vec(), (entry.version, Some(place)));
                }
            }
            Kind::Answer => {
                let bytes = index.record(entry)?;
                let Record::Answer(row) = entry.decode(&bytes)? else { return Ok(()) };
                if self.answers.get(row.key).is_none_or(|it| it.version < entry.version) {
                    self.answers.insert(row.key.to_owned(), place);
                }
            }
            Kind::Snapshot if self.snapshot.is_none_or(|before| before.version < entry.version) => {
                self.snapshot = Some(place);
            }
            Kind::Events => {
                let bytes = index.record(entry)?;
                let Record::Events(row) = entry.decode(&bytes)? else { return Ok(()) };
                for event in &row.events {
                    self.events.entry(event.version).or_insert(*entry);
                }
            }
            Kind::Hold => {
                let bytes = index.record(entry)?;
                let Record::Hold(row) = entry.decode(&bytes)? else { return Ok(()) };
                if self.holds.get(&row.blob).is_none_or(|(version, _)| *version < entry.version) {
                    let held = (entry.version, Some(entry.header.position));
                    self.holds.insert(row.blob, held);
                }
            }
            // The others say nothing of the stream, or are taken in elsewhere.
            _ => {}
        }
        Ok(())
    }
}

/// The position with which the last life begins, and whether that has ended with its deletion.
fn bounds(all: &[Entry]) -> (u64, bool) {
    let begins = all.iter().filter_map(|it| match it.header.kind {
        Kind::Append if it.version == 1 => Some(it.header.position),
        Kind::Stream if it.version > 0 => Some(it.born),
        _ => None,
    });
    let start = begins.max().unwrap_or(0);
    let ends = all.iter().filter(|it| it.deleted).map(|it| it.header.position);
    let Some(end) = ends.max().filter(|end| *end >= start) else { return (start, false) };
    let of_state = all.iter().filter(|it| it.header.kind != Kind::Signal);
    if end >= last_of(of_state) { (start, true) } else { (end.saturating_add(1), false) }
}

fn last_of<'a>(entries: impl Iterator<Item = &'a Entry>) -> u64 {
    entries.map(|it| it.header.position).max().unwrap_or(0)
}

/// Appends by their versions; of two with the same one that of the later owner.
fn appends<'a>(entries: impl Iterator<Item = &'a Entry>) -> BTreeMap<u64, Entry> {
    let mut appends: BTreeMap<u64, Entry> = BTreeMap::new();
    for entry in entries.filter(|it| it.header.kind == Kind::Append) {
        let order = |it: &Entry| (it.epoch, it.header.position);
        let known = appends.entry(entry.version).or_insert(*entry);
        if order(entry) > order(known) {
            *known = *entry;
        }
    }
    appends
}
