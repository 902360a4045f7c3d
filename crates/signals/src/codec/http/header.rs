//! The headers of binary mode: each attribute is one, named like it after `ce-`.

use std::fmt::Write;

use ::http::{HeaderMap, HeaderName, HeaderValue};
use foundation::Result;

use super::{CONTENT_TYPE_ATTRIBUTE, percent, unreadable_header};
use crate::codec::event::{Parts, VERSION};
use crate::error::{invalid, invalid_value};
use crate::signal::{Attribute, Signal, UUID_TEXT};

const PREFIX: &str = "ce-";

/// Whether any header is an attribute.
pub(super) fn has_any(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| name.as_str().starts_with(PREFIX))
}

/// Reads all attributes.
pub(super) fn read(headers: &HeaderMap, parts: &mut Parts) -> Result<()> {
    for (header, value) in headers {
        let Some(name) = header.as_str().strip_prefix(PREFIX) else { continue };
        if name == CONTENT_TYPE_ATTRIBUTE {
            return Err(invalid(
                name,
                "in binary mode it is the content type, and no header `ce-`",
            ));
        }
        let text = value.to_str().map_err(|_| unreadable_header(name, "it is not of ASCII"))?;
        let text = percent::decode(text.trim_matches([' ', '\t']));
        let message = "it is not UTF-8 in percent-encoding";
        parts.text(name, text.ok_or_else(|| unreadable_header(name, message))?)?;
    }
    Ok(())
}

/// Writes all attributes but the media type.
pub(super) fn write(signal: &Signal, headers: &mut HeaderMap) -> Result<()> {
    let mut put = |name: &'static str, text: &str| -> Result<()> {
        let attribute = name.strip_prefix(PREFIX).unwrap_or(name);
        headers.insert(HeaderName::from_static(name), value(attribute, text)?);
        Ok(())
    };
    put("ce-specversion", VERSION)?;
    put("ce-id", signal.id().text(&mut [0; UUID_TEXT]))?;
    put("ce-source", signal.source().as_str())?;
    put("ce-type", signal.topic().as_str())?;
    let mut text = String::new();
    if let Some(time) = signal.time() {
        // Writing to a string does not fail.
        let _ = write!(text, "{time}");
        put("ce-time", &text)?;
    }
    if let Some(subject) = signal.subject() {
        put("ce-subject", subject)?;
    }
    if let Some(schema) = signal.schema() {
        put("ce-dataschema", schema)?;
    }
    for (name, attribute) in signal.extensions() {
        text.clear();
        let shown = match attribute {
            Attribute::Text(text) => text,
            Attribute::Boolean(_) | Attribute::Integer(_) => {
                let _ = write!(text, "{attribute}");
                &*text
            }
        };
        let header = HeaderName::try_from(format!("{PREFIX}{name}"));
        let header = header.map_err(|_| invalid(name, "it is not the name of a header"))?;
        headers.insert(header, value(name, shown)?);
    }
    Ok(())
}

/// A text as the value of a header, in percent-encoding but for a media type, which is a header
/// of its own.
pub(super) fn value(attribute: &str, text: &str) -> Result<HeaderValue> {
    let written = match attribute {
        CONTENT_TYPE_ATTRIBUTE => HeaderValue::try_from(text),
        _ => HeaderValue::try_from(&*percent::encode(text)),
    };
    written.map_err(|_| invalid_value(attribute, text, "it is not the value of a header"))
}
