//! The shape of a pattern: how many segments, and which of them are wildcards.
//!
//! All patterns of one shape are found by one look-up: take from the type what is literal in the
//! shape. People use few shapes, however many patterns they have, so an [index](super::index) asks
//! one after the other. A pattern with two `**` or more has no shape, since what is between them
//! may be anywhere.

use super::key::{GOLDEN_RATIO, Key};
use super::segments::Segment;
use crate::topic::{MANY, ONE, Pattern};

/// Where the literal segments are: before the `**`, if there is one, counted from the beginning,
/// and after it, counted from there to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    head: Part,
    /// There if there is a `**`.
    tail: Option<Part>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    length: u32,
    /// A bit for each segment, the first one lowest.
    literal: u64,
}

// === impl Shape ===

impl Shape {
    /// The shape of a pattern, unless it has two `**`, or is longer than can be told.
    pub(super) fn of(pattern: &Pattern) -> Option<Self> {
        let mut shape = Self { head: Part::default(), tail: None };
        for segment in pattern.segments() {
            match (segment, &mut shape.tail) {
                (MANY, Some(_)) => return None,
                (MANY, none) => *none = Some(Part::default()),
                (segment, Some(tail)) => tail.push(segment)?,
                (segment, None) => shape.head.push(segment)?,
            }
        }
        Some(shape)
    }

    /// Whether a type of so many segments could match.
    #[inline]
    pub(super) fn fits(&self, segments: usize) -> bool {
        let head = self.head.length as usize;
        match self.tail {
            None => segments == head,
            Some(tail) => segments >= head + tail.length as usize,
        }
    }

    /// The segments of a type that fits, those of the head and those of the tail.
    #[inline]
    fn parts<'a, 'b>(&self, of: &'b [Segment<'a>]) -> (&'b [Segment<'a>], &'b [Segment<'a>]) {
        let head = of.get(..self.head.length as usize).unwrap_or_default();
        let tail = self.tail.map_or(0, |tail| tail.length as usize);
        (head, of.get(of.len().wrapping_sub(tail)..).unwrap_or_default())
    }

    /// The hash of what is literal in the shape, of a type that fits.
    #[inline]
    pub(super) fn hash(&self, of: &[Segment<'_>], key: &Key, number: u64) -> u64 {
        let (head, tail) = self.parts(of);
        let mut joined = self.head.hash(head, 0);
        if let Some(part) = self.tail {
            joined = part.hash(tail, joined);
        }
        key.mix(joined, number)
    }

    /// What is literal in a pattern of this shape, each segment with a dot after it.
    pub(super) fn text(pattern: &Pattern) -> String {
        let literal = pattern.segments().filter(|segment| !matches!(*segment, ONE | MANY));
        literal.flat_map(|segment| [segment, "."]).collect()
    }

    /// Whether a type that fits has these literals, as [`Self::text`] gives them.
    #[inline]
    pub(super) fn has(&self, of: &[Segment<'_>], text: &[u8]) -> bool {
        let (head, tail) = self.parts(of);
        let rest = self.head.strip(head, text);
        let rest =
            rest.and_then(|rest| self.tail.map_or(Some(rest), |part| part.strip(tail, rest)));
        rest == Some(b"")
    }
}

// === impl Part ===

impl Part {
    fn push(&mut self, segment: &str) -> Option<()> {
        if self.length == u64::BITS {
            return None;
        }
        self.literal |= u64::from(segment != ONE) << self.length;
        self.length += 1;
        Some(())
    }

    /// Adds the hashes of those of its segments that are literal to a hash.
    #[inline]
    fn hash(self, segments: &[Segment<'_>], mut all: u64) -> u64 {
        let mut literal = self.literal;
        for segment in segments {
            if literal & 1 == 1 {
                all = (all ^ segment.hash).wrapping_mul(GOLDEN_RATIO).rotate_left(29);
            }
            literal >>= 1;
        }
        all
    }

    /// What is left of a text after those of its segments that are literal, with their dots.
    #[inline]
    fn strip<'a>(self, segments: &[Segment<'_>], mut text: &'a [u8]) -> Option<&'a [u8]> {
        let mut literal = self.literal;
        for segment in segments {
            if literal & 1 == 1 {
                text = text.strip_prefix(segment.text.as_bytes())?.strip_prefix(b".")?;
            }
            literal >>= 1;
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests;
