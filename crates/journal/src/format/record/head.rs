//! A record in raw bytes: its head, and what the bytes behind it are.

use super::Record;
use crate::format::bytes::Take;
use crate::format::envelope::{FORMAT, HEAD, Header, MAGIC, split};

/// The head of a record that was found by its magic, and whose checksum is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// A number that need not be one of [`Kind`].
    pub(crate) kind: u8,
    pub(crate) shard: u16,
    pub(crate) position: u64,
    /// Bytes of the body.
    pub(crate) body: u32,
    /// Which record it is, but for accidents: both checksums.
    pub(crate) checksums: (u32, u32),
    format: u8,
    body_checksum: u32,
}

/// What the bytes behind a right head are.
#[derive(Debug, Clone)]
pub(crate) enum Found<'a> {
    Record(Header, Record<'a>),
    /// As it was written, and of a format or a kind that is not known, or nothing that a release
    /// could have written.
    Unknown,
    Damaged,
}

impl Head {
    /// Reads the first bytes of what may be a record.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..HEAD)?;
        let mut take = Take::new(head);
        if take.bytes(MAGIC.len()).ok()? != MAGIC {
            return None;
        }
        let (format, kind, shard) = (take.u8().ok()?, take.u8().ok()?, take.u16().ok()?);
        let (position, body) = (take.u64().ok()?, take.u32().ok()?);
        let (body_checksum, head_checksum) = (take.u32().ok()?, take.u32().ok()?);
        let covered = head.get(..HEAD - 4).map(crc32c::crc32c)?;
        (covered == head_checksum).then_some(Self {
            kind,
            shard,
            position,
            body,
            checksums: (body_checksum, head_checksum),
            format,
            body_checksum,
        })
    }

    /// Bytes of the whole record.
    pub(crate) fn len(&self) -> u64 {
        u64::from(self.body) + u64::try_from(HEAD).unwrap_or(0)
    }

    /// Judges the whole record that it is the head of.
    pub(crate) fn judge<'a>(&self, record: &'a [u8]) -> Found<'a> {
        let body = record.get(HEAD..).unwrap_or_default();
        if crc32c::crc32c(body) != self.body_checksum {
            return Found::Damaged;
        }
        if self.format > FORMAT {
            return Found::Unknown;
        }
        let read = split(record).and_then(|(header, body, _)| {
            Ok(Found::Record(header, Record::decode(header.kind, body)?))
        });
        read.unwrap_or(Found::Unknown)
    }
}
