//! What the bytes of a store are on: a file that is locked, synced, distrusted after a sync that
//! failed, and asked for the room around it.
//!
//! **After a sync has failed, what the system shows of the file is not what the disk has**: pages
//! that could not be written count as clean, are shown as they should be, and are never written
//! again (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020). So a mark is
//! left beside the file, and whoever opens it next writes all of it once more and syncs that, before
//! anything is read. Cut short, that is no more than what the failed sync has left: some of the
//! writes are there and some are not, as after any crash.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use redb::backends::FileBackend;
use redb::{BackendError, DatabaseError, StorageBackend};

/// Bytes that are read and written at a time when a file is written once more.
const CHUNK: usize = 1 << 20;

/// How many reads go to threads after one that had to wait for the disk.
const COLD: u32 = 64;

/// Where it is not known whether a read has to wait, all go to threads, for ever.
const NEVER: u32 = u32::MAX;

/// The bytes of a store, as redb takes them.
#[derive(Debug)]
pub(super) struct StoreFile {
    bytes: Box<dyn StorageBackend>,
    /// The same file, to see whether a read has to wait for the disk.
    file: Option<File>,
    medium: Arc<Medium>,
}

/// What is known of the disk below a store, and asked of it.
#[derive(Debug)]
pub(super) struct Medium {
    /// Whether syncs reach the disk. Without that, what is written survives the end of the process.
    syncs: AtomicBool,
    /// How many reads are not to be made where they are asked for, because one before them had to
    /// wait for the disk.
    cold: AtomicU32,
    place: MediumPlace,
}

/// Where the mark and the room of a store are.
pub(super) enum MediumPlace {
    File {
        mark: PathBuf,
        folder: PathBuf,
    },
    #[cfg(feature = "testing")]
    Disk(crate::testing::Disk),
}

// === impl StoreFile ===

impl StoreFile {
    pub(super) fn new(bytes: impl StorageBackend, place: MediumPlace) -> (Self, Arc<Medium>) {
        Self::boxed(Box::new(bytes), place)
    }

    /// On whatever there is.
    pub(super) fn boxed(bytes: Box<dyn StorageBackend>, place: MediumPlace) -> (Self, Arc<Medium>) {
        let medium = Arc::new(Medium::around(place));
        (Self { bytes, file: None, medium: Arc::clone(&medium) }, medium)
    }

    /// On a file of the system.
    pub(super) fn on(file: File, place: MediumPlace) -> Result<(Self, Arc<Medium>), DatabaseError> {
        let same = file.try_clone().ok();
        let (store, medium) = Self::new(FileBackend::new(file)?, place);
        if same.is_some() {
            medium.cold.store(0, Ordering::Relaxed);
        }
        Ok((Self { file: same, ..store }, medium))
    }

    /// Reads what the system has in memory. Gives whether that was all of it; when it is not known,
    /// nothing was.
    fn read_at_once(&self, offset: u64, out: &mut [u8]) -> bool {
        let Some(file) = &self.file else { return false };
        if self.medium.cold.load(Ordering::Relaxed) == NEVER {
            return false;
        }
        let at_once = read_at_once(file, offset, out);
        match at_once {
            Some(true) => {}
            Some(false) => self.medium.cold.store(COLD, Ordering::Relaxed),
            None => self.medium.cold.store(NEVER, Ordering::Relaxed),
        }
        at_once == Some(true)
    }

    /// Writes the whole file once more, when a sync of it has failed.
    fn restore_trust(&self) -> io::Result<()> {
        if !self.medium.is_distrusted()? {
            return Ok(());
        }
        let length = self.bytes.len()?;
        tracing::warn!(store = ?self.medium.place, bytes = length, "journal.rewriting");
        // The length first: written behind the end that the disk knows, a file that is cut off
        // would end in the middle of something.
        self.bytes.set_len(length)?;
        self.bytes.sync_data()?;
        let mut buffer = vec![0; CHUNK];
        let mut offset = 0;
        while offset < length {
            let left = usize::try_from(length - offset).unwrap_or(CHUNK).min(CHUNK);
            let chunk = buffer.get_mut(..left).unwrap_or_default();
            self.bytes.read(offset, chunk)?;
            self.bytes.write(offset, chunk)?;
            offset += u64::try_from(left).unwrap_or(length);
        }
        self.bytes.sync_data()?;
        self.medium.trust()
    }
}

impl StorageBackend for StoreFile {
    fn len(&self) -> io::Result<u64> {
        self.bytes.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.read_at_once(offset, out) {
            return Ok(());
        }
        self.bytes.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.bytes.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        if !self.medium.syncs.load(Ordering::Acquire) {
            return Ok(());
        }
        self.bytes.sync_data().inspect_err(|_| self.medium.distrust())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.bytes.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.bytes.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        let locked = self.bytes.try_lock_range(start, end)?;
        if locked {
            // The first thing that redb does, and the first moment at which nobody else writes.
            self.restore_trust().map_err(BackendError::Io)?;
        }
        Ok(locked)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.bytes.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.bytes.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.bytes.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.bytes.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.bytes.query_lock_range(start, end)
    }
}

// === impl Medium ===

impl Medium {
    /// From now on nothing is synced.
    pub(super) fn stop_syncing(&self) {
        self.syncs.store(false, Ordering::Release);
    }

    /// Whether a read would hardly wait for the disk, as far as those before it tell.
    pub(super) fn is_warm(&self) -> bool {
        let one_less = |cold: u32| if cold == NEVER { Some(cold) } else { cold.checked_sub(1) };
        self.cold.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_err()
    }

    /// From now on everything is synced again.
    pub(super) fn start_syncing(&self) {
        self.syncs.store(true, Ordering::Release);
    }

    /// What is known of the disk around the store at `path`.
    pub(super) const fn around(place: MediumPlace) -> Self {
        Self { syncs: AtomicBool::new(true), cold: AtomicU32::new(NEVER), place }
    }

    /// Takes the mark away with the store that it was left for.
    pub(super) fn forget(&self) {
        if self.is_distrusted().unwrap_or(false) {
            // One that stays makes whoever opens a store there write it once more: no harm.
            drop(self.trust());
        }
    }

    /// Bytes of room that the disk has left; none if it does not say.
    pub(super) fn room(&self) -> Option<u64> {
        match &self.place {
            MediumPlace::File { folder, .. } => {
                let told = rustix::fs::statvfs(folder).ok()?;
                Some(told.f_bavail.saturating_mul(told.f_frsize))
            }
            #[cfg(feature = "testing")]
            MediumPlace::Disk(disk) => disk.room(),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "ban: std::fs, a mark beside the store")]
    pub(super) fn is_distrusted(&self) -> io::Result<bool> {
        match &self.place {
            MediumPlace::File { mark, .. } => mark.try_exists(),
            #[cfg(feature = "testing")]
            MediumPlace::Disk(disk) => Ok(disk.has_mark()),
        }
    }

    /// Leaves the mark that a sync has failed.
    fn distrust(&self) {
        match &self.place {
            MediumPlace::File { mark, folder } => {
                if let Err(error) = make_mark(mark, folder) {
                    // Whoever opens the store next, on this machine and before it is started
                    // anew, does not know. All that is left to do is to say so.
                    let mark = mark.display().to_string();
                    tracing::error!(mark, %error, "journal.unmarked");
                }
            }
            #[cfg(feature = "testing")]
            MediumPlace::Disk(disk) => disk.set_mark(true),
        }
    }

    /// Takes the mark away.
    #[expect(clippy::disallowed_methods, reason = "ban: std::fs, a mark beside the store")]
    fn trust(&self) -> io::Result<()> {
        match &self.place {
            MediumPlace::File { mark, .. } => std::fs::remove_file(mark),
            #[cfg(feature = "testing")]
            MediumPlace::Disk(disk) => {
                disk.set_mark(false);
                Ok(())
            }
        }
    }
}

impl MediumPlace {
    /// Of the store at `path`.
    pub(super) fn of(path: &Path) -> Self {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".unsynced");
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        Self::File { mark: path.with_file_name(name), folder }
    }
}

/// Reads without waiting for the disk, and says whether it could; none where the system or the file
/// system does not know that.
#[cfg(target_os = "linux")]
fn read_at_once(file: &File, offset: u64, out: &mut [u8]) -> Option<bool> {
    use rustix::io::{Errno, ReadWriteFlags, preadv2};
    let length = out.len();
    let read = preadv2(file, &mut [io::IoSliceMut::new(out)], offset, ReadWriteFlags::NOWAIT);
    match read {
        Ok(read) => Some(read == length),
        Err(Errno::AGAIN | Errno::INTR) => Some(false),
        Err(_not_supported) => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn read_at_once(_: &File, _: u64, _: &mut [u8]) -> Option<bool> {
    None
}

#[expect(clippy::disallowed_methods, reason = "ban: std::fs, a mark beside the store")]
fn make_mark(mark: &Path, folder: &Path) -> io::Result<()> {
    std::fs::File::create(mark)?.sync_all()?;
    std::fs::File::open(folder)?.sync_all()
}

impl fmt::Debug for MediumPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { mark, .. } => write!(f, "the store of {}", mark.display()),
            #[cfg(feature = "testing")]
            Self::Disk(_) => f.write_str("a simulated disk"),
        }
    }
}

#[cfg(test)]
mod tests;
