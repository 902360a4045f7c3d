//! The facts that a store has about itself.

use std::num::NonZeroU16;
use std::path::Path;

use foundation::Error;
use redb::{ReadOnlyTable, ReadTransaction, TableError};

use super::failure::{Failure, Outcome};
use super::tables::{META, read_fact, shard_fact};
use crate::codes;
use crate::format::FORMAT;
use crate::options::Durability;
use crate::stream::Shard;

/// The table of facts, as it is at one moment.
pub(super) struct Facts {
    table: ReadOnlyTable<&'static str, &'static [u8]>,
}

/// Facts that a store has, beside those of its shards.
const NAMES: [&str; 6] = ["format", "durability", "shards", "folded", "trimmed", "signal_bytes"];
/// Facts that each shard has.
const OF_SHARD: [&str; 3] = ["epoch", "trimmed", "signals_trimmed"];

impl Facts {
    /// Opens the facts of the store at `path`, which only errors name.
    ///
    /// # Errors
    ///
    /// `store_foreign` of a file without facts.
    pub(super) fn open(read: &ReadTransaction, path: &Path) -> Outcome<Self> {
        match read.open_table(META) {
            Ok(table) => Ok(Self { table }),
            Err(TableError::Storage(error)) => Err(error.into()),
            Err(error) => {
                let path = path.display().to_string();
                let error = Error::from(codes::STORE_FOREIGN)
                    .with_message(format!("{path} is a file of redb, and no journal"))
                    .with_detail("path", path)
                    .with_source(error);
                Err(error.into())
            }
        }
    }

    /// The format of the store, which this release knows.
    ///
    /// # Errors
    ///
    /// `store_newer` of one that it does not know.
    pub(super) fn format(&self, path: &Path) -> Outcome<u8> {
        let format = self.needed("format")?;
        if format > u64::from(FORMAT) {
            let path = path.display().to_string();
            let error = Error::from(codes::STORE_NEWER)
                .with_message(format!("{path} is of format {format}"))
                .with_detail("path", path)
                .with_detail("found", format)
                .with_detail("known", FORMAT);
            return Err(error.into());
        }
        match u8::try_from(format) {
            Ok(format) if format > 0 => Ok(format),
            _ => Err(Failure::Corrupt(format!("there is no format {format}"))),
        }
    }

    pub(super) fn durability(&self) -> Outcome<Durability> {
        match self.needed("durability")? {
            0 => Ok(Durability::Sync),
            1 => Ok(Durability::Process),
            other => Err(Failure::Corrupt(format!("there is no durability {other}"))),
        }
    }

    pub(super) fn shards(&self) -> Outcome<NonZeroU16> {
        let shards = u16::try_from(self.needed("shards")?).ok().and_then(NonZeroU16::new);
        shards.ok_or_else(|| Failure::Corrupt("the number of shards cannot be".to_owned()))
    }

    /// A fact that is 0 until it is set.
    pub(super) fn number(&self, name: &str) -> Outcome<u64> {
        Ok(read_fact(&self.table, name)?.unwrap_or(0))
    }

    /// A fact about a shard that is 0 until it is set.
    pub(super) fn of_shard(&self, name: &str, shard: Shard) -> Outcome<u64> {
        self.number(&shard_fact(name, shard))
    }

    fn needed(&self, name: &str) -> Outcome<u64> {
        let missing = || Failure::Corrupt(format!("the store has lost the fact {name:?}"));
        read_fact(&self.table, name)?.ok_or_else(missing)
    }
}

/// Whether a store of so many shards can have a fact of that name.
pub(super) fn is_known(name: &str, shards: NonZeroU16) -> bool {
    if NAMES.contains(&name) {
        return true;
    }
    let Some((fact, shard)) = name.split_once('.') else { return false };
    // As it is written: no sign, no zero in front.
    let number = shard.parse::<u16>().ok().filter(|number| number.to_string() == shard);
    OF_SHARD.contains(&fact) && number.is_some_and(|number| number < shards.get())
}
