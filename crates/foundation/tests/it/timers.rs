//! Timers of an actor: on time, cancelled, and gone with it.

use std::time::Duration;

use foundation::{ActorRef, ExitReason, TimerKey};
use testkit::Log;
use tokio::time::Instant;

use crate::fixture::{Message, Script, Scripted, after, hold, running};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn once(actor: &ActorRef<Scripted>, delay: Duration, note: &'static str) -> TimerKey {
    actor.ask(|reply| Message::SendAfter(delay, note, reply)).await.unwrap()
}

async fn every(actor: &ActorRef<Scripted>, period: Duration, note: &'static str) -> TimerKey {
    actor.ask(|reply| Message::SendEvery(period, note, reply)).await.unwrap()
}

async fn notes(actor: &ActorRef<Scripted>, log: &Log) -> Vec<String> {
    // What was due before is handled before this is.
    actor.ask(|reply| Message::Number(1, reply)).await.unwrap();
    log.take()
}

/// A log is looked at every millisecond, so that long after something happened it is seen.
fn assert_about(started: Instant, expected: Duration) {
    let late = started.elapsed().checked_sub(expected);
    let most = Duration::from_millis(1);
    assert!(late.is_some_and(|late| late <= most), "{:?} for {expected:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn timers_go_off_in_the_order_of_their_time() {
    let script = Script::default();
    let (system, actor) = running(&script).await;
    let started = Instant::now();
    once(&actor, seconds(3), "three").await;
    once(&actor, seconds(1), "one").await;
    once(&actor, seconds(2), "two").await;
    let _ = script.log.take();
    script.log.wait_for("one").await;
    assert_about(started, seconds(1));
    script.log.wait_for("three").await;
    assert_eq!(script.log.entries(), ["one", "two", "three"]);
    assert_about(started, seconds(3));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_timer_does_not_go_off() {
    let script = Script::default();
    let (system, actor) = running(&script).await;
    let timer = once(&actor, seconds(1), "cancelled").await;
    once(&actor, seconds(2), "kept").await;
    let cancel = async || actor.ask(|reply| Message::CancelTimer(timer, reply)).await.unwrap();
    assert!(cancel().await);
    assert!(!cancel().await);
    script.log.wait_for("kept").await;
    assert_eq!(script.log.count("cancelled"), 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_period_does_not_drift_and_does_not_catch_up() {
    let script = Script::default();
    let (system, actor) = running(&script).await;
    let started = Instant::now();
    let timer = every(&actor, seconds(10), "tick").await;
    let _ = script.log.take();
    after(seconds(35)).await;
    assert_eq!(notes(&actor, &script.log).await, ["tick"; 3]);
    // Busy from 35 s to 75 s: four ticks are missed, and one is made up for.
    let gate = hold(&actor, &script.log).await;
    after(seconds(40)).await;
    gate.notify_one();
    assert_eq!(notes(&actor, &script.log).await, ["waiting", "tick"]);
    script.log.wait_for("tick").await;
    assert_about(started, seconds(80));
    assert!(actor.ask(|reply| Message::CancelTimer(timer, reply)).await.unwrap());
    let _ = script.log.take();
    after(seconds(100)).await;
    assert!(notes(&actor, &script.log).await.is_empty());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn timers_die_with_their_actor() {
    // K10, as far as one incarnation goes.
    let script = Script::default();
    let (system, actor) = running(&script).await;
    once(&actor, seconds(1), "too late").await;
    every(&actor, seconds(1), "too late").await;
    actor.stop(ExitReason::Normal).await.unwrap();
    after(seconds(10)).await;
    assert_eq!(script.log.count("too late"), 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_timer_beyond_all_time_can_still_be_cancelled() {
    let (system, actor) = running(&Script::default()).await;
    let timer = once(&actor, Duration::MAX, "never").await;
    assert!(actor.ask(|reply| Message::CancelTimer(timer, reply)).await.unwrap());
    system.stop().await.unwrap();
}
