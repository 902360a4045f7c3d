//! The type of a signal, and patterns of such types: what it is routed by.

mod matching;
mod pattern;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use foundation::{Error, Result};

pub(crate) use matching::{MANY, ONE, specificity_of_literal};
pub use pattern::Pattern;

use crate::error::invalid_value;

/// How long the type of a signal may be, in bytes. A hundred segments of ten letters; what is
/// stored with each record of a log, and looked at by every reader, should not be longer.
pub const MAX_TOPIC: usize = 1024;

/// The type of a signal: segments of letters, digits, `_` and `-` of ASCII, with dots between them,
/// such as `order.7.shipped`. At most [`MAX_TOPIC`] bytes.
///
/// `CloudEvents` calls it `type` and lets it be any text; here it is what a signal is routed by.
///
/// ```
/// use signals::Topic;
///
/// let topic: Topic = "order.7.shipped".parse()?;
/// assert_eq!(topic.segments().count(), 3);
/// let error = "order..shipped".parse::<Topic>().unwrap_err();
/// assert_eq!((error.code(), &error.details()["position"]), ("invalid_signal", &6.into()));
/// # Ok::<_, foundation::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(Cow<'static, str>);

impl Topic {
    /// A topic of that text.
    ///
    /// # Errors
    ///
    /// `invalid_signal`, with the `position` of the byte that cannot be there.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Result<Self> {
        let text = text.into();
        check(&text)?;
        Ok(Self(text))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is between the dots.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }
}

/// Whether a text could be a topic.
pub(super) fn is_topic(text: &str) -> bool {
    check(text).is_ok()
}

/// Whether a byte may be in a segment.
pub(crate) const fn is_in_segment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// What each byte is in a topic: [`IN_SEGMENT`], [`DOT`], or nothing.
#[expect(clippy::indexing_slicing, reason = "it is made by the compiler, which would refuse it")]
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        if is_in_segment(byte) {
            kinds[byte as usize] = IN_SEGMENT;
        }
        byte += 1;
    }
    kinds[b'.' as usize] = DOT;
    kinds
};
const IN_SEGMENT: u8 = 1;
const DOT: u8 = 2;

/// Whether a text is a topic: without a branch for each byte, because every signal comes through
/// here. What is wrong with one that is not [`check`] finds out.
fn is_right(text: &str) -> bool {
    let (mut before, mut all, mut dots) = (DOT, 0, 0);
    for byte in text.bytes() {
        let kind = KINDS.get(usize::from(byte)).copied().unwrap_or(0);
        // Neither something else nor two dots in a row.
        all |= u8::from(kind == 0);
        dots |= before & kind;
        before = kind;
    }
    all == 0 && dots & DOT == 0 && before == IN_SEGMENT && text.len() <= MAX_TOPIC
}

fn check(text: &str) -> Result<()> {
    if is_right(text) { Ok(()) } else { find_wrong(text) }
}

#[cold]
fn find_wrong(text: &str) -> Result<()> {
    if text.len() > MAX_TOPIC {
        return Err(wrong(text, MAX_TOPIC, "is longer than 1024 bytes"));
    }
    if text.is_empty() {
        return Err(wrong(text, 0, "is empty"));
    }
    let mut begins = true;
    for (position, byte) in text.bytes().enumerate() {
        match byte {
            b'.' if begins => return Err(wrong(text, position, "has an empty segment")),
            b'.' => begins = true,
            byte if is_in_segment(byte) => begins = false,
            _ => {
                let message = "has something else than letters, digits, `_`, `-` and dots";
                return Err(wrong(text, position, message));
            }
        }
    }
    if begins {
        return Err(wrong(text, text.len(), "ends with a dot"));
    }
    Ok(())
}

fn wrong(text: &str, position: usize, message: &str) -> Error {
    invalid_value("type", text, format!("the type {message}")).with_detail("position", position)
}

impl FromStr for Topic {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text.to_owned())
    }
}

impl AsRef<str> for Topic {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    //! Every way in which a type cannot be, with where.

    use super::{MAX_TOPIC, Topic};

    #[test]
    fn letters_digits_and_marks_make_a_topic() {
        for text in ["a", "a.B_c-9", "io.serverlessworkflow.workflow.started.v1", "-", "0"] {
            assert_eq!(text.parse::<Topic>().unwrap().as_str(), text);
        }
        let longest = "a".repeat(MAX_TOPIC);
        assert_eq!(longest.parse::<Topic>().unwrap().as_str(), longest);
    }

    #[test]
    fn what_is_no_topic_is_refused_with_the_position() {
        let too_long = "a".repeat(MAX_TOPIC + 1);
        let cases = [
            ("", 0),
            (".", 0),
            (".a", 0),
            ("a.", 2),
            ("a..b", 2),
            ("a b", 1),
            ("a/b", 1),
            ("a:b", 1),
            ("a.é", 2),
            ("a.*", 2),
            ("a\0", 1),
            (&too_long, MAX_TOPIC),
        ];
        for (text, position) in cases {
            let error = text.parse::<Topic>().unwrap_err();
            assert_eq!(error.code(), "invalid_signal", "{text}");
            assert_eq!(error.details()["position"], position, "{text}");
            assert_eq!(error.details()["attribute"], "type", "{text}");
        }
    }
}
