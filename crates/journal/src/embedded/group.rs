//! How the appends of one commit become groups: rows of the log.
//!
//! The store gives a value as many pages as the next power of two, and writes all of them. One group
//! of everything would be written up to twice; so it is several, each of which nearly fills what it
//! gets, in one transaction. What is little is not parted.

use super::queue::Pending;
use super::tables::position;
use super::tail::Spot;
use crate::format::{head_of_group, place};

/// Bytes of the smallest page.
const PAGE: usize = 4096;
/// Bytes of a page that are not for the value: what the store puts around it.
const AROUND: usize = 64;
/// So many bytes are always one group: more rows cost more than what they would save.
const SMALL: usize = 4 * PAGE;
/// A page is used well when so many parts of eight are.
const WELL: usize = 6;

/// A row of the log, and where the appends are in it.
#[derive(Debug)]
pub(super) struct LogRow {
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) spots: Vec<Spot>,
}

/// The rows that these appends are, of which the first has the number `first`. Their records go
/// into the rows.
pub(super) fn rows(first: u64, accepted: &mut [Pending]) -> Vec<LogRow> {
    let sizes: Vec<_> = accepted.iter().map(|pending| pending.record.len()).collect();
    let mut rest = accepted;
    let mut rows = Vec::new();
    for (number, count) in (first..).zip(split(&sizes)) {
        let (appends, behind) = rest.split_at_mut(count.min(rest.len()));
        rows.push(row(number, appends));
        rest = behind;
    }
    rows
}

fn row(number: u64, appends: &mut [Pending]) -> LogRow {
    let bytes = appends.iter().map(|pending| pending.record.len()).sum();
    let mut row = head_of_group(position(number, 0), appends.len(), bytes);
    row.reserve_exact(bytes);
    let mut spots = Vec::with_capacity(appends.len());
    let mut next = position(number, 0);
    for pending in appends {
        place(&mut pending.record, next);
        let spot = Spot {
            offset: u32::try_from(row.len()).unwrap_or(u32::MAX),
            length: u32::try_from(pending.record.len()).unwrap_or(u32::MAX),
            shard: pending.shard,
            signals: pending.signals,
            position: next,
        };
        next = spot.last() + 1;
        row.append(&mut pending.record);
        spots.push(spot);
    }
    LogRow { number, bytes: row, spots }
}

/// How many of the appends of these sizes are in each group.
fn split(sizes: &[usize]) -> Vec<usize> {
    let around = AROUND + head_of_group(0, 0, 0).len();
    let mut left: usize = sizes.iter().sum();
    let mut rest = sizes;
    let mut counts = Vec::new();
    while !rest.is_empty() {
        let page = (left + around).next_power_of_two().max(PAGE);
        let fits = if left <= SMALL || left + around >= page / 8 * WELL {
            rest.len()
        } else {
            let mut room = (page / 2).saturating_sub(around);
            let fits = rest.iter().take_while(|size| {
                let fits = **size <= room;
                room = room.saturating_sub(**size);
                fits
            });
            // One that is larger has a group to itself.
            fits.count().max(1)
        };
        let (group, behind) = rest.split_at_checked(fits).unwrap_or((rest, &[]));
        counts.push(group.len());
        left = left.saturating_sub(group.iter().sum());
        rest = behind;
    }
    counts
}

#[cfg(test)]
mod tests;
