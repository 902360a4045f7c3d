//! The segments of a type, each hashed once, whatever it is then looked up in.

use smallvec::SmallVec;

use super::key::Key;

/// A segment of a type, with its hash.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'a> {
    pub(super) text: &'a str,
    pub(super) hash: u64,
}

/// The segments of a type. More than are kept in place are rare.
pub(super) type Segments<'a> = SmallVec<[Segment<'a>; 8]>;

/// Adds those of a type to what is given, which is where they stay: they are not small.
pub(super) fn split<'a>(topic: &'a str, key: &Key, segments: &mut Segments<'a>) {
    let mut rest = topic;
    // Segments are short, so that looking at each byte is faster than looking for a dot.
    while let Some(dot) = rest.bytes().position(|byte| byte == b'.') {
        let Some((text, after)) = rest.split_at_checked(dot) else { break };
        segments.push(Segment { text, hash: key.of(text.as_bytes()) });
        rest = after.get(1..).unwrap_or_default();
    }
    segments.push(Segment { text: rest, hash: key.of(rest.as_bytes()) });
}
