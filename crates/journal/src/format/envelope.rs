//! The envelope of every record.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 4 | magic: `a7 4a 44 52` |
//! | 4 | 1 | format version: the first that has what is in the record |
//! | 5 | 1 | kind |
//! | 6 | 2 | shard |
//! | 8 | 8 | position in the log of the shard |
//! | 16 | 4 | bytes of the body |
//! | 20 | 4 | CRC-32C of the body |
//! | 24 | 4 | CRC-32C of the 24 bytes before |
//! | 28 | – | the body |

use super::bytes::{Damage, Put, Take, length};

/// The newest format that this release knows.
pub(crate) const FORMAT: u8 = 2;
/// The first format that has blobs.
pub(crate) const BLOBS: u8 = 2;
/// What every record begins with. No text begins so, and no other format of which we know.
pub(crate) const MAGIC: [u8; 4] = [0xa7, b'J', b'D', b'R'];
/// Bytes before the body.
pub(crate) const HEAD: usize = 28;
/// Bytes of the head that its checksum covers.
const COVERED: usize = 24;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The head of a group of appends: how many follow.
    Group = 1,
    Append = 2,
    Part = 3,
    Events = 4,
    Snapshot = 5,
    Answer = 6,
    Signal = 7,
    Stream = 8,
    /// A fact about the store itself.
    Meta = 9,
    /// What a blob is.
    Blob = 10,
    /// Bytes of a blob.
    Chunk = 11,
    /// That a stream holds a blob.
    Hold = 12,
}

impl Kind {
    const ALL: [Self; 12] = [
        Self::Group,
        Self::Append,
        Self::Part,
        Self::Events,
        Self::Snapshot,
        Self::Answer,
        Self::Signal,
        Self::Stream,
        Self::Meta,
        Self::Blob,
        Self::Chunk,
        Self::Hold,
    ];

    /// The first format that has it.
    pub(crate) const fn format(self) -> u8 {
        match self {
            Self::Blob | Self::Chunk | Self::Hold => BLOBS,
            _ => 1,
        }
    }
}

/// What the head of a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) shard: u16,
    pub(crate) position: u64,
}

/// A whole record.
pub(crate) fn seal(header: Header, body: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(HEAD + body.len());
    put_head(&mut record, header, header.kind.format(), body);
    record.extend_from_slice(body);
    record
}

/// A whole record of an append, which has what `format` has.
pub(crate) fn seal_append(header: Header, format: u8, body: &[u8]) -> Vec<u8> {
    let mut record = begin(body.len());
    record.extend_from_slice(body);
    finish(&mut record, header, format);
    record
}

fn put_head(record: &mut Vec<u8>, header: Header, format: u8, body: &[u8]) {
    let start = record.len();
    record.extend_from_slice(&MAGIC);
    record.put_u8(format);
    record.put_u8(header.kind as u8);
    record.put_u16(header.shard);
    record.put_u64(header.position);
    record.put_u32(length(body));
    record.put_u32(crc32c::crc32c(body));
    let covered = record.get(start..).map_or(0, crc32c::crc32c);
    record.put_u32(covered);
}

/// Begins a record whose body is written behind, and whose head is set by [`finish`].
pub(crate) fn begin(capacity: usize) -> Vec<u8> {
    let mut record = Vec::with_capacity(HEAD + capacity);
    record.resize(HEAD, 0);
    record
}

/// Sets the head of the record that [`begin`] began, which has what `format` has.
pub(crate) fn finish(record: &mut [u8], header: Header, format: u8) {
    let Some((head, body)) = record.split_at_mut_checked(HEAD) else { return };
    let mut written = Vec::with_capacity(HEAD);
    put_head(&mut written, header, format, body);
    head.copy_from_slice(&written);
}

/// Moves a record to another position: only its head is made anew.
pub(crate) fn place(record: &mut [u8], position: u64) {
    let Some(head) = record.first_chunk_mut::<HEAD>() else { return };
    let (covered, checksum) = head.split_at_mut(COVERED);
    if let Some(place) = covered.get_mut(8..16) {
        place.copy_from_slice(&position.to_le_bytes());
    }
    checksum.copy_from_slice(&crc32c::crc32c(covered).to_le_bytes());
}

/// The first record of `bytes`: its head, its body, and what follows.
pub(crate) fn split(bytes: &[u8]) -> Result<(Header, &[u8], &[u8]), Damage> {
    let mut take = Take::new(bytes);
    let head = take.bytes(HEAD)?;
    let mut fields = Take::new(head);
    if fields.bytes(MAGIC.len())? != MAGIC {
        return Err(Damage("a record does not begin with its magic"));
    }
    let covered = head.get(..COVERED).map_or(0, crc32c::crc32c);
    let (format, kind, shard, position) =
        (fields.u8()?, fields.u8()?, fields.u16()?, fields.u64()?);
    let (count, checksum, head_checksum) = (fields.u32()?, fields.u32()?, fields.u32()?);
    if covered != head_checksum {
        return Err(Damage("the checksum of a record's head is wrong"));
    }
    if format == 0 || format > FORMAT {
        return Err(Damage("a record is of a format that is not known"));
    }
    let Some(kind) = Kind::ALL.into_iter().find(|known| *known as u8 == kind) else {
        return Err(Damage("a record is of a kind that is not known"));
    };
    // One kind has records of several formats.
    if format < kind.format() || (format > kind.format() && kind != Kind::Append) {
        return Err(Damage("a record is of a format that its kind is not of"));
    }
    let body = take.bytes(usize::try_from(count).unwrap_or(usize::MAX))?;
    if crc32c::crc32c(body) != checksum {
        return Err(Damage("the checksum of a record is wrong"));
    }
    Ok((Header { kind, shard, position }, body, take.rest()))
}

/// The one record that `bytes` is, of that kind.
pub(crate) fn unseal(bytes: &[u8], kind: Kind) -> Result<(Header, &[u8]), Damage> {
    let (header, body, rest) = split(bytes)?;
    if header.kind != kind {
        return Err(Damage("a record is of another kind than its place"));
    }
    if !rest.is_empty() {
        return Err(Damage("a record goes on behind its end"));
    }
    Ok((header, body))
}
