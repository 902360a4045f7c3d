//! Errors of appends, and how they are told apart.
//!
//! **Refused** and **unknown** are told apart by [`is_refused`] and [`is_unknown`]: what was refused
//! is not there and will not be; of what is unknown only reading again tells. Every other error is
//! of something that writes nothing.

use foundation::{Code, Error};

use crate::blob::{BlobId, not_found};
use crate::codes;
use crate::stream::{Position, Shard, StreamId, Version};

/// Codes that say of an append that nothing of it was written, and nothing will be.
const REFUSED: [&str; 13] = [
    codes::BLOB_NOT_FOUND.name,
    codes::INVALID_RECORD.name,
    codes::KEY_ANSWERED.name,
    codes::KEY_REUSED.name,
    codes::LEASE_LOST.name,
    codes::NO_SUCH_SHARD.name,
    codes::STORE_CLOSED.name,
    codes::STORE_OLDER.name,
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

/// The error of a writer that is not the stream's any more.
pub(crate) fn fenced(stream: &StreamId) -> Error {
    of_stream(codes::WRITER_FENCED, stream)
}

/// The error of a stream that was deleted.
pub(crate) fn deleted(stream: &StreamId) -> Error {
    of_stream(codes::STREAM_DELETED, stream).with_message(format!("{stream} was deleted"))
}

/// The error of an append that expects another version.
pub(crate) fn conflict(stream: &StreamId, expected: Version, found: Version) -> Error {
    of_stream(codes::VERSION_CONFLICT, stream)
        .with_message(format!("{stream} is at {found}, not at {expected}"))
        .with_detail("expected", expected.get())
        .with_detail("found", found.get())
}

/// The error of an idempotency key that has its answer already.
pub(crate) fn answered(stream: &StreamId, key: &str, same_command: bool) -> Error {
    let code = if same_command { codes::KEY_ANSWERED } else { codes::KEY_REUSED };
    of_stream(code, stream).with_detail("key", key)
}

/// The error of a blob that a stream is to hold, and that is not there.
pub(crate) fn lacks_blob(stream: &StreamId, blob: BlobId) -> Error {
    not_found(blob).with_detail("stream", stream.to_string())
}

fn of_stream(code: Code, stream: &StreamId) -> Error {
    Error::from(code).with_detail("stream", stream.to_string())
}
