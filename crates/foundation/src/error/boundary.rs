//! Where failures of the world outside become errors of ours: the network, a store, JSON, another
//! process.
//!
//! A boundary takes the result of a call that leaves this program, and translates the failures of
//! its own kind into an [`Error`], with the original as its cause. **Any other failure is a bug**,
//! of whoever called or of the library, and panics: it ends the actor it happens in, whose
//! supervisor starts it again from a state that is known to be good. There is no boundary for
//! everything, and none can be made: the four [kinds](Kind) are all there are.
//!
//! | boundary | translates | into | panics over, for example |
//! |---|---|---|---|
//! | [`network`] | connections that are refused, reset or lost, names that are not found, time-outs, addresses that cannot be had, peers that talk nonsense | `network_error` | an address that cannot be parsed |
//! | [`store`] | disks and files that are full, busy, read-only or failing | `store_error` | a path with a zero byte |
//! | | paths that do not exist, exist already or are not allowed | `store_refused` | |
//! | | content that ends too early or is no content | `store_corrupt` | |
//! | [`json`] | text that is no JSON, or not the one wanted | `invalid_json` | a reader that failed: that is another boundary's |
//! | [`process`] | processes that cannot be started now, pipes that break | `process_error` | an argument with a zero byte |
//! | | programs that do not exist or are not allowed | `program_not_found` | |
//!
//! Where a process is started, all that the operating system reports is a failure of that.
//! An error that has an [`Error`] of ours among its causes was translated before, and passes as
//! that. What the operating system reports and std gives no kind of its own (a failing disk, a
//! name that was not resolved, too many open files) counts as a failure of whichever kind it meets.
//! What a library has made with `io::Error::other` says nothing about itself, and counts as a bug.
//!
//! ```
//! use foundation::{Result, boundary};
//!
//! fn port(config: &[u8]) -> Result<u16> {
//!     boundary::json(serde_json::from_slice(config))
//! }
//! assert_eq!(port(b"80").unwrap(), 80);
//! let error = port(b"\n 70000").unwrap_err();
//! assert_eq!(error.code(), "invalid_json");
//! assert_eq!((&error.details()["line"], &error.details()["column"]), (&2.into(), &6.into()));
//! ```
//!
//! A failure of another type does not compile:
//!
//! ```compile_fail,E0277
//! # use foundation::{Result, boundary};
//! fn first(text: &str) -> Result<u16> {
//!     boundary::network(text.parse())
//! }
//! ```

use std::fmt;
use std::io::{self, ErrorKind};

use super::normalize::{Before, before};
use super::{Code, Error, Result, codes};

/// A kind of failure, which has a boundary. Sealed: a fifth would need a reason that holds for
/// everybody.
pub trait Kind: sealed::Sealed {
    /// What it is a failure of, in messages.
    const NAME: &'static str;
}

/// The network: whoever is at the other end, and all between.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a name at compile time, without values")]
pub enum Network {}

/// A store: files, databases, disks.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a name at compile time, without values")]
pub enum Store {}

/// JSON that somebody else wrote.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a name at compile time, without values")]
pub enum Json {}

/// Another process of this machine.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a name at compile time, without values")]
pub enum Process {}

/// An error that may be a failure of kind `K`. Whoever defines a type of error implements it for
/// that:
///
/// ```
/// use foundation::{Error, boundary};
/// use std::fmt;
///
/// #[derive(Debug)]
/// enum DriverError { Gone, NoSuchTable }
///
/// impl fmt::Display for DriverError {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         write!(f, "{self:?}")
///     }
/// }
/// impl std::error::Error for DriverError {}
///
/// impl boundary::Failure<boundary::Store> for DriverError {
///     fn translate(&self) -> Option<Error> {
///         match self {
///             Self::Gone => Some(Error::infrastructure("store_error")),
///             Self::NoSuchTable => None, // a bug in our queries
///         }
///     }
/// }
/// let error = boundary::store(Err::<(), _>(DriverError::Gone)).unwrap_err();
/// assert!(error.is_retryable());
/// ```
///
/// For the errors of a library there are [`network_by`], [`store_by`] and [`process_by`].
pub trait Failure<K: Kind>: std::error::Error + Send + Sync + Sized + 'static {
    /// What it is as an error of ours, without a cause; none when it is no failure of this kind.
    fn translate(&self) -> Option<Error>;
}

/// Lets the result of a call over the network pass.
///
/// # Errors
///
/// `network_error`, an infrastructure error.
///
/// # Panics
///
/// When the failure is none of the network's.
#[track_caller]
pub fn network<T, E: Failure<Network>>(result: std::result::Result<T, E>) -> Result<T> {
    cross(result, E::translate, Network::NAME)
}

/// Lets the result of a call to a store pass.
///
/// # Errors
///
/// `store_error`, an infrastructure error; `store_refused`, a validation error; `store_corrupt`, a
/// system error; and whatever the errors of a library are translated into.
///
/// # Panics
///
/// When the failure is none of a store's.
#[track_caller]
pub fn store<T, E: Failure<Store>>(result: std::result::Result<T, E>) -> Result<T> {
    cross(result, E::translate, Store::NAME)
}

/// Lets the result of reading JSON pass.
///
/// # Errors
///
/// `invalid_json`, a validation error, with `line` and `column` in its details, from 1, where they
/// are known.
///
/// # Panics
///
/// When the failure is none of the JSON's.
#[track_caller]
pub fn json<T, E: Failure<Json>>(result: std::result::Result<T, E>) -> Result<T> {
    cross(result, E::translate, Json::NAME)
}

/// Lets the result of a call to another process pass.
///
/// # Errors
///
/// `process_error`, an infrastructure error; `program_not_found`, a validation error.
///
/// # Panics
///
/// When the failure is none of a process'.
#[track_caller]
pub fn process<T, E: Failure<Process>>(result: std::result::Result<T, E>) -> Result<T> {
    cross(result, E::translate, Process::NAME)
}

/// As [`network`], for an error of a library, of which `translate` says what it is: none when it is
/// no failure of the network.
///
/// # Errors
///
/// What `translate` gives, with the original as its cause.
///
/// # Panics
///
/// When the failure is none of the network's.
#[track_caller]
pub fn network_by<T, E: std::error::Error + Send + Sync + 'static>(
    result: std::result::Result<T, E>,
    translate: impl FnOnce(&E) -> Option<Error>,
) -> Result<T> {
    cross(result, translate, Network::NAME)
}

/// As [`store`], for an error of a library, of which `translate` says what it is: none when it is
/// no failure of a store.
///
/// ```
/// use foundation::{Error, boundary, codes};
///
/// // In place of the error of a database, which is of another crate too.
/// let busy = Err::<u32, _>(std::sync::mpsc::TryRecvError::Empty);
/// let result = boundary::store_by(busy, |error| match error {
///     std::sync::mpsc::TryRecvError::Empty => Some(Error::from(codes::STORE_ERROR)),
///     std::sync::mpsc::TryRecvError::Disconnected => None, // a bug of ours
/// });
/// assert_eq!(result.unwrap_err().code(), "store_error");
/// ```
///
/// # Errors
///
/// What `translate` gives, with the original as its cause.
///
/// # Panics
///
/// When the failure is none of a store's.
#[track_caller]
pub fn store_by<T, E: std::error::Error + Send + Sync + 'static>(
    result: std::result::Result<T, E>,
    translate: impl FnOnce(&E) -> Option<Error>,
) -> Result<T> {
    cross(result, translate, Store::NAME)
}

/// As [`process`], for an error of a library, of which `translate` says what it is: none when it is
/// no failure of a process.
///
/// # Errors
///
/// What `translate` gives, with the original as its cause.
///
/// # Panics
///
/// When the failure is none of a process'.
#[track_caller]
pub fn process_by<T, E: std::error::Error + Send + Sync + 'static>(
    result: std::result::Result<T, E>,
    translate: impl FnOnce(&E) -> Option<Error>,
) -> Result<T> {
    cross(result, translate, Process::NAME)
}

#[track_caller]
fn cross<T, E: std::error::Error + Send + Sync + 'static>(
    result: std::result::Result<T, E>,
    translate: impl FnOnce(&E) -> Option<Error>,
    kind: &str,
) -> Result<T> {
    let error = match result {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    match before(error) {
        Before::Translated(ours) => Err(ours),
        Before::Elsewhere(error) => foreign(&error, kind),
        Before::Not(error) => match translate(&error) {
            Some(translated) => Err(translated.with_source(error)),
            None => foreign(&error, kind),
        },
    }
}

/// Ends the actor that this happens in.
#[track_caller]
fn foreign(error: &dyn fmt::Debug, kind: &str) -> ! {
    panic!("this is no failure of {kind}, so it is a bug: {error:?}");
}

impl Failure<Network> for io::Error {
    fn translate(&self) -> Option<Error> {
        match self.kind() {
            ErrorKind::AddrInUse
            | ErrorKind::AddrNotAvailable
            | ErrorKind::BrokenPipe
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::HostUnreachable
            | ErrorKind::Interrupted
            | ErrorKind::InvalidData
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NotConnected
            // A socket in the file system whose server is not there, or not ours.
            | ErrorKind::NotFound
            | ErrorKind::OutOfMemory
            | ErrorKind::PermissionDenied
            | ErrorKind::TimedOut
            | ErrorKind::UnexpectedEof
            | ErrorKind::WouldBlock
            | ErrorKind::WriteZero => Some(of_io(codes::NETWORK_ERROR, self)),
            kind => is_unnamed(kind).then(|| of_io(codes::NETWORK_ERROR, self)),
        }
    }
}

impl Failure<Store> for io::Error {
    fn translate(&self) -> Option<Error> {
        match self.kind() {
            ErrorKind::BrokenPipe
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::Deadlock
            | ErrorKind::ExecutableFileBusy
            | ErrorKind::FileTooLarge
            | ErrorKind::HostUnreachable
            | ErrorKind::Interrupted
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NotConnected
            | ErrorKind::OutOfMemory
            | ErrorKind::QuotaExceeded
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::ResourceBusy
            | ErrorKind::StaleNetworkFileHandle
            | ErrorKind::StorageFull
            | ErrorKind::TimedOut
            | ErrorKind::WouldBlock
            | ErrorKind::WriteZero => Some(of_io(codes::STORE_ERROR, self)),
            ErrorKind::AlreadyExists
            | ErrorKind::CrossesDevices
            | ErrorKind::DirectoryNotEmpty
            | ErrorKind::InvalidFilename
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::TooManyLinks
            | ErrorKind::Unsupported => Some(of_io(codes::STORE_REFUSED, self)),
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                Some(of_io(codes::STORE_CORRUPT, self))
            }
            kind => is_unnamed(kind).then(|| of_io(codes::STORE_ERROR, self)),
        }
    }
}

impl Failure<Process> for io::Error {
    fn translate(&self) -> Option<Error> {
        match self.kind() {
            ErrorKind::BrokenPipe
            | ErrorKind::ExecutableFileBusy
            | ErrorKind::Interrupted
            | ErrorKind::InvalidData
            | ErrorKind::OutOfMemory
            | ErrorKind::ResourceBusy
            | ErrorKind::TimedOut
            | ErrorKind::UnexpectedEof
            | ErrorKind::WouldBlock
            | ErrorKind::WriteZero => Some(of_io(codes::PROCESS_ERROR, self)),
            ErrorKind::InvalidFilename
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::NotFound
            | ErrorKind::PermissionDenied => Some(of_io(codes::PROGRAM_NOT_FOUND, self)),
            // Whatever the operating system says when it is asked for a process. What it was not
            // asked for, such as an argument with a zero byte, has no number of its own.
            kind => (is_unnamed(kind) || self.raw_os_error().is_some())
                .then(|| of_io(codes::PROCESS_ERROR, self)),
        }
    }
}

impl Failure<Json> for serde_json::Error {
    fn translate(&self) -> Option<Error> {
        if self.is_io() {
            return None;
        }
        let error = Error::from(codes::INVALID_JSON);
        // A value that was no text has no places.
        if self.line() == 0 {
            return Some(error);
        }
        Some(error.with_detail("line", self.line()).with_detail("column", self.column()))
    }
}

impl Failure<Json> for std::str::Utf8Error {
    fn translate(&self) -> Option<Error> {
        Some(codes::INVALID_JSON.into())
    }
}

impl Failure<Json> for std::string::FromUtf8Error {
    fn translate(&self) -> Option<Error> {
        Some(codes::INVALID_JSON.into())
    }
}

fn of_io(code: Code, error: &io::Error) -> Error {
    Error::from(code).with_detail("kind", format!("{:?}", error.kind()))
}

/// Whether the operating system reported something that std has no kind for, or none that can be
/// named yet, other than by its text.
fn is_unnamed(kind: ErrorKind) -> bool {
    matches!(&*format!("{kind:?}"), "Uncategorized" | "FilesystemLoop" | "InProgress")
}

impl Kind for Network {
    const NAME: &'static str = "the network";
}

impl Kind for Store {
    const NAME: &'static str = "a store";
}

impl Kind for Json {
    const NAME: &'static str = "JSON";
}

impl Kind for Process {
    const NAME: &'static str = "a process";
}

mod sealed {
    //! Kinds that are here, and no others.

    pub trait Sealed {}
    impl Sealed for super::Network {}
    impl Sealed for super::Store {}
    impl Sealed for super::Json {}
    impl Sealed for super::Process {}
}
