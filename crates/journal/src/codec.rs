//! How payloads are written: as they are, or encrypted or compressed by a codec of the user.

use std::borrow::Cow;
use std::fmt;

use foundation::{Error, Result};

use crate::error::invalid;

/// Encodes payloads before they are written, and decodes them after they were read: encryption, for
/// example. Only payloads pass through it: names of streams, keys and routing texts do not.
///
/// Each payload is written with the id of the key it was encoded with, so that keys can change:
/// a codec has to decode what any of its earlier keys encoded, and with key 0 what was written
/// before there was a codec. It is called in whoever appends and in the journal's readers, must not
/// block, and the same payload may be decoded many times. A panic in [`Self::decode`] is taken for
/// that of a damaged store, and stops the journal.
pub trait Codec: fmt::Debug + Send + Sync + 'static {
    /// Which key payloads are encoded with now. 0 means that they are written as they are.
    fn key_id(&self) -> u32;

    /// `payload` as it is to be written, with the key that [`Self::key_id`] has just named.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being encoded; the append is refused with that error.
    fn encode<'a>(&self, key_id: u32, payload: &'a [u8]) -> Result<Cow<'a, [u8]>>;

    /// The payload that [`Self::encode`] was given, with that key.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being decoded, such as a key that is not known; reading fails with it.
    fn decode(&self, key_id: u32, stored: &[u8]) -> Result<Vec<u8>>;
}

/// Payloads are written as they are. The default.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to it")]
pub struct Identity;

impl Codec for Identity {
    fn key_id(&self) -> u32 {
        0
    }

    fn encode<'a>(&self, _key_id: u32, payload: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        Ok(Cow::Borrowed(payload))
    }

    fn decode(&self, key_id: u32, stored: &[u8]) -> Result<Vec<u8>> {
        match key_id {
            0 => Ok(stored.to_vec()),
            _ => Err(unknown_key(key_id)),
        }
    }
}

fn unknown_key(key_id: u32) -> Error {
    let message = format!("a payload was encoded with key {key_id}, and the store has no codec");
    invalid("codec", message).with_detail("key_id", key_id)
}
