//! Every text comes back as what it was made of.

use super::Bytes;
use super::text::{fingerprint, fingerprint_of, number, stream, time, wake, wake_of};
use crate::append::Wake;
use crate::format::time_from;

#[test]
fn bytes_that_are_readable_are_text_and_others_base64_and_both_come_back() {
    for (bytes, is_text) in [
        (&b""[..], true),
        (b"plain \"quoted\" \\", true),
        ("übrig \u{10ffff}".as_bytes(), true),
        (b"line\nfeed", false),
        (b"\x7f", false),
        (b"\xff\x00", false),
        (b"\xed\xa0\x80", false),
    ] {
        let written = Bytes::of(bytes);
        assert_eq!(matches!(written, Bytes::Text(_)), is_text, "{bytes:?}");
        assert_eq!(written.bytes().as_deref(), Ok(bytes));
    }
    assert!(Bytes::Base64("no base64".to_owned()).bytes().is_err());
}

#[test]
fn every_time_that_can_be_stored_comes_back() {
    let (first, last) = (-377_705_023_201_000_000_i64, 253_402_207_200_999_999);
    for microseconds in [first, first + 1, -1, 0, 1, 1_767_323_045_000_006, last] {
        let at = time_from(microseconds).unwrap();
        assert_eq!(time(&at.to_string()), Ok(at), "{microseconds}");
        assert_eq!(wake(&wake_of(Wake::At(at))), Ok(Wake::At(at)));
    }
    assert_eq!(time("2026-01-02T03:04:05.000006999Z"), time("2026-01-02T03:04:05.000006Z"));
    assert!(time("yesterday").is_err());
    for woken in [Wake::Never, Wake::Now] {
        assert_eq!(wake(&wake_of(woken)), Ok(woken));
    }
}

#[test]
fn fingerprints_have_32_digits_and_numbers_all_of_theirs() {
    for one in [0, 1, u128::MAX] {
        assert_eq!(fingerprint(&fingerprint_of(one)), Ok(one));
    }
    for wrong in ["", "1", "+0000000000000000000000000000001", "g0000000000000000000000000000000"] {
        assert!(fingerprint(wrong).is_err(), "{wrong}");
    }
    assert_eq!(number("18446744073709551615"), Ok(u64::MAX));
    assert!(number("18446744073709551616").is_err());
}

#[test]
fn the_first_slash_ends_the_kind_of_a_stream() {
    let id = stream("kind/a/b").unwrap();
    assert_eq!((id.kind(), id.id()), ("kind", "a/b"));
    for wrong in ["kind", "kind/", "/id", "Kind/id", "kind/\n"] {
        assert!(stream(wrong).is_err(), "{wrong}");
    }
}
