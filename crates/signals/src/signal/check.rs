//! Whether a signal can be as a draft says it.

use foundation::Result;
use jiff::Timestamp;

use super::attribute::{check_name, check_text, check_value};
use super::cause::{CAUSATION, CORRELATION};
use super::media_type::MediaType;
use super::source::check_uri;
use super::{Data, MAX_EXTENSIONS, Rest};
use crate::codec;
use crate::error::{invalid, invalid_value};

/// The first second of the year 0: RFC 3339 writes no earlier one.
const EARLIEST: i64 = -62_167_219_200;

/// Whether a time can be written: RFC 3339 has years from 0 to 9999.
pub(super) fn check_time(time: Option<Timestamp>) -> Result<()> {
    match time {
        Some(time) if time.as_second() < EARLIEST => {
            Err(invalid("time", "it is before the year 0, which cannot be written"))
        }
        _ => Ok(()),
    }
}

/// Whether what few signals have can be.
pub(super) fn check_rest(rest: &Rest) -> Result<()> {
    if let Some(subject) = &rest.subject {
        check_text("subject", subject)?;
    }
    if let Some(schema) = &rest.schema {
        check_uri("dataschema", schema)?;
    }
    if rest.extensions.len() > MAX_EXTENSIONS {
        return Err(too_many());
    }
    for (name, value) in &rest.extensions {
        check_name(name)?;
        check_value(name, value)?;
        if matches!(&**name, CORRELATION | CAUSATION) && value.as_text().is_none_or(str::is_empty) {
            return Err(invalid(name, "it is a text that is not empty"));
        }
    }
    Ok(())
}

/// That there are too many extension attributes.
pub(crate) fn too_many() -> foundation::Error {
    invalid("extensions", "there are more than 64 extension attributes")
}

/// The data as it is said to be by its media type: what is said to be JSON is JSON, and what has no
/// length is nothing.
pub(super) fn settle(data: Data, content_type: Option<&str>) -> Result<Data> {
    let is_json = match content_type {
        None => matches!(data, Data::Json(_)),
        Some(text) => parse(text)?.is_json(),
    };
    let bytes = match &data {
        Data::Text(text) => text.as_bytes(),
        Data::Binary(bytes) => bytes,
        Data::Json(_) if !is_json => {
            let message = "the data is JSON, and this is another media type";
            return Err(invalid_value("datacontenttype", content_type.unwrap_or(""), message));
        }
        Data::Json(_) | Data::None => return Ok(data),
    };
    if bytes.is_empty() {
        return Ok(Data::None);
    }
    if is_json {
        let value = codec::read_value(bytes, codec::Limits::default());
        let wrong = || invalid("data", "it is not JSON, which its media type says");
        return value.map(Data::Json).map_err(|error| wrong().with_source(error));
    }
    Ok(data)
}

fn parse(text: &str) -> Result<MediaType<'_>> {
    check_text("datacontenttype", text)?;
    let message = "it is not a media type";
    MediaType::parse(text).ok_or_else(|| invalid_value("datacontenttype", text, message))
}
