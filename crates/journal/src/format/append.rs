//! Appends, and the groups in which they are committed.

use std::ops::RangeInclusive;

use foundation::Result as Fallible;
use jiff::Timestamp;

use super::bytes::{Damage, PAYLOAD_HEAD, Put, StoredPayload, Take};
use super::envelope::{self, BLOBS, HEAD, Header, Kind};
use crate::append::{Append, Change, Wake};
use crate::blob::BlobId;
use crate::codec::Codec;
use crate::stream::StreamId;

/// What an append is, beside its changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AppendRecord<'a> {
    pub(crate) stream: &'a [u8],
    pub(crate) version: u64,
    pub(crate) epoch: u64,
    pub(crate) at: Timestamp,
    pub(crate) changes: u32,
}

/// An append whose changes are read one by one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body<'a> {
    pub(crate) record: AppendRecord<'a>,
    changes: Take<'a>,
}

/// One change as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoredChange<'a> {
    Event(StoredPayload<'a>),
    Put(&'a [u8], StoredPayload<'a>),
    Delete(&'a [u8]),
    Signal { class: u8, routing: &'a str, payload: StoredPayload<'a> },
    Answer { key: &'a str, fingerprint: u128, until: Timestamp, payload: StoredPayload<'a> },
    Wake(Wake),
    Snapshot(u64, StoredPayload<'a>),
    Tombstone,
    Hold(BlobId),
    Release(BlobId),
}

pub(super) const EVENT: u8 = 1;
pub(super) const PUT: u8 = 2;
pub(super) const DELETE: u8 = 3;
pub(super) const SIGNAL: u8 = 4;
pub(super) const ANSWER: u8 = 5;
pub(super) const WAKE: u8 = 6;
pub(super) const SNAPSHOT: u8 = 7;
pub(super) const TOMBSTONE: u8 = 8;
pub(super) const HOLD: u8 = 9;
pub(super) const RELEASE: u8 = 10;

/// Bytes of the body of an append before its changes, without the name of its stream.
const FIXED: usize = 2 + 8 + 8 + 8 + 4;

/// How many bytes `append` takes as it is written, with a codec that keeps lengths.
pub(crate) fn stored_size(stream: &StreamId, append: &Append) -> usize {
    let changes = append.changes().iter().map(|change| match change {
        Change::Event(payload) => 1 + payload.bytes().len() + PAYLOAD_HEAD,
        Change::Put(key, payload) => 3 + key.len() + payload.bytes().len() + PAYLOAD_HEAD,
        Change::Delete(key) => 3 + key.len(),
        Change::Signal(signal) => {
            4 + signal.routing.len() + signal.payload.bytes().len() + PAYLOAD_HEAD
        }
        Change::Answer(answer) => {
            27 + answer.key.len() + answer.payload.bytes().len() + PAYLOAD_HEAD
        }
        Change::Wake(_) => 10,
        Change::Snapshot(_, payload) => 9 + payload.bytes().len() + PAYLOAD_HEAD,
        Change::Tombstone => 1,
        Change::Hold(_) | Change::Release(_) => 19,
    });
    HEAD + FIXED + stream.key().len() + changes.sum::<usize>()
}

/// `append` as a record, whose position is set later by [`envelope::place`].
pub(crate) fn encode_append(
    record: AppendRecord<'_>,
    shard: u16,
    append: &Append,
    codec: &dyn Codec,
    size: usize,
) -> Fallible<Vec<u8>> {
    let mut out = envelope::begin(size.saturating_sub(HEAD));
    out.put_short(record.stream);
    out.put_u64(record.version);
    out.put_u64(record.epoch);
    out.put_time(record.at);
    out.put_u32(record.changes);
    for change in append.changes() {
        put_change(&mut out, change, codec)?;
    }
    envelope::finish(
        &mut out,
        Header { kind: Kind::Append, shard, position: 0 },
        format_of(append),
    );
    Ok(out)
}

/// The first format that has all that `append` does.
pub(crate) fn format_of(append: &Append) -> u8 {
    let is_new = |change: &Change| matches!(change, Change::Hold(_) | Change::Release(_));
    if append.changes().iter().any(is_new) { BLOBS } else { 1 }
}

fn put_change(out: &mut Vec<u8>, change: &Change, codec: &dyn Codec) -> Fallible<()> {
    match change {
        Change::Event(payload) => {
            out.put_u8(EVENT);
            out.put_payload(payload, codec)?;
        }
        Change::Put(key, payload) => {
            out.put_u8(PUT);
            out.put_short(key);
            out.put_payload(payload, codec)?;
        }
        Change::Delete(key) => {
            out.put_u8(DELETE);
            out.put_short(key);
        }
        Change::Signal(signal) => {
            out.put_u8(SIGNAL);
            out.put_u8(signal.class);
            out.put_short(signal.routing.as_bytes());
            out.put_payload(&signal.payload, codec)?;
        }
        Change::Answer(answer) => {
            out.put_u8(ANSWER);
            out.put_short(answer.key.as_bytes());
            out.put_u128(answer.fingerprint);
            out.put_time(answer.until);
            out.put_payload(&answer.payload, codec)?;
        }
        Change::Wake(wake) => {
            out.put_u8(WAKE);
            put_wake(out, *wake);
        }
        Change::Snapshot(at, payload) => {
            out.put_u8(SNAPSHOT);
            out.put_u64(at.get());
            out.put_payload(payload, codec)?;
        }
        Change::Tombstone => out.put_u8(TOMBSTONE),
        Change::Hold(blob) => {
            out.put_u8(HOLD);
            out.put_blob(*blob);
        }
        Change::Release(blob) => {
            out.put_u8(RELEASE);
            out.put_blob(*blob);
        }
    }
    Ok(())
}

/// A wake: 0 never, 1 now, 2 at a time; then the time, or zeros.
pub(crate) fn put_wake(out: &mut Vec<u8>, wake: Wake) {
    let (tag, at) = match wake {
        Wake::Never => (0, Timestamp::UNIX_EPOCH),
        Wake::Now => (1, Timestamp::UNIX_EPOCH),
        Wake::At(at) => (2, at),
    };
    out.put_u8(tag);
    out.put_time(at);
}

pub(crate) fn take_wake(take: &mut Take<'_>) -> Result<Wake, Damage> {
    match (take.u8()?, take.time()?) {
        (2, at) => Ok(Wake::At(at)),
        (0 | 1, at) if at != Timestamp::UNIX_EPOCH => {
            Err(Damage("a wake has a time that means nothing"))
        }
        (0, _) => Ok(Wake::Never),
        (1, _) => Ok(Wake::Now),
        _ => Err(Damage("a wake is of a kind that is not known")),
    }
}

impl<'a> Body<'a> {
    /// Reads the body of a record of [`Kind::Append`].
    pub(crate) fn new(body: &'a [u8]) -> Result<Self, Damage> {
        let mut take = Take::new(body);
        let record = AppendRecord {
            stream: take.short()?,
            version: take.u64()?,
            epoch: take.u64()?,
            at: take.time()?,
            changes: take.u32()?,
        };
        Ok(Self { record, changes: take })
    }

    /// Its changes. An error is the last item.
    pub(crate) fn changes(self) -> impl Iterator<Item = Result<StoredChange<'a>, Damage>> {
        let (mut take, mut left) = (self.changes, self.record.changes);
        let mut failed = false;
        std::iter::from_fn(move || {
            if failed {
                return None;
            }
            if left == 0 {
                failed = true;
                return take.end().err().map(Err);
            }
            left -= 1;
            let change = take_change(&mut take);
            failed = change.is_err();
            Some(change)
        })
    }
}

fn take_change<'a>(take: &mut Take<'a>) -> Result<StoredChange<'a>, Damage> {
    Ok(match take.u8()? {
        EVENT => StoredChange::Event(take.payload()?),
        PUT => StoredChange::Put(take.short()?, take.payload()?),
        DELETE => StoredChange::Delete(take.short()?),
        SIGNAL => StoredChange::Signal {
            class: take.u8()?,
            routing: take.text()?,
            payload: take.payload()?,
        },
        ANSWER => StoredChange::Answer {
            key: take.text()?,
            fingerprint: take.u128()?,
            until: take.time()?,
            payload: take.payload()?,
        },
        WAKE => StoredChange::Wake(take_wake(take)?),
        SNAPSHOT => StoredChange::Snapshot(take.u64()?, take.payload()?),
        TOMBSTONE => StoredChange::Tombstone,
        HOLD => StoredChange::Hold(take.blob()?),
        RELEASE => StoredChange::Release(take.blob()?),
        _ => return Err(Damage("a change is of a kind that is not known")),
    })
}

/// The head of a group of `count` appends that take `bytes`: the first record of a log row.
pub(crate) fn head_of_group(position: u64, count: usize, bytes: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(8);
    body.put_u32(u32::try_from(count).unwrap_or(u32::MAX));
    body.put_u32(u32::try_from(bytes).unwrap_or(u32::MAX));
    envelope::seal(Header { kind: Kind::Group, shard: 0, position }, &body)
}

/// An append of a log row: its head, its body, where in the row it begins and how long it is.
pub(crate) type Grouped<'a> = (Header, Body<'a>, usize, usize);

/// The appends of a log row, which has these positions: each append lies behind the one before.
pub(crate) fn open_group(
    row: &[u8],
    positions: RangeInclusive<u64>,
) -> Result<impl Iterator<Item = Result<Grouped<'_>, Damage>>, Damage> {
    let (header, body, mut rest) = envelope::split(row)?;
    let (first, last) = positions.into_inner();
    if header.kind != Kind::Group || header.position != first {
        return Err(Damage("a row of the log does not begin with the head of its group"));
    }
    let mut next = first;
    let mut take = Take::new(body);
    let (count, bytes) = (take.u32()?, take.u32()?);
    take.end()?;
    if u32::try_from(rest.len()) != Ok(bytes) {
        return Err(Damage("a row of the log has another length than its head says"));
    }
    let (mut left, mut failed) = (count, false);
    Ok(std::iter::from_fn(move || {
        if failed || (left == 0 && rest.is_empty()) {
            return None;
        }
        let record = || -> Result<_, Damage> {
            if left == 0 {
                return Err(Damage("a group has more appends than its head says"));
            }
            let (header, body, behind) = envelope::split(rest)?;
            if header.kind != Kind::Append {
                return Err(Damage("a group has something else than appends"));
            }
            if header.position < next || header.position > last {
                return Err(Damage("an append is at a position that is not its group's"));
            }
            let start = row.len() - rest.len();
            Ok((header, Body::new(body)?, start, rest.len() - behind.len()))
        };
        let record = record();
        match &record {
            Ok((header, .., length)) => {
                next = header.position + 1;
                rest = rest.get(*length..).unwrap_or_default();
                left -= 1;
            }
            Err(_) => failed = true,
        }
        Some(record)
    }))
}
