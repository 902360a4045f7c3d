//! The tables of the file, and the keys of their rows. `docs/format.md` describes them for people.
//!
//! Keys are bytes that sort as what they name: numbers big-endian, a stream's name behind its
//! length where something follows it.

mod blobs;

use jiff::Timestamp;
use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::failure::{Failure, Outcome};
use crate::append::Wake;
use crate::format::{BLOBS as WITH_BLOBS, Fact, Header, Kind, seal, time_from, unseal};
use crate::stream::{Shard, StreamId};

pub(super) use self::blobs::{BLOB_KEY, blob_key, blob_of, chunk_key, holder_key, loose_key};

/// A table whose keys and values are bytes.
pub(super) type Rows = TableDefinition<'static, &'static [u8], &'static [u8]>;

/// Facts about the store, by name.
pub(super) const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("meta");
/// Groups of appends, by the number of the group.
pub(super) const LOG: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("log");
/// Streams, by name.
pub(super) const STREAMS: Rows = TableDefinition::new("streams");
/// Values of parts, by stream and key.
pub(super) const PARTS: Rows = TableDefinition::new("parts");
/// Runs of events, by stream and the version of the first.
pub(super) const EVENTS: Rows = TableDefinition::new("events");
/// Snapshots, by stream.
pub(super) const SNAPSHOTS: Rows = TableDefinition::new("snapshots");
/// Answers, by stream and key.
pub(super) const ANSWERS: Rows = TableDefinition::new("answers");
/// Answers, by when they may go. The values are empty.
pub(super) const ANSWERS_UNTIL: Rows = TableDefinition::new("answers_until");
/// Streams, by shard and when they are to be woken. The values are empty.
pub(super) const WAKES: Rows = TableDefinition::new("wakes");
/// Signals, by shard and position.
pub(super) const SIGNALS: Rows = TableDefinition::new("signals");
/// Deleted streams, by when they were deleted. The values are empty.
pub(super) const TOMBSTONES: Rows = TableDefinition::new("tombstones");

/// Blobs, by id.
pub(super) const BLOBS: Rows = TableDefinition::new("blobs");
/// What is in blobs, by id and the number of the chunk.
pub(super) const CHUNKS: Rows = TableDefinition::new("chunks");
/// Which blobs a stream holds, by stream and id.
pub(super) const HOLDS: Rows = TableDefinition::new("holds");
/// Which streams hold a blob, by id and stream. The values are empty.
pub(super) const HOLDERS: Rows = TableDefinition::new("holders");
/// Blobs that may have no holder, by since when. The values are empty.
pub(super) const LOOSE: Rows = TableDefinition::new("loose");

/// Makes every table of a format, so that reading never meets one that is not there.
pub(super) fn create_all(
    write: &WriteTransaction,
    format: u8,
) -> std::result::Result<(), redb::TableError> {
    write.open_table(META)?;
    write.open_table(LOG)?;
    for rows in
        [STREAMS, PARTS, EVENTS, SNAPSHOTS, ANSWERS, ANSWERS_UNTIL, WAKES, SIGNALS, TOMBSTONES]
    {
        write.open_table(rows)?;
    }
    if format >= WITH_BLOBS {
        for rows in [BLOBS, CHUNKS, HOLDS, HOLDERS, LOOSE] {
            write.open_table(rows)?;
        }
    }
    Ok(())
}

/// Bits of a position that count within a group.
const INDEX_BITS: u32 = 20;
/// Positions in one group.
pub(super) const GROUP_SLOTS: u64 = 1 << INDEX_BITS;

/// The position of the `index`-th slot of a group.
pub(super) const fn position(group: u64, index: u64) -> u64 {
    (group << INDEX_BITS) | index
}

/// Which group a position is in.
pub(super) const fn group_of(position: u64) -> u64 {
    position >> INDEX_BITS
}

/// The last position of a group.
pub(super) const fn last_of(group: u64) -> u64 {
    position(group, GROUP_SLOTS - 1)
}

/// A stream's name where something follows it in the key.
pub(super) fn within(stream: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(2 + stream.len() + rest.len());
    key.extend_from_slice(&u16::try_from(stream.len()).unwrap_or(u16::MAX).to_be_bytes());
    key.extend_from_slice(stream);
    key.extend_from_slice(rest);
    key
}

/// What follows the stream's name in a key of [`within`]; none if it is of another stream.
pub(super) fn behind<'a>(key: &'a [u8], stream: &[u8]) -> Option<&'a [u8]> {
    let (length, rest) = key.split_first_chunk::<2>()?;
    let (name, behind) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    (name == stream).then_some(behind)
}

/// The first key behind every key of [`within`] for that stream.
pub(super) fn after_all(stream: &[u8]) -> Vec<u8> {
    let mut key = within(stream, &[]);
    // Names are UTF-8, so no byte of them is 255.
    if let Some(last) = key.last_mut() {
        *last = last.saturating_add(1);
    }
    key
}

/// A time, such that earlier ones sort first.
pub(super) fn time_key(time: Timestamp) -> [u8; 8] {
    (time.as_microsecond().cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

/// The time of [`time_key`].
pub(super) fn time_of(key: &[u8]) -> Option<Timestamp> {
    let number = u64::from_be_bytes(*key.first_chunk::<8>()?) ^ (1 << 63);
    time_from(number.cast_signed())
}

/// The time by which a wake sorts.
pub(super) fn wake_time(wake: Wake) -> Option<Timestamp> {
    wake.due_from()
}

/// A stream by its wake.
pub(super) fn wake_key(shard: Shard, since: Timestamp, stream: &[u8]) -> Vec<u8> {
    [&shard.get().to_be_bytes()[..], &time_key(since), stream].concat()
}

/// The first key behind every wake of that time.
pub(super) fn after_wakes(shard: Shard, until: Timestamp) -> Vec<u8> {
    let next = u64::from_be_bytes(time_key(until)).saturating_add(1);
    [&shard.get().to_be_bytes()[..], &next.to_be_bytes()].concat()
}

/// Since when and which stream; none of what is no such key.
pub(super) fn wake_of(key: &[u8]) -> Option<(Timestamp, StreamId)> {
    let (_, rest) = key.split_at_checked(2)?;
    let since = time_of(rest)?;
    Some((since, StreamId::from_key(rest.get(8..)?)?))
}

/// A signal by its position.
pub(super) fn signal_key(shard: Shard, position: u64) -> Vec<u8> {
    [&shard.get().to_be_bytes()[..], &position.to_be_bytes()].concat()
}

/// The position in a key of [`signal_key`].
pub(super) fn signal_position(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*key.get(2..)?.first_chunk::<8>()?))
}

/// A fact that is a number, or none if it was never set.
pub(super) fn read_fact(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Outcome<Option<u64>> {
    let Some(value) = table.get(name)? else { return Ok(None) };
    let (_, body) = unseal(value.value(), Kind::Meta)?;
    let fact = Fact::decode(body)?;
    if fact.name != name {
        return Err(Failure::Corrupt(format!("the fact {name:?} says that it is {:?}", fact.name)));
    }
    Ok(Some(fact.value))
}

/// Sets a fact that is a number.
pub(super) fn write_fact(write: &WriteTransaction, name: &str, value: u64) -> Outcome<()> {
    let header = Header { kind: Kind::Meta, shard: 0, position: 0 };
    let row = seal(header, &Fact { name, value }.encode());
    write.open_table(META)?.insert(name, row.as_slice())?;
    Ok(())
}

/// The name of a fact about a shard.
pub(super) fn shard_fact(name: &str, shard: Shard) -> String {
    format!("{name}.{shard}")
}

#[cfg(test)]
mod tests;
