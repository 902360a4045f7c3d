//! Errors that more than one part of this crate makes.

use foundation::Error;

use crate::codes;

/// How much of a value is shown in an error, in bytes: it may be large, and come from outside.
const SHOWN: usize = 64;

/// An error of an attribute that cannot be.
pub(crate) fn invalid(attribute: &str, message: impl Into<String>) -> Error {
    let (attribute, message) = (shortened(attribute), message.into());
    Error::from(codes::INVALID_SIGNAL)
        .with_message(format!("{attribute}: {message}"))
        .with_detail("attribute", attribute)
}

/// An error of an attribute whose value cannot be.
pub(crate) fn invalid_value(attribute: &str, value: &str, message: impl Into<String>) -> Error {
    invalid(attribute, message).with_detail("value", shortened(value))
}

/// An error of an option that cannot be.
pub(crate) fn invalid_options(field: &str, why: &str) -> Error {
    Error::from(foundation::codes::INVALID_OPTIONS)
        .with_message(format!("{field}: {why}"))
        .with_detail("field", field)
}

/// The beginning of a text, to show it.
pub(crate) fn shortened(text: &str) -> String {
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(SHOWN);
    format!("{}… ({} bytes)", text.get(..end).unwrap_or_default(), text.len())
}
