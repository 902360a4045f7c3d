//! What a signal is known by.

use std::fmt;

use foundation::{Error, Result};
use uuid::Uuid;

use super::attribute::check_text;
use crate::error::invalid_value;

/// How long an id may be, in bytes: longer than any that is made by a program.
const LONGEST: usize = 256;
/// How long a UUID is as text.
pub(crate) const UUID_TEXT: usize = uuid::fmt::Hyphenated::LENGTH;

/// The id of a signal. One that was stamped here is a UUID of version 7, greater than every earlier
/// one of its system; one from elsewhere is any text that its source has not used before.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(Form);

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Form {
    Uuid(Uuid),
    /// Any text but a UUID as it is written here.
    Text(Box<str>),
}

impl Id {
    /// As a UUID, if it is one, in lower case with hyphens.
    #[must_use]
    pub fn as_uuid(&self) -> Option<Uuid> {
        match &self.0 {
            Form::Uuid(uuid) => Some(*uuid),
            Form::Text(_) => None,
        }
    }

    /// Its text, which is put into `buffer` if it is a UUID.
    pub(crate) fn text<'a>(&'a self, buffer: &'a mut [u8; UUID_TEXT]) -> &'a str {
        match &self.0 {
            Form::Uuid(uuid) => uuid.as_hyphenated().encode_lower(buffer),
            Form::Text(text) => text,
        }
    }
}

impl From<Uuid> for Id {
    fn from(uuid: Uuid) -> Self {
        Self(Form::Uuid(uuid))
    }
}

impl TryFrom<&str> for Id {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        if text.len() > LONGEST {
            return Err(invalid_value("id", text, "it is longer than 256 bytes"));
        }
        check_text("id", text)?;
        let mut written = [0; UUID_TEXT];
        match Uuid::try_parse(text) {
            Ok(uuid) if *uuid.as_hyphenated().encode_lower(&mut written) == *text => {
                Ok(Self(Form::Uuid(uuid)))
            }
            _ => Ok(Self(Form::Text(text.into()))),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Uuid(uuid) => uuid.as_hyphenated().fmt(f),
            Form::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
