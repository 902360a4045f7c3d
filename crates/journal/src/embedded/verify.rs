//! Whether everything in a store goes together: each row of itself, and what rows say of one another.
//!
//! All of it is of one moment, so this is for a store that nobody has open. A stream that is being
//! folded in several transactions may have rows of later versions, and lack some: what is compared
//! leaves those out, as a reader does.
//!
//! In reading order: here, one row after the other · [`cross`], what rows say of their streams and
//! streams of their rows · [`blobs`], and blobs and who holds them · [`log`], whether the log is
//! without gaps and goes on where the rows end.

mod blobs;
mod cross;
mod log;

use std::path::Path;

use redb::{Database, ReadTransaction, ReadableDatabase, TableHandle};

use self::cross::Cross;
use super::catalog::{PageSize, TableName};
use super::check::check_row;
use super::facts::Facts;
use super::failure::Outcome;
use super::findings::{Findings, as_damage};
use super::guard::guarded;
use crate::maintenance::TableRead;

/// What was read, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// The format, when it is known.
    pub(super) format: Option<u8>,
    pub(super) tables: Vec<TableRead>,
    pub(super) found: Findings,
}

/// All rows at once: one transaction for all of it.
const ALL: PageSize = PageSize { rows: u64::MAX, bytes: u64::MAX };
/// Reads the whole store at `path`, which only errors name.
///
/// # Errors
///
/// `store_foreign`, `store_newer`, and what keeps from reading; not what is damaged.
pub(super) fn verify(database: &Database, path: &Path) -> Outcome<Walked> {
    let mut walked = Walked::default();
    let begun = guarded(|| {
        let read = database.begin_read()?;
        let facts = Facts::open(&read, path)?;
        let format = facts.format(path)?;
        for table in read.list_tables()? {
            let name = table.name();
            if TableName::of(format).all(|known| known.name() != name) {
                walked.found.file(format!("it has a table {name:?}, which is not known"));
            }
        }
        let shards = facts.shards()?;
        facts.durability()?;
        let cross = Cross::open(&read, &facts, shards, format)?;
        Ok((read, facts, cross, format))
    });
    match begun {
        Ok((read, facts, mut cross, format)) => {
            walked.format = Some(format);
            for table in TableName::of(format) {
                let read = walk(table, &read, &mut cross, &mut walked.found)?;
                walked.tables.push(read);
            }
            let ended = guarded(|| cross.end(&facts, &mut walked.found));
            or_found(ended, TableName::Streams, &mut walked.found)?;
        }
        Err(failure) => walked.found.file(as_damage(failure)?),
    }
    Ok(walked)
}

fn walk(
    table: TableName,
    read: &ReadTransaction,
    cross: &mut Cross,
    found: &mut Findings,
) -> Outcome<TableRead> {
    let mut seen = TableRead { name: table.name(), rows: 0, bytes: 0 };
    let shards = cross.shards;
    let walked = guarded(|| {
        table.page(read, None, ALL, &mut |key, value| {
            seen.rows += 1;
            seen.bytes += u64::try_from(key.len() + value.len()).unwrap_or(0);
            cross.count(table, key, value, found);
            match check_row(table, key, value, shards) {
                Ok(()) => cross.see(table, key, value, found),
                Err(failure) => {
                    cross.skips(table);
                    found.row(table, key, failure.to_string());
                    Ok(())
                }
            }
        })?;
        let says = table.rows(read)?;
        if says != seen.rows {
            let rows = seen.rows;
            found.table(table, format!("{rows} rows are found of {says}"));
        }
        Ok(())
    });
    if walked.is_err() {
        cross.is_cut_off(table);
    }
    or_found(walked, table, found)?;
    Ok(seen)
}

/// What cannot be read of a table is found; what keeps from reading at all is an error.
fn or_found(outcome: Outcome<()>, table: TableName, found: &mut Findings) -> Outcome<()> {
    if let Err(failure) = outcome {
        found.table(table, as_damage(failure)?);
    }
    Ok(())
}
