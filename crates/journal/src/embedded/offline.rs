//! Looking after a store that nobody has open: whether it is whole, and making its file smaller.
//!
//! Everything here blocks, for as long as reading the file takes, so it is for a thread of its own, or
//! for a program that does nothing else.

use std::io;
use std::path::PathBuf;

use foundation::Result;
use redb::backends::FileBackend;
use redb::{Database, DatabaseError, StorageBackend};

use super::facts::Facts;
use super::failure::{Failure, Outcome};
use super::findings::as_damage;
use super::guard::{guarded, let_go};
use super::info::file_bytes;
use super::medium::{Medium, MediumPlace, StoreFile};
use super::open::builder;
use super::options::{Place, RedbOptions};
use super::overlay::Overlay;
use super::path::{Found, look};
use super::verify::{Walked, verify};
use crate::maintenance::{Damaged, TableRead};

/// A store on a file that is not open.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("jido.redb");
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// # let system = foundation::System::builder().start().await?;
/// # journal::RedbOptions::new(&path).open(&system).await?.close().await?;
/// # system.stop().await
/// # })?;
/// use journal::OfflineStore;
///
/// let store = OfflineStore::at(&path);
/// assert!(store.verify()?.is_sound());
/// let compacted = store.compact()?;
/// assert!(compacted.after <= compacted.before);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct OfflineStore {
    options: RedbOptions,
}

/// What [`OfflineStore::verify`] has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The format that it is written in; none when that cannot be read.
    pub format: Option<u8>,
    /// Whether the store was closed. After a crash it was not, and is repaired when it is opened
    /// next; what was verified is the repaired store.
    pub closed: bool,
    /// Whether a sync of the file has failed, so that the disk may have less than what was read here,
    /// until it is opened.
    pub unsynced: bool,
    /// What was read of each table.
    pub tables: Vec<TableRead>,
    /// What is not as it has to be: the first hundred.
    pub problems: Vec<Damaged>,
    /// How many there are.
    pub problem_count: u64,
}

/// What [`OfflineStore::compact`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compacted {
    /// Bytes of the file before.
    pub before: u64,
    /// Bytes of it now.
    pub after: u64,
}

impl OfflineStore {
    /// The store in that file.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { options: RedbOptions::new(path) }
    }

    /// The store on a simulated disk: for tests.
    #[cfg(feature = "testing")]
    pub fn on_disk(disk: &crate::testing::Disk) -> Self {
        Self { options: RedbOptions::on_disk(disk) }
    }

    /// How many bytes of the file are held in memory; 64 MiB by default.
    pub fn cache(self, bytes: usize) -> Self {
        Self { options: self.options.cache(bytes) }
    }

    /// Reads the whole store and checks it: the checksum of every page, every record, every key, and
    /// what they say of one another. **The file is not changed**, whether it is whole or not, nor when
    /// it has to be repaired: that is done in memory. What is wrong is in the answer, and is no error.
    ///
    /// # Errors
    ///
    /// `store_locked` when it is open; `store_foreign`, `store_newer`; `store_refused` when there is
    /// none or it may not be read; `store_error`.
    pub fn verify(&self) -> Result<Verified> {
        let path = self.options.place.path();
        self.try_verify().map_err(|failure| failure.at(&path))
    }

    /// Makes the file smaller: what is free in it is given back. It needs a store that is whole, and
    /// says so otherwise; one that was not closed is repaired first. A crash or a cut of the power
    /// meanwhile loses nothing: the next opening repairs it, and takes as long as after any crash.
    ///
    /// # Errors
    ///
    /// `store_locked` when it is open; `store_foreign`, `store_newer`, `store_corrupt`;
    /// `store_refused` when there is none or it may not be written; `store_error`.
    pub fn compact(&self) -> Result<Compacted> {
        let path = self.options.place.path();
        let compacted = self.try_compact().map_err(|failure| failure.at(&path))?;
        let (before, after) = (compacted.before, compacted.after);
        tracing::info!(path = %path.display(), before, after, "journal.compacted");
        Ok(compacted)
    }

    fn try_verify(&self) -> Outcome<Verified> {
        let mut verified = Verified {
            format: None,
            closed: false,
            unsynced: Medium::around(self.medium_place()).is_distrusted()?,
            tables: Vec::new(),
            problems: Vec::new(),
            problem_count: 0,
        };
        let path = self.options.place.path();
        let walked = guarded(|| {
            verified.closed = self.was_closed()?;
            let backend = self.overlay()?;
            let database = guarded(|| Ok(builder(&self.options).create_with_backend(backend)?))?;
            // Held outside of what may panic: see `open`.
            let walked = guarded(|| verify(&database, &path));
            let_go(database);
            walked
        });
        let Walked { format, tables, found } = match walked {
            Ok(walked) => walked,
            // What there is of it cannot be opened.
            Err(failure) => {
                let mut walked = Walked::default();
                walked.found.file(as_problem(failure)?);
                walked
            }
        };
        (verified.format, verified.tables) = (format, tables);
        (verified.problems, verified.problem_count) = (found.listed, found.count);
        Ok(verified)
    }

    /// Whether whoever had it open has closed it.
    fn was_closed(&self) -> Outcome<bool> {
        let backend = self.overlay()?;
        let opened = guarded(|| Ok(builder(&self.options).open_read_only_with_backend(backend)));
        match opened {
            Ok(Ok(database)) => {
                let_go(database);
                Ok(true)
            }
            Ok(Err(error @ DatabaseError::DatabaseAlreadyOpen)) => Err(error.into()),
            // One that has to be repaired; and what is damaged is found when it is read.
            Ok(Err(_)) | Err(_) => Ok(false),
        }
    }

    fn overlay(&self) -> Outcome<Overlay> {
        Ok(match &self.options.place {
            Place::File(path) => match look(path)? {
                Found::Store(file) => Overlay::new(FileBackend::new(file)?)?,
                Found::Nothing => return Err(missing()),
            },
            #[cfg(feature = "testing")]
            Place::Disk(disk) => Overlay::new(disk.backend())?,
        })
    }

    fn try_compact(&self) -> Outcome<Compacted> {
        let path = self.options.place.path();
        let bytes: Box<dyn StorageBackend> = match &self.options.place {
            Place::File(path) => match look(path)? {
                Found::Store(file) => Box::new(FileBackend::new(file)?),
                Found::Nothing => return Err(missing()),
            },
            #[cfg(feature = "testing")]
            Place::Disk(disk) => Box::new(disk.backend()),
        };
        let before = file_bytes(&self.options.place)?;
        // Syncs reach the disk, whatever the store promises: what it is moved to is there before what
        // it was moved from is gone.
        let (file, _medium) = StoreFile::boxed(bytes, self.medium_place());
        let mut database = guarded(|| Ok(builder(&self.options).create_with_backend(file)?))?;
        let compacted = guarded(|| {
            {
                let read = redb::ReadableDatabase::begin_read(&database)?;
                let facts = Facts::open(&read, &path)?;
                facts.format(&path)?;
            }
            database.compact().map_err(|error| Failure::Store(error.into()))
        });
        match compacted {
            Ok(_) => guarded(|| Ok(database.close()?))?,
            Err(failure) => {
                let_go::<Database>(database);
                return Err(failure);
            }
        }
        Ok(Compacted { before, after: file_bytes(&self.options.place)? })
    }

    fn medium_place(&self) -> MediumPlace {
        match &self.options.place {
            Place::File(path) => MediumPlace::of(path),
            #[cfg(feature = "testing")]
            Place::Disk(disk) => MediumPlace::Disk(disk.clone()),
        }
    }
}

impl Verified {
    /// Whether nothing is wrong with it.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.problem_count == 0
    }
}

fn missing() -> Failure {
    io::Error::from(io::ErrorKind::NotFound).into()
}

/// What is wrong with a file that cannot be opened, if that is why.
fn as_problem(failure: Failure) -> Outcome<String> {
    match failure {
        // There is none, or nobody may read it.
        Failure::Store(redb::Error::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Err(error.into())
        }
        failure => as_damage(failure),
    }
}
