//! What is read of streams.

use std::ops::Bound;

use jiff::Timestamp;

use crate::append::{Payload, Wake};
use crate::stream::{StreamId, Version};

/// What to load of a stream. [`Load::new`] is nothing but its version and wake; [`Load::all`]
/// everything that makes its state.
///
/// ```
/// use journal::{Load, Version};
///
/// let state = Load::all();
/// let history = Load::new().events_after(Version::NONE);
/// let two = Load::new().parts(["a", "b"]);
/// # let _ = (state, history, two);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Load {
    /// Whether the snapshot is asked for.
    pub snapshot: bool,
    /// Which events.
    pub events: Events,
    /// Which parts.
    pub parts: Parts,
    /// How many bytes of payloads one page holds at most.
    pub page: usize,
}

/// Which events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {
    /// None.
    None,
    /// Those after the snapshot; all when there is none.
    AfterSnapshot,
    /// Those of versions greater than this one. Those that a snapshot has replaced are gone.
    After(Version),
}

/// Which parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parts {
    /// None.
    None,
    /// Those with these keys, in the order of the keys.
    Keys(Vec<Vec<u8>>),
    /// Those between these keys, in their order.
    Range(Bound<Vec<u8>>, Bound<Vec<u8>>),
}

/// Bytes of payloads in one page. Enough for most streams; a page is held in memory.
const PAGE: usize = 16 << 20;

impl Load {
    /// Version and wake, and nothing else.
    pub const fn new() -> Self {
        Self { snapshot: false, events: Events::None, parts: Parts::None, page: PAGE }
    }

    /// What makes the state: the snapshot, the events after it, and all parts.
    pub const fn all() -> Self {
        Self {
            snapshot: true,
            events: Events::AfterSnapshot,
            parts: Parts::Range(Bound::Unbounded, Bound::Unbounded),
            page: PAGE,
        }
    }

    /// Also the snapshot.
    pub const fn snapshot(mut self) -> Self {
        self.snapshot = true;
        self
    }

    /// Also the events of versions greater than `version`.
    pub const fn events_after(mut self, version: Version) -> Self {
        self.events = Events::After(version);
        self
    }

    /// Also the parts with these keys.
    pub fn parts<K: Into<Vec<u8>>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        let mut keys: Vec<_> = keys.into_iter().map(Into::into).collect();
        keys.sort_unstable();
        keys.dedup();
        self.parts = Parts::Keys(keys);
        self
    }

    /// Also all parts.
    pub fn all_parts(self) -> Self {
        self.parts_between(Bound::Unbounded, Bound::Unbounded)
    }

    /// Also the parts between these keys.
    pub fn parts_between(mut self, from: Bound<Vec<u8>>, to: Bound<Vec<u8>>) -> Self {
        self.parts = Parts::Range(from, to);
        self
    }

    /// How many bytes of payloads one page holds at most; 16 MiB unless set. Engines may count what
    /// is around a payload too, so that very many small ones are several pages. A page has at least
    /// one version's events, or one part.
    pub const fn page(mut self, bytes: usize) -> Self {
        self.page = bytes;
        self
    }
}

impl Default for Load {
    fn default() -> Self {
        Self::new()
    }
}

/// What was loaded of a stream: its durable state at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// The version; [`Version::NONE`] of a stream that nobody has appended to.
    pub version: Version,
    /// When it is to be woken.
    pub wake: Wake,
    /// The last snapshot, and the version it is of.
    pub snapshot: Option<(Version, Payload)>,
    /// Events, in their order.
    pub events: Vec<Event>,
    /// Parts, in the order of their keys.
    pub parts: Vec<Part>,
    /// What to load to go on, when one page was not enough.
    pub more: Option<Load>,
}

impl Loaded {
    /// For engines: of a stream at `version`, with nothing loaded yet.
    #[must_use]
    pub const fn at(version: Version, wake: Wake) -> Self {
        Self { version, wake, snapshot: None, events: Vec::new(), parts: Vec::new(), more: None }
    }
}

/// An event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// The version of the append that it came with. Events of one append have the same.
    pub version: Version,
    /// When it was appended.
    pub at: Timestamp,
    /// What happened.
    pub payload: Payload,
}

/// A part of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// Which part.
    pub key: Vec<u8>,
    /// The version that set it.
    pub version: Version,
    /// Its value.
    pub payload: Payload,
}

/// A stream as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamInfo {
    /// Its name.
    pub stream: StreamId,
    /// Its version.
    pub version: Version,
    /// When it is to be woken.
    pub wake: Wake,
    /// When it was appended to last.
    pub at: Timestamp,
}

/// A stream that is due, and since when. It is also where the next page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Due {
    /// Since when: [`Timestamp::MIN`] for [`Wake::Now`].
    pub since: Timestamp,
    /// Which stream.
    pub stream: StreamId,
}

impl Event {
    /// For engines.
    #[must_use]
    pub const fn new(version: Version, at: Timestamp, payload: Payload) -> Self {
        Self { version, at, payload }
    }
}

impl Part {
    /// For engines.
    #[must_use]
    pub const fn new(key: Vec<u8>, version: Version, payload: Payload) -> Self {
        Self { key, version, payload }
    }
}

impl StreamInfo {
    /// For engines.
    #[must_use]
    pub const fn new(stream: StreamId, version: Version, wake: Wake, at: Timestamp) -> Self {
        Self { stream, version, wake, at }
    }
}

impl Due {
    /// For engines, and for a page that begins behind something that was never listed.
    #[must_use]
    pub const fn new(since: Timestamp, stream: StreamId) -> Self {
        Self { since, stream }
    }
}
