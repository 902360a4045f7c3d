//! What a signal says.

use bytes::Bytes;
use foundation::Result;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::invalid;

/// What a signal says: nothing, JSON, a text in some other format, or bytes.
///
/// A text and the bytes of it are equal: which of them arrives depends on how a signal was sent. A
/// text or bytes of no length become nothing when a signal is made: a message without a body does
/// not say which of them it has.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Data {
    /// Nothing.
    #[default]
    None,
    /// JSON of any kind, `null` too.
    Json(Value),
    /// A text that is not JSON, such as XML.
    Text(Box<str>),
    /// Bytes.
    Binary(Bytes),
}

impl Data {
    /// Whether there is nothing.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The JSON, if it is that.
    #[must_use]
    pub const fn as_json(&self) -> Option<&Value> {
        match self {
            Self::Json(value) => Some(value),
            Self::None | Self::Text(_) | Self::Binary(_) => None,
        }
    }

    /// The bytes, if it is those.
    #[must_use]
    pub const fn as_bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Binary(bytes) => Some(bytes),
            Self::None | Self::Json(_) | Self::Text(_) => None,
        }
    }

    /// The text, if it is one, or bytes that are one in UTF-8.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(bytes) => std::str::from_utf8(bytes).ok(),
            Self::None | Self::Json(_) => None,
        }
    }

    /// Whether it is a text, or JSON, which is one: both are written as UTF-8.
    pub(crate) const fn is_utf8(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Json(_))
    }

    /// Its media type where its signal does not say another; none of nothing.
    #[must_use]
    pub const fn media_type(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Json(_) => Some("application/json"),
            Self::Text(_) => Some("text/plain"),
            Self::Binary(_) => Some("application/octet-stream"),
        }
    }

    /// The JSON, as a `T`.
    ///
    /// # Errors
    ///
    /// `invalid_signal` when it is not JSON, or not that of a `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T> {
        let Self::Json(value) = self else {
            return Err(invalid("data", "the data is not JSON"));
        };
        T::deserialize(value)
            .map_err(|error| invalid("data", "the data is not what was wanted").with_source(error))
    }
}

/// A text and the bytes of it are equal.
impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Json(one), Self::Json(two)) => one == two,
            (Self::Text(one), Self::Text(two)) => one == two,
            (Self::Binary(one), Self::Binary(two)) => one == two,
            (Self::Text(text), Self::Binary(bytes)) | (Self::Binary(bytes), Self::Text(text)) => {
                text.as_bytes() == bytes
            }
            (Self::None | Self::Json(_), _) | (_, Self::None | Self::Json(_)) => false,
        }
    }
}

impl From<Value> for Data {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

impl From<Bytes> for Data {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

/// Shows how large bytes are, not what they are.
impl std::fmt::Debug for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Json(value) => write!(f, "{value}"),
            Self::Text(text) => write!(f, "{:?}", crate::error::shortened(text)),
            Self::Binary(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}
