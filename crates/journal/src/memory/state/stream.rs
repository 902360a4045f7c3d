//! One stream: what its appends have made of it, and what is read of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use jiff::Timestamp;

use crate::append::{Answer, Change, Payload, Wake};
use crate::blob::BlobId;
use crate::load::{Event, Events, Load, Part, Parts};
use crate::memory::coded::Coded;
use crate::stream::Version;

/// A stream that somebody has appended to.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) version: Version,
    /// When it was appended to last.
    pub(super) at: Timestamp,
    pub(super) wake: Wake,
    /// When it was deleted; everything but version and time is gone then.
    pub(super) deleted: Option<Timestamp>,
    pub(super) answers: BTreeMap<String, Coded<Answer>>,
    /// The blobs that it holds.
    pub(super) holds: BTreeSet<BlobId>,
    snapshot: Option<(Version, Coded<Payload>)>,
    /// All of versions greater than that of the snapshot, in their order.
    events: Vec<Coded<Event>>,
    parts: BTreeMap<Vec<u8>, Coded<Part>>,
}

/// What was found of a stream: as [`Loaded`](crate::Loaded), with payloads as they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) version: Version,
    pub(crate) wake: Wake,
    pub(crate) snapshot: Option<(Version, Coded<Payload>)>,
    pub(crate) events: Vec<Coded<Event>>,
    pub(crate) parts: Vec<Coded<Part>>,
    pub(crate) more: Option<Load>,
}

/// How full a page is.
#[derive(Debug)]
struct Room {
    used: usize,
    most: usize,
    /// Whether there is an event or a part in it: the first one has room, however large it is.
    begun: bool,
}

// === impl Stream ===

impl Stream {
    pub(super) const fn new() -> Self {
        Self {
            version: Version::NONE,
            at: Timestamp::UNIX_EPOCH,
            wake: Wake::Never,
            deleted: None,
            answers: BTreeMap::new(),
            holds: BTreeSet::new(),
            snapshot: None,
            events: Vec::new(),
            parts: BTreeMap::new(),
        }
    }

    /// Makes the next version with `changes`, in their order.
    pub(super) fn apply(&mut self, at: Timestamp, changes: &[Coded<Change>]) {
        self.version = self.version.next();
        self.at = at;
        for change in changes {
            self.change(change);
        }
    }

    fn change(&mut self, change: &Coded<Change>) {
        let version = self.version;
        match &change.value {
            // An event behind the snapshot of its own append is replaced as one before it would be.
            Change::Event(_) if self.snapshot_version() >= Some(version) => {}
            Change::Event(payload) => {
                let event = Event::new(version, self.at, payload.clone());
                self.events.push(change.with(event));
            }
            Change::Put(key, payload) => {
                let part = Part::new(key.clone(), version, payload.clone());
                self.parts.insert(key.clone(), change.with(part));
            }
            Change::Delete(key) => {
                self.parts.remove(key);
            }
            Change::Answer(answer) => {
                self.answers.insert(answer.key.clone(), change.with(answer.clone()));
            }
            Change::Wake(wake) => self.wake = *wake,
            // One that is older than what is there comes too late, and replaces nothing.
            Change::Snapshot(of, _) if self.snapshot_version() > Some(*of) => {}
            Change::Snapshot(of, payload) => {
                self.snapshot = Some((*of, change.with(payload.clone())));
                self.events.retain(|event| event.value.version > *of);
            }
            Change::Tombstone => {
                let (version, at) = (self.version, self.at);
                *self = Self { version, at, deleted: Some(at), ..Self::new() };
            }
            Change::Hold(blob) => {
                self.holds.insert(*blob);
            }
            Change::Release(blob) => {
                self.holds.remove(blob);
            }
            // It is in the log, and nowhere else.
            Change::Signal(_) => {}
        }
    }

    fn snapshot_version(&self) -> Option<Version> {
        self.snapshot.as_ref().map(|(version, _)| *version)
    }

    /// A page of what is asked for: first the events, then the parts.
    pub(super) fn load(&self, load: &Load) -> Found {
        let mut found = Found::nothing(self.version, self.wake);
        let mut room = Room { used: 0, most: load.page, begun: false };
        if let Some((version, payload)) = self.snapshot.as_ref().filter(|_| load.snapshot) {
            room.used = payload.value.bytes().len();
            found.snapshot = Some((*version, payload.clone()));
        }
        let after = match load.events {
            Events::None => None,
            Events::AfterSnapshot => Some(Version::NONE),
            Events::After(version) => Some(version),
        };
        let left = after.and_then(|after| self.load_events(after, &mut room, &mut found.events));
        let (events, parts) = match left {
            Some(after) => (Events::After(after), Some(load.parts.clone())),
            None => (Events::None, self.load_parts(&load.parts, &mut room, &mut found.parts)),
        };
        found.more = parts.map(|parts| Load { snapshot: false, events, parts, page: load.page });
        found
    }

    /// Adds the events behind `after` that have room. Returns behind which version to go on, if
    /// there are more. Those of one version are not parted: who folds them sees whole appends.
    fn load_events(
        &self,
        after: Version,
        room: &mut Room,
        found: &mut Vec<Coded<Event>>,
    ) -> Option<Version> {
        let first = self.events.partition_point(|event| event.value.version <= after);
        let events = self.events.get(first..).unwrap_or_default();
        let mut last = after;
        for events in events.chunk_by(|one, next| one.value.version == next.value.version) {
            let bytes = events.iter().map(|event| event.value.payload.bytes().len()).sum();
            if !room.take(bytes) {
                return Some(last);
            }
            found.extend_from_slice(events);
            last = events.last().map_or(last, |event| event.value.version);
        }
        None
    }

    /// Adds the parts that have room. Returns the others, if there are any.
    fn load_parts(
        &self,
        parts: &Parts,
        room: &mut Room,
        found: &mut Vec<Coded<Part>>,
    ) -> Option<Parts> {
        match parts {
            Parts::None => None,
            Parts::Keys(keys) => {
                for (index, key) in keys.iter().enumerate() {
                    let Some(part) = self.parts.get(key) else { continue };
                    if !room.take(part.value.payload.bytes().len()) {
                        return Some(Parts::Keys(keys.get(index..).unwrap_or_default().to_vec()));
                    }
                    found.push(part.clone());
                }
                None
            }
            Parts::Range(from, to) if is_empty(from, to) => None,
            Parts::Range(from, to) => {
                let bounds = (from.as_ref().map(Vec::as_slice), to.as_ref().map(Vec::as_slice));
                let mut next = from.clone();
                for (key, part) in self.parts.range::<[u8], _>(bounds) {
                    if !room.take(part.value.payload.bytes().len()) {
                        return Some(Parts::Range(next, to.clone()));
                    }
                    found.push(part.clone());
                    next = Bound::Excluded(key.clone());
                }
                None
            }
        }
    }
}

// === impl Found ===

impl Found {
    /// Of a stream at `version`, with nothing found yet.
    pub(super) const fn nothing(version: Version, wake: Wake) -> Self {
        Self { version, wake, snapshot: None, events: Vec::new(), parts: Vec::new(), more: None }
    }
}

// === impl Room ===

impl Room {
    /// Takes so many bytes, if there is room for them.
    fn take(&mut self, bytes: usize) -> bool {
        let used = self.used.saturating_add(bytes);
        let fits = !self.begun || used <= self.most;
        if fits {
            self.begun = true;
            self.used = used;
        }
        fits
    }
}

/// Whether no key can be between these. A map panics when it is asked for some such ranges.
fn is_empty(from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (
            Bound::Included(from) | Bound::Excluded(from),
            Bound::Included(to) | Bound::Excluded(to),
        ) => from >= to,
    }
}
