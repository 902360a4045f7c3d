//! Reading the log and its signals from a position.

use std::sync::Arc;

use foundation::Error;
use jiff::Timestamp;
use redb::{Database, ReadTransaction, ReadableDatabase};

use super::core::{Core, ShardState};
use super::failure::{Failure, Outcome};
use super::rows::positions_of;
use super::tables::{
    LOG, META, SIGNALS, group_of, last_of, read_fact, shard_fact, signal_key, signal_position,
};
use super::tail::{Spot, slice};
use crate::append::{Answer, Change, Signal};
use crate::codec::Codec;
use crate::codes;
use crate::entry::{LogEntry, Page, SignalEntry};
use crate::format::{Body, Header, Kind, SignalRow, StoredChange, open_group, unseal};
use crate::stream::{Position, Shard, StreamId, Version};

/// A group of the tail with the records of one shard.
struct InMemory {
    bytes: Arc<Vec<u8>>,
    spots: Vec<Spot>,
}

/// What of the log is in memory behind a position, and up to which group it is in rows.
struct Ahead {
    folded: u64,
    groups: Vec<InMemory>,
    /// Where the log of the shard ends, if all of it behind the position is here.
    end: Option<u64>,
}

/// The appends behind `from`.
pub(super) fn read_log(
    core: &Core,
    database: &Database,
    from: Position,
    limit: usize,
) -> Outcome<Page<LogEntry>> {
    let (shard, codec) = (from.shard(), &*core.options.codec);
    let ahead = ahead(core, from, limit, |spot| spot.position > from.number());
    let read = database.begin_read()?;
    check_gap(&read, "trimmed", from)?;
    let mut entries = Vec::new();
    if group_of(from.number()) <= ahead.folded {
        let log = read.open_table(LOG)?;
        'groups: for row in log.range(group_of(from.number())..=ahead.folded)? {
            let (number, bytes) = row?;
            for record in open_group(bytes.value(), positions_of(number.value()))? {
                let (header, body, ..) = record?;
                if header.shard == shard.get() && header.position > from.number() {
                    entries.push(log_entry(header, &body, codec)?);
                }
                if entries.len() >= limit {
                    break 'groups;
                }
            }
        }
    }
    for group in &ahead.groups {
        for spot in &group.spots {
            if entries.len() < limit {
                let record = slice(&group.bytes, spot.offset, spot.length);
                let (header, body) = unseal(record, Kind::Append)?;
                entries.push(log_entry(header, &Body::new(body)?, codec)?);
            }
        }
    }
    let read_to = match (entries.last(), ahead.end) {
        (_, Some(end)) if entries.len() < limit => Position::new(shard, end),
        (Some(last), _) => last.position,
        (None, _) => from,
    };
    Ok(Page::new(entries, read_to))
}

/// The signals behind `from`.
pub(super) fn read_signals(
    core: &Core,
    database: &Database,
    from: Position,
    limit: usize,
) -> Outcome<Page<SignalEntry>> {
    let (shard, codec) = (from.shard(), &*core.options.codec);
    let ahead = ahead(core, from, limit, |spot| spot.signals > 0);
    let read = database.begin_read()?;
    check_gap(&read, "signals_trimmed", from)?;
    let mut entries = Vec::new();
    let table = read.open_table(SIGNALS)?;
    let first = signal_key(shard, from.number().saturating_add(1));
    let last = signal_key(shard, last_of(ahead.folded));
    if first <= last {
        for row in table.range(first.as_slice()..=last.as_slice())?.take(limit) {
            let (key, value) = row?;
            entries.push(signal_entry(shard, key.value(), value.value(), codec)?);
        }
    }
    for group in &ahead.groups {
        for spot in &group.spots {
            let record = slice(&group.bytes, spot.offset, spot.length);
            let (header, body) = unseal(record, Kind::Append)?;
            let body = Body::new(body)?;
            let mut at = header.position;
            for change in body.changes() {
                let StoredChange::Signal { class, routing, payload } = change? else { continue };
                if at > from.number() && entries.len() < limit {
                    let payload = payload.decode(codec)?;
                    let signal = Signal { class, routing: routing.to_owned(), payload };
                    entries.push(SignalEntry::new(
                        Position::new(shard, at),
                        stream_of(body.record.stream)?,
                        Version::new(body.record.version),
                        body.record.at,
                        signal,
                    ));
                }
                at += 1;
            }
        }
    }
    let read_to = match (entries.last(), ahead.end) {
        (_, Some(end)) if entries.len() < limit => Position::new(shard, end),
        (Some(last), _) => last.position,
        (None, _) => from,
    };
    Ok(Page::new(entries, read_to))
}

/// The position behind which the first signal of `time` or later comes.
pub(super) fn signals_since(
    core: &Core,
    database: &Database,
    shard: Shard,
    time: Timestamp,
) -> Outcome<Position> {
    let start = Position::start(shard);
    let ahead = ahead(core, start, usize::MAX, |spot| spot.signals > 0);
    let read = database.begin_read()?;
    let table = read.open_table(SIGNALS)?;
    let last = signal_key(shard, last_of(ahead.folded));
    let first_from = |number: u64| -> Outcome<Option<(u64, Timestamp)>> {
        let from = signal_key(shard, number);
        if from > last {
            return Ok(None);
        }
        let Some(row) = table.range(from.as_slice()..=last.as_slice())?.next() else {
            return Ok(None);
        };
        let (key, value) = row?;
        let (_, body) = unseal(value.value(), Kind::Signal)?;
        let number = signal_position(key.value()).unwrap_or(number);
        Ok(Some((number, SignalRow::decode(body)?.at)))
    };
    // Times rise with positions, but for clocks that were set back: searched by halves.
    let (mut low, mut high) = (0, last_of(ahead.folded).saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        match first_from(middle)? {
            Some((number, at)) if at < time => low = number.saturating_add(1),
            Some((..)) | None => high = middle,
        }
    }
    if let Some((number, _)) = first_from(low)? {
        return Ok(Position::new(shard, number.saturating_sub(1)));
    }
    for group in &ahead.groups {
        for spot in &group.spots {
            let record = slice(&group.bytes, spot.offset, spot.length);
            let (header, body) = unseal(record, Kind::Append)?;
            if Body::new(body)?.record.at >= time {
                return Ok(Position::new(shard, header.position.saturating_sub(1)));
            }
        }
    }
    Ok(ahead.end.map_or(start, |end| Position::new(shard, end)))
}

/// Takes what is in memory behind `from`: at most about `limit` records that `wanted` says.
fn ahead(core: &Core, from: Position, limit: usize, wanted: impl Fn(&Spot) -> bool) -> Ahead {
    let end = core.shard(from.shard()).map(ShardState::ends);
    let tail = core.tail.lock();
    let mut ahead = Ahead { folded: tail.folded, groups: Vec::new(), end: None };
    let mut found = 0_usize;
    let first = tail.groups.partition_point(|group| last_of(group.number) <= from.number());
    for group in tail.groups.range(first..) {
        if found >= limit {
            return ahead;
        }
        let spots: Vec<_> = group
            .records
            .iter()
            .filter(|spot| spot.shard == from.shard() && spot.last() > from.number())
            .filter(|spot| wanted(spot))
            .copied()
            .collect();
        let signals = spots.iter().map(|spot| usize::try_from(spot.signals.max(1)).unwrap_or(1));
        found = found.saturating_add(signals.sum::<usize>());
        if !spots.is_empty() {
            ahead.groups.push(InMemory { bytes: Arc::clone(&group.bytes), spots });
        }
    }
    // What is in the tail is durable, but may not be announced yet: then the end of the tail is
    // the end.
    let announced = end.map_or(0, |end| end.borrow().number());
    let last = tail.groups.back().and_then(|group| {
        let of_shard = group.records.iter().filter(|spot| spot.shard == from.shard());
        of_shard.map(Spot::last).max()
    });
    ahead.end = Some(last.unwrap_or(0).max(announced).max(from.number()));
    ahead
}

/// Refuses a position behind what is kept.
fn check_gap(read: &ReadTransaction, fact: &str, from: Position) -> Outcome<()> {
    let facts = read.open_table(META)?;
    let kept_from = read_fact(&facts, &shard_fact(fact, from.shard()))?.unwrap_or(0);
    if from.number() >= kept_from {
        return Ok(());
    }
    let error = Error::from(codes::GAP)
        .with_message(format!("the records up to {kept_from} are no longer kept"))
        .with_detail("from", from.number())
        .with_detail("to", kept_from);
    Err(error.into())
}

fn stream_of(key: &[u8]) -> Outcome<StreamId> {
    let damaged = || Failure::Corrupt("a record has a stream whose name cannot be".to_owned());
    StreamId::from_key(key).ok_or_else(damaged)
}

fn log_entry(header: Header, body: &Body<'_>, codec: &dyn Codec) -> Outcome<LogEntry> {
    let record = body.record;
    let mut changes = Vec::new();
    for change in body.changes() {
        changes.push(changed(change?, codec)?);
    }
    Ok(LogEntry::new(
        Position::new(Shard::new(header.shard), header.position),
        stream_of(record.stream)?,
        Version::new(record.version),
        record.at,
        changes,
    ))
}

fn changed(change: StoredChange<'_>, codec: &dyn Codec) -> Outcome<Change> {
    Ok(match change {
        StoredChange::Event(payload) => Change::Event(payload.decode(codec)?),
        StoredChange::Put(key, payload) => Change::Put(key.to_vec(), payload.decode(codec)?),
        StoredChange::Delete(key) => Change::Delete(key.to_vec()),
        StoredChange::Signal { class, routing, payload } => Change::Signal(Signal {
            class,
            routing: routing.to_owned(),
            payload: payload.decode(codec)?,
        }),
        StoredChange::Answer { key, fingerprint, until, payload } => Change::Answer(Answer {
            key: key.to_owned(),
            fingerprint,
            until,
            payload: payload.decode(codec)?,
        }),
        StoredChange::Wake(wake) => Change::Wake(wake),
        StoredChange::Snapshot(of, payload) => {
            Change::Snapshot(Version::new(of), payload.decode(codec)?)
        }
        StoredChange::Tombstone => Change::Tombstone,
        StoredChange::Hold(blob) => Change::Hold(blob),
        StoredChange::Release(blob) => Change::Release(blob),
    })
}

fn signal_entry(shard: Shard, key: &[u8], row: &[u8], codec: &dyn Codec) -> Outcome<SignalEntry> {
    let (header, body) = unseal(row, Kind::Signal)?;
    let is_its_own = signal_position(key) == Some(header.position) && header.shard == shard.get();
    if !is_its_own {
        return Err(Failure::Corrupt("a signal is at another position than it says".to_owned()));
    }
    let row = SignalRow::decode(body)?;
    let payload = row.payload.decode(codec)?;
    let signal = Signal { class: row.class, routing: row.routing.to_owned(), payload };
    Ok(SignalEntry::new(
        Position::new(shard, header.position),
        stream_of(row.stream)?,
        Version::new(row.version),
        row.at,
        signal,
    ))
}
