//! Webhooks, as their receivers see them.

use std::time::Duration;

use foundation::Result;
use jiff::Timestamp;
use signals::{Destination, Signal, WebhookOptions, WebhookScheme, WebhookSecret, WebhookVerifier};

use super::server::{Reply, Request, Server};
use super::{Sender, is_taken, post};

fn secret(text: &str) -> WebhookSecret {
    WebhookSecret::new(text).unwrap()
}

fn verify(
    request: &Request,
    scheme: WebhookScheme,
    secrets: &[&str],
    now: Timestamp,
) -> Result<()> {
    let secrets = secrets.iter().map(|text| secret(text)).collect();
    WebhookVerifier::new(scheme, secrets).unwrap().verify(&request.headers, &request.body, now)
}

/// What a server got from whoever signs with these secrets.
async fn sent(sender: &Sender, scheme: WebhookScheme, secrets: &[&str], signal: Signal) -> Request {
    let server = Server::always(&sender.system, Reply::status(200, "")).await;
    let options = WebhookOptions::new(post(&server.url("/")), secret(secrets[0])).scheme(scheme);
    let options = secrets[1..].iter().fold(options, |it, text| it.and_secret(secret(text)));
    let webhook = Destination::webhook(options).unwrap();
    let report = sender.dispatcher.dispatch(signal, &[webhook]).await.unwrap();
    assert!(is_taken(&report.receipts()[0]), "{report:?}");
    server.requests()[0].clone()
}

fn paid(id: &str) -> Signal {
    Signal::new("order.paid", "/shop").id(id).build().unwrap()
}

const OLD: &str = "the old secret, 1234";
const NEW: &str = "the new secret, 5678";

#[tokio::test]
async fn a_receiver_knows_who_has_sent_a_signal() {
    let sender = Sender::new().await;
    for scheme in [WebhookScheme::standard(), WebhookScheme::jido()] {
        let request = sent(&sender, scheme.clone(), &[OLD], paid("7")).await;
        let now = sender.system.now();
        verify(&request, scheme.clone(), &[OLD], now).unwrap();
        verify(&request, scheme.clone(), &[NEW, OLD], now).unwrap();
        let error = verify(&request, scheme.clone(), &[NEW], now).unwrap_err();
        assert_eq!((error.code(), error.is_retryable()), ("signature_wrong", false));
        let mut changed = request.clone();
        changed.body[0] ^= 1;
        assert_eq!(verify(&changed, scheme, &[OLD], now).unwrap_err().code(), "signature_wrong");
    }
    sender.stop().await;
}

#[tokio::test]
async fn while_secrets_change_both_sides_understand_each_other() {
    let sender = Sender::new().await;
    for scheme in [WebhookScheme::standard(), WebhookScheme::jido()] {
        let request = sent(&sender, scheme.clone(), &[OLD, NEW], paid("7")).await;
        let now = sender.system.now();
        for secrets in [&[OLD][..], &[NEW], &[NEW, OLD]] {
            verify(&request, scheme.clone(), secrets, now).unwrap();
        }
        verify(&request, scheme, &["neither of the two"], now).unwrap_err();
    }
    sender.stop().await;
}

#[tokio::test]
async fn a_signature_is_of_its_time() {
    let sender = Sender::new().await;
    let scheme = WebhookScheme::standard;
    let request = sent(&sender, scheme(), &[OLD], paid("7")).await;
    let at = request.headers["webhook-timestamp"].to_str().unwrap().parse().unwrap();
    let at = Timestamp::from_second(at).unwrap();
    let now = sender.system.now();
    assert!(now.duration_since(at).abs() < jiff::SignedDuration::from_secs(60));
    for apart in [-300, 0, 300] {
        let now = at + jiff::SignedDuration::from_secs(apart);
        verify(&request, scheme(), &[OLD], now).unwrap();
    }
    for apart in [-301, 301, 100_000] {
        let now = at + jiff::SignedDuration::from_secs(apart);
        let error = verify(&request, scheme(), &[OLD], now).unwrap_err();
        assert_eq!(error.code(), "signature_expired");
        assert_eq!(error.details()["apart_seconds"], apart.unsigned_abs());
        // Whoever has no secret does not learn that.
        assert_eq!(verify(&request, scheme(), &[NEW], now).unwrap_err().code(), "signature_wrong");
    }
    let verifier = WebhookVerifier::new(scheme(), vec![secret(OLD)]).unwrap();
    let verifier = verifier.tolerance(Duration::from_secs(10)).unwrap();
    let verified = |apart| {
        let now = at + jiff::SignedDuration::from_secs(apart);
        verifier.verify(&request.headers, &request.body, now).is_ok()
    };
    assert_eq!([-11, -10, 10, 11].map(verified), [false, true, true, false]);
    sender.stop().await;
}

#[tokio::test]
async fn the_id_stays_the_same_when_it_is_tried_again_and_the_time_is_new() {
    let sender = Sender::new().await;
    let server = Server::start(&sender.system, |number| match number {
        1 => Reply::with(503, "retry-after: 2\r\n", ""),
        _ => Reply::status(200, ""),
    });
    let server = server.await;
    let options = WebhookOptions::new(post(&server.url("/")), secret(OLD));
    let webhook = Destination::webhook(options).unwrap();
    assert!(is_taken(&sender.send_to(&webhook).await));
    let [first, second] = &server.requests()[..] else { panic!("two requests") };
    assert_eq!(first.headers["webhook-id"], "7");
    assert_eq!(second.headers["webhook-id"], "7");
    let at = |request: &Request| -> i64 {
        request.headers["webhook-timestamp"].to_str().unwrap().parse().unwrap()
    };
    assert!(at(second) > at(first));
    for request in [first, second] {
        verify(request, WebhookScheme::standard(), &[OLD], sender.system.now()).unwrap();
    }
    sender.stop().await;
}

#[tokio::test]
async fn headers_are_called_as_somebody_wants() {
    let sender = Sender::new().await;
    let scheme = WebhookScheme::jido().timestamp_header("x-time").signature_header("x-sign");
    let scheme = scheme.event_header("x-event");
    let request = sent(&sender, scheme.clone(), &[OLD], paid("7")).await;
    assert_eq!(request.headers["x-event"], "order.paid");
    assert_eq!(request.headers["x-sign"].len(), 64);
    verify(&request, scheme, &[OLD], sender.system.now()).unwrap();
    sender.stop().await;
}

#[tokio::test]
async fn any_id_can_be_signed_and_none_takes_what_is_the_times() {
    let sender = Sender::new().await;
    let scheme = WebhookScheme::standard;
    for (id, written) in [("a.1", "a%2E1"), ("ü 1", "%C3%BC%201"), ("50%", "50%25")] {
        let request = sent(&sender, scheme(), &[OLD], paid(id)).await;
        assert_eq!(request.headers["webhook-id"], written);
        verify(&request, scheme(), &[OLD], sender.system.now()).unwrap();
    }
    sender.stop().await;
}

#[tokio::test]
async fn what_is_missing_or_there_twice_is_refused() {
    let sender = Sender::new().await;
    let scheme = WebhookScheme::standard;
    let request = sent(&sender, scheme(), &[OLD], paid("7")).await;
    let now = sender.system.now();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let mut changed = request.clone();
        let value = changed.headers.remove(name).unwrap();
        let error = verify(&changed, scheme(), &[OLD], now).unwrap_err();
        assert_eq!((error.code(), &error.details()["header"]), ("signature_missing", &name.into()));
        changed.headers.insert(name, "".parse().unwrap());
        let error = verify(&changed, scheme(), &[OLD], now).unwrap_err();
        assert_eq!(error.code(), "signature_missing");
        changed.headers.insert(name, value.clone());
        verify(&changed, scheme(), &[OLD], now).unwrap();
        changed.headers.append(name, value);
        let error = verify(&changed, scheme(), &[OLD], now).unwrap_err();
        assert_eq!(error.code(), "signature_wrong");
    }
    sender.stop().await;
}
