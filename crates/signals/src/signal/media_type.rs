//! Media types: what the data of a signal is written in.

/// A media type, such as `text/plain; charset=utf-8`, in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MediaType<'a> {
    kind: &'a str,
    subtype: &'a str,
    charset: Option<&'a str>,
}

impl<'a> MediaType<'a> {
    /// The parts of a text, by RFC 2046 and the characters that headers have; none where it is no
    /// media type.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let end = text.find(';').unwrap_or(text.len());
        let (essence, mut parameters) = text.split_at(end);
        let (kind, subtype) = essence.trim_end_matches(BLANK).split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let mut charset = None;
        while let Some(after) = parameters.strip_prefix(';') {
            let after = after.trim_start_matches(BLANK);
            let (name, after) = after.split_once('=')?;
            let (value, rest) = value(after)?;
            if !is_token(name) {
                return None;
            }
            if charset.is_none() && name.eq_ignore_ascii_case("charset") {
                charset = Some(value);
            }
            // Blanks stand before a parameter that follows, not at the end.
            parameters = rest.trim_start_matches(BLANK);
            if parameters.is_empty() && !rest.is_empty() {
                return None;
            }
        }
        let is_whole = parameters.is_empty() && !text.ends_with(BLANK);
        is_whole.then_some(Self { kind, subtype, charset })
    }

    /// Whether it is JSON: `*/json` or `*/*+json`.
    pub(crate) fn is_json(self) -> bool {
        self.has_subtype("json")
    }

    /// Whether bytes of it, if they are UTF-8, are a text.
    pub(crate) fn is_text(self) -> bool {
        let is_readable = self.kind.eq_ignore_ascii_case("text") || self.has_subtype("xml");
        match self.charset {
            Some(charset) => is_utf8(charset),
            None => is_readable,
        }
    }

    /// Whether a text is written in it as UTF-8.
    pub(crate) fn takes_utf8(self) -> bool {
        self.charset.is_none_or(is_utf8)
    }

    /// Whether it begins as those of `CloudEvents` do, which say that an event is within.
    pub(crate) fn is_of_events(self) -> bool {
        let begins = |prefix: &str| {
            let start = self.subtype.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        self.kind.eq_ignore_ascii_case("application") && begins("cloudevents")
    }

    /// Whether it is this one, whatever its parameters are.
    pub(crate) fn is(self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
    }

    fn has_subtype(self, name: &str) -> bool {
        let last = self.subtype.rsplit('+').next().unwrap_or_default();
        last.eq_ignore_ascii_case(name)
    }
}

/// What may be around parameters.
const BLANK: [char; 2] = [' ', '\t'];

fn is_utf8(charset: &str) -> bool {
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("us-ascii")
}

fn is_token(text: &str) -> bool {
    let may_be = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(may_be)
}

/// The value that a text begins with, without its quotes, and what is after it.
fn value(text: &str) -> Option<(&str, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c| c == ';' || BLANK.contains(&c)).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return is_token(value).then_some((value, rest));
    };
    let mut is_escaped = false;
    for (place, byte) in quoted.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some((quoted.get(..place)?, quoted.get(place + 1..)?)),
            b' '..=b'~' => {}
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    //! Texts that are media types, what they say, and texts that are none.

    use super::MediaType;

    #[test]
    fn json_is_known_by_its_subtype() {
        for text in ["application/json", "text/JSON", "a/b+json", "application/json; charset=utf-8"]
        {
            assert!(MediaType::parse(text).unwrap().is_json(), "{text}");
        }
        for text in ["application/jsonl", "application/json+xml", "application/x-json"] {
            assert!(!MediaType::parse(text).unwrap().is_json(), "{text}");
        }
    }

    #[test]
    fn text_is_known_by_its_kind_and_its_characters() {
        for text in [
            "text/plain",
            "text/xml; charset=UTF-8",
            "application/xml",
            "image/svg+xml",
            "application/yaml;charset=\"utf-8\"",
        ] {
            assert!(MediaType::parse(text).unwrap().is_text(), "{text}");
        }
        for text in ["application/octet-stream", "text/plain; charset=latin1", "image/png"] {
            assert!(!MediaType::parse(text).unwrap().is_text(), "{text}");
        }
    }

    #[test]
    fn what_is_no_media_type_is_seen() {
        for text in [
            "",
            "/",
            "a",
            "a/",
            "/b",
            "a/b/c",
            " a/b",
            "a/b ",
            "a /b",
            "a/b;",
            "a/b; ",
            "a/b;c",
            "a/b;c=",
            "a/b;=d",
            "a/b;c=d;",
            "a/b;c=d ",
            "a/b;c=\"d",
            "a/b;c=\"d\"e",
            "a/b;c=d e",
            "a/é",
            "a/b;c=\"é\"",
            "a/b,c/d",
            "a/b;c=\"\\",
        ] {
            assert_eq!(MediaType::parse(text), None, "{text}");
        }
        for text in ["a/b;c=\"d\\\"e;f\" ; g=h", "a/b ;c=d", "a/b;c=\"\"", "!#$/%&'"] {
            assert!(MediaType::parse(text).is_some(), "{text}");
        }
    }
}
