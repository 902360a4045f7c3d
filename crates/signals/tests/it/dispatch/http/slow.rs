//! Servers that take their time.

use std::time::Duration;

use tokio::time::Instant;

use super::server::{Reply, Server};
use super::{AMPLE, MS, Sender, failed, is_taken, post};

/// Time enough for a connection on this machine, and not for a test to be slow.
const SHORT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let sender = Sender::new().await;
    let head = b"HTTP/1.1 200 OK\r\nx-a: ".to_vec();
    for reply in [
        Reply::SendAndHang(Vec::new()),
        Reply::SendAndHang(head.clone()),
        // Every byte that comes does not buy another moment.
        Reply::Trickle(head, b'x'),
    ] {
        let server = Server::always(&sender.system, reply.clone()).await;
        let begun = Instant::now();
        let options = post(&server.url("/")).attempt_deadline(SHORT).attempts(2);
        let (error, attempts) = sender.fail(options).await;
        assert_eq!((error.code(), attempts), ("timeout", 2), "{reply:?}");
        assert_eq!(error.details()["after_ms"], 300);
        assert!(begun.elapsed() >= 2 * SHORT && begun.elapsed() < AMPLE, "{:?}", begun.elapsed());
    }
    sender.stop().await;
}

#[tokio::test]
async fn the_body_of_a_refusal_is_not_waited_for_long() {
    let sender = Sender::new().await;
    let head = b"HTTP/1.1 404 So\r\ncontent-length: 9\r\n\r\n".to_vec();
    let server = Server::always(&sender.system, Reply::SendAndHang(head)).await;
    let begun = Instant::now();
    let (error, _) = sender.fail(post(&server.url("/"))).await;
    assert_eq!(error.code(), "http_refused");
    assert!(begun.elapsed() < AMPLE / 2, "{:?}", begun.elapsed());
    sender.stop().await;
}

#[tokio::test]
async fn all_attempts_together_end_at_the_deadline() {
    let sender = Sender::new().await;
    let server = Server::always(&sender.system, Reply::status(500, "")).await;
    let options = post(&server.url("/")).attempt_deadline(SHORT).deadline(SHORT);
    // Waits of this kind are as long as chance says, and one at least is too long.
    let options = options.attempts(10).backoff(60_000 * MS, 60_000 * MS);
    let begun = Instant::now();
    let (error, _) = sender.fail(options).await;
    assert_eq!(error.code(), "http_unavailable");
    assert!(begun.elapsed() < AMPLE, "{:?}", begun.elapsed());
    sender.stop().await;
}

#[tokio::test]
async fn one_that_is_slow_does_not_hold_up_the_others() {
    let sender =
        Sender::with(|builder| builder.max_connections(2).max_connections_per_origin(1)).await;
    let slow = Server::always(&sender.system, Reply::SendAndHang(Vec::new())).await;
    let good = Server::always(&sender.system, Reply::status(200, "")).await;
    let to_slow = post(&slow.url("/")).attempts(1).attempt_deadline(AMPLE / 8);
    let in_vain = to_slow.clone().attempt_deadline(SHORT);
    let begun = Instant::now();
    let (first, second) = (sender.send(to_slow), sender.send(in_vain));
    let others = async {
        slow.has_got(1).await;
        for _ in 0..20 {
            assert!(is_taken(&sender.send(post(&good.url("/"))).await));
        }
        assert!(begun.elapsed() < AMPLE / 8, "{:?}", begun.elapsed());
    };
    let (first, second, ()) = tokio::join!(first, second, others);
    assert_eq!(failed(&first).0.code(), "timeout");
    // It has waited for its place in vain, and has never held one that others need.
    assert_eq!(failed(&second).0.code(), "bulkhead_full");
    assert_eq!(slow.connections(), 1);
    sender.stop().await;
}
