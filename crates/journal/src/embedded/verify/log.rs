//! The log: groups without gaps, versions one behind the other, and rows that end where it goes on.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use super::super::catalog::{TableName, number};
use super::super::facts::Facts;
use super::super::failure::Outcome;
use super::super::findings::Findings;
use super::super::rows::positions_of;
use super::cross::Owner;
use crate::format::{Body, StoredChange, open_group};
use crate::stream::Shard;

/// What was seen of the log.
#[derive(Debug)]
pub(super) struct LogWalk {
    folded: u64,
    trimmed: u64,
    /// The last group.
    last: u64,
    /// The epoch of each shard.
    epochs: Vec<u64>,
    /// Whether some of it could not be read, so that what follows from all of it is not known.
    partial: bool,
    streams: BTreeMap<Vec<u8>, Seen>,
}

/// What the log says of a stream. They are as many as in memory when the store is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// The first version that is not folded.
    unfolded: Option<u64>,
    /// The last version.
    version: u64,
    position: u64,
    tombstone: bool,
}

impl LogWalk {
    pub(super) fn new(facts: &Facts, shards: NonZeroU16) -> Outcome<Self> {
        let (folded, trimmed) = (facts.number("folded")?, facts.number("trimmed")?);
        let mut epochs = Vec::new();
        for shard in 0..shards.get() {
            epochs.push(facts.of_shard("epoch", Shard::new(shard))?);
        }
        let streams = BTreeMap::new();
        Ok(Self { folded, trimmed, last: trimmed, epochs, partial: false, streams })
    }

    /// The group under that key comes next.
    pub(super) fn number(&mut self, key: &[u8], found: &mut Findings) {
        let (number, next) = (number(key), self.last.saturating_add(1));
        if number != next {
            self.partial = true;
            found.row(TableName::Log, key, format!("it comes where group {next} should be"));
        }
        self.last = number;
    }

    /// Some of it cannot be read.
    pub(super) const fn leave_out(&mut self) {
        self.partial = true;
    }

    /// The appends of a group that is whole.
    pub(super) fn group(&mut self, key: &[u8], value: &[u8], found: &mut Findings) -> Outcome<()> {
        let group = number(key);
        for append in open_group(value, positions_of(group))? {
            let (header, body, ..) = append?;
            let epoch = self.epochs.get(usize::from(header.shard)).copied().unwrap_or(0);
            if body.record.epoch > epoch {
                let message =
                    format!("an append of epoch {}, and the last is {epoch}", body.record.epoch);
                found.row(TableName::Log, key, message);
            }
            self.append(key, header.position, &body, found)?;
        }
        Ok(())
    }

    fn append(
        &mut self,
        key: &[u8],
        position: u64,
        body: &Body<'_>,
        found: &mut Findings,
    ) -> Outcome<()> {
        let version = body.record.version;
        let mut tombstone = false;
        for change in body.changes() {
            tombstone |= matches!(change?, StoredChange::Tombstone);
        }
        let before = self.streams.get(body.record.stream).copied();
        // After a tombstone the name begins anew.
        let next = before.map(|seen| if seen.tombstone { 1 } else { seen.version + 1 });
        if !self.partial && next.is_some_and(|next| next != version) {
            let stream = body.record.stream.escape_ascii();
            let next = next.unwrap_or(0);
            found.row(TableName::Log, key, format!("{stream} lacks version {next}"));
        }
        let is_unfolded = number(key) > self.folded;
        let unfolded = before.and_then(|seen| seen.unfolded).or(is_unfolded.then_some(version));
        let seen = Seen { unfolded, version, position, tombstone };
        self.streams.insert(body.record.stream.to_vec(), seen);
        Ok(())
    }

    /// What it says of each stream, when all of it was seen; nothing when some of it cannot be read.
    pub(super) fn end(&mut self, found: &mut Findings) -> BTreeMap<Vec<u8>, Seen> {
        let (folded, trimmed, last) = (self.folded, self.trimmed, self.last);
        if trimmed > folded {
            let message = format!("groups up to {trimmed} are gone, and only {folded} are folded");
            found.table(TableName::Log, message);
        }
        if last < folded {
            self.partial = true;
            let message = format!("it ends with group {last}, and {folded} are folded");
            found.table(TableName::Log, message);
        }
        if self.partial { BTreeMap::new() } else { std::mem::take(&mut self.streams) }
    }
}

impl Seen {
    /// What is wrong with the row of its stream, if something is.
    pub(super) fn against(self, owner: Owner) -> Option<String> {
        let row = match owner {
            Owner::Damaged => return None,
            Owner::Missing => {
                // Its name is free again when it was deleted; else it has to begin in the log.
                let begins = self.unfolded.map_or(self.tombstone, |first| first == 1);
                return (!begins).then(|| "the log has it, and streams has it not".to_owned());
            }
            Owner::Row(row) => row,
        };
        let (at, last) = (row.version, self.version);
        if self.position < row.born {
            return Some("it began after the last append that the log has of it".to_owned());
        }
        match self.unfolded {
            None if at != last => Some(format!("it is at version {at}, and {last} is folded")),
            Some(first) if at.saturating_add(1) < first => {
                Some(format!("it is at version {at}, and the log goes on with {first}"))
            }
            Some(_) if at > last => {
                Some(format!("it is at version {at}, and the log ends with {last}"))
            }
            _ => None,
        }
    }
}
