//! The crate `redb`, with one row for each stream: state and event in one value. What it takes to
//! open such a file after a crash, and to get a row from it.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use bench::journal::{Folding, Grouped, Record, STATE, Store, Subject};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::redb_keyed_rows::CACHE;

const ROWS: TableDefinition<u32, &[u8]> = TableDefinition::new("rows");

/// A database and the thread that commits.
pub(crate) struct Peer {
    database: Arc<Database>,
    thread: Grouped,
}

struct Rows(Arc<Database>);

impl Store for Rows {
    fn commit(&mut self, group: &[Record]) -> Result<()> {
        let write = self.0.begin_write()?;
        {
            let mut rows = write.open_table(ROWS)?;
            for record in group {
                let event = record.event.as_deref().unwrap_or_default();
                rows.insert(record.stream, [&record.state, event].concat().as_slice())?;
            }
        }
        Ok(write.commit()?)
    }
}

impl Subject for Peer {
    const KEY: &'static str = "redb";
    type Stream = ();

    async fn open(folder: &Path, _: Folding) -> Result<Self> {
        let path = folder.join("plain.redb");
        let database = Arc::new(Database::builder().set_cache_size(CACHE).create(path)?);
        let write = database.begin_write()?;
        write.open_table(ROWS)?;
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
        let mut appends = 0;
        for row in self.database.begin_read()?.open_table(ROWS)?.iter()? {
            let (stream, row) = row?;
            appends += Record::read(stream.value(), row.value(), None).version;
        }
        Ok(appends)
    }

    async fn load(&self, stream: u32) -> Result<Option<Record>> {
        let read = self.database.begin_read()?;
        let Some(row) = read.open_table(ROWS)?.get(stream)? else { return Ok(None) };
        let parts = row.value().split_at_checked(STATE);
        Ok(parts.map(|(state, event)| Record::read(stream, state, Some(event))))
    }

    async fn close(self) -> Result<()> {
        self.thread.close()
    }
}
