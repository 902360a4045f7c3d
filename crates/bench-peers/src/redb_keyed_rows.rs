//! The crate `redb`, with a row for each state, under its stream, and a row for each event, under
//! its stream and version. Whatever waits is one transaction.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use bench::journal::{Folding, Grouped, Record, Store, Subject};
use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
};

const STATES: TableDefinition<u32, &[u8]> = TableDefinition::new("states");
const EVENTS: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("events");
/// As much as ours has.
pub(crate) const CACHE: usize = 64 << 20;

/// A database and the thread that commits.
pub(crate) struct Peer {
    database: Arc<Database>,
    thread: Grouped,
}

struct Rows(Arc<Database>);

impl Store for Rows {
    fn commit(&mut self, group: &[Record]) -> Result<()> {
        let mut write = self.0.begin_write()?;
        write.set_durability(Durability::Immediate)?;
        {
            let mut states = write.open_table(STATES)?;
            let mut events = write.open_table(EVENTS)?;
            for record in group {
                states.insert(record.stream, record.state.as_slice())?;
                if let Some(event) = &record.event {
                    events.insert((record.stream, record.version), event.as_slice())?;
                }
            }
        }
        Ok(write.commit()?)
    }
}

impl Subject for Peer {
    const KEY: &'static str = "redb_keyed_rows";
    type Stream = ();

    async fn open(folder: &Path, _: Folding) -> Result<Self> {
        let path = folder.join("rows.redb");
        let database = Arc::new(Database::builder().set_cache_size(CACHE).create(path)?);
        let write = database.begin_write()?;
        write.open_table(STATES)?;
        write.open_table(EVENTS)?;
        write.commit()?;
        Ok(Self { thread: Grouped::start(Rows(Arc::clone(&database)))?, database })
    }

    async fn stream(&self, _: u32) -> Result<()> {
        Ok(())
    }

    async fn append(&self, (): &mut (), record: Record) -> Result<()> {
        self.thread.append(record).await
    }

    async fn appends(&self, _: u32) -> Result<u64> {
        let read = self.database.begin_read()?;
        let mut appends = 0;
        for row in read.open_table(STATES)?.iter()? {
            let (stream, state) = row?;
            appends += Record::read(stream.value(), state.value(), None).version;
        }
        let events = read.open_table(EVENTS)?.len()?;
        ensure!(events == 0 || events == appends, "{appends} appends and {events} events");
        Ok(appends)
    }

    async fn load(&self, stream: u32) -> Result<Option<Record>> {
        let read = self.database.begin_read()?;
        let Some(state) = read.open_table(STATES)?.get(stream)? else { return Ok(None) };
        let record = Record::read(stream, state.value(), None);
        let event = read.open_table(EVENTS)?.get((stream, record.version))?;
        let event = event.map(|event| event.value().to_vec());
        Ok(Some(Record { event, ..record }))
    }

    async fn close(self) -> Result<()> {
        self.thread.close()
    }
}
