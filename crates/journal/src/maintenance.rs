//! The port of looking after a store that is open: what is in it, whether it is sound, a copy, and
//! everything as lines of JSON.
//!
//! An [`Engine`](crate::Engine) has it or has not; people use [`Journal::info`](crate::Journal::info),
//! [`Journal::scrub`](crate::Journal::scrub), [`Journal::backup`](crate::Journal::backup) and
//! [`Journal::export`](crate::Journal::export). What needs
//! a store for itself alone is in [`OfflineStore`](crate::OfflineStore).
//!
//! - **Nothing here changes the store**, and nothing that others read or append waits for all of it.
//! - **Given up, it stops soon**, and leaves nothing behind.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use foundation::Result;

use crate::export::Exported;
use crate::options::Durability;
use crate::stream::{Epoch, Position, Shard};

/// Looking after a store while it is open.
#[async_trait]
pub trait Maintenance: fmt::Debug + Send + Sync {
    /// What is in the store and how it stands. Costs no more than a read, however large the store is.
    ///
    /// # Errors
    ///
    /// `store_closed`, `store_corrupt`, `store_error`.
    async fn info(&self) -> Result<StoreInfo>;

    /// Reads every row and checks it. What is damaged is in the answer, and is no error; the store
    /// goes on. Given up, it stops between two pages.
    ///
    /// # Errors
    ///
    /// `store_closed`, `store_error`.
    async fn scrub(&self) -> Result<Scrubbed>;

    /// Makes a store at `to` that has everything this one has at one moment, not before it was asked.
    /// On success it is durable. On an error there is nothing at `to`; given up, nothing or all of it,
    /// as soon as the step has ended that was under way.
    ///
    /// # Errors
    ///
    /// `store_exists`; `store_refused` when the path is none or not allowed; `store_locked` when
    /// somebody else makes a store there; `no_room`; `store_corrupt` when a row is damaged;
    /// `store_closed`, `store_error`.
    async fn backup(&self, to: &Path) -> Result<BackedUp>;

    /// Writes everything that the journal holds to `to`, as lines of JSON, which are described in
    /// `docs/export.md`. On success all of it is there, as it was at one moment after the call. On an
    /// error the last line is missing. Given up, the step that is under way is ended all the same, and
    /// if it was the last, its line is written. The store is not changed.
    ///
    /// # Errors
    ///
    /// `export_failed` when `to` could not be written; `store_corrupt`, `store_closed`,
    /// `store_error`.
    async fn export(&self, to: Box<dyn Write + Send>) -> Result<Exported>;
}

/// What is in a store, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreInfo {
    /// Where it is.
    pub path: PathBuf,
    /// The format that it is written in.
    pub format: u8,
    /// The newest format that this release knows.
    pub known_format: u8,
    /// What it promises.
    pub durability: Durability,
    /// Its shards, in their order.
    pub shards: Vec<ShardInfo>,
    /// Its tables, as `docs/format.md` names them, and how many rows each has.
    pub tables: Vec<(&'static str, u64)>,
    /// Bytes of the file, with what is free in it.
    pub file_bytes: u64,
    /// Bytes of the log in the file: what is not folded, and what is kept for readers.
    pub log_bytes: u64,
    /// Commits that are not folded into rows yet, which are read when the store is opened.
    pub unfolded_groups: u64,
    /// Bytes of those; they are in memory too.
    pub unfolded_bytes: u64,
    /// Bytes of signals that are folded.
    pub signal_bytes: u64,
    /// Whether a sync of the file has failed, so that whoever opens it next writes all of it once more.
    pub unsynced: bool,
    /// Bytes of room that the disk has left; none if it does not say.
    pub room: Option<u64>,
    /// How many of those are to be left; 0 when nobody looks.
    pub reserve: u64,
    /// Whether appends are refused, because the disk has less room than that.
    pub read_only: bool,
}

/// How a shard stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShardInfo {
    /// Which.
    pub shard: Shard,
    /// The last epoch that was granted, or that opening has raised it to.
    pub epoch: Epoch,
    /// Its log is kept behind this position.
    pub log_from: Position,
    /// Where its log ends.
    pub log_end: Position,
    /// Its signals are kept behind this position.
    pub signals_from: Position,
}

/// A table that was read wholly.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableRead {
    /// Its name, as in `docs/format.md`.
    pub name: &'static str,
    /// Rows that were read.
    pub rows: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

/// What a scrub has read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scrubbed {
    /// What was read of each table.
    pub tables: Vec<TableRead>,
    /// What is damaged: the first hundred.
    pub damaged: Vec<Damaged>,
    /// How many there are.
    pub damages: u64,
}

/// A place of a store that is not as it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damaged {
    /// The table; none when it is the file.
    pub table: Option<&'static str>,
    /// The key of the row, with what is not printable escaped; none when it is the table.
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// A copy of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackedUp {
    /// Where it is.
    pub path: PathBuf,
    /// Rows that were copied.
    pub rows: u64,
    /// Bytes of the file.
    pub file_bytes: u64,
}

// === impl Scrubbed ===

impl Scrubbed {
    /// Whether nothing was found.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.damages == 0
    }
}

// === impl Damaged ===

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.table.unwrap_or("file"))?;
        if let Some(key) = &self.key {
            write!(f, " {key}")?;
        }
        write!(f, ": {}", self.message)
    }
}
