//! The lines of an export: what a record says, as JSON. `docs/export.md` describes them for people.
//!
//! - **A line says all that its record says**, so the record made of it is the same to the byte.
//! - Positions and fingerprints are texts: many readers of JSON keep only 53 bits of a number.
//!   Versions and epochs count what somebody did, and never come so far.

mod read;
mod text;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(super) use self::read::{Imported, record_of};
pub(super) use self::write::line_of;

/// The version of the lines.
pub(super) const VERSION: u32 = 1;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    /// The first.
    Export {
        version: u32,
        format: u8,
        durability: String,
        shards: u16,
        facts: BTreeMap<String, String>,
    },
    Stream {
        stream: String,
        position: String,
        version: u64,
        folding_to: u64,
        born: String,
        snapshot: Option<u64>,
        wake: String,
        at: String,
        deleted: bool,
    },
    Snapshot {
        stream: String,
        position: String,
        version: u64,
        payload: Stored,
    },
    Events {
        stream: String,
        position: String,
        events: Vec<OneEvent>,
    },
    Part {
        stream: String,
        key: Bytes,
        position: String,
        version: u64,
        payload: Stored,
    },
    Answer {
        stream: String,
        key: String,
        position: String,
        version: u64,
        fingerprint: String,
        until: String,
        payload: Stored,
    },
    Signal {
        stream: String,
        position: String,
        version: u64,
        at: String,
        class: u8,
        routing: String,
        payload: Stored,
    },
    Append {
        stream: String,
        position: String,
        version: u64,
        epoch: u64,
        at: String,
        changes: Vec<OneChange>,
    },
    Blob {
        blob: String,
        position: String,
        state: State,
        chunks: u32,
        length: String,
        at: String,
    },
    Chunk {
        blob: String,
        index: u32,
        position: String,
        payload: Stored,
    },
    Hold {
        stream: String,
        blob: String,
        position: String,
        version: u64,
    },
    /// The last.
    End {
        lines: u64,
        checksum: String,
    },
}

/// How far a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Open,
    Whole,
    Doomed,
}

/// A payload as it is stored: of another codec key than 0 it is not what the user gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    schema: u16,
    codec: u32,
    bytes: Bytes,
}

/// Bytes, readable where they are text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Bytes {
    Text(String),
    Base64(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OneEvent {
    version: u64,
    at: String,
    payload: Stored,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum OneChange {
    Event { payload: Stored },
    Put { key: Bytes, payload: Stored },
    Delete { key: Bytes },
    Signal { class: u8, routing: String, payload: Stored },
    Answer { key: String, fingerprint: String, until: String, payload: Stored },
    Wake { wake: String },
    Snapshot { of: u64, payload: Stored },
    Tombstone,
    Hold { blob: String },
    Release { blob: String },
}

#[cfg(test)]
mod tests;
