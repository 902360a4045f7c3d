//! How a supervisor ends its children, and how it ends itself.

use std::time::Duration;

use foundation::{ExitReason, Restart, Shutdown, Strategy, Supervisor, SupervisorBuilder};
use testkit::{End, Log, Pull, Puppet, Strings, pass};
use tokio::time::Instant;

use super::{HOUR, Stage};

const SECOND: Duration = Duration::from_secs(1);

/// Stops the supervisor, and gives how its children ended, in the order given, and the time it
/// took.
async fn ends(stage: Stage, names: &[&str]) -> (Vec<ExitReason>, Duration) {
    let mut children = Vec::new();
    for name in names {
        children.push(stage.child(name).await);
    }
    let started = Instant::now();
    let ended = stage.supervisor.stop(ExitReason::Shutdown).await.unwrap();
    assert_eq!(ended, ExitReason::Shutdown);
    let took = started.elapsed();
    let mut reasons = Vec::new();
    for child in &children {
        reasons.push(child.exited().await);
    }
    stage.strike().await;
    (reasons, took)
}

async fn stage(
    children: impl IntoIterator<Item = foundation::ChildSpec<Puppet>>,
    log: &Log,
) -> Stage {
    let builder = children.into_iter().fold(Supervisor::one_for_one(), SupervisorBuilder::child);
    Stage::set(builder, log).await
}

#[tokio::test(start_paused = true)]
async fn children_without_a_deadline_are_waited_for() {
    // OTP F01, F12: the reason of a child is its own
    let log = Log::default();
    let slow = Strings::new("slow", &log).ending(End::Take(HOUR));
    let stage = stage(
        [
            slow.spec().shutdown(Shutdown::Infinity),
            Puppet::spec("oops", &log).shutdown(Shutdown::Infinity),
        ],
        &log,
    )
    .await;
    let oops = ExitReason::shutdown_with("oops");
    stage.child("oops").await.tell(Pull::ExitWhenAsked(oops.clone())).await.unwrap();
    let inner = Supervisor::one_for_one().name("inner").child(Puppet::spec("x", &log));
    let inner = stage.supervisor.start_child(inner).await.unwrap();
    let exited = inner.exited();
    let (reasons, took) = ends(stage, &["slow", "oops"]).await;
    assert_eq!((reasons, took), (vec![ExitReason::Shutdown, oops], HOUR));
    assert_eq!(exited.await, ExitReason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_end_in_time_is_killed_and_the_next_is_asked() {
    // OTP F02, F13, F14
    let log = Log::default();
    let hanging = Strings::new("hangs", &log).ending(End::Hang);
    let within = Shutdown::Within(SECOND);
    let stage = stage(
        [
            Puppet::spec("good", &log).shutdown(within),
            Puppet::spec("oops", &log).shutdown(within),
            hanging.spec().shutdown(within),
        ],
        &log,
    )
    .await;
    let oops = ExitReason::shutdown_with("oops");
    stage.child("oops").await.tell(Pull::ExitWhenAsked(oops.clone())).await.unwrap();
    let (reasons, took) = ends(stage, &["good", "oops", "hangs"]).await;
    assert_eq!(reasons, [ExitReason::Shutdown, oops, ExitReason::Killed]);
    assert_eq!(took, SECOND);
    assert_eq!(log.entries(), ["hangs?", "-hangs", "oops?", "-oops", "good?", "-good"]);
}

#[tokio::test(start_paused = true)]
async fn a_brutal_kill_asks_nobody_and_waits_for_nothing() {
    // OTP F04, F10, F17
    let log = Log::default();
    let hanging = Strings::new("b", &log).ending(End::Hang);
    let stage = stage(
        [
            Puppet::spec("a", &log).shutdown(Shutdown::Infinity),
            hanging.spec().shutdown(Shutdown::BrutalKill),
            Puppet::spec("c", &log).shutdown(Shutdown::BrutalKill),
        ],
        &log,
    )
    .await;
    let (reasons, took) = ends(stage, &["a", "b", "c"]).await;
    assert_eq!(reasons, [ExitReason::Shutdown, ExitReason::Killed, ExitReason::Killed]);
    assert_eq!(took, Duration::ZERO);
    assert_eq!(log.entries(), ["-c", "-b", "a?", "-a"]);
}

#[tokio::test(start_paused = true)]
async fn children_that_end_by_themselves_during_a_shutdown_keep_their_reasons() {
    // OTP F06, F21
    let log = Log::default();
    let mut specs = Vec::new();
    let reasons = [
        ExitReason::Normal,
        ExitReason::Shutdown,
        ExitReason::shutdown_with("because"),
        ExitReason::Killed,
    ];
    let names = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"];
    let restarts = [Restart::Permanent, Restart::Transient, Restart::Temporary];
    for (n, name) in names.iter().enumerate() {
        specs.push(Puppet::spec(name, &log).restart(restarts[n / 4]));
    }
    specs.push(Strings::new("slow", &log).ending(End::Take(SECOND)).spec());
    let stage = stage(specs, &log).await;
    let mut children = Vec::new();
    for name in names {
        children.push(stage.child(name).await);
    }
    let ending = async {
        pass(Duration::from_millis(200)).await;
        for (n, child) in children.iter().enumerate() {
            match &reasons[n % 4] {
                ExitReason::Killed => child.kill(),
                reason => child.tell(Pull::Exit(reason.clone())).await.unwrap(),
            }
        }
    };
    let (ended, ()) = tokio::join!(stage.supervisor.stop(ExitReason::Shutdown), ending);
    assert_eq!(ended.unwrap(), ExitReason::Shutdown);
    for (n, child) in children.iter().enumerate() {
        assert_eq!((child.exited().await, child.pid().generation), (reasons[n % 4].clone(), 1));
    }
    assert!(!log.entries().iter().any(|entry| entry.starts_with('+')), "somebody was restarted");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn static_children_are_stopped_one_after_the_other() {
    // OTP F09
    let log = Log::default();
    let slow = |name, seconds| {
        let strings = Strings::new(name, &log).ending(End::Take(SECOND * seconds));
        strings.spec().shutdown(Shutdown::Within(SECOND * 2))
    };
    let stage = stage([slow("a", 1), slow("b", 1), slow("c", 5)], &log).await;
    let (reasons, took) = ends(stage, &["a", "b", "c"]).await;
    assert_eq!(reasons, [ExitReason::Shutdown, ExitReason::Shutdown, ExitReason::Killed]);
    assert_eq!(took, SECOND * 4);
}

#[tokio::test(start_paused = true)]
async fn a_permanent_child_that_answers_with_normal_is_not_restarted() {
    // OTP F16
    let log = Log::default();
    let stage = stage([Puppet::spec("a", &log)], &log).await;
    let asked = Pull::ExitWhenAsked(ExitReason::Normal);
    stage.child("a").await.tell(asked).await.unwrap();
    let (reasons, _) = ends(stage, &["a"]).await;
    assert_eq!(
        (reasons, log.entries()),
        (vec![ExitReason::Normal], vec!["a?".into(), "-a".into()])
    );
}

#[tokio::test(start_paused = true)]
async fn terminating_waits_until_the_child_is_dead() {
    // OTP F18 for a static supervisor
    let log = Log::default();
    let hanging = Strings::new("a", &log).ending(End::Hang);
    let stage = stage([hanging.spec().shutdown(Shutdown::BrutalKill)], &log).await;
    let child = stage.child("a").await;
    stage.supervisor.terminate_child("a").await.unwrap();
    assert_eq!((child.is_alive(), child.exited().await), (false, ExitReason::Killed));
    assert_eq!(stage.counts().await, [1, 0, 0, 1]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_is_killed_takes_its_children_along_before_it_is_dead() {
    // OTP F22
    let log = Log::default();
    let inner = Supervisor::one_for_all().name("inner").child(Puppet::spec("x", &log));
    let builder = Supervisor::one_for_one().child(Puppet::spec("a", &log)).child(inner);
    let stage = Stage::set(builder, &log).await;
    let inner = stage.supervisor.child::<Supervisor>("inner").await.unwrap();
    let x = inner.child::<Puppet>("x").await.unwrap();
    stage.supervisor.kill();
    assert_eq!(stage.supervisor.exited().await, ExitReason::Killed);
    assert_eq!((x.is_alive(), inner.is_alive()), (false, false));
    assert_eq!((x.exited().await, inner.exited().await), (ExitReason::Killed, ExitReason::Killed));
    let mut entries = log.entries();
    entries.sort();
    assert_eq!(entries, ["-a", "-x"]);
    assert_eq!(stage.system.census().actors, 0);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_is_killed_in_the_middle_of_a_shutdown_orphans_nobody() {
    // OTP F22
    let log = Log::default();
    let slow = |name| {
        let strings = Strings::new(name, &log).ending(End::Hang);
        strings.spec().shutdown(Shutdown::Infinity)
    };
    let stage = stage([slow("a"), slow("b")], &log).await;
    let (a, b) = (stage.child("a").await, stage.child("b").await);
    let killing = async {
        log.wait_for("b?").await;
        stage.supervisor.kill();
    };
    let (ended, ()) = tokio::join!(stage.supervisor.stop(ExitReason::Shutdown), killing);
    assert_eq!(ended.unwrap(), ExitReason::Killed);
    assert_eq!((a.is_alive(), b.is_alive()), (false, false));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_is_stopped_by_its_own_supervisor_stops_its_children_in_order() {
    // SUP-5. F24, for actors of every kind, is in `stopping.rs`.
    let log = Log::default();
    let inner = Supervisor::one_for_one()
        .name("inner")
        .child(Puppet::spec("x", &log))
        .child(Puppet::spec("y", &log));
    let builder = Supervisor::one_for_one()
        .child(Puppet::spec("a", &log))
        .child(inner)
        .child(Puppet::spec("b", &log));
    let stage = Stage::set(builder, &log).await;
    let inner = stage.supervisor.child::<Supervisor>("inner").await.unwrap();
    let (a, y) = (stage.child("a").await, inner.child::<Puppet>("y").await.unwrap());
    let supervisor = stage.supervisor.clone();
    stage.strike().await;
    assert_eq!(log.entries(), ["b?", "-b", "y?", "-y", "x?", "-x", "a?", "-a"]);
    for reason in
        [supervisor.exited().await, inner.exited().await, a.exited().await, y.exited().await]
    {
        assert_eq!(reason, ExitReason::Shutdown);
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_of_a_child_delays_no_shutdown() {
    // K13
    let stage = Stage::of(Strategy::OneForOne, &[]).await;
    let spec = Puppet::spec("a", &stage.log).mailbox(foundation::Mailbox::bounded(1));
    let child = stage.supervisor.start_child(spec).await.unwrap();
    child.tell(Pull::ExitWhenAsked(ExitReason::Normal)).await.unwrap();
    while child.mailbox_len() > 0 {
        tokio::task::yield_now().await;
    }
    child.try_tell(Pull::Panic).unwrap();
    assert_eq!(child.try_tell(Pull::Panic).unwrap_err().error.code(), "mailbox_full");
    let started = Instant::now();
    let exited = child.exited();
    stage.supervisor.terminate_child("a").await.unwrap();
    assert_eq!((exited.await, started.elapsed()), (ExitReason::Normal, Duration::ZERO));
    stage.strike().await;
}
