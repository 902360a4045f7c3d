//! Circuits of destinations: what they are called, and what an attempt says of the endpoint. Pure,
//! but for the circuit that is told.

use foundation::{CircuitPermit, Result, codes as system_codes};
use ring::digest::{SHA256, digest};

use super::encode::push_hex;
use super::url::Url;
use crate::codes;

/// How many bytes of a digest are in a name: so many that nobody makes two paths with the same.
const DIGEST: usize = 16;
/// How much of an origin is in a name, in bytes: a circuit's has 255 at most.
const LONGEST_ORIGIN: usize = 255 - "…#".len() - 2 * DIGEST;

/// What an attempt says of the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is there and works, whatever it answers.
    Works,
    /// It does not.
    Fails,
    /// Nothing.
    Nothing,
}

/// What the circuit of a URL is called: by its origin and by a digest of the URL without its query.
/// Paths may be long, and often are secrets, so that they are not in it.
pub(super) fn key(url: &Url) -> String {
    let origin = url.origin();
    let whole = digest(&SHA256, format!("{origin}{}", url.path.path()).as_bytes());
    let mut key = match origin.get(..LONGEST_ORIGIN) {
        // What is left out is in the digest.
        Some(beginning) if beginning.len() < origin.len() => format!("{beginning}…"),
        _ => origin,
    };
    key.push('#');
    for byte in whole.as_ref().iter().take(DIGEST) {
        push_hex(&mut key, *byte, b"0123456789abcdef");
    }
    key
}

/// Tells a circuit what came of an attempt.
pub(super) fn settle(permit: CircuitPermit, outcome: &Result<()>) {
    match verdict(outcome) {
        Verdict::Works => permit.success(),
        Verdict::Fails => permit.failure(),
        Verdict::Nothing => drop(permit),
    }
}

fn verdict(outcome: &Result<()>) -> Verdict {
    let Err(error) = outcome else { return Verdict::Works };
    let is = |code: foundation::Code| error.code() == code.name;
    let status = error.details().get("status").and_then(serde_json::Value::as_u64);
    match () {
        () if is(codes::HTTP_REFUSED) || is(codes::REDIRECT_REFUSED) => Verdict::Works,
        // Who asks for time is there; how long to wait is said in the answer.
        () if is(codes::HTTP_UNAVAILABLE) => match status {
            Some(500..) => Verdict::Fails,
            _ => Verdict::Nothing,
        },
        () if is(codes::TLS_FAILED) || is(system_codes::NETWORK_ERROR) => Verdict::Fails,
        () if is(system_codes::TIMEOUT) => Verdict::Fails,
        () => Verdict::Nothing,
    }
}

#[cfg(test)]
mod tests {
    //! What circuits are called, and what every error says of an endpoint.

    use std::collections::HashSet;

    use foundation::{Error, codes as system_codes};

    use super::super::url::Url;
    use super::{Verdict, key, verdict};
    use crate::codes;

    fn of(url: &str) -> String {
        key(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_circuit_is_called_by_origin_and_digest() {
        // sha256 of https://example.com:443/hooks/t0ken
        let expected = "https://example.com:443#3362d0619caae56ab4a21eb4f8fbe1a9";
        for url in [
            "https://example.com/hooks/t0ken",
            "https://EXAMPLE.com:443/hooks/t0ken?key=s3cret#part",
            "HTTPS://example.com/hooks/t0ken?",
        ] {
            assert_eq!(of(url), expected, "{url}");
        }
        assert_eq!(of("https://example.com"), of("https://example.com/?a"));
    }

    #[test]
    fn whatever_is_another_destination_has_another_name_which_is_short() {
        let (long, host) = ("a".repeat(1700), "b".repeat(252));
        let urls = [
            "https://example.com/".to_owned(),
            "http://example.com/".to_owned(),
            "https://example.com:444/".to_owned(),
            "https://example.org/".to_owned(),
            "https://example.com//".to_owned(),
            "https://example.com/a".to_owned(),
            "https://example.com/A".to_owned(),
            "https://example.com/a/".to_owned(),
            "https://[2606:4700::1]/".to_owned(),
            format!("https://example.com/{long}"),
            format!("https://example.com/{long}/"),
            format!("https://{host}b/{long}"),
            format!("https://{host}c/{long}"),
            format!("https://{host}c:444/{long}"),
            format!("https://{host}c/{long}a"),
        ];
        let keys: HashSet<_> = urls.iter().map(|url| of(url)).collect();
        assert_eq!(keys.len(), urls.len());
        assert!(keys.iter().all(|key| key.len() <= 255), "{keys:?}");
        assert_eq!(keys.iter().map(String::len).max(), Some(255));
    }

    #[test]
    fn only_what_says_that_it_does_not_work_is_a_failure() {
        let with = |code: foundation::Code, status: u16| {
            Err(Error::from(code).with_detail("status", status))
        };
        for (outcome, expected) in [
            (Ok(()), Verdict::Works),
            (with(codes::HTTP_REFUSED, 404), Verdict::Works),
            (with(codes::REDIRECT_REFUSED, 302), Verdict::Works),
            (with(codes::HTTP_UNAVAILABLE, 408), Verdict::Nothing),
            (with(codes::HTTP_UNAVAILABLE, 429), Verdict::Nothing),
            (with(codes::HTTP_UNAVAILABLE, 500), Verdict::Fails),
            (with(codes::HTTP_UNAVAILABLE, 503), Verdict::Fails),
            (Err(codes::TLS_FAILED.into()), Verdict::Fails),
            (Err(system_codes::NETWORK_ERROR.into()), Verdict::Fails),
            (Err(system_codes::TIMEOUT.into()), Verdict::Fails),
            (Err(codes::ADDRESS_REFUSED.into()), Verdict::Nothing),
            (Err(system_codes::SYSTEM_STOPPING.into()), Verdict::Nothing),
            (Err(codes::INVALID_SIGNAL.into()), Verdict::Nothing),
        ] {
            assert_eq!(verdict(&outcome), expected, "{outcome:?}");
        }
    }
}
