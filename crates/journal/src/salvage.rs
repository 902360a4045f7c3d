//! What a salvage is asked for, and what it tells.

use std::num::NonZeroU16;
use std::path::Path;

use foundation::Result;

use crate::blob::BlobId;
use crate::embedded;
use crate::options::Durability;
use crate::stream::{Shard, StreamId, Version};

/// Makes a new store of whatever records are found in a file that cannot be opened any more.
///
/// It is the last resort: a backup has everything, in the state of one moment. It searches the bytes
/// of the file for records, without the tables, so it finds those that no table leads to; and
/// therefore also finds some that were deleted. `docs/export.md` says what it cannot know.
///
/// | option | default |
/// |---|---|
/// | [`shards`](Self::shards) | what the file says, or what its records fit |
/// | [`durability`](Self::durability) | what the file says, or [`Durability::Sync`] |
///
/// ```no_run
/// use journal::Salvage;
///
/// let told = Salvage::default().run("broken.redb", "salvaged.redb")?;
/// println!("{} streams; lost: {:?}", told.streams, told.lost);
/// # Ok::<_, foundation::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct Salvage {
    pub(crate) shards: Option<NonZeroU16>,
    pub(crate) durability: Option<Durability>,
}

impl Salvage {
    /// How many shards the store had. Needed only when the file has lost it and its records do not
    /// tell; records that do not fit are left out.
    pub const fn shards(mut self, shards: NonZeroU16) -> Self {
        self.shards = Some(shards);
        self
    }

    /// What the new store promises. [`Durability::Memory`] counts as [`Durability::Process`].
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// Searches the file `from`, which is not changed, and makes a new store at `to`, where nothing
    /// is yet. It blocks, and takes as long as reading the file. For each record it holds about
    /// hundred bytes, and of one stream at a time the keys.
    ///
    /// # Errors
    ///
    /// `store_refused` when `from` is not there; `store_exists` when something is at `to`;
    /// `store_locked` when somebody has either open; `store_newer` when a later release has written
    /// the file; `store_foreign` when no record is found; `no_such_shard` when the number of shards
    /// is lost and cannot be told; `store_error` when reading or writing fails.
    pub fn run(self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<Salvaged> {
        embedded::salvage(self, from.as_ref(), to.as_ref())
    }
}

/// What a [`Salvage`] has found and made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Salvaged {
    /// How many shards the new store has.
    pub shards: NonZeroU16,
    /// What it promises.
    pub durability: Durability,
    /// Every record whose bytes are as they were written, in the order of the file. Of copies that
    /// are the same only the first.
    pub found: Vec<FoundRecord>,
    /// Records of which the beginning is there, and not the rest. Some of them are copies that were
    /// freed and overwritten: a file that nothing has happened to has such too.
    pub damaged: Vec<FoundRecord>,
    /// Records that are as they were written, and that this release does not know.
    pub unknown: Vec<FoundRecord>,
    /// Records that are not of this store: of another shard than their stream, or under a name
    /// that cannot be.
    pub unfit: Vec<FoundRecord>,
    /// Appends whose commit did not come to its end before the store was opened again, so that
    /// others have their places; they are left out.
    pub undone: u64,
    /// Streams of the new store, deleted ones included.
    pub streams: u64,
    /// Those of them that are deleted.
    pub deleted: u64,
    /// Groups of appends that readers of its log still find.
    pub groups: u64,
    /// Signals.
    pub signals: u64,
    /// Blobs that are there wholly.
    pub blobs: u64,
    /// Parts, answers and holds of which it is not proven that they were not replaced or deleted later,
    /// because appends that came later are no longer there, as in every store that is older than
    /// its log.
    pub unproven: u64,
    /// What is known to have been there, and is not.
    pub lost: Vec<Lost>,
}

/// Where a record is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundRecord {
    /// The byte of the file that it begins with.
    pub offset: u64,
    /// Bytes of the record.
    pub length: u64,
    /// Its kind, by the number of `docs/format.md`.
    pub kind: u8,
    /// The shard that it says.
    pub shard: Shard,
    /// The position that it says.
    pub position: u64,
}

/// Something that was there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lost {
    /// Groups of the log, from the first number to the last, are not there wholly.
    Groups(u64, u64),
    /// Appends of a stream, from the first version to the last, are neither in the log nor in the
    /// rows: their changes are missing.
    Versions(StreamId, Version, Version),
    /// The row of a stream: what was found of it makes up the stream, which may have been deleted.
    Row(StreamId),
    /// The snapshot of a stream, of that version. An earlier one takes its place if there is one.
    Snapshot(StreamId, Version),
    /// A blob, of which not everything is there: told once with no stream, and once for each stream
    /// that held it and now does not. One whose own row is lost too is told only with a stream.
    Blob(BlobId, Option<StreamId>),
}
