//! What is found in a store that is not as it has to be: all of it is counted, some of it is told.

use redb::Error as Store;

use super::catalog::TableName;
use super::failure::{Failure, Outcome};
use crate::maintenance::Damaged;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) listed: Vec<Damaged>,
    pub(super) count: u64,
}

/// How many are told: enough to see what it is about, and few enough to hold when all is damaged.
const MOST: usize = 100;

impl Findings {
    /// Something about a row.
    pub(super) fn row(&mut self, table: TableName, key: &[u8], message: impl Into<String>) {
        self.add(Some(table), Some(table.show(key)), message.into());
    }

    /// Something about a whole table.
    pub(super) fn table(&mut self, table: TableName, message: impl Into<String>) {
        self.add(Some(table), None, message.into());
    }

    /// Something about the file.
    pub(super) fn file(&mut self, message: impl Into<String>) {
        self.add(None, None, message.into());
    }

    fn add(&mut self, table: Option<TableName>, key: Option<String>, message: String) {
        self.count += 1;
        if self.listed.len() < MOST {
            self.listed.push(Damaged { table: table.map(TableName::name), key, message });
        }
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.count += other.count;
        let room = MOST.saturating_sub(self.listed.len());
        self.listed.extend(other.listed.into_iter().take(room));
    }
}

/// What is wrong with the store, if that is what it is.
///
/// # Errors
///
/// What keeps from looking: that the store is closed, that somebody else has it.
pub(super) fn as_damage(failure: Failure) -> Outcome<String> {
    match failure {
        Failure::Corrupt(_)
        | Failure::Panic(_)
        | Failure::Store(
            Store::Corrupted(_)
            | Store::Io(_)
            | Store::TableDoesNotExist(_)
            // A table that is there and is another one than ours.
            | Store::TableTypeMismatch { .. }
            | Store::TypeDefinitionChanged { .. },
        ) => Ok(failure.to_string()),
        Failure::Store(_) | Failure::Ours(_) => Err(failure),
    }
}
