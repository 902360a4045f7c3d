//! What is remembered of origins and destinations.

use std::sync::Arc;
use std::time::Duration;

use foundation::{CircuitState, InSystem, System};

use super::{Client, ClientOptions, IDLE_ORIGINS, MOST_CIRCUITS};

#[tokio::test(start_paused = true)]
async fn five_failures_leave_a_destination_alone_for_30_s_and_one_success_is_enough() {
    let system = System::builder().name("test").start().await.unwrap();
    let client = Client::new(&system.home(), ClientOptions::default()).unwrap();
    let circuit = client.circuits.circuit("a destination").unwrap();
    for _ in 0..5 {
        circuit.acquire().unwrap().failure();
    }
    tokio::time::advance(Duration::from_millis(29_999)).await;
    assert_eq!(circuit.acquire().unwrap_err().code(), "circuit_open");
    tokio::time::advance(Duration::from_millis(1)).await;
    circuit.acquire().unwrap().success();
    assert_eq!(circuit.status().state, CircuitState::Closed);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn however_many_destinations_fail_others_are_sent_to() {
    let system = System::builder().name("test").start().await.unwrap();
    let client = Client::new(&system.home(), ClientOptions::default()).unwrap();
    let fail = |number: usize| {
        client.permit(&format!("https://example.com:443#{number}")).unwrap().unwrap().failure();
    };
    // Those that work make room.
    for number in 0..2 * MOST_CIRCUITS.get() {
        client.permit(&format!("https://good.example:443#{number}")).unwrap().unwrap().success();
    }
    (0..MOST_CIRCUITS.get()).for_each(fail);
    assert!(client.permit("another").unwrap().is_none(), "there is no room for its circuit");
    (0..4).for_each(|_| fail(7));
    assert_eq!(client.permit("https://example.com:443#7").unwrap_err().code(), "circuit_open");
    assert_eq!(client.circuits.len(), MOST_CIRCUITS.get());
    // What they have come to is out of date.
    tokio::time::advance(Duration::from_millis(60_001)).await;
    client.permit("another").unwrap().unwrap().failure();
    assert_eq!(client.circuits.len(), 1);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn origins_are_forgotten_that_nobody_uses() {
    let system = System::builder().name("test").start().await.unwrap();
    let client = Client::new(&system.home(), ClientOptions::default()).unwrap();
    let origin = |number: usize| Arc::from(format!("https://{number}.example:443"));
    let used = client.origin(&origin(0)).unwrap();
    for number in 1..3 * IDLE_ORIGINS {
        drop(client.origin(&origin(number)).unwrap());
    }
    assert!(client.origins.lock().len() <= IDLE_ORIGINS);
    let same = client.origin(&origin(0)).unwrap();
    assert!(Arc::ptr_eq(&used, &same), "one that is in use is remembered");
    system.stop().await.unwrap();
}
