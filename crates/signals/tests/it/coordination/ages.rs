//! What is kept is so for a while, whether its receiver hangs, has gone, or has others to handle.

use std::time::Duration;

use foundation::{CircuitState, ExitReason};
use signals::coordination::{Coordination, DeadLetter};
use testkit::eventually;

use super::*;

/// Has so many messages kept for `b`, which hangs, one each second from the first on.
async fn keep(coordination: &Coordination, messages: usize) {
    for number in 0..messages {
        let sent = coordination.delegate("a", "b", numbered(number));
        let (outcome, ()) = tokio::join!(sent.into_future(), pause(Duration::from_secs(1)));
        buffered(outcome);
    }
}

/// Why each dead letter is one.
fn reasons(letters: &[DeadLetter]) -> Vec<&str> {
    letters.iter().map(|letter| letter.reason.code()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_for_a_receiver_that_hangs_becomes_dead_letters_one_by_one() {
    let (system, coordination) = started().await;
    let before = system.census().actors;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    // The first is kept after a second. From the fifth on the circuit is open.
    keep(&coordination, 6).await;
    pause(Duration::from_millis(294_900)).await;
    assert_eq!(places(&coordination), [6, 0, 0, 0]);
    pause(Duration::from_millis(200)).await;
    for buried in 1..5 {
        assert_eq!(places(&coordination), [6 - buried, 0, 0, buried]);
        pause(Duration::from_secs(1)).await;
    }
    // The sixth was kept at once, when the circuit had just opened.
    assert_eq!(places(&coordination), [0, 0, 0, 6]);
    let letters = coordination.dead_letters().list(10);
    assert_eq!(reasons(&letters), ["kept_too_long"; 6]);
    let details = letters[0].reason.details();
    assert_eq!((&details["receiver"], &details["after_ms"]), (&"b".into(), &300_000.into()));
    assert!(letters.iter().all(|letter| !letter.may_be_handled && letter.attempts == 0));
    let stats = coordination.stats();
    assert_eq!((stats.expired, stats.overflowed), (6, 0));
    // Nobody cares for what is not there, once the last probe has had its time.
    pause(Duration::from_secs(2)).await;
    eventually(|| match system.census().actors {
        now if now == before + 1 => Ok(()),
        now => Err(format!("{now} actors and tasks")),
    })
    .await;
    // What it was offered it finds no message for, and it goes on.
    until.notify_one();
    pause(Duration::from_mins(1)).await;
    assert!(script.log.entries().is_empty());
    acknowledged(coordination.delegate("a", "b", signal("next")).await);
    assert_eq!(coordination.receiver("b").unwrap().circuit, CircuitState::Closed);
    assert!(coordination.dead_letters().retry_all().await.iter().all(|(_, one)| one.is_ok()));
    assert_eq!(script.log.entries().len(), 7);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn its_time_is_over_though_it_was_offered_and_the_circuit_is_closed() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    keep(&coordination, 1).await;
    let waiting = coordination.delegate("a", "b", signal("waits")).within(Duration::from_mins(6));
    let back = async {
        pause(Duration::from_secs(301)).await;
        // Whoever waits decides for how long; whoever does not has had it kept.
        assert_eq!(places(&coordination), [0, 1, 0, 1]);
        assert_eq!(coordination.receiver("b").unwrap().circuit, CircuitState::Closed);
        until.notify_one();
    };
    let (outcome, ()) = tokio::join!(waiting.into_future(), back);
    acknowledged(outcome);
    assert_eq!(script.log.entries(), ["waits"]);
    assert_eq!(reasons(&coordination.dead_letters().list(10)), ["kept_too_long"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_next_incarnation_gets_what_is_young_enough() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    keep(&coordination, 1).await;
    pause(Duration::from_secs(100)).await;
    let sent = coordination.delegate("a", "b", numbered(1));
    assert_eq!(buffered(sent.await), "timeout");
    pause(Duration::from_secs(100)).await;
    b.kill();
    b.exited().await;
    drop(until);
    pause(Duration::from_secs(150)).await;
    assert_eq!(reasons(&coordination.dead_letters().list(10)), ["no_such_receiver"]);
    let _b = system.start(script.spec()).await.unwrap();
    settle().await;
    assert_eq!(script.log.entries(), ["n.1"]);
    assert_eq!(places(&coordination), [0, 0, 0, 1]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_begins_what_is_over_though_nobody_has_cared_for_it() {
    let system = System::builder().name("agents").start().await.unwrap();
    let (coordination, child) = Coordination::builder().build(&system).unwrap();
    let tree = system.start(child).await.unwrap();
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    keep(&coordination, 2).await;
    tree.stop(ExitReason::Shutdown).await.unwrap();
    pause(Duration::from_millis(299_500)).await;
    assert_eq!(places(&coordination), [2, 0, 0, 0]);
    until.notify_one();
    settle().await;
    // With the first assignment the first is over, and the second is begun.
    assert_eq!(script.log.entries(), ["n.1"]);
    assert_eq!(reasons(&coordination.dead_letters().list(10)), ["kept_too_long"]);
    assert_eq!(places(&coordination), [0, 0, 0, 1]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_again_in_vain_and_kept_for_too_long_is_the_same_dead_letter() {
    let (system, coordination) = started().await;
    let (b, _) = agent(&system, &coordination, "b").await;
    let _until = hang(&b).await;
    keep(&coordination, 1).await;
    pause(Duration::from_secs(301)).await;
    let letters = coordination.dead_letters();
    let first = letters.list(1)[0].clone();
    // Whoever retries it goes away: then it is kept, and is over again.
    let gone = tokio::time::timeout(Duration::from_millis(10), letters.retry(first.id)).await;
    assert!(gone.is_err());
    assert_eq!(places(&coordination), [1, 0, 0, 0]);
    pause(Duration::from_secs(301)).await;
    assert_eq!(places(&coordination), [0, 0, 0, 1]);
    let again = letters.get(first.id).unwrap();
    assert_eq!((again.attempts, again.since), (1, first.since));
    assert_eq!(again.reason.code(), "kept_too_long");
    system.stop().await.unwrap();
}
