//! One record of each kind, with something in every field, and what it says.

use jiff::Timestamp;

use super::{KEY_ID, Mirror};
use crate::append::{Answer, Append, Payload, Signal, Wake};
use crate::blob::BlobId;
use crate::format::{
    AnswerRow, AppendRecord, BlobRow, BlobState, ChunkRow, EventEntry, EventsRow, Fact, Header,
    HoldRow, Kind, PartRow, SignalRow, SnapshotRow, StoredPayload, StreamRow, encode_append,
    head_of_group, place, seal, stored_size,
};
use crate::stream::{Shard, StreamId, Version};

pub(super) const SHARD: u16 = 0x0102;
pub(super) const POSITION: u64 = 0x0102_0304_0506_0708;
pub(super) const VERSION: u64 = 0x1112_1314_1516_1718;
pub(super) const EPOCH: u64 = 0x2122_2324_2526_2728;
pub(super) const FINGERPRINT: u128 = 0x3132_3334_3536_3738_393a_3b3c_3d3e_3f40;
pub(super) const PAYLOAD: StoredPayload<'static> =
    StoredPayload { schema: 0x4142, key_id: KEY_ID, bytes: b"payload" };
pub(super) const NOTHING: StoredPayload<'static> =
    StoredPayload { schema: 1, key_id: 0, bytes: b"" };

pub(super) fn stream() -> StreamId {
    StreamId::new("account", "alice").unwrap()
}

/// 2001-02-03 04:05:06.789012.
pub(super) fn time() -> Timestamp {
    Timestamp::from_microsecond(981_173_106_789_012).unwrap()
}

/// Before the epoch, so that its sign is seen.
pub(super) fn early() -> Timestamp {
    Timestamp::from_microsecond(-2).unwrap()
}

/// An append of every kind of change but a tombstone, which is alone.
pub(super) fn whole() -> Append {
    let payload = || Payload::new(0x4142, b"payload");
    let (key, fingerprint, until) = ("key".to_owned(), FINGERPRINT, time());
    Append::new()
        .event(payload())
        .put("part", payload())
        .delete("gone")
        .signal(Signal { class: 0x51, routing: "a.ü".to_owned(), payload: payload() })
        .answer(Answer { key, fingerprint, until, payload: payload() })
        .wake(Wake::Never)
        .wake(Wake::Now)
        .wake(Wake::At(early()))
        .snapshot(Version::new(VERSION), payload())
}

/// A blob, which format 2 has.
pub(super) fn blob() -> BlobId {
    BlobId::new(Shard::new(SHARD), FINGERPRINT)
}

/// An append of every kind of change that format 2 brought.
pub(super) fn holding() -> Append {
    Append::new().hold(blob()).release(blob())
}

/// An append as a record of the log.
pub(super) fn record(append: &Append, version: u64, position: u64) -> Vec<u8> {
    let stream = stream();
    let record = AppendRecord {
        stream: stream.key(),
        version,
        epoch: EPOCH,
        at: time(),
        changes: append.changes().len().try_into().unwrap(),
    };
    let size = stored_size(&stream, append);
    let mut sealed = encode_append(record, SHARD, append, &Mirror, size).unwrap();
    place(&mut sealed, position);
    sealed
}

/// A row of the log with two appends.
pub(super) fn group() -> Vec<u8> {
    let whole = record(&whole(), VERSION, POSITION);
    let tombstone = record(&Append::tombstone(), VERSION + 1, POSITION + 1);
    let head = head_of_group(POSITION, 2, whole.len() + tombstone.len());
    [head, whole, tombstone].concat()
}

/// Every kind of record, by its name.
pub(super) fn all() -> Vec<(&'static str, Kind, Vec<u8>)> {
    let mut all = of_version_1();
    all.extend(of_version_2());
    all
}

/// Those that format 2 brought.
pub(super) fn of_version_2() -> Vec<(&'static str, Kind, Vec<u8>)> {
    let stream = stream();
    let sealed =
        |kind, body: Vec<u8>| seal(Header { kind, shard: SHARD, position: POSITION }, &body);
    let (state, length) = (BlobState::Whole, 0x5152_5354_5556_5758);
    let row = BlobRow { id: blob(), state, chunks: 0x6162_6364, length, at: time() };
    let chunk = ChunkRow { blob: blob(), index: 0x6162_6363, payload: PAYLOAD };
    let hold = HoldRow { stream: stream.key(), blob: blob(), version: VERSION };
    vec![
        ("append", Kind::Append, record(&holding(), VERSION, POSITION)),
        ("blob", Kind::Blob, sealed(Kind::Blob, row.encode())),
        ("chunk", Kind::Chunk, sealed(Kind::Chunk, chunk.encode())),
        ("hold", Kind::Hold, sealed(Kind::Hold, hold.encode())),
    ]
}

/// Those that there were from the beginning.
pub(super) fn of_version_1() -> Vec<(&'static str, Kind, Vec<u8>)> {
    let stream = stream();
    let stream = stream.key();
    let sealed =
        |kind, body: Vec<u8>| seal(Header { kind, shard: SHARD, position: POSITION }, &body);
    let part = PartRow { stream, key: b"part", version: VERSION, payload: PAYLOAD };
    let events = EventsRow {
        stream,
        events: vec![
            EventEntry { version: 3, at: early(), payload: PAYLOAD },
            EventEntry { version: 3, at: time(), payload: NOTHING },
            EventEntry { version: VERSION, at: time(), payload: PAYLOAD },
        ],
    };
    let snapshot = SnapshotRow { stream, version: VERSION, payload: PAYLOAD };
    let (fingerprint, until) = (FINGERPRINT, time());
    let answer =
        AnswerRow { stream, key: "key", version: VERSION, fingerprint, until, payload: PAYLOAD };
    let (class, routing) = (0x51, "a.ü");
    let signal =
        SignalRow { stream, version: VERSION, at: time(), class, routing, payload: PAYLOAD };
    let fact = Fact { name: "epoch.3", value: VERSION };
    vec![
        ("append", Kind::Append, record(&whole(), VERSION, POSITION)),
        ("part", Kind::Part, sealed(Kind::Part, part.encode())),
        ("events", Kind::Events, sealed(Kind::Events, events.encode())),
        ("snapshot", Kind::Snapshot, sealed(Kind::Snapshot, snapshot.encode())),
        ("answer", Kind::Answer, sealed(Kind::Answer, answer.encode())),
        ("signal", Kind::Signal, sealed(Kind::Signal, signal.encode())),
        ("stream", Kind::Stream, sealed(Kind::Stream, stream_row(stream).encode())),
        ("meta", Kind::Meta, sealed(Kind::Meta, fact.encode())),
    ]
}

/// The row of a stream that is being folded.
pub(super) fn stream_row(stream: &[u8]) -> StreamRow<'_> {
    StreamRow {
        stream,
        version: VERSION,
        folding_to: VERSION + 5,
        born: POSITION - 3,
        snapshot: Some(VERSION - 1),
        wake: Wake::At(early()),
        at: time(),
        deleted: true,
    }
}

/// Reads the body of a record of that kind to its end, and writes it again from what was read;
/// none if it is damage. Changes of an append, of which the writer is another one, are only read.
pub(super) fn again(kind: Kind, body: &[u8]) -> Option<Vec<u8>> {
    Some(match kind {
        Kind::Append => {
            let read = crate::format::Body::new(body).ok()?;
            read.changes().all(|change| change.is_ok()).then(|| body.to_vec())?
        }
        Kind::Part => PartRow::decode(body).ok()?.encode(),
        Kind::Events => EventsRow::decode(body).ok()?.encode(),
        Kind::Snapshot => SnapshotRow::decode(body).ok()?.encode(),
        Kind::Answer => AnswerRow::decode(body).ok()?.encode(),
        Kind::Signal => SignalRow::decode(body).ok()?.encode(),
        Kind::Stream => StreamRow::decode(body).ok()?.encode(),
        Kind::Meta => Fact::decode(body).ok()?.encode(),
        Kind::Blob => BlobRow::decode(body).ok()?.encode(),
        Kind::Chunk => ChunkRow::decode(body).ok()?.encode(),
        Kind::Hold => HoldRow::decode(body).ok()?.encode(),
        Kind::Group => body.to_vec(),
    })
}
