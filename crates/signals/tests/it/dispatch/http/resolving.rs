//! Names, and who resolves them.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use signals::{Destination, HttpOptions};
use testkit::Gate;

use super::server::{Reply, Server};
use super::{AMPLE, MS, Sender, failed, is_taken, paid, post};

fn inside() -> IpAddr {
    "127.0.0.1".parse().unwrap()
}

fn named(host: &str, server: &Server) -> HttpOptions {
    post(&format!("http://{host}:{}/", server.address.port())).allow_clear_text()
}

#[tokio::test]
async fn a_name_of_this_machine_is_resolved_by_it() {
    let sender = Sender::new().await;
    let server = Server::always(&sender.system, Reply::status(200, "")).await;
    assert!(is_taken(&sender.send(named("localhost", &server)).await));
    sender.stop().await;
}

#[tokio::test]
async fn a_name_is_looked_up_once_for_each_connection_and_goes_where_it_was_judged_to() {
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    let (nobody, private) = ("127.0.0.2".parse().unwrap(), "10.0.0.1".parse().unwrap());
    // Whoever asks twice is led elsewhere by the second answer.
    let resolver = move |_: &str| {
        let mut asked = counted.lock().unwrap();
        *asked += 1;
        Ok(vec![if *asked == 1 { nobody } else { private }])
    };
    let sender = Sender::with(|builder| builder.resolver(resolver)).await;
    let server = Server::always(&sender.system, Reply::status(200, "")).await;
    let options = named("hooks.example", &server).attempts(1);
    let (error, _) = sender.fail(options.clone()).await;
    assert_eq!((error.code(), &error.details()["kind"]), ("network_error", &"connect".into()));
    assert_eq!(*asked.lock().unwrap(), 1);
    assert_eq!(sender.fail(options).await.0.code(), "address_refused");
    assert_eq!((*asked.lock().unwrap(), server.connections()), (2, 0));
    sender.stop().await;
}

#[tokio::test]
async fn a_name_that_is_not_there_is_an_error_of_the_network() {
    let resolver = |name: &str| match name {
        "empty.example" => Ok(Vec::new()),
        "panics.example" => panic!("no such name"),
        _ => Err(io::Error::other("no such name")),
    };
    let sender = Sender::with(|builder| builder.resolver(resolver)).await;
    for (name, code) in [
        ("gone.example", "network_error"),
        ("empty.example", "network_error"),
        ("panics.example", "callback_panicked"),
    ] {
        let options = HttpOptions::post(format!("https://{name}/")).backoff(MS, MS).attempts(2);
        let (error, _) = sender.fail(options).await;
        assert_eq!(error.code(), code, "{name}");
        if code == "network_error" {
            assert_eq!(error.details()["kind"], "resolve");
        }
    }
    sender.stop().await;
}

#[tokio::test]
async fn the_next_address_is_tried_where_there_is_nobody_at_the_first() {
    let nobody: IpAddr = "127.0.0.2".parse().unwrap();
    let resolver = move |_: &str| Ok(vec![nobody, inside()]);
    let sender = Sender::with(|builder| builder.resolver(resolver)).await;
    let server = Server::always(&sender.system, Reply::status(200, "")).await;
    let receipt = sender.send(named("hooks.example", &server)).await;
    assert!(is_taken(&receipt) && receipt.attempts == 1, "{receipt:?}");
    sender.stop().await;
}

#[tokio::test]
async fn a_name_that_is_never_resolved_holds_one_thread_and_nobody_else() {
    let gate = Arc::new(Gate::default());
    let (held, asked) = (Arc::clone(&gate), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&asked);
    let resolver = move |name: &str| {
        if name == "dead.example" {
            counted.fetch_add(1, Ordering::Relaxed);
            held.hold_thread();
        }
        Ok(vec![inside()])
    };
    let sender = Sender::with(|builder| builder.resolver(resolver)).await;
    let server = Server::always(&sender.system, Reply::status(200, "")).await;
    let dead = named("dead.example", &server).attempts(1).attempt_deadline(200 * MS);
    let dead = vec![Destination::http(dead).unwrap(); 8];
    let report = sender.dispatcher.dispatch(paid(), &dead).await.unwrap();
    for receipt in report.receipts() {
        assert_eq!(failed(receipt).0.code(), "timeout");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(sender.system.census().threads["signals.resolver"], 1);
    assert!(is_taken(&sender.send(named("good.example", &server)).await));
    gate.open();
    testkit::eventually(|| match sender.system.census().threads["signals.resolver"] {
        0 => Ok(()),
        many => Err(format!("{many} threads")),
    })
    .await;
    sender.stop().await;
}

#[tokio::test]
async fn there_are_few_threads_however_many_names_there_are() {
    let gate = Arc::new(Gate::default());
    let held = Arc::clone(&gate);
    let (most, now) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (seen, counted) = (Arc::clone(&most), Arc::clone(&now));
    let resolver = move |_: &str| {
        seen.fetch_max(counted.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        held.hold_thread();
        counted.fetch_sub(1, Ordering::SeqCst);
        Ok(vec![inside()])
    };
    let sender = Sender::with(|builder| builder.resolver(resolver)).await;
    let server = Server::always(&sender.system, Reply::status(200, "")).await;
    let to = |number: usize| {
        let options = named(&format!("n{number}.example"), &server).attempt_deadline(AMPLE);
        Destination::http(options).unwrap()
    };
    let destinations: Vec<_> = (0..30).map(to).collect();
    let opened = async {
        testkit::eventually(|| match now.load(Ordering::SeqCst) {
            8 => Ok(()),
            many => Err(format!("{many} look-ups")),
        })
        .await;
        gate.open();
    };
    let (report, ()) = tokio::join!(sender.dispatcher.dispatch(paid(), &destinations), opened);
    assert_eq!(report.unwrap().delivered(), 30);
    assert_eq!(most.load(Ordering::SeqCst), 8);
    sender.stop().await;
}

#[tokio::test]
async fn a_name_that_two_wait_for_is_looked_up_once() {
    let (first, second) = (Arc::new(Gate::default()), Arc::new(Gate::default()));
    let (asked, held) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, holds) = (Arc::clone(&asked), Arc::clone(&held));
    let (gate, same) = (Arc::clone(&first), Arc::clone(&second));
    let resolver = move |name: &str| {
        if name == "same.example" {
            counted.fetch_add(1, Ordering::SeqCst);
            same.hold_thread();
        } else {
            holds.fetch_add(1, Ordering::SeqCst);
            gate.hold_thread();
        }
        Ok(vec![inside()])
    };
    let sender = Sender::with(|builder| builder.resolver(resolver)).await;
    let server = Server::always(&sender.system, Reply::status(200, "")).await;
    let to = |name: &str| Destination::http(named(name, &server)).unwrap();
    let mut destinations: Vec<_> = (0..8).map(|n| to(&format!("n{n}.example"))).collect();
    destinations.extend([to("same.example"), to("same.example")]);
    let opened = async {
        testkit::eventually(|| match held.load(Ordering::SeqCst) {
            8 => Ok(()),
            many => Err(format!("{many} look-ups")),
        })
        .await;
        // Both wait for a thread; then there are eight.
        first.open();
        testkit::eventually(|| {
            let threads = sender.system.census().threads["signals.resolver"];
            match (asked.load(Ordering::SeqCst), threads) {
                (1, 1) => Ok(()),
                (asked, threads) => Err(format!("{asked} asked, {threads} threads")),
            }
        })
        .await;
        second.open();
    };
    let (report, ()) = tokio::join!(sender.dispatcher.dispatch(paid(), &destinations), opened);
    assert_eq!(report.unwrap().delivered(), 10);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    sender.stop().await;
}
