//! Signatures against values that another program has computed, and what is not one.

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;

use super::{WebhookScheme, WebhookSecret, WebhookVerifier};
use crate::dispatch::http::webhook::sign::Signer;

const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const AT: i64 = 1_614_265_330;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn at() -> Timestamp {
    Timestamp::from_second(AT).unwrap()
}

fn signed(scheme: &WebhookScheme, secret: WebhookSecret) -> HeaderMap {
    let signer = Signer { secrets: vec![secret], scheme: scheme.checked().unwrap() };
    let mut headers = HeaderMap::new();
    let of = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "a.b");
    signer.sign(&mut headers, of, &Bytes::from_static(BODY), at()).unwrap();
    headers
}

#[test]
fn signatures_are_those_that_another_program_computes() {
    // printf '%s.%s.%s' ID AT BODY | openssl dgst -sha256 -mac HMAC -macopt hexkey:KEY -binary |
    // base64
    let headers = signed(&WebhookScheme::standard(), WebhookSecret::parse(SECRET).unwrap());
    assert_eq!(headers["webhook-id"], "msg_p5jXN8AQM9LWM0D4loKWxJek");
    assert_eq!(headers["webhook-timestamp"], "1614265330");
    assert_eq!(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    // printf '%s.%s' AT BODY | openssl dgst -sha256 -hmac 0123456789abcdef
    let headers = signed(&WebhookScheme::jido(), WebhookSecret::new("0123456789abcdef").unwrap());
    assert_eq!(headers["x-webhook-event"], "a.b");
    assert_eq!(
        headers["x-webhook-signature"],
        "0d359f9ba554e6a83c3e5453aef1f598c2e3fa475c424382a6a858b8a9a45672"
    );
}

#[test]
fn one_signature_that_holds_is_enough_and_others_are_left_out() {
    let secret = || WebhookSecret::parse(SECRET).unwrap();
    let verifier = WebhookVerifier::new(WebhookScheme::standard(), vec![secret()]).unwrap();
    let good = signed(&WebhookScheme::standard(), secret());
    let signature = good["webhook-signature"].to_str().unwrap();
    let wrong = format!("v1,{}", "A".repeat(43) + "=");
    for (sent, holds) in [
        (signature.to_owned(), true),
        (format!("{wrong} {signature}"), true),
        (format!("v1a,AAAA v2,BBBB {signature} nonsense"), true),
        (wrong.clone(), false),
        (signature.replace("v1,", "v1a,"), false),
        (signature.replace("v1,", ""), false),
        (signature[..signature.len() - 4].to_owned(), false),
        (format!("{signature}AAAA"), false),
        ("v1,".to_owned(), false),
        (" ".to_owned() + signature, true),
        // More than are looked at.
        (format!("{} {signature}", [&*wrong; 8].join(" ")), false),
    ] {
        let mut headers = good.clone();
        headers.insert("webhook-signature", sent.parse().unwrap());
        let verified = verifier.verify(&headers, BODY, at());
        assert_eq!(verified.is_ok(), holds, "{sent}");
        if let Err(error) = verified {
            assert_eq!(error.code(), "signature_wrong");
        }
    }
}

#[test]
fn what_is_signed_cannot_be_cut_in_another_way() {
    let secret = || WebhookSecret::new("0123456789abcdef").unwrap();
    let verifier = WebhookVerifier::new(WebhookScheme::standard(), vec![secret()]).unwrap();
    let scheme = WebhookScheme::standard().checked().unwrap();
    // The same bytes as the id `a`, the time, and the body `2.b`, or as `a.AT`, 2 and `b`.
    let signature = scheme.write(&[secret().sign(&scheme.signed("a", &AT.to_string(), b"2.b"))]);
    let time = AT.to_string();
    let whole = [("webhook-id", "a"), ("webhook-timestamp", &time)];
    let shifted_id = format!("a.{AT}");
    let shifted = [("webhook-id", &*shifted_id), ("webhook-timestamp", "2")];
    for (pairs, body, now, expected) in [
        (whole, &b"2.b"[..], at(), Ok(())),
        (shifted, b"b", Timestamp::from_second(2).unwrap(), Err("signature_wrong")),
    ] {
        let mut headers = headers(&pairs);
        headers.insert("webhook-signature", signature.parse().unwrap());
        let verified = verifier.verify(&headers, body, now);
        assert_eq!(
            verified.map_err(|error| error.code().to_owned()),
            expected.map_err(str::to_owned)
        );
    }
}

#[test]
fn a_time_is_a_number_of_seconds() {
    let secret = || WebhookSecret::new("0123456789abcdef").unwrap();
    let scheme = WebhookScheme::jido().checked().unwrap();
    let verifier = WebhookVerifier::new(WebhookScheme::jido(), vec![secret()]).unwrap();
    for time in ["+1614265330", "-1", "1614265330.0", "now", "99999999999999999999", "0x10"] {
        let signature = scheme.write(&[secret().sign(&scheme.signed("", time, BODY))]);
        let pairs = [("x-webhook-timestamp", time), ("x-webhook-signature", &*signature)];
        let error = verifier.verify(&headers(&pairs), BODY, at()).unwrap_err();
        assert_eq!(error.code(), "signature_wrong", "{time}");
    }
}
