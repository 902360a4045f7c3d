//! A copy of a store while it is used: everything of one transaction, in another file.
//!
//! - **It is whole or not there**: it is made in `NAME.new` beside its place, synced, and renamed. Given
//!   up or failed, what was made is removed; what a crash leaves is made anew by whoever is next.
//! - **What is damaged is not copied**: each row is checked, so that no good copy is replaced by one
//!   that only looks so.
//! - **It is made in steps on the threads that read**, one batch each, so that others have their turn.
//!
//! The surprising thing: the one long read transaction keeps every page that was replaced meanwhile,
//! so the store's own file grows by what is written to it during the backup.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use foundation::{Error, Result};
use redb::backends::FileBackend;
use redb::{Database, ReadTransaction, ReadableDatabase};

use super::catalog::{PageSize, Row, TableName};
use super::check::check_row;
use super::core::Core;
use super::facts::Facts;
use super::failure::{Failure, Outcome};
use super::guard::{guarded, let_go};
use super::medium::{Medium, MediumPlace, StoreFile};
use super::path::{beside, exists, is_taken, length, put_in_place, remove};
use super::readers::Readers;
use crate::codes;
use crate::maintenance::BackedUp;

/// Copied in one step: enough that a transaction costs little, few enough to be held in memory. One
/// row may be larger; a commit has 16 MiB at most.
const BATCH: PageSize = PageSize { rows: 20_000, bytes: 4 << 20 };
/// Bytes of the copy that are held in memory.
const CACHE: usize = 16 << 20;

/// A copy that is being made.
struct Copying {
    to: PathBuf,
    read: ReadTransaction,
    target: Option<Target>,
    /// Tables that are left, the next one last.
    tables: Vec<TableName>,
    after: Option<Vec<u8>>,
    rows: u64,
}

/// The file that is made.
struct Target {
    database: Database,
    medium: Arc<Medium>,
    /// Where it is until it is in its place.
    beside: PathBuf,
    /// Whether it may be in its place already.
    moving: bool,
}

/// Holds a copy between two steps. Dropped with it, it is removed, and not on this thread.
struct Held<'a> {
    copying: Option<Copying>,
    readers: &'a Readers,
}

/// Makes a copy of the store at `from` at `to`.
pub(super) async fn backup(readers: &Readers, from: &Path, to: &Path) -> Result<BackedUp> {
    let path = to.to_owned();
    let begin = move |_: &Core, database: &Database| Copying::begin(database, path);
    let mut held = Held { copying: Some(readers.read(begin).await?), readers };
    while let Some(mut copying) = held.copying.take() {
        let step = move |core: &Core, _: &Database| {
            let done = copying.step(core)?;
            Ok((copying, done))
        };
        let (copying, done) = readers.read(step).await?;
        if let Some(done) = done {
            let (path, to) = (from.display().to_string(), to.display().to_string());
            tracing::info!(path, to, bytes = done.file_bytes, "journal.backed_up");
            return Ok(done);
        }
        held.copying = Some(copying);
        // Where reads run in the task that asks, others go on between two.
        tokio::task::yield_now().await;
    }
    Err(Error::from(foundation::codes::STORE_ERROR).with_message("the backup has no end"))
}

impl Copying {
    fn begin(database: &Database, to: PathBuf) -> Outcome<Self> {
        // Behind everything that was acknowledged by now.
        let read = database.begin_read()?;
        let target = Target::make(&to).map_err(|failure| Failure::Ours(failure.at(&to)))?;
        let format = Facts::open(&read, &to)?.format(&to)?;
        let tables = TableName::of(format).rev().collect();
        Ok(Self { to, read, target: Some(target), tables, after: None, rows: 0 })
    }

    /// Copies a batch. Gives what was made, when that was the last one.
    fn step(&mut self, core: &Core) -> Outcome<Option<BackedUp>> {
        let Some(table) = self.tables.last().copied() else { return Ok(None) };
        let batch = self.take_batch(core, table)?;
        if self.after.is_none() {
            self.tables.pop();
        }
        let is_last = self.tables.is_empty();
        let Some(target) = &self.target else { return Ok(None) };
        let bytes = batch.iter().map(|(key, value)| key.len() + value.len()).sum();
        target.check_room(&self.to, bytes, core.options.reserve)?;
        let written = guarded(|| target.write(table, &batch, is_last));
        written.map_err(|failure| Failure::Ours(failure.at(&self.to)))?;
        self.rows += u64::try_from(batch.len()).unwrap_or(0);
        if is_last { self.finish().map(Some) } else { Ok(None) }
    }

    /// The next rows of a table, each of them checked.
    fn take_batch(&mut self, core: &Core, table: TableName) -> Outcome<Vec<Row>> {
        let (mut batch, shards) = (Vec::new(), core.shard_count());
        let next = guarded(|| {
            table.page(&self.read, self.after.as_deref(), BATCH, &mut |key, value| {
                check_row(table, key, value, shards).map_err(|failure| {
                    let key = table.show(key);
                    Failure::Corrupt(format!("the row {key} of {}: {failure}", table.name()))
                })?;
                batch.push((key.to_vec(), value.to_vec()));
                Ok(())
            })
        });
        self.after = next.map_err(|failure| match failure {
            // It has changed nothing: the store goes on.
            Failure::Panic(said) => Failure::Corrupt(format!("{}: {said}", table.name())),
            failure => failure,
        })?;
        Ok(batch)
    }

    /// Puts the copy in its place, which it keeps from here on unless something fails.
    fn finish(&mut self) -> Outcome<BackedUp> {
        let to = self.to.clone();
        let named = |failure: Failure| Failure::Ours(failure.at(&to));
        if let Some(target) = &mut self.target {
            if is_taken(&to).map_err(named)? {
                return Err(exists(&to));
            }
            target.moving = true;
            // While it is open, so that nobody takes what is beside for garbage.
            put_in_place(&target.beside, &to).map_err(named)?;
        }
        let Some(Target { database, medium, .. }) = self.target.take() else {
            return Err(Failure::Corrupt("the backup was finished before".to_owned()));
        };
        let closed = guarded(|| Ok(database.close()?)).and_then(|()| length(&to));
        let file_bytes = closed.map_err(|failure| {
            // What fails here has a failing disk below it, and is not to be relied on.
            drop(remove(&to));
            medium.forget();
            named(failure)
        })?;
        Ok(BackedUp { path: to, rows: self.rows, file_bytes })
    }
}

impl Target {
    fn make(to: &Path) -> Outcome<Self> {
        if is_taken(to)? {
            return Err(exists(to));
        }
        let Some((file, beside)) = beside(to)? else { return Err(exists(to)) };
        let made = FileBackend::new(file).map_err(Failure::from).and_then(|file| {
            let (file, medium) = StoreFile::new(file, MediumPlace::of(to));
            Self::on(file, medium, beside.clone())
        });
        made.inspect_err(|_| drop(remove(&beside)))
    }

    fn on(file: StoreFile, medium: Arc<Medium>, beside: PathBuf) -> Outcome<Self> {
        // It is nothing until it is whole, and then it is synced.
        medium.stop_syncing();
        let database = Database::builder().set_cache_size(CACHE).create_with_backend(file)?;
        Ok(Self { database, medium, beside, moving: false })
    }

    /// Whether there is room for a batch, and what has to be left besides.
    fn check_room(&self, to: &Path, bytes: usize, reserve: u64) -> Outcome<()> {
        let Some(room) = self.medium.room() else { return Ok(()) };
        let reserve = reserve.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if room >= reserve {
            return Ok(());
        }
        let path = to.display().to_string();
        let error = Error::from(codes::NO_ROOM)
            .with_message(format!("{path} is on a disk with {room} bytes of room left"))
            .with_detail("path", path)
            .with_detail("room", room)
            .with_detail("reserve", reserve);
        Err(error.into())
    }

    fn write(&self, table: TableName, batch: &[Row], is_last: bool) -> Outcome<()> {
        if is_last {
            // The sync of this commit is one of everything that was written before.
            self.medium.start_syncing();
        }
        let write = self.database.begin_write()?;
        table.insert(&write, batch)?;
        Ok(write.commit()?)
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        if let Some(Target { database, medium, beside, moving }) = self.target.take() {
            // One that stays is made anew by whoever makes a store there next.
            if remove(&beside).is_err() && moving {
                drop(remove(&self.to));
            }
            medium.forget();
            // What it writes when it is closed goes with the file.
            medium.stop_syncing();
            let_go(database);
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(copying) = self.copying.take() {
            self.readers.later(move || drop(copying));
        }
    }
}

#[cfg(test)]
mod tests;
