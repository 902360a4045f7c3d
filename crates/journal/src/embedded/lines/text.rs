//! Names, numbers, times and bytes as texts, and back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::Bytes;
use crate::append::Wake;
use crate::blob::BlobId;
use crate::format::{StoredPayload, time_from};
use crate::stream::StreamId;

/// What of a line is wrong.
pub(super) type Parsed<T> = Result<T, String>;

const NEVER: &str = "never";
const NOW: &str = "now";

impl Bytes {
    pub(super) fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            // Control characters are hard to read, and some readers of JSON change them.
            Ok(text) if !text.chars().any(char::is_control) => Self::Text(text.to_owned()),
            _ => Self::Base64(STANDARD.encode(bytes)),
        }
    }

    pub(super) fn bytes(&self) -> Parsed<Vec<u8>> {
        match self {
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::Base64(text) => {
                STANDARD.decode(text).map_err(|error| format!("that is no base64: {error}"))
            }
        }
    }
}

impl super::Stored {
    pub(super) fn of(payload: StoredPayload<'_>) -> Self {
        let StoredPayload { schema, key_id, bytes } = payload;
        Self { schema, codec: key_id, bytes: Bytes::of(bytes) }
    }
}

/// The name of a stream. A kind has no slash, so the first one ends it.
pub(super) fn name_of(stream: &[u8]) -> Option<String> {
    StreamId::from_key(stream).map(|stream| stream.to_string())
}

pub(super) fn stream(name: &str) -> Parsed<StreamId> {
    let (kind, id) = name.split_once('/').ok_or("the name of a stream is KIND/ID")?;
    StreamId::new(kind, id).map_err(|error| error.message().to_owned())
}

pub(super) fn blob(id: &str) -> Parsed<BlobId> {
    id.parse().map_err(|error: foundation::Error| error.message().to_owned())
}

pub(super) fn number(text: &str) -> Parsed<u64> {
    text.parse().map_err(|_not| format!("{text:?} is no number"))
}

pub(super) fn fingerprint_of(fingerprint: u128) -> String {
    format!("{fingerprint:032x}")
}

pub(super) fn fingerprint(text: &str) -> Parsed<u128> {
    let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = digits.then(|| u128::from_str_radix(text, 16).ok()).flatten();
    number.ok_or_else(|| format!("{text:?} is no fingerprint of 32 hexadecimal digits"))
}

pub(super) fn time(text: &str) -> Parsed<Timestamp> {
    let time: Timestamp = text.parse().map_err(|_not| format!("{text:?} is no time"))?;
    // What is finer was never stored.
    time_from(time.as_microsecond()).ok_or_else(|| format!("{text:?} is no time"))
}

pub(super) fn wake_of(wake: Wake) -> String {
    match wake {
        Wake::Never => NEVER.to_owned(),
        Wake::Now => NOW.to_owned(),
        Wake::At(at) => at.to_string(),
    }
}

pub(super) fn wake(text: &str) -> Parsed<Wake> {
    match text {
        NEVER => Ok(Wake::Never),
        NOW => Ok(Wake::Now),
        at => time(at).map(Wake::At),
    }
}
