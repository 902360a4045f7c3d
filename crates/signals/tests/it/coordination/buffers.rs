//! What is kept for a receiver that ends: for its next incarnation, and not for ever. LEAK-3.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foundation::{CircuitState, DynamicSupervisor, ExitReason, Supervisor};
use signals::coordination::Coordination;
use testkit::{Telemetry, eventually};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata};

use super::*;

/// Has so many messages kept for `b`, which hangs.
async fn keep(coordination: &Coordination, messages: usize) {
    let messages = (0..messages).map(|number| ("b", numbered(number)));
    for sent in coordination.distribute("a", messages).await.unwrap() {
        buffered(sent.outcome);
    }
}

fn numbers(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("n.{number}")).collect()
}

/// Waits until no more tasks run than before.
async fn nobody_cares(system: &System, before: usize) {
    eventually(|| match system.census().actors {
        now if now == before => Ok(()),
        now => Err(format!("{now} actors and tasks")),
    })
    .await;
}

/// Why each dead letter is one.
fn reasons(coordination: &Coordination) -> Vec<String> {
    let letters = coordination.dead_letters().list(usize::MAX);
    letters.iter().map(|letter| letter.reason.code().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_next_incarnation_gets_what_was_kept_in_order() {
    let (system, coordination) = started().await;
    let script = Script::new("b", &coordination);
    let spec = script.spec();
    let supervisor = Supervisor::one_for_one().name("agents").child(spec.registered());
    system.start(supervisor).await.unwrap();
    let b = system.lookup::<Agent>("b").unwrap();
    let until = hang(&b).await;
    keep(&coordination, 7).await;
    let before = b.pid();
    b.kill();
    eventually(|| match script.log.entries().len() {
        7 => Ok(()),
        few => Err(format!("{few} of 7")),
    })
    .await;
    let receiver = coordination.receiver("b").unwrap();
    assert_ne!(receiver.pid, Some(before));
    assert_eq!((receiver.circuit, receiver.failures), (CircuitState::Closed, 0));
    drop(until);
    pause(Duration::from_mins(10)).await;
    assert_eq!(script.log.entries(), numbers(0..7));
    assert_eq!(places(&coordination), [0; 4]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_new_incarnation_is_offered_one_message_at_a_time_until_nothing_is_kept() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    keep(&coordination, 3).await;
    b.kill();
    b.exited().await;
    drop(until);
    script.next([Does::Keep, Does::Fail]);
    let _b = system.start(script.spec()).await.unwrap();
    settle().await;
    assert_eq!(script.log.entries(), numbers(0..1));
    assert_eq!(coordination.receiver("b").unwrap().circuit, CircuitState::HalfOpen);
    script.kept.lock().unwrap().pop().unwrap().acknowledge();
    settle().await;
    assert_eq!(script.log.entries(), numbers(0..2));
    let receiver = coordination.receiver("b").unwrap();
    assert_eq!((receiver.circuit, receiver.buffered), (CircuitState::Open, 1));
    pause(Duration::from_secs(31)).await;
    assert_eq!(script.log.entries(), numbers(0..3));
    assert_eq!(reasons(&coordination), ["bank_unreachable"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_dies_over_each_message_loses_that_one_and_no_other() {
    let (system, coordination) = started().await;
    let script = Script::new("b", &coordination);
    let supervisor = Supervisor::one_for_one().name("agents").child(script.spec().registered());
    system.start(supervisor).await.unwrap();
    let b = system.lookup::<Agent>("b").unwrap();
    let until = hang(&b).await;
    keep(&coordination, 4).await;
    script.next([Does::Panic, Does::Panic]);
    until.notify_one();
    eventually(|| if places(&coordination)[0] == 0 { Ok(()) } else { Err("kept") }).await;
    settle().await;
    assert_eq!(script.log.entries(), numbers(0..4));
    let letters = coordination.dead_letters().list(10);
    assert!(letters.iter().all(|letter| letter.may_be_handled));
    assert_eq!(reasons(&coordination), ["outcome_unknown", "outcome_unknown"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_for_a_receiver_that_does_not_come_back_becomes_dead_letters() {
    let (system, coordination) = started().await;
    let before = system.census().actors;
    let (b, _) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    keep(&coordination, 3).await;
    b.kill();
    b.exited().await;
    drop(until);
    // It is not there, so nothing more is kept for it.
    assert_eq!(refused(coordination.delegate("a", "b", signal("one")).await), "no_such_receiver");
    let receiver = coordination.receiver("b").unwrap();
    assert_eq!((receiver.pid, receiver.buffered), (None, 3));
    pause(Duration::from_millis(299_900)).await;
    assert_eq!(places(&coordination), [3, 0, 0, 0]);
    pause(Duration::from_millis(200)).await;
    assert_eq!(places(&coordination), [0, 0, 0, 3]);
    assert_eq!(reasons(&coordination), ["no_such_receiver"; 3]);
    assert!(coordination.receivers().is_empty());
    nobody_cares(&system, before).await;
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_forgotten_receives_no_more_and_nothing_is_kept_for_it() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let watchers = b.watchers();
    script.next([Does::Keep]);
    coordination.delegate("a", "b", signal("begun")).await.unwrap();
    let until = hang(&b).await;
    keep(&coordination, 2).await;
    let waiting = coordination.delegate("a", "b", signal("waits")).into_future();
    let forget = async {
        settle().await;
        coordination.forget("b").unwrap();
    };
    let (outcome, ()) = tokio::join!(waiting, forget);
    assert_eq!(refused(outcome), "no_such_receiver");
    assert_eq!(reasons(&coordination), ["no_such_receiver"; 2]);
    assert_eq!(refused(coordination.delegate("a", "b", signal("one")).await), "no_such_receiver");
    until.notify_one();
    settle().await;
    assert_eq!(script.log.entries(), ["begun"]);
    // What was begun can still be acknowledged.
    assert_eq!(places(&coordination), [0, 0, 1, 2]);
    script.kept.lock().unwrap().pop().unwrap().acknowledge();
    assert_eq!(places(&coordination), [0, 0, 0, 2]);
    assert!(coordination.receivers().is_empty());
    assert_eq!(b.watchers(), watchers);
    let error = coordination.forget("b").unwrap_err();
    assert_eq!(error.code(), "no_such_receiver");
    // It may join again.
    coordination.join("b", &b).unwrap();
    acknowledged(coordination.delegate("a", "b", signal("again")).await);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_thousand_receivers_that_end_for_good() {
    // LEAK-3
    let (system, coordination) = started().await;
    let before = system.census().actors;
    let mut agents = Vec::new();
    for number in 0..1_000 {
        let id: &'static str = format!("agent-{number}").leak();
        let (agent, script) = agent(&system, &coordination, id).await;
        script.next([Does::Fail]);
        refused(coordination.delegate("a", id, signal("one")).await);
        agents.push((agent, hang_later(), id));
    }
    for (agent, until, _) in &agents {
        agent.tell(Message::Hang(Arc::clone(until))).await.unwrap();
    }
    settle().await;
    let messages = agents.iter().map(|(_, _, id)| (*id, signal("two")));
    let sent = coordination.distribute("a", messages).await.unwrap();
    for one in sent {
        assert_eq!(buffered(one.outcome), "timeout");
    }
    let stats = coordination.stats();
    assert_eq!((stats.receivers, stats.buffered), (1_000, 1_000));
    for (agent, _, _) in &agents {
        agent.kill();
    }
    for (agent, _, _) in &agents {
        agent.exited().await;
        assert_eq!(agent.watchers(), 0);
    }
    assert_eq!(coordination.stats().receivers, 1_000);
    pause(Duration::from_secs(301)).await;
    let stats = coordination.stats();
    assert_eq!((stats.receivers, stats.buffered, stats.in_progress), (0, 0, 0));
    assert_eq!((stats.circuits_open, stats.dead_letters), (0, 1_000));
    assert_eq!(coordination.dead_letters().purge(signals::coordination::Purge::All), 1_000);
    // Nobody cares for what is not there.
    nobody_cares(&system, before).await;
    system.stop().await.unwrap();
}

fn hang_later() -> Arc<Notify> {
    Arc::new(Notify::new())
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_receiver_for_which_nothing_is_kept() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    script.next([Does::Fail; 5]);
    for _ in 0..5 {
        refused(coordination.delegate("a", "b", signal("one")).await);
    }
    b.stop(ExitReason::Normal).await.unwrap();
    assert!(coordination.receivers().is_empty());
    // The next one begins anew.
    let _b = system.start(script.spec()).await.unwrap();
    acknowledged(coordination.delegate("a", "b", signal("one")).await);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_outlives_the_part_of_the_tree_that_cares_for_it() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    keep(&coordination, 6).await;
    assert_eq!(coordination.receiver("b").unwrap().circuit, CircuitState::Open);
    restart_the_tasks(&system).await;
    until.notify_one();
    pause(Duration::from_secs(32)).await;
    assert_eq!(script.log.entries(), numbers(0..6));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_for_nobody_is_given_up_though_the_tree_was_restarted() {
    let (system, coordination) = started().await;
    let (b, _) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    keep(&coordination, 6).await;
    b.kill();
    b.exited().await;
    drop(until);
    restart_the_tasks(&system).await;
    pause(Duration::from_secs(301)).await;
    assert_eq!(places(&coordination), [0, 0, 0, 6]);
    system.stop().await.unwrap();
}

/// Kills what the tasks run under that care for messages, and waits until it is there again.
async fn restart_the_tasks(system: &System) {
    let tasks = system.lookup::<DynamicSupervisor>("coordination.tasks").unwrap();
    let before = tasks.pid();
    tasks.kill();
    eventually(|| if tasks.pid() == before { Err("not yet") } else { Ok(()) }).await;
}

/// Looks at coordination whenever something is told, and counts how often.
struct Nosy(Coordination, Arc<AtomicUsize>);

impl tracing::Subscriber for Nosy {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("signals")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        let stats = self.0.stats();
        assert!(stats.receivers <= 1 && self.0.dead_letters().list(1).len() <= 1);
        self.1.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test(start_paused = true)]
async fn whoever_listens_to_events_may_look_at_what_they_are_about() {
    let (system, coordination) = started_with(Coordination::builder().dead_letters(1)).await;
    let heard = Arc::new(AtomicUsize::new(0));
    let nosy = Nosy(coordination.clone(), Arc::clone(&heard));
    // With one listener alone, other tests may decide what is told.
    let _second = Telemetry::listen();
    let _listening = tracing::subscriber::set_default(nosy);
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    keep(&coordination, 105).await;
    b.kill();
    b.exited().await;
    drop(until);
    // Its circuit is half-open from the beginning, which is told.
    let b = system.start(script.spec()).await.unwrap();
    settle().await;
    assert_eq!(script.log.entries().len(), 100);
    b.kill();
    b.exited().await;
    assert!(heard.load(Ordering::Relaxed) > 300, "{heard:?}");
    system.stop().await.unwrap();
}
