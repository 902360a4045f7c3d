//! Children with a budget of their own: they wait before they are started again, and one that fails
//! too often is quarantined and harms nobody.

use std::time::Duration;

use foundation::{ActorRef, ChildBudget, ChildState, DynamicSupervisor, ExitReason, Restart};
use testkit::{Pull, Puppet, Start, Strings, Telemetry, pass};
use tokio::time::Instant;

use super::{HOUR, MOMENT, Stage};

const FIRST: Duration = Duration::from_millis(100);

async fn stage(budget: ChildBudget) -> Stage {
    // The budget of the supervisor is of no account.
    let builder = DynamicSupervisor::builder().intensity(0, HOUR).budget_per_child(budget);
    Stage::set(builder).await
}

/// How long it takes until the child runs again.
async fn back(child: &ActorRef<Puppet>) -> Duration {
    let generation = child.pid().generation;
    let ended = Instant::now();
    while child.pid().generation == generation || !child.is_alive() {
        pass(MOMENT).await;
        assert!(ended.elapsed() < Duration::from_mins(1), "it does not come back");
    }
    ended.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_child_waits_twice_as_long_each_time_and_is_quarantined_in_the_end() {
    let telemetry = Telemetry::listen();
    let stage = stage(ChildBudget::default()).await;
    let (a, b) = (stage.puppet("a").await, stage.puppet("b").await);
    for nth in 0..5 {
        Puppet::kill(&a).await;
        stage.settle().await;
        assert_eq!(stage.states(), [ChildState::Restarting, ChildState::Running]);
        assert_eq!(stage.counts(), [2, 1, 0, 2]);
        let (waited, whole) = (back(&a).await, FIRST * 2_u32.pow(nth));
        let slack = MOMENT * 5;
        assert!(waited + slack >= whole / 2 && waited <= whole + slack, "{nth}: {waited:?}");
    }
    let last = a.pid();
    Puppet::kill(&a).await;
    stage.settle().await;
    assert_eq!(stage.states(), [ChildState::Quarantined, ChildState::Running]);
    pass(HOUR).await;
    assert_eq!(stage.states(), [ChildState::Quarantined, ChildState::Running]);
    let info = stage.supervisor.which_children().unwrap().remove(0);
    assert_eq!((info.pid, info.last_pid), (None, Some(last)));
    assert_eq!(
        telemetry.about("quarantined"),
        [format!("ERROR supervisor.child_quarantined supervisor=top child=a pid={last}")]
    );
    assert!(b.is_alive() && b.pid().generation == 1);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_released_has_a_whole_budget_again() {
    let stage = stage(ChildBudget::default().intensity(1, HOUR)).await;
    let a = stage.puppet("a").await;
    for round in 1..=3 {
        Puppet::kill(&a).await;
        back(&a).await;
        Puppet::kill(&a).await;
        stage.settle().await;
        assert_eq!(stage.states(), [ChildState::Quarantined], "round {round}");
        assert_eq!(stage.supervisor.release_child(a.pid()).await, Ok(a.pid()));
        assert_eq!(stage.states(), [ChildState::Running]);
    }
    let running = stage.supervisor.release_child(a.pid()).await.unwrap_err();
    assert_eq!(running.code(), "not_quarantined");
    let unknown = stage.supervisor.release_child(stage.supervisor.pid()).await.unwrap_err();
    assert_eq!(unknown.code(), "child_not_found");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_run_when_it_is_released_goes_on_as_after_any_failure() {
    let stage = stage(ChildBudget::default().intensity(1, HOUR)).await;
    let strings = Strings::new("a", &stage.log);
    let a = stage.supervisor.start_child(strings.spec()).await.unwrap();
    let first = a.pid();
    strings.set_start(Start::Fail("broken"));
    Puppet::kill(&a).await;
    // One restart fails, and a second one is not allowed.
    pass(Duration::from_secs(1)).await;
    assert_eq!((stage.states(), strings.starts()), (vec![ChildState::Quarantined], 2));
    let info = stage.supervisor.which_children().unwrap().remove(0);
    let known = info.last_pid.unwrap();
    assert_eq!((first.generation, known.generation), (1, 2));
    assert_eq!(stage.supervisor.release_child(known).await.unwrap_err().code(), "broken");
    assert_eq!(stage.states(), [ChildState::Restarting]);
    strings.set_start(Start::Run);
    pass(Duration::from_secs(1)).await;
    assert_eq!(stage.states(), [ChildState::Running]);
    let outdated = stage.supervisor.terminate_child(first).await.unwrap_err();
    assert_eq!(outdated.code(), "child_not_found");
    strings.set_start(Start::Fail("broken"));
    Puppet::kill(&a).await;
    pass(Duration::from_secs(1)).await;
    // OTP E26: while it does not run each of its pids names it.
    stage.supervisor.terminate_child(first).await.unwrap();
    assert_eq!(stage.counts(), [0; 4]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_quarantined_holds_its_place_until_it_is_terminated() {
    let builder = DynamicSupervisor::builder()
        .max_children(1)
        .budget_per_child(ChildBudget::default().intensity(0, HOUR));
    let stage = Stage::set(builder).await;
    let a = stage.puppet("a").await;
    Puppet::kill(&a).await;
    stage.settle().await;
    assert_eq!((stage.states(), stage.counts()), (vec![ChildState::Quarantined], [1, 0, 0, 1]));
    let refused = stage.supervisor.start_child(Puppet::spec("b", &stage.log)).await.unwrap_err();
    assert_eq!(refused.code(), "max_children");
    stage.supervisor.terminate_child(a.pid()).await.unwrap();
    stage.puppet("b").await;
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn an_end_that_somebody_told_it_to_costs_nothing() {
    let stage = stage(ChildBudget::default().intensity(1, HOUR)).await;
    let a = stage.puppet("a").await;
    for reason in [ExitReason::Shutdown, ExitReason::shutdown_with("reload"), ExitReason::Shutdown]
    {
        Puppet::exit(&a, reason).await;
        // It is permanent, so it comes back, and not in a loop.
        let waited = back(&a).await;
        assert!(waited + MOMENT >= FIRST / 2 && waited <= FIRST + MOMENT * 5, "{waited:?}");
    }
    // A normal end, and a kill, count.
    Puppet::exit(&a, ExitReason::Normal).await;
    back(&a).await;
    Puppet::kill(&a).await;
    stage.settle().await;
    assert_eq!(stage.states(), [ChildState::Quarantined]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn restarts_leave_the_window_and_the_wait_is_short_again() {
    let stage = stage(ChildBudget::default().intensity(2, Duration::from_secs(10))).await;
    let a = stage.puppet("a").await;
    for _ in 0..5 {
        Puppet::kill(&a).await;
        let waited = back(&a).await;
        assert!(waited <= FIRST + MOMENT * 5, "{waited:?}");
        pass(Duration::from_secs(11)).await;
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_child_and_with_the_supervisor() {
    let stage = stage(ChildBudget::default().backoff(HOUR, HOUR)).await;
    let (a, b) = (stage.puppet("a").await, stage.puppet("b").await);
    Puppet::kill(&a).await;
    Puppet::kill(&b).await;
    stage.settle().await;
    // Any incarnation names a child that does not run.
    stage.supervisor.terminate_child(a.pid()).await.unwrap();
    assert_eq!(stage.names(), ["b"]);
    pass(HOUR * 2).await;
    assert_eq!((a.is_alive(), b.is_alive()), (false, true));
    Puppet::kill(&b).await;
    stage.settle().await;
    let stopping = Instant::now();
    stage.supervisor.stop(ExitReason::Shutdown).await.unwrap();
    assert!(stopping.elapsed() < MOMENT * 5);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_poison_child_spends_nobody_elses_budget() {
    let stage = stage(ChildBudget::default().intensity(2, HOUR)).await;
    let healthy = stage.puppet("healthy").await;
    for _ in 0..50 {
        let spec = Puppet::spec("poison", &stage.log).restart(Restart::Transient);
        let poison = stage.supervisor.start_child(spec).await.unwrap();
        for _ in 0..2 {
            poison.tell(Pull::Panic).await.unwrap();
            stage.settle().await;
            back(&poison).await;
        }
        poison.tell(Pull::Panic).await.unwrap();
        stage.settle().await;
    }
    let quarantined = |state: &&ChildState| **state == ChildState::Quarantined;
    assert_eq!(stage.states().iter().filter(quarantined).count(), 50);
    assert_eq!((healthy.is_alive(), healthy.pid().generation), (true, 1));
    stage.strike().await;
}
