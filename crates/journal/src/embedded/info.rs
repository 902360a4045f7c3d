//! What is in a store, from what it says without being read: no row is looked at.

use redb::{Database, ReadableDatabase};

use super::catalog::TableName;
use super::core::Core;
use super::facts::Facts;
use super::failure::Outcome;
use super::options::Place;
use super::path;
use crate::format::FORMAT;
use crate::maintenance::{ShardInfo, StoreInfo};
use crate::stream::{Epoch, Position, Shard};

/// How the store stands.
pub(super) fn info(core: &Core, database: &Database) -> Outcome<StoreInfo> {
    let read = database.begin_read()?;
    let facts = Facts::open(&read, &core.path)?;
    let mut shards = Vec::new();
    for (number, state) in (0..).zip(&core.shards) {
        let shard = Shard::new(number);
        shards.push(ShardInfo {
            shard,
            epoch: Epoch::new(facts.of_shard("epoch", shard)?),
            log_from: Position::new(shard, facts.of_shard("trimmed", shard)?),
            log_end: *state.ends().borrow(),
            signals_from: Position::new(shard, facts.of_shard("signals_trimmed", shard)?),
        });
    }
    let mut tables = Vec::new();
    let format = facts.format(&core.path)?;
    for table in TableName::of(format) {
        tables.push((table.name(), table.rows(&read)?));
    }
    let (unfolded_groups, unfolded_bytes, log_bytes) = {
        let tail = core.tail.lock();
        (u64::try_from(tail.groups.len()).unwrap_or(u64::MAX), tail.bytes, tail.log_bytes())
    };
    Ok(StoreInfo {
        path: core.path.clone(),
        format,
        known_format: FORMAT,
        durability: core.options.durability,
        shards,
        tables,
        file_bytes: file_bytes(&core.options.place)?,
        log_bytes,
        unfolded_groups,
        unfolded_bytes,
        signal_bytes: core.counts.signals(),
        unsynced: core.medium.is_distrusted()?,
        room: core.medium.room(),
        reserve: core.options.reserve,
        read_only: core.check_room().is_err(),
    })
}

/// Bytes of the file.
pub(super) fn file_bytes(place: &Place) -> Outcome<u64> {
    match place {
        Place::File(path) => path::length(path),
        #[cfg(feature = "testing")]
        Place::Disk(disk) => Ok(u64::try_from(disk.image().len()).unwrap_or(u64::MAX)),
    }
}
