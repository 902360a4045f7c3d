//! How the children of a dynamic supervisor end: all at a time, each within its own deadline.

use std::time::Duration;

use foundation::{ActorRef, DynamicSupervisor, ExitReason, Restart, Shutdown};
use testkit::{End, Log, Pull, Puppet, Start, Strings, Telemetry};
use tokio::time::Instant;

use super::{MOMENT, Stage};

const SECOND: Duration = Duration::from_secs(1);

async fn child(
    stage: &Stage,
    name: &'static str,
    (end, shutdown): (End, Shutdown),
) -> ActorRef<Puppet> {
    let spec = Strings::new(name, &stage.log).ending(end).spec().shutdown(shutdown);
    stage.supervisor.start_child(spec).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn children_are_stopped_in_parallel_and_each_is_killed_at_its_deadline() {
    // OTP F08
    let stage = Stage::lenient().await;
    let within = Shutdown::Within(SECOND * 2);
    let a = child(&stage, "a", (End::Take(SECOND), within)).await;
    let b = child(&stage, "b", (End::Take(SECOND), within)).await;
    let c = child(&stage, "c", (End::Take(SECOND * 5), within)).await;
    let d = child(&stage, "d", (End::Hang, Shutdown::Within(SECOND * 3))).await;
    let stopping = Instant::now();
    assert_eq!(stage.supervisor.stop(ExitReason::Shutdown).await, Ok(ExitReason::Shutdown));
    let took = stopping.elapsed();
    assert!(took >= SECOND * 3 && took < SECOND * 3 + MOMENT * 20, "{took:?}");
    let reasons = [a.exited().await, b.exited().await, c.exited().await, d.exited().await];
    let (shutdown, killed) = (ExitReason::Shutdown, ExitReason::Killed);
    assert_eq!(reasons, [shutdown.clone(), shutdown, killed.clone(), killed]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn brutal_children_are_killed_without_being_asked() {
    // OTP F05, F10, H13 for what is no task
    let stage = Stage::lenient().await;
    let mut children = Vec::new();
    for _ in 0..10 {
        children.push(child(&stage, "a", (End::AtOnce, Shutdown::BrutalKill)).await);
    }
    assert_eq!(stage.supervisor.stop(ExitReason::Shutdown).await, Ok(ExitReason::Shutdown));
    for child in children {
        assert_eq!(child.exited().await, ExitReason::Killed);
    }
    assert_eq!((stage.log.count("a?"), stage.log.count("-a")), (0, 10));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn children_that_are_waited_for_keep_their_own_reason() {
    // OTP F12, F13, F14, F16, F17 for a dynamic supervisor
    let telemetry = Telemetry::listen();
    let stage = Stage::lenient().await;
    let oops = ExitReason::shutdown_with("oops");
    let table = [
        (Shutdown::Infinity, oops.clone()),
        (Shutdown::Within(SECOND), oops),
        (Shutdown::Within(SECOND), ExitReason::Normal),
        (Shutdown::Within(SECOND), ExitReason::Error(foundation::Error::business("broke"))),
    ];
    let mut children = Vec::new();
    for (shutdown, reason) in table {
        let child = child(&stage, "a", (End::AtOnce, shutdown)).await;
        child.tell(Pull::ExitWhenAsked(reason.clone())).await.unwrap();
        children.push((child, reason));
    }
    stage.settle().await;
    children
        .push((child(&stage, "b", (End::AtOnce, Shutdown::BrutalKill)).await, ExitReason::Killed));
    let zero = Shutdown::Within(Duration::ZERO);
    children.push((child(&stage, "c", (End::Hang, zero)).await, ExitReason::Killed));
    assert_eq!(stage.supervisor.stop(ExitReason::Shutdown).await, Ok(ExitReason::Shutdown));
    for (child, expected) in children {
        assert_eq!(child.exited().await.to_string(), expected.to_string());
    }
    let bad: Vec<_> = telemetry.about("shutdown_error");
    // One failed, and one had no time; the brutal one ended as it was to.
    assert_eq!(bad.len(), 2, "{bad:?}");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_single_child_is_killed_at_its_deadline_too() {
    let stage = Stage::lenient().await;
    let a = child(&stage, "a", (End::Hang, Shutdown::Within(SECOND))).await;
    let b = stage.puppet("b").await;
    let stopping = Instant::now();
    stage.supervisor.terminate_child(a.pid()).await.unwrap();
    assert!(stopping.elapsed() >= SECOND && stopping.elapsed() < SECOND + MOMENT * 20);
    assert_eq!((a.exited().await, b.is_alive()), (ExitReason::Killed, true));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_killed_supervisor_is_dead_when_its_children_are() {
    let stage = Stage::lenient().await;
    let (a, b) = (stage.puppet("a").await, stage.puppet("b").await);
    let exited = stage.supervisor.exited();
    stage.supervisor.kill();
    assert_eq!(exited.await, ExitReason::Killed);
    assert_eq!((a.is_alive(), b.is_alive()), (false, false));
    assert_eq!((a.exited().await, stage.log.count("a?")), (ExitReason::Killed, 0));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_kill_ends_an_orderly_end_that_takes_too_long() {
    let stage = Stage::lenient().await;
    let a = child(&stage, "a", (End::Hang, Shutdown::Infinity)).await;
    let supervisor = stage.supervisor.clone();
    let (stopped, ()) = tokio::join!(supervisor.stop(ExitReason::Shutdown), async {
        stage.log.wait_for("a?").await;
        stage.supervisor.kill();
    });
    assert_eq!((stopped, a.exited().await), (Ok(ExitReason::Killed), ExitReason::Killed));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_kill_at_the_deadline_of_the_children_waits_for_them_all_the_same() {
    // What was due when they were asked fell due when they had just been killed, and counted as if
    // they did not go: the supervisor was dead before they were.
    let telemetry = Telemetry::listen();
    let stage = Stage::lenient().await;
    let within = Shutdown::Within(SECOND);
    let a = child(&stage, "a", (End::Hang, within)).await;
    let b = child(&stage, "b", (End::Hang, within)).await;
    let supervisor = stage.supervisor.clone();
    let (stopped, ()) = tokio::join!(supervisor.stop(ExitReason::Shutdown), async {
        stage.log.wait_for("b?").await;
        testkit::pass(SECOND).await;
        stage.supervisor.kill();
    });
    assert!(stopped.is_ok() && !a.is_alive() && !b.is_alive());
    assert_eq!(telemetry.about("unresponsive"), Vec::<String>::new());
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_ends_by_itself_while_all_are_stopped_keeps_its_reason_and_is_not_restarted() {
    // OTP F06 for a dynamic supervisor
    let stage = Stage::lenient().await;
    let slow = child(&stage, "slow", (End::Take(SECOND), Shutdown::Infinity)).await;
    let mut children = Vec::new();
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        for reason in [ExitReason::Normal, ExitReason::shutdown_with("x"), ExitReason::Killed] {
            let spec = Puppet::spec("a", &stage.log).restart(restart);
            let child = stage.supervisor.start_child(spec).await.unwrap();
            let exit = Pull::ExitAfter(Duration::from_millis(200), reason.clone());
            child.tell(exit).await.unwrap();
            children.push((child, reason));
        }
    }
    stage.settle().await;
    drop(stage.log.take());
    assert_eq!(stage.supervisor.stop(ExitReason::Shutdown).await, Ok(ExitReason::Shutdown));
    for (child, reason) in children {
        assert_eq!(child.exited().await, reason);
    }
    assert_eq!(slow.exited().await, ExitReason::Shutdown);
    assert_eq!(stage.log.count("+a"), 0);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_started_while_all_are_stopped() {
    let stage = Stage::lenient().await;
    let slow = child(&stage, "slow", (End::Take(SECOND), Shutdown::Infinity)).await;
    let hanging = Strings::new("hanging", &stage.log).then(Start::Hang);
    let supervisor = stage.supervisor.clone();
    let (stopped, started, refused) = tokio::join!(
        supervisor.stop(ExitReason::Shutdown),
        stage.supervisor.start_child(hanging.spec().shutdown(Shutdown::Within(SECOND))),
        async {
            stage.log.wait_for("slow?").await;
            stage.supervisor.start_child(Puppet::spec("late", &stage.log)).await
        }
    );
    assert_eq!(stopped, Ok(ExitReason::Shutdown));
    // Whoever was starting was ended with the others, and whoever asked learns it.
    assert_eq!(started.unwrap_err().code(), "actor_stopped");
    assert_eq!(refused.unwrap_err().code(), "no_process");
    assert_eq!((slow.is_alive(), stage.log.count("+late")), (false, 0));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_whose_system_is_dropped_ends_with_its_children() {
    let log = Log::default();
    let system = crate::fixture::system().await;
    let supervisor = DynamicSupervisor::builder().start(&system).await.unwrap();
    let child = supervisor.start_child(Puppet::spec("a", &log)).await.unwrap();
    drop(system);
    assert_eq!(supervisor.exited().await, ExitReason::Shutdown);
    assert_eq!(
        (child.exited().await, log.entries()),
        (ExitReason::Shutdown, vec!["+a".to_owned(), "a?".into(), "-a".into()])
    );
}
