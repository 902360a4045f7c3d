//! The tables that folding writes, in memory, and the checks of what is in them.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{State, time_of};
use super::{EVENTS_BYTES, Into, Plan, Row, Write};
use jiff::Timestamp;

use crate::append::{Append, Change, Payload};
use crate::blob::BlobId;
use crate::codec::Identity;
use crate::embedded::tables::{
    after_all, behind, blob_key, blob_of, holder_key, loose_key, position, time_key, wake_key,
    wake_time, within,
};
use crate::format::{
    AnswerRow, EventsRow, Header, HoldRow, Kind, PartRow, SnapshotRow, StoredPayload, StreamRow,
    unseal,
};
use crate::stream::Shard;

type Table = BTreeMap<Vec<u8>, Vec<u8>>;

/// Every table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Store(BTreeMap<Into, Table>);

impl Store {
    fn table(&self, into: Into) -> &Table {
        const NONE: &Table = &Table::new();
        self.0.get(&into).unwrap_or(NONE)
    }

    /// Does as the store of redb does.
    pub(super) fn execute(&mut self, write: &Write) {
        match write {
            Write::Put(into, key, value) => {
                self.0.entry(*into).or_default().insert(key.clone(), value.clone());
            }
            Write::Remove(into, key) => {
                self.0.entry(*into).or_default().remove(key);
            }
            Write::RemoveRange(into, from, to) => {
                self.0.entry(*into).or_default().retain(|key, _| key < from || key >= to);
            }
            Write::Hold(stream, blob, row) => {
                let hold = within(stream, &blob_key(*blob));
                self.0.entry(Into::Holds).or_default().insert(hold, row.clone());
                let holder = holder_key(*blob, stream);
                self.0.entry(Into::Holders).or_default().insert(holder, Vec::new());
            }
            Write::Release(stream, blob, at, was) => self.release(stream, *blob, *at, *was),
            Write::ReleaseAll(stream, at) => {
                for blob in self.held(stream) {
                    self.release(stream, blob, *at, true);
                }
            }
            Write::RemoveEvents(stream, version) => {
                let events = self.0.entry(Into::Events).or_default();
                events.retain(|key, row| !is_before(key, row, stream, *version));
            }
        }
    }

    /// Of the blobs themselves there is nothing here, but since when each may have no holder.
    fn release(&mut self, stream: &[u8], blob: BlobId, at: Timestamp, was_held: bool) {
        let key = blob_key(blob);
        let row = self.0.entry(Into::Holds).or_default().remove(&within(stream, &key));
        if row.is_none() && !was_held {
            return;
        }
        self.0.entry(Into::Holders).or_default().remove(&holder_key(blob, stream));
        self.0.entry(Into::Loose).or_default().insert(loose_key(at, blob), Vec::new());
    }

    /// What the rows say that the stream holds.
    fn held(&self, stream: &[u8]) -> BTreeSet<BlobId> {
        let rows = self.rows_of(Into::Holds, Kind::Hold, stream);
        let held = rows.into_iter().map(|(key, _, body)| {
            let found = HoldRow::decode(&body).unwrap();
            assert_eq!((found.stream, &blob_key(found.blob)[..]), (stream, key.as_slice()));
            found.blob
        });
        held.collect()
    }

    /// The whole fold, as it is done in one commit, or in several.
    pub(super) fn fold(&mut self, plan: &Plan, begins: bool) {
        let begin = plan.begin.iter().filter(|_| begins);
        begin.chain(&plan.writes).chain(&plan.finish).for_each(|it| self.execute(it));
    }

    /// The beginning of a fold of several commits, so many writes and so many rows of the next that
    /// removes several: after it the process has died.
    pub(super) fn cut(&mut self, plan: &Plan, writes: usize, rows: usize) {
        plan.begin.iter().chain(plan.writes.iter().take(writes)).for_each(|it| self.execute(it));
        match plan.writes.get(writes) {
            Some(Write::RemoveRange(into, from, to)) => {
                let table = self.0.entry(*into).or_default();
                let doomed = table.range(from.clone()..to.clone()).map(|(key, _)| key.clone());
                for key in doomed.take(rows).collect::<Vec<_>>() {
                    table.remove(&key);
                }
            }
            Some(Write::RemoveEvents(stream, version)) => {
                let table = self.0.entry(Into::Events).or_default();
                let doomed =
                    table.iter().filter(|(key, row)| is_before(key, row, stream, *version));
                let doomed = doomed.map(|(key, _)| key.clone());
                for key in doomed.take(rows).collect::<Vec<_>>() {
                    table.remove(&key);
                }
            }
            Some(Write::ReleaseAll(stream, at)) => {
                for blob in self.held(stream).into_iter().take(rows) {
                    self.release(stream, blob, *at, true);
                }
            }
            _ => {}
        }
    }

    /// What the row of the stream says.
    pub(super) fn row(&self, stream: &[u8]) -> Row {
        self.0
            .get(&Into::Streams)
            .and_then(|rows| rows.get(stream))
            .map_or_else(Row::default, |row| {
                StreamRow::decode(unseal(row, Kind::Stream).unwrap().1).unwrap().into()
            })
    }

    /// The rows of one table behind the stream's name, each with its head and its body.
    fn rows_of(&self, into: Into, kind: Kind, stream: &[u8]) -> Vec<(Vec<u8>, Header, Vec<u8>)> {
        let (from, to) = (within(stream, &[]), after_all(stream));
        let table = self.table(into);
        let rows = table.range(from..to).map(|(key, value)| {
            let (header, body) = unseal(value, kind).unwrap();
            (behind(key, stream).unwrap().to_vec(), header, body.to_vec())
        });
        rows.collect()
    }

    /// The state that a reader finds who knows of these appends: the rows, and over them what is
    /// not folded.
    pub(super) fn read(&self, stream: &[u8], appends: &[Append]) -> State {
        let row = self.row(stream);
        assert!(row.folding_to <= appends.len() as u64, "nothing is folded that is not in the log");
        let unfolded = &appends[usize::try_from(row.version).unwrap()..];
        let mut state = State { version: row.version, at: row.at, ..State::default() };
        (state.wake, state.deleted) = (row.wake, row.deleted);
        if !unfolded.iter().any(|append| *append == Append::tombstone()) {
            self.read_rows(stream, row, &mut state);
        }
        state.extend(unfolded);
        state
    }

    fn read_rows(&self, stream: &[u8], row: Row, state: &mut State) {
        state.snapshot = row.snapshot.map(|version| {
            let table = self.table(Into::Snapshots);
            let (_, body) = unseal(&table[stream], Kind::Snapshot).unwrap();
            let found = SnapshotRow::decode(body).unwrap();
            assert_eq!((found.stream, found.version), (stream, version));
            (version, decode(found.payload))
        });
        for (key, _, body) in self.rows_of(Into::Parts, Kind::Part, stream) {
            let found = PartRow::decode(&body).unwrap();
            assert_eq!((found.stream, found.key), (stream, key.as_slice()));
            state.parts.insert(key, (found.version, decode(found.payload)));
        }
        for (key, _, body) in self.rows_of(Into::Events, Kind::Events, stream) {
            let found = EventsRow::decode(&body).unwrap();
            assert_eq!(found.stream, stream);
            assert_eq!(key, found.events[0].version.to_be_bytes(), "a row is named by its first");
            let counts = found.events.iter().filter(|event| event.version <= row.version);
            state.events.extend(counts.map(|it| (it.version, it.at, decode(it.payload))));
        }
        state.holds = self.held(stream);
        for (key, _, body) in self.rows_of(Into::Answers, Kind::Answer, stream) {
            let found = AnswerRow::decode(&body).unwrap();
            assert_eq!((found.stream, found.key.as_bytes()), (stream, key.as_slice()));
            let value = (found.version, found.fingerprint, found.until, decode(found.payload));
            state.answers.insert(found.key.to_owned(), value);
        }
    }

    /// Checks the rows, each by itself and all of them together, when everything is folded.
    pub(super) fn check(&self, stream: &[u8], shard: Shard, appends: &[Append]) {
        let expected = State::after(appends);
        assert_eq!(self.read(stream, appends), expected);
        let row = self.row(stream);
        assert_eq!((row.version, row.folding_to), (expected.version, expected.version));
        assert_eq!(row.snapshot, expected.snapshot.as_ref().map(|(version, _)| *version));
        let header = |into, kind| {
            let table = self.table(into);
            table.get(stream).map(|row| unseal(row, kind).unwrap().0)
        };
        let at = position(expected.version, 0);
        let placed = Header { kind: Kind::Stream, shard: shard.get(), position: at };
        assert_eq!(header(Into::Streams, Kind::Stream), Some(placed));
        let snapshot = header(Into::Snapshots, Kind::Snapshot);
        assert_eq!(snapshot.is_some(), expected.snapshot.is_some(), "none is left behind");
        for (key, header, _) in self.rows_of(Into::Parts, Kind::Part, stream) {
            assert_eq!(header.position, position(expected.parts[&key].0, 0));
        }
        self.check_events(stream, &expected);
        self.check_keys(stream, shard, appends, &expected);
    }

    fn check_events(&self, stream: &[u8], expected: &State) {
        let replaced = expected.snapshot.as_ref().map_or(0, |(version, _)| *version);
        for (_, _, body) in self.rows_of(Into::Events, Kind::Events, stream) {
            let events = EventsRow::decode(&body).unwrap().events;
            let last = events.last().unwrap().version;
            assert!(last > replaced, "a row that nobody needs is still there");
            let others = events.iter().take_while(|event| event.version < last);
            let bytes: usize = others.map(|event| event.payload.bytes.len()).sum();
            assert!(bytes < EVENTS_BYTES, "a row of {bytes} bytes");
        }
    }

    fn check_keys(&self, stream: &[u8], shard: Shard, appends: &[Append], expected: &State) {
        let of_stream = |into, at: usize| -> BTreeSet<Vec<u8>> {
            let keys = self.table(into).keys();
            keys.filter(|key| key.get(at..) == Some(stream)).cloned().collect()
        };
        let wake = wake_time(expected.wake).map(|since| wake_key(shard, since, stream));
        assert_eq!(of_stream(Into::Wakes, 2 + 8), wake.into_iter().collect());
        let tombstone = [&time_key(time_of(expected.version)), stream].concat();
        let tombstone = expected.deleted.then_some(tombstone);
        assert_eq!(of_stream(Into::Tombstones, 8), tombstone.into_iter().collect());

        let holders = self.table(Into::Holders).keys().filter(|key| &key[18..] == stream);
        let holders: BTreeSet<_> = holders.map(|key| blob_of(key).unwrap()).collect();
        assert_eq!(holders, expected.holds, "each blob knows who holds it");
        let released = appends.iter().zip(1..).flat_map(|(append, version)| {
            let released = append.changes().iter().filter_map(|change| match change {
                Change::Release(blob) => Some(*blob),
                _ => None,
            });
            released.map(move |blob| loose_key(time_of(version), blob))
        });
        let released: BTreeSet<_> = released.collect();
        for held_no_more in Self::ever_held(appends).difference(&expected.holds) {
            let is_loose = |key: &Vec<u8>| blob_of(&key[8..]) == Some(*held_no_more);
            let mut loose = self.table(Into::Loose).keys().filter(|key| is_loose(key));
            let last = loose.next_back().expect("since when is known of what is not held any more");
            let deleted = expected.deleted && last[..8] == time_key(time_of(expected.version));
            assert!(deleted || released.contains(last));
        }

        // An answer that was replaced or wiped may leave its time behind; retention drops that.
        let mut ever = State::default();
        let mut times = BTreeSet::new();
        let key =
            |key: &str, until| [&time_key(until)[..], &within(stream, key.as_bytes())].concat();
        for append in appends {
            ever.extend(std::slice::from_ref(append));
            times.extend(ever.answers.iter().map(|(name, (_, _, until, _))| key(name, *until)));
        }
        let found = self.table(Into::AnswersUntil).keys().cloned();
        let found: BTreeSet<_> = found
            .filter(|key| key.get(8..).is_some_and(|it| behind(it, stream).is_some()))
            .collect();
        assert!(found.is_subset(&times), "{found:?}");
        for (name, (_, _, until, _)) in &expected.answers {
            assert!(found.contains(&key(name, *until)), "nothing says until when {name} is kept");
        }
    }

    fn ever_held(appends: &[Append]) -> BTreeSet<BlobId> {
        let changes = appends.iter().flat_map(Append::changes);
        let held = changes.filter_map(|change| match change {
            Change::Hold(blob) => Some(*blob),
            _ => None,
        });
        held.collect()
    }

    /// Everything but what is of the stream.
    pub(super) fn without(&self, stream: &[u8]) -> Self {
        let mut store = self.clone();
        store.0.entry(Into::Streams).or_default().remove(stream);
        store.0.entry(Into::Snapshots).or_default().remove(stream);
        let holders = store.0.entry(Into::Holders).or_default();
        holders.retain(|key, _| &key[18..] != stream);
        store.0.entry(Into::Loose).or_default().clear();
        for into in [Into::Parts, Into::Events, Into::Answers, Into::Holds] {
            let rows = store.0.entry(into).or_default();
            rows.retain(|key, _| behind(key, stream).is_none());
        }
        let until = store.0.entry(Into::AnswersUntil).or_default();
        until.retain(|key, _| behind(&key[8..], stream).is_none());
        store.0.entry(Into::Wakes).or_default().retain(|key, _| &key[10..] != stream);
        store.0.entry(Into::Tombstones).or_default().retain(|key, _| &key[8..] != stream);
        store
    }
}

/// Whether it is a row of events of the stream of which none is of a later version.
fn is_before(key: &[u8], row: &[u8], stream: &[u8], version: u64) -> bool {
    let (_, body) = unseal(row, Kind::Events).unwrap();
    let last = EventsRow::decode(body).unwrap().events.last().unwrap().version;
    behind(key, stream).is_some() && last <= version
}

fn decode(payload: StoredPayload<'_>) -> Payload {
    payload.decode(&Identity).unwrap()
}
