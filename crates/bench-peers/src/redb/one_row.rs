//! One row for each stream: state and event in one value. What it takes to open such a file after a
//! crash, and to get a row from it.

use anyhow::Result;
use bench::journal::{Record, STATE};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

use super::Layout;

const ROWS: TableDefinition<u32, &[u8]> = TableDefinition::new("rows");

/// See the module.
pub(crate) struct OneRow;

impl Layout for OneRow {
    const KEY: &'static str = "redb";

    fn create(write: &WriteTransaction) -> Result<()> {
        write.open_table(ROWS)?;
        Ok(())
    }

    fn put(write: &WriteTransaction, group: &[Record]) -> Result<()> {
        let mut rows = write.open_table(ROWS)?;
        for record in group {
            let event = record.event.as_deref().unwrap_or_default();
            rows.insert(record.stream, [&record.state, event].concat().as_slice())?;
        }
        Ok(())
    }

    fn appends(read: &ReadTransaction) -> Result<u64> {
        let mut appends = 0;
        for row in read.open_table(ROWS)?.iter()? {
            let (stream, row) = row?;
            appends += Record::read(stream.value(), row.value(), None).version;
        }
        Ok(appends)
    }

    fn load(read: &ReadTransaction, stream: u32) -> Result<Option<Record>> {
        let Some(row) = read.open_table(ROWS)?.get(stream)? else { return Ok(None) };
        let parts = row.value().split_at_checked(STATE);
        Ok(parts.map(|(state, event)| Record::read(stream, state, Some(event))))
    }
}
