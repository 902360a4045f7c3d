//! Destinations that are left alone for a while.

use std::time::Duration;

use foundation::{BreakerOptions, CircuitBreaker, CircuitState};
use signals::{Destination, HttpOptions};

use super::server::{Reply, Server};
use super::{MS, Sender, is_taken, paid, post};

/// The circuit of a URL, if there is one.
fn find(sender: &Sender, url: &str) -> Option<CircuitBreaker> {
    let destination = Destination::http(post(url)).unwrap();
    sender.dispatcher.circuits().find(destination.circuit().unwrap()).ok()
}

fn state(sender: &Sender, url: &str) -> CircuitState {
    find(sender, url).unwrap().status().state
}

/// What answers each path as its first segment says.
async fn by_path(sender: &Sender) -> Server {
    Server::by_path(&sender.system, |path| match path.get(..4) {
        Some("/bad") => Reply::status(500, ""),
        Some("/far") => Reply::with(307, "location: /bad\r\n", ""),
        _ => Reply::status(200, ""),
    })
    .await
}

#[tokio::test]
async fn after_five_failures_a_destination_is_left_alone_and_others_at_its_host_are_not() {
    let sender = Sender::new().await;
    let server = by_path(&sender).await;
    let (bad, good) = (server.url("/bad"), server.url("/good"));
    for _ in 0..5 {
        let found = find(&sender, &bad).map(|circuit| circuit.status().state);
        assert!(found.is_none_or(|state| state == CircuitState::Closed));
        assert_eq!(sender.fail(post(&bad).attempts(1)).await.0.code(), "http_unavailable");
    }
    assert_eq!(state(&sender, &bad), CircuitState::Open);
    // It is left alone at once.
    let (error, attempts) = sender.fail(post(&bad).attempts(3)).await;
    assert_eq!((error.code(), attempts), ("circuit_open", 0));
    let wait = error.retry_after().unwrap();
    assert!(wait > Duration::from_secs(10) && wait <= Duration::from_secs(30), "{wait:?}");
    assert_eq!(error.details()["destination"], format!("http://{}", server.address));
    assert_eq!(error.details()["key"], find(&sender, &bad).unwrap().key());
    assert_eq!(server.requests().len(), 5);
    for _ in 0..5 {
        assert!(is_taken(&sender.send(post(&good)).await));
    }
    assert_eq!(state(&sender, &good), CircuitState::Closed);
    sender.stop().await;
}

#[tokio::test]
async fn every_attempt_counts_and_those_that_hang_do_too() {
    let sender = Sender::new().await;
    let dead = Server::always(&sender.system, Reply::SendAndHang(Vec::new())).await;
    let options = post(&dead.url("/")).attempts(10).attempt_deadline(100 * MS);
    let (error, attempts) = sender.fail(options).await;
    assert_eq!((error.code(), attempts), ("circuit_open", 5));
    let report = error.report().to_string();
    assert!(report.contains("timeout: the endpoint has not answered in time"), "{report}");
    assert_eq!(state(&sender, &dead.url("/")), CircuitState::Open);
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
        assert_eq!(state(&sender, &server.url("/")), CircuitState::Closed);
    }
    // Refusals of ours say nothing.
    for _ in 0..6 {
        let destination = HttpOptions::post("https://127.0.0.1:1/");
        assert_eq!(sender.fail(destination).await.0.code(), "address_refused");
    }
    assert_eq!(state(&sender, "https://127.0.0.1:1/"), CircuitState::Closed);
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
    assert_eq!(state(&sender, &server.url("/")), CircuitState::Open);
    let circuit = find(&sender, &server.url("/")).unwrap();
    testkit::eventually(|| match circuit.status() {
        status if status.retry_after.is_none_or(|wait| wait.is_zero()) => Ok(()),
        status => Err(format!("{status:?}")),
    })
    .await;
    assert!(is_taken(&sender.send_to(&destination).await));
    assert_eq!(state(&sender, &server.url("/")), CircuitState::Closed);
    sender.stop().await;
}

#[tokio::test]
async fn whatever_its_query_a_url_has_one_circuit() {
    let sender = Sender::new().await;
    let server = by_path(&sender).await;
    for number in 0..5 {
        let options = post(&server.url(&format!("/bad?try={number}#part"))).attempts(1);
        assert_eq!(sender.fail(options).await.0.code(), "http_unavailable");
    }
    assert_eq!(sender.dispatcher.circuits().len(), 1);
    // Nor does it matter how it is asked.
    for options in [post(&server.url("/bad")), HttpOptions::put(server.url("/bad?try=5"))] {
        let (error, attempts) = sender.fail(options.allow_loopback()).await;
        assert_eq!((error.code(), attempts), ("circuit_open", 0));
    }
    sender.stop().await;
}

#[tokio::test]
async fn a_redirect_counts_for_who_was_asked() {
    let sender = Sender::new().await;
    let server = by_path(&sender).await;
    for _ in 0..5 {
        let options = post(&server.url("/far")).redirects(1).attempts(1);
        assert_eq!(sender.fail(options).await.0.code(), "http_unavailable");
    }
    assert_eq!(state(&sender, &server.url("/far")), CircuitState::Open);
    assert!(find(&sender, &server.url("/bad")).is_none());
    sender.stop().await;
}

#[tokio::test]
async fn long_paths_have_circuits_of_their_own() {
    let sender = Sender::new().await;
    let server = by_path(&sender).await;
    let long = format!("/bad/{}", "a".repeat(1900));
    let (error, _) = sender.fail(post(&server.url(&long)).attempts(10)).await;
    assert_eq!(error.code(), "circuit_open");
    // Only its end is another one.
    let (error, _) = sender.fail(post(&server.url(&format!("{long}b"))).attempts(1)).await;
    assert_eq!(error.code(), "http_unavailable");
    for status in sender.dispatcher.circuits().statuses() {
        assert!(status.key.len() < 100, "{status:?}");
    }
    sender.stop().await;
}

#[tokio::test]
async fn very_many_paths_have_circuits_of_their_own() {
    let sender = Sender::new().await;
    let server = by_path(&sender).await;
    let path = |number| if number % 4 == 0 { "/bad" } else { "/good" };
    let url = |number: usize| server.url(&format!("{}/{number}", path(number)));
    let destination = |number| Destination::http(post(&url(number)).attempts(6)).unwrap();
    let destinations: Vec<_> = (0..600).map(destination).collect();
    let report = sender.dispatcher.dispatch(paid(), &destinations).await.unwrap();
    assert_eq!(report.delivered(), 450);
    assert!(report.failures().all(|(_, error)| error.code() == "circuit_open"));
    let statuses = sender.dispatcher.circuits().statuses();
    let open = statuses.iter().filter(|status| status.state == CircuitState::Open).count();
    assert_eq!((statuses.len(), open), (600, 150));
    assert_eq!(server.requests().len(), 450 + 150 * 5);
    sender.stop().await;
}

#[tokio::test]
async fn however_many_fail_another_is_sent_to() {
    let sender = Sender::new().await;
    let server = by_path(&sender).await;
    let circuits = sender.dispatcher.circuits();
    for number in 0..10_000 {
        circuits.circuit(&number.to_string()).unwrap().acquire().unwrap().failure();
    }
    assert_eq!(circuits.circuit("one more").unwrap_err().code(), "too_many_circuits");
    assert!(is_taken(&sender.send(post(&server.url("/good"))).await));
    let (error, attempts) = sender.fail(post(&server.url("/bad")).attempts(7)).await;
    assert_eq!((error.code(), attempts), ("http_unavailable", 7));
    sender.stop().await;
}
