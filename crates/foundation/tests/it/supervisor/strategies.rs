//! Which children are restarted with the one that failed, and in which order.

use foundation::{ChildState, ExitReason, Restart, Strategy, Supervisor};
use testkit::{Log, Puppet, Start, Strings};

use super::{HOUR, Stage, counts, listed};

const FIVE: [&str; 5] = ["ch7", "ch3", "ch10", "ch2", "ch5"];

#[tokio::test(start_paused = true)]
async fn one_for_one_restarts_only_the_failed_child() {
    // OTP D01, SUP-10
    let stage = Stage::of(Strategy::OneForOne, &["a", "b"]).await;
    let (a, b) = (stage.pid("a").await, stage.pid("b").await);
    stage.crash("a").await;
    assert_ne!(stage.pid("a").await, a);
    assert_eq!((stage.pid("b").await, stage.counts().await), (b, [2, 2, 0, 2]));
    assert_eq!(stage.log.entries(), ["-a", "+a"]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn one_for_all_stops_all_in_reverse_before_it_starts_any() {
    // OTP D02, D13
    let stage = Stage::of(Strategy::OneForAll, &["a", "b", "c"]).await;
    let before = [stage.pid("a").await, stage.pid("b").await, stage.pid("c").await];
    stage.crash("b").await;
    let after = [stage.pid("a").await, stage.pid("b").await, stage.pid("c").await];
    assert!(before.iter().zip(&after).all(|(before, after)| after.is_some() && before != after));
    assert_eq!(stage.counts().await, [3, 3, 0, 3]);
    assert_eq!(stage.log.entries(), ["-b", "c?", "-c", "a?", "-a", "+a", "+b", "+c"]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn children_start_in_the_order_of_the_list_and_stop_in_reverse() {
    // OTP D04, D06
    let log = Log::default();
    let (system, names) = (crate::fixture::system().await, FIVE);
    let children = names.iter().map(|name| Puppet::spec(name, &log));
    let builder = children.fold(Supervisor::one_for_one(), foundation::SupervisorBuilder::child);
    let supervisor = builder.start(&system).await.unwrap();
    assert_eq!(log.take(), ["+ch7", "+ch3", "+ch10", "+ch2", "+ch5"]);
    supervisor.stop(ExitReason::Shutdown).await.unwrap();
    let expected =
        ["ch5?", "-ch5", "ch2?", "-ch2", "ch10?", "-ch10", "ch3?", "-ch3", "ch7?", "-ch7"];
    assert_eq!(log.take(), expected);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_restarts_the_failed_child_and_those_after_it() {
    // OTP D05
    let stage = Stage::of(Strategy::RestForOne, &FIVE).await;
    let before = [stage.pid("ch7").await, stage.pid("ch3").await];
    stage.crash("ch10").await;
    assert_eq!([stage.pid("ch7").await, stage.pid("ch3").await], before);
    let expected = ["-ch10", "ch5?", "-ch5", "ch2?", "-ch2", "+ch10", "+ch2", "+ch5"];
    assert_eq!(stage.log.entries(), expected);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_goes_on_with_the_child_that_did_not_start() {
    // OTP D08
    let log = Log::default();
    let second = Strings::new("b", &log).starting([Start::Run, Start::Fail("broken")]);
    let builder = Supervisor::rest_for_one()
        .child(Puppet::spec("a", &log))
        .child(second.spec())
        .child(Puppet::spec("c", &log));
    let stage = Stage::set(builder, &log).await;
    stage.crash("a").await;
    // The first one is not started a second time.
    assert_eq!(log.entries(), ["-a", "c?", "-c", "b?", "-b", "+a", "+b", "+b", "+c"]);
    assert_eq!(stage.counts().await, [3, 3, 0, 3]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn one_for_all_begins_anew_when_a_child_did_not_start() {
    let log = Log::default();
    let second = Strings::new("b", &log).starting([Start::Run, Start::Fail("broken")]);
    let builder = Supervisor::one_for_all()
        .child(Puppet::spec("a", &log))
        .child(second.spec())
        .child(Puppet::spec("c", &log));
    let stage = Stage::set(builder, &log).await;
    stage.crash("a").await;
    let expected = ["-a", "c?", "-c", "b?", "-b", "+a", "+b", "a?", "-a", "+a", "+b", "+c"];
    assert_eq!(log.entries(), expected);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn in_a_tree_only_what_the_strategy_says_is_restarted() {
    // OTP D09, D10
    let log = Log::default();
    let inner = |name: &'static str| Supervisor::one_for_one().name(name).intensity(1000, HOUR);
    let builder = Supervisor::one_for_all()
        .child(inner("sup1").child(Puppet::spec("a", &log)).child(Puppet::spec("b", &log)))
        .child(inner("sup2"))
        .child(inner("sup3").child(Puppet::spec("e", &log)));
    let stage = Stage::set(builder, &log).await;
    let sup1 = stage.supervisor.child::<Supervisor>("sup1").await.unwrap();
    let sup2 = stage.supervisor.child::<Supervisor>("sup2").await.unwrap();
    let c = sup2.start_child(Puppet::spec("c", &log)).await.unwrap();
    let d = sup2.start_child(Puppet::spec("d", &log)).await.unwrap();
    stage.supervisor.terminate_child("sup3").await.unwrap();
    assert_eq!(stage.counts().await, [3, 2, 3, 0]);
    assert_eq!(counts(&sup2).await, [2, 2, 0, 2]);
    let a = sup1.child::<Puppet>("a").await.unwrap();
    let before = [a.pid(), c.pid(), d.pid()];
    drop(log.take());
    Puppet::kill(&c).await;
    log.wait_for("+c").await;
    stage.settle().await;
    assert_eq!(log.entries(), ["-c", "+c"]);
    assert_ne!(c.pid(), before[1]);
    assert_eq!([a.pid(), d.pid()], [before[0], before[2]]);
    assert_eq!(stage.counts().await, [3, 2, 3, 0]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_group_restart_starts_those_too_that_had_stopped() {
    // OTP D12
    let log = Log::default();
    let builder = Supervisor::one_for_all()
        .child(Puppet::spec("a", &log))
        .child(Puppet::spec("b", &log).restart(Restart::Transient))
        .child(Puppet::spec("c", &log));
    let stage = Stage::set(builder, &log).await;
    Puppet::exit(&stage.child("b").await, ExitReason::Normal).await;
    stage.supervisor.terminate_child("c").await.unwrap();
    assert_eq!(stage.counts().await, [3, 1, 0, 3]);
    drop(log.take());
    stage.crash("a").await;
    assert_eq!(log.entries(), ["-a", "+a", "+b", "+c"]);
    assert_eq!(stage.counts().await, [3, 3, 0, 3]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_from_the_first_child_is_one_for_all() {
    // OTP D14
    let mut logs = Vec::new();
    for strategy in [Strategy::RestForOne, Strategy::OneForAll] {
        let stage = Stage::of(strategy, &["a", "b", "c"]).await;
        stage.crash("a").await;
        logs.push(stage.log.take());
        stage.strike().await;
    }
    assert_eq!(logs[0], logs[1]);
    assert_eq!(logs[0], ["-a", "c?", "-c", "b?", "-b", "+a", "+b", "+c"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_cannot_hide_from_its_supervisor() {
    // OTP D16: the tie between a supervisor and its child is no link, and nobody removes it.
    let stage = Stage::of(Strategy::OneForOne, &["a"]).await;
    let child = stage.child("a").await;
    assert_eq!(child.links(), 0);
    stage.supervisor.terminate_child("a").await.unwrap();
    assert_eq!((child.is_alive(), stage.supervisor.mailbox_len()), (false, 0));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_somebody_linked_to_a_supervisor_does_not_touch_it() {
    // OTP D17, D18: messages that are none cannot be sent; ends of strangers are ignored.
    let stage = Stage::of(Strategy::OneForOne, &["a"]).await;
    let stranger = crate::watching::linked_to(&stage.system, &stage.supervisor).await;
    assert_eq!(stage.supervisor.links(), 1);
    stranger.kill();
    stranger.exited().await;
    assert_eq!(stage.counts().await, [1, 1, 0, 1]);
    assert_eq!((stage.supervisor.links(), stage.state("a").await), (0, ChildState::Running));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_fails_while_its_group_restarts_is_dealt_with_afterwards() {
    // The first one fails again while the second one is still starting: as in OTP, that is looked
    // at when the group is up, and costs a restart of its own.
    let gate = std::sync::Arc::new(tokio::sync::Notify::new());
    let log = Log::default();
    let slow =
        Strings::new("b", &log).starting([Start::Run, Start::WaitFor(gate.clone()), Start::Run]);
    let builder = Supervisor::one_for_all().child(Puppet::spec("a", &log)).child(slow.spec());
    let stage = Stage::set(builder, &log).await;
    Puppet::kill(&stage.child("a").await).await;
    log.wait_for("+b").await;
    assert_eq!(log.take(), ["-a", "b?", "-b", "+a", "+b"]);
    Puppet::kill(&stage.child("a").await).await;
    assert_eq!(stage.which().await, listed(&[("b", true), ("a", false)]));
    assert_eq!(log.take(), ["-a"]);
    gate.notify_one();
    stage.settle().await;
    log.wait_for("+b").await;
    stage.settle().await;
    assert_eq!(log.take(), ["b?", "-b", "+a", "+b"]);
    stage.strike().await;
}
