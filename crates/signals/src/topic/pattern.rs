//! A pattern of types: what somebody wants to hear of.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use foundation::{Error, Result};

use super::matching::{self, MANY, ONE};
use super::{MAX_TOPIC, Topic, is_in_segment, is_topic};
use crate::codes;
use crate::error::shortened;
use crate::signal::Signal;

/// A pattern of [types](Topic): segments as those have, or `*`, which stands for exactly one, or
/// `**`, which stands for any number and also for none. It matches a type as a whole. At most
/// [`MAX_TOPIC`] bytes; no two `**` follow each other, since one does the same.
///
/// ```
/// use signals::{Pattern, Topic};
///
/// let shipped: Pattern = "order.*.shipped".parse()?;
/// assert!(shipped.matches(&Topic::new("order.7.shipped")?));
/// assert!(!shipped.matches(&Topic::new("order.7.shipped.late")?));
/// assert!(Pattern::new("order.**")?.matches(&Topic::new("order")?));
///
/// let error = "order.7*".parse::<Pattern>().unwrap_err();
/// assert_eq!(error.code(), "invalid_pattern");
/// assert_eq!(error.details()["problem"], "wildcard_in_segment");
/// assert_eq!(error.details()["position"], 7);
/// # Ok::<_, foundation::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern(Cow<'static, str>);

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    TooLong,
    Empty,
    EmptySegment,
    Characters,
    WildcardInSegment,
    DoubleWildcardInSegment,
    WildcardsAdjacent,
}

// === impl Pattern ===

impl Pattern {
    /// A pattern of that text.
    ///
    /// # Errors
    ///
    /// `invalid_pattern`, with the `position` of the byte that cannot be there and the `problem`
    /// with it, which is one of:
    ///
    /// | `problem` | such as | `position` |
    /// |---|---|---|
    /// | `empty` | an empty text | 0 |
    /// | `too_long` | more than [`MAX_TOPIC`] bytes | of the first that is too many |
    /// | `empty_segment` | `a..b`, `.a`, `a.` | where the segment should be |
    /// | `characters` | `a b`, `a/b` | of the first that may not be there |
    /// | `wildcard_in_segment` | `a*`, `*a` | of the wildcard |
    /// | `double_wildcard_in_segment` | `a**b`, `***` | of the wildcard |
    /// | `wildcards_adjacent` | `a.**.**` | of the second one |
    pub fn new(text: impl Into<Cow<'static, str>>) -> Result<Self> {
        let text = text.into();
        match check(&text) {
            None => Ok(Self(text)),
            Some((problem, position)) => Err(problem.error(&text, position)),
        }
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

    /// Whether there is no wildcard in it, so that it matches one type only.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !self.0.contains('*')
    }

    /// Whether a type matches.
    #[must_use]
    pub fn matches(&self, topic: &Topic) -> bool {
        matching::matches(&self.0, topic.as_str())
    }

    /// Whether a text is a type that matches. A text that is no type does not.
    #[must_use]
    pub fn matches_text(&self, text: &str) -> bool {
        is_topic(text) && matching::matches(&self.0, text)
    }

    /// Those of several signals whose type matches.
    pub fn filter<'a>(
        &self,
        signals: impl IntoIterator<Item = &'a Signal>,
    ) -> impl Iterator<Item = &'a Signal> {
        signals.into_iter().filter(|signal| self.matches(signal.topic()))
    }

    /// How specific it is: of two patterns that match a signal, the route of the more specific one
    /// comes first. Of `n` segments, counted with `i` from 0, it is
    ///
    /// ```text
    /// 2000 n  +  3000 (n - i) for each exact one  -  (1000 - 100 i) for each *  -  (2000 - 200 i) for each **
    /// ```
    ///
    /// so that more segments, exact ones, and exact ones further in front make it more specific.
    /// Jido calls it complexity, and its figures are the same.
    ///
    /// ```
    /// # use signals::Pattern;
    /// let of = |text: &'static str| Pattern::new(text).map(|pattern| pattern.specificity());
    /// assert_eq!((of("a.b")?, of("a.*")?, of("a.**")?, of("*.b")?), (13000, 9100, 8200, 6000));
    /// # Ok::<_, foundation::Error>(())
    /// ```
    #[must_use]
    pub fn specificity(&self) -> i64 {
        matching::specificity(&self.0)
    }
}

/// The first problem of a text, and where.
fn check(text: &str) -> Option<(Problem, usize)> {
    if text.is_empty() {
        return Some((Problem::Empty, 0));
    }
    if text.len() > MAX_TOPIC {
        return Some((Problem::TooLong, MAX_TOPIC));
    }
    let (mut start, mut after_many) = (0, false);
    for segment in text.split('.') {
        if let Some((problem, position)) = check_segment(segment) {
            return Some((problem, start + position));
        }
        if segment == MANY && after_many {
            return Some((Problem::WildcardsAdjacent, start));
        }
        after_many = segment == MANY;
        start += segment.len() + 1;
    }
    None
}

fn check_segment(segment: &str) -> Option<(Problem, usize)> {
    if segment.is_empty() {
        return Some((Problem::EmptySegment, 0));
    }
    if segment == ONE || segment == MANY {
        return None;
    }
    let position = segment.bytes().position(|byte| !is_in_segment(byte))?;
    let rest = segment.get(position..).unwrap_or_default();
    let problem = if rest.starts_with(MANY) {
        Problem::DoubleWildcardInSegment
    } else if rest.starts_with(ONE) {
        Problem::WildcardInSegment
    } else {
        Problem::Characters
    };
    Some((problem, position))
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text.to_owned())
    }
}

impl TryFrom<&str> for Pattern {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self> {
        text.parse()
    }
}

impl TryFrom<String> for Pattern {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::new(text)
    }
}

/// A type is a pattern that matches only itself.
impl From<Topic> for Pattern {
    fn from(topic: Topic) -> Self {
        Self(topic.0)
    }
}

impl From<Pattern> for Cow<'static, str> {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl AsRef<str> for Pattern {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

// === impl Problem ===

impl Problem {
    /// A stable word for it, and what people are told.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::TooLong => ("too_long", "is longer than 1024 bytes"),
            Self::Empty => ("empty", "is empty"),
            Self::EmptySegment => ("empty_segment", "has an empty segment"),
            Self::Characters => (
                "characters",
                "has something else than letters, digits, `_`, `-`, dots and wildcards",
            ),
            Self::WildcardInSegment => {
                ("wildcard_in_segment", "has a `*` that is not a segment by itself")
            }
            Self::DoubleWildcardInSegment => {
                ("double_wildcard_in_segment", "has a `**` that is not a segment by itself")
            }
            Self::WildcardsAdjacent => ("wildcards_adjacent", "has a `**` right after another"),
        }
    }

    fn error(self, text: &str, position: usize) -> Error {
        let (word, message) = self.words();
        Error::from(codes::INVALID_PATTERN)
            .with_message(format!("the pattern {message}"))
            .with_detail("problem", word)
            .with_detail("position", position)
            .with_detail("pattern", shortened(text))
    }
}
