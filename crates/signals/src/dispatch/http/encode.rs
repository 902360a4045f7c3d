//! A signal as the headers and the body of a request.

use bytes::Bytes;
use foundation::Result;
use http::HeaderMap;

use crate::codec::Codec;
use crate::signal::Signal;

/// Where in a request a signal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// All of it in the body, as JSON.
    Structured,
    /// Its attributes in headers, its data in the body.
    Binary,
}

/// The headers and the body.
pub(super) fn encode(signal: &Signal, mode: Mode) -> Result<(HeaderMap, Bytes)> {
    match mode {
        Mode::Structured => Codec::default().encode_structured(signal),
        Mode::Binary => Codec::default().encode_binary(signal),
    }
}

/// A text as the value of a header: with whatever is not printable as its bytes in UTF-8.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if (0x21..=0x7e).contains(&byte) && byte != b'"' && byte != b'%' {
            encoded.push(byte.into());
        } else {
            encoded.push('%');
            push_hex(&mut encoded, byte, b"0123456789ABCDEF");
        }
    }
    encoded
}

/// Adds a byte as two digits of these.
pub(super) fn push_hex(text: &mut String, byte: u8, digits: &[u8; 16]) {
    for half in [byte >> 4, byte & 0xf] {
        text.extend(digits.get(usize::from(half)).map(|digit| char::from(*digit)));
    }
}
