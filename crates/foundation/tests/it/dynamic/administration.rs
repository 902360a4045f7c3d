//! Starting children, what comes back, listing, counting and ending them.

use std::sync::Arc;
use std::time::Duration;

use foundation::{
    ChildBudget, ChildKind, ChildSpec, ChildState, DynamicSupervisor, ExitReason, Restart,
    Shutdown, Supervisor,
};
use testkit::{Log, Pull, Puppet, Start, Strings, pass};
use tokio::sync::Notify;

use super::{HOUR, MOMENT, Stage, counts};
use crate::fixture::{Script, Scripted, system};

#[tokio::test(start_paused = true)]
async fn a_child_that_ignores_is_not_kept_whatever_its_restart_type() {
    // OTP A08, A09
    for restart in [Restart::Temporary, Restart::Permanent] {
        let stage = Stage::lenient().await;
        let ignoring = Strings::new("a", &stage.log).starting([Start::Ignore]);
        let start = stage.supervisor.start_child(ignoring.spec().restart(restart)).await;
        assert_eq!(start.unwrap_err().code(), "start_ignored");
        assert_eq!(stage.counts(), [0; 4]);
        let second = ignoring.spec().restart(restart);
        stage.supervisor.start_child(second).await.unwrap();
        assert_eq!((stage.names(), stage.counts()), (vec!["a".to_owned()], [1, 1, 0, 1]));
        assert_eq!(stage.supervisor.stop(ExitReason::Shutdown).await, Ok(ExitReason::Shutdown));
        stage.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_way_to_start_comes_back_as_it_is() {
    // OTP H06, A12
    let stage = Stage::lenient().await;
    let puppet = stage.puppet("a").await;
    assert!(puppet.is_alive());
    let start =
        |start| stage.supervisor.start_child(Strings::new("b", &stage.log).then(start).spec());
    assert_eq!(start(Start::Ignore).await.unwrap_err().code(), "start_ignored");
    // The reason itself, without a description of the child around it.
    let failed = start(Start::Fail("found")).await.unwrap_err();
    assert_eq!((failed.code(), std::error::Error::source(&failed).is_none()), ("found", true));
    let panicked = start(Start::Panic).await.unwrap_err();
    assert_eq!((panicked.code(), panicked.message()), ("actor_panicked", "b in init"));
    let late = Strings::new("b", &stage.log).then(Start::Hang).spec().start_within(MOMENT);
    assert_eq!(stage.supervisor.start_child(late).await.unwrap_err().code(), "timeout");
    assert_eq!((stage.names(), stage.counts()), (vec!["a".to_owned()], [1, 1, 0, 1]));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_start_that_nobody_waits_for_any_more_is_undone() {
    let stage = Stage::lenient().await;
    let gate = Arc::new(Notify::new());
    let slow = Strings::new("a", &stage.log).then(Start::WaitFor(Arc::clone(&gate)));
    let start = stage.supervisor.start_child(slow.spec());
    assert!(tokio::time::timeout(MOMENT, start).await.is_err());
    gate.notify_one();
    stage.settle().await;
    // It is permanent, and is not restarted all the same.
    assert_eq!((stage.counts(), slow.starts()), ([0; 4], 1));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_is_known_by_its_pid_and_nobody_elses() {
    // OTP A14
    let stage = Stage::lenient().await;
    let specs = [
        Puppet::spec("defaults", &stage.log),
        Puppet::spec("brutal", &stage.log).shutdown(Shutdown::BrutalKill),
        Puppet::spec("temporary", &stage.log).restart(Restart::Temporary),
    ];
    for spec in specs {
        let started = stage.supervisor.start_child(spec).await.unwrap();
        let found = stage.supervisor.child::<Puppet>(started.pid()).unwrap();
        assert_eq!(found, started);
    }
    let wrong = stage
        .supervisor
        .child::<Scripted>(stage.supervisor.which_children().unwrap()[0].pid.unwrap());
    assert_eq!(wrong.unwrap_err().code(), "wrong_type");
    let foreign = stage.supervisor.pid();
    assert_eq!(stage.supervisor.child::<Puppet>(foreign).unwrap_err().code(), "child_not_found");
    let ended = stage.supervisor.terminate_child(foreign).await.unwrap_err();
    assert_eq!(
        (ended.code(), &ended.details()["pid"]),
        ("child_not_found", &foreign.to_string().into())
    );
    assert_eq!(stage.counts(), [3, 3, 0, 3]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_terminated_child_is_dead_when_that_returns_and_unknown_from_then_on() {
    // OTP B10: as in Elixir, a pid that is dead is not found. B09: children have no names to ask
    // by, as the example of `DynamicSupervisor` shows by not compiling.
    let stage = Stage::lenient().await;
    let (a, b) = (stage.puppet("a").await, stage.puppet("b").await);
    let pid = a.pid();
    stage.supervisor.terminate_child(pid).await.unwrap();
    assert_eq!((a.is_alive(), a.exited().await), (false, ExitReason::Shutdown));
    assert_eq!(stage.log.entries(), ["+a", "+b", "a?", "-a"]);
    let again = stage.supervisor.terminate_child(pid).await.unwrap_err();
    assert_eq!(again.code(), "child_not_found");
    assert_eq!((stage.names(), b.is_alive()), (vec!["b".to_owned()], true));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_supervisor_counts_nothing() {
    // OTP B12, as in Elixir: there is no template that would count.
    let stage = Stage::lenient().await;
    assert_eq!((stage.names(), stage.counts()), (vec![], [0; 4]));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_dynamic_supervisor_is_a_child_like_any_other() {
    // OTP H09: two of one name collide where they are siblings; under registered names, see there.
    let system = system().await;
    let dynamic = || DynamicSupervisor::builder().name("sessions");
    let top = Supervisor::one_for_one().name("top").child(dynamic()).start(&system).await.unwrap();
    let sessions = top.child::<DynamicSupervisor>("sessions").await.unwrap();
    assert_eq!(counts(&sessions), [0; 4]);
    let second = top.start_child(dynamic()).await.unwrap_err();
    assert_eq!(second.code(), "already_started");
    assert_eq!(top.child::<DynamicSupervisor>("sessions").await.unwrap(), sessions);

    let log = Log::default();
    let child = sessions.start_child(Puppet::spec("a", &log)).await.unwrap();
    // The reference outlives an incarnation of the supervisor; its children do not.
    Puppet::kill(&child).await;
    let exited = sessions.exited();
    sessions.kill();
    assert_eq!(exited.await, ExitReason::Killed);
    pass(MOMENT).await;
    assert_eq!((counts(&sessions), child.is_alive()), ([0; 4], false));
    sessions.start_child(Puppet::spec("b", &log)).await.unwrap();
    assert_eq!(counts(&sessions), [1, 1, 0, 1]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn supervisors_are_counted_as_such() {
    let stage = Stage::lenient().await;
    let inner = Supervisor::one_for_one().name("inner").child(Puppet::spec("a", &stage.log));
    let inner = stage.supervisor.start_child(inner).await.unwrap();
    stage.puppet("b").await;
    assert_eq!(stage.counts(), [2, 2, 1, 1]);
    let children = stage.supervisor.which_children().unwrap();
    let kinds: Vec<_> = children.iter().map(|child| (child.kind, child.state)).collect();
    let running = ChildState::Running;
    assert_eq!(kinds, [(ChildKind::Supervisor, running), (ChildKind::Worker, running)]);
    let ends = stage.log.count("-a");
    stage.supervisor.terminate_child(inner.pid()).await.unwrap();
    assert_eq!((stage.counts(), stage.log.count("-a") - ends), ([1, 1, 0, 1], 1));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_children_than_allowed() {
    // OTP H01, and H04: a limit that is lowered ends nobody.
    let none = Stage::set(DynamicSupervisor::builder().max_children(0)).await;
    let refused = none.supervisor.start_child(Puppet::spec("a", &none.log)).await.unwrap_err();
    assert_eq!((refused.code(), &refused.details()["max_children"]), ("max_children", &0.into()));
    assert!(refused.is_retryable());
    assert_eq!((none.counts(), none.log.entries()), ([0; 4], vec![]));
    none.strike().await;

    let stage = Stage::set(DynamicSupervisor::builder()).await;
    let a = stage.puppet("a").await;
    stage.supervisor.set_max_children(1).unwrap();
    assert!(a.is_alive());
    let refused = stage.supervisor.start_child(Puppet::spec("b", &stage.log)).await.unwrap_err();
    assert_eq!(refused.code(), "max_children");
    stage.supervisor.terminate_child(a.pid()).await.unwrap();
    stage.puppet("b").await;
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ends_leaves_its_place_before_anybody_hears_of_it() {
    let stage = Stage::set(DynamicSupervisor::builder().max_children(1)).await;
    for _ in 0..10 {
        let spec = Puppet::spec("a", &stage.log).restart(Restart::Temporary);
        let a = stage.supervisor.start_child(spec).await.unwrap();
        Puppet::exit(&a, ExitReason::Normal).await;
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_restarting_holds_its_place() {
    // OTP H02
    let budget = ChildBudget::default().backoff(HOUR, HOUR);
    let waiting = DynamicSupervisor::builder().max_children(1).budget_per_child(budget);
    let failing = DynamicSupervisor::builder().max_children(1).intensity(9, HOUR);
    for (builder, active) in [(waiting, 0), (failing, 1)] {
        let stage = Stage::set(builder).await;
        let slow = Strings::new("a", &stage.log).starting([Start::Run]);
        let slow = slow.then(Start::FailAfter(HOUR, "x")).spec().start_within(HOUR * 2);
        let a = stage.supervisor.start_child(slow).await.unwrap();
        Puppet::kill(&a).await;
        stage.settle().await;
        assert_eq!(stage.counts(), [1, active, 0, 1]);
        let refused = stage.supervisor.start_child(Puppet::spec("b", &stage.log)).await;
        assert_eq!(refused.unwrap_err().code(), "max_children");
        stage.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_given_up_when_the_child_has_been_restarted_meanwhile_is_undone_too() {
    // A caller that is slow to look finds that its child runs, fails, and runs again before it
    // gives up. Once, the later incarnation was left behind, and the supervisor waited for it for
    // ever.
    let stage = Stage::lenient().await;
    for then in [Start::Run, Start::FailAfter(HOUR, "broken")] {
        let strings = Strings::new("a", &stage.log);
        let strings = strings.starting([Start::RunAndExit(ExitReason::Killed)]).then(then);
        let mut start =
            Box::pin(stage.supervisor.start_child(strings.spec().start_within(HOUR * 2)));
        // Looked at once, and not again.
        let looked = std::future::poll_fn(|cx| std::task::Poll::Ready(start.as_mut().poll(cx)));
        assert!(looked.await.is_pending());
        stage.settle().await;
        assert_eq!(strings.starts(), 2);
        drop(start);
        stage.settle().await;
        assert_eq!((stage.counts(), strings.starts()), ([0; 4], 2));
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_when_the_supervisor_starts() {
    // OTP H05; strategies, negative numbers and auto-shutdown have no way to be said. A25 likewise:
    // there is no auto-shutdown, so a significant child is refused.
    let system = system().await;
    let budget = ChildBudget::default;
    let second = Duration::from_secs(1);
    let table = [
        (DynamicSupervisor::builder().name(""), "name"),
        (DynamicSupervisor::builder().name("x".repeat(256)), "name"),
        (DynamicSupervisor::builder().intensity(1, Duration::ZERO), "intensity.period"),
        (
            DynamicSupervisor::builder().budget_per_child(budget().intensity(1, Duration::ZERO)),
            "budget_per_child.period",
        ),
        (
            DynamicSupervisor::builder().budget_per_child(budget().backoff(Duration::ZERO, second)),
            "budget_per_child.first",
        ),
        (
            DynamicSupervisor::builder().budget_per_child(budget().backoff(HOUR, second)),
            "budget_per_child.first",
        ),
    ];
    for (builder, field) in table {
        let error = builder.start(&system).await.unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_invalid_child_is_refused_before_the_supervisor_is_asked() {
    // OTP H08
    let stage = Stage::lenient().await;
    let supervisor = stage.supervisor.clone();
    stage.strike().await;
    let script = Script::default();
    let spec = || ChildSpec::<Scripted>::actor("a", script.clone());
    let table = [
        (spec().start_within(Duration::ZERO), "start_within"),
        (ChildSpec::actor("", script.clone()), "name"),
        (spec().significant(true).restart(Restart::Transient), "significant"),
        (ChildSpec::once("a", script.clone()).restart(Restart::Permanent), "restart"),
    ];
    for (spec, field) in table {
        let error = supervisor.start_child(spec).await.unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
    }
    // A valid one finds that nobody is there.
    assert_eq!(supervisor.start_child(spec()).await.unwrap_err().code(), "no_process");
    assert_eq!(supervisor.count_children().unwrap_err().code(), "no_process");
    assert_eq!(supervisor.which_children().unwrap_err().code(), "no_process");
    let pid = supervisor.pid();
    assert_eq!(supervisor.terminate_child(pid).await.unwrap_err().code(), "no_process");
}

#[tokio::test(start_paused = true)]
async fn what_a_child_starts_from_is_not_kept_longer_than_it_is_needed() {
    // OTP C21
    let stage = Stage::lenient().await;
    let large = Arc::new(vec![0_u64; 50_000]);
    let spec = |name, restart| {
        let (large, log) = (Arc::clone(&large), stage.log.clone());
        ChildSpec::<Puppet>::with(name, move || {
            assert!(!large.is_empty());
            Strings::new("large", &log)
        })
        .restart(restart)
    };
    let temporary =
        stage.supervisor.start_child(spec("temporary", Restart::Temporary)).await.unwrap();
    assert_eq!(Arc::strong_count(&large), 1);
    let permanent =
        stage.supervisor.start_child(spec("permanent", Restart::Permanent)).await.unwrap();
    assert_eq!(Arc::strong_count(&large), 2);
    Puppet::exit(&temporary, ExitReason::Normal).await;
    stage.supervisor.terminate_child(permanent.pid()).await.unwrap();
    stage.settle().await;
    assert_eq!(Arc::strong_count(&large), 1);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_may_start_and_end_its_siblings() {
    let stage = Stage::lenient().await;
    let a = stage.puppet("a").await;
    let (supervisor, log) = (stage.supervisor.clone(), stage.log.clone());
    let b = supervisor.start_child(Puppet::spec("b", &log)).await.unwrap();
    let (first, second) = tokio::join!(
        stage.supervisor.terminate_child(a.pid()),
        stage.supervisor.terminate_child(a.pid())
    );
    // Both wait for the same end.
    assert_eq!((first, second), (Ok(()), Ok(())));
    b.tell(Pull::Exit(ExitReason::Normal)).await.unwrap();
    stage.settle().await;
    assert_eq!(stage.counts(), [1, 1, 0, 1]);
    assert_eq!(b.pid().generation, 2);
    stage.strike().await;
}
