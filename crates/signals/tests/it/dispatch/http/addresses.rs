//! Addresses that signals must not reach.

use std::net::IpAddr;

use signals::{Destination, HttpOptions};

use super::server::{Reply, Server};
use super::{Sender, is_taken, post};

#[tokio::test]
async fn addresses_inside_are_refused_however_they_are_written() {
    let sender = Sender::new().await;
    let server = Server::always(&sender.system, Reply::status(200, "")).await;
    let port = server.address.port();
    for (host, class) in [
        ("127.0.0.1", "loopback"),
        ("127.1.2.3", "loopback"),
        ("[::1]", "loopback"),
        ("[::ffff:127.0.0.1]", "loopback"),
        ("[64:ff9b::7f00:1]", "loopback"),
        ("localhost", "loopback"),
        ("LOCALHOST", "loopback"),
        // The machine's resolver takes these for addresses.
        ("127.1", "loopback"),
        ("2130706433", "loopback"),
        ("0x7f000001", "loopback"),
        ("0177.0.0.1", "loopback"),
        ("10.0.0.1", "private"),
        ("192.168.0.1", "private"),
        ("100.64.0.1", "private"),
        ("[fd00::1]", "private"),
        ("169.254.169.254", "link-local"),
        ("[fe80::1]", "link-local"),
        ("0.0.0.0", "reserved"),
        ("[::]", "reserved"),
        ("224.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
    ] {
        let options = HttpOptions::post(format!("https://{host}:{port}/"));
        let (error, attempts) = sender.fail(options).await;
        assert_eq!((error.code(), error.is_retryable()), ("address_refused", false), "{host}");
        assert_eq!((&error.details()["class"], attempts), (&class.into(), 1), "{host}");
    }
    assert_eq!(server.connections(), 0);
    sender.stop().await;
}

#[tokio::test]
async fn what_is_allowed_is_allowed_alone() {
    let sender = Sender::new().await;
    let server = Server::always(&sender.system, Reply::status(200, "")).await;
    let url = server.url("/");
    for options in [
        HttpOptions::post(&url),
        HttpOptions::post(&url).allow_private().allow_link_local().allow_clear_text(),
    ] {
        assert_eq!(sender.fail(options).await.0.details()["class"], "loopback");
    }
    assert!(is_taken(&sender.send(HttpOptions::post(&url).allow_loopback()).await));
    let reserved = HttpOptions::post("https://0.0.0.0/").allow_loopback().allow_private();
    assert_eq!(sender.fail(reserved.allow_link_local()).await.0.details()["class"], "reserved");
    sender.stop().await;
}

#[tokio::test]
async fn a_name_is_judged_by_where_it_leads() {
    let inside: IpAddr = "127.0.0.1".parse().unwrap();
    let sender = Sender::with(|builder| builder.resolver(move |_| Ok(vec![inside]))).await;
    let server = Server::always(&sender.system, Reply::status(200, "")).await;
    let url = format!("http://hooks.example:{}/", server.address.port());
    let outside = HttpOptions::post(&url).allow_clear_text();
    assert_eq!(sender.fail(outside.clone()).await.0.code(), "address_refused");
    assert_eq!(server.connections(), 0);
    assert!(is_taken(&sender.send(outside.allow_loopback()).await));
    assert_eq!(
        server.requests()[0].headers["host"],
        format!("hooks.example:{}", server.address.port())
    );
    sender.stop().await;
}

#[tokio::test]
async fn clear_text_does_not_leave_this_machine_unless_it_may() {
    let public: IpAddr = "192.0.1.1".parse().unwrap();
    let sender = Sender::with(|builder| builder.resolver(move |_| Ok(vec![public]))).await;
    // What calls itself this machine may lead elsewhere.
    let (error, attempts) = sender.fail(post("http://localhost/")).await;
    assert_eq!((error.code(), attempts), ("address_refused", 1));
    assert!(error.details().get("class").is_none(), "{error:?}");
    let refused = Destination::http(HttpOptions::post("http://hooks.example/")).unwrap_err();
    assert_eq!((refused.code(), &refused.details()["field"]), ("invalid_options", &"url".into()));
    Destination::http(HttpOptions::post("http://hooks.example/").allow_clear_text()).unwrap();
    sender.stop().await;
}
