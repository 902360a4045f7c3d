//! What a real HTTP client sends, over a real connection, is what it was given.

use std::io;

use bytes::Bytes;
use foundation::System;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;
use signals::Signal;
use signals::codec::{Codec, Received};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// How large the head of a message is at most: what the client sends here is far less.
const HEAD: usize = 16 << 10;

/// Takes one message from one connection, and answers that it did. The client that is used here
/// says how long a body is.
async fn receive(listener: &TcpListener) -> io::Result<(HeaderMap, Bytes)> {
    let (mut connection, _) = listener.accept().await?;
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end;
        }
        assert!(read.len() < HEAD && connection.read_buf(&mut read).await? > 0, "{read:?}");
    };
    let head = std::str::from_utf8(&read[..end]).unwrap();
    let mut lines = head.split("\r\n");
    assert_eq!(lines.next(), Some("POST /signals HTTP/1.1"));
    let headers: HeaderMap = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            let value = HeaderValue::from_str(value.trim()).unwrap();
            (HeaderName::try_from(name).unwrap(), value)
        })
        .collect();
    let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
    let mut body = read.split_off(end + 4);
    while body.len() < length {
        assert!(connection.read_buf(&mut body).await? > 0, "the body ends too early");
    }
    connection.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await?;
    Ok((headers, body.into()))
}

/// Posts a message, and tells how it was answered.
fn post(url: &str, headers: &HeaderMap, body: &[u8]) -> u16 {
    let mut request = ureq::post(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.send(body).unwrap().status().as_u16()
}

#[tokio::test]
async fn a_post_of_a_real_client_is_read_in_every_mode() {
    let system = System::builder().start().await.unwrap();
    let codec = Codec::default();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/signals", listener.local_addr().unwrap());
    let signal = |draft: signals::Draft| draft.subject("Euro € 😀 \"%\"").stamp(&system).unwrap();
    let json = signal(Signal::new("order.paid", "/shop").json(json!({ "amount": 1.5 })));
    let text = signal(Signal::new("order.paid", "/shop").text("<é/>"));
    let bytes = signal(Signal::new("order.paid", "/shop").bytes(vec![0, 255]).extension("n", 5));
    let nothing = signal(Signal::new("order.paid", "/shop").extension("empty", ""));
    let mut messages = Vec::new();
    for signal in [&json, &text, &bytes, &nothing] {
        messages.push((codec.encode_structured(signal), Received::Structured(signal.clone())));
        messages.push((codec.encode_binary(signal), Received::Binary(signal.clone())));
    }
    let all = vec![json, text, bytes, nothing];
    messages.push((codec.encode_batch(&all), Received::Batch(all)));
    for (message, expected) in messages {
        let (headers, body) = message.unwrap();
        let (answered, answer) = tokio::sync::oneshot::channel();
        let url = url.clone();
        let client = system.executor("client");
        let send = move || answered.send(post(&url, &headers, &body)).unwrap();
        client.thread("client", send).unwrap();
        let (headers, body) = receive(&listener).await.unwrap();
        assert_eq!(codec.decode(&headers, body).unwrap(), expected);
        assert_eq!(answer.await.unwrap(), 204);
    }
    system.stop().await.unwrap();
}
