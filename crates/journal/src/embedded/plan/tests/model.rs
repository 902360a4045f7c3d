//! What a stream is after its appends, worked out in the plainest way.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::append::{Append, Change, Payload, Wake};
use crate::blob::BlobId;

/// The state of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    pub(super) version: u64,
    pub(super) at: Timestamp,
    pub(super) deleted: bool,
    pub(super) wake: Wake,
    pub(super) snapshot: Option<(u64, Payload)>,
    pub(super) parts: BTreeMap<Vec<u8>, (u64, Payload)>,
    pub(super) events: Vec<(u64, Timestamp, Payload)>,
    pub(super) answers: BTreeMap<String, (u64, u128, Timestamp, Payload)>,
    pub(super) holds: BTreeSet<BlobId>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            version: 0,
            at: Timestamp::UNIX_EPOCH,
            deleted: false,
            wake: Wake::Never,
            snapshot: None,
            parts: BTreeMap::new(),
            events: Vec::new(),
            answers: BTreeMap::new(),
            holds: BTreeSet::new(),
        }
    }
}

/// When a version was appended.
pub(super) fn time_of(version: u64) -> Timestamp {
    Timestamp::from_second(1_000 + i64::try_from(version).unwrap()).unwrap()
}

impl State {
    /// The state after all of these.
    pub(super) fn after(appends: &[Append]) -> Self {
        let mut state = Self::default();
        state.extend(appends);
        state
    }

    /// The state after these too.
    pub(super) fn extend(&mut self, appends: &[Append]) {
        for append in appends {
            self.version += 1;
            self.at = time_of(self.version);
            for change in append.changes() {
                self.apply(change);
            }
        }
        let replaced = self.snapshot.as_ref().map_or(0, |(version, _)| *version);
        self.events.retain(|(version, ..)| *version > replaced);
    }

    fn apply(&mut self, change: &Change) {
        let version = self.version;
        match change {
            Change::Event(payload) => self.events.push((version, self.at, payload.clone())),
            Change::Put(key, payload) => {
                self.parts.insert(key.clone(), (version, payload.clone()));
            }
            Change::Delete(key) => {
                self.parts.remove(key);
            }
            Change::Signal(_) => {}
            Change::Answer(answer) => {
                let value = (version, answer.fingerprint, answer.until, answer.payload.clone());
                self.answers.insert(answer.key.clone(), value);
            }
            Change::Wake(wake) => self.wake = *wake,
            Change::Snapshot(of, payload) => {
                if self.snapshot.as_ref().is_none_or(|(before, _)| of.get() >= *before) {
                    self.snapshot = Some((of.get(), payload.clone()));
                }
            }
            Change::Hold(blob) => {
                self.holds.insert(*blob);
            }
            Change::Release(blob) => {
                self.holds.remove(blob);
            }
            Change::Tombstone => {
                *self = Self { version, at: self.at, deleted: true, ..Self::default() };
            }
        }
    }
}
