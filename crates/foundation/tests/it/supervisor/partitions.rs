//! Elixir's cases for partitioned supervisors, and ours.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use foundation::{
    ActorRef, ChildState, DynamicSupervisor, ExitReason, PartitionSupervisor,
    PartitionSupervisorBuilder, Restart, Supervisor, System,
};
use testkit::{End, Log, Puppet, Start, Strings, pass};
use tokio::sync::Notify;

use super::{HOUR, MOMENT};
use crate::fixture::{Scripted, system};

fn puppets(partitions: usize, log: &Log) -> PartitionSupervisorBuilder<Puppet> {
    PartitionSupervisor::of(partitions, |_| Puppet::spec("p", log)).name("parts").intensity(9, HOUR)
}

async fn counts(supervisor: &ActorRef<PartitionSupervisor<Puppet>>) -> [usize; 4] {
    let counts = supervisor.count_children().await.unwrap();
    [counts.specs, counts.active, counts.supervisors, counts.workers]
}

async fn of(partitions: usize) -> (System, ActorRef<PartitionSupervisor<Puppet>>, Log) {
    let (system, log) = (system().await, Log::default());
    let supervisor = puppets(partitions, &log).start(&system).await.unwrap();
    (system, supervisor, log)
}

#[tokio::test(start_paused = true)]
async fn a_number_is_routed_round_and_any_other_key_by_its_hash() {
    // OTP H28
    let (system, parts, _) = of(3).await;
    let names = [0, 1, 2, 3, -1].map(|number| parts.route(number).unwrap().name().to_owned());
    assert_eq!(names, ["0", "1", "2", "0", "1"]);
    assert_eq!(parts.route_by(&"alice"), parts.route_by(&String::from("alice")));
    let reached: BTreeSet<_> =
        (0..100).map(|n| parts.route_by(&format!("user-{n}")).unwrap().pid()).collect();
    assert_eq!((reached.len(), parts.partitions()), (3, Ok(3)));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused() {
    // OTP H29; a supervisor without a specification, and auto-shutdown, cannot be said.
    let (system, log) = (system().await, Log::default());
    let table = [
        (puppets(0, &log), "partitions"),
        (puppets(2, &log).name(""), "name"),
        (puppets(2, &log).intensity(1, Duration::ZERO), "intensity.period"),
        (
            PartitionSupervisor::of(2, |_| Puppet::spec("p", &log).start_within(Duration::ZERO)),
            "start_within",
        ),
        (
            PartitionSupervisor::of(2, |_| Puppet::spec("p", &log).restart(Restart::Temporary)),
            "restart",
        ),
    ];
    for (builder, field) in table {
        let error = builder.start(&system).await.unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
    }
    assert_eq!((system.census().actors, log.entries()), (0, vec![]));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn partitions_start_in_order_or_not_at_all() {
    let (system, log) = (system().await, Log::default());
    let builder = PartitionSupervisor::of(3, |number| {
        let puppet = Strings::new("p", &log);
        let start = if number == 2 { Start::Fail("broken") } else { Start::Run };
        puppet.then(start).spec()
    });
    let error = builder.start(&system).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["child"]), ("failed_to_start_child", &"2".into()));
    assert_eq!((log.count("+p"), log.count("-p")), (3, 2));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn their_number_can_be_changed_to_any_that_there_were_at_first() {
    // OTP H30
    let (system, parts, _) = of(8).await;
    let shuffled = [5, 0, 8, 3, 7, 1, 6, 2, 4];
    let mut before = 8;
    for wanted in (0..=8).rev().chain(0..=8).chain(shuffled) {
        assert_eq!(parts.resize(wanted).await, Ok(before));
        before = wanted;
        assert_eq!(parts.partitions(), Ok(wanted));
        assert_eq!(counts(&parts).await, [8, wanted, 0, 8]);
        let routed: Vec<_> = (0..8).map(|key| parts.route(key)).collect();
        if wanted == 0 {
            let error = routed[0].clone().unwrap_err();
            assert_eq!((error.code(), error.message()), ("no_process", "there are no partitions"));
            assert_eq!(parts.route_by(&"alice").unwrap_err().code(), "no_process");
            continue;
        }
        let routed: BTreeSet<_> = routed.into_iter().map(|child| child.unwrap().pid()).collect();
        assert_eq!(routed.len(), wanted);
    }
    let error = parts.resize(9).await.unwrap_err();
    assert_eq!(
        (error.code(), &error.details()["field"]),
        ("invalid_options", &"partitions".into())
    );
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_that_change_their_number_do_so_one_after_the_other() {
    let (system, parts, _) = of(8).await;
    let (one, other) = tokio::join!(parts.resize(2), parts.resize(6));
    assert_eq!((one, other, parts.partitions()), (Ok(8), Ok(2), Ok(6)));
    assert_eq!(counts(&parts).await, [8, 6, 0, 8]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn as_many_as_did_start_are_routed_to_and_the_others_can_be_tried_again() {
    let (system, log) = (system().await, Log::default());
    let strings: Vec<_> = (0..4).map(|_| Strings::new("p", &log)).collect();
    let parts = PartitionSupervisor::of(4, |number| strings[number].spec());
    let parts = parts.start(&system).await.unwrap();
    assert_eq!(parts.resize(1).await, Ok(4));
    strings[2].set_start(Start::Fail("broken"));
    assert_eq!(parts.resize(4).await.unwrap_err().code(), "broken");
    assert_eq!((parts.partitions(), counts(&parts).await), (Ok(2), [4, 2, 0, 4]));
    strings[2].set_start(Start::Run);
    assert_eq!(parts.resize(4).await, Ok(2));
    assert_eq!(counts(&parts).await, [4, 4, 0, 4]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_given_up_half_way_can_be_replaced_by_another_one() {
    let (system, log) = (system().await, Log::default());
    let slow = |_| Strings::new("p", &log).ending(End::Take(Duration::from_secs(1))).spec();
    let parts = PartitionSupervisor::of(6, slow).start(&system).await.unwrap();
    let half_way = tokio::time::timeout(Duration::from_millis(1500), parts.resize(1)).await;
    assert!(half_way.is_err());
    assert_eq!(parts.partitions(), Ok(1));
    // Those that were left are ended now, and those that are wanted run.
    assert_eq!(parts.resize(3).await, Ok(1));
    assert_eq!((parts.partitions(), counts(&parts).await), (Ok(3), [6, 3, 0, 6]));
    assert!((0..3).all(|key| parts.route(key).unwrap().is_alive()));
    assert_eq!(parts.resize(6).await, Ok(3));
    assert_eq!(counts(&parts).await, [6, 6, 0, 6]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_chooses_not_to_run_holds_up_no_change() {
    let (system, log) = (system().await, Log::default());
    let strings: Vec<_> = (0..4).map(|_| Strings::new("p", &log)).collect();
    strings[1].set_start(Start::Ignore);
    let parts = PartitionSupervisor::of(4, |number| strings[number].spec());
    let parts = parts.start(&system).await.unwrap();
    assert_eq!(counts(&parts).await, [4, 3, 0, 4]);
    for (wanted, before, active) in [(3, 4, 2), (1, 3, 1), (4, 1, 3)] {
        assert_eq!(parts.resize(wanted).await, Ok(before));
        assert_eq!(counts(&parts).await, [4, active, 0, 4]);
    }
    assert!(!parts.route(1).unwrap().is_alive());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn while_it_is_restarted_nobody_is_routed_to_and_that_is_worth_a_retry() {
    let (system, log) = (system().await, Log::default());
    let gate = Arc::new(Notify::new());
    let waits = Strings::new("p", &log).starting([Start::Run, Start::WaitFor(Arc::clone(&gate))]);
    let builder = PartitionSupervisor::of(1, |_| waits.spec());
    let top = Supervisor::one_for_one().child(builder.name("parts")).start(&system).await.unwrap();
    let parts = top.child::<PartitionSupervisor<Puppet>>("parts").await.unwrap();
    parts.kill();
    pass(MOMENT).await;
    for refused in [parts.route(0).map(|_| 0), parts.partitions(), parts.resize(1).await] {
        let error = refused.unwrap_err();
        assert!(error.code() == "no_process" && error.is_retryable());
    }
    gate.notify_one();
    pass(MOMENT).await;
    assert!(parts.route(0).is_ok_and(|child| child.is_alive()));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_fails_is_restarted_and_the_reference_is_still_good() {
    let (system, parts, _) = of(2).await;
    let first = parts.route(0).unwrap();
    Puppet::kill(&first).await;
    pass(MOMENT).await;
    assert_eq!((first.pid().generation, parts.route(0)), (2, Ok(first)));
    let states: Vec<_> =
        parts.which_children().await.unwrap().into_iter().map(|child| child.state).collect();
    assert_eq!(states, [ChildState::Running; 2]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_partitioned_supervisor_is_a_child_like_any_other() {
    let (system, log) = (system().await, Log::default());
    let sessions = PartitionSupervisor::of(4, |_| DynamicSupervisor::builder()).name("sessions");
    let top = Supervisor::one_for_one()
        .child(puppets(2, &log))
        .child(sessions)
        .start(&system)
        .await
        .unwrap();
    let sessions = top.child::<PartitionSupervisor<DynamicSupervisor>>("sessions").await.unwrap();
    let session = sessions.route_by(&"alice").unwrap();
    let session = session.start_child(Puppet::spec("alice", &log)).await.unwrap();
    assert_eq!(sessions.route_by(&"alice").unwrap().count_children().unwrap().active, 1);

    // When it is restarted there are as many as at first, in the same places.
    let parts = top.child::<PartitionSupervisor<Puppet>>("parts").await.unwrap();
    let first = parts.route(0).unwrap();
    parts.resize(1).await.unwrap();
    let exited = parts.exited();
    parts.kill();
    assert_eq!(exited.await, ExitReason::Killed);
    pass(MOMENT).await;
    assert_eq!((parts.partitions(), parts.route(0)), (Ok(2), Ok(first.clone())));
    assert_eq!(first.pid().generation, 2);

    // Of another type it is not.
    let wrong = top.child::<PartitionSupervisor<Scripted>>("parts").await.unwrap();
    assert_eq!(wrong.route(0).unwrap_err().code(), "wrong_type");
    let wrong = top.child::<DynamicSupervisor>("parts").await.unwrap_err();
    assert_eq!(wrong.code(), "wrong_type");
    system.stop().await.unwrap();
    assert_eq!((session.is_alive(), parts.route(0).unwrap_err().code()), (false, "no_process"));
    assert_eq!(parts.resize(1).await.unwrap_err().code(), "no_process");
}
