//! Errors of appends, and how they are told apart.
//!
//! **Refused** and **unknown** are told apart by [`is_refused`] and [`is_unknown`]: what was refused
//! is not there and will not be; of what is unknown only reading again tells. Every other error is
//! of something that writes nothing.

use foundation::Error;

use crate::codes;
use crate::stream::{Position, Shard};

/// Codes that say of an append that nothing of it was written, and nothing will be.
const REFUSED: [&str; 11] = [
    codes::INVALID_RECORD.name,
    codes::KEY_ANSWERED.name,
    codes::KEY_REUSED.name,
    codes::LEASE_LOST.name,
    codes::NO_SUCH_SHARD.name,
    codes::STORE_CLOSED.name,
    codes::STORE_READ_ONLY.name,
    codes::STREAM_DELETED.name,
    codes::TOO_LARGE.name,
    codes::VERSION_CONFLICT.name,
    codes::WRITER_FENCED.name,
];

/// Whether `error` says of an append that it is not there, and will not be. So does whatever a codec
/// refuses to encode, with an error of its own, of which this knows nothing.
#[must_use]
pub fn is_refused(error: &Error) -> bool {
    REFUSED.contains(&error.code())
}

/// Whether `error` says of an append that nobody knows: it is there wholly or not at all, and
/// reading the stream, once the journal was opened again, tells which.
#[must_use]
pub fn is_unknown(error: &Error) -> bool {
    error.code() == codes::UNKNOWN_OUTCOME.name
}

/// Behind which position to read on after a `gap` in the log of `shard`; none of another error.
#[must_use]
pub fn gap_end(error: &Error, shard: Shard) -> Option<Position> {
    if error.code() != codes::GAP.name {
        return None;
    }
    Some(Position::new(shard, error.details().get("to")?.as_u64()?))
}

/// An error of a field that cannot be.
pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Error {
    Error::from(codes::INVALID_RECORD).with_message(message).with_detail("field", field)
}

/// An error of something over its limit, in bytes unless `field` counts something.
pub(crate) fn too_large(field: &'static str, size: usize, limit: usize) -> Error {
    Error::from(codes::TOO_LARGE)
        .with_message(format!("{field} of {size} is over the limit of {limit}"))
        .with_detail("field", field)
        .with_detail("size", size)
        .with_detail("limit", limit)
}
