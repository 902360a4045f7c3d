//! What one append carries: it is written wholly or not at all.

use std::fmt;

use foundation::{Error, Result};
use jiff::Timestamp;

use crate::blob::BlobId;
use crate::error::{invalid, too_large};
use crate::stream::Version;

/// Bytes of a payload that are shown when it is printed for a programmer.
const SHOWN: usize = 16;

/// Bytes of a user, and which version of their schema they are in.
///
/// The journal does not look into them. What reads them later upcasts from the version that is
/// named here.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Payload {
    schema: u16,
    bytes: Vec<u8>,
}

impl Payload {
    /// Bytes in that version of their schema.
    #[must_use]
    pub fn new(schema: u16, bytes: impl Into<Vec<u8>>) -> Self {
        Self { schema, bytes: bytes.into() }
    }

    /// Which version of their schema the bytes are in.
    #[must_use]
    pub const fn schema(&self) -> u16 {
        self.schema
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, without the rest.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Shows the first bytes only: a payload may be large.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.bytes.get(..SHOWN).unwrap_or(&self.bytes);
        write!(f, "Payload {{ schema: {}, {} bytes: ", self.schema, self.bytes.len())?;
        write!(f, "{} }}", start.escape_ascii())
    }
}

/// A signal as a record of the log: opaque, but for what readers choose by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// What kind of record it is; its numbers are the writer's.
    pub class: u8,
    /// What readers choose by, such as the type of the signal. At most as long as a key.
    pub routing: String,
    /// The signal.
    pub payload: Payload,
}

/// The recorded answer to a command, under its idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The key, unique within the stream.
    pub key: String,
    /// What the command was, as a digest: a key that comes with another one is refused.
    pub fingerprint: u128,
    /// Until when it is kept at least.
    pub until: Timestamp,
    /// The answer.
    pub payload: Payload,
}

/// When a stream is to be woken next. A stream has one wake; setting it replaces the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Wake {
    /// Not until it is set again.
    Never,
    /// As soon as somebody looks.
    Now,
    /// When it is that time, in microseconds at the finest.
    At(Timestamp),
}

impl Wake {
    /// The time from which on it is due; none if never.
    #[must_use]
    pub fn due_from(self) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::Now => Some(Timestamp::MIN),
            Self::At(at) => Some(at),
        }
    }
}

/// One thing that an append does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Something happened.
    Event(Payload),
    /// A part has this value now.
    Put(Vec<u8>, Payload),
    /// A part is gone.
    Delete(Vec<u8>),
    /// A signal is in the log.
    Signal(Signal),
    /// A command has its answer.
    Answer(Answer),
    /// When the stream is to be woken.
    Wake(Wake),
    /// The state as it was at a version: events up to it are no longer needed.
    Snapshot(Version, Payload),
    /// The stream is deleted.
    Tombstone,
    /// The stream holds a blob.
    Hold(BlobId),
    /// The stream does not hold a blob any more.
    Release(BlobId),
}

/// What is appended to a stream at once. Begin with [`Append::new`], add, and give it to a
/// [`Writer`](crate::Writer).
///
/// ```
/// use journal::{Append, Payload, Wake};
///
/// let append = Append::new()
///     .event(Payload::new(1, *b"deposited 10"))
///     .put("balance", Payload::new(1, *b"10"))
///     .wake(Wake::Now);
/// assert_eq!(append.changes().len(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "it does nothing until a writer appends it"]
pub struct Append {
    changes: Vec<Change>,
    expected: Option<Version>,
}

impl Append {
    /// An append of nothing. Given as it is, it makes a new version and changes nothing else.
    pub const fn new() -> Self {
        Self { changes: Vec::new(), expected: None }
    }

    /// Something happened. Events are kept in their order until a snapshot replaces them.
    pub fn event(self, event: Payload) -> Self {
        self.with(Change::Event(event))
    }

    /// The part `key` has this value from now on.
    pub fn put(self, key: impl Into<Vec<u8>>, value: Payload) -> Self {
        self.with(Change::Put(key.into(), value))
    }

    /// The part `key` is gone from now on; nothing happens when there is none.
    pub fn delete(self, key: impl Into<Vec<u8>>) -> Self {
        self.with(Change::Delete(key.into()))
    }

    /// A signal that readers of the log see when the append is durable.
    pub fn signal(self, signal: Signal) -> Self {
        self.with(Change::Signal(signal))
    }

    /// The answer to a command, found again under its key.
    pub fn answer(self, answer: Answer) -> Self {
        self.with(Change::Answer(answer))
    }

    /// When the stream is to be woken next. Without it the wake stays as it is.
    pub fn wake(self, wake: Wake) -> Self {
        self.with(Change::Wake(wake))
    }

    /// The state of the stream as it was at version `at`, which may be that of this append: events
    /// up to there are no longer needed, and are dropped.
    pub fn snapshot(self, at: Version, state: Payload) -> Self {
        self.with(Change::Snapshot(at, state))
    }

    /// The stream holds the blob from now on, which has to be finished and in the same shard, so that
    /// it is not collected. Held twice is held once.
    pub fn hold(self, blob: BlobId) -> Self {
        self.with(Change::Hold(blob))
    }

    /// The stream does not hold the blob any more; nothing happens when it did not. A tombstone
    /// releases all.
    pub fn release(self, blob: BlobId) -> Self {
        self.with(Change::Release(blob))
    }

    /// Requires that the stream is at `version` before this append, in place of the version that
    /// the writer has.
    pub const fn expecting(mut self, version: Version) -> Self {
        self.expected = Some(version);
        self
    }

    /// The end of the stream: parts, events, snapshot, answers, wake and what it holds go. Its name
    /// is refused until the tombstone has passed its retention. It has to be the only change.
    pub fn tombstone() -> Self {
        Self::new().with(Change::Tombstone)
    }

    /// What it does, in order.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The version that [`Self::expecting`] requires.
    #[must_use]
    pub const fn expected(&self) -> Option<Version> {
        self.expected
    }

    pub(crate) fn with(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }
}

/// How large things may be, from this opening on. What was written under other limits is read all
/// the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Limits {
    /// Bytes of the key of a part, an idempotency key, a routing text. 1 KiB, and 16 KiB at most.
    pub key: usize,
    /// Bytes of one payload, 64 MiB at most. 1 MiB: a page of what is read is held in memory.
    pub payload: usize,
    /// Changes in one append. 10,000, and 524,288 at most.
    pub changes: usize,
    /// Bytes of a whole append as it is written without a codec, 64 MiB at most. 4 MiB: a group of
    /// appends is held in memory.
    pub append: usize,
    /// Bytes of one blob. 1 GiB, and 256 TiB at most; they are never in memory together.
    pub blob: u64,
}

/// Nobody may set a limit above this: lengths are written in four bytes, and a group has to fit
/// into one value of the store.
const CEILING: usize = 64 << 20;
/// The key of a part and the key of its stream together are one key of the store.
const KEY_CEILING: usize = 16 << 10;
/// Positions within a group are counted in 20 bits.
const CHANGES_CEILING: usize = 1 << 19;
/// Chunks are numbered in four bytes; a quarter of what they could hold.
const BLOB_CEILING: u64 = 1 << 48;

impl Default for Limits {
    fn default() -> Self {
        Self { key: 1 << 10, payload: 1 << 20, changes: 10_000, append: 4 << 20, blob: 1 << 30 }
    }
}

impl Limits {
    /// Refuses limits that cannot be kept.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn check(&self) -> Result<()> {
        let each = [
            ("limits.key", self.key, KEY_CEILING),
            ("limits.payload", self.payload, CEILING),
            ("limits.changes", self.changes, CHANGES_CEILING),
            ("limits.append", self.append, CEILING),
        ];
        for (field, value, ceiling) in each {
            if value == 0 || value > ceiling {
                return Err(Error::from(foundation::codes::INVALID_OPTIONS)
                    .with_message(format!("{field} is {value}, and not from 1 to {ceiling}"))
                    .with_detail("field", field));
            }
        }
        if self.blob == 0 || self.blob > BLOB_CEILING {
            let message = format!("limits.blob is {}, and not from 1 to {BLOB_CEILING}", self.blob);
            return Err(Error::from(foundation::codes::INVALID_OPTIONS)
                .with_message(message)
                .with_detail("field", "limits.blob"));
        }
        Ok(())
    }

    /// Refuses an append that is over a limit or cannot be.
    ///
    /// # Errors
    ///
    /// `too_large`, `invalid_record`.
    pub fn admit(&self, append: &Append, head: Version) -> Result<()> {
        let changes = append.changes();
        if changes.len() > self.changes {
            return Err(too_large("changes", changes.len(), self.changes));
        }
        let mut keys = Vec::new();
        for change in changes {
            match change {
                Change::Event(payload) => self.payload("event", payload)?,
                Change::Put(key, payload) => {
                    self.key("part", key)?;
                    self.payload("part", payload)?;
                }
                Change::Delete(key) => self.key("part", key)?,
                Change::Signal(signal) => {
                    if signal.routing.len() > self.key {
                        return Err(too_large("routing", signal.routing.len(), self.key));
                    }
                    self.payload("signal", &signal.payload)?;
                }
                Change::Answer(answer) => {
                    self.key("answer", answer.key.as_bytes())?;
                    self.payload("answer", &answer.payload)?;
                    keys.push(answer.key.as_str());
                }
                Change::Snapshot(at, payload) => {
                    if *at > head.next() {
                        let message = format!("a snapshot of version {at}, which is not there yet");
                        return Err(invalid("snapshot", message));
                    }
                    self.payload("snapshot", payload)?;
                }
                Change::Tombstone if changes.len() > 1 => {
                    return Err(invalid(
                        "tombstone",
                        "a tombstone is the only change of its append",
                    ));
                }
                Change::Wake(_) | Change::Tombstone | Change::Hold(_) | Change::Release(_) => {}
            }
        }
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair.first() == pair.last()) {
            Some(_) => Err(invalid("answer", "two answers to one key in one append")),
            None => Ok(()),
        }
    }

    fn key(&self, field: &'static str, key: &[u8]) -> Result<()> {
        match key.len() {
            0 => Err(invalid(field, format!("the key of a {field} is empty"))),
            size if size > self.key => Err(too_large(field, size, self.key)),
            _ => Ok(()),
        }
    }

    fn payload(&self, field: &'static str, payload: &Payload) -> Result<()> {
        let size = payload.bytes().len();
        if size > self.payload { Err(too_large(field, size, self.payload)) } else { Ok(()) }
    }
}
