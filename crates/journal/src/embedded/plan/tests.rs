//! Folding comes to the same however it is cut: in one go, in several, and after it was given up
//! in the middle. The tables are simulated, and what is in them is held against a naive model.

mod model;
mod store;

use std::num::NonZeroU16;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use self::model::{State, time_of};
use self::store::Store;
use super::{EVENTS_BYTES, Into, Plan, Row, Write, plan};
use crate::append::{Answer, Append, Payload, Signal, Wake};
use crate::blob::BlobId;
use crate::codec::Identity;
use crate::embedded::tables::position;
use crate::format::{
    AppendRecord, Body, Damage, Kind, encode_append, place, seal, stored_size, unseal,
};
use crate::stream::{StreamId, Version};

const SHARDS: NonZeroU16 = NonZeroU16::new(16).unwrap();

fn stream() -> StreamId {
    StreamId::new("account", "mm").unwrap()
}

/// Streams whose keys are as close to those of [`stream`] as they can be.
fn neighbours() -> Vec<StreamId> {
    let ids = ["m", "ml", "mn", "mmm", "mm\u{a0}", "m\u{10ffff}", "\u{7f0}"];
    let ids = ids.into_iter().map(|id| StreamId::new("account", id).unwrap());
    ids.chain([StreamId::new("accounts", "m").unwrap()]).collect()
}

/// The records of a stream, as they are in the log.
struct Records {
    stream: StreamId,
    sealed: Vec<Vec<u8>>,
}

impl Records {
    fn new(stream: &StreamId, appends: &[Append]) -> Self {
        let shard = stream.shard(SHARDS).get();
        let sealed = appends.iter().zip(1_u64..).map(|(append, version)| {
            let record = AppendRecord {
                stream: stream.key(),
                version,
                epoch: 1,
                at: time_of(version),
                changes: u32::try_from(append.changes().len()).unwrap(),
            };
            let size = stored_size(stream, append);
            let mut sealed = encode_append(record, shard, append, &Identity, size).unwrap();
            place(&mut sealed, position(version, 0));
            sealed
        });
        Self { stream: stream.clone(), sealed: sealed.collect() }
    }

    /// The fold of those from the version after `from` up to `to`.
    fn plan(&self, before: Row, from: usize, to: usize) -> Result<Plan, Damage> {
        let records = self.sealed[from..to].iter().map(|sealed| {
            let (header, body) = unseal(sealed, Kind::Append)?;
            Ok((header, Body::new(body)?))
        });
        plan(self.stream.key(), self.stream.shard(SHARDS), before, records)
    }
}

/// A store in which the neighbours have rows of everything.
fn inhabited() -> Store {
    let mut store = Store::default();
    for stream in neighbours() {
        let full = Append::new()
            .event(text("event"))
            .put("a", text("part"))
            .answer(answer("a", 0))
            .wake(Wake::Now)
            .hold(blob(1))
            .snapshot(Version::NONE, text("state"));
        let records = Records::new(&stream, &[full]);
        store.fold(&records.plan(Row::default(), 0, 1).unwrap(), false);
    }
    store
}

fn blob(number: u128) -> BlobId {
    BlobId::new(stream().shard(SHARDS), number)
}

fn text(text: &str) -> Payload {
    Payload::new(1, text.as_bytes())
}

fn answer(key: &str, until: i64) -> Answer {
    let until = jiff::Timestamp::from_second(until).unwrap();
    Answer {
        key: key.to_owned(),
        fingerprint: until.as_second().cast_unsigned().into(),
        until,
        payload: text(key),
    }
}

/// One fold: how far it goes, and after how many writes it is given up, if it is, and after how
/// many rows of one that removes several.
#[derive(Debug, Clone, Copy)]
struct Fold {
    to: usize,
    cut: Option<(usize, usize)>,
    begins: bool,
}

/// Folds as it is told to, and then the rest. What readers find is checked after each step, and in
/// the end every row.
fn fold(appends: &[Append], folds: &[Fold]) {
    let (stream, empty) = (stream(), inhabited());
    let records = Records::new(&stream, appends);
    let mut store = empty.clone();
    let rest = Fold { to: appends.len(), cut: None, begins: false };
    // The log is read from its beginning after a crash, and from the first that is not folded else.
    let (mut folded, mut reached) = (0, 0);
    for fold in folds.iter().chain([&rest]) {
        let to = fold.to.max(reached);
        let plan = records.plan(store.row(stream.key()), folded, to).unwrap();
        reached = to;
        if let Some((writes, rows)) = fold.cut {
            store.cut(&plan, writes, rows);
        } else {
            store.fold(&plan, fold.begins);
            folded = if fold.begins { to } else { folded };
        }
        // Readers know what is durable: at least what is being folded, and maybe more.
        for known in [to, appends.len()] {
            let appends = &appends[..known];
            assert_eq!(store.read(stream.key(), appends), State::after(appends));
        }
    }
    if !appends.is_empty() {
        store.check(stream.key(), stream.shard(SHARDS), appends);
    }
    assert_eq!(store.without(stream.key()), empty.without(stream.key()), "others are untouched");
}

/// Every way to fold in two goes, of which the first may be given up after each of its writes.
fn folds_in_two(appends: &[Append]) {
    for to in 0..=appends.len() {
        let records = Records::new(&stream(), appends);
        let plan = records.plan(Row::default(), 0, to).unwrap();
        fold(appends, &[Fold { to, cut: None, begins: false }]);
        fold(appends, &[Fold { to, cut: None, begins: true }]);
        for cut in (0..=plan.writes.len()).filter(|_| to > 0) {
            fold(appends, &[Fold { to, cut: Some((cut, 0)), begins: true }]);
        }
    }
}

#[test]
fn short_histories_come_to_the_same_however_they_are_folded() {
    let each: [fn(Version) -> Append; 15] = [
        |_| Append::new(),
        |at| Append::new().event(text(&at.to_string())),
        |at| Append::new().put("a", text(&at.to_string())),
        |_| Append::new().delete("a"),
        |at| Append::new().put("b", text("b")).delete("a").put("a", text(&at.to_string())),
        |at| Append::new().answer(answer("key", 9 - i64::try_from(at.get()).unwrap())),
        |_| Append::new().wake(Wake::Now),
        |_| Append::new().wake(Wake::Never),
        |at| Append::new().wake(Wake::At(time_of(at.get() % 2))),
        |at| Append::new().event(text("e")).snapshot(at, text(&at.to_string())),
        |at| {
            let before = Version::new(at.get() - 1);
            Append::new().event(text("e")).event(text("f")).snapshot(before, text("before"))
        },
        |_| Append::new().snapshot(Version::new(1), text("first")),
        |_| Append::new().hold(blob(1)),
        |_| Append::new().release(blob(1)),
        |_| Append::new().hold(blob(2)).release(blob(2)).hold(blob(1)),
    ];
    for first in each {
        for second in each {
            let two = [first(Version::new(1)), second(Version::new(2))];
            folds_in_two(&two);
            for third in [each[1], each[3], each[9], each[10], |_| Append::tombstone()] {
                let [first, second] = two.clone();
                folds_in_two(&[first, second, third(Version::new(3))]);
            }
        }
    }
}

#[test]
fn a_version_that_is_missing_is_damage() {
    let records = Records::new(&stream(), &[Append::new(), Append::new(), Append::new()]);
    assert!(records.plan(Row::default(), 1, 3).is_err());
    assert!(records.plan(Row { version: 1, ..Row::default() }, 2, 3).is_err());
    assert!(records.plan(Row { version: 2, ..Row::default() }, 0, 3).is_ok());
}

#[test]
fn a_record_of_which_a_change_cannot_be_read_is_damage() {
    let mut records = Records::new(&stream(), &[Append::new().delete("a")]);
    let (header, body) = unseal(&records.sealed[0], Kind::Append).unwrap();
    records.sealed[0] = seal(header, &body[..body.len() - 1]);
    assert!(records.plan(Row::default(), 0, 1).is_err());
    // What is folded already is not looked into.
    assert!(records.plan(Row { version: 1, ..Row::default() }, 0, 1).is_ok());
}

/// Symptom: after a crash the row of a stream that was folded before it had position 0, as if it
/// were older than everything. Mechanism: folding it once more passed over all of its records, and
/// wrote the row all the same, with a position that it took from none of them. Mend: nothing new,
/// nothing written.
#[test]
fn nothing_new_is_nothing_to_write() {
    let appends = [Append::new().put("a", text("1")).wake(Wake::Now), Append::tombstone()];
    let records = Records::new(&stream(), &appends);
    let mut store = Store::default();
    store.fold(&records.plan(Row::default(), 0, 2).unwrap(), false);
    let before = store.clone();
    let again = records.plan(store.row(stream().key()), 0, 2).unwrap();
    assert_eq!((again.writes.len(), again.finish.len()), (0, 0));
    store.fold(&again, false);
    assert_eq!(store, before);
}

#[test]
fn events_are_in_rows_of_some_kilobytes_that_begin_with_a_new_version() {
    let large = Payload::new(1, vec![7; EVENTS_BYTES / 2]);
    let three = Append::new().event(large.clone()).event(large.clone()).event(large.clone());
    let one = Append::new().event(large);
    let empty = (0..10_000).fold(Append::new(), |append, _| append.event(Payload::default()));
    let cases = [
        (vec![one.clone(), one.clone(), one.clone()], 2),
        (vec![three.clone(), one.clone()], 2),
        (vec![one.clone(), three, one], 2),
        // Events without a payload take room too.
        (vec![empty; 3], 3),
    ];
    for (appends, rows) in cases {
        let plan = Records::new(&stream(), &appends).plan(Row::default(), 0, appends.len());
        let writes = plan.unwrap().writes;
        let events = writes.iter().filter(|it| matches!(it, Write::Put(Into::Events, ..)));
        assert_eq!(events.count(), rows);
        fold(&appends, &[]);
    }
}

// === Random histories ===

/// A change, of which the version of the append makes the rest.
#[derive(Debug, Clone)]
enum Op {
    Event(usize),
    Put(u8, u8),
    Delete(u8),
    Answer(u8, i64),
    Wake(Option<i64>),
    Now,
    /// A snapshot of so many versions ago.
    Snapshot(u64),
    Signal,
    Hold(u128),
    Release(u128),
}

fn op() -> impl Strategy<Value = Op> {
    let size = prop_oneof![30 => 0..40_usize, 1 => 20_000..70_000_usize];
    prop_oneof![
        6 => size.prop_map(Op::Event),
        4 => (0..4_u8, any::<u8>()).prop_map(|(key, value)| Op::Put(key, value)),
        2 => (0..4_u8).prop_map(Op::Delete),
        2 => (0..3_u8, -3..3_i64).prop_map(|(key, until)| Op::Answer(key, until)),
        2 => prop::option::of(-3..3_i64).prop_map(Op::Wake),
        1 => Just(Op::Now),
        2 => (0..4_u64).prop_map(Op::Snapshot),
        1 => Just(Op::Signal),
        2 => (0..3_u128).prop_map(Op::Hold),
        1 => (0..3_u128).prop_map(Op::Release),
    ]
}

fn history() -> impl Strategy<Value = Vec<Append>> {
    let appends = prop::collection::vec(prop::collection::vec(op(), 0..4), 1..12);
    (appends, any::<bool>()).prop_map(|(appends, deleted)| {
        let made = appends.into_iter().zip(1..).map(|(ops, version)| append_of(&ops, version));
        made.chain(deleted.then(Append::tombstone)).collect()
    })
}

fn append_of(ops: &[Op], version: u64) -> Append {
    let mut append = Append::new();
    for (n, op) in ops.iter().enumerate() {
        let tag = text(&format!("{version}.{n}"));
        let second = |at| jiff::Timestamp::from_second(at).unwrap();
        append = match op {
            Op::Event(size) => append.event(Payload::new(1, vec![u8::try_from(n).unwrap(); *size])),
            Op::Put(key, value) => append.put([*key], Payload::new(2, vec![*value])),
            Op::Delete(key) => append.delete([*key]),
            Op::Answer(key, until) => append.answer(answer(&key.to_string(), *until)),
            Op::Wake(at) => append.wake(at.map_or(Wake::Never, |at| Wake::At(second(at)))),
            Op::Now => append.wake(Wake::Now),
            Op::Snapshot(ago) => append.snapshot(Version::new(version.saturating_sub(*ago)), tag),
            Op::Signal => append.signal(Signal { class: 1, routing: "a".to_owned(), payload: tag }),
            Op::Hold(number) => append.hold(blob(*number)),
            Op::Release(number) => append.release(blob(*number)),
        };
    }
    append
}

fn folds() -> impl Strategy<Value = Vec<Fold>> {
    let fold = (1..13_usize, prop::option::weighted(0.6, (0..12_usize, 0..4_usize)), any::<bool>());
    prop::collection::vec(fold.prop_map(|(to, cut, begins)| Fold { to, cut, begins }), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 600,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_history_comes_to_the_same_however_often_folding_is_given_up(
        appends in history(),
        folds in folds(),
    ) {
        let most = appends.len();
        let folds: Vec<_> =
            folds.into_iter().map(|fold| Fold { to: fold.to.min(most), ..fold }).collect();
        fold(&appends, &folds);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 30,
        rng_seed: RngSeed::Fixed(2),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_history_is_folded_in_any_two_goes(appends in history()) {
        folds_in_two(&appends);
    }
}
