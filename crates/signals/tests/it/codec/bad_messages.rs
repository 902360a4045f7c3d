//! HTTP messages that are no signal.

use bytes::Bytes;
use signals::codec::Codec;

use super::{BINARY, binary, detail, headers};

fn refused(all: &[(&str, &str)], body: &'static [u8]) -> foundation::Error {
    Codec::default().decode(&headers(all), Bytes::from_static(body)).unwrap_err()
}

/// What is wrong with a message in binary mode that has one more header.
fn refused_with(name: &str, value: &str) -> foundation::Error {
    let mut all = BINARY.to_vec();
    all.push((name, value));
    refused(&all, b"")
}

#[test]
fn what_is_no_signal_in_a_form_that_is_read_is_told_by_its_content_type() {
    for content_type in [
        "application/cloudevents",
        "application/cloudevents+avro",
        "application/cloudevents+json; charset=utf-16",
        "application/cloudevents-batch+protobuf",
        "application/cloudevents-batch",
        "application/cloudeventsx+json",
        "application/json",
        "text/plain",
        "junk",
    ] {
        let error = refused(&[("content-type", content_type)], b"{}");
        assert_eq!(error.code(), "unsupported_content_type", "{content_type}");
        assert_eq!(detail(&error, "content_type"), content_type);
    }
    for all in [
        vec![],
        vec![("content-type", "application/cloudevents+json"), ("content-type", "text/plain")],
        vec![("content-type", "application/cloudevents+jsoné")],
    ] {
        assert_eq!(refused(&all, b"{}").code(), "unsupported_content_type", "{all:?}");
    }
}

#[test]
fn what_is_missing_in_the_headers_is_told_by_its_name() {
    for (header, _) in BINARY {
        let all: Vec<_> = BINARY.into_iter().filter(|(name, _)| *name != header).collect();
        let error = refused(&all, b"");
        assert_eq!(error.code(), "invalid_signal");
        assert_eq!(detail(&error, "attribute"), &header[3..]);
    }
}

#[test]
fn a_header_that_cannot_be_is_told_by_its_name() {
    for (name, value) in [
        ("ce-subject", ""),
        ("ce-subject", "%0A"),
        ("ce-time", "not-a-time"),
        ("ce-dataschema", "relative"),
        ("ce-id", "2"),
        ("ce-type", "order.paid"),
        ("ce-specversion", "1.0"),
        ("ce-data", "1"),
        ("ce-datacontenttype", "text/plain"),
        ("ce-data_base64", "AA=="),
        ("ce-with-line", "a"),
        ("ce-", "a"),
        ("ce-correlationid", ""),
    ] {
        let error = refused_with(name, value);
        let attribute = (error.code(), detail(&error, "attribute"));
        assert_eq!(attribute, ("invalid_signal", &name[3..].into()), "{name}: {value}");
    }
    for value in ["é", "%", "%4", "%zz", "%C0%A0", "%ED%A0%80", "\"a", "\"a\"b"] {
        let error = refused_with("ce-subject", value);
        assert_eq!(
            (error.code(), detail(&error, "reason")),
            ("unreadable_signal", &"encoding".into())
        );
        assert_eq!(detail(&error, "attribute"), "subject", "{value}");
    }
    let mut all = BINARY.to_vec();
    all.extend([("ce-tenant", "a"), ("ce-tenant", "b")]);
    assert_eq!(detail(&refused(&all, b""), "attribute"), "tenant");
}

#[test]
fn a_body_that_is_not_of_its_media_type_is_refused() {
    for (body, reason) in [
        (b"{".as_slice(), "truncated"),
        (b"I'm just a string", "syntax"),
        (b"{\"a\":1,\"a\":2}", "duplicate_key"),
        (b"\"\xff\"", "encoding"),
        (b"1 2", "syntax"),
    ] {
        let error = binary("application/json", body).unwrap_err();
        assert_eq!((error.code(), detail(&error, "reason")), ("unreadable_signal", &reason.into()));
    }
    let error = binary("junk", b"{}").unwrap_err();
    assert_eq!(
        (error.code(), detail(&error, "attribute")),
        ("invalid_signal", &"datacontenttype".into())
    );
}

#[test]
fn an_empty_body_is_no_signal_in_structured_mode() {
    for content_type in ["application/cloudevents+json", "application/cloudevents-batch+json"] {
        let error = refused(&[("content-type", content_type)], b"");
        assert_eq!(
            (error.code(), detail(&error, "reason")),
            ("unreadable_signal", &"empty".into())
        );
    }
}

#[test]
fn one_signal_is_no_batch_and_a_batch_is_not_one_signal() {
    for (content_type, body) in [
        ("application/cloudevents+json", b"[]".as_slice()),
        ("application/cloudevents-batch+json", b"{}"),
    ] {
        let error = refused(&[("content-type", content_type)], body);
        assert_eq!(detail(&error, "reason"), "shape");
    }
}
