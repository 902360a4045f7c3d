//! What goes wrong below: the disk, the store, the bytes in it.

use std::fmt;
use std::io;
use std::path::Path;

use foundation::{Error, codes};

use crate::codes as ours;
use crate::format::Damage;

/// What went wrong, before it is told to anybody.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The store or the disk failed.
    Store(redb::Error),
    /// What was read cannot have been written.
    Corrupt(String),
    /// The store panicked: nothing of it may be used any more.
    Panic(String),
    /// Something of ours, which goes on as it is.
    Ours(Error),
}

impl Failure {
    /// The error that people get, which names the file.
    pub(crate) fn at(self, path: &Path) -> Error {
        let path = path.display().to_string();
        match self {
            Self::Ours(error) => error,
            Self::Panic(said) => Error::from(codes::STORE_CORRUPT)
                .with_message(format!("{path}: the store panicked, as it does on damage: {said}"))
                .with_detail("path", path),
            Self::Corrupt(message) | Self::Store(redb::Error::Corrupted(message)) => {
                Error::from(codes::STORE_CORRUPT)
                    .with_message(format!("{path}: {message}"))
                    .with_detail("path", path)
            }
            Self::Store(error @ redb::Error::DatabaseAlreadyOpen) => {
                Error::from(ours::STORE_LOCKED)
                    .with_message(format!("{path} is open in another process or journal"))
                    .with_detail("path", path)
                    .with_source(error)
            }
            Self::Store(redb::Error::Io(error)) => disk(error, &path),
            Self::Store(error) => Error::from(codes::STORE_ERROR)
                .with_message(format!("{path}: the store failed"))
                .with_detail("path", path)
                .with_source(error),
        }
    }
}

fn disk(error: io::Error, path: &str) -> Error {
    let kind = error.kind().to_string();
    let code = match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::AlreadyExists => codes::STORE_REFUSED,
        // What is to be read is not there: the file was cut off.
        io::ErrorKind::UnexpectedEof => codes::STORE_CORRUPT,
        _ => codes::STORE_ERROR,
    };
    Error::from(code)
        .with_message(format!("{path}: {error}"))
        .with_detail("path", path)
        .with_detail("kind", kind)
        .with_source(error)
}

/// What touches the store comes to.
pub(super) type Outcome<T> = Result<T, Failure>;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Corrupt(message) | Self::Panic(message) => f.write_str(message),
            Self::Ours(error) => error.fmt(f),
        }
    }
}

impl From<Damage> for Failure {
    fn from(damage: Damage) -> Self {
        Self::Corrupt(damage.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

macro_rules! of_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for Failure {
            fn from(error: redb::$error) -> Self {
                Self::Store(error.into())
            }
        })*
    };
}

of_redb!(StorageError, TableError, TransactionError, CommitError, DatabaseError);

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Store(redb::Error::Io(error))
    }
}
