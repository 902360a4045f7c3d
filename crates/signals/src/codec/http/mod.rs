//! Signals as HTTP messages, requests and answers alike.

mod header;
mod percent;

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use foundation::{Error, Result};

#[cfg(feature = "http")]
pub(crate) use percent::decode as percent_decoded;

use super::event::Parts;
use super::fault::{too_many_bytes, unreadable};
use super::limits::Limits;
use super::value::read_value;
use super::{event, write};
use crate::codes;
use crate::error::{invalid_value, shortened};
use crate::signal::{Data, MediaType, Signal};

/// The content type of a signal as JSON.
pub(super) const STRUCTURED: &str = "application/cloudevents+json";
/// The content type of several.
pub(super) const BATCH: &str = "application/cloudevents-batch+json";
const CONTENT_TYPE_ATTRIBUTE: &str = "datacontenttype";

/// What an HTTP message said, by its mode.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Received {
    /// A signal that was all in the body.
    Structured(Signal),
    /// A signal whose attributes were in headers.
    Binary(Signal),
    /// Any number of signals, none too.
    Batch(Vec<Signal>),
}

impl Received {
    /// The signals, in the order in which they were sent.
    #[must_use]
    pub fn into_signals(self) -> Vec<Signal> {
        match self {
            Self::Structured(signal) | Self::Binary(signal) => vec![signal],
            Self::Batch(signals) => signals,
        }
    }
}

/// Headers that are a content type alone.
pub(super) fn content_type(value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))])
}

/// A signal in binary mode.
pub(super) fn encode_binary(signal: &Signal, limits: Limits) -> Result<(HeaderMap, Bytes)> {
    write::check(signal, limits)?;
    let mut headers = HeaderMap::new();
    header::write(signal, &mut headers)?;
    if let Some(text) = signal.content_type() {
        let media_type = MediaType::parse(text);
        let wrong = |message| Err(invalid_value(CONTENT_TYPE_ATTRIBUTE, text, message));
        if media_type.is_some_and(MediaType::is_of_events) {
            return wrong("data that is a signal itself is not sent in binary mode");
        }
        if signal.data().is_utf8() && !media_type.is_some_and(MediaType::takes_utf8) {
            return wrong("a text is sent as UTF-8 in binary mode");
        }
        headers.insert(CONTENT_TYPE, header::value(CONTENT_TYPE_ATTRIBUTE, text)?);
    }
    let body = match signal.data() {
        Data::None => Bytes::new(),
        Data::Json(value) => write::write(value, limits)?,
        Data::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
        Data::Binary(bytes) => bytes.clone(),
    };
    if body.len() > limits.bytes {
        return Err(too_many_bytes(limits).with_detail("size", body.len()));
    }
    Ok((headers, body))
}

/// What a message says.
pub(super) fn decode(headers: &HeaderMap, body: Bytes, limits: Limits) -> Result<Received> {
    let said = said(headers)?;
    let media_type = said.and_then(MediaType::parse);
    match (said, media_type) {
        (Some(said), Some(media_type)) if media_type.is_of_events() => {
            let is = |subtype| media_type.is("application", subtype) && media_type.takes_utf8();
            if is("cloudevents+json") {
                event::read(&body, limits).map(Received::Structured)
            } else if is("cloudevents-batch+json") {
                event::read_batch(&body, limits).map(Received::Batch)
            } else {
                Err(unsupported(Some(said), "signals are read as JSON in UTF-8"))
            }
        }
        _ if !header::has_any(headers) => {
            Err(unsupported(said, "it is no signal: neither its content type nor a header says so"))
        }
        _ => {
            let mut parts = Parts::default();
            header::read(headers, &mut parts)?;
            if let Some(said) = said {
                parts.text(CONTENT_TYPE_ATTRIBUTE, said.to_owned())?;
            }
            parts.signal_of(data(body, media_type, limits)?).map(Received::Binary)
        }
    }
}

/// The data that a body is, by its media type.
fn data(body: Bytes, media_type: Option<MediaType<'_>>, limits: Limits) -> Result<Data> {
    if body.len() > limits.bytes {
        return Err(too_many_bytes(limits).with_detail("size", body.len()));
    }
    if body.is_empty() {
        return Ok(Data::None);
    }
    match media_type {
        Some(media_type) if media_type.is_json() => read_value(&body, limits).map(Data::Json),
        Some(media_type) if media_type.is_text() => match std::str::from_utf8(&body) {
            Ok(text) => Ok(Data::Text(text.into())),
            Err(_) => Ok(Data::Binary(body)),
        },
        _ => Ok(Data::Binary(body)),
    }
}

/// The one content type of a message.
fn said(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut all = headers.get_all(CONTENT_TYPE).iter();
    let Some(first) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(unsupported(None, "it has more than one content type"));
    }
    match first.to_str() {
        Ok(text) => Ok(Some(text.trim_matches([' ', '\t']))),
        Err(_) => Err(unsupported(None, "its content type is not of ASCII")),
    }
}

fn unsupported(content_type: Option<&str>, message: &str) -> Error {
    let error = Error::from(codes::UNSUPPORTED_CONTENT_TYPE).with_message(message);
    match content_type {
        Some(text) => error.with_detail("content_type", shortened(text)),
        None => error,
    }
}

/// That a header cannot be read.
fn unreadable_header(attribute: &str, message: &str) -> Error {
    unreadable("encoding", message).with_detail("attribute", attribute)
}
