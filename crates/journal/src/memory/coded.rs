//! Payloads as the codec gave them, each with the id of the key it was encoded with.
//!
//! They are kept like that, and decoded for each reader: a codec that has lost a key fails here as
//! it would on a disk. Times are cut to what a disk keeps of them, for the same reason.

use foundation::Result;
use jiff::Timestamp;

use crate::append::{Answer, Change, Payload, Wake};
use crate::codec::Codec;
use crate::entry::SignalEntry;
use crate::format::time_from;
use crate::load::{Event, Part};

/// Something whose payload, if it has one, is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coded<T> {
    pub(super) key_id: u32,
    pub(super) value: T,
}

/// Something with at most one payload.
pub(super) trait Carries {
    fn payload(&mut self) -> Option<&mut Payload>;
}

/// `change` as it is kept.
///
/// # Errors
///
/// Whatever the codec refuses.
pub(super) fn encode(change: &Change, codec: &dyn Codec) -> Result<Coded<Change>> {
    let (mut value, mut key_id) = (change.clone(), 0);
    match &mut value {
        Change::Wake(Wake::At(at)) => *at = in_microseconds(*at),
        Change::Answer(answer) => answer.until = in_microseconds(answer.until),
        _ => {}
    }
    if let Some(payload) = value.payload() {
        key_id = codec.key_id();
        *payload = Payload::new(payload.schema(), codec.encode(key_id, payload.bytes())?);
    }
    Ok(Coded { key_id, value })
}

/// `time`, without what is finer than a microsecond.
pub(super) fn in_microseconds(time: Timestamp) -> Timestamp {
    // It is in the range of timestamps, since it was one.
    time_from(time.as_microsecond()).unwrap_or(time)
}

// === impl Coded ===

impl<T> Coded<T> {
    /// Something else, with the payload of this.
    pub(super) fn with<U>(&self, value: U) -> Coded<U> {
        Coded { key_id: self.key_id, value }
    }
}

impl<T: Carries> Coded<T> {
    /// What the user gave.
    ///
    /// # Errors
    ///
    /// Whatever the codec refuses.
    pub(super) fn decode(mut self, codec: &dyn Codec) -> Result<T> {
        if let Some(payload) = self.value.payload() {
            *payload = Payload::new(payload.schema(), codec.decode(self.key_id, payload.bytes())?);
        }
        Ok(self.value)
    }
}

impl Carries for Payload {
    fn payload(&mut self) -> Option<&mut Payload> {
        Some(self)
    }
}

impl Carries for Event {
    fn payload(&mut self) -> Option<&mut Payload> {
        Some(&mut self.payload)
    }
}

impl Carries for Part {
    fn payload(&mut self) -> Option<&mut Payload> {
        Some(&mut self.payload)
    }
}

impl Carries for Answer {
    fn payload(&mut self) -> Option<&mut Payload> {
        Some(&mut self.payload)
    }
}

impl Carries for SignalEntry {
    fn payload(&mut self) -> Option<&mut Payload> {
        Some(&mut self.signal.payload)
    }
}

impl Carries for Change {
    fn payload(&mut self) -> Option<&mut Payload> {
        match self {
            Self::Event(payload) | Self::Put(_, payload) | Self::Snapshot(_, payload) => {
                Some(payload)
            }
            Self::Signal(signal) => Some(&mut signal.payload),
            Self::Answer(answer) => Some(&mut answer.payload),
            Self::Delete(_)
            | Self::Wake(_)
            | Self::Tombstone
            | Self::Hold(_)
            | Self::Release(_) => None,
        }
    }
}
