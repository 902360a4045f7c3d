//! Which children are started again, and what happens when they are not.

use std::time::Duration;

use foundation::{ChildState, DynamicSupervisor, ExitReason, Pid, Restart};
use testkit::{Log, Puppet, Start, Strings, Telemetry};

use super::{HOUR, Stage};

#[tokio::test(start_paused = true)]
async fn only_the_child_that_failed_is_replaced() {
    // OTP D22
    let stage = Stage::lenient().await;
    let (a, b) = (stage.puppet("a").await, stage.puppet("b").await);
    let pids = (a.pid(), b.pid());
    Puppet::kill(&a).await;
    stage.settle().await;
    assert!(a.pid().generation == 2 && a.pid() != pids.0 && b.pid() == pids.1);
    assert_eq!(stage.counts(), [2, 2, 0, 2]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_transient_child_is_forgotten_after_a_clean_end_and_restarted_after_any_other() {
    // OTP C16
    let stage = Stage::lenient().await;
    let clean = [ExitReason::Normal, ExitReason::Shutdown, ExitReason::shutdown_with("signal")];
    for reason in clean {
        let spec = Puppet::spec("a", &stage.log).restart(Restart::Transient);
        let a = stage.supervisor.start_child(spec).await.unwrap();
        Puppet::exit(&a, reason).await;
        stage.settle().await;
        assert_eq!((stage.counts(), a.is_alive()), ([0; 4], false));
    }
    let spec = Puppet::spec("a", &stage.log).restart(Restart::Transient);
    let a = stage.supervisor.start_child(spec).await.unwrap();
    Puppet::kill(&a).await;
    stage.settle().await;
    assert_eq!((stage.counts(), a.pid().generation), ([1, 1, 0, 1], 2));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_permanent_child_is_restarted_whatever_its_reason() {
    // OTP C17
    let stage = Stage::lenient().await;
    let reasons = [ExitReason::Shutdown, ExitReason::shutdown_with("signal"), ExitReason::Killed];
    for (n, reason) in reasons.into_iter().enumerate() {
        let a = stage.puppet("a").await;
        Puppet::exit(&a, reason).await;
        stage.settle().await;
        assert_eq!((stage.counts()[1], a.pid().generation), (n + 1, 2));
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_temporary_child_is_forgotten_by_its_own_task() {
    let telemetry = Telemetry::listen();
    let stage = Stage::lenient().await;
    for reason in [ExitReason::Normal, ExitReason::Killed] {
        let spec = Puppet::spec("a", &stage.log).restart(Restart::Temporary);
        let a = stage.supervisor.start_child(spec).await.unwrap();
        Puppet::exit(&a, reason).await;
        // At once.
        assert_eq!(stage.counts(), [0; 4]);
    }
    assert_eq!(
        telemetry.about("supervisor.child_ended"),
        [
            "DEBUG supervisor.child_ended supervisor=top child=a reason=normal",
            "ERROR supervisor.child_ended supervisor=top child=a reason=killed",
        ]
    );
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ignores_its_restart_is_forgotten() {
    // OTP C13
    for restart in [Restart::Transient, Restart::Permanent] {
        let stage = Stage::lenient().await;
        let starts = [Start::Run, Start::Run, Start::Run, Start::Ignore];
        let strings = Strings::new("a", &stage.log).starting(starts);
        let a = stage.supervisor.start_child(strings.spec().restart(restart)).await.unwrap();
        for generation in 2..=3 {
            Puppet::kill(&a).await;
            stage.settle().await;
            assert_eq!((a.pid().generation, stage.counts()), (generation, [1, 1, 0, 1]));
        }
        Puppet::kill(&a).await;
        stage.settle().await;
        assert_eq!((stage.counts(), strings.starts()), ([0; 4], 4));
        assert_eq!(stage.supervisor.stop(ExitReason::Shutdown).await, Ok(ExitReason::Shutdown));
        stage.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_outcome_of_a_restart_is_seen_in_the_counts() {
    // OTP C18, of which an `ok` with more than a pid has no counterpart
    let stage = Stage::lenient().await;
    let slowly = Start::FailAfter(Duration::from_secs(1), "broken");
    let again = |name, start| Strings::new(name, &stage.log).starting([Start::Run]).then(start);
    let table = [
        ("runs", Start::Run, [1, 1]),
        ("runs too", Start::Run, [2, 2]),
        ("ignores", Start::Ignore, [2, 2]),
        ("fails", slowly.clone(), [3, 3]),
        ("fails too", slowly, [4, 4]),
    ];
    let mut failing = Vec::new();
    for (name, start, [workers, active]) in table {
        let child = stage.supervisor.start_child(again(name, start).spec()).await.unwrap();
        Puppet::kill(&child).await;
        stage.settle().await;
        // One that is starting again has an incarnation, which Elixir's has not.
        assert_eq!((stage.counts()[3], stage.counts()[1]), (workers, active), "{name}");
        if name.starts_with("fails") {
            failing.push(stage.supervisor.which_children().unwrap().pop().unwrap().state);
        }
    }
    assert_eq!(failing, [ChildState::Starting, ChildState::Starting]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn one_budget_for_all_children_and_the_reason_is_shutdown() {
    // OTP E04
    let stage = Stage::set(DynamicSupervisor::builder().intensity(2, HOUR)).await;
    let (a, b) = (stage.puppet("a").await, stage.puppet("b").await);
    for child in [&a, &b] {
        Puppet::kill(child).await;
        stage.settle().await;
    }
    assert_eq!(stage.counts(), [2, 2, 0, 2]);
    let exited = stage.supervisor.exited();
    Puppet::kill(&a).await;
    assert_eq!(exited.await, ExitReason::Shutdown);
    assert_eq!((b.is_alive(), stage.log.count("b?")), (false, 1));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn restarts_that_fail_spend_the_budget_and_take_healthy_siblings_along() {
    // OTP E09, E10
    for intensity in [1, 4] {
        let telemetry = Telemetry::listen();
        let stage = Stage::set(DynamicSupervisor::builder().intensity(intensity, HOUR)).await;
        let broken =
            Strings::new("a", &stage.log).starting([Start::Run]).then(Start::Fail("broken"));
        let a = stage.supervisor.start_child(broken.spec()).await.unwrap();
        let healthy = stage.puppet("b").await;
        let exited = stage.supervisor.exited();
        a.kill();
        assert_eq!(exited.await, ExitReason::Shutdown);
        assert_eq!((broken.starts(), healthy.is_alive()), (intensity + 1, false));
        assert_eq!(telemetry.about("supervisor.start_error").len(), intensity as usize);
        assert_eq!(telemetry.about("too_many_restarts").len(), 1);
        stage.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_starts_at_the_second_attempt_is_back() {
    // OTP E12
    let stage = Stage::set(DynamicSupervisor::builder().intensity(2, HOUR)).await;
    let flaky = Strings::new("a", &stage.log).starting([Start::Run, Start::Fail("broken")]);
    let a = stage.supervisor.start_child(flaky.spec()).await.unwrap();
    Puppet::kill(&a).await;
    stage.settle().await;
    assert_eq!((stage.counts(), flaky.starts()), ([1, 1, 0, 1], 3));
    assert_eq!(stage.log.entries(), ["+a", "-a", "+a", "+a"]);
    let info = stage.supervisor.which_children().unwrap().pop().unwrap();
    assert_eq!((info.starts, info.pid), (3, Some(a.pid())));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_takes_too_long_to_start_again_has_failed_to() {
    let stage = Stage::set(DynamicSupervisor::builder().intensity(2, HOUR)).await;
    let slow = Strings::new("a", &stage.log).starting([Start::Run, Start::Hang]);
    let second = Duration::from_secs(1);
    let a = stage.supervisor.start_child(slow.spec().start_within(second)).await.unwrap();
    Puppet::kill(&a).await;
    stage.settle().await;
    assert_eq!(stage.states(), [ChildState::Starting]);
    testkit::pass(second).await;
    assert_eq!((stage.states(), slow.starts()), (vec![ChildState::Running], 3));
    stage.strike().await;
}

/// Three permanent children, the first two of which are starting again and fail once an hour. Their
/// pids are those they had before.
async fn two_in_a_loop() -> (Stage, Vec<Strings>, Vec<Pid>) {
    let stage = Stage::lenient().await;
    let (mut strings, mut children) = (Vec::new(), Vec::new());
    for name in ["a", "b", "c"] {
        let puppet = Strings::new(name, &stage.log);
        let spec = puppet.spec().start_within(HOUR * 9);
        children.push(stage.supervisor.start_child(spec).await.unwrap());
        strings.push(puppet);
    }
    let pids = children.iter().map(foundation::ActorRef::pid).collect();
    for (child, puppet) in children.iter().zip(&strings).take(2) {
        puppet.set_start(Start::FailAfter(HOUR, "broken"));
        Puppet::kill(child).await;
    }
    stage.settle().await;
    (stage, strings, pids)
}

#[tokio::test(start_paused = true)]
async fn children_that_are_restarting_count_as_children() {
    // OTP E25. One that is starting has an incarnation here; specs are the children, as in Elixir.
    let (stage, strings, _) = two_in_a_loop().await;
    let (starting, running) = (ChildState::Starting, ChildState::Running);
    assert_eq!((stage.counts(), stage.states()), ([3, 3, 0, 3], vec![starting, starting, running]));
    for puppet in &strings {
        puppet.set_start(Start::Run);
    }
    testkit::pass(HOUR).await;
    stage.settle().await;
    assert_eq!((stage.counts(), stage.states()), ([3, 3, 0, 3], vec![running; 3]));
    for left in [2, 1, 0] {
        let child = stage.supervisor.which_children().unwrap().remove(0);
        stage.supervisor.terminate_child(child.pid.unwrap()).await.unwrap();
        assert_eq!(stage.counts(), [left, left, 0, left]);
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_restarting_can_be_ended_by_the_pid_it_had_and_stays_so() {
    // OTP E24, E26
    let (stage, strings, pids) = two_in_a_loop().await;
    stage.supervisor.terminate_child(pids[0]).await.unwrap();
    let again = stage.supervisor.terminate_child(pids[0]).await.unwrap_err();
    assert_eq!((again.code(), stage.names()), ("child_not_found", vec!["b".into(), "c".into()]));
    strings[0].set_start(Start::Run);
    strings[1].set_start(Start::Run);
    testkit::pass(HOUR * 2).await;
    assert_eq!((strings[0].starts(), stage.counts()[0]), (2, 2));
    // One that has come back is another one than it was.
    let outdated = stage.supervisor.terminate_child(pids[1]).await.unwrap_err();
    assert_eq!(outdated.code(), "child_not_found");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn when_all_die_in_one_instant_there_is_one_meltdown_and_no_restart_after_it() {
    // K14
    let telemetry = Telemetry::listen();
    let stage = Stage::set(DynamicSupervisor::builder().intensity(3, HOUR)).await;
    let mut children = Vec::new();
    for _ in 0..1000 {
        children.push(stage.puppet("a").await);
    }
    drop(stage.log.take());
    let exited = stage.supervisor.exited();
    children.iter().for_each(foundation::ActorRef::kill);
    assert_eq!(exited.await, ExitReason::Shutdown);
    assert_eq!(telemetry.about("too_many_restarts").len(), 1);
    let entries = stage.log.entries();
    let restarts = entries.iter().filter(|entry| *entry == "+a").count();
    assert!(restarts <= 3, "{restarts} restarts");
    assert_eq!(stage.log.count("-a"), 1000 + restarts);
    assert!(children.iter().all(|child| !child.is_alive()));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn two_supervisors_do_not_share_a_budget() {
    let log = Log::default();
    let first = Stage::set(DynamicSupervisor::builder().intensity(1, HOUR)).await;
    let second = first.system.start(DynamicSupervisor::builder().intensity(1, HOUR)).await.unwrap();
    let (a, b) =
        (first.puppet("a").await, second.start_child(Puppet::spec("b", &log)).await.unwrap());
    Puppet::kill(&a).await;
    Puppet::kill(&b).await;
    first.settle().await;
    assert_eq!((a.pid().generation, b.pid().generation), (2, 2));
    first.strike().await;
}
