//! The path of a store: what is found there, and how a new one comes there.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::failure::{Failure, Outcome};
use crate::codes;

/// What every file of redb begins with.
/// Source: redb's design document, "Super-header".
const REDB: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";

/// What is at a path.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    Store(File),
}

/// Whether there is anything at `path`.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, the journal's backend")]
pub(super) fn is_taken(path: &Path) -> Outcome<bool> {
    // A link that leads nowhere would be replaced, so it counts.
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Bytes of the file at `path`.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, the journal's backend")]
pub(super) fn length(path: &Path) -> Outcome<u64> {
    Ok(std::fs::metadata(path)?.len())
}

/// Takes away a file that was made here and is not to stay.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, the journal's backend")]
pub(super) fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Looks what is at `path`, without changing it.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, the journal's backend")]
pub(super) fn look(path: &Path) -> Outcome<Found> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error.into()),
    };
    let mut start = Vec::with_capacity(REDB.len());
    (&mut file).take(REDB.len().try_into().unwrap_or(0)).read_to_end(&mut start)?;
    if start == REDB {
        return Ok(Found::Store(file));
    }
    // A file that was cut off is no new store, and neither is one that was overwritten with zeros.
    if REDB.starts_with(&start) || start.iter().all(|byte| *byte == 0) {
        return Err(Failure::Corrupt("the file was cut off at its beginning".to_owned()));
    }
    let path = path.display().to_string();
    Err(Failure::Ours(
        foundation::Error::from(codes::STORE_FOREIGN)
            .with_message(format!("{path} is no journal: it does not begin as one"))
            .with_detail("path", path),
    ))
}

/// A new file beside `path`, which [`put_in_place`] makes the one at `path` when it is whole: so
/// that no store is ever found half made. None when somebody else has made one meanwhile.
///
/// Whoever makes a store holds the lock of that file until it is in its place, so of two who make
/// the same one the second finds that of the first, or learns that it is being made. What a crash
/// has left there is made anew.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, the journal's backend")]
pub(super) fn beside(path: &Path) -> Outcome<Option<(File, PathBuf)>> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the path names no file").into());
    };
    let mut name = name.to_owned();
    name.push(".new");
    let beside = path.with_file_name(name);
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).open(&beside)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(redb::DatabaseError::DatabaseAlreadyOpen.into());
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    // Before it was locked, somebody else may have put it in its place.
    if path.try_exists()? {
        return Ok(None);
    }
    file.set_len(0)?;
    Ok(Some((file, beside)))
}

/// The error of a place where there is something already.
pub(super) fn exists(to: &Path) -> Failure {
    let path = to.display().to_string();
    Failure::Ours(
        foundation::Error::from(codes::STORE_EXISTS)
            .with_message(format!("there is something at {path} already"))
            .with_detail("path", path),
    )
}

/// Renames a new file to its path, durably.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, the journal's backend")]
pub(super) fn put_in_place(beside: &Path, path: &Path) -> Outcome<()> {
    std::fs::rename(beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

/// Opens a file that is not changed.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, the journal's backend")]
pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
    File::open(path)
}
