//! What a journal in memory makes of appends, and whom it refuses.

mod reading;

use std::num::NonZeroU16;
use std::time::Duration;

use foundation::{Error, Result};
use jiff::{SignedDuration, Timestamp};

use super::{Encoded, Opened, Outcome, State};
use crate::append::{Answer, Append, Payload, Signal, Wake};
use crate::codec::{Codec, Identity};
use crate::codes;
use crate::error::is_refused;
use crate::lease::Lease;
use crate::load::{Due, Load};
use crate::memory::coded::encode;
use crate::options::Retention;
use crate::stream::{Position, Shard, StreamId, Version};
use crate::ticket::Committed;

const SHARD: Shard = Shard::new(0);

/// A state of one shard, and a time that only goes when it is told to.
struct Fixture {
    state: State,
    lease: Lease,
    now: Timestamp,
}

impl Fixture {
    fn new() -> Self {
        Self::retaining(Retention::default())
    }

    fn retaining(retention: Retention) -> Self {
        let mut state = State::new(NonZeroU16::MIN, retention);
        let (lease, before) = state.acquire(SHARD).unwrap();
        assert!(before.is_none());
        Self { state, lease, now: Timestamp::from_second(1_000_000).unwrap() }
    }

    fn open(&mut self, id: &str) -> Opened {
        self.state.open(&self.lease, &stream(id)).unwrap()
    }

    fn try_append(&mut self, opened: &Opened, append: &Append) -> Result<Outcome> {
        let changes = append.changes().iter().map(|change| encode(change, &Identity).unwrap());
        let encoded = Encoded {
            at: self.now,
            expected: append.expected(),
            changes: changes.collect(),
            bytes: crate::format::stored_size(&opened.stream, append),
        };
        self.state.append(opened, encoded)
    }

    fn append(&mut self, opened: &Opened, append: &Append) -> Committed {
        match self.try_append(opened, append).unwrap() {
            Outcome::Committed { committed, .. } => committed,
            Outcome::Refused(refusal) => panic!("refused by the ticket: {refusal}"),
        }
    }

    fn refused_at_once(&mut self, opened: &Opened, append: &Append) -> Error {
        match self.try_append(opened, append) {
            Err(error) => error,
            Ok(outcome) => panic!("it was queued: {outcome:?}"),
        }
    }

    fn refused_by_ticket(&mut self, opened: &Opened, append: &Append) -> Error {
        match self.try_append(opened, append).unwrap() {
            Outcome::Refused(refusal) => refusal,
            Outcome::Committed { committed, .. } => panic!("it is there: {committed:?}"),
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += SignedDuration::try_from(time).unwrap();
    }

    fn events(&self, id: &str, load: &Load) -> Vec<(u64, Vec<u8>)> {
        let found = self.state.load(&stream(id), load).unwrap();
        let events = found.events.into_iter().map(|event| event.value);
        events.map(|event| (event.version.get(), event.payload.into_bytes())).collect()
    }

    fn log(&self, from: u64, limit: usize) -> Result<(Vec<u64>, u64)> {
        let page = self.state.read_log(Position::new(SHARD, from), limit)?;
        let numbers = page.entries.iter().map(|(position, _)| position.number()).collect();
        Ok((numbers, page.read_to.number()))
    }

    fn signals(&self, from: u64, limit: usize) -> Result<(Vec<u64>, u64)> {
        let page = self.state.read_signals(Position::new(SHARD, from), limit)?;
        let numbers = page.entries.iter().map(|(position, signal)| {
            assert_eq!(*position, signal.value.position);
            position.number()
        });
        Ok((numbers.collect(), page.read_to.number()))
    }

    fn due(&self, until: Timestamp, after: Option<&Due>, limit: usize) -> Vec<Due> {
        self.state.due(SHARD, until, after, limit).unwrap()
    }
}

fn stream(id: &str) -> StreamId {
    StreamId::new("account", id).unwrap()
}

fn text(text: &str) -> Payload {
    Payload::new(1, text.as_bytes())
}

fn event(name: &str) -> Append {
    Append::new().event(text(name))
}

fn signals(count: usize) -> Append {
    let signal = || Signal { class: 1, routing: "happened".to_owned(), payload: text("signal") };
    (0..count).fold(Append::new(), |append, _| append.signal(signal()))
}

fn answer(key: &str, fingerprint: u128, until: Timestamp) -> Append {
    Append::new().answer(Answer { key: key.to_owned(), fingerprint, until, payload: text("yes") })
}

fn number(error: &Error, key: &str) -> Option<u64> {
    error.details()[key].as_u64()
}

// === versions and writers ===

#[test]
fn each_append_makes_one_version_whatever_it_has() {
    let mut fixture = Fixture::new();
    let alice = fixture.open("alice");
    assert_eq!(alice.version, Version::NONE);
    let appends = [Append::new(), event("one").event(text("two")), signals(3)];
    for (version, append) in (1..).zip(&appends) {
        assert_eq!(fixture.append(&alice, append).version.get(), version);
    }
    let expected = [(2, b"one".to_vec()), (2, b"two".to_vec())];
    assert_eq!(fixture.events("alice", &Load::all()), expected);
    assert_eq!(fixture.open("alice").version.get(), 3);
}

#[test]
fn a_stream_that_was_only_opened_is_not_there() {
    let mut fixture = Fixture::new();
    let _alice = fixture.open("alice");
    let found = fixture.state.load(&stream("alice"), &Load::all()).unwrap();
    assert_eq!((found.version, found.wake), (Version::NONE, Wake::Never));
    assert!(fixture.state.streams("account", None, 10).unwrap().is_empty());
}

#[test]
fn another_version_than_expected_is_refused_and_the_writer_goes_on() {
    let mut fixture = Fixture::new();
    let alice = fixture.open("alice");
    fixture.append(&alice, &event("one").expecting(Version::NONE));
    let error = fixture.refused_at_once(&alice, &event("two").expecting(Version::NONE));
    assert_eq!(error.code(), codes::VERSION_CONFLICT.name);
    assert_eq!((number(&error, "expected"), number(&error, "found")), (Some(0), Some(1)));
    assert_eq!(fixture.append(&alice, &event("two").expecting(Version::new(1))).version.get(), 2);
    assert_eq!(fixture.events("alice", &Load::all()).len(), 2);
}

#[test]
fn opening_again_fences_the_writer_before() {
    let mut fixture = Fixture::new();
    let (first, other) = (fixture.open("alice"), fixture.open("bob"));
    let second = fixture.open("alice");
    let error = fixture.refused_at_once(&first, &event("late"));
    assert_eq!(error.code(), codes::WRITER_FENCED.name);
    fixture.append(&second, &event("one"));
    fixture.append(&other, &event("one"));
    assert_eq!(fixture.state.stats().writers, 2);

    // The fenced one goes without taking the writer of now along.
    fixture.state.release(&first);
    fixture.append(&second, &event("two"));
    fixture.state.release(&second);
    assert_eq!(fixture.state.stats().writers, 1);
}

#[test]
fn taking_a_shard_over_refuses_all_writers_of_before() {
    let mut fixture = Fixture::new();
    let alice = fixture.open("alice");
    let (lease, before) = fixture.state.acquire(SHARD).unwrap();
    assert!(lease.epoch() > alice.lease.epoch());
    assert_eq!(before.map(|before| before.epoch()), Some(alice.lease.epoch()));

    let error = fixture.refused_at_once(&alice, &event("late"));
    assert_eq!(error.code(), codes::LEASE_LOST.name);
    let error = fixture.state.open(&alice.lease, &stream("alice")).unwrap_err();
    assert_eq!(error.code(), codes::LEASE_LOST.name);
    let error = fixture.state.check_lease(&alice.lease).unwrap_err();
    assert_eq!(error.code(), codes::LEASE_LOST.name);
    assert_eq!(fixture.state.stats().writers, 0);
    fixture.state.check_lease(&lease).unwrap();
}

#[test]
fn a_stream_is_opened_under_the_lease_of_its_own_shard_only() {
    let mut state = State::new(NonZeroU16::new(8).unwrap(), Retention::default());
    let id = stream("alice");
    let own = id.shard(NonZeroU16::new(8).unwrap());
    for shard in (0..8).map(Shard::new) {
        let (lease, _) = state.acquire(shard).unwrap();
        match state.open(&lease, &id) {
            Ok(_) => assert_eq!(shard, own),
            Err(error) => {
                assert_eq!(error.code(), codes::NO_SUCH_SHARD.name);
                assert_ne!(shard, own);
            }
        }
    }
    let error = state.acquire(Shard::new(8)).unwrap_err();
    assert_eq!(error.code(), codes::NO_SUCH_SHARD.name);
}

// === snapshots ===

#[test]
fn a_snapshot_replaces_the_events_up_to_its_version() {
    let mut fixture = Fixture::new();
    let alice = fixture.open("alice");
    for name in ["one", "two", "three"] {
        fixture.append(&alice, &event(name));
    }
    fixture.append(&alice, &Append::new().snapshot(Version::new(2), text("1+2")));
    let found = fixture.state.load(&stream("alice"), &Load::all()).unwrap();
    let snapshot = found.snapshot.map(|(version, payload)| (version.get(), payload.value));
    assert_eq!(snapshot, Some((2, text("1+2"))));
    assert_eq!(fixture.events("alice", &Load::all()), [(3, b"three".to_vec())]);
    let history = Load::new().events_after(Version::NONE);
    assert_eq!(fixture.events("alice", &history), [(3, b"three".to_vec())]);
}

#[test]
fn an_older_snapshot_is_ignored_and_one_of_the_same_version_replaces() {
    let mut fixture = Fixture::new();
    let alice = fixture.open("alice");
    for name in ["one", "two"] {
        fixture.append(&alice, &event(name));
    }
    for (version, state, kept) in [(2, "a", "a"), (1, "b", "a"), (2, "c", "c")] {
        fixture.append(&alice, &Append::new().snapshot(Version::new(version), text(state)));
        let found = fixture.state.load(&stream("alice"), &Load::new().snapshot()).unwrap();
        let (of, payload) = found.snapshot.unwrap();
        assert_eq!((of.get(), payload.value), (2, text(kept)));
    }
}

#[test]
fn a_snapshot_of_its_own_append_replaces_all_events_of_that() {
    let mut fixture = Fixture::new();
    let alice = fixture.open("alice");
    let append = event("before").snapshot(Version::new(1), text("state")).event(text("behind"));
    fixture.append(&alice, &append);
    assert!(fixture.events("alice", &Load::all()).is_empty());
    fixture.append(&alice, &event("next"));
    assert_eq!(fixture.events("alice", &Load::all()), [(2, b"next".to_vec())]);
}

// === answers ===

#[test]
fn a_key_that_has_its_answer_is_refused_and_the_writer_fenced() {
    for (fingerprint, code) in [(7, codes::KEY_ANSWERED), (8, codes::KEY_REUSED)] {
        let mut fixture = Fixture::new();
        let (alice, until) = (fixture.open("alice"), fixture.now);
        fixture.append(&alice, &answer("key", 7, until));
        let again = answer("key", fingerprint, until).event(text("lost")).put("part", text("lost"));
        let error = fixture.refused_by_ticket(&alice, &again);
        assert_eq!(error.code(), code.name);
        assert!(is_refused(&error));
        assert_eq!(error.details()["key"].as_str(), Some("key"));

        let found = fixture.state.load(&stream("alice"), &Load::all()).unwrap();
        assert_eq!((found.version.get(), found.events.len(), found.parts.len()), (1, 0, 0));
        assert_eq!(fixture.log(0, 10).unwrap(), (vec![1], 1));
        let error = fixture.refused_at_once(&alice, &event("next"));
        assert_eq!(error.code(), codes::WRITER_FENCED.name);
        assert_eq!(fixture.state.stats().refused, 2);
        let alice = fixture.open("alice");
        fixture.append(&alice, &event("next"));
    }
}

#[test]
fn an_answer_counts_until_its_time_has_passed_and_it_was_dropped() {
    let mut fixture = Fixture::new();
    let (alice, until) = (fixture.open("alice"), fixture.now);
    fixture.append(&alice, &answer("key", 7, until));
    let id = stream("alice");
    let found = fixture.state.answer(&id, "key", 7).unwrap().unwrap();
    assert_eq!(found.decode(&Identity).unwrap(), text("yes"));
    let error = fixture.state.answer(&id, "key", 8).unwrap_err();
    assert_eq!(error.code(), codes::KEY_REUSED.name);
    assert_eq!(fixture.state.answer(&id, "other", 7).unwrap(), None);

    // At its time it is kept still; behind it, until somebody drops it.
    assert_eq!(fixture.state.retain(until).unwrap().answers, 0);
    fixture.pass(Duration::from_micros(1));
    assert!(fixture.state.answer(&id, "key", 7).unwrap().is_some());
    assert_eq!(fixture.state.retain(fixture.now).unwrap().answers, 1);
    assert_eq!(fixture.state.answer(&id, "key", 8).unwrap(), None);
    fixture.append(&alice, &answer("key", 8, until));
}

// === tombstones ===

#[test]
fn of_a_deleted_stream_nothing_is_left_but_its_name() {
    let mut fixture = Fixture::new();
    let (alice, until) = (fixture.open("alice"), fixture.now);
    let full = answer("key", 7, until)
        .event(text("event"))
        .put("part", text("part"))
        .wake(Wake::Now)
        .snapshot(Version::NONE, text("state"));
    fixture.append(&alice, &full);
    assert_eq!(fixture.append(&alice, &Append::tombstone()).version.get(), 2);

    let id = stream("alice");
    let refusals = [
        fixture.state.load(&id, &Load::new()).map(drop),
        fixture.state.answer(&id, "key", 7).map(drop),
        fixture.state.open(&fixture.lease, &id).map(drop),
        fixture.try_append(&alice, &event("late")).map(drop),
    ];
    for refusal in refusals {
        assert_eq!(refusal.unwrap_err().code(), codes::STREAM_DELETED.name);
    }
    assert!(fixture.state.streams("account", None, 10).unwrap().is_empty());
    assert!(fixture.due(Timestamp::MAX, None, 10).is_empty());
    assert_eq!(fixture.log(0, 10).unwrap(), (vec![1, 2], 2));
}

#[test]
fn the_name_of_a_deleted_stream_is_free_after_its_retention() {
    let week = Retention::default().tombstones_for;
    let mut fixture = Fixture::new();
    let old = fixture.open("alice");
    fixture.append(&old, &event("one"));
    fixture.append(&old, &Append::tombstone());
    fixture.pass(week.checked_sub(Duration::from_micros(1)).unwrap());
    assert_eq!(fixture.state.retain(fixture.now).unwrap().tombstones, 0);
    fixture.pass(Duration::from_micros(1));
    assert_eq!(fixture.state.retain(fixture.now).unwrap().tombstones, 1);

    let found = fixture.state.load(&stream("alice"), &Load::all()).unwrap();
    assert_eq!((found.version, found.events.len()), (Version::NONE, 0));
    let error = fixture.refused_at_once(&old, &event("late"));
    assert_eq!(error.code(), codes::WRITER_FENCED.name);
    let new = fixture.open("alice");
    assert_eq!(fixture.append(&new, &event("one")).version.get(), 1);
}

#[test]
fn tombstones_that_are_kept_for_ever_stay() {
    let tombstones_for = Duration::MAX;
    let mut fixture = Fixture::retaining(Retention { tombstones_for, ..Retention::default() });
    let alice = fixture.open("alice");
    fixture.append(&alice, &Append::tombstone());
    assert_eq!(fixture.state.retain(Timestamp::MAX).unwrap().tombstones, 0);
}

// === the rest ===

#[test]
fn times_are_kept_in_microseconds() {
    let fine = Timestamp::from_nanosecond(1_000_000_000_123_456_789).unwrap();
    let kept = Timestamp::from_microsecond(1_000_000_000_123_456).unwrap();
    let mut fixture = Fixture::new();
    let alice = fixture.open("alice");
    fixture.append(&alice, &answer("key", 7, fine).wake(Wake::At(fine)));
    let found = fixture.state.load(&stream("alice"), &Load::new()).unwrap();
    assert_eq!(found.wake, Wake::At(kept));
    assert_eq!(fixture.due(kept, None, 10), [Due::new(kept, stream("alice"))]);
    assert_eq!(fixture.state.retain(kept).unwrap().answers, 0);
    assert_eq!(fixture.state.retain(fine).unwrap().answers, 1);
}

#[test]
fn a_payload_is_kept_with_the_key_it_was_encoded_with() {
    #[derive(Debug)]
    struct Key(u32);
    impl Codec for Key {
        fn key_id(&self) -> u32 {
            self.0
        }
        fn encode<'a>(
            &self,
            _key_id: u32,
            payload: &'a [u8],
        ) -> Result<std::borrow::Cow<'a, [u8]>> {
            Ok(payload.iter().rev().copied().collect::<Vec<_>>().into())
        }
        fn decode(&self, key_id: u32, stored: &[u8]) -> Result<Vec<u8>> {
            assert_eq!(key_id, self.0);
            self.encode(key_id, stored).map(std::borrow::Cow::into_owned)
        }
    }
    for append in [event("abc"), Append::new().put("part", text("abc"))] {
        let coded = encode(&append.changes()[0], &Key(3)).unwrap();
        assert_eq!(coded.key_id, 3);
        assert_ne!(coded.value, append.changes()[0]);
        assert_eq!(coded.decode(&Key(3)).unwrap(), append.changes()[0]);
    }
    let delete = encode(&Append::new().delete("part").changes()[0], &Key(3)).unwrap();
    assert_eq!(delete.key_id, 0);
}

#[test]
fn closed_it_refuses_everything() {
    let mut fixture = Fixture::new();
    let alice = fixture.open("alice");
    fixture.append(&alice, &event("one"));
    assert_eq!(fixture.state.close().len(), 1);
    assert!(fixture.state.close().is_empty());
    let (id, start, now) = (stream("alice"), Position::start(SHARD), fixture.now);
    let refusals = [
        fixture.state.acquire(SHARD).map(drop),
        fixture.state.check_lease(&alice.lease),
        fixture.state.open(&alice.lease, &id).map(drop),
        fixture.try_append(&alice, &event("late")).map(drop),
        fixture.state.load(&id, &Load::all()).map(drop),
        fixture.state.answer(&id, "key", 7).map(drop),
        fixture.state.due(SHARD, now, None, 1).map(drop),
        fixture.state.streams("account", None, 1).map(drop),
        fixture.state.read_log(start, 1).map(drop),
        fixture.state.read_signals(start, 1).map(drop),
        fixture.state.signals_since(SHARD, now).map(drop),
        fixture.state.retain(now).map(drop),
    ];
    for refusal in refusals {
        assert_eq!(refusal.unwrap_err().code(), codes::STORE_CLOSED.name);
    }
    let stats = fixture.state.stats();
    assert_eq!((stats.appends, stats.refused, stats.tail, stats.writers), (1, 1, 0, 0));
}
