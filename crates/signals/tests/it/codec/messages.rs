//! HTTP messages: which mode they are in, and what is in their headers and bodies.

use bytes::Bytes;
use serde_json::json;
use signals::codec::{Codec, Received};
use signals::{Data, Draft, Signal};

use super::{BINARY, assert_same_in_every_form, binary, headers};

fn draft() -> Draft {
    Signal::new("order.paid", "/shop").id("1")
}

#[test]
fn what_is_in_headers_is_in_percent_encoding() {
    let signal = draft().subject("Euro € 😀").extension("quote", "\"100%\"").build().unwrap();
    let (headers, body) = Codec::default().encode_binary(&signal).unwrap();
    assert_eq!(headers["ce-subject"], "Euro%20%E2%82%AC%20%F0%9F%98%80");
    assert_eq!(headers["ce-quote"], "%22100%25%22");
    assert_eq!((body, headers.get("content-type")), (Bytes::new(), None));
    assert_same_in_every_form(&signal);
}

#[test]
fn what_older_senders_write_is_read() {
    let mut all = BINARY.to_vec();
    all.push(("CE-Subject", "\"the \\\"first\\\" 100%25\""));
    let received = Codec::default().decode(&headers(&all), Bytes::new()).unwrap();
    assert_eq!(received.into_signals()[0].subject(), Some("the \"first\" 100%"));
}

#[test]
fn the_mode_is_told_by_the_content_type() {
    let (codec, signal) = (Codec::default(), draft().build().unwrap());
    let json = codec.encode_json(&signal).unwrap();
    for content_type in [
        "application/cloudevents+json",
        "application/cloudevents+json; charset=utf-8",
        "Application/CloudEvents+JSON;charset=\"UTF-8\"",
        " application/cloudevents+json ",
    ] {
        let received = codec.decode(&headers(&[("content-type", content_type)]), json.clone());
        assert_eq!(received.unwrap(), Received::Structured(signal.clone()), "{content_type}");
    }
    // Attributes may be in headers beside; those in the body count.
    let mut all = BINARY.to_vec();
    all.extend([("ce-id", "2"), ("content-type", "application/cloudevents+json")]);
    let received = codec.decode(&headers(&all), json.clone()).unwrap();
    assert_eq!(received, Received::Structured(signal.clone()));
    let header = headers(&[("content-type", "application/CLOUDEVENTS-batch+json")]);
    let received = codec.decode(&header, format!("[{}]", String::from_utf8_lossy(&json)).into());
    assert_eq!(received.unwrap().into_signals(), [signal]);
}

#[test]
fn a_body_is_what_its_media_type_makes_it() {
    for (content_type, body, data) in [
        ("application/json", b"{}".as_slice(), Data::Json(json!({}))),
        ("application/json; charset=utf-8", b"null", Data::Json(json!(null))),
        ("application/problem+json", b" [1] ", Data::Json(json!([1]))),
        ("text/plain", "é".as_bytes(), Data::Text("é".into())),
        ("text/plain;charset=latin1", b"\xe9", Data::Binary(Bytes::from_static(b"\xe9"))),
        ("text/plain", b"\xff", Data::Binary(Bytes::from_static(b"\xff"))),
        ("application/xml", b"<a/>", Data::Text("<a/>".into())),
        ("image/svg+xml", b"<svg/>", Data::Text("<svg/>".into())),
        ("application/octet-stream", b"abc", Data::Binary(Bytes::from_static(b"abc"))),
        ("image/png", b"\x89PNG", Data::Binary(Bytes::from_static(b"\x89PNG"))),
        ("application/json", b"", Data::None),
        ("text/plain", b"", Data::None),
    ] {
        let signal = binary(content_type, body).unwrap();
        let kind = std::mem::discriminant(signal.data());
        assert_eq!((kind, signal.data()), (std::mem::discriminant(&data), &data), "{content_type}");
        assert_eq!(signal.content_type(), Some(content_type));
        assert_same_in_every_form(&signal);
    }
}

#[test]
fn a_body_without_a_media_type_is_bytes() {
    let received = Codec::default().decode(&headers(&BINARY), "{}".into()).unwrap();
    let signal = received.into_signals().remove(0);
    assert_eq!(signal.data().as_bytes(), Some(&Bytes::from_static(b"{}")));
    assert_same_in_every_form(&signal);
}

#[test]
fn data_of_every_kind_is_the_same_in_every_form() {
    for data in [
        Data::None,
        json!(null).into(),
        json!("").into(),
        json!([[[]]]).into(),
        json!(-0.0).into(),
        json!(0.1).into(),
        json!(1.797_693_134_862_315_7e308).into(),
        json!(5e-324).into(),
        json!(u64::MAX).into(),
        json!(i64::MIN).into(),
        json!({ "": { "\u{0}\"\\": "\u{10ffff}" } }).into(),
        Data::Text("\u{0}é".into()),
        Bytes::from_static(b"\0\xff").into(),
    ] {
        assert_same_in_every_form(&draft().data(data).build().unwrap());
    }
    for content_type in ["application/x-whatever", "application/xml", "text/a; b=\"c d\""] {
        let draft = || draft().content_type(content_type);
        assert_same_in_every_form(&draft().build().unwrap());
        assert_same_in_every_form(&draft().bytes("abc").build().unwrap());
        assert_same_in_every_form(&draft().bytes(b"\xff".as_slice()).build().unwrap());
        assert_same_in_every_form(&draft().data(Data::Text("abc".into())).build().unwrap());
    }
}

#[test]
fn what_binary_mode_cannot_say_is_refused_there_alone() {
    let codec = Codec::default();
    let inner = codec.encode_json(&draft().build().unwrap()).unwrap();
    for draft in [
        draft().bytes(inner).content_type("application/cloudevents+json"),
        draft().data(Data::Text("é".into())).content_type("text/plain; charset=latin1"),
        draft().json(json!("é")).content_type("application/json; charset=utf-16"),
    ] {
        let signal = draft.build().unwrap();
        let error = codec.encode_binary(&signal).unwrap_err();
        assert_eq!(error.code(), "invalid_signal");
        assert_eq!(error.details()["attribute"], "datacontenttype");
        assert_eq!(codec.decode_json(&codec.encode_json(&signal).unwrap()).unwrap(), signal);
    }
    // Bytes in other characters are sent as they are.
    let draft = draft().bytes(b"\xe9".as_slice()).content_type("text/plain; charset=latin1");
    assert_same_in_every_form(&draft.build().unwrap());
}

#[test]
fn bytes_are_not_copied() {
    let bytes = Bytes::from(vec![7; 100]);
    let signal = draft().bytes(bytes.clone()).build().unwrap();
    let (headers, body) = Codec::default().encode_binary(&signal).unwrap();
    assert_eq!(body.as_ptr(), bytes.as_ptr());
    let received = Codec::default().decode(&headers, body).unwrap().into_signals().remove(0);
    assert_eq!(received.data().as_bytes().unwrap().as_ptr(), bytes.as_ptr());
}
