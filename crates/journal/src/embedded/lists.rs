//! Lists of streams: those of a kind, and those that are due.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use redb::{Database, ReadableDatabase};

use super::core::Core;
use super::failure::{Failure, Outcome};
use super::rows;
use super::tables::{STREAMS, WAKES, after_wakes, wake_key, wake_of};
use super::tail::{Entry, Held};
use super::view::read_row;
use crate::append::Wake;
use crate::format::{Body, Kind, unseal};
use crate::load::{Due, StreamInfo};
use crate::stream::{Shard, StreamId, Version};

/// Streams of a kind, behind `after`.
pub(super) fn streams(
    core: &Core,
    database: &Database,
    kind: &str,
    after: Option<&StreamId>,
    limit: usize,
) -> Outcome<Vec<StreamInfo>> {
    let start = StreamId::start_of(kind);
    let mut from = match after {
        Some(after) if *after > start => after.clone(),
        _ => start,
    };
    let mut listed = Vec::new();
    loop {
        let (page, seen_to) = page(core, database, kind, &from, limit - listed.len())?;
        listed.extend(page);
        match seen_to {
            // Those in memory were deleted and folded meanwhile: there may be others behind.
            Some(seen_to) if listed.len() < limit => from = seen_to,
            _ => return Ok(listed),
        }
    }
}

/// Streams behind `from`, and up to where all were looked at, if not to the end.
fn page(
    core: &Core,
    database: &Database,
    kind: &str,
    from: &StreamId,
    limit: usize,
) -> Outcome<(Vec<StreamInfo>, Option<StreamId>)> {
    // Those in memory first, then the rows: what is folded in between is in both.
    let (recent, seen_to) = recent(core, kind, from, limit);
    let read = database.begin_read()?;
    let table = read.open_table(STREAMS)?;
    let mut found = BTreeMap::new();
    let rows = (Bound::Excluded(from.key()), Bound::Unbounded);
    let mut listed = 0;
    for row in table.range::<&[u8]>(rows)? {
        let (key, value) = row?;
        let Some(stream) = StreamId::from_key(key.value()) else {
            return Err(Failure::Corrupt("a stream has a name that cannot be".to_owned()));
        };
        if stream.kind() != kind {
            break;
        }
        let (_, row) = rows::stream(key.value(), value.value())?;
        // One that is newer in memory may be deleted there, and does not count until it is known.
        if !recent.contains_key(&stream) && !row.deleted && row.version > 0 {
            listed += 1;
        }
        if row.version > 0 {
            let info = StreamInfo::new(stream.clone(), Version::new(row.version), row.wake, row.at);
            found.insert(stream, (info, row.deleted));
        }
        if listed >= limit {
            break;
        }
    }
    for (stream, recent) in recent {
        let row = read_row(&read, stream.key())?;
        if recent.version < row.version {
            // It was folded since; what the rows say is newer. They may not have been read so far.
            let info = StreamInfo::new(stream.clone(), Version::new(row.version), row.wake, row.at);
            found.insert(stream, (info, row.deleted));
            continue;
        }
        let (_, body) = unseal(recent.last.record(), Kind::Append)?;
        let at = Body::new(body)?.record.at;
        let wake = recent.wake.unwrap_or(row.wake);
        let info = StreamInfo::new(stream.clone(), Version::new(recent.version), wake, at);
        found.insert(stream, (info, recent.deleted));
    }
    let live = found.into_values().filter(|(_, deleted)| !deleted).map(|(info, _)| info);
    // One that is in memory only may lie behind what was looked at there.
    let live = live.filter(|info| seen_to.as_ref().is_none_or(|seen_to| info.stream <= *seen_to));
    Ok((live.take(limit).collect(), seen_to))
}

/// A stream with records that are not folded.
struct Recent {
    version: u64,
    deleted: bool,
    wake: Option<Wake>,
    last: Held,
}

/// Those in memory behind `from`, and up to which there are all, if there are more.
fn recent(
    core: &Core,
    kind: &str,
    from: &StreamId,
    limit: usize,
) -> (BTreeMap<StreamId, Recent>, Option<StreamId>) {
    let tail = core.tail.lock();
    let after = (Bound::Excluded(from), Bound::Unbounded);
    let mut live = 0;
    let mut found: BTreeMap<StreamId, Recent> = BTreeMap::new();
    for (stream, entry) in tail.streams.range::<StreamId, _>(after) {
        if stream.kind() != kind {
            break;
        }
        if live >= limit {
            let seen_to = found.last_key_value().map(|(last, _)| last.clone());
            return (found, seen_to);
        }
        let state = entry.state.lock();
        let Some(place) = state.records.back() else { continue };
        let Some(last) = tail.held([place]).pop() else { continue };
        let wake = state.wake.map(|(_, wake)| wake);
        live += usize::from(!place.tombstone);
        let recent = Recent { version: place.version, deleted: place.tombstone, wake, last };
        found.insert(stream.clone(), recent);
    }
    (found, None)
}

/// Streams that are due, behind `after`.
pub(super) fn due(
    core: &Core,
    database: &Database,
    shard: Shard,
    until: Timestamp,
    page: (Option<&Due>, usize),
) -> Outcome<Vec<Due>> {
    let (after, limit) = page;
    // What is set in memory holds, whatever the rows say.
    let set = wakes(core, shard);
    let is_behind = |since: Timestamp, stream: &StreamId| {
        after.is_none_or(|after| (since, stream) > (after.since, &after.stream))
    };
    let mut found: Vec<Due> = Vec::new();
    let read = database.begin_read()?;
    let table = read.open_table(WAKES)?;
    let start = match after {
        Some(after) => Bound::Excluded(wake_key(shard, after.since, after.stream.key())),
        None => Bound::Included(wake_key(shard, Timestamp::MIN, &[])),
    };
    let end = Bound::Excluded(after_wakes(shard, until));
    let bounds = (start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice));
    for row in table.range::<&[u8]>(bounds)? {
        let key = row?.0;
        let Some((since, stream)) = wake_of(key.value()) else {
            return Err(Failure::Corrupt("a wake has a key that cannot be".to_owned()));
        };
        if set.contains_key(&stream) {
            continue;
        }
        found.push(Due::new(since, stream));
        if found.len() >= limit {
            break;
        }
    }
    for (stream, wake) in set {
        if let Some(since) = wake.due_from()
            && since <= until
            && is_behind(since, &stream)
        {
            found.push(Due::new(since, stream));
        }
    }
    found.sort_by(|a, b| (a.since, &a.stream).cmp(&(b.since, &b.stream)));
    found.truncate(limit);
    Ok(found)
}

/// Wakes that were set and are not folded.
fn wakes(core: &Core, shard: Shard) -> BTreeMap<StreamId, Wake> {
    // The entries are looked at without the tail, so that commits go on.
    let entries: Vec<Arc<Entry>> = core.tail.lock().streams.values().cloned().collect();
    let shards = core.shard_count();
    let of_shard = entries.iter().filter(|entry| entry.stream.shard(shards) == shard);
    let set = of_shard.filter_map(|entry| {
        let (_, wake) = entry.state.lock().wake?;
        Some((entry.stream.clone(), wake))
    });
    set.collect()
}
