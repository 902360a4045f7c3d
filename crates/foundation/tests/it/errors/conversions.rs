//! `?` on errors of std and of libraries.

use std::io::{Error as IoError, ErrorKind};

use foundation::{Category, Error, Result};
use serde_json::Value;

/// What `?` makes of an error.
fn converted<E>(error: E) -> Error
where
    Error: From<E>,
{
    let question_mark = || -> Result<()> { Err(error)? };
    question_mark().unwrap_err()
}

#[test]
fn what_cannot_be_parsed_is_a_validation_error_named_after_its_type() {
    let no_text = Vec::from([0xff]);
    let table = [
        (converted("x".parse::<u8>().unwrap_err()), "parse_int_error"),
        (converted("x".parse::<f64>().unwrap_err()), "parse_float_error"),
        (converted("x".parse::<bool>().unwrap_err()), "parse_bool_error"),
        (converted("xy".parse::<char>().unwrap_err()), "parse_char_error"),
        (converted(char::try_from(0xd800_u32).unwrap_err()), "char_try_from_error"),
        (converted(u8::try_from(300).unwrap_err()), "try_from_int_error"),
        (converted(<[u8; 2]>::try_from(&[1_u8][..]).unwrap_err()), "try_from_slice_error"),
        (converted(str::from_utf8(&no_text).unwrap_err()), "utf8_error"),
        (converted(String::from_utf8(vec![0xff]).unwrap_err()), "from_utf8_error"),
        (converted(String::from_utf16(&[0xd800]).unwrap_err()), "from_utf16_error"),
        (converted("x".parse::<std::net::IpAddr>().unwrap_err()), "addr_parse_error"),
        (converted(std::ffi::CString::new("a\0b").unwrap_err()), "nul_error"),
        (
            converted(std::ffi::CStr::from_bytes_with_nul(b"a").unwrap_err()),
            "from_bytes_with_nul_error",
        ),
        (
            converted(std::path::Path::new("/a").strip_prefix("/b").unwrap_err()),
            "strip_prefix_error",
        ),
        (converted(std::env::VarError::NotPresent), "var_error"),
        (
            converted(std::time::Duration::try_from_secs_f64(f64::NAN).unwrap_err()),
            "try_from_float_secs_error",
        ),
        (converted(serde_json::from_str::<Value>("{").unwrap_err()), "serde_json_error"),
        (converted("x".parse::<jiff::Timestamp>().unwrap_err()), "jiff_error"),
        (converted("x".parse::<uuid::Uuid>().unwrap_err()), "uuid_error"),
    ];
    for (error, code) in table {
        assert_eq!((error.code(), error.category()), (code, Category::Validation), "{error:?}");
        assert!(error.report().to_string().contains("caused by: "), "{error:?}");
    }
}

#[test]
fn an_io_error_is_judged_by_its_kind_and_says_what_it_carries() {
    let table = [
        (ErrorKind::ConnectionReset, Category::Infrastructure),
        (ErrorKind::TimedOut, Category::Infrastructure),
        (ErrorKind::NotFound, Category::Validation),
        (ErrorKind::StorageFull, Category::System),
    ];
    for (kind, category) in table {
        let error = converted(IoError::from(kind));
        assert_eq!((error.code(), error.category()), ("io_error", category), "{kind}");
    }
    let ours = Error::business("closed_today").with_detail("until", 7);
    assert_eq!(converted(IoError::other(ours.clone())), ours);
}

#[test]
fn json_that_could_not_be_read_is_an_io_error() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(ErrorKind::ConnectionReset.into())
        }
    }
    let error = converted(serde_json::from_reader::<_, Value>(Broken).unwrap_err());
    assert_eq!((error.code(), error.category()), ("io_error", Category::Infrastructure));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_of_tokio_that_has_passed_is_a_timeout() {
    let never = std::future::pending::<()>();
    let elapsed = tokio::time::timeout(std::time::Duration::from_secs(1), never).await;
    let error = converted(elapsed.unwrap_err());
    assert_eq!((error.code(), error.category()), ("timeout", Category::Infrastructure));
}

#[test]
fn normalizing_gives_what_the_question_mark_gives() {
    struct Refusing;
    impl std::io::Read for Refusing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(IoError::other(Error::validation("too_large")))
        }
    }
    let parse = || "x".parse::<u8>().unwrap_err();
    let io = || IoError::from(ErrorKind::TimedOut);
    assert_eq!(Error::normalize(parse()), converted(parse()));
    assert_eq!(Error::normalize(io()), converted(io()));
    let reading = || serde_json::from_reader::<_, Value>(Refusing).unwrap_err();
    assert_eq!(Error::normalize(reading()).code(), "too_large");
    assert_eq!(Error::normalize(reading()), converted(reading()));
    let syntax = || serde_json::from_str::<Value>("{").unwrap_err();
    assert_eq!(Error::normalize(syntax()), converted(syntax()));
}
