//! Retention: what no state needs any more goes, a bounded number at a time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redb::{ReadableTable, WriteTransaction};

use super::blobs;
use super::core::Core;
use super::failure::Outcome;
use super::fold::is_settled;
use super::rows;
use super::tables::{
    ANSWERS, ANSWERS_UNTIL, SIGNALS, STREAMS, TOMBSTONES, shard_fact, signal_key, signal_position,
    time_key, time_of, write_fact,
};
use crate::format::{BLOBS, Kind, SignalRow, unseal};
use crate::stats::Retained;
use crate::stream::Shard;

/// How many of each kind one pass drops: some milliseconds of work.
const MOST: u64 = 2000;
/// Bytes of the time at the front of a key.
const TIME: usize = 8;

/// Drops some of what has passed its retention, beside a fold that has set `folded` bytes of
/// signals. Gives what, and how many bytes of signals.
pub(super) fn pass(core: &Core, write: &WriteTransaction, folded: u64) -> Outcome<(Retained, u64)> {
    let now = core.home.now();
    let held = core.counts.signals().saturating_add(folded);
    let (answers, more_answers) = answers(write, now)?;
    let mut retained = Retained { answers, ..Retained::default() };
    retained.tombstones = tombstones(core, write, now)?;
    let more_blobs = blobs(core, write, now, &mut retained)?;
    let mut bytes = 0;
    for shard in 0..core.shard_count().get() {
        let (signals, removed) =
            signals(core, write, Shard::new(shard), now, held.saturating_sub(bytes))?;
        retained.signals += signals;
        bytes += removed;
    }
    if bytes > 0 {
        write_fact(write, "signal_bytes", held.saturating_sub(bytes))?;
    }
    // Of signals so many may go of each shard.
    let most = [retained.tombstones, retained.signals];
    retained.more = more_answers || more_blobs || most.iter().any(|dropped| *dropped >= MOST);
    Ok((retained, bytes))
}

/// The time before which things are too old; none if they are kept for ever.
fn before(now: Timestamp, kept: Duration) -> Option<Timestamp> {
    let kept = SignedDuration::try_from(kept).ok()?;
    now.checked_sub(kept).ok()
}

/// Gives whether there may be more. One that is kept longer, or is gone already, counts too: it is
/// looked at.
fn answers(write: &WriteTransaction, now: Timestamp) -> Outcome<(u64, bool)> {
    let mut until = write.open_table(ANSWERS_UNTIL)?;
    let mut answers = write.open_table(ANSWERS)?;
    let end = time_key(now);
    let mut dropped = 0;
    for _ in 0..MOST {
        let first = until.first()?.map(|(key, _)| key.value().to_vec());
        let Some(first) = first.filter(|first| first.get(..TIME).is_some_and(|it| it < &end[..]))
        else {
            return Ok((dropped, false));
        };
        until.remove(first.as_slice())?;
        let place = first.get(TIME..).unwrap_or_default();
        // The same key may have been answered anew, and is kept longer then.
        let gone = match answers.get(place)? {
            None => false,
            Some(row) => Some(rows::answer(place, row.value())?.until) == time_of(&first),
        };
        if gone {
            answers.remove(place)?;
            dropped += 1;
        }
    }
    Ok((dropped, true))
}

fn tombstones(core: &Core, write: &WriteTransaction, now: Timestamp) -> Outcome<u64> {
    let Some(before) = before(now, core.options.retention.tombstones_for) else { return Ok(0) };
    let mut tombstones = write.open_table(TOMBSTONES)?;
    let mut streams = write.open_table(STREAMS)?;
    let end = time_key(before);
    let mut doomed = Vec::new();
    for row in tombstones.range(..&end[..])? {
        let key = row?.0.value().to_vec();
        let stream = key.get(TIME..).unwrap_or_default();
        let settled = match streams.get(stream)? {
            None => true,
            Some(row) => {
                let (header, row) = rows::stream(stream, row.value())?;
                row.deleted && is_settled(core, header.position)
            }
        };
        if settled {
            doomed.push(key);
        }
        if u64::try_from(doomed.len()) == Ok(MOST) {
            break;
        }
    }
    for key in &doomed {
        tombstones.remove(key.as_slice())?;
        streams.remove(key.get(TIME..).unwrap_or_default())?;
    }
    Ok(u64::try_from(doomed.len()).unwrap_or(0))
}

/// Gives whether there may be more.
fn blobs(
    core: &Core,
    write: &WriteTransaction,
    now: Timestamp,
    retained: &mut Retained,
) -> Outcome<bool> {
    let before = before(now, core.options.retention.blobs_for);
    let Some(before) = before.filter(|_| core.format() >= BLOBS) else { return Ok(false) };
    let (gone, more) = blobs::collect(core, write, &time_key(before), MOST)?;
    retained.blobs = gone;
    Ok(more)
}

fn signals(
    core: &Core,
    write: &WriteTransaction,
    shard: Shard,
    now: Timestamp,
    held: u64,
) -> Outcome<(u64, u64)> {
    let before = before(now, core.options.retention.signals_for);
    let most = core.options.retention.signal_bytes;
    let mut table = write.open_table(SIGNALS)?;
    let (from, to) = (signal_key(shard, 0), signal_key(shard, u64::MAX));
    let mut over = held.saturating_sub(most);
    let (mut count, mut bytes, mut last) = (0, 0, None);
    for row in table.range(from.as_slice()..to.as_slice())? {
        let (key, value) = row?;
        let (_, body) = unseal(value.value(), Kind::Signal)?;
        let old = before
            .is_some_and(|before| SignalRow::decode(body).is_ok_and(|signal| signal.at < before));
        if count == MOST || !(old || over > 0) {
            break;
        }
        let size = u64::try_from(value.value().len()).unwrap_or(0);
        count += 1;
        bytes += size;
        over = over.saturating_sub(size);
        last = signal_position(key.value());
    }
    if let Some(last) = last {
        let end = signal_key(shard, last.saturating_add(1));
        table.retain_in(from.as_slice()..end.as_slice(), |_, _| false)?;
        drop(table);
        write_fact(write, &shard_fact("signals_trimmed", shard), last)?;
    }
    Ok((count, bytes))
}
