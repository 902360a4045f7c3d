//! The crate `redb` without a log: a [`Layout`] says in which rows states and events are. Whatever
//! waits is one transaction.

mod keyed_rows;
mod one_row;

use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use bench::journal::{Folding, Grouped, Record, Store, Subject};
use redb::{Database, Durability, ReadTransaction, ReadableDatabase, WriteTransaction};

pub(crate) use keyed_rows::KeyedRows;
pub(crate) use one_row::OneRow;

/// As much as ours has.
const CACHE: usize = 64 << 20;

/// The rows of states and events.
pub(crate) trait Layout: Send + Sync + 'static {
    /// Under which key it is printed.
    const KEY: &'static str;

    /// Makes what is to be there before anything is appended.
    fn create(write: &WriteTransaction) -> Result<()>;
    /// Writes what was appended.
    fn put(write: &WriteTransaction, group: &[Record]) -> Result<()>;
    /// How many appends there are.
    fn appends(read: &ReadTransaction) -> Result<u64>;
    /// The last append of a stream.
    fn load(read: &ReadTransaction, stream: u32) -> Result<Option<Record>>;
}

/// A database and the thread that commits.
pub(crate) struct Peer<L> {
    database: Arc<Database>,
    thread: Grouped,
    layout: PhantomData<L>,
}

struct Rows<L>(Arc<Database>, PhantomData<L>);

impl<L: Layout> Store for Rows<L> {
    fn commit(&mut self, group: &[Record]) -> Result<()> {
        let mut write = self.0.begin_write()?;
        write.set_durability(Durability::Immediate)?;
        L::put(&write, group)?;
        Ok(write.commit()?)
    }
}

impl<L: Layout> Subject for Peer<L> {
    const KEY: &'static str = L::KEY;
    type Stream = ();

    async fn open(folder: &Path, _: Folding) -> Result<Self> {
        let path = folder.join("rows.redb");
        let database = Arc::new(Database::builder().set_cache_size(CACHE).create(path)?);
        let write = database.begin_write()?;
        L::create(&write)?;
        write.commit()?;
        let thread = Grouped::start(Rows(Arc::clone(&database), PhantomData::<L>))?;
        Ok(Self { database, thread, layout: PhantomData })
    }

    async fn stream(&self, _: u32) -> Result<()> {
        Ok(())
    }

    async fn append(&self, (): &mut (), record: Record) -> Result<()> {
        self.thread.append(record).await
    }

    async fn appends(&self, _: u32) -> Result<u64> {
        L::appends(&self.database.begin_read()?)
    }

    async fn load(&self, stream: u32) -> Result<Option<Record>> {
        L::load(&self.database.begin_read()?, stream)
    }

    async fn close(self) -> Result<()> {
        self.thread.close()
    }
}
