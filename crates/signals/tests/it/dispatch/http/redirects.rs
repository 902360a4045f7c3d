//! Endpoints that say that they are elsewhere.

use signals::{Destination, WebhookOptions, WebhookSecret};

use super::server::{Reply, Server};
use super::{Sender, failed, is_taken, post};

fn to(status: u16, location: &str) -> Reply {
    Reply::with(status, &format!("location: {location}\r\n"), "")
}

#[tokio::test]
async fn redirects_are_not_followed_unless_that_is_allowed() {
    let sender = Sender::new().await;
    let server = Server::start(&sender.system, |number| match number % 2 {
        1 => to(307, "/there"),
        _ => Reply::status(200, ""),
    });
    let server = server.await;
    let (error, attempts) = sender.fail(post(&server.url("/here"))).await;
    assert_eq!((error.code(), error.is_retryable()), ("redirect_refused", false));
    assert_eq!((&error.details()["status"], attempts), (&307.into(), 1));
    assert_eq!(server.requests().len(), 1);

    let server = Server::start(&sender.system, |number| match number {
        1 => to(308, "/there"),
        _ => Reply::status(200, ""),
    });
    let server = server.await;
    let receipt = sender.send(post(&server.url("/here")).redirects(1)).await;
    assert!(is_taken(&receipt) && receipt.attempts == 1, "{receipt:?}");
    let [first, second] = &server.requests()[..] else { panic!("two requests") };
    assert_eq!((&*first.path, &*second.path), ("/here", "/there"));
    assert_eq!((&*second.method, &second.body), ("POST", &first.body));
    sender.stop().await;
}

#[tokio::test]
async fn only_redirects_that_keep_the_method_are_followed() {
    let sender = Sender::new().await;
    for status in [300, 301, 302, 303, 304] {
        let server = Server::always(&sender.system, to(status, "/there")).await;
        let (error, _) = sender.fail(post(&server.url("/")).redirects(3)).await;
        assert_eq!((error.code(), server.requests().len()), ("redirect_refused", 1), "{status}");
    }
    sender.stop().await;
}

#[tokio::test]
async fn a_loop_ends() {
    let sender = Sender::new().await;
    let server = Server::always(&sender.system, to(307, "/")).await;
    let (error, attempts) = sender.fail(post(&server.url("/")).redirects(3)).await;
    assert_eq!((error.code(), attempts), ("redirect_refused", 1));
    assert_eq!(server.requests().len(), 4);
    sender.stop().await;
}

#[tokio::test]
async fn where_it_leads_is_checked_like_where_it_began() {
    let sender = Sender::new().await;
    for (location, code) in [
        ("http://10.0.0.1/", "address_refused"),
        ("https://169.254.169.254/latest", "address_refused"),
        ("https://[fd00::1]/", "address_refused"),
        ("http://192.0.1.1/", "address_refused"),
        ("http://0.0.0.0/", "address_refused"),
        ("ftp://127.0.0.1/", "redirect_refused"),
        ("file:///etc/passwd", "redirect_refused"),
        ("http://user:password@127.0.0.1/", "redirect_refused"),
        ("http://", "redirect_refused"),
    ] {
        let server = Server::always(&sender.system, to(307, location)).await;
        let (error, attempts) = sender.fail(post(&server.url("/")).redirects(1)).await;
        assert_eq!((error.code(), attempts), (code, 1), "{location}");
        // Whether it is about who was asked, or where that has led to.
        let followed = error.details().get("redirects");
        assert_eq!(followed, (code == "address_refused").then_some(&1.into()), "{location}");
    }
    let server = Server::always(&sender.system, Reply::status(307, "")).await;
    assert_eq!(sender.fail(post(&server.url("/")).redirects(1)).await.0.code(), "redirect_refused");
    sender.stop().await;
}

#[tokio::test]
async fn another_origin_gets_neither_secrets_nor_a_signature() {
    let sender = Sender::new().await;
    let other = Server::always(&sender.system, Reply::status(200, "")).await;
    let location = other.url("/there");
    let server = Server::start(&sender.system, move |number| match number {
        1 => to(307, "/moved"),
        _ => to(307, &location),
    });
    let server = server.await;
    let options = post(&server.url("/")).header("authorization", "Bearer 1234").redirects(2);
    let secret = WebhookSecret::new("a secret of many bytes").unwrap();
    let webhook = Destination::webhook(WebhookOptions::new(options, secret)).unwrap();
    let receipt = sender.send_to(&webhook).await;
    assert!(is_taken(&receipt), "{:?}", failed(&receipt));
    for request in server.requests() {
        assert_eq!(request.headers["authorization"], "Bearer 1234");
        assert!(request.headers.contains_key("webhook-signature"));
    }
    let request = &other.requests()[0];
    assert_eq!(request.headers["host"], other.address.to_string());
    for name in ["authorization", "webhook-signature", "webhook-id", "webhook-timestamp"] {
        assert!(!request.headers.contains_key(name), "{name}");
    }
    assert_eq!(request.body, server.requests()[0].body);
    sender.stop().await;
}
