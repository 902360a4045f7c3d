//! What is a URL here and what is not, and where redirects lead to.

use super::Url;

fn parsed(text: &str) -> Result<(String, String, String), &'static str> {
    Url::parse(text).map(|url| (url.origin(), url.authority(), url.path.to_string()))
}

#[test]
fn a_url_is_taken_apart() {
    for (text, origin, authority, path) in [
        ("https://example.com", "https://example.com:443", "example.com", "/"),
        ("https://EXAMPLE.com:443/a?b=c#d", "https://example.com:443", "example.com", "/a?b=c"),
        ("http://example.com:8080/", "http://example.com:8080", "example.com:8080", "/"),
        ("http://example.com:443/", "http://example.com:443", "example.com:443", "/"),
        ("https://[2606:4700::1]:80/", "https://[2606:4700::1]:80", "[2606:4700::1]:80", "/"),
        ("http://10.0.0.1?a", "http://10.0.0.1:80", "10.0.0.1", "/?a"),
        ("https://a_b.example.", "https://a_b.example.:443", "a_b.example.", "/"),
    ] {
        let expected = (origin.to_owned(), authority.to_owned(), path.to_owned());
        assert_eq!(parsed(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_url_of_an_endpoint_is_refused() {
    let long = format!("https://example.com/{}", "a".repeat(2048));
    let long_host = format!("https://{}/", "a".repeat(254));
    for text in [
        "",
        "/path",
        "example.com",
        "example.com:443",
        "ftp://example.com/",
        "file:///etc/passwd",
        "unix:/run/socket",
        "https://",
        "https:///path",
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://example.com:0/",
        "https://example.com:/",
        "https://example.com:65536/",
        "https://example.com:80a/",
        "https://[::1",
        "https://[fe80::1%25eth0]/",
        "https://[10.0.0.1]/",
        "https://exa mple.com/",
        "https://example.com/a b",
        "https://exämple.com/",
        "https://example.com\\@evil.com/",
        "https://example.com/\r\nHost: evil",
        "https://a;b/",
        &long,
        &long_host,
    ] {
        assert!(parsed(text).is_err(), "{text:?} became {:?}", parsed(text));
    }
}

#[test]
fn whoever_forgets_the_scheme_is_told() {
    for text in ["", "example.com", "example.com/hook", "example.com:443/hook", "ftp://example.com"]
    {
        assert_eq!(Url::parse(text).unwrap_err(), "it begins with https:// or http://", "{text}");
    }
}

#[test]
fn a_location_is_taken_from_where_it_was_given() {
    let from = Url::parse("https://example.com:8443/a/b?c").unwrap();
    for (location, origin, path) in [
        ("https://other.com/x", "https://other.com:443", "/x"),
        ("http://other.com/x", "http://other.com:80", "/x"),
        ("//other.com:1/x", "https://other.com:1", "/x"),
        ("/x?y#z", "https://example.com:8443", "/x?y"),
        ("x", "https://example.com:8443", "/a/x"),
        ("?y", "https://example.com:8443", "/a/b?y"),
        ("", "https://example.com:8443", "/a/b"),
        ("x/http://y", "https://example.com:8443", "/a/x/http://y"),
    ] {
        let to = from.join(location).unwrap();
        assert_eq!((&*to.origin(), to.path.as_str()), (origin, path), "{location}");
    }
    for location in
        ["ftp://other.com/", "javascript:alert(1)", "https://u:p@other.com/", "//", "a b"]
    {
        assert!(from.join(location).is_err(), "{location}");
    }
}

#[test]
fn a_url_is_shown_without_what_may_be_secret() {
    let url = Url::parse("https://example.com/hooks/t0ken?key=s3cret").unwrap();
    for shown in [format!("{url}"), format!("{url:?}"), url.origin()] {
        assert_eq!(shown, "https://example.com:443");
    }
}

#[test]
fn names_of_this_machine_are_known() {
    for (text, expected) in [
        ("http://localhost/", true),
        ("http://LOCALHOST./", true),
        ("http://a.localhost/", true),
        ("http://127.3.2.1/", true),
        ("http://[::1]/", true),
        ("http://[::ffff:127.0.0.1]/", true),
        ("http://notlocalhost/", false),
        ("http://localhost.com/", false),
        ("http://10.0.0.1/", false),
    ] {
        assert_eq!(Url::parse(text).unwrap().host.is_loopback(), expected, "{text}");
    }
}
