//! Where a signal comes from.

use std::borrow::Cow;
use std::fmt;

use foundation::Result;

use super::reference::{self, Reference};
use crate::error::{invalid, invalid_value};

/// Where a signal comes from: a reference as URIs are, such as `/shop` or
/// `https://example.com/shop`. Together with it an id is unique.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source(Cow<'static, str>);

impl Source {
    /// A source of that text.
    ///
    /// # Errors
    ///
    /// `invalid_signal` when it is empty, longer than 2048 bytes, or no reference by RFC 3986.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Result<Self> {
        let text = text.into();
        check_reference("source", &text)?;
        Ok(Self(text))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text is a reference to a URI.
fn check_reference(attribute: &str, text: &str) -> Result<Reference> {
    if text.is_empty() {
        return Err(invalid(attribute, "it is empty"));
    }
    if text.len() > reference::LONGEST {
        return Err(invalid_value(attribute, text, "it is longer than 2048 bytes"));
    }
    let message = "it is not a reference as URIs are";
    reference::parse(text).ok_or_else(|| invalid_value(attribute, text, message))
}

/// Whether a text is a URI. One with a fragment is let through: schemas are often named so.
pub(super) fn check_uri(attribute: &str, text: &str) -> Result<()> {
    match check_reference(attribute, text)? {
        Reference::Uri => Ok(()),
        Reference::Relative => {
            let message = "it is no URI, which begins with its scheme";
            Err(invalid_value(attribute, text, message))
        }
    }
}

impl AsRef<str> for Source {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
