//! Signals as JSON and as HTTP messages.

mod bad_json;
mod bad_messages;
mod client;
mod examples;
mod jido;
mod limits;
mod messages;
mod random;
mod strategy;

use bytes::Bytes;
use foundation::Error;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use signals::Signal;
use signals::codec::{Codec, Received};

/// Headers of these names and values.
fn headers(all: &[(&str, &str)]) -> HeaderMap {
    let header = |(name, value): &(&str, &str)| {
        (HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
    };
    let mut headers = HeaderMap::new();
    for (name, value) in all.iter().map(header) {
        headers.append(name, value);
    }
    headers
}

/// A detail of an error, or null.
fn detail<'e>(error: &'e Error, name: &str) -> &'e Value {
    error.details().get(name).unwrap_or(&Value::Null)
}

/// That a signal is the same after it was written and read, in every form.
#[track_caller]
fn assert_same_in_every_form(signal: &Signal) {
    let codec = Codec::default();
    let json = codec.encode_json(signal).unwrap();
    let shown = String::from_utf8_lossy(&json);
    assert_eq!(codec.decode_json(&json).unwrap(), *signal, "{shown}");

    let (headers, body) = codec.encode_structured(signal).unwrap();
    assert_eq!(body, json);
    let received = codec.decode(&headers, body).unwrap();
    assert_eq!(received, Received::Structured(signal.clone()), "{shown}");

    let (headers, body) = codec.encode_binary(signal).unwrap();
    let received = codec.decode(&headers, body.clone()).unwrap();
    assert_eq!(received, Received::Binary(signal.clone()), "{headers:?} {body:?}");

    let signals = vec![signal.clone(), signal.clone()];
    let (headers, body) = codec.encode_batch(&signals).unwrap();
    assert_eq!(codec.decode(&headers, body).unwrap(), Received::Batch(signals), "{shown}");
}

/// What a JSON text is refused for.
#[track_caller]
fn refused(json: impl AsRef<[u8]>) -> Error {
    Codec::default().decode_json(json.as_ref()).unwrap_err()
}

/// A message that says a signal in binary mode, but for its body and its media type.
const BINARY: [(&str, &str); 4] =
    [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/shop"), ("ce-type", "order.paid")];

/// The signal that is in binary mode with a media type.
fn binary(content_type: &str, body: &'static [u8]) -> Result<Signal, Error> {
    let mut all = BINARY.to_vec();
    all.push(("content-type", content_type));
    let received = Codec::default().decode(&headers(&all), Bytes::from_static(body))?;
    Ok(received.into_signals().remove(0))
}
