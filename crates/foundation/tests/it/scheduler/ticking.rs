//! When a tick comes, and what is done while another is at work.

use std::time::Duration;

use foundation::{Missed, Schedule};
use testkit::eventually;

use super::{Message, SECOND, Stage, worker};
use crate::fixture::{Message as Scripted, Script, after, hold, spec, strike};

// SCHED-1
#[tokio::test(start_paused = true)]
async fn a_fixed_rate_ticks_without_drift() {
    let stage = Stage::set().await;
    let (pid, often) = (stage.worker.pid(), Schedule::fixed_rate(SECOND * 10));
    stage.scheduler.schedule(&stage.worker, "often", often, Message::Tick).unwrap();
    stage.worker.tell(Message::Takes(SECOND * 3)).await.unwrap();
    after(SECOND * 36).await;
    assert_eq!(stage.times().await, [10_000, 20_000, 30_000]);
    let info = stage.scheduler.of(pid);
    assert_eq!((info[0].ticks, info[0].missed, info[0].is_working), (3, 0, false));
    assert_eq!(info[0].next, Some("2026-06-01T00:00:40Z".parse().unwrap()));
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn a_fixed_delay_waits_from_when_the_tick_before_was_dropped() {
    let stage = Stage::set().await;
    let calm = Schedule::fixed_delay(SECOND * 10).first_after(SECOND);
    stage.scheduler.schedule(&stage.worker, "calm", calm, Message::Tick).unwrap();
    stage.worker.tell(Message::Takes(SECOND * 3)).await.unwrap();
    after(SECOND * 35).await;
    assert_eq!(stage.times().await, [1000, 14_000, 27_000]);
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn once_is_once_and_leaves_nothing() {
    let stage = Stage::set().await;
    let pid = stage.worker.pid();
    let at = Schedule::once_at("2026-06-01T00:00:07Z".parse().unwrap());
    let soon = Schedule::once_after(SECOND * 5);
    stage.scheduler.schedule(&stage.worker, "soon", soon, Message::Tick).unwrap();
    stage.scheduler.schedule(&stage.worker, "at", at, Message::Tick).unwrap();
    after(SECOND * 100).await;
    assert_eq!(stage.times().await, [5000, 7000]);
    assert_eq!(stage.scheduler.of(pid), []);
    assert_eq!(stage.scheduler.cancel(pid, "at").unwrap_err().code(), "schedule_not_found");
    let stats = stage.scheduler.stats();
    assert_eq!((stats.schedules, stats.owners, stats.ticks), (0, 0, 2));
    strike(stage.system).await;
}

// SCHED-1
#[tokio::test(start_paused = true)]
async fn run_now_neither_moves_the_grid_nor_doubles_the_rate() {
    let stage = Stage::set().await;
    let (pid, often) = (stage.worker.pid(), Schedule::fixed_rate(SECOND * 10));
    stage.scheduler.schedule(&stage.worker, "often", often, Message::Tick).unwrap();
    after(SECOND * 3).await;
    for _ in 0..3 {
        stage.scheduler.run_now(pid, "often").unwrap();
        // It comes before whatever is told later.
        let done = stage.done().await;
        assert_eq!(done.len(), 1);
        assert!(done[0].is_forced && done[0].at == 3000);
    }
    after(SECOND * 30).await;
    assert_eq!(stage.times().await, [10_000, 20_000, 30_000]);
    let stats = stage.scheduler.stats();
    assert_eq!((stats.ticks, stats.forced, stats.missed), (3, 3, 0));
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_wanted_while_one_is_at_work_comes_once_and_right_after_it() {
    let stage = Stage::set().await;
    let (pid, rare) = (stage.worker.pid(), Schedule::fixed_rate(SECOND * 1000));
    stage.scheduler.schedule(&stage.worker, "rare", rare, Message::Tick).unwrap();
    stage.worker.tell(Message::Takes(SECOND * 2)).await.unwrap();
    stage.done().await;
    for _ in 0..5 {
        stage.scheduler.run_now(pid, "rare").unwrap();
    }
    after(SECOND * 10).await;
    assert_eq!(stage.times().await, [0, 2000]);
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_is_slow_hears_of_no_schedule_twice_at_a_time() {
    let table = [
        // 25 s of work every 10 s: what came due meanwhile is one tick, none, or all.
        (Missed::Once, vec![(10_000, 0), (35_000, 1), (60_000, 2)]),
        (Missed::Skip, vec![(10_000, 0), (40_000, 2), (70_000, 2)]),
        (Missed::All, vec![(10_000, 0), (35_000, 0), (60_000, 0)]),
    ];
    for (missed, expected) in table {
        let stage = Stage::set().await;
        let often = Schedule::fixed_rate(SECOND * 10).missed(missed);
        stage.scheduler.schedule(&stage.worker, "often", often, Message::Tick).unwrap();
        stage.worker.tell(Message::Takes(SECOND * 25)).await.unwrap();
        after(SECOND * 84).await;
        let done: Vec<_> = stage.done().await.into_iter().map(|it| (it.at, it.missed)).collect();
        assert_eq!(done, expected, "{missed:?}");
        strike(stage.system).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_actor_delays_nobody_else() {
    let stage = Stage::set().await;
    let often = || Schedule::fixed_rate(SECOND);
    let slow = Script::default();
    let slow_actor = stage.system.start(spec(&slow)).await.unwrap();
    let gate = hold(&slow_actor, &slow.log).await;
    let note = |_| Scripted::Note("ticked");
    stage.scheduler.schedule(&slow_actor, "slow", often(), note).unwrap();
    let quick = worker(&stage.system).await;
    stage.scheduler.schedule(&quick, "quick", often(), Message::Tick).unwrap();
    after(Duration::from_millis(5500)).await;
    let done = quick.ask(Message::Done).await.unwrap();
    assert_eq!(done.iter().map(|it| it.at).collect::<Vec<_>>(), [1000, 2000, 3000, 4000, 5000]);
    let ticked = || slow.log.take().into_iter().filter(|line| line == "ticked").count();
    assert_eq!(ticked(), 0);
    // One waits for it, and the latest of the others comes after that.
    gate.notify_one();
    let ticks = || stage.scheduler.stats().ticks;
    eventually(|| if ticks() == 7 { Ok(()) } else { Err(ticks()) }).await;
    assert_eq!(ticked(), 2);
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn jitter_delays_ticks_by_less_than_it_and_keeps_the_rate() {
    let stage = Stage::set().await;
    let often = Schedule::fixed_rate(SECOND * 10).jitter(SECOND * 5);
    stage.scheduler.schedule(&stage.worker, "often", often, Message::Tick).unwrap();
    after(SECOND * 1005).await;
    let times = stage.times().await;
    assert_eq!(times.len(), 100);
    let late: Vec<_> = times.iter().zip(1..).map(|(at, n)| at - n * 10_000).collect();
    assert!(late.iter().all(|late| *late < 5000), "{late:?}");
    let (few, many) = (late.iter().filter(|late| **late < 1000).count(), late.len());
    assert!(few > 0 && few < many / 2, "{late:?}");
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn many_schedules_each_keep_their_own_times() {
    let stage = Stage::set().await;
    for period in 1..=100 {
        let often = Schedule::fixed_rate(SECOND * period);
        let name = period.to_string();
        stage.scheduler.schedule(&stage.worker, name, often, Message::Tick).unwrap();
    }
    after(Duration::from_millis(100_500)).await;
    let done = stage.done().await;
    for period in 1..=100_u128 {
        let times = done.iter().filter(|done| done.name == period.to_string()).map(|done| done.at);
        let expected: Vec<_> = (1..=100 / period).map(|n| n * period * 1000).collect();
        assert_eq!(times.collect::<Vec<_>>(), expected);
    }
    strike(stage.system).await;
}
