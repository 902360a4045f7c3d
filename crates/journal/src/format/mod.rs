//! What is in the file, to the byte. `docs/format.md` describes the same for people.
//!
//! - **Nothing here panics on any input**: what cannot have been written is [`Damage`].
//! - **Every record begins with a magic and carries its checksum and its place in the log**, so that
//!   it can be found and judged in the raw bytes of a damaged file.
//! - **Internal types are not written by accident**: whatever is written is written here, by hand.
//!
//! All numbers are little-endian. Payloads are written as the codec gave them, each with the id of
//! its key, so that records are folded without looking into them.

mod append;
mod blobs;
mod bytes;
mod envelope;
mod record;
mod rows;

pub(crate) use append::{
    AppendRecord, Body, StoredChange, encode_append, format_of, head_of_group, open_group,
    stored_size,
};
pub(crate) use blobs::{BlobRow, BlobState, ChunkRow, HoldRow};
pub(crate) use bytes::{Damage, StoredPayload, time_from};
pub(crate) use envelope::{
    BLOBS, FORMAT, HEAD, Header, Kind, MAGIC, place, seal, seal_append, unseal,
};
pub(crate) use record::{Found, Head, Record, encode_stored, format_of_stored};
pub(crate) use rows::{
    AnswerRow, EVENT_HEAD, EventEntry, EventsRow, Fact, PartRow, SignalRow, SnapshotRow, StreamRow,
};

#[cfg(test)]
mod tests;
