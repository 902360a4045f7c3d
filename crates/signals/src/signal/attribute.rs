//! The values of extension attributes.

use std::fmt;

use foundation::Result;

use crate::error::{invalid, invalid_value};

/// How long a name may be, in bytes. The specification advises 20; what others send is kept.
const LONGEST_NAME: usize = 64;
/// How long a text may be, in bytes: attributes travel in headers, which servers bound at 8 KiB.
const LONGEST_TEXT: usize = 4096;

/// The value of an extension attribute.
///
/// Addresses, times and bytes are texts, as they are on the wire, where nothing tells them apart.
/// In headers a number is a text too, so a number and a text that is written like it are equal.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Attribute {
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Integer(i32),
    /// A text, without control characters.
    Text(Box<str>),
}

impl Attribute {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Boolean(_) | Self::Integer(_) => None,
        }
    }

    /// The number, if it is one, or a text that is written like it.
    #[must_use]
    pub fn as_integer(&self) -> Option<i32> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::Text(text) => text.parse().ok().filter(|value: &i32| value.to_string() == **text),
            Self::Boolean(_) => None,
        }
    }

    /// Whether it is yes, if it is yes or no, or a text that is written like it.
    #[must_use]
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            Self::Text(text) => text.parse().ok(),
            Self::Integer(_) => None,
        }
    }
}

/// Whether they are written in the same way in a header.
impl PartialEq for Attribute {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(two)) => one == two,
            (Self::Boolean(value), other) | (other, Self::Boolean(value)) => {
                other.as_boolean() == Some(*value)
            }
            (Self::Integer(value), other) | (other, Self::Integer(value)) => {
                other.as_integer() == Some(*value)
            }
        }
    }
}

impl Eq for Attribute {}

/// Names that the specification takes for itself.
const TAKEN: [&str; 10] = [
    "data",
    "data_base64",
    "datacontenttype",
    "dataschema",
    "id",
    "source",
    "specversion",
    "subject",
    "time",
    "type",
];

/// Whether an extension may be called so: by letters in lower case and digits, and not as something
/// that the specification has.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let may_be = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(may_be) {
        let message = "the name of an extension is of 1 to 64 letters in lower case and digits";
        return Err(invalid_value(name, name, message));
    }
    if TAKEN.contains(&name) {
        return Err(invalid(name, "an attribute of the specification is no extension"));
    }
    Ok(())
}

/// Whether an attribute may have this value.
pub(super) fn check_value(name: &str, value: &Attribute) -> Result<()> {
    value.as_text().map_or(Ok(()), |text| check_characters(name, text))
}

/// Whether a text may be in an attribute of the specification: there none is empty.
pub(super) fn check_text(name: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(invalid(name, "it is empty"));
    }
    check_characters(name, text)
}

fn check_characters(name: &str, text: &str) -> Result<()> {
    if text.len() > LONGEST_TEXT {
        return Err(invalid_value(name, text, "it is longer than 4096 bytes"));
    }
    let is_refused =
        |c: char| c.is_control() || matches!(u32::from(c), 0xFDD0..=0xFDEF) || is_none(c);
    // Most texts are of plain letters, which are looked at faster as bytes.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if !is_plain && text.chars().any(is_refused) {
        return Err(invalid_value(name, text, "it has a character that no attribute has"));
    }
    Ok(())
}

/// Whether it is one of the two at the end of each plane that are no characters.
fn is_none(c: char) -> bool {
    u32::from(c) & 0xFFFE == 0xFFFE
}

impl From<bool> for Attribute {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i32> for Attribute {
    fn from(value: i32) -> Self {
        Self::Integer(value)
    }
}

impl From<&str> for Attribute {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Attribute {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

/// As it is written in a header.
impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}
