//! Where an answer leads to, and whether it is followed. Pure.

use foundation::{Error, Result};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};

use super::fault::refused_redirect;
use super::url::Url;

/// Where to go from `from`, if `left` more redirects may be followed.
pub(super) fn next(from: &Url, status: StatusCode, headers: &HeaderMap, left: u8) -> Result<Url> {
    let refused = |why: &str| -> Error { refused_redirect(status.as_u16(), why) };
    // Others have the signal become a question, without its body.
    if !matches!(status.as_u16(), 307 | 308) {
        return Err(refused("the endpoint is elsewhere, and only 307 and 308 are followed"));
    }
    if left == 0 {
        return Err(refused("the endpoint is elsewhere, and no more redirects are allowed"));
    }
    let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
    let location = location.ok_or_else(|| refused("the endpoint does not say where it is"))?;
    let to = from.join(location).map_err(|why| refused(&format!("where it leads to: {why}")))?;
    if from.is_tls && !to.is_tls {
        return Err(refused("what began with encryption does not go on without"));
    }
    Ok(to)
}

#[cfg(test)]
mod tests {
    //! Which redirects are followed.

    use http::{HeaderMap, StatusCode};

    use super::super::url::Url;
    use super::next;

    fn followed(from: &str, status: u16, location: &str, left: u8) -> Option<String> {
        let from = Url::parse(from).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("location", location.parse().unwrap());
        match next(&from, StatusCode::from_u16(status).unwrap(), &headers, left) {
            Ok(to) => Some(format!("{to}{}", to.path)),
            Err(error) => {
                assert_eq!(error.code(), "redirect_refused");
                assert_eq!(error.details()["status"], status);
                None
            }
        }
    }

    #[test]
    fn only_what_keeps_the_method_is_followed() {
        for status in 300..=399 {
            let to = followed("https://a.com/x", status, "/y", 1);
            assert_eq!(to.is_some(), matches!(status, 307 | 308), "{status}");
        }
    }

    #[test]
    fn encryption_is_never_given_up() {
        assert_eq!(followed("https://a.com/x", 307, "http://a.com/x", 1), None);
        assert!(followed("http://a.com/x", 307, "https://a.com/x", 1).is_some());
        assert!(followed("http://a.com/x", 307, "http://b.com/x", 1).is_some());
    }

    #[test]
    fn only_so_many_are_followed_and_only_to_somewhere() {
        assert_eq!(followed("https://a.com/x", 307, "/y", 0), None);
        assert_eq!(followed("https://a.com/x", 307, "/y", 1).unwrap(), "https://a.com:443/y");
        for nowhere in ["ftp://a.com/", "https://u:p@a.com/", "https://"] {
            assert_eq!(followed("https://a.com/x", 307, nowhere, 1), None, "{nowhere}");
        }
        let from = Url::parse("https://a.com/").unwrap();
        let error = next(&from, StatusCode::TEMPORARY_REDIRECT, &HeaderMap::new(), 1);
        assert_eq!(error.unwrap_err().code(), "redirect_refused");
    }
}
