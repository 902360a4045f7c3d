//! What the log is folded into: one row for each stream, part, run of events, snapshot, answer and
//! signal. Every row names its stream, so that it means something by itself.

use jiff::Timestamp;

use super::append::{put_wake, take_wake};
use super::bytes::{Damage, PAYLOAD_HEAD, Put, StoredPayload, Take};
use crate::append::Wake;

/// The state of a stream as far as it is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamRow<'a> {
    pub(crate) stream: &'a [u8],
    /// Everything up to this version is in the rows.
    pub(crate) version: u64,
    /// Parts may be of any version up to this one, while a large stream is folded in slices.
    pub(crate) folding_to: u64,
    /// The position of its first append: what has the same name and an earlier position is of an
    /// earlier stream, which was deleted.
    pub(crate) born: u64,
    /// The version of the snapshot, if there is one.
    pub(crate) snapshot: Option<u64>,
    pub(crate) wake: Wake,
    /// When it was changed last.
    pub(crate) at: Timestamp,
    pub(crate) deleted: bool,
}

impl<'a> StreamRow<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.stream.len() + 53);
        out.put_short(self.stream);
        out.put_u64(self.version);
        out.put_u64(self.folding_to);
        out.put_u64(self.born);
        out.put_u8(u8::from(self.snapshot.is_some()));
        out.put_u64(self.snapshot.unwrap_or(0));
        put_wake(&mut out, self.wake);
        out.put_time(self.at);
        out.put_u8(u8::from(self.deleted));
        out
    }

    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Damage> {
        Take::all(body, |take| {
            Ok(Self {
                stream: take.short()?,
                version: take.u64()?,
                folding_to: take.u64()?,
                born: take.u64()?,
                snapshot: take_snapshot(take)?,
                wake: take_wake(take)?,
                at: take.time()?,
                deleted: take_flag(take)?,
            })
        })
    }
}

fn take_snapshot(take: &mut Take<'_>) -> Result<Option<u64>, Damage> {
    match (take_flag(take)?, take.u64()?) {
        (true, version) => Ok(Some(version)),
        (false, 0) => Ok(None),
        (false, _) => Err(Damage("there is no snapshot, and it has a version")),
    }
}

fn take_flag(take: &mut Take<'_>) -> Result<bool, Damage> {
    match take.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Damage("what is true or false is neither")),
    }
}

/// The value of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PartRow<'a> {
    pub(crate) stream: &'a [u8],
    pub(crate) key: &'a [u8],
    /// The version that set it.
    pub(crate) version: u64,
    pub(crate) payload: StoredPayload<'a>,
}

impl<'a> PartRow<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let size = self.stream.len() + self.key.len() + self.payload.bytes.len() + 22;
        let mut out = Vec::with_capacity(size);
        out.put_short(self.stream);
        out.put_short(self.key);
        out.put_u64(self.version);
        out.put_stored(self.payload);
        out
    }

    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Damage> {
        Take::all(body, |take| {
            Ok(Self {
                stream: take.short()?,
                key: take.short()?,
                version: take.u64()?,
                payload: take.payload()?,
            })
        })
    }
}

/// One event of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventEntry<'a> {
    /// The version of the append that it came with.
    pub(crate) version: u64,
    pub(crate) at: Timestamp,
    pub(crate) payload: StoredPayload<'a>,
}

/// Bytes of an event in its row beside those of the user.
pub(crate) const EVENT_HEAD: usize = 8 + 8 + PAYLOAD_HEAD;

/// Events of a stream that were folded together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventsRow<'a> {
    pub(crate) stream: &'a [u8],
    pub(crate) events: Vec<EventEntry<'a>>,
}

impl<'a> EventsRow<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let bytes: usize =
            self.events.iter().map(|event| event.payload.bytes.len() + EVENT_HEAD).sum();
        let mut out = Vec::with_capacity(self.stream.len() + bytes + 6);
        out.put_short(self.stream);
        out.put_u32(u32::try_from(self.events.len()).unwrap_or(u32::MAX));
        for event in &self.events {
            out.put_u64(event.version);
            out.put_time(event.at);
            out.put_stored(event.payload);
        }
        out
    }

    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Damage> {
        let (stream, events) = Take::all(body, |take| {
            let (stream, count) = (take.short()?, take.u32()?);
            let mut events = Vec::new();
            for _ in 0..count {
                let (version, at, payload) = (take.u64()?, take.time()?, take.payload()?);
                events.push(EventEntry { version, at, payload });
            }
            Ok((stream, events))
        })?;
        if !events.is_sorted_by_key(|event| event.version) {
            return Err(Damage("events are not in their order"));
        }
        Ok(Self { stream, events })
    }
}

/// The state of a stream as it was at a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SnapshotRow<'a> {
    pub(crate) stream: &'a [u8],
    pub(crate) version: u64,
    pub(crate) payload: StoredPayload<'a>,
}

impl<'a> SnapshotRow<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.stream.len() + self.payload.bytes.len() + 20);
        out.put_short(self.stream);
        out.put_u64(self.version);
        out.put_stored(self.payload);
        out
    }

    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Damage> {
        Take::all(body, |take| {
            Ok(Self { stream: take.short()?, version: take.u64()?, payload: take.payload()? })
        })
    }
}

/// The answer to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnswerRow<'a> {
    pub(crate) stream: &'a [u8],
    pub(crate) key: &'a str,
    pub(crate) version: u64,
    pub(crate) fingerprint: u128,
    pub(crate) until: Timestamp,
    pub(crate) payload: StoredPayload<'a>,
}

impl<'a> AnswerRow<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let size = self.stream.len() + self.key.len() + self.payload.bytes.len() + 46;
        let mut out = Vec::with_capacity(size);
        out.put_short(self.stream);
        out.put_short(self.key.as_bytes());
        out.put_u64(self.version);
        out.put_u128(self.fingerprint);
        out.put_time(self.until);
        out.put_stored(self.payload);
        out
    }

    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Damage> {
        Take::all(body, |take| {
            Ok(Self {
                stream: take.short()?,
                key: take.text()?,
                version: take.u64()?,
                fingerprint: take.u128()?,
                until: take.time()?,
                payload: take.payload()?,
            })
        })
    }
}

/// A signal in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SignalRow<'a> {
    pub(crate) stream: &'a [u8],
    pub(crate) version: u64,
    pub(crate) at: Timestamp,
    pub(crate) class: u8,
    pub(crate) routing: &'a str,
    pub(crate) payload: StoredPayload<'a>,
}

impl<'a> SignalRow<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let size = self.stream.len() + self.routing.len() + self.payload.bytes.len() + 31;
        let mut out = Vec::with_capacity(size);
        out.put_short(self.stream);
        out.put_u64(self.version);
        out.put_time(self.at);
        out.put_u8(self.class);
        out.put_short(self.routing.as_bytes());
        out.put_stored(self.payload);
        out
    }

    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Damage> {
        Take::all(body, |take| {
            Ok(Self {
                stream: take.short()?,
                version: take.u64()?,
                at: take.time()?,
                class: take.u8()?,
                routing: take.text()?,
                payload: take.payload()?,
            })
        })
    }
}

/// A fact about the store: a number under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fact<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: u64,
}

impl<'a> Fact<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.name.len() + 10);
        out.put_short(self.name.as_bytes());
        out.put_u64(self.value);
        out
    }

    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Damage> {
        Take::all(body, |take| Ok(Self { name: take.text()?, value: take.u64()? }))
    }
}
