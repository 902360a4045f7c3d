//! Reading and writing of numbers, texts and payloads.

use std::fmt;

use foundation::Result;
use jiff::Timestamp;

use crate::append::Payload;
use crate::blob::BlobId;
use crate::codec::Codec;
use crate::stream::Shard;

/// Bytes that cannot have been written, and what about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damage(pub(crate) &'static str);

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Damage {}

/// A payload as it is written: encoded under a key, with its schema version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredPayload<'a> {
    pub(crate) schema: u16,
    pub(crate) key_id: u32,
    pub(crate) bytes: &'a [u8],
}

/// Bytes of a payload beside those of the user.
pub(crate) const PAYLOAD_HEAD: usize = 10;

impl StoredPayload<'_> {
    /// What the user gave.
    pub(crate) fn decode(&self, codec: &dyn Codec) -> Result<Payload> {
        Ok(Payload::new(self.schema, codec.decode(self.key_id, self.bytes)?))
    }
}

/// Writes to the end of a vector.
pub(crate) trait Put {
    fn put_u8(&mut self, value: u8);
    fn put_u16(&mut self, value: u16);
    fn put_u32(&mut self, value: u32);
    fn put_u64(&mut self, value: u64);
    fn put_u128(&mut self, value: u128);
    fn put_time(&mut self, value: Timestamp);
    fn put_blob(&mut self, value: BlobId);
    /// Bytes behind their length in two bytes. Whoever calls has checked that it fits.
    fn put_short(&mut self, value: &[u8]);
    fn put_stored(&mut self, value: StoredPayload<'_>);
    fn put_payload(&mut self, value: &Payload, codec: &dyn Codec) -> Result<()>;
}

impl Put for Vec<u8> {
    fn put_u8(&mut self, value: u8) {
        self.push(value);
    }

    fn put_u16(&mut self, value: u16) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_u128(&mut self, value: u128) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_time(&mut self, value: Timestamp) {
        self.extend_from_slice(&value.as_microsecond().to_le_bytes());
    }

    fn put_blob(&mut self, value: BlobId) {
        self.put_u16(value.shard().get());
        self.put_u128(value.number());
    }

    fn put_short(&mut self, value: &[u8]) {
        self.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
        self.extend_from_slice(value);
    }

    fn put_stored(&mut self, value: StoredPayload<'_>) {
        self.put_u16(value.schema);
        self.put_u32(value.key_id);
        self.put_u32(length(value.bytes));
        self.extend_from_slice(value.bytes);
    }

    fn put_payload(&mut self, value: &Payload, codec: &dyn Codec) -> Result<()> {
        let key_id = codec.key_id();
        let encoded = codec.encode(key_id, value.bytes())?;
        self.put_stored(StoredPayload { schema: value.schema(), key_id, bytes: &encoded });
        Ok(())
    }
}

/// A length as it is written. Limits keep everything far below four bytes.
pub(crate) fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// The time of a number of microseconds. Other than `Timestamp::from_microsecond` it knows the last
/// second of all, so that whatever was written is read.
pub(crate) fn time_from(microseconds: i64) -> Option<Timestamp> {
    const SECOND: i64 = 1_000_000;
    let nanoseconds = i32::try_from(microseconds.rem_euclid(SECOND)).ok()? * 1_000;
    Timestamp::new(microseconds.div_euclid(SECOND), nanoseconds).ok()
}

/// Reads from the front of bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Take<'a> {
    rest: &'a [u8],
}

const SHORT: Damage = Damage("a record ends in the middle");

impl<'a> Take<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What `fields` takes of `bytes`, when that is all of them.
    pub(crate) fn all<T>(
        bytes: &'a [u8],
        fields: impl FnOnce(&mut Self) -> std::result::Result<T, Damage>,
    ) -> std::result::Result<T, Damage> {
        let mut take = Self::new(bytes);
        let taken = fields(&mut take)?;
        take.end()?;
        Ok(taken)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> std::result::Result<&'a [u8], Damage> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(SHORT)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> std::result::Result<[u8; N], Damage> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(SHORT)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> std::result::Result<u8, Damage> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> std::result::Result<u16, Damage> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> std::result::Result<u32, Damage> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> std::result::Result<u64, Damage> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn u128(&mut self) -> std::result::Result<u128, Damage> {
        self.array().map(u128::from_le_bytes)
    }

    pub(crate) fn time(&mut self) -> std::result::Result<Timestamp, Damage> {
        let microseconds = self.array().map(i64::from_le_bytes)?;
        time_from(microseconds).ok_or(Damage("a time out of range"))
    }

    pub(crate) fn blob(&mut self) -> std::result::Result<BlobId, Damage> {
        let (shard, number) = (self.u16()?, self.u128()?);
        Ok(BlobId::new(Shard::new(shard), number))
    }

    pub(crate) fn short(&mut self) -> std::result::Result<&'a [u8], Damage> {
        let count = self.u16()?;
        self.bytes(usize::from(count))
    }

    pub(crate) fn text(&mut self) -> std::result::Result<&'a str, Damage> {
        std::str::from_utf8(self.short()?).map_err(|_encoding| Damage("a text is not UTF-8"))
    }

    pub(crate) fn payload(&mut self) -> std::result::Result<StoredPayload<'a>, Damage> {
        let (schema, key_id, count) = (self.u16()?, self.u32()?, self.u32()?);
        let bytes = self.bytes(usize::try_from(count).unwrap_or(usize::MAX))?;
        Ok(StoredPayload { schema, key_id, bytes })
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Refuses what nobody has read.
    pub(crate) const fn end(&self) -> std::result::Result<(), Damage> {
        if self.is_empty() { Ok(()) } else { Err(Damage("a record goes on behind its end")) }
    }

    /// What is left.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}
