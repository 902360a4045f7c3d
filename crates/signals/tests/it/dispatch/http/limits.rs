//! How much is under way at a time.

use std::sync::Arc;

use signals::Destination;
use tokio::sync::Semaphore;

use super::server::{Reply, Server};
use super::{Sender, failed, is_taken, paid, post};

#[tokio::test]
async fn there_are_so_many_connections_and_no_more() {
    let sender =
        Sender::with(|builder| builder.max_connections(3).max_connections_per_origin(2)).await;
    let gate = Arc::new(Semaphore::new(0));
    let mut servers = Vec::new();
    for _ in 0..3 {
        let reply = Reply::Gated(Arc::clone(&gate), 200);
        servers.push(Server::always(&sender.system, reply).await);
    }
    // Whatever their paths, those at one origin share its connections.
    let to = |server: &Server, path: &str| Destination::http(post(&server.url(path))).unwrap();
    let paths = ["/", "/a", "/b", "/a/b"];
    let of = |server| paths.into_iter().map(move |path| to(server, path));
    let destinations: Vec<_> = servers.iter().flat_map(of).collect();
    let requests = || servers.iter().map(|server| server.requests().len()).collect::<Vec<_>>();
    let opened = async {
        testkit::eventually(|| match requests().iter().sum::<usize>() {
            3 => Ok(()),
            _ => Err(format!("{:?}", requests())),
        })
        .await;
        // Whoever is behind them comes only when one is let go.
        tokio::task::yield_now().await;
        assert!(requests().iter().all(|many| *many <= 2), "{:?}", requests());
        assert_eq!(requests().iter().sum::<usize>(), 3);
        gate.add_permits(1);
    };
    let (report, ()) = tokio::join!(sender.dispatcher.dispatch(paid(), &destinations), opened);
    assert_eq!(report.unwrap().delivered(), 12);
    assert_eq!(requests(), [4, 4, 4]);
    sender.stop().await;
}

#[tokio::test]
async fn what_is_too_much_is_refused_at_once() {
    let sender = Sender::with(|builder| builder.max_in_flight(2)).await;
    let gate = Arc::new(Semaphore::new(0));
    let server = Server::always(&sender.system, Reply::Gated(Arc::clone(&gate), 200)).await;
    let destinations = vec![Destination::http(post(&server.url("/"))).unwrap(); 3];
    let opened = async {
        server.has_got(2).await;
        gate.add_permits(1);
    };
    let (report, ()) = tokio::join!(sender.dispatcher.dispatch(paid(), &destinations), opened);
    let report = report.unwrap();
    assert!(report.receipts()[..2].iter().all(is_taken));
    let (error, attempts) = failed(&report.receipts()[2]);
    assert_eq!((error.code(), attempts), ("bulkhead_full", 0));
    // Places are given back.
    let report = sender.dispatcher.dispatch(paid(), &destinations[..2]).await.unwrap();
    assert_eq!(report.delivered(), 2);
    sender.stop().await;
}

#[tokio::test]
async fn a_system_that_stops_waits_for_no_endpoint() {
    let sender = Sender::new().await;
    let server = Server::always(&sender.system, Reply::SendAndHang(Vec::new())).await;
    let destination = [Destination::http(post(&server.url("/")).attempts(10)).unwrap()];
    let Sender { system, dispatcher } = sender;
    let begun = tokio::time::Instant::now();
    let stopped = async {
        server.has_got(1).await;
        system.stop().await.unwrap();
    };
    let (report, ()) = tokio::join!(dispatcher.dispatch(paid().id("7"), &destination), stopped);
    let (error, _) = failed(&report.unwrap().receipts()[0]);
    assert!(["network_error", "system_stopping"].contains(&error.code()), "{error:?}");
    assert!(begun.elapsed() < super::AMPLE / 2, "{:?}", begun.elapsed());
    let report = dispatcher.dispatch(paid().id("7"), &destination).await.unwrap();
    assert!(failed(&report.receipts()[0]).0.is_retryable());
}
