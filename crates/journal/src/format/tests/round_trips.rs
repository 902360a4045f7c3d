//! Whatever is written is read again as it was.

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::Mirror;
use super::samples::{self, POSITION, SHARD};
use crate::append::{Answer, Append, Change, Payload, Signal, Wake};
use crate::blob::BlobId;
use crate::format::{
    AnswerRow, AppendRecord, BlobRow, BlobState, Body, ChunkRow, EventEntry, EventsRow, Header,
    HoldRow, Kind, PartRow, SignalRow, SnapshotRow, StoredChange, StoredPayload, StreamRow,
    encode_append, head_of_group, open_group, place, seal, stored_size, time_from, unseal,
};
use crate::stream::{Shard, StreamId, Version};

pub(super) fn config(cases: u32) -> ProptestConfig {
    // The same cases in every run.
    let rng_seed = RngSeed::Fixed(1);
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..ProptestConfig::default() }
}

fn times() -> impl Strategy<Value = Timestamp> {
    let (least, most) = (Timestamp::MIN.as_microsecond(), Timestamp::MAX.as_microsecond());
    let number = prop_oneof![Just(least), Just(most), -3..3_i64, least..=most];
    number.prop_map(|number| time_from(number).unwrap())
}

fn payloads() -> impl Strategy<Value = Payload> {
    let bytes = prop::collection::vec(any::<u8>(), 0..40);
    (any::<u16>(), bytes).prop_map(|(schema, bytes)| Payload::new(schema, bytes))
}

fn keys() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..20)
}

fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 0..10).prop_map(String::from_iter)
}

fn streams() -> impl Strategy<Value = StreamId> {
    let ids = prop::collection::vec(any::<char>(), 1..10).prop_map(String::from_iter);
    ids.prop_filter_map("a control character", |id| StreamId::new("kind", &id).ok())
}

fn wakes() -> impl Strategy<Value = Wake> {
    prop_oneof![Just(Wake::Never), Just(Wake::Now), times().prop_map(Wake::At)]
}

fn changes() -> impl Strategy<Value = Change> {
    let signal = (any::<u8>(), texts(), payloads());
    let signal = signal.prop_map(|(class, routing, payload)| Signal { class, routing, payload });
    let answer = (texts(), any::<u128>(), times(), payloads());
    let answer = answer.prop_map(|(key, fingerprint, until, payload)| Answer {
        key,
        fingerprint,
        until,
        payload,
    });
    prop_oneof![
        payloads().prop_map(Change::Event),
        (keys(), payloads()).prop_map(|(key, payload)| Change::Put(key, payload)),
        keys().prop_map(Change::Delete),
        signal.prop_map(Change::Signal),
        answer.prop_map(Change::Answer),
        wakes().prop_map(Change::Wake),
        (any::<u64>(), payloads()).prop_map(|(of, it)| Change::Snapshot(Version::new(of), it)),
        Just(Change::Tombstone),
        blobs().prop_map(Change::Hold),
        blobs().prop_map(Change::Release),
    ]
}

fn blobs() -> impl Strategy<Value = BlobId> {
    (any::<u16>(), any::<u128>()).prop_map(|(shard, number)| BlobId::new(Shard::new(shard), number))
}

/// An append of these. It may be one that limits would refuse.
fn append_of(changes: &[Change]) -> Append {
    changes.iter().fold(Append::new(), |append, change| match change.clone() {
        Change::Event(payload) => append.event(payload),
        Change::Put(key, payload) => append.put(key, payload),
        Change::Delete(key) => append.delete(key),
        Change::Signal(signal) => append.signal(signal),
        Change::Answer(answer) => append.answer(answer),
        Change::Wake(wake) => append.wake(wake),
        Change::Snapshot(at, payload) => append.snapshot(at, payload),
        Change::Tombstone => append.with(Change::Tombstone),
        Change::Hold(blob) => append.hold(blob),
        Change::Release(blob) => append.release(blob),
    })
}

/// The change that was written.
fn change_of(stored: StoredChange<'_>) -> Change {
    let decode = |payload: StoredPayload<'_>| payload.decode(&Mirror).unwrap();
    match stored {
        StoredChange::Event(payload) => Change::Event(decode(payload)),
        StoredChange::Put(key, payload) => Change::Put(key.to_vec(), decode(payload)),
        StoredChange::Delete(key) => Change::Delete(key.to_vec()),
        StoredChange::Signal { class, routing, payload } => {
            let (routing, payload) = (routing.to_owned(), decode(payload));
            Change::Signal(Signal { class, routing, payload })
        }
        StoredChange::Answer { key, fingerprint, until, payload } => {
            let (key, payload) = (key.to_owned(), decode(payload));
            Change::Answer(Answer { key, fingerprint, until, payload })
        }
        StoredChange::Wake(wake) => Change::Wake(wake),
        StoredChange::Snapshot(of, payload) => Change::Snapshot(Version::new(of), decode(payload)),
        StoredChange::Tombstone => Change::Tombstone,
        StoredChange::Hold(blob) => Change::Hold(blob),
        StoredChange::Release(blob) => Change::Release(blob),
    }
}

fn encode(stream: &StreamId, append: &Append, at: Timestamp) -> Vec<u8> {
    let changes = append.changes().len().try_into().unwrap();
    let record = AppendRecord { stream: stream.key(), version: 7, epoch: 8, at, changes };
    let size = stored_size(stream, append);
    encode_append(record, SHARD, append, &Mirror, size).unwrap()
}

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn an_append_is_read_as_it_was_written_and_takes_what_it_was_said_to_take(
        stream in streams(),
        changes in prop::collection::vec(changes(), 0..10),
        (at, position) in (times(), any::<u64>()),
    ) {
        let append = append_of(&changes);
        let mut sealed = encode(&stream, &append, at);
        prop_assert_eq!(sealed.len(), stored_size(&stream, &append));
        place(&mut sealed, position);
        let (header, body) = unseal(&sealed, Kind::Append).unwrap();
        prop_assert_eq!(header, Header { kind: Kind::Append, shard: SHARD, position });
        let body = Body::new(body).unwrap();
        let record = body.record;
        prop_assert_eq!((record.stream, record.version), (stream.key(), 7));
        prop_assert_eq!((record.epoch, record.at), (8, at));
        let read: Vec<_> = body.changes().map(|change| change_of(change.unwrap())).collect();
        prop_assert_eq!(read, changes);
    }

    #[test]
    fn a_group_is_read_as_it_was_written(
        stream in streams(),
        appends in prop::collection::vec(prop::collection::vec(changes(), 0..4), 0..5),
    ) {
        let records: Vec<_> = appends.iter().zip(1..).map(|(changes, position)| {
            let mut sealed = encode(&stream, &append_of(changes), samples::time());
            place(&mut sealed, position);
            sealed
        }).collect();
        let bytes = records.iter().map(Vec::len).sum();
        let row = [vec![head_of_group(1, records.len(), bytes)], records.clone()].concat().concat();
        let read: Vec<_> = open_group(&row, 1..=9).unwrap().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(read.len(), records.len());
        for ((record, position), (header, body, start, length)) in
            records.iter().zip(1..).zip(read)
        {
            prop_assert_eq!(&row[start..start + length], record.as_slice());
            prop_assert_eq!((header.position, body.record.stream), (position, stream.key()));
        }
    }

    #[test]
    fn rows_are_read_as_they_were_written(
        (stream, key, text) in (keys(), keys(), texts()),
        (version, folding_to, snapshot) in (any::<u64>(), any::<u64>(), any::<Option<u64>>()),
        (at, wake, deleted, class) in (times(), wakes(), any::<bool>(), any::<u8>()),
        (schema, key_id, bytes) in (any::<u16>(), any::<u32>(), keys()),
        mut versions in prop::collection::vec(any::<u64>(), 0..5),
    ) {
        let payload = StoredPayload { schema, key_id, bytes: &bytes };
        let (stream, fingerprint) = (stream.as_slice(), u128::from(folding_to) << 60);
        let born = folding_to / 2;
        let row = StreamRow { stream, version, folding_to, born, snapshot, wake, at, deleted };
        assert_eq!(StreamRow::decode(&row.encode()), Ok(row));
        let row = PartRow { stream, key: &key, version, payload };
        assert_eq!(PartRow::decode(&row.encode()), Ok(row));
        versions.sort_unstable();
        let events = versions.into_iter().map(|version| EventEntry { version, at, payload });
        let row = EventsRow { stream, events: events.collect() };
        assert_eq!(EventsRow::decode(&row.encode()), Ok(row.clone()));
        let row = SnapshotRow { stream, version, payload };
        assert_eq!(SnapshotRow::decode(&row.encode()), Ok(row));
        let row = AnswerRow { stream, key: &text, version, fingerprint, until: at, payload };
        assert_eq!(AnswerRow::decode(&row.encode()), Ok(row));
        let row = SignalRow { stream, version, at, class, routing: &text, payload };
        assert_eq!(SignalRow::decode(&row.encode()), Ok(row));
        let (id, chunks) = (BlobId::new(Shard::new(schema), fingerprint), key_id);
        let state = if deleted { BlobState::Doomed } else { BlobState::Open };
        let row = BlobRow { id, state, chunks, length: version, at };
        assert_eq!(BlobRow::decode(&row.encode()), Ok(row));
        let row = ChunkRow { blob: id, index: chunks, payload };
        assert_eq!(ChunkRow::decode(&row.encode()), Ok(row));
        let row = HoldRow { stream, blob: id, version };
        assert_eq!(HoldRow::decode(&row.encode()), Ok(row));
    }
}

#[test]
fn each_kind_of_change_takes_what_it_is_said_to_take() {
    let whole = samples::whole();
    let none = stored_size(&samples::stream(), &Append::new());
    let blobs = samples::holding();
    for change in whole.changes().iter().chain(blobs.changes()).chain([&Change::Tombstone]) {
        let append = append_of(std::slice::from_ref(change));
        let sealed = encode(&samples::stream(), &append, samples::time());
        assert_eq!(sealed.len(), stored_size(&samples::stream(), &append), "{change:?}");
        assert!(sealed.len() > none);
    }
}

#[test]
fn what_is_finer_than_a_microsecond_is_dropped() {
    for (nanoseconds, microseconds) in [(1_999, 1), (999, 0), (-999, 0), (-1_999, -1)] {
        let at = Timestamp::from_nanosecond(nanoseconds).unwrap();
        let sealed = encode(&samples::stream(), &Append::new(), at);
        let (_, body) = unseal(&sealed, Kind::Append).unwrap();
        assert_eq!(Body::new(body).unwrap().record.at.as_nanosecond(), microseconds * 1_000);
    }
}

#[test]
fn a_record_that_is_moved_is_valid_and_says_where_it_is() {
    for (name, kind, mut record) in samples::all() {
        let before = record.clone();
        for position in [0, 1, u64::MAX, POSITION] {
            place(&mut record, position);
            let (header, body) = unseal(&record, kind).unwrap();
            assert_eq!((header.shard, header.position), (SHARD, position), "{name}");
            if kind != Kind::Append {
                assert_eq!(record, seal(header, body), "{name}");
            }
        }
        assert_eq!(record, before, "{name}: moved back, it is what it was");
    }
    // What is too short to be a record stays as it is.
    let mut short = vec![1; 27];
    place(&mut short, 5);
    assert_eq!(short, [1; 27]);
}

/// Symptom: an answer that was to be kept until `Timestamp::MAX` made the store unreadable, for
/// good. Mechanism: `Timestamp::from_microsecond` refuses the last second of all, of which
/// `as_microsecond` gives numbers all the same; what was written was damage when it was read. Mend:
/// the number is taken apart into seconds and the rest.
#[test]
fn the_first_and_the_last_time_of_all_are_read_again() {
    let last = Timestamp::MAX.as_microsecond();
    for microsecond in [Timestamp::MIN.as_microsecond(), last - 1_000_000, last - 1, last] {
        let at = time_from(microsecond).unwrap();
        assert_eq!(at.as_microsecond(), microsecond);
        let append = Append::new().wake(Wake::At(at));
        let sealed = encode(&samples::stream(), &append, Timestamp::MAX);
        let (_, body) = unseal(&sealed, Kind::Append).unwrap();
        let changes: Vec<_> = Body::new(body).unwrap().changes().collect();
        assert_eq!(changes, [Ok(StoredChange::Wake(Wake::At(at)))]);
    }
    assert_eq!((time_from(last + 1), time_from(i64::MAX), time_from(i64::MIN)), (None, None, None));
}
