//! What an actor does, written down.

use std::time::Duration;

use foundation::{ExitReason, TraceEntry, TraceStep};
use serde_json::json;
use testkit::{Log, Puppet};

use super::{Say, hold, running};
use crate::fixture::{after, strike};

fn steps(entries: &[TraceEntry]) -> Vec<String> {
    let step = |entry: &TraceEntry| match &entry.step {
        TraceStep::Message(described) => described.as_deref().unwrap_or("?").to_owned(),
        TraceStep::Down(_, reason) => format!("down: {reason}"),
        TraceStep::Exit(_, reason) => format!("exit: {reason}"),
        TraceStep::Inspected => "inspected".to_owned(),
        TraceStep::Stop(reason) => format!("stop: {reason}"),
        other => format!("{other:?}"),
    };
    entries.iter().map(step).collect()
}

#[tokio::test(start_paused = true)]
async fn a_trace_has_every_step_and_how_long_it_took() {
    let (system, actor, log) = running().await;
    let other = system.start(Puppet::spec("other", &Log::default())).await.unwrap();
    let trace = actor.trace(100).await.unwrap();
    actor.ask(|reply| Say::Monitor(other.clone(), reply)).await.unwrap();
    let gate = hold(&actor, &log).await;
    after(Duration::from_secs(2)).await;
    assert_eq!(trace.entries().last().map(|it| it.took), Some(None));
    gate.notify_one();
    actor.tell(Say::Add(1)).await.unwrap();
    actor.tell(Say::After(Duration::from_secs(1), 2)).await.unwrap();
    Puppet::exit(&other, ExitReason::Normal).await;
    log.wait_for("add 2").await;
    actor.inspect().await.unwrap();
    actor.stop(ExitReason::Shutdown).await.unwrap();
    let entries = trace.entries();
    assert_eq!(
        steps(&entries),
        ["?", "?", "add 1", "?", "down: normal", "add 2", "inspected", "stop: shutdown"]
    );
    assert_eq!(entries.iter().map(|it| it.number).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    let took = entries[1].took.unwrap();
    assert!((2000..2010).contains(&took.as_millis()), "{took:?}");
    assert_eq!(entries[2].took, Some(Duration::ZERO));
    assert_eq!(trace.capacity(), 100);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_before_a_crash_stays_readable() {
    let (system, actor, _) = running().await;
    let trace = actor.trace(2).await.unwrap();
    for n in 0..10 {
        actor.tell(Say::Add(n)).await.unwrap();
    }
    let exited = actor.exited();
    actor.tell(Say::Panic).await.unwrap();
    assert!(matches!(exited.await, ExitReason::Panic(_)));
    let entries = trace.entries();
    // It holds no more than it may; numbers tell how much there was.
    assert_eq!((steps(&entries), entries[1].number), (vec!["add 9".into(), "?".into()], 10));
    assert_eq!(entries[1].took, None);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn traces_end_when_they_are_dropped_and_do_not_disturb_each_other() {
    let (system, actor, _) = running().await;
    let first = actor.trace(10).await.unwrap();
    actor.tell(Say::Add(1)).await.unwrap();
    actor.ask(Say::Total).await.unwrap();
    let second = actor.trace(10).await.unwrap();
    actor.tell(Say::Add(2)).await.unwrap();
    actor.ask(Say::Total).await.unwrap();
    assert_eq!(steps(&first.entries()), ["add 1", "total", "add 2", "total"]);
    assert_eq!(steps(&second.entries()), ["add 2", "total"]);
    drop(first);
    // Where nobody looks, a message is not described, and what panics over that does not.
    actor.tell(Say::Add(3)).await.unwrap();
    actor.ask(Say::Total).await.unwrap();
    assert_eq!(second.entries().len(), 4);
    actor.suspend().await.unwrap();
    drop(second);
    actor.resume().await.unwrap();
    assert_eq!(actor.ask(Say::Total).await, Ok(6));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_over_the_description_of_a_message_changes_nothing() {
    let (system, actor, _) = running().await;
    let trace = actor.trace(10).await.unwrap();
    actor.tell(Say::Unspeakable).await.unwrap();
    assert_eq!(actor.ask(Say::Total).await, Ok(0));
    assert_eq!(steps(&trace.entries()), ["?", "total"]);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_traced_can_be_suspended() {
    let (system, actor, log) = running().await;
    let trace = actor.trace(10).await.unwrap();
    actor.suspend().await.unwrap();
    actor.tell(Say::Add(1)).await.unwrap();
    assert_eq!(actor.inspect().await, Ok(Some(json!({ "total": 0 }))));
    after(Duration::from_secs(1)).await;
    assert_eq!((steps(&trace.entries()), log.entries()), (vec!["inspected".into()], Vec::new()));
    actor.resume().await.unwrap();
    assert_eq!(actor.ask(Say::Total).await, Ok(1));
    assert_eq!(steps(&trace.entries()), ["inspected", "add 1", "total"]);
    strike(system).await;
}

/// Symptom: the first message after a trace began was not in it, when it had come before and
/// waited. The actor had looked for observers before it heard of this one.
#[tokio::test(start_paused = true)]
async fn a_trace_of_one_that_is_busy_begins_with_the_next_step() {
    let (system, actor, log) = running().await;
    for also_inspected in [false, true] {
        let gate = hold(&actor, &log).await;
        actor.tell(Say::Add(1)).await.unwrap();
        actor.tell(Say::Add(2)).await.unwrap();
        let looking = async {
            let trace = actor.trace(10).await.unwrap();
            actor.ask(Say::Total).await.unwrap();
            trace
        };
        let inspecting = async {
            if also_inspected {
                actor.inspect().await.unwrap();
            }
        };
        let opening = async { gate.notify_one() };
        let (trace, (), ()) = tokio::join!(looking, inspecting, opening);
        let mut expected = vec!["add 1", "add 2", "total"];
        if also_inspected {
            expected.insert(0, "inspected");
        }
        assert_eq!(steps(&trace.entries()), expected);
        let _ = log.take();
    }
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_trace_of_no_or_too_many_steps_is_refused() {
    let (system, actor, _) = running().await;
    for capacity in [0, 65_537] {
        let error = actor.trace(capacity).await.unwrap_err();
        let field = error.details().get("field");
        assert_eq!((error.code(), field), ("invalid_options", Some(&json!("capacity"))));
    }
    strike(system).await;
}
