//! What is sent, and what answers come to.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use signals::codec::{Codec, Received};
use signals::{Data, Destination, HttpOptions, LogLevel, Signal};

use super::server::{Reply, Server};
use super::{AMPLE, MS, Sender, failed, is_taken, post};

#[tokio::test]
async fn a_signal_arrives_as_one_object_of_json() {
    let sender = Sender::new().await;
    let server = Server::always(&sender.system, Reply::status(200, "thanks")).await;
    let signal = Signal::new("order.paid", "/shop").id("7").subject("order/7");
    let signal = signal.extension("priority", 5).json(json!({ "parcels": 2 }));
    let destination = Destination::http(post(&server.url("/hooks/a?key=b"))).unwrap();
    let report = sender.dispatcher.dispatch(signal, &[destination]).await.unwrap();
    assert_eq!((report.delivered(), report.receipts()[0].attempts), (1, 1));
    let [request] = &server.requests()[..] else { panic!("one request") };
    assert_eq!((&*request.method, &*request.path), ("POST", "/hooks/a?key=b"));
    assert_eq!(request.headers["host"], server.address.to_string());
    assert_eq!(request.headers["content-type"], "application/cloudevents+json");
    assert_eq!(request.headers["content-length"], request.body.len().to_string());
    let body = Bytes::from(request.body.clone());
    let Received::Structured(received) = Codec::default().decode(&request.headers, body).unwrap()
    else {
        panic!("it is all in the body")
    };
    assert_eq!(&received, report.signal());
    sender.stop().await;
}

#[tokio::test]
async fn a_signal_arrives_as_headers_and_data_in_binary_mode() {
    let sender = Sender::new().await;
    let server = Server::always(&sender.system, Reply::status(204, "")).await;
    let signal = Signal::new("order.paid", "/shop").id("7").subject("50% für dich");
    let signal = signal.data(Data::Binary(Bytes::from_static(b"\x00\xff")));
    let put = HttpOptions::put(server.url("/")).allow_loopback().binary().attempt_deadline(AMPLE);
    let destination = Destination::http(put.header("Authorization", "Bearer 1234")).unwrap();
    let report = sender.dispatcher.dispatch(signal, &[destination]).await.unwrap();
    assert_eq!(report.delivered(), 1);
    let request = &server.requests()[0];
    assert_eq!((&*request.method, &*request.body), ("PUT", &b"\x00\xff"[..]));
    for (name, value) in [
        ("ce-specversion", "1.0"),
        ("ce-id", "7"),
        ("ce-type", "order.paid"),
        ("ce-source", "/shop"),
        ("ce-subject", "50%25%20f%C3%BCr%20dich"),
        ("content-type", "application/octet-stream"),
        ("authorization", "Bearer 1234"),
    ] {
        assert_eq!(request.headers[name], value, "{name}");
    }
    let body = Bytes::from(request.body.clone());
    let Received::Binary(received) = Codec::default().decode(&request.headers, body).unwrap()
    else {
        panic!("its attributes are in headers")
    };
    assert_eq!(&received, report.signal());
    sender.stop().await;
}

#[tokio::test]
async fn methods_are_what_was_asked_for() {
    let sender = Sender::new().await;
    let server = Server::always(&sender.system, Reply::status(200, "")).await;
    let url = server.url("/");
    for options in [HttpOptions::post(&url), HttpOptions::put(&url), HttpOptions::patch(&url)] {
        assert!(is_taken(&sender.send(options.allow_loopback()).await));
    }
    let methods: Vec<_> = server.requests().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["POST", "PUT", "PATCH"]);
    sender.stop().await;
}

#[tokio::test]
async fn what_fails_once_is_tried_again() {
    let sender = Sender::new().await;
    for status in [408, 425, 429, 500, 502, 503, 599] {
        let first = Reply::status(status, "not now");
        let server = Server::start(&sender.system, move |number| match number {
            1 => first.clone(),
            _ => Reply::status(200, ""),
        });
        let server = server.await;
        let receipt = sender.send(post(&server.url("/"))).await;
        assert!(is_taken(&receipt), "{receipt:?}");
        assert_eq!((receipt.attempts, server.requests().len()), (2, 2), "{status}");
    }
    sender.stop().await;
}

#[tokio::test]
async fn what_fails_again_and_again_is_given_up() {
    let sender = Sender::new().await;
    let server = Server::always(&sender.system, Reply::status(503, "down for\r\nrepair")).await;
    let (error, attempts) = sender.fail(post(&server.url("/")).attempts(4)).await;
    assert_eq!((error.code(), error.is_retryable()), ("http_unavailable", true));
    assert_eq!((attempts, server.requests().len()), (4, 4));
    let details = error.details();
    assert_eq!((&details["status"], &details["body"]), (&503.into(), &"down for  repair".into()));
    assert_eq!(details["destination"], format!("http://{}", server.address));
    sender.stop().await;
}

#[tokio::test]
async fn what_is_refused_is_not_tried_again() {
    let sender = Sender::new().await;
    for status in [400, 401, 404, 409, 410, 413, 422, 451] {
        let server = Server::always(&sender.system, Reply::status(status, "no")).await;
        let (error, attempts) = sender.fail(post(&server.url("/"))).await;
        assert_eq!((error.code(), error.is_retryable()), ("http_refused", false));
        assert_eq!(error.details()["status"], status);
        assert_eq!((attempts, server.requests().len()), (1, 1), "{status}");
    }
    sender.stop().await;
}

#[tokio::test]
async fn it_comes_back_no_earlier_than_it_is_asked_to() {
    let sender = Sender::new().await;
    let server = Server::start(&sender.system, |number| match number {
        1 => Reply::with(429, "retry-after: 1\r\n", ""),
        _ => Reply::status(200, ""),
    });
    let server = server.await;
    let begun = tokio::time::Instant::now();
    let receipt = sender.send(post(&server.url("/"))).await;
    assert!(is_taken(&receipt) && receipt.attempts == 2, "{receipt:?}");
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    sender.stop().await;
}

#[tokio::test]
async fn it_gives_up_at_once_when_it_is_to_come_back_much_later() {
    let sender = Sender::new().await;
    let server = Server::always(&sender.system, Reply::with(503, "retry-after: 11\r\n", "")).await;
    let (error, attempts) = sender.fail(post(&server.url("/"))).await;
    assert_eq!((error.code(), attempts), ("http_unavailable", 1));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(11)));
    let nonsense = Server::always(&sender.system, Reply::with(503, "retry-after: x\r\n", "")).await;
    let (error, attempts) = sender.fail(post(&nonsense.url("/"))).await;
    assert_eq!((error.retry_after(), attempts), (None, 3));
    let refused = Server::always(&sender.system, Reply::with(404, "retry-after: 1\r\n", "")).await;
    assert_eq!(sender.fail(post(&refused.url("/"))).await.0.retry_after(), None);
    sender.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_fails_stops_no_other_destination() {
    let sender = Sender::new().await;
    let good = Server::always(&sender.system, Reply::status(200, "")).await;
    let bad = Server::always(&sender.system, Reply::status(500, "")).await;
    let to =
        |server: &Server| Destination::http(post(&server.url("/")).backoff(MS, 5 * MS)).unwrap();
    let destinations = [to(&bad), to(&good), Destination::log(LogLevel::Info)];
    let signal = Signal::new("order.paid", "/shop");
    let report = sender.dispatcher.dispatch(signal, &destinations).await.unwrap();
    assert_eq!(failed(&report.receipts()[0]).0.code(), "http_unavailable");
    assert_eq!((report.delivered(), good.requests().len()), (2, 1));
    sender.stop().await;
}

#[tokio::test]
async fn nothing_is_left_when_it_has_answered_or_was_given_up() {
    let sender = Sender::new().await;
    let hangs = Server::always(&sender.system, Reply::SendAndHang(Vec::new())).await;
    let before = sender.system.census().total();
    let sending = sender.send(post(&hangs.url("/")));
    let given_up = tokio::time::timeout(300 * MS, sending).await;
    assert!(given_up.is_err());
    // The server has one task more, for a connection on which it hangs; nobody else has.
    assert_eq!(sender.system.census().total(), before + 1);
    assert_eq!(sender.system.strays(), 0);
    sender.stop().await;
}
