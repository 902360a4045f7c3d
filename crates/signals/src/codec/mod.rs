//! Signals as bytes: the JSON format of `CloudEvents` 1.0, alone and in batches, and the three
//! modes of its HTTP binding.
//!
//! - **What is written is read again as an equal signal**, in every form, and whatever is over a
//!   limit is refused when it is written, not when somebody wants it back.
//! - **What others would read differently is refused**, such as an attribute that is there twice.
//! - **The form carries its version**, `specversion`, so it may be stored as it is.

mod event;
mod fault;
mod http;
mod limits;
mod time;
mod value;
mod write;

use ::http::HeaderMap;
use bytes::Bytes;
use foundation::Result;

pub use http::Received;
pub use limits::Limits;

#[cfg(feature = "http")]
pub(crate) use http::percent_decoded;
pub(crate) use value::read_value;

use crate::signal::Signal;

/// Writes and reads signals, within [limits](Limits).
///
/// ```
/// use bytes::Bytes;
/// use signals::codec::{Codec, Received};
///
/// let codec = Codec::default();
/// let text = r#"{"specversion":"1.0","id":"1","source":"/shop","type":"order.paid","data":[7]}"#;
/// let signal = codec.decode_json(text.as_bytes())?;
/// assert_eq!(signal.topic().as_str(), "order.paid");
/// assert_eq!(codec.encode_json(&signal)?, text);
///
/// let (headers, body) = codec.encode_binary(&signal)?;
/// assert_eq!(headers["ce-type"], "order.paid");
/// assert_eq!(headers["content-type"], "application/json");
/// assert_eq!(body, "[7]");
/// let Received::Binary(received) = codec.decode(&headers, body)? else { unreachable!() };
/// assert_eq!(received, signal);
/// # Ok::<_, foundation::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use]
pub struct Codec {
    limits: Limits,
}

impl Codec {
    /// One with these limits.
    pub const fn new(limits: Limits) -> Self {
        Self { limits }
    }

    /// The limits.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// A signal as an object of JSON, without blanks: what is sent, and what is stored in logs.
    ///
    /// # Errors
    ///
    /// `signal_too_large`, `signal_too_deep`: it would not be read again.
    pub fn encode_json(&self, signal: &Signal) -> Result<Bytes> {
        write::event(signal, self.limits)
    }

    /// The signal that an object of JSON is.
    ///
    /// # Errors
    ///
    /// `invalid_signal` with the `attribute` that is missing, there twice, or cannot be;
    /// `unreadable_signal` when it is not the JSON of a signal; `signal_too_large`;
    /// `signal_too_deep`.
    pub fn decode_json(&self, json: &[u8]) -> Result<Signal> {
        event::read(json, self.limits)
    }

    /// Signals as an array of JSON, the batch format.
    ///
    /// # Errors
    ///
    /// `signal_too_large`, `signal_too_deep`.
    pub fn encode_json_batch(&self, signals: &[Signal]) -> Result<Bytes> {
        write::batch(signals, self.limits)
    }

    /// The signals that an array of JSON has: all of them, or none.
    ///
    /// # Errors
    ///
    /// As [`Self::decode_json`], with the `index` of the signal, from 0, that cannot be.
    pub fn decode_json_batch(&self, json: &[u8]) -> Result<Vec<Signal>> {
        event::read_batch(json, self.limits)
    }

    /// A signal as an HTTP message in structured mode: all of it as JSON in the body.
    ///
    /// # Errors
    ///
    /// As [`Self::encode_json`].
    pub fn encode_structured(&self, signal: &Signal) -> Result<(HeaderMap, Bytes)> {
        Ok((http::content_type(http::STRUCTURED), self.encode_json(signal)?))
    }

    /// A signal as an HTTP message in binary mode: its data in the body, all else in headers.
    ///
    /// # Errors
    ///
    /// `signal_too_large`, `signal_too_deep`; `invalid_signal` when the media type of its data is
    /// that of an event, which would be taken for structured mode, or is of other characters than
    /// UTF-8 while the data is a text.
    pub fn encode_binary(&self, signal: &Signal) -> Result<(HeaderMap, Bytes)> {
        http::encode_binary(signal, self.limits)
    }

    /// Signals as an HTTP message in batched mode. Send one to whoever has asked for batches.
    ///
    /// # Errors
    ///
    /// As [`Self::encode_json_batch`].
    pub fn encode_batch(&self, signals: &[Signal]) -> Result<(HeaderMap, Bytes)> {
        Ok((http::content_type(http::BATCH), self.encode_json_batch(signals)?))
    }

    /// What an HTTP message says, in the mode that its content type tells.
    ///
    /// # Errors
    ///
    /// `unsupported_content_type` when it is no signal in a form that is read here; and as
    /// [`Self::decode_json`] and [`Self::decode_json_batch`].
    pub fn decode(&self, headers: &HeaderMap, body: Bytes) -> Result<Received> {
        http::decode(headers, body, self.limits)
    }
}
