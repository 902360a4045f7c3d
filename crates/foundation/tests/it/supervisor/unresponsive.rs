//! Children that hold their thread: nobody can end them, and they hold up nobody.

use std::sync::Arc;
use std::time::Duration;

use foundation::{
    ActorRef, ChildSpec, ChildState, ExitReason, Restart, Shutdown, Strategy, Supervisor, System,
    Unresponsive,
};
use testkit::{Gate, Log, Puppet, eventually};

use crate::real_threads::Blocking;

/// A supervisor with a child called `holder` that holds its thread, between two that do not.
struct Held {
    system: System,
    supervisor: ActorRef<Supervisor>,
    holder: ActorRef<Blocking>,
    gate: Arc<Gate>,
    log: Log,
}

async fn held(strategy: Strategy, then: Unresponsive) -> Held {
    let system = System::builder().name("held").start().await.unwrap();
    let (gate, log) = (Arc::new(Gate::default()), Log::default());
    let holder = ChildSpec::<Blocking>::actor("holder", (Arc::clone(&gate), log.clone()))
        .shutdown(Shutdown::Within(Duration::from_millis(20)))
        .when_unresponsive(then);
    let supervisor = Supervisor::with_strategy(strategy)
        .child(Puppet::spec("first", &log))
        .child(holder)
        .child(Puppet::spec("last", &log))
        .start(&system)
        .await
        .unwrap();
    let holder = supervisor.child::<Blocking>("holder").await.unwrap();
    holder.tell(()).await.unwrap();
    gate.is_held().await;
    Held { system, supervisor, holder, gate, log }
}

impl Held {
    async fn state(&self) -> ChildState {
        let children = self.supervisor.which_children().await.unwrap();
        children.iter().find(|child| &*child.name == "holder").expect("it is listed").state
    }

    async fn becomes(&self, wanted: ChildState) {
        loop {
            if self.state().await == wanted {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_child_that_does_not_end_is_reported_and_not_replaced_until_it_has() {
    // K01
    let held = held(Strategy::OneForOne, Unresponsive::Wait).await;
    let error = held.supervisor.terminate_child("holder").await.unwrap_err();
    assert_eq!((error.code(), &error.details()["child"]), ("unresponsive", &"holder".into()));
    assert_eq!(held.state().await, ChildState::Unresponsive);
    let again = held.supervisor.restart_child("holder").await.unwrap_err();
    assert_eq!(again.code(), "child_running");
    let gone = held.supervisor.delete_child("holder").await.unwrap_err();
    assert_eq!(gone.code(), "child_running");
    held.gate.open();
    assert_eq!(held.holder.exited().await, ExitReason::Killed);
    // It was terminated, so it stays down until somebody asks.
    held.becomes(ChildState::Stopped).await;
    held.supervisor.restart_child("holder").await.unwrap();
    assert_eq!(held.holder.pid().generation, 2);
    held.system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_group_restarts_without_the_child_that_does_not_end_which_follows_when_it_has() {
    // K01
    let held = held(Strategy::OneForAll, Unresponsive::Wait).await;
    let first = held.supervisor.child::<Puppet>("first").await.unwrap();
    first.kill();
    held.becomes(ChildState::Unresponsive).await;
    held.log.wait_for("+last").await;
    eventually(|| match held.log.count("+last") {
        2 => Ok(()),
        starts => Err(format!("{starts} starts")),
    })
    .await;
    assert_eq!((first.pid().generation, held.holder.pid().generation), (2, 1));
    assert!(first.is_alive());
    held.gate.open();
    held.becomes(ChildState::Running).await;
    assert_eq!(held.holder.pid().generation, 2);
    // Nobody else was restarted for its sake.
    assert_eq!((held.log.count("+first"), held.log.count("+last")), (2, 2));
    held.system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_abandoned_child_is_replaced_in_another_place() {
    // K01
    let held = held(Strategy::RestForOne, Unresponsive::Abandon).await;
    held.supervisor.terminate_child("holder").await.unwrap();
    assert_eq!(held.state().await, ChildState::Stopped);
    held.supervisor.restart_child("holder").await.unwrap();
    let replaced = held.supervisor.child::<Blocking>("holder").await.unwrap();
    assert_ne!(replaced, held.holder);
    assert!(replaced.is_alive() && held.holder.is_alive());
    held.gate.open();
    assert_eq!(held.holder.exited().await, ExitReason::Killed);
    // Its late end is nobody's end.
    assert_eq!(held.supervisor.count_children().await.unwrap().active, 3);
    assert!(replaced.is_alive());
    held.system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_new_place_outlives_the_restart_of_the_supervisor_too() {
    // K01
    let held = held(Strategy::OneForOne, Unresponsive::Abandon).await;
    let top = Supervisor::one_for_one().name("above");
    let holder = ChildSpec::<Blocking>::actor("holder", (Arc::clone(&held.gate), held.log.clone()))
        .shutdown(Shutdown::Within(Duration::from_millis(20)))
        .when_unresponsive(Unresponsive::Abandon);
    let top = top.child(Supervisor::one_for_one().name("inner").child(holder));
    let top = top.start(&held.system).await.unwrap();
    let inner = top.child::<Supervisor>("inner").await.unwrap();
    let first = inner.child::<Blocking>("holder").await.unwrap();
    first.tell(()).await.unwrap();
    held.gate.is_held().await;
    inner.terminate_child("holder").await.unwrap();
    inner.restart_child("holder").await.unwrap();
    let second = inner.child::<Blocking>("holder").await.unwrap();
    assert_ne!(first, second);
    let exited = second.exited();
    inner.kill();
    exited.await;
    let back = || if second.is_alive() { Ok(()) } else { Err("the second place is empty") };
    eventually(back).await;
    assert_eq!((second.pid().generation, first.pid().generation), (2, 1));
    assert!(first.is_alive() && top.is_alive());
    // Whoever was abandoned is still known when everything stops.
    let error = held.system.stop().await.unwrap_err();
    assert_eq!(error.code(), "unresponsive");
    held.gate.open();
    assert_eq!(first.exited().await, ExitReason::Killed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_supervisor_ends_although_a_child_does_not() {
    // K01
    for killed in [false, true] {
        let held = held(Strategy::OneForOne, Unresponsive::Wait).await;
        let first = held.supervisor.child::<Puppet>("first").await.unwrap();
        if killed {
            held.supervisor.kill();
            assert_eq!(held.supervisor.exited().await, ExitReason::Killed);
        } else {
            let error = held.system.stop().await.unwrap_err();
            assert_eq!(
                (error.code(), &error.details()["actor"]),
                ("unresponsive", &"holder".into())
            );
            assert_eq!(held.supervisor.exited().await, ExitReason::Shutdown);
        }
        assert!(!first.is_alive() && held.holder.is_alive());
        held.gate.open();
        assert_eq!(held.holder.exited().await, ExitReason::Killed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn nothing_starts_in_a_place_that_somebody_still_holds() {
    // The supervisor is killed and started again, while a child of its earlier incarnation does not
    // go: the start fails, as often as the budget allows, and the failure climbs.
    let system = System::builder().name("held").start().await.unwrap();
    let (gate, log) = (Arc::new(Gate::default()), Log::default());
    let holder = ChildSpec::<Blocking>::actor("holder", (Arc::clone(&gate), log.clone()));
    let inner = Supervisor::one_for_one().name("inner").child(holder);
    let top = Supervisor::one_for_one().name("top").child(inner).start(&system).await.unwrap();
    let inner = top.child::<Supervisor>("inner").await.unwrap();
    let holder = inner.child::<Blocking>("holder").await.unwrap();
    holder.tell(()).await.unwrap();
    gate.is_held().await;
    let exited = top.exited();
    inner.kill();
    assert_eq!(exited.await, ExitReason::Shutdown);
    assert_eq!((holder.is_alive(), holder.pid().generation), (true, 1));
    gate.open();
    assert_eq!(holder.exited().await, ExitReason::Killed);
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn whoever_waits_for_a_place_that_is_held_is_still_heard() {
    let system = System::builder().name("held").start().await.unwrap();
    let (gate, log) = (Arc::new(Gate::default()), Log::default());
    let holder = ChildSpec::<Blocking>::actor("holder", (Arc::clone(&gate), log.clone()));
    let inner = Supervisor::one_for_one().name("inner").child(holder);
    let top = Supervisor::one_for_one()
        .name("top")
        .intensity(u32::MAX, Duration::from_secs(1))
        .child(inner)
        .start(&system)
        .await
        .unwrap();
    let inner = top.child::<Supervisor>("inner").await.unwrap();
    let holder = inner.child::<Blocking>("holder").await.unwrap();
    holder.tell(()).await.unwrap();
    gate.is_held().await;
    inner.kill();
    inner.exited().await;
    // It is tried again and again, and whoever asks is answered meanwhile.
    for _ in 0..100 {
        assert_eq!(top.count_children().await.unwrap().specs, 1);
    }
    gate.open();
    eventually(|| match holder.pid().generation {
        2 => Ok(()),
        generation => Err(format!("incarnation {generation}")),
    })
    .await;
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_of_failures_from_several_threads_leaves_everything_in_order() {
    let system = System::builder().name("storm").start().await.unwrap();
    let log = Log::default();
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let group = |strategy, name: &'static str| {
        let supervisor = Supervisor::with_strategy(strategy).name(name);
        let supervisor = supervisor.intensity(u32::MAX, Duration::from_secs(1));
        names.iter().fold(supervisor, |builder, name| {
            builder.child(Puppet::spec(name, &log).restart(Restart::Transient))
        })
    };
    let top = Supervisor::one_for_one()
        .name("top")
        .child(group(Strategy::OneForOne, "one"))
        .child(group(Strategy::OneForAll, "all"))
        .child(group(Strategy::RestForOne, "rest"))
        .start(&system)
        .await
        .unwrap();
    let mut children = Vec::new();
    for group in ["one", "all", "rest"] {
        let group = top.child::<Supervisor>(group).await.unwrap();
        for name in names {
            children.push(group.child::<Puppet>(name).await.unwrap());
        }
    }
    let executor = system.executor("storm");
    for thread in 0..4 {
        let children = children.clone();
        executor.execute(async move {
            for round in 0..300 {
                children[(round * 7 + thread * 5) % children.len()].kill();
                tokio::task::yield_now().await;
            }
        });
    }
    eventually(|| match system.census().libraries["storm"] {
        0 => Ok(()),
        threads => Err(format!("{threads} still kill")),
    })
    .await;
    // Three supervisors and their eight children each, and the one above.
    eventually(|| match (system.census().actors, system.strays()) {
        (28, 0) => Ok(()),
        (actors, strays) => Err(format!("{actors} actors, {strays} strays")),
    })
    .await;
    for child in &children {
        eventually(|| if child.is_alive() { Ok(()) } else { Err(child.name().to_owned()) }).await;
        assert!(child.ask(testkit::Pull::Starts).await.is_ok());
    }
    assert_eq!(top.count_children().await.unwrap().active, 3);
    system.stop().await.unwrap();
    assert!(children.iter().all(|child| !child.is_alive() && child.watchers() == 0));
}
