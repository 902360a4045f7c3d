//! Dead letters: signals that a durable subscription has given up.

use foundation::{Error, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::codec::Codec;
use crate::codes;
use crate::log::{LogPosition, MAX_PART_BYTES};
use crate::signal::Signal;

/// A signal that a durable subscription has given up.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Where in the log it was.
    pub position: LogPosition,
    /// The signal. It is kept with the dead letter, for as long as that is there; one that is too
    /// large for that, of almost a mebibyte, only in the log, as long as it is kept there.
    pub signal: Option<Signal>,
    /// How often it was delivered.
    pub attempts: u32,
    /// Why the last attempt failed: `refused`, `too late`, `dropped` or `ended`.
    pub because: String,
    /// What the consumer refused it with, as an error is written; only the code of one that is too
    /// large.
    pub error: Option<Value>,
    /// When it was given up.
    pub at: Timestamp,
}

/// A page of dead letters, in the order of their positions.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DeadLetters {
    /// What is there.
    pub letters: Vec<DeadLetter>,
    /// Behind which the next page begins; none if this is the last.
    pub next: Option<LogPosition>,
}

/// A dead letter as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    version: u16,
    position: u64,
    attempts: u32,
    because: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signal: Option<Value>,
}

/// The version that is written. Everything up to it is read.
const VERSION: u16 = 1;

/// How large a dead letter may be, in bytes: with what else is written at a time it has to be below
/// what a log takes.
const MOST_BYTES: usize = MAX_PART_BYTES * 3 / 4;

impl DeadLetter {
    pub(super) fn write(&self) -> Result<Vec<u8>> {
        let signal = self.signal.as_ref().map(written_signal).transpose()?;
        let mut written = Written {
            version: VERSION,
            position: self.position.get(),
            attempts: self.attempts,
            because: self.because.clone(),
            error: self.error.clone(),
            at: self.at,
            signal,
        };
        let bytes = foundation::boundary::json(serde_json::to_vec(&written))?;
        if bytes.len() <= MOST_BYTES {
            return Ok(bytes);
        }
        written.signal = None;
        let bytes = foundation::boundary::json(serde_json::to_vec(&written))?;
        if bytes.len() <= MOST_BYTES {
            return Ok(bytes);
        }
        // An error may have anything in its details.
        let code = self.error.as_ref().and_then(|error| error.get("code")).cloned();
        written.error = Some(json!({ "code": code, "is_shortened": true }));
        foundation::boundary::json(serde_json::to_vec(&written))
    }

    pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Self> {
        let unreadable = || {
            Error::from(codes::SUBSCRIPTION_UNREADABLE)
                .with_message("a dead letter is not what is written")
                .with_detail("subscription", name)
        };
        let written: Written =
            serde_json::from_slice(bytes).map_err(|error| unreadable().with_source(error))?;
        if written.version > VERSION {
            return Err(unreadable().with_detail("version", written.version));
        }
        let signal = written.signal.as_ref().map(read_signal).transpose()?;
        Ok(Self {
            position: LogPosition::new(written.position),
            signal,
            attempts: written.attempts,
            because: written.because,
            error: written.error,
            at: written.at,
        })
    }
}

fn written_signal(signal: &Signal) -> Result<Value> {
    foundation::boundary::json(serde_json::from_slice(&Codec::default().encode_json(signal)?))
}

fn read_signal(written: &Value) -> Result<Signal> {
    Codec::default().decode_json(&foundation::boundary::json(serde_json::to_vec(written))?)
}

#[cfg(test)]
mod tests;
