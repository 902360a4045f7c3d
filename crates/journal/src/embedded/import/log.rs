//! The log of an import: its appends become groups again, without a gap.

use std::collections::BTreeMap;
use std::mem;

use super::{Head, wrong};
use crate::embedded::failure::Outcome;
use crate::embedded::tables::{group_of, position, shard_fact};
use crate::format::{Body, Header, StoredChange, head_of_group};
use crate::stream::Shard;

/// The log as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The group that is filled; 0 before the first.
    group: u64,
    appends: usize,
    bytes: Vec<u8>,
    /// The slot of the group that comes next.
    next: u64,
    /// The last version of each stream, and whether that deleted it.
    versions: BTreeMap<Vec<u8>, (u64, bool)>,
    /// The first version of each stream that is not folded.
    unfolded: BTreeMap<Vec<u8>, u64>,
}

impl Log {
    /// Makes room for an append. Gives the group before, when that is over.
    pub(super) fn append(
        &mut self,
        head: &Head,
        name: &str,
        header: Header,
        body: &Body<'_>,
    ) -> Outcome<Option<(u64, Vec<u8>)>> {
        let first = self.group.max(head.fact("trimmed")) + 1;
        let is_next = header.position == self.next && group_of(header.position) == self.group;
        let before = if is_next && self.group > 0 {
            None
        } else if header.position == position(first, 0) && group_of(header.position) == first {
            let before = self.last();
            self.group = first;
            before
        } else {
            let next = position(first, 0);
            return Err(wrong(format!("the log has a gap before {next}, or is not in its order")));
        };
        let (mut signals, mut deleted) = (0, false);
        for change in body.changes() {
            match change {
                Ok(StoredChange::Signal { .. }) => signals += 1,
                Ok(StoredChange::Tombstone) => deleted = true,
                _ => {}
            }
        }
        self.next = header.position + u64::max(signals, 1);
        if group_of(self.next - 1) != self.group {
            return Err(wrong("a group has more than it can"));
        }
        let record = body.record;
        let known = self.versions.get(record.stream).copied();
        let fits = match known {
            None => record.version > 0,
            Some((_, true)) => record.version == 1,
            Some((version, false)) => record.version == version + 1,
        };
        if !fits {
            return Err(wrong(format!("{name} cannot have version {} here", record.version)));
        }
        let epoch = shard_fact("epoch", Shard::new(header.shard));
        if record.epoch > head.fact(&epoch) {
            return Err(wrong(format!("{epoch} is less than that of an append")));
        }
        self.versions.insert(record.stream.to_vec(), (record.version, deleted));
        if self.group > head.fact("folded") {
            self.unfolded.entry(record.stream.to_vec()).or_insert(record.version);
        }
        self.appends += 1;
        Ok(before)
    }

    /// Adds the record of the append for which there is room now.
    pub(super) fn add(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
    }

    /// Takes the group that was filled.
    pub(super) fn last(&mut self) -> Option<(u64, Vec<u8>)> {
        let appends = mem::take(&mut self.appends);
        let bytes = mem::take(&mut self.bytes);
        if appends == 0 {
            return None;
        }
        let mut row = head_of_group(position(self.group, 0), appends, bytes.len());
        row.extend_from_slice(&bytes);
        Some((self.group, row))
    }

    /// The last group that there ever was. Refuses a log that ends before that.
    pub(super) fn end(&self, head: &Head) -> Outcome<u64> {
        let (folded, trimmed) = (head.fact("folded"), head.fact("trimmed"));
        let last = self.group.max(trimmed);
        if folded < trimmed || last < folded {
            return Err(wrong(format!("the log ends with group {last}, folded are {folded}")));
        }
        Ok(last)
    }

    /// The last version of a stream in the log, or 0.
    pub(super) fn version(&self, stream: &[u8]) -> u64 {
        self.versions.get(stream).map_or(0, |(version, _)| *version)
    }

    /// The first version that is not folded, by stream.
    pub(super) fn unfolded(&self) -> impl Iterator<Item = (&Vec<u8>, &u64)> {
        self.unfolded.iter()
    }
}
