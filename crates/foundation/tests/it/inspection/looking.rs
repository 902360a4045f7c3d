//! Status and state of an actor.

use std::time::Duration;

use foundation::{ActorState, ChildKind, ExitReason, Supervisor, TaskSupervisor};
use serde_json::json;
use testkit::{Log, Puppet, Start, Strings, eventually};

use super::{Glass, Say, glass, hold, running};
use crate::fixture::{after, strike, system};

#[tokio::test(start_paused = true)]
async fn the_status_of_an_actor_is_seen_from_outside() {
    let (system, actor, log) = running().await;
    let gate = hold(&actor, &log).await;
    for n in 0..3 {
        actor.tell(Say::Add(n)).await.unwrap();
    }
    after(Duration::from_millis(1500)).await;
    let exited = actor.exited();
    let status = actor.status();
    assert_eq!((&*status.name, status.pid, status.kind), ("glass", actor.pid(), ChildKind::Worker));
    assert_eq!((status.state, status.mailbox_len, status.dropped), (ActorState::Running, 3, 0));
    assert_eq!((status.restarts, status.watchers, status.links), (0, 1, 0));
    let uptime = status.uptime.unwrap();
    assert!((1500..1510).contains(&uptime.as_millis()), "{uptime:?}");
    assert_eq!(status.registrations, 0);
    gate.notify_one();
    let stopping = actor.stop(ExitReason::Normal);
    let seen = async { actor.status().state };
    assert_eq!(tokio::join!(stopping, seen).1, ActorState::Stopping);
    exited.await;
    let status = actor.status();
    assert_eq!((status.state, status.uptime, status.mailbox_len), (ActorState::Ended, None, 0));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_starts_is_seen_to() {
    let system = system().await;
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    let start = [Start::Run, Start::WaitFor(std::sync::Arc::clone(&gate))];
    let strings = Strings::new("slow", &Log::default()).starting(start);
    let supervisor = Supervisor::one_for_one().child(strings.spec()).start(&system).await.unwrap();
    let child = supervisor.child::<Puppet>("slow").await.unwrap();
    assert_eq!((child.status().state, child.status().restarts), (ActorState::Running, 0));
    Puppet::kill(&child).await;
    let state = |wanted| {
        let child = child.clone();
        move || match child.status().state {
            state if state == wanted => Ok(()),
            state => Err(format!("{state:?}")),
        }
    };
    eventually(state(ActorState::Starting)).await;
    gate.notify_one();
    eventually(state(ActorState::Running)).await;
    assert_eq!(child.status().restarts, 1);
    assert_eq!(supervisor.status().kind, ChildKind::Supervisor);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_tells_its_state_before_it_handles_what_waits() {
    let (system, actor, log) = running().await;
    actor.tell(Say::Add(1)).await.unwrap();
    assert_eq!(actor.inspect().await, Ok(Some(json!({ "total": 0 }))));
    assert_eq!(actor.ask(Say::Total).await, Ok(1));
    let gate = hold(&actor, &log).await;
    actor.tell(Say::Add(2)).await.unwrap();
    gate.notify_one();
    assert_eq!(actor.inspect().await, Ok(Some(json!({ "total": 1 }))));
    assert_eq!(actor.ask(Say::Total).await, Ok(3));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn those_who_say_nothing_of_their_state_say_none() {
    let system = system().await;
    let puppet = system.start(Puppet::spec("puppet", &Log::default())).await.unwrap();
    assert_eq!(puppet.inspect().await, Ok(None));
    let supervisor = TaskSupervisor::builder().start(&system).await.unwrap();
    let task = foundation::ChildSpec::task("task", |_| std::future::pending());
    let task = supervisor.start_child(task).await.unwrap();
    assert_eq!(supervisor.inspect().await, Ok(None));
    assert_eq!(task.inspect().await, Ok(None));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_it_is_looked_at_does_not_end_an_actor() {
    let (system, actor, _) = running().await;
    actor.tell(Say::Add(1)).await.unwrap();
    actor.tell(Say::Break).await.unwrap();
    assert_eq!(actor.ask(Say::Total).await, Ok(1));
    let error = actor.inspect().await.unwrap_err();
    assert_eq!(
        (error.code(), error.details().get("message")),
        ("actor_panicked", Some(&json!("broken")))
    );
    assert_eq!((actor.ask(Say::Total).await, actor.pid().generation), (Ok(1), 1));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn who_cannot_answer_is_not_waited_for() {
    let (system, actor, log) = running().await;
    let asked = actor.ask(Say::InspectSelf).await.unwrap();
    assert_eq!(asked.unwrap_err().code(), "calling_self");
    hold(&actor, &log).await;
    let started = tokio::time::Instant::now();
    assert_eq!(actor.inspect().await.unwrap_err().code(), "timeout");
    assert!((5..7).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    let ending = async {
        after(Duration::from_secs(1)).await;
        actor.kill();
    };
    let (answer, ()) = tokio::join!(actor.inspect(), ending);
    assert_eq!(answer.unwrap_err().code(), "actor_stopped");
    for error in [
        actor.inspect().await.map(drop).unwrap_err(),
        actor.suspend().await.unwrap_err(),
        actor.resume().await.unwrap_err(),
        actor.trace(1).await.map(drop).unwrap_err(),
    ] {
        assert_eq!(error.code(), "no_process");
    }
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_of_one_incarnation_is_not_answered_by_the_next() {
    let system = system().await;
    let log = Log::default();
    let supervisor = Supervisor::one_for_one().child(glass(&log)).start(&system).await.unwrap();
    let actor = supervisor.child::<Glass>("glass").await.unwrap();
    hold(&actor, &log).await;
    let (answer, ()) = tokio::join!(actor.inspect(), async { actor.kill() });
    assert_eq!(answer.unwrap_err().code(), "actor_stopped");
    eventually(|| if actor.is_alive() { Ok(()) } else { Err("restarting") }).await;
    assert_eq!(actor.inspect().await, Ok(Some(json!({ "total": 0 }))));
    strike(system).await;
}
