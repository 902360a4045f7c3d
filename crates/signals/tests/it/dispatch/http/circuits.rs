//! Origins that are left alone for a while.

use std::time::Duration;

use foundation::{BreakerOptions, CircuitState};
use signals::Destination;

use super::server::{Reply, Server};
use super::{MS, Sender, is_taken, post};

fn state(sender: &Sender, server: &Server) -> CircuitState {
    sender.dispatcher.circuits().find(&format!("http://{}", server.address)).unwrap().status().state
}

#[tokio::test]
async fn after_five_failures_an_origin_is_left_alone_and_others_are_not() {
    let sender = Sender::new().await;
    let dead = Server::always(&sender.system, Reply::status(500, "")).await;
    let good = Server::always(&sender.system, Reply::status(200, "")).await;
    let one = |path| post(&dead.url(path)).attempts(1);
    for _ in 0..5 {
        assert_eq!(state_or_new(&sender, &dead), CircuitState::Closed);
        assert_eq!(sender.fail(one("/a")).await.0.code(), "http_unavailable");
    }
    assert_eq!(state(&sender, &dead), CircuitState::Open);
    // Whatever is at that origin is left alone, and at once.
    let (error, attempts) = sender.fail(one("/b").attempts(3)).await;
    assert_eq!((error.code(), attempts), ("circuit_open", 0));
    let wait = error.retry_after().unwrap();
    assert!(wait > Duration::from_secs(10) && wait <= Duration::from_secs(30), "{wait:?}");
    assert_eq!(error.details()["destination"], format!("http://{}", dead.address));
    assert_eq!(dead.requests().len(), 5);
    for _ in 0..5 {
        assert!(is_taken(&sender.send(post(&good.url("/"))).await));
    }
    assert_eq!(state(&sender, &good), CircuitState::Closed);
    sender.stop().await;
}

fn state_or_new(sender: &Sender, server: &Server) -> CircuitState {
    let origin = format!("http://{}", server.address);
    let found = sender.dispatcher.circuits().find(&origin);
    found.map_or(CircuitState::Closed, |circuit| circuit.status().state)
}

#[tokio::test]
async fn every_attempt_counts_and_those_that_hang_do_too() {
    let sender = Sender::new().await;
    let dead = Server::always(&sender.system, Reply::SendAndHang(Vec::new())).await;
    let options = post(&dead.url("/")).attempts(10).attempt_deadline(100 * MS);
    let (error, attempts) = sender.fail(options).await;
    assert_eq!((error.code(), attempts), ("circuit_open", 5));
    assert_eq!(state(&sender, &dead), CircuitState::Open);
    sender.stop().await;
}

#[tokio::test]
async fn whoever_answers_works() {
    let sender = Sender::new().await;
    for reply in [Reply::status(404, ""), Reply::status(429, ""), Reply::status(302, "")] {
        let server = Server::always(&sender.system, reply).await;
        for _ in 0..6 {
            sender.fail(post(&server.url("/")).attempts(1)).await;
        }
        assert_eq!(state(&sender, &server), CircuitState::Closed);
    }
    // Refusals of ours say nothing.
    for _ in 0..6 {
        let destination = signals::HttpOptions::post("https://127.0.0.1:1/");
        assert_eq!(sender.fail(destination).await.0.code(), "address_refused");
    }
    let origin = sender.dispatcher.circuits().find("https://127.0.0.1:1").unwrap();
    assert_eq!(origin.status().state, CircuitState::Closed);
    sender.stop().await;
}

#[tokio::test]
async fn a_success_closes_it_again() {
    let reset_after = 200 * MS;
    let circuit = BreakerOptions::default().failure_threshold(1).success_threshold(1);
    let circuit = circuit.reset_after(reset_after);
    let sender = Sender::with(|builder| builder.circuit(circuit)).await;
    let server = Server::start(&sender.system, |number| match number {
        1 => Reply::status(500, ""),
        _ => Reply::status(200, ""),
    });
    let server = server.await;
    let destination = Destination::http(post(&server.url("/")).attempts(1)).unwrap();
    assert!(!is_taken(&sender.send_to(&destination).await));
    assert_eq!(state(&sender, &server), CircuitState::Open);
    testkit::eventually(|| match state(&sender, &server) {
        CircuitState::HalfOpen => Ok(()),
        _ if sender
            .dispatcher
            .circuits()
            .find(&format!("http://{}", server.address))
            .unwrap()
            .status()
            .retry_after
            .is_none_or(|wait| wait.is_zero()) =>
        {
            Ok(())
        }
        state => Err(format!("{state:?}")),
    })
    .await;
    assert!(is_taken(&sender.send_to(&destination).await));
    assert_eq!(state(&sender, &server), CircuitState::Closed);
    sender.stop().await;
}
