//! Many children of one dynamic supervisor, in real time.

use std::time::Duration;

use foundation::{ActorRef, ChildSpec, DynamicSupervisor, ExitReason, Restart, Supervisor, System};
use tokio::time::Instant;

use super::counts;
use crate::fixture::Idle;

async fn dynamic() -> (System, ActorRef<DynamicSupervisor>) {
    let system = System::builder().name("many").start().await.unwrap();
    let supervisor = DynamicSupervisor::builder().start(&system).await.unwrap();
    (system, supervisor)
}

async fn start_many(supervisor: &ActorRef<DynamicSupervisor>, many: u32) -> Vec<ActorRef<Idle>> {
    let mut children = Vec::new();
    for _ in 0..many {
        let spec = ChildSpec::<Idle>::actor("idle", ()).restart(Restart::Temporary);
        children.push(supervisor.start_child(spec).await.unwrap());
    }
    children
}

#[tokio::test]
async fn temporary_children_are_counted_and_forgotten() {
    // OTP B16
    let (system, supervisor) = dynamic().await;
    let mut children = start_many(&supervisor, 1000).await;
    assert_eq!(counts(&supervisor), [1000, 1000, 0, 1000]);
    children.extend(start_many(&supervisor, 1000).await);
    assert_eq!(counts(&supervisor), [2000, 2000, 0, 2000]);
    assert_eq!(supervisor.which_children().unwrap().len(), 2000);
    for child in &children {
        let exited = child.exited();
        child.kill();
        exited.await;
    }
    assert_eq!(counts(&supervisor), [0; 4]);
    system.stop().await.unwrap();
}

#[tokio::test]
async fn so_are_supervisors() {
    // OTP B17
    let (system, supervisor) = dynamic().await;
    let mut children = Vec::new();
    for many in [1000, 2000] {
        for _ in 0..1000 {
            let spec = Supervisor::one_for_one().child_spec().restart(Restart::Temporary);
            children.push(supervisor.start_child(spec).await.unwrap());
        }
        assert_eq!(counts(&supervisor), [many, many, many, 0]);
    }
    for child in &children {
        let exited = child.exited();
        child.kill();
        exited.await;
    }
    assert_eq!(counts(&supervisor), [0; 4]);
    system.stop().await.unwrap();
}

/// How long it takes to terminate so many children, one by one.
async fn terminating(many: u32) -> Duration {
    let (system, supervisor) = dynamic().await;
    let children = start_many(&supervisor, many).await;
    let started = Instant::now();
    for child in &children {
        supervisor.terminate_child(child.pid()).await.unwrap();
    }
    let took = started.elapsed();
    assert_eq!(counts(&supervisor), [0; 4]);
    system.stop().await.unwrap();
    took
}

#[tokio::test]
async fn the_work_to_end_a_child_does_not_grow_with_their_number() {
    // OTP D21, which allows a factor of 50 where 10 would be linear
    let (few, many) = (terminating(1000).await, terminating(10_000).await);
    assert!(many <= few * 50, "{few:?} and {many:?}");
}

/// How many messages a supervisor hears while so many children are started and all of them crash.
async fn messages(many: u32) -> [u64; 2] {
    let system = System::builder().name("many").start().await.unwrap();
    let supervisor = DynamicSupervisor::builder().intensity(u32::MAX, Duration::from_secs(1));
    let supervisor = supervisor.start(&system).await.unwrap();
    let trace = supervisor.trace(1).await.unwrap();
    let heard = || trace.entries().last().map_or(0, |last| last.number + 1);
    let mut children = Vec::new();
    for _ in 0..many {
        let spec = ChildSpec::<Idle>::actor("idle", ());
        children.push(supervisor.start_child(spec).await.unwrap());
    }
    assert_eq!(counts(&supervisor), [many as usize, many as usize, 0, many as usize]);
    let starting = heard();
    children.iter().for_each(ActorRef::kill);
    for child in &children {
        while child.pid().generation < 2 || !child.is_alive() {
            tokio::task::yield_now().await;
        }
    }
    let crashing = heard() - starting;
    supervisor.stop(ExitReason::Shutdown).await.unwrap();
    assert_eq!(system.census().actors, 0);
    system.stop().await.unwrap();
    [starting, crashing]
}

#[tokio::test]
async fn a_hundred_thousand_start_crash_and_stop_and_the_supervisor_hears_little_of_it() {
    // K14. Children are started by whoever wants them, and the supervisor is woken to restart those
    // that have crashed: however many those are by then, and never more than once for each.
    for many in [1000, 100_000] {
        let [starting, crashing] = messages(many).await;
        assert_eq!(starting, 0);
        assert!(crashing <= u64::from(many), "{crashing} for {many}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_start_and_end_at_a_time_and_none_is_lost() {
    let (system, supervisor) = dynamic().await;
    let starters = (0..8).map(|_| async {
        for round in 0..200 {
            let children = start_many(&supervisor, 5).await;
            for child in children {
                let exited = child.exited();
                if round % 2 == 0 {
                    child.kill();
                    exited.await;
                } else if let Err(error) = supervisor.terminate_child(child.pid()).await {
                    panic!("{error}");
                }
            }
        }
    });
    futures_util::future::join_all(starters).await;
    assert_eq!(counts(&supervisor), [0; 4]);
    let children = start_many(&supervisor, 100).await;
    assert_eq!(supervisor.stop(ExitReason::Shutdown).await, Ok(ExitReason::Shutdown));
    assert!(children.iter().all(|child| !child.is_alive()));
    assert_eq!(system.census().actors, 0);
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_are_restarted_and_ended_at_a_time_and_none_is_lost_or_comes_back() {
    let system = System::builder().name("many").start().await.unwrap();
    let supervisor = DynamicSupervisor::builder().intensity(u32::MAX, Duration::from_secs(1));
    let supervisor = supervisor.start(&system).await.unwrap();
    let users = (0..8).map(|_| async {
        for _ in 0..100 {
            let child = supervisor.start_child(ChildSpec::<Idle>::actor("idle", ())).await.unwrap();
            // Killed again and again, in whatever state it happens to be.
            for _ in 0..3 {
                child.kill();
                tokio::task::yield_now().await;
            }
            loop {
                match supervisor.terminate_child(child.pid()).await {
                    Ok(()) => break,
                    // Another incarnation runs by now.
                    Err(error) => assert_eq!(error.code(), "child_not_found"),
                }
            }
            assert!(!child.is_alive());
            assert!(supervisor.child::<Idle>(child.pid()).is_err());
        }
    });
    futures_util::future::join_all(users).await;
    assert_eq!(counts(&supervisor), [0; 4]);
    assert_eq!(system.census().actors, 1);
    system.stop().await.unwrap();
}
