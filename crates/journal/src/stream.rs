//! Names and numbers: which stream, which shard, which version, which place in the log.

use std::fmt;
use std::sync::Arc;

use foundation::{Error, Result};

use crate::codes;
use crate::error::{invalid, too_large};

/// The longest kind, in bytes: it is a word of a program, and part of every key.
pub const MAX_KIND: usize = 64;
/// The longest id, in bytes. Longer ones would make every row of the stream longer.
pub const MAX_ID: usize = 512;

/// The name of a stream: what kind of thing it is, and which one.
///
/// A kind is 1 to 64 bytes of `a-z`, `0-9`, `.`, `_` and `-`; an id is 1 to 512 bytes of text
/// without control characters. Streams sort by kind, then by the bytes of the id.
///
/// ```
/// use journal::StreamId;
///
/// let alice = StreamId::new("account", "alice")?;
/// assert_eq!((alice.kind(), alice.id()), ("account", "alice"));
/// assert_eq!(alice.to_string(), "account/alice");
/// # Ok::<_, foundation::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// Kind, a zero byte, id: the key of the stream in every table.
    key: Arc<str>,
}

/// What separates kind and id in a key; neither can contain it.
const SEPARATOR: char = '\0';

impl StreamId {
    /// The stream of that kind and id.
    ///
    /// # Errors
    ///
    /// `invalid_record`, `too_large`.
    pub fn new(kind: &str, id: &str) -> Result<Self> {
        check_kind(kind)?;
        if id.is_empty() {
            return Err(invalid("id", "the id of a stream is empty"));
        }
        if id.len() > MAX_ID {
            return Err(too_large("id", id.len(), MAX_ID));
        }
        if id.chars().any(char::is_control) {
            return Err(invalid("id", format!("the id {id:?} has a control character")));
        }
        Ok(Self { key: format!("{kind}{SEPARATOR}{id}").into() })
    }

    /// What it was in [`Self::key`]; none if that was no key.
    pub(crate) fn from_key(key: &[u8]) -> Option<Self> {
        let (kind, id) = std::str::from_utf8(key).ok()?.split_once(SEPARATOR)?;
        Self::new(kind, id).ok()
    }

    /// What sorts before every stream of that kind, and behind every one of an earlier kind. It is
    /// no name of a stream.
    pub(crate) fn start_of(kind: &str) -> Self {
        Self { key: format!("{kind}{SEPARATOR}").into() }
    }

    /// What kind of thing it is.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.key.split_once(SEPARATOR).map_or("", |(kind, _)| kind)
    }

    /// Which one of its kind.
    #[must_use]
    pub fn id(&self) -> &str {
        self.key.split_once(SEPARATOR).map_or("", |(_, id)| id)
    }

    /// Its key in every table.
    pub(crate) fn key(&self) -> &[u8] {
        self.key.as_bytes()
    }

    /// The shard that it belongs to for ever, in a store of `shards`. FNV-1a of kind, a zero byte
    /// and id, so that every implementation agrees.
    /// Source: Fowler, Noll, Vo, "The FNV Non-Cryptographic Hash Algorithm", RFC 9923.
    #[must_use]
    pub fn shard(&self, shards: std::num::NonZeroU16) -> Shard {
        let hash = self.key().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let shard = hash % u64::from(shards.get());
        Shard::new(u16::try_from(shard).unwrap_or(0))
    }
}

/// Refuses what is no kind of stream.
///
/// # Errors
///
/// `invalid_record`, `too_large`.
pub(crate) fn check_kind(kind: &str) -> Result<()> {
    if kind.is_empty() {
        return Err(invalid("kind", "the kind of a stream is empty"));
    }
    if kind.len() > MAX_KIND {
        return Err(too_large("kind", kind.len(), MAX_KIND));
    }
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    if !kind.bytes().all(allowed) {
        let message = format!("the kind {kind:?} has something else than a-z, 0-9, `.`, `_`, `-`");
        return Err(invalid("kind", message));
    }
    Ok(())
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind(), self.id())
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name($inner);

        impl $name {
            /// The one with that number.
            #[must_use]
            pub const fn new(number: $inner) -> Self {
                Self(number)
            }

            /// Its number.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A part of a store that has one owner at a time. Shards are numbered from 0.
    Shard(u16)
}

number! {
    /// The number of an ownership of a shard: a later owner has a greater one.
    Epoch(u64)
}

number! {
    /// How many appends a stream has; 0 before the first. The n-th append makes version n.
    Version(u64)
}

impl Version {
    /// Of a stream without any append.
    pub const NONE: Self = Self(0);

    /// The version that the next append makes.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A place in the log of a shard. Later records have greater ones; nothing else can be told from
/// the number, which is opaque, and positions of different shards do not compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    shard: Shard,
    number: u64,
}

impl Position {
    /// Before the first record of a shard.
    #[must_use]
    pub const fn start(shard: Shard) -> Self {
        Self { shard, number: 0 }
    }

    /// The position with that number, as it was given by [`Self::number`].
    #[must_use]
    pub const fn new(shard: Shard, number: u64) -> Self {
        Self { shard, number }
    }

    /// Whose log it is in.
    #[must_use]
    pub const fn shard(self) -> Shard {
        self.shard
    }

    /// What to write down, to make the same position again.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.number
    }

    /// Whether it comes after `other`; positions of different shards do not.
    #[must_use]
    pub fn is_after(self, other: Self) -> bool {
        self.shard == other.shard && self.number > other.number
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.shard, self.number)
    }
}

/// The error of a shard that a store does not have, or that a stream is not in.
pub(crate) fn no_such_shard(shard: Shard, message: impl Into<String>) -> Error {
    Error::from(codes::NO_SUCH_SHARD).with_message(message).with_detail("shard", shard.get())
}

#[cfg(test)]
mod tests;
