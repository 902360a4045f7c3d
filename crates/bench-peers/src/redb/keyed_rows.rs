//! A row for each state, under its stream, and a row for each event, under its stream and version.

use anyhow::{Result, ensure};
use bench::journal::Record;
use redb::{
    ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction,
};

use super::Layout;

const STATES: TableDefinition<u32, &[u8]> = TableDefinition::new("states");
const EVENTS: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("events");

/// See the module.
pub(crate) struct KeyedRows;

impl Layout for KeyedRows {
    const KEY: &'static str = "redb_keyed_rows";

    fn create(write: &WriteTransaction) -> Result<()> {
        write.open_table(STATES)?;
        write.open_table(EVENTS)?;
        Ok(())
    }

    fn put(write: &WriteTransaction, group: &[Record]) -> Result<()> {
        let mut states = write.open_table(STATES)?;
        let mut events = write.open_table(EVENTS)?;
        for record in group {
            states.insert(record.stream, record.state.as_slice())?;
            if let Some(event) = &record.event {
                events.insert((record.stream, record.version), event.as_slice())?;
            }
        }
        Ok(())
    }

    fn appends(read: &ReadTransaction) -> Result<u64> {
        let mut appends = 0;
        for row in read.open_table(STATES)?.iter()? {
            let (stream, state) = row?;
            appends += Record::read(stream.value(), state.value(), None).version;
        }
        let events = read.open_table(EVENTS)?.len()?;
        ensure!(events == 0 || events == appends, "{appends} appends and {events} events");
        Ok(appends)
    }

    fn load(read: &ReadTransaction, stream: u32) -> Result<Option<Record>> {
        let Some(state) = read.open_table(STATES)?.get(stream)? else { return Ok(None) };
        let record = Record::read(stream, state.value(), None);
        let event = read.open_table(EVENTS)?.get((stream, record.version))?;
        let event = event.map(|event| event.value().to_vec());
        Ok(Some(Record { event, ..record }))
    }
}
