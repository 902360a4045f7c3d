//! What an answer means. Pure.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::time::Duration;

use foundation::{Error, parse_retry_after};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use crate::codec::percent_decoded;
use crate::codes;

/// Shorter texts are no secrets, and may be part of anything.
const SHORTEST_SECRET: usize = 8;

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The signal was taken.
    Taken,
    /// The endpoint is elsewhere.
    Elsewhere,
    /// Trying again may help.
    Later,
    /// It was refused, and would be again.
    Refused,
}

/// What a status means.
pub(super) fn meaning(status: StatusCode) -> Meaning {
    match status.as_u16() {
        200..=299 => Meaning::Taken,
        300..=399 => Meaning::Elsewhere,
        // Too slow, too early, too many.
        408 | 425 | 429 | 500.. => Meaning::Later,
        // Also 410, by which an endpoint says that it wants nothing any more.
        _ => Meaning::Refused,
    }
}

/// When to come back, as the headers say.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    parse_retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, now)
}

/// The error of an answer that is no success, with what it says.
pub(super) fn error(status: StatusCode, retry_after: Option<Duration>, body: &str) -> Error {
    let (code, message) = match meaning(status) {
        Meaning::Later => (codes::HTTP_UNAVAILABLE, "the endpoint cannot take the signal now"),
        _ => (codes::HTTP_REFUSED, "the endpoint does not take the signal"),
    };
    let error = Error::from(code).with_message(format!("{message}: {}", status.as_u16()));
    let error = error.with_detail("status", status.as_u16());
    let error = if body.is_empty() { error } else { error.with_detail("body", body) };
    match retry_after.filter(|_| code == codes::HTTP_UNAVAILABLE) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// The beginning of a body, to show it: whatever it is, in one line.
pub(super) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A text without what must not be shown, where an answer repeats what it was sent: as it was sent,
/// or as it is meant.
pub(super) fn without<'a>(mut text: String, secrets: impl Iterator<Item = &'a str>) -> String {
    let mut all: Vec<Cow<'a, str>> = Vec::new();
    for secret in secrets {
        let meant = secret.contains('%').then(|| percent_decoded(secret)).flatten();
        all.extend(meant.map(Cow::Owned));
        all.push(Cow::Borrowed(secret));
    }
    all.retain(|secret| secret.len() >= SHORTEST_SECRET);
    // Of one that is part of another nothing is left.
    all.sort_unstable_by_key(|secret| Reverse(secret.len()));
    for secret in &all {
        text = text.replace(&**secret, "…");
        // What is shown may end within one.
        let mut begun = (SHORTEST_SECRET..secret.len()).rev().filter_map(|end| secret.get(..end));
        if let Some(before) = begun.find_map(|begun| text.strip_suffix(begun)) {
            text = format!("{before}…");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    //! Every status, and what is shown of a body.

    use http::StatusCode;

    use super::{Meaning, excerpt, meaning, without};

    #[test]
    fn every_status_has_one_meaning() {
        for code in 100..=999 {
            let expected = match code {
                200..=299 => Meaning::Taken,
                300..=399 => Meaning::Elsewhere,
                408 | 425 | 429 => Meaning::Later,
                500..=999 => Meaning::Later,
                _ => Meaning::Refused,
            };
            assert_eq!(meaning(StatusCode::from_u16(code).unwrap()), expected, "{code}");
        }
    }

    #[test]
    fn what_repeats_a_secret_is_shown_without_it() {
        let shown = |text: &str| {
            without(
                text.to_owned(),
                ["/a/s3cret-of-us", "t0ken-of-us", "t0ken-of-us-all", "a%20b%2Fc%3Dd%20e"]
                    .into_iter(),
            )
        };
        for (text, expected) in [
            ("no such user: t0ken-of-us!", "no such user: …!"),
            ("POST /a/s3cret-of-us t0ken-of-us t0ken-of-us", "POST … … …"),
            ("what is cut off: t0ken-of", "what is cut off: …"),
            ("what is cut off: /a/s3cret-of-u", "what is cut off: …"),
            ("too little to be one: t0ken-o", "too little to be one: t0ken-o"),
            ("it is a b/c=d e, or a%20b%2Fc%3Dd%20e", "it is …, or …"),
            ("t0ken-of-us-all and t0ken-of them", "… and t0ken-of them"),
            ("", ""),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn a_body_is_shown_in_one_line() {
        assert_eq!(excerpt(b" no\r\nsuch\x1b[31m user\xff \n"), "no  such [31m user\u{fffd}");
    }
}
