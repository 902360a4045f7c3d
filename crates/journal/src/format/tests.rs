//! What is written is read again, and what cannot have been written is damage, never a panic.
//!
//! In reading order: [`samples`], one record of each kind · [`round_trips`] · [`damage`] ·
//! [`golden`], files of this and earlier versions · [`document`], the example of `docs/format.md`.

mod damage;
mod document;
mod golden;
mod round_trips;
mod samples;

use std::borrow::Cow;

use foundation::Result;

use crate::codec::Codec;

/// Turns bytes round, so that what did not pass through it is seen.
#[derive(Debug)]
struct Mirror;

const KEY_ID: u32 = 0x0304_0506;

impl Codec for Mirror {
    fn key_id(&self) -> u32 {
        KEY_ID
    }

    fn encode<'a>(&self, _key_id: u32, payload: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        Ok(payload.iter().rev().copied().collect::<Vec<_>>().into())
    }

    fn decode(&self, key_id: u32, stored: &[u8]) -> Result<Vec<u8>> {
        assert_eq!(key_id, KEY_ID);
        Ok(stored.iter().rev().copied().collect())
    }
}
