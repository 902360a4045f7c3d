//! Headers that an endpoint is sent beside those of the signal. Pure.

use foundation::Result;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::invalid_options;

/// How many there may be.
const MOST: usize = 32;
/// How long a value may be, in bytes: servers take 8 KiB for all headers together.
const LONGEST: usize = 4096;

/// Those that belong to the connection, to the message, or to the signal.
pub(super) const TAKEN: [&str; 17] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];

/// The headers that somebody wants to be sent.
pub(super) fn checked(wanted: &[(String, String)]) -> Result<HeaderMap> {
    if wanted.len() > MOST {
        return Err(invalid_options("headers", "there are 32 at most"));
    }
    let mut headers = HeaderMap::with_capacity(wanted.len());
    for (name, value) in wanted {
        let name = checked_name("headers", name)?;
        let is_taken = TAKEN.contains(&name.as_str()) || name.as_str().starts_with("ce-");
        if is_taken {
            let why = format!("{name} belongs to the message, not to whoever sends it");
            return Err(invalid_options("headers", &why));
        }
        let parsed = HeaderValue::from_str(value).ok().filter(|_| value.len() <= LONGEST);
        let Some(mut value) = parsed else {
            // Not the value, which may be secret.
            let why = format!("the value of {name} is too long or has what no header has");
            return Err(invalid_options("headers", &why));
        };
        value.set_sensitive(true);
        if headers.insert(name.clone(), value).is_some() {
            return Err(invalid_options("headers", &format!("{name} is there twice")));
        }
    }
    Ok(headers)
}

/// The name of a header, which `field` has.
pub(super) fn checked_name(field: &str, name: &str) -> Result<HeaderName> {
    HeaderName::try_from(name).map_err(|_| invalid_options(field, "it is no name of a header"))
}

/// What must not be shown of headers: values, and the words in them.
pub(super) fn secrets(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.values().filter(|value| value.is_sensitive());
    let values = values.filter_map(|value| value.to_str().ok());
    values.flat_map(|value| std::iter::once(value).chain(value.split([' ', '=', ',', ';', ':'])))
}

#[cfg(test)]
mod tests {
    //! Which headers may be sent, and that their values are not shown.

    use super::{checked, secrets};

    fn of(name: &str, value: &str) -> foundation::Result<http::HeaderMap> {
        checked(&[(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn headers_of_the_connection_the_message_and_the_signal_are_refused() {
        for name in super::TAKEN.into_iter().chain(["ce-type", "CE-ID", "Host", "a b", "", "ä"]) {
            let error = of(name, "x").unwrap_err();
            assert_eq!(
                (error.code(), &error.details()["field"]),
                ("invalid_options", &"headers".into())
            );
        }
        assert_eq!(of("Authorization", "Bearer x").unwrap()["authorization"], "Bearer x");
    }

    #[test]
    fn values_that_no_header_has_are_refused_and_not_shown() {
        for value in ["s3cret\r\nHost: evil", "s3cret\0", "s3cretä\n", &"s3cret".repeat(1000)] {
            let error = of("x-key", value).unwrap_err();
            assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        }
        let twice = [("x-key".to_owned(), "a".to_owned()), ("X-Key".to_owned(), "b".to_owned())];
        assert_eq!(checked(&twice).unwrap_err().code(), "invalid_options");
        let many: Vec<_> = (0..33).map(|n| (format!("x-{n}"), String::new())).collect();
        assert_eq!(checked(&many).unwrap_err().code(), "invalid_options");
        assert_eq!(checked(&many[..32]).unwrap().len(), 32);
    }

    #[test]
    fn values_and_their_words_are_secrets() {
        let headers = of("authorization", "Bearer t0ken").unwrap();
        assert!(!format!("{headers:?}").contains("t0ken"));
        assert_eq!(secrets(&headers).collect::<Vec<_>>(), ["Bearer t0ken", "Bearer", "t0ken"]);
    }
}
