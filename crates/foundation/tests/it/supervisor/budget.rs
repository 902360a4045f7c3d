//! How many restarts are too many, what happens then, and children that do not start again.

use std::time::Duration;

use foundation::{ChildState, ExitReason, Restart, Strategy, Supervisor};
use testkit::{Log, Puppet, Start, Strings, pass};
use tokio::time::Instant;

use super::{HOUR, MOMENT, Stage, counts, listed};

/// Kills the child, after which its supervisor ends. Gives with which reason.
async fn last_straw(stage: &Stage, name: &str) -> ExitReason {
    let exited = stage.supervisor.exited();
    Puppet::kill(&stage.child(name).await).await;
    exited.await
}

async fn with_two(strategy: Strategy, intensity: u32) -> Stage {
    let log = Log::default();
    let builder = Supervisor::with_strategy(strategy)
        .intensity(intensity, HOUR)
        .child(Puppet::spec("a", &log))
        .child(Puppet::spec("b", &log));
    Stage::set(builder, &log).await
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_that_of_the_supervisor_and_not_of_a_child() {
    // OTP E01
    let stage = with_two(Strategy::OneForOne, 2).await;
    stage.crash("a").await;
    stage.crash("b").await;
    assert_eq!(stage.counts().await, [2, 2, 0, 2]);
    assert_eq!(last_straw(&stage, "a").await, ExitReason::Shutdown);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn the_restart_of_a_group_costs_one() {
    // OTP E02
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let stage = with_two(strategy, 2).await;
        stage.crash("a").await;
        stage.crash("a").await;
        assert_eq!(stage.counts().await, [2, 2, 0, 2]);
        assert_eq!(last_straw(&stage, "b").await, ExitReason::Shutdown);
        stage.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn restarts_leave_the_window() {
    // OTP E05, and E14 for the boundary
    let log = Log::default();
    let second = Duration::from_secs(1);
    let builder = Supervisor::one_for_one().intensity(1, second).child(Puppet::spec("a", &log));
    let stage = Stage::set(builder, &log).await;
    stage.crash("a").await;
    for _ in 0..3 {
        pass(Duration::from_millis(2100)).await;
        stage.crash("a").await;
    }
    assert_eq!(stage.counts().await, [1, 1, 0, 1]);
    pass(second.saturating_sub(MOMENT)).await;
    // Exactly one period later still counts.
    assert_eq!(last_straw(&stage, "a").await, ExitReason::Shutdown);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn every_attempt_to_start_again_counts_and_escalates() {
    // OTP E06, E08
    for strategy in [Strategy::OneForOne, Strategy::RestForOne, Strategy::OneForAll] {
        let log = Log::default();
        let broken = Strings::new("a", &log).starting([Start::Run]).then(Start::Fail("broken"));
        let builder = Supervisor::with_strategy(strategy)
            .intensity(4, HOUR)
            .child(broken.spec())
            .child(Puppet::spec("b", &log));
        let stage = Stage::set(builder, &log).await;
        assert_eq!(last_straw(&stage, "a").await, ExitReason::Shutdown);
        // The first start, and the four restarts that are allowed.
        assert_eq!(broken.starts(), 5, "{strategy:?}");
        assert_eq!((log.count("b?"), log.count("-b")), (1, 1));
        stage.strike().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_starts_at_the_second_attempt_is_back() {
    // OTP E12 for a static supervisor
    let log = Log::default();
    let flaky = Strings::new("a", &log).starting([Start::Run, Start::Fail("broken")]);
    let builder = Supervisor::one_for_one().intensity(2, HOUR).child(flaky.spec());
    let stage = Stage::set(builder, &log).await;
    stage.crash("a").await;
    assert_eq!(
        (log.entries(), stage.counts().await),
        (vec!["-a".to_owned(), "+a".into(), "+a".into()], [1, 1, 0, 1])
    );
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn with_an_intensity_of_nothing_the_first_failure_ends_the_supervisor() {
    // OTP E13, E16
    let stage = with_two(Strategy::OneForOne, 0).await;
    let c = stage.supervisor.start_child(Puppet::spec("c", &stage.log)).await.unwrap();
    drop(stage.log.take());
    assert_eq!(last_straw(&stage, "b").await, ExitReason::Shutdown);
    assert_eq!(stage.log.entries(), ["-b", "c?", "-c", "a?", "-a"]);
    assert_eq!(c.exited().await, ExitReason::Shutdown);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_permanent_supervisor_that_ends_is_restarted_and_a_transient_one_is_not() {
    // OTP E17, E18: `Shutdown` is clean, so a transient supervisor with too many restarts stays
    // down. That is a trap, and it is OTP's.
    for restart in [Restart::Permanent, Restart::Transient] {
        let log = Log::default();
        let inner = Supervisor::one_for_one()
            .name("inner")
            .intensity(0, HOUR)
            .child(Puppet::spec("a", &log));
        let builder =
            Supervisor::one_for_one().intensity(1, HOUR).child(inner.child_spec().restart(restart));
        let stage = Stage::set(builder, &log).await;
        let inner = stage.supervisor.child::<Supervisor>("inner").await.unwrap();
        let child = inner.child::<Puppet>("a").await.unwrap();
        let exited = inner.exited();
        Puppet::kill(&child).await;
        assert_eq!(exited.await, ExitReason::Shutdown);
        stage.settle().await;
        match restart {
            Restart::Permanent => {
                assert_eq!(stage.counts().await, [1, 1, 1, 0]);
                assert_eq!(counts(&inner).await, [1, 1, 0, 1]);
                assert_eq!(child.pid().generation, 2);
                // The next one climbs one level further.
                let exited = stage.supervisor.exited();
                Puppet::kill(&child).await;
                assert_eq!(exited.await, ExitReason::Shutdown);
            }
            _ => assert_eq!(stage.which().await, listed(&[("inner", false)])),
        }
        stage.strike().await;
    }
}

/// A child that takes two seconds to fail to start again, and is trying to.
async fn hanging_restart() -> (Stage, Strings) {
    let log = Log::default();
    let strings = Strings::new("a", &log)
        .starting([Start::Run])
        .then(Start::FailAfter(Duration::from_secs(2), "broken"));
    let builder = Supervisor::one_for_one().intensity(u32::MAX, HOUR).child(strings.spec());
    let stage = Stage::set(builder, &log).await;
    Puppet::kill(&stage.child("a").await).await;
    pass(Duration::from_secs(9)).await;
    assert_eq!(strings.starts(), 6);
    (stage, strings)
}

#[tokio::test(start_paused = true)]
async fn terminating_a_child_ends_the_attempts_to_restart_it() {
    // OTP E20, E21
    let (stage, strings) = hanging_restart().await;
    assert_eq!(stage.state("a").await, ChildState::Starting);
    stage.supervisor.terminate_child("a").await.unwrap();
    assert_eq!((stage.pid("a").await, stage.state("a").await), (None, ChildState::Stopped));
    let starts = strings.starts();
    pass(Duration::from_mins(1)).await;
    assert_eq!((stage.state("a").await, strings.starts()), (ChildState::Stopped, starts));
    strings.set_start(Start::Run);
    stage.supervisor.restart_child("a").await.unwrap();
    assert_eq!(stage.counts().await, [1, 1, 0, 1]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_ends_promptly_while_it_tries_to_restart_a_child() {
    // OTP E22
    let (stage, _) = hanging_restart().await;
    let started = Instant::now();
    let ended = stage.supervisor.stop(ExitReason::Shutdown).await.unwrap();
    assert_eq!(ended, ExitReason::Shutdown);
    assert!(started.elapsed() <= Duration::from_secs(5), "{:?}", started.elapsed());
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_whose_restart_fails_at_once_does_not_keep_others_from_being_heard() {
    let log = Log::default();
    let strings = Strings::new("a", &log).starting([Start::Run]).then(Start::Fail("broken"));
    let builder = Supervisor::one_for_one()
        .intensity(u32::MAX, HOUR)
        .child(strings.spec())
        .child(Puppet::spec("b", &log));
    let stage = Stage::set(builder, &log).await;
    Puppet::kill(&stage.child("a").await).await;
    // It fails again and again, and the supervisor answers, restarts others and deletes it.
    assert_eq!(stage.counts().await[0], 2);
    Puppet::kill(&stage.child("b").await).await;
    while stage.state("b").await != ChildState::Running {}
    let refused = stage.supervisor.restart_child("a").await.unwrap_err();
    assert!(["child_restarting", "child_running"].contains(&refused.code()), "{refused}");
    stage.supervisor.terminate_child("a").await.unwrap();
    stage.supervisor.delete_child("a").await.unwrap();
    assert_eq!(stage.which().await, listed(&[("b", true)]));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_children_that_die_together_end_their_supervisor_once() {
    // K14 for a static supervisor
    let log = Log::default();
    let names: Vec<&'static str> =
        (0..1000).map(|n| &*Box::leak(format!("{n}").into_boxed_str())).collect();
    let children = names.iter().map(|name| Puppet::spec(name, &log));
    let builder = children
        .fold(Supervisor::one_for_one().intensity(3, HOUR), foundation::SupervisorBuilder::child);
    let stage = Stage::set(builder, &log).await;
    let mut doomed = Vec::new();
    for name in &names {
        doomed.push(stage.child(name).await);
    }
    let exited = stage.supervisor.exited();
    doomed.iter().for_each(foundation::ActorRef::kill);
    assert_eq!(exited.await, ExitReason::Shutdown);
    let starts = log.entries().iter().filter(|entry| entry.starts_with('+')).count();
    assert!(starts <= 3, "{starts} restarts");
    assert!(doomed.iter().all(|child| !child.is_alive()));
    stage.strike().await;
}
