//! Children that hold their thread: nobody can end them, and they hold up nobody.

use std::sync::Arc;
use std::time::Duration;

use foundation::{
    ActorRef, ChildSpec, ChildState, DynamicSupervisor, ExitReason, Job, Shutdown, System, Task,
    TaskContext, Unresponsive,
};
use testkit::{Gate, Log, Puppet, Start, Strings, eventually};

use super::counts;
use crate::real_threads::Blocking;

struct Held {
    system: System,
    supervisor: ActorRef<DynamicSupervisor>,
    holder: ActorRef<Blocking>,
    other: ActorRef<Puppet>,
    gate: Arc<Gate>,
}

/// A child that holds its thread, and one that does not.
async fn held(then: Unresponsive) -> Held {
    let system = System::builder().name("held").start().await.unwrap();
    let (gate, log) = (Arc::new(Gate::default()), Log::default());
    let supervisor = DynamicSupervisor::builder().start(&system).await.unwrap();
    let holder = ChildSpec::<Blocking>::actor("holder", (Arc::clone(&gate), log.clone()))
        .shutdown(Shutdown::Within(Duration::from_millis(20)))
        .when_unresponsive(then);
    let holder = supervisor.start_child(holder).await.unwrap();
    let other = supervisor.start_child(Puppet::spec("other", &log)).await.unwrap();
    holder.tell(()).await.unwrap();
    gate.is_held().await;
    Held { system, supervisor, holder, other, gate }
}

/// Holds its thread while it starts.
fn holder(gate: &Arc<Gate>) -> ChildSpec<Puppet> {
    let start = Start::HoldThread(Arc::clone(gate));
    Strings::new("holder", &Log::default()).starting([start]).spec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_child_that_does_not_end_is_reported_and_forgotten_when_it_has() {
    // K01
    let Held { system, supervisor, holder, other, gate } = held(Unresponsive::Wait).await;
    let error = supervisor.terminate_child(holder.pid()).await.unwrap_err();
    assert_eq!(error.code(), "unresponsive");
    let children = supervisor.which_children().unwrap();
    assert_eq!(
        (children[0].state, children[0].pid),
        (ChildState::Unresponsive, Some(holder.pid()))
    );
    let again = supervisor.terminate_child(holder.pid()).await.unwrap_err();
    assert_eq!((again.code(), other.is_alive()), ("unresponsive", true));
    gate.open();
    assert_eq!(holder.exited().await, ExitReason::Killed);
    assert_eq!(counts(&supervisor), [1, 1, 0, 1]);
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn one_that_is_abandoned_is_forgotten_at_once_and_found_when_the_system_stops() {
    // K01
    let Held { system, supervisor, holder, other, gate } = held(Unresponsive::Abandon).await;
    supervisor.terminate_child(holder.pid()).await.unwrap();
    assert_eq!((counts(&supervisor), other.is_alive()), ([1, 1, 0, 1], true));
    assert!(holder.is_alive());
    let error = system.stop().await.unwrap_err();
    assert_eq!((error.code(), &error.details()["actor"]), ("unresponsive", &"holder".into()));
    gate.open();
    assert_eq!(holder.exited().await, ExitReason::Killed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn the_others_end_and_the_system_says_who_did_not() {
    // K01, K02
    let Held { system, supervisor, holder, other, gate } = held(Unresponsive::Wait).await;
    let error = system.stop().await.unwrap_err();
    assert_eq!((error.code(), &error.details()["actor"]), ("unresponsive", &"holder".into()));
    assert!(!other.is_alive() && !supervisor.is_alive() && holder.is_alive());
    gate.open();
    assert_eq!(holder.exited().await, ExitReason::Killed);
    eventually(|| if holder.is_alive() { Err("it lives") } else { Ok(()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_start_that_holds_its_thread_and_is_given_up_holds_up_nobody() {
    // The caller was gone, and nobody looked whether the child went: the supervisor waited for
    // ever.
    for then in [Unresponsive::Wait, Unresponsive::Abandon] {
        let system = System::builder().name("held").start().await.unwrap();
        let supervisor = DynamicSupervisor::builder().start(&system).await.unwrap();
        let gate = Arc::new(Gate::default());
        let spec = holder(&gate);
        let start = supervisor.start_child(spec.when_unresponsive(then));
        tokio::select! {
            biased;
            _ = start => panic!("it cannot have started"),
            () = gate.is_held() => {}
        }
        let error = system.stop().await.unwrap_err();
        assert_eq!((error.code(), &error.details()["actor"]), ("unresponsive", &"holder".into()));
        gate.open();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_start_that_holds_its_thread_fails_at_its_deadline() {
    // K01, K05
    let system = System::builder().name("held").start().await.unwrap();
    let supervisor = DynamicSupervisor::builder().start(&system).await.unwrap();
    let gate = Arc::new(Gate::default());
    let spec = holder(&gate);
    let start = supervisor.start_child(spec.start_within(Duration::from_millis(20))).await;
    assert_eq!(start.unwrap_err().code(), "unresponsive");
    let becomes = |wanted: [usize; 4]| {
        let supervisor = &supervisor;
        eventually(move || match counts(supervisor) {
            counts if counts == wanted => Ok(()),
            counts => Err(format!("{counts:?}")),
        })
    };
    becomes([1, 1, 0, 1]).await;
    gate.open();
    // It is permanent, and is not started again all the same.
    becomes([0; 4]).await;
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_helper_that_holds_its_thread_does_not_make_its_owner_look_as_if_it_did() {
    // K08
    let system = System::builder().name("held").start().await.unwrap();
    let supervisor = DynamicSupervisor::builder().start(&system).await.unwrap();
    let gates = [(); 2].map(|()| Arc::new(Gate::default()));
    let (tasks, helpers) = (supervisor.clone(), gates.clone());
    let owner = Job::with(move |mut cx: TaskContext| async move {
        let mut held = Vec::new();
        for gate in helpers {
            held.push(tasks.async_linked(&mut cx, async move {
                gate.hold_thread();
                Ok(())
            })?);
        }
        Task::await_many(held).await
    });
    let owner = owner.name("owner").shutdown(Shutdown::BrutalKill);
    let owner = supervisor.async_nolink(owner).unwrap();
    for gate in &gates {
        gate.is_held().await;
    }
    supervisor.terminate_child(owner.pid().unwrap()).await.unwrap();
    assert_eq!(counts(&supervisor), [2, 2, 0, 2]);
    for gate in &gates {
        gate.open();
    }
    eventually(|| if counts(&supervisor) == [0; 4] { Ok(()) } else { Err("they are there") }).await;
    system.stop().await.unwrap();
}
