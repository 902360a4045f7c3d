//! Servers that do what no server should.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpSocket;

use super::server::{Reply, Server};
use super::{MS, Sender, is_taken, post};

#[tokio::test]
async fn a_dead_port_is_an_error_of_the_network() {
    let sender = Sender::new().await;
    // It is bound, so that nobody else has it, and nobody listens there.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    let (error, attempts) = sender.fail(post(&url)).await;
    assert_eq!((error.code(), attempts), ("network_error", 3));
    assert_eq!(error.details()["kind"], "connect");
    drop(socket);
    sender.stop().await;
}

#[tokio::test]
async fn what_is_no_answer_is_an_error_of_the_network() {
    let sender = Sender::new().await;
    let many = "a: b\r\n".repeat(200);
    let long = format!("a: {}\r\n", "b".repeat(1 << 20));
    for nonsense in [
        String::new(),
        "\r\n\r\n".to_owned(),
        "HTTP/1.1".to_owned(),
        "HTTP/1.1 200 OK".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n".to_owned(),
        "HTTP/1.1 999999 OK\r\n\r\n".to_owned(),
        "HTTP/9.9 200 OK\r\n\r\n".to_owned(),
        "SSH-2.0-OpenSSH_9.9\r\n".to_owned(),
        "\u{0}\u{1}\u{2}\u{3}".repeat(10_000),
        "x".repeat(1 << 20),
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx".to_owned(),
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nx".to_owned(),
        format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
        format!("HTTP/1.1 200 OK\r\n{long}\r\n"),
    ] {
        let server = Server::always(&sender.system, Reply::Send(nonsense.clone().into_bytes()));
        let server = server.await;
        let receipt = sender.send(post(&server.url("/")).attempts(2)).await;
        let shown = &nonsense[..nonsense.len().min(80)];
        let (error, attempts) = super::failed(&receipt);
        assert_eq!((error.code(), attempts), ("network_error", 2), "{shown:?}");
        assert_eq!(error.details()["kind"], "exchange", "{shown:?}");
    }
    sender.stop().await;
}

#[tokio::test]
async fn a_connection_that_is_closed_without_an_answer_is_tried_again() {
    let sender = Sender::new().await;
    let server = Server::start(&sender.system, |number| match number {
        1 => Reply::Close,
        2 => Reply::Send(b"HTTP/1.1 200 OK\r\nconte".to_vec()),
        _ => Reply::status(200, ""),
    });
    let server = server.await;
    let receipt = sender.send(post(&server.url("/"))).await;
    assert!(is_taken(&receipt) && receipt.attempts == 3, "{receipt:?}");
    sender.stop().await;
}

#[tokio::test]
async fn what_was_answered_holds_whatever_becomes_of_the_body() {
    let sender = Sender::new().await;
    let cut = |status| format!("HTTP/1.1 {status} So\r\ncontent-length: 1000\r\n\r\npart");
    for reply in [
        Reply::Send(cut(200).into_bytes()),
        Reply::SendAndHang(cut(200).into_bytes()),
        Reply::Trickle(cut(200).into_bytes(), b'x'),
    ] {
        let server = Server::always(&sender.system, reply).await;
        assert!(is_taken(&sender.send(post(&server.url("/"))).await));
    }
    for reply in [
        Reply::Send(cut(404).into_bytes()),
        Reply::SendAndHang(cut(404).into_bytes()),
        Reply::Trickle(
            b"HTTP/1.1 404 So\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n".to_vec(),
            b'0',
        ),
    ] {
        let server = Server::always(&sender.system, reply).await;
        let (error, attempts) = sender.fail(post(&server.url("/"))).await;
        assert_eq!((error.code(), attempts), ("http_refused", 1));
        assert_eq!(error.details()["body"], "part");
    }
    sender.stop().await;
}

#[tokio::test]
async fn no_more_is_read_of_a_body_than_is_shown() {
    let sender = Sender::new().await;
    let endless = b"HTTP/1.1 400 So\r\ncontent-length: 1000000000000\r\n\r\n".to_vec();
    let sent = Arc::new(AtomicUsize::new(0));
    let server = Server::always(&sender.system, Reply::Flood(endless, Arc::clone(&sent))).await;
    let (error, _) = sender.fail(post(&server.url("/"))).await;
    assert_eq!(error.code(), "http_refused");
    assert_eq!(error.details()["body"].as_str().unwrap().len(), 512);
    // What is on its way in the buffers of this machine, and no more.
    assert!(sent.load(Ordering::Relaxed) < 16 << 20, "{sent:?}");
    sender.stop().await;
}

#[tokio::test]
async fn interim_answers_are_not_the_answer() {
    let sender = Sender::new().await;
    let interim =
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n".to_vec();
    let answer = b"HTTP/1.1 404 So\r\ncontent-length: 2\r\n\r\nno".to_vec();
    let server = Server::always(&sender.system, Reply::Send([interim, answer].concat())).await;
    let (error, _) = sender.fail(post(&server.url("/")).backoff(MS, MS)).await;
    assert_eq!((error.code(), &error.details()["status"]), ("http_refused", &404.into()));
    sender.stop().await;
}
