//! When a child is started again, and what of it is kept when it is not.

use foundation::{ChildState, ExitReason, Restart, Strategy, Supervisor};
use testkit::{Log, Pull, Puppet, Start, Strings};

use super::{HOUR, Stage, listed};

const NORMAL: fn() -> ExitReason = || ExitReason::Normal;
const SHUTDOWN: fn() -> ExitReason = || ExitReason::Shutdown;
const BECAUSE: fn() -> ExitReason = || ExitReason::shutdown_with("because");

async fn with(restart: Restart) -> Stage {
    let log = Log::default();
    let builder = Supervisor::one_for_one()
        .intensity(1000, HOUR)
        .child(Puppet::spec("a", &log).restart(restart));
    Stage::set(builder, &log).await
}

/// Ends the child and gives whether it was restarted.
async fn is_restarted_after(stage: &Stage, reason: ExitReason) -> bool {
    let child = stage.child("a").await;
    let before = child.pid();
    if reason == ExitReason::Killed {
        Puppet::kill(&child).await;
    } else {
        Puppet::exit(&child, reason).await;
    }
    stage.settle().await;
    let restarted = child.is_alive();
    assert_eq!(child.pid() != before, restarted);
    restarted
}

#[tokio::test(start_paused = true)]
async fn a_permanent_child_is_always_restarted() {
    // OTP C01, C02
    let stage = with(Restart::Permanent).await;
    for reason in [NORMAL(), SHUTDOWN(), BECAUSE(), ExitReason::Killed] {
        assert!(is_restarted_after(&stage, reason).await);
        assert_eq!(stage.counts().await, [1, 1, 0, 1]);
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_transient_child_is_restarted_after_an_abnormal_end_alone() {
    // OTP C04, C05, C06
    let stage = with(Restart::Transient).await;
    for reason in [NORMAL(), SHUTDOWN(), BECAUSE()] {
        assert!(!is_restarted_after(&stage, reason).await);
        // Its specification is kept.
        assert_eq!(stage.counts().await, [1, 0, 0, 1]);
        assert_eq!(stage.which().await, listed(&[("a", false)]));
        stage.supervisor.restart_child("a").await.unwrap();
    }
    assert!(is_restarted_after(&stage, ExitReason::Killed).await);
    let child = stage.child("a").await;
    for pull in [Pull::Panic, Pull::Fail("broken")] {
        let (before, exited) = (child.pid(), child.exited());
        child.tell(pull).await.unwrap();
        assert!(exited.await.is_abnormal());
        stage.settle().await;
        assert_ne!(child.pid(), before);
        assert_eq!(stage.counts().await, [1, 1, 0, 1]);
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_temporary_child_is_never_restarted_and_forgotten() {
    // OTP C08
    let stage = with(Restart::Temporary).await;
    for reason in [NORMAL(), SHUTDOWN(), BECAUSE(), ExitReason::Killed] {
        assert!(!is_restarted_after(&stage, reason).await);
        assert_eq!(stage.counts().await, [0, 0, 0, 0]);
        let spec = Puppet::spec("a", &stage.log).restart(Restart::Temporary);
        stage.supervisor.start_child(spec).await.unwrap();
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_temporary_bystander_is_stopped_and_forgotten_when_the_group_restarts() {
    // OTP C10
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let log = Log::default();
        let builder = Supervisor::with_strategy(strategy)
            .intensity(1000, HOUR)
            .child(Puppet::spec("a", &log))
            .child(Puppet::spec("t", &log).restart(Restart::Temporary));
        let stage = Stage::set(builder, &log).await;
        stage.crash("a").await;
        assert_eq!(stage.which().await, listed(&[("a", true)]));
        assert_eq!(log.entries(), ["-a", "t?", "-t", "+a"], "{strategy:?}");
        stage.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_clean_end_of_a_transient_child_does_not_touch_its_siblings() {
    // OTP C12
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let log = Log::default();
        let builder = Supervisor::with_strategy(strategy)
            .child(Puppet::spec("a", &log).restart(Restart::Transient))
            .child(Puppet::spec("b", &log))
            .child(Puppet::spec("t", &log).restart(Restart::Temporary));
        let stage = Stage::set(builder, &log).await;
        Puppet::exit(&stage.child("a").await, NORMAL()).await;
        Puppet::kill(&stage.child("t").await).await;
        stage.settle().await;
        assert_eq!(log.entries(), ["a?", "-a", "-t"], "{strategy:?}");
        assert_eq!(stage.which().await, listed(&[("b", true), ("a", false)]));
        stage.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ignores_its_restart_is_kept_and_not_tried_again() {
    // OTP C14
    let log = Log::default();
    let child = Strings::new("a", &log).starting([Start::Run, Start::Ignore]);
    let stage = Stage::set(Supervisor::one_for_one().child(child.spec()), &log).await;
    stage.crash("a").await;
    assert_eq!((stage.which().await, child.starts()), (listed(&[("a", false)]), 2));
    assert_eq!(stage.state("a").await, ChildState::Stopped);
    stage.supervisor.restart_child("a").await.unwrap();
    assert_eq!(stage.counts().await, [1, 1, 0, 1]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_is_found_under_its_name_after_every_restart_and_gone_with_its_supervisor() {
    // OTP C22
    let log = Log::default();
    let inner = Supervisor::one_for_one().name("inner").child(Puppet::spec("a", &log));
    let builder = Supervisor::one_for_one().intensity(1000, HOUR).child(inner);
    let stage = Stage::set(builder, &log).await;
    let inner = stage.supervisor.child::<Supervisor>("inner").await.unwrap();
    let child = inner.child::<Puppet>("a").await.unwrap();
    let mut pids = vec![child.pid()];
    Puppet::kill(&child).await;
    pids.push(answering(&inner, &child).await);
    Puppet::exit(&child, NORMAL()).await;
    pids.push(answering(&inner, &child).await);
    inner.terminate_child("a").await.unwrap();
    inner.restart_child("a").await.unwrap();
    pids.push(answering(&inner, &child).await);
    // Its supervisor is restarted, and with it the child: both are still where they were.
    let exited = inner.exited();
    inner.kill();
    exited.await;
    stage.settle().await;
    pids.push(answering(&inner, &child).await);
    assert!(pids.is_sorted_by(|a, b| a.slot == b.slot && a.generation < b.generation), "{pids:?}");
    let exited = stage.supervisor.exited();
    stage.supervisor.kill();
    assert_eq!(exited.await, ExitReason::Killed);
    assert!(!inner.is_alive() && !child.is_alive());
    assert_eq!(child.tell(Pull::Panic).await.unwrap_err().code(), "no_process");
    stage.strike().await;
}

/// The incarnation of the child that answers, when its supervisor has done its work.
async fn answering(
    inner: &foundation::ActorRef<Supervisor>,
    child: &foundation::ActorRef<Puppet>,
) -> foundation::Pid {
    while !inner.which_children().await.unwrap().iter().all(|it| it.state == ChildState::Running) {
        tokio::task::yield_now().await;
    }
    child.ask(Pull::Starts).await.unwrap();
    child.pid()
}

#[tokio::test(start_paused = true)]
async fn messages_to_a_child_that_is_being_restarted_are_refused_and_none_is_carried_over() {
    // K12
    let stage = Stage::of(Strategy::OneForOne, &["a"]).await;
    let child = stage.child("a").await;
    child.tell(Pull::Panic).await.unwrap();
    child.tell(Pull::Exit(ExitReason::Normal)).await.unwrap();
    let lost = child.ask(Pull::Starts).await.unwrap_err();
    assert_eq!(lost.code(), "actor_stopped");
    assert!(lost.report().to_string().contains("a in handle"), "{}", lost.report());
    stage.settle().await;
    // The message behind the panic was not handled by the next incarnation.
    assert_eq!(child.ask(Pull::Starts).await.unwrap(), 2);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_of_the_old_incarnation_is_there_when_the_next_one_starts() {
    // K09
    let stage = Stage::of(Strategy::OneForOne, &["a"]).await;
    let child = stage.child("a").await;
    for pull in [Pull::Panic, Pull::Fail("broken"), Pull::Exit(ExitReason::Normal)] {
        child.tell(pull).await.unwrap();
        child.exited().await;
        stage.settle().await;
    }
    assert_eq!(stage.log.entries(), ["-a", "+a", "a?", "-a", "+a", "a?", "-a", "+a"]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_terminate_or_in_drop_changes_neither_reason_nor_restart() {
    // K06
    let log = Log::default();
    let in_terminate = Strings::new("a", &log).ending(testkit::End::Panic);
    let builder = Supervisor::one_for_one()
        .child(in_terminate.spec().restart(Restart::Transient))
        .child(Puppet::spec("b", &log).restart(Restart::Transient));
    let stage = Stage::set(builder, &log).await;
    stage.child("b").await.tell(Pull::PanicInDrop).await.unwrap();
    for name in ["a", "b"] {
        let child = stage.child(name).await;
        Puppet::exit(&child, NORMAL()).await;
        stage.settle().await;
        assert!(!child.is_alive());
        stage.supervisor.restart_child(name).await.unwrap();
    }
    stage.child("b").await.tell(Pull::PanicInDrop).await.unwrap();
    let log = stage.log.clone();
    drop(log.take());
    stage.strike().await;
    assert_eq!(log.entries(), ["b?", "-b", "a?", "-a"]);
}

#[tokio::test(start_paused = true)]
async fn crashes_and_restarts_leave_nothing_behind() {
    // SUP-4
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let stage = Stage::of(strategy, &["a", "b", "c"]).await;
        let before = (stage.system.census(), stage.counts().await);
        for _ in 0..30 {
            for name in ["a", "b", "c"] {
                stage.crash(name).await;
            }
        }
        assert_eq!((stage.system.census(), stage.counts().await), before);
        assert_eq!(stage.system.strays(), 0);
        for name in ["a", "b", "c"] {
            let child = stage.child(name).await;
            assert_eq!((child.watchers(), child.links(), child.mailbox_len()), (0, 0, 0));
        }
        assert_eq!((stage.supervisor.watchers(), stage.supervisor.links()), (0, 0));
        stage.strike().await;
    }
}
