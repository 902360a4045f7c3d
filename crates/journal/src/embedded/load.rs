//! Loading of streams, page by page.

use std::collections::BTreeMap;
use std::ops::Bound;

use redb::{Database, ReadOnlyTable};

use super::core::Core;
use super::failure::{Failure, Outcome};
use super::rows;
use super::tables::{ANSWERS, EVENTS, PARTS, SNAPSHOTS, after_all, behind, within};
use super::view::{Overlay, View};
use crate::append::Payload;
use crate::codec::Codec;
use crate::error::answered;
use crate::format::{EventEntry, StoredPayload};
use crate::load::{Event, Events, Load, Loaded, Part, Parts};
use crate::stream::{StreamId, Version};

/// Bytes that an event or a part takes of a page beside its key and its payload.
const AROUND: usize = 64;

/// Reads one page of a stream.
pub(super) fn load(
    core: &Core,
    database: &Database,
    stream: &StreamId,
    load: &Load,
) -> Outcome<Loaded> {
    let view = View::take(core, database, stream)?;
    let overlay = view.overlay()?;
    overlay.check(stream)?;
    let mut page = Page {
        view: &view,
        overlay: &overlay,
        stream: stream.key(),
        codec: &*core.options.codec,
        left: load.page,
        loaded: Loaded::at(Version::new(overlay.version), overlay.wake),
    };
    if load.snapshot {
        page.snapshot()?;
    }
    // Events up to there are gone, whether their rows are or not.
    let replaced = overlay.snapshot_version.unwrap_or(0);
    let after = match load.events {
        Events::None => None,
        Events::AfterSnapshot => Some(replaced),
        Events::After(version) => Some(version.get().max(replaced)),
    };
    let rest = match after {
        None => None,
        Some(after) => page.events(after)?,
    };
    if let Some(last) = rest {
        let events = Events::After(Version::new(last));
        page.loaded.more = Some(Load { snapshot: false, events, ..load.clone() });
        return Ok(page.loaded);
    }
    if let Some(parts) = page.parts(&load.parts)? {
        let next = Load { snapshot: false, events: Events::None, parts, page: load.page };
        page.loaded.more = Some(next);
    }
    Ok(page.loaded)
}

/// The recorded answer to a command.
pub(super) fn answer(
    core: &Core,
    database: &Database,
    stream: &StreamId,
    key: &str,
    fingerprint: u128,
) -> Outcome<Option<Payload>> {
    let view = View::take(core, database, stream)?;
    let overlay = view.overlay()?;
    overlay.check(stream)?;
    let codec = &*core.options.codec;
    let found = if let Some((recorded, payload)) = overlay.answers.get(key) {
        Some((*recorded, payload.decode(codec)?))
    } else {
        let table = view.read.open_table(ANSWERS)?;
        let place = within(stream.key(), key.as_bytes());
        match table.get(place.as_slice())? {
            None => None,
            Some(row) => {
                let row = rows::answer(&place, row.value())?;
                Some((row.fingerprint, row.payload.decode(codec)?))
            }
        }
    };
    match found {
        Some((recorded, _)) if recorded != fingerprint => Err(answered(stream, key, false).into()),
        found => Ok(found.map(|(_, payload)| payload)),
    }
}

/// A page while it is filled.
struct Page<'a> {
    view: &'a View,
    overlay: &'a Overlay<'a>,
    stream: &'a [u8],
    codec: &'a dyn Codec,
    /// Bytes that still fit.
    left: usize,
    loaded: Loaded,
}

type Overlaid<'a> = BTreeMap<&'a [u8], Option<(u64, StoredPayload<'a>)>>;

impl Page<'_> {
    fn is_empty(&self) -> bool {
        self.loaded.events.is_empty() && self.loaded.parts.is_empty()
    }

    fn snapshot(&mut self) -> Outcome<()> {
        let Some(version) = self.overlay.snapshot_version else { return Ok(()) };
        let version = Version::new(version);
        let payload = if let Some(stored) = self.overlay.snapshot {
            stored.decode(self.codec)?
        } else {
            let table = self.view.read.open_table(SNAPSHOTS)?;
            let Some(row) = table.get(self.stream)? else {
                return Err(Failure::Corrupt("a stream has lost its snapshot".to_owned()));
            };
            rows::snapshot(self.stream, row.value())?.payload.decode(self.codec)?
        };
        self.left = self.left.saturating_sub(payload.bytes().len());
        self.loaded.snapshot = Some((version, payload));
        Ok(())
    }

    /// Reads events of versions after `after`. Gives the last version if there are more.
    fn events(&mut self, after: u64) -> Outcome<Option<u64>> {
        let mut version = Vec::new();
        if !self.overlay.wiped {
            let table = self.view.read.open_table(EVENTS)?;
            let first = self.row_of_event(&table, after.saturating_add(1))?;
            let end = after_all(self.stream);
            for row in table.range(first.as_slice()..end.as_slice())? {
                let (key, value) = row?;
                for event in rows::events(key.value(), value.value())?.events {
                    // Behind the row of the stream is what an unfinished fold has set.
                    if event.version > after && event.version <= self.view.row.version {
                        let event = self.decode(event)?;
                        if let Some(last) = self.event(event, &mut version) {
                            return Ok(Some(last));
                        }
                    }
                }
            }
        }
        for event in self.overlay.events.iter().filter(|event| event.version > after) {
            let event = self.decode(*event)?;
            if let Some(last) = self.event(event, &mut version) {
                return Ok(Some(last));
            }
        }
        Ok(self.put_version(&mut version))
    }

    /// The key of the row that has the events of `version`, or those before it.
    fn row_of_event(
        &self,
        table: &ReadOnlyTable<&'static [u8], &'static [u8]>,
        version: u64,
    ) -> Outcome<Vec<u8>> {
        let (start, next) = (within(self.stream, &[]), within(self.stream, &version.to_be_bytes()));
        let before = table.range(start.as_slice()..=next.as_slice())?.next_back();
        Ok(match before {
            Some(row) => row?.0.value().to_vec(),
            None => next,
        })
    }

    fn decode(&self, event: EventEntry<'_>) -> Outcome<Event> {
        let payload = event.payload.decode(self.codec)?;
        Ok(Event::new(Version::new(event.version), event.at, payload))
    }

    /// Takes an event in, and those of the version before it onto the page. Gives the last version
    /// on the page if there is no room for them.
    fn event(&mut self, event: Event, version: &mut Vec<Event>) -> Option<u64> {
        let is_next = version.first().is_some_and(|first| first.version != event.version);
        let full = if is_next { self.put_version(version) } else { None };
        version.push(event);
        full
    }

    /// Puts the events of one version on the page: all of them or none.
    fn put_version(&mut self, version: &mut Vec<Event>) -> Option<u64> {
        let size = version.iter().map(|event| size_of(&[], &event.payload)).sum();
        if let Some(last) = self.loaded.events.last()
            && size > self.left
        {
            return Some(last.version.get());
        }
        self.left = self.left.saturating_sub(size);
        self.loaded.events.append(version);
        None
    }

    /// Reads parts. Gives those that are left if there are more.
    fn parts(&mut self, parts: &Parts) -> Outcome<Option<Parts>> {
        match parts {
            Parts::None => Ok(None),
            Parts::Keys(keys) => self.keys(keys),
            Parts::Range(from, to) => self.range(from, to),
        }
    }

    fn keys(&mut self, keys: &[Vec<u8>]) -> Outcome<Option<Parts>> {
        let overlay = self.overlay;
        let table = self.view.read.open_table(PARTS)?;
        for (n, key) in keys.iter().enumerate() {
            let fits = match overlay.parts.get(key.as_slice()) {
                Some(None) => true,
                Some(Some((version, payload))) => self.part(key, *version, *payload)?,
                None if overlay.wiped => true,
                None => {
                    let place = within(self.stream, key);
                    match table.get(place.as_slice())? {
                        None => true,
                        Some(row) => {
                            let row = rows::part(&place, row.value())?;
                            self.part(key, row.version, row.payload)?
                        }
                    }
                }
            };
            if !fits {
                return Ok(Some(Parts::Keys(keys.get(n..).unwrap_or_default().to_vec())));
            }
        }
        Ok(None)
    }

    fn range(&mut self, from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>) -> Outcome<Option<Parts>> {
        if is_inverted(from, to) {
            return Ok(None);
        }
        let overlay: &Overlaid<'_> = &self.overlay.parts;
        let bounds = (as_slice(from), as_slice(to));
        let mut changed = overlay.range::<[u8], _>(bounds).peekable();
        if !self.overlay.wiped {
            let table = self.view.read.open_table(PARTS)?;
            let (start, end) = (self.row_bound(from, true), self.row_bound(to, false));
            for row in table.range::<&[u8]>((as_slice(&start), as_slice(&end)))? {
                let (row_key, value) = row?;
                let Some(key) = behind(row_key.value(), self.stream) else { continue };
                while let Some((before, set)) = changed.next_if(|(changed, _)| **changed < key) {
                    if !self.overlaid(before, *set)? {
                        return Ok(Some(self.rest(from, to)));
                    }
                }
                if let Some((same, set)) = changed.next_if(|(changed, _)| **changed == key) {
                    if !self.overlaid(same, *set)? {
                        return Ok(Some(self.rest(from, to)));
                    }
                    continue;
                }
                let row = rows::part(row_key.value(), value.value())?;
                if !self.part(key, row.version, row.payload)? {
                    return Ok(Some(self.rest(from, to)));
                }
            }
        }
        for (key, set) in changed {
            if !self.overlaid(key, *set)? {
                return Ok(Some(self.rest(from, to)));
            }
        }
        Ok(None)
    }

    /// Adds a part of the overlay, if it is there. Gives whether there was room.
    fn overlaid(&mut self, key: &[u8], set: Option<(u64, StoredPayload<'_>)>) -> Outcome<bool> {
        match set {
            None => Ok(true),
            Some((version, payload)) => self.part(key, version, payload),
        }
    }

    /// What is left of a range when the page is full.
    fn rest(&self, from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>) -> Parts {
        let last = self.loaded.parts.last();
        let from = last.map_or_else(|| from.clone(), |last| Bound::Excluded(last.key.clone()));
        Parts::Range(from, to.clone())
    }

    /// Adds a part. Gives whether there was room; for the first thing on a page there is.
    fn part(&mut self, key: &[u8], version: u64, payload: StoredPayload<'_>) -> Outcome<bool> {
        let payload = payload.decode(self.codec)?;
        let size = size_of(key, &payload);
        if size > self.left && !self.is_empty() {
            return Ok(false);
        }
        self.left = self.left.saturating_sub(size);
        self.loaded.parts.push(Part::new(key.to_vec(), Version::new(version), payload));
        Ok(true)
    }

    fn row_bound(&self, bound: &Bound<Vec<u8>>, is_start: bool) -> Bound<Vec<u8>> {
        match bound {
            Bound::Included(key) => Bound::Included(within(self.stream, key)),
            Bound::Excluded(key) => Bound::Excluded(within(self.stream, key)),
            Bound::Unbounded if is_start => Bound::Included(within(self.stream, &[])),
            Bound::Unbounded => Bound::Excluded(after_all(self.stream)),
        }
    }
}

/// What a payload and its key take of a page, with what is around them in memory: so a page is
/// bounded, however little there is in each.
fn size_of(key: &[u8], payload: &Payload) -> usize {
    AROUND + key.len() + payload.bytes().len()
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key.as_slice()),
        Bound::Excluded(key) => Bound::Excluded(key.as_slice()),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// Whether nothing can lie between the bounds.
fn is_inverted(from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (
            Bound::Included(from) | Bound::Excluded(from),
            Bound::Included(to) | Bound::Excluded(to),
        ) => from >= to,
    }
}
