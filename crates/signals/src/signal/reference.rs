//! Whether a text is a reference to a URI, as RFC 3986 has it. What a scheme makes of it is not
//! looked at.

/// How long a reference may be, in bytes: as long as an address that programs in general take.
pub(super) const LONGEST: usize = 2048;

/// What a reference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reference {
    /// It begins with a scheme, so it says everything itself.
    Uri,
    /// It has no scheme: it is relative to something.
    Relative,
}

/// What the text is, or none where it is no reference at all.
pub(super) fn parse(text: &str) -> Option<Reference> {
    if is_plain_path(text) {
        return Some(Reference::Relative);
    }
    let (rest, fragment) = cut(text, '#');
    let (rest, query) = cut(rest, '?');
    let ends_well = |end: Option<&str>| end.is_none_or(|end| is_made_of(end, COLON | AT | REST));
    if !ends_well(fragment) || !ends_well(query) {
        return None;
    }
    // A colon after the first slash is one of a path, and before it that of a scheme.
    let first_segment = rest.split('/').next().unwrap_or_default();
    let (kind, hierarchy) = match first_segment.find(':') {
        Some(colon) => {
            let (scheme, hierarchy) = rest.split_at(colon);
            (is_scheme(scheme).then_some(Reference::Uri)?, hierarchy.strip_prefix(':')?)
        }
        None => (Reference::Relative, rest),
    };
    let path = match hierarchy.strip_prefix("//") {
        Some(after) => {
            let end = after.find('/').unwrap_or(after.len());
            let (authority, path) = after.split_at(end);
            if !is_authority(authority) {
                return None;
            }
            path
        }
        None => hierarchy,
    };
    is_made_of(path, COLON | AT | SLASH).then_some(kind)
}

/// What is before the first of a mark, and what is after it if it is there.
fn cut(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_scheme(text: &str) -> bool {
    let may_follow = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(may_follow)
}

/// Whether it is a host, perhaps with somebody before it and a port after it.
fn is_authority(text: &str) -> bool {
    let (user, place) = text.rsplit_once('@').map_or((None, text), |(user, at)| (Some(user), at));
    if !user.is_none_or(|user| is_made_of(user, COLON)) {
        return false;
    }
    let (host, port) = match place.strip_prefix('[') {
        Some(literal) => {
            let Some((address, after)) = literal.split_once(']') else { return false };
            if address.is_empty() || !is_made_of(address, COLON) || address.contains('%') {
                return false;
            }
            match after.strip_prefix(':') {
                Some(port) => ("", port),
                None if after.is_empty() => ("", ""),
                None => return false,
            }
        }
        None => place.split_once(':').unwrap_or((place, "")),
    };
    is_made_of(host, 0) && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether it is a path from a root without anything unusual, as most sources are: every signal has
/// one, so it is looked at once, byte by byte.
fn is_plain_path(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|byte| class(byte) & (PLAIN | SLASH) != 0)
}

/// Whether it is of what may be anywhere, of marks, and of bytes written as `%` with digits.
fn is_made_of(text: &str, marks: u8) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => {
                let mut is_digit = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
                is_digit() && is_digit()
            }
            byte => class(byte) & (PLAIN | marks) != 0,
        };
        if !fits {
            return false;
        }
    }
    true
}

/// What may be anywhere: letters, digits, and what has no meaning of its own.
const PLAIN: u8 = 1;
const COLON: u8 = 1 << 1;
const AT: u8 = 1 << 2;
const SLASH: u8 = 1 << 3;
const QUESTION: u8 = 1 << 4;
/// What else may be in a query and a fragment.
const REST: u8 = SLASH | QUESTION;

/// What each byte is.
const CLASSES: [u8; 256] = classes();

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

#[expect(clippy::indexing_slicing, reason = "it is done while this is compiled")]
const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte: u8 = 0;
    while byte.is_ascii() {
        classes[byte as usize] = match byte {
            b':' => COLON,
            b'@' => AT,
            b'/' => SLASH,
            b'?' => QUESTION,
            b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+'
            | b',' | b';' | b'=' => PLAIN,
            byte if byte.is_ascii_alphanumeric() => PLAIN,
            _ => 0,
        };
        byte += 1;
    }
    classes
}

#[cfg(test)]
mod tests {
    //! Texts that are references, and texts that are not.

    use super::{Reference, parse};

    #[test]
    fn a_uri_begins_with_its_scheme() {
        for text in [
            "https://github.com/cloudevents",
            "mailto:cncf-wg-serverless@lists.cncf.io",
            "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
            "https://user:secret@[2001:db8::1]:8080/a?b=c/d?e#f/?g",
            "http://[::1]",
            "file:///etc/hosts",
            "a+b-c.1:",
            "http://localhost:",
        ] {
            assert_eq!(parse(text), Some(Reference::Uri), "{text}");
        }
    }

    #[test]
    fn what_has_no_scheme_is_relative() {
        for text in [
            "/cloudevents/spec/pull/123",
            "/sensors/tn-1234567/alerts",
            "1-555-123-4567",
            "//example.com/a:b",
            "a/b:c",
            "?a:b",
            "#a",
            "%C3%A9",
            "Elixir.Shop.Orders",
        ] {
            assert_eq!(parse(text), Some(Reference::Relative), "{text}");
        }
    }

    #[test]
    fn what_is_no_reference_is_seen() {
        for text in [
            "a b",
            "/é",
            "a#b#c",
            "%",
            "%a",
            "%ag",
            "1:2",
            ":",
            "http://[::1",
            "http://[]",
            "http://[::1]x",
            "http://[a%20]",
            "//a:b",
            "http://a:b",
            "http://a@b@c",
            "a[b]",
            "<a>",
            "\"a\"",
            "a\\b",
            "a^b",
            "a|b",
            "{a}",
            "a\u{7f}",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
