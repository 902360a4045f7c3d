//! Errors of std and of libraries as errors of ours, for `?`.
//!
//! One conversion for each type, so that none is there by accident. Each gives what
//! [`Error::normalize`] gives for the same error.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::io::ErrorKind;

use super::{Category, Error, codes};

/// The types of errors that say that something given cannot be parsed or converted, which is the
/// matter of whoever gave it.
macro_rules! unparsed {
    ($($error:ty),+ $(,)?) => {
        fn is_unparsed(error: &(dyn StdError + 'static)) -> bool {
            false $(|| error.is::<$error>())+
        }

        $(
            impl From<$error> for Error {
                /// A validation error, with a code from the name of the type.
                fn from(error: $error) -> Self {
                    Self::normalize(error)
                }
            }
        )+
    };
}

unparsed! {
    jiff::Error,
    std::array::TryFromSliceError,
    std::char::CharTryFromError,
    std::char::ParseCharError,
    std::env::VarError,
    std::ffi::FromBytesWithNulError,
    std::ffi::NulError,
    std::net::AddrParseError,
    std::num::ParseFloatError,
    std::num::ParseIntError,
    std::num::TryFromIntError,
    std::path::StripPrefixError,
    std::str::ParseBoolError,
    std::str::Utf8Error,
    std::string::FromUtf16Error,
    std::string::FromUtf8Error,
    std::time::TryFromFloatSecsError,
    uuid::Error,
}

impl From<std::io::Error> for Error {
    /// `io_error`, of a category that its kind decides; the error that it carries, if that is one
    /// of ours.
    fn from(error: std::io::Error) -> Self {
        Self::normalize(error)
    }
}

impl From<serde_json::Error> for Error {
    /// `serde_json_error`, a validation error; `io_error` where reading failed, and not the JSON.
    fn from(error: serde_json::Error) -> Self {
        Self::normalize(error)
    }
}

impl From<tokio::time::error::Elapsed> for Error {
    /// `timeout`.
    fn from(error: tokio::time::error::Elapsed) -> Self {
        Self::normalize(error)
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Code and category of an error that is none of ours and that there is a conversion for; the code
/// is none where the name of its type gives it.
pub(super) fn known(error: &(dyn StdError + 'static)) -> Option<(Option<&'static str>, Category)> {
    if let Some(io) = error.downcast_ref::<std::io::Error>() {
        return Some((Some("io_error"), judge_io(io.kind())));
    }
    if let Some(json) = error.downcast_ref::<serde_json::Error>() {
        return Some(match json.io_error_kind() {
            Some(kind) => (Some("io_error"), judge_io(kind)),
            None => (None, Category::Validation),
        });
    }
    if error.is::<tokio::time::error::Elapsed>() {
        return Some((Some(codes::TIMEOUT.name), codes::TIMEOUT.category));
    }
    is_unparsed(error).then_some((None, Category::Validation))
}

const fn judge_io(kind: ErrorKind) -> Category {
    match kind {
        ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::NotConnected
        | ErrorKind::BrokenPipe
        | ErrorKind::TimedOut
        | ErrorKind::WouldBlock
        | ErrorKind::Interrupted
        | ErrorKind::ResourceBusy
        | ErrorKind::UnexpectedEof => Category::Infrastructure,
        ErrorKind::NotFound
        | ErrorKind::AlreadyExists
        | ErrorKind::InvalidInput
        | ErrorKind::InvalidData
        | ErrorKind::InvalidFilename
        | ErrorKind::PermissionDenied => Category::Validation,
        _ => Category::System,
    }
}
