//! Options that cannot be.

use std::time::Duration;

use foundation::{BreakerOptions, Error, System};
use signals::{
    Destination, Dispatcher, HttpOptions, WebhookOptions, WebhookScheme, WebhookSecret,
    WebhookVerifier,
};

use super::MS;

fn field(error: &Error) -> String {
    assert_eq!((error.code(), error.is_retryable()), ("invalid_options", false));
    error.details()["field"].as_str().unwrap().to_owned()
}

#[test]
fn every_option_of_an_endpoint_is_checked() {
    let good = || HttpOptions::post("https://example.com/");
    let minute = Duration::from_mins(1);
    for (expected, options) in [
        ("url", HttpOptions::post("example.com")),
        ("url", HttpOptions::put("ftp://example.com/")),
        ("url", HttpOptions::patch("https://user:s3cret@example.com/")),
        ("url", HttpOptions::post("http://example.com/")),
        ("url", HttpOptions::post("http://10.0.0.1/").allow_private()),
        ("name", good().name("")),
        ("name", good().name("x".repeat(256))),
        ("headers", good().header("Host", "example.org")),
        ("headers", good().header("content-length", "0")),
        ("headers", good().header("ce-id", "8")),
        ("headers", good().header("x-a", "b\r\nx-c: d")),
        ("headers", good().header("x a", "b")),
        ("headers", (0..33).fold(good(), |options, n| options.header(format!("x-{n}"), ""))),
        ("attempts", good().attempts(0)),
        ("attempts", good().attempts(11)),
        ("attempt_deadline", good().attempt_deadline(Duration::ZERO)),
        ("attempt_deadline", good().attempt_deadline(minute + MS)),
        ("backoff", good().backoff(2 * MS, MS)),
        ("backoff", good().backoff(MS, minute + MS)),
        ("longest_retry_after", good().longest_retry_after(minute + MS)),
        ("redirects", good().redirects(4)),
        ("deadline", good().deadline(Duration::from_secs(5) - MS)),
        ("deadline", good().deadline(15 * minute + MS)),
    ] {
        let error = Destination::http(options).unwrap_err();
        assert_eq!(field(&error), expected);
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[test]
fn what_is_at_the_edge_is_taken() {
    let minute = Duration::from_mins(1);
    let most = HttpOptions::post("https://example.com/")
        .name("x".repeat(255))
        .attempts(10)
        .attempt_deadline(minute)
        .backoff(minute, minute)
        .longest_retry_after(minute)
        .redirects(3)
        .deadline(15 * minute);
    Destination::http(most).unwrap();
    // Without a deadline it is as long as it takes, and never too short.
    let long = HttpOptions::post("https://example.com/").attempt_deadline(minute).attempts(10);
    Destination::http(long.backoff(minute, minute)).unwrap();
    let least = HttpOptions::post("http://[::1]/").attempts(1).attempt_deadline(MS).deadline(MS);
    let least = least.backoff(Duration::ZERO, Duration::ZERO).longest_retry_after(Duration::ZERO);
    assert_eq!(Destination::http(least).unwrap().name(), "http://[::1]:80");
    let named = HttpOptions::post("https://example.com/").name("orders");
    assert_eq!(Destination::http(named).unwrap().name(), "orders");
}

#[test]
fn every_option_of_a_webhook_is_checked() {
    let secret = || WebhookSecret::new("0123456789abcdef").unwrap();
    let http = || HttpOptions::post("https://example.com/");
    let good = || WebhookOptions::new(http(), secret());
    let standard = WebhookScheme::standard;
    for (expected, options) in [
        ("url", WebhookOptions::new(HttpOptions::post("x"), secret())),
        ("binary", WebhookOptions::new(http().binary(), secret())),
        ("secrets", (0..5).fold(good(), |options, _| options.and_secret(secret()))),
        ("headers", WebhookOptions::new(http().header("webhook-id", "8"), secret())),
        ("scheme", good().scheme(standard().signature_header("a b"))),
        ("scheme", good().scheme(standard().signature_header("webhook-id"))),
        ("scheme", good().scheme(standard().timestamp_header("Content-Type"))),
        ("scheme", good().scheme(standard().id_header(""))),
        ("scheme", good().scheme(WebhookScheme::jido().event_header("x-webhook-timestamp"))),
    ] {
        assert_eq!(field(&Destination::webhook(options).unwrap_err()), expected);
    }
    Destination::webhook((0..4).fold(good(), |options, _| options.and_secret(secret()))).unwrap();
}

#[test]
fn a_secret_is_long_enough_and_not_too_long() {
    for wrong in [0, 15, 257] {
        assert_eq!(field(&WebhookSecret::new(vec![b'x'; wrong]).unwrap_err()), "secret");
    }
    for right in [16, 256] {
        WebhookSecret::new(vec![b'x'; right]).unwrap();
    }
    for wrong in
        ["", "whsec_", "whsec_!", "whsec_c2hvcnQ=", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYg=="]
    {
        assert_eq!(field(&WebhookSecret::parse(wrong).unwrap_err()), "secret");
    }
    WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
}

#[test]
fn every_option_of_a_verifier_is_checked() {
    let secret = || WebhookSecret::new("0123456789abcdef").unwrap();
    let verifier = |secrets| WebhookVerifier::new(WebhookScheme::standard(), secrets);
    assert_eq!(field(&verifier(Vec::new()).unwrap_err()), "secrets");
    assert_eq!(field(&verifier(vec![secret(); 6]).unwrap_err()), "secrets");
    let scheme = WebhookScheme::standard().id_header("a b");
    assert_eq!(field(&WebhookVerifier::new(scheme, vec![secret()]).unwrap_err()), "scheme");
    let good = verifier(vec![secret(); 5]).unwrap();
    for wrong in [Duration::ZERO, Duration::from_hours(24) + MS] {
        assert_eq!(field(&good.clone().tolerance(wrong).unwrap_err()), "tolerance");
    }
    good.tolerance(Duration::from_hours(24)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_option_of_a_dispatcher_is_checked() {
    let system = System::builder().name("test").start().await.unwrap();
    let builder = Dispatcher::builder;
    for (expected, builder) in [
        ("max_in_flight", builder().max_in_flight(0)),
        ("max_in_flight", builder().max_in_flight(100_001)),
        ("max_connections", builder().max_connections(0)),
        ("max_connections", builder().max_connections(10_001)),
        ("max_connections_per_origin", builder().max_connections_per_origin(0)),
        ("max_connections_per_origin", builder().max_connections_per_origin(10_001)),
        ("failure_threshold", builder().circuit(BreakerOptions::default().failure_threshold(0))),
        ("root_certificates", builder().root_certificates("")),
        ("root_certificates", builder().root_certificates("no certificate")),
        (
            "root_certificates",
            builder().root_certificates(
                "-----BEGIN CERTIFICATE-----\nMDEy\n-----END CERTIFICATE-----\n",
            ),
        ),
    ] {
        assert_eq!(field(&builder.build(&system).unwrap_err()), expected);
    }
    let most = builder().max_in_flight(100_000).max_connections(10_000);
    let _dispatcher = most.max_connections_per_origin(10_000).build(&system).unwrap();
    system.stop().await.unwrap();
}
