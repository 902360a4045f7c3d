//! Making, changing and ending schedules, and what becomes of them when somebody ends.

use std::time::Duration;

use foundation::{
    ActorRef, ChildSpec, ExitReason, Missed, Schedule, Scheduler, Supervisor, TaskActor,
};
use testkit::eventually;

use super::{MINUTE, Message, SECOND, Stage, Worker, worker};
use crate::fixture::{after, strike, system};

fn often() -> Schedule {
    Schedule::fixed_rate(SECOND * 10)
}

// SCHED-1
#[tokio::test(start_paused = true)]
async fn schedules_are_made_listed_changed_and_cancelled() {
    let stage = Stage::set().await;
    let (scheduler, worker, pid) = (&stage.scheduler, &stage.worker, stage.worker.pid());
    scheduler.schedule(worker, "b", often(), Message::Tick).unwrap();
    scheduler.schedule(worker, "a", Schedule::fixed_delay(MINUTE), Message::Tick).unwrap();
    let names = || scheduler.of(pid).iter().map(|it| it.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(), ["a", "b"]);
    let info = &scheduler.of(pid)[1];
    assert_eq!((info.owner, info.schedule.to_string()), (pid, "every 10s".to_owned()));
    assert_eq!(info.next, Some("2026-06-01T00:00:10Z".parse().unwrap()));

    scheduler.reschedule(pid, "b", Schedule::fixed_rate(SECOND * 3)).unwrap();
    after(SECOND * 7).await;
    assert_eq!(stage.times().await, [3000, 6000]);
    scheduler.cancel(pid, "b").unwrap();
    assert_eq!(names(), ["a"]);
    after(SECOND * 20).await;
    assert_eq!(stage.times().await, [] as [u128; 0]);
    assert_eq!((scheduler.cancel_all(pid), scheduler.cancel_all(pid)), (1, 0));
    assert_eq!(scheduler.all(), []);

    let nothing = scheduler.cancel(pid, "b").unwrap_err();
    assert_eq!(
        (nothing.code(), &nothing.details()["schedule"]),
        ("schedule_not_found", &"b".into())
    );
    assert_eq!(scheduler.run_now(pid, "b").unwrap_err().code(), "schedule_not_found");
    assert_eq!(scheduler.reschedule(pid, "b", often()).unwrap_err().code(), "schedule_not_found");
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_to_what_cannot_be_changes_nothing() {
    let stage = Stage::set().await;
    let (scheduler, pid) = (&stage.scheduler, stage.worker.pid());
    scheduler.schedule(&stage.worker, "often", often(), Message::Tick).unwrap();
    let before = scheduler.of(pid);
    let impossible = [
        (Schedule::fixed_rate(Duration::ZERO), "period"),
        (Schedule::fixed_delay(Duration::MAX), "delay"),
        (Schedule::fixed_rate(SECOND).jitter(SECOND * 2), "jitter"),
        (Schedule::once_after(SECOND).jitter(Duration::MAX), "jitter"),
        (Schedule::cron("0 0 * * *").unwrap().jitter(Duration::MAX), "jitter"),
        (Schedule::once_after(Duration::MAX), "delay"),
    ];
    for (schedule, field) in impossible {
        let error = scheduler.reschedule(pid, "often", schedule).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
        assert_eq!(scheduler.of(pid), before);
    }
    after(SECOND * 11).await;
    assert_eq!(stage.times().await, [10_000]);
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn a_schedule_of_the_same_name_and_owner_is_replaced() {
    let stage = Stage::set().await;
    let other = worker(&stage.system).await;
    for owner in [&stage.worker, &other] {
        stage.scheduler.schedule(owner, "often", often(), Message::Tick).unwrap();
    }
    let rare = Schedule::fixed_rate(SECOND * 25);
    stage.scheduler.schedule(&stage.worker, "often", rare, Message::Tick).unwrap();
    assert_eq!((stage.scheduler.stats().schedules, stage.scheduler.stats().owners), (2, 2));
    after(SECOND * 51).await;
    assert_eq!(stage.times().await, [25_000, 50_000]);
    let times = other.ask(Message::Done).await.unwrap().len();
    assert_eq!(times, 5);
    strike(stage.system).await;
}

// SCHED-1
#[tokio::test(start_paused = true)]
async fn schedules_end_with_their_owner_and_a_dead_one_gets_none() {
    let stage = Stage::set().await;
    let (scheduler, pid) = (&stage.scheduler, stage.worker.pid());
    for name in ["a", "b", "c"] {
        scheduler.schedule(&stage.worker, name, often(), Message::Tick).unwrap();
    }
    after(SECOND * 11).await;
    stage.worker.stop(ExitReason::Shutdown).await.unwrap();
    assert_eq!((scheduler.of(pid).len(), scheduler.stats().schedules), (0, 0));
    assert_eq!(scheduler.stats().ticks, 3);
    let error = scheduler.schedule(&stage.worker, "d", often(), Message::Tick).unwrap_err();
    assert_eq!((error.code(), scheduler.stats().schedules), ("no_process", 0));
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn all_that_an_actor_has_of_several_ends_with_it() {
    let stage = Stage::set().await;
    let other = Scheduler::start(&stage.system).await.unwrap();
    let groups = stage.system.groups();
    groups.listen(&stage.worker, |_| Message::Panic).unwrap();
    for scheduler in [&stage.scheduler, &other] {
        scheduler.schedule(&stage.worker, "often", often(), Message::Tick).unwrap();
    }
    other.cancel(stage.worker.pid(), "often").unwrap();
    other.schedule(&stage.worker, "often", often(), Message::Tick).unwrap();
    // Each has its own, which a cancelled one takes from nobody.
    groups.unlisten(&stage.worker).unwrap();
    groups.listen(&stage.worker, |_| Message::Panic).unwrap();
    stage.worker.stop(ExitReason::Shutdown).await.unwrap();
    assert_eq!((stage.scheduler.stats().schedules, other.stats().schedules), (0, 0));
    assert_eq!(groups.unlisten(&stage.worker).unwrap_err().code(), "not_registered");
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_was_handed_on_outlives_its_owner_and_does_nothing() {
    let stage = Stage::set().await;
    let handed = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = std::sync::Arc::clone(&handed);
    let keep = move |tick| {
        kept.lock().unwrap().push(tick);
        Message::Takes(Duration::ZERO)
    };
    stage.scheduler.schedule(&stage.worker, "handed", often(), keep).unwrap();
    after(SECOND * 35).await;
    assert_eq!(handed.lock().unwrap().len(), 1, "it is at work as long as somebody has it");
    assert!(stage.scheduler.all()[0].is_working);
    handed.lock().unwrap().clear();
    after(SECOND).await;
    assert_eq!(handed.lock().unwrap().len(), 1);
    stage.worker.stop(ExitReason::Shutdown).await.unwrap();
    let last = handed.lock().unwrap().pop().unwrap();
    assert_eq!((last.name(), last.missed()), ("handed", 1));
    drop(last);
    assert_eq!(stage.scheduler.stats().schedules, 0);
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn schedules_are_of_an_incarnation_and_its_successor_makes_its_own() {
    let stage = Stage::set().await;
    let spec = ChildSpec::<Worker>::actor("worker", Duration::ZERO);
    let top = Supervisor::one_for_one().child(spec).start(&stage.system).await.unwrap();
    let worker: ActorRef<Worker> = top.child("worker").await.unwrap();
    stage.scheduler.schedule(&worker, "often", often(), Message::Tick).unwrap();
    let before = worker.pid();
    worker.tell(Message::Panic).await.unwrap();
    eventually(|| if worker.pid() == before { Err("not restarted") } else { Ok(()) }).await;
    assert_eq!(stage.scheduler.stats().schedules, 0);
    stage.scheduler.schedule(&worker, "often", often(), Message::Tick).unwrap();
    after(SECOND * 11).await;
    assert_eq!(worker.ask(Message::Done).await.unwrap().len(), 1);
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_made_ends_its_owner_and_nobody_else() {
    let stage = Stage::set().await;
    let other = worker(&stage.system).await;
    stage.scheduler.schedule(&stage.worker, "often", often(), Message::Tick).unwrap();
    stage.scheduler.schedule(&other, "broken", often(), |_| panic!("cannot be made")).unwrap();
    after(SECOND * 25).await;
    assert_eq!(stage.times().await, [10_000, 20_000]);
    assert!(other.ask(Message::Done).await.is_err());
    assert_eq!(stage.scheduler.stats().schedules, 1);
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn a_scheduler_that_is_killed_goes_on_with_what_there_was() {
    let system = system().await;
    let (scheduler, keeper) = Scheduler::build(&system);
    let top = Supervisor::one_for_one().child(keeper).start(&system).await.unwrap();
    let keeper: ActorRef<TaskActor> = top.child("scheduler").await.unwrap();
    let worker = worker(&system).await;
    scheduler.schedule(&worker, "often", often(), Message::Tick).unwrap();
    after(SECOND * 15).await;
    let before = keeper.pid();
    keeper.kill();
    eventually(|| if keeper.pid() == before { Err("not restarted") } else { Ok(()) }).await;
    after(SECOND * 20).await;
    let times: Vec<_> =
        worker.ask(Message::Done).await.unwrap().into_iter().map(|done| done.at).collect();
    assert_eq!(times, [10_000, 20_000, 30_000]);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn without_its_keeper_a_scheduler_does_what_somebody_asks_for() {
    let system = system().await;
    let (scheduler, keeper) = Scheduler::build(&system);
    let worker = worker(&system).await;
    scheduler.schedule(&worker, "often", often(), Message::Tick).unwrap();
    let done = async || {
        let done = worker.ask(Message::Done).await.unwrap();
        done.into_iter().map(|it| (it.at, it.missed, it.is_forced)).collect::<Vec<_>>()
    };
    after(SECOND * 5).await;
    scheduler.run_now(worker.pid(), "often").unwrap();
    assert_eq!(done().await, [(5000, 0, true)]);
    after(SECOND * 30).await;
    assert_eq!(done().await, []);
    // It is asked for; what came due meanwhile is due when that is over, and nobody tells it, until
    // somebody asks again.
    scheduler.run_now(worker.pid(), "often").unwrap();
    assert_eq!(done().await, [(35_000, 0, true)]);
    scheduler.run_now(worker.pid(), "often").unwrap();
    assert_eq!(done().await, [(35_000, 2, false)]);
    let top = Supervisor::one_for_one().child(keeper).start(&system).await.unwrap();
    after(SECOND).await;
    assert_eq!(done().await, [(35_000, 0, true)]);
    after(SECOND * 5).await;
    assert_eq!(done().await, [(40_000, 0, false)]);
    drop(top);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn schedules_that_cannot_be_are_refused_with_their_field() {
    let stage = Stage::set().await;
    let schedule = |name: &str, schedule| {
        stage.scheduler.schedule(&stage.worker, name.to_owned(), schedule, Message::Tick)
    };
    let table = [
        (Schedule::fixed_rate(Duration::ZERO), "period"),
        (Schedule::fixed_rate(Duration::from_micros(999)), "period"),
        (Schedule::fixed_rate(Duration::MAX), "period"),
        (Schedule::fixed_delay(Duration::ZERO), "delay"),
        (Schedule::fixed_delay(Duration::MAX), "delay"),
        (Schedule::once_after(Duration::MAX), "delay"),
        (often().first_after(Duration::MAX), "first_after"),
        (often().jitter(SECOND * 10), "jitter"),
        (Schedule::fixed_delay(SECOND).jitter(Duration::MAX), "jitter"),
    ];
    for (wrong, field) in table {
        let error = schedule("often", wrong).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
    }
    assert_eq!(schedule("", often()).unwrap_err().details()["field"], "name");
    assert_eq!(schedule(&"x".repeat(256), often()).unwrap_err().details()["field"], "name");
    assert_eq!(often().time_zone("UTC").unwrap_err().details()["field"], "time_zone");
    let error = Schedule::cron("0 0 30 2 *").unwrap_err();
    assert_eq!(error.details()["field"], "cron");

    let elsewhere = system().await;
    let stranger = worker(&elsewhere).await;
    let error = stage.scheduler.schedule(&stranger, "often", often(), Message::Tick).unwrap_err();
    assert_eq!(error.details()["field"], "owner");
    assert_eq!(stage.scheduler.stats().schedules, 0);
    elsewhere.stop().await.unwrap();
    strike(stage.system).await;
}

#[tokio::test(start_paused = true)]
async fn a_time_that_is_over_is_done_at_once_or_missed() {
    let stage = Stage::set().await;
    let over = || Schedule::once_at("2025-01-01T00:00:00Z".parse().unwrap());
    stage.scheduler.schedule(&stage.worker, "late", over(), Message::Tick).unwrap();
    let skip = over().missed(Missed::Skip);
    stage.scheduler.schedule(&stage.worker, "missed", skip, Message::Tick).unwrap();
    after(SECOND).await;
    let done = stage.done().await;
    assert_eq!(done.iter().map(|done| done.name.as_str()).collect::<Vec<_>>(), ["late"]);
    let stats = stage.scheduler.stats();
    assert_eq!((stats.schedules, stats.ticks, stats.missed), (0, 1, 1));
    strike(stage.system).await;
}

// LEAK-6
#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_timers_that_are_made_and_ended_again_and_again() {
    let stage = Stage::set().await;
    let before = (stage.system.census(), stage.scheduler.stats());
    for round in 0..10 {
        let other = worker(&stage.system).await;
        for number in 0..50 {
            let name = format!("{round} {number}");
            for owner in [&stage.worker, &other] {
                stage.scheduler.schedule(owner, name.clone(), often(), Message::Tick).unwrap();
            }
        }
        after(SECOND * 15).await;
        assert_eq!(stage.scheduler.cancel_all(stage.worker.pid()), 50);
        other.stop(ExitReason::Shutdown).await.unwrap();
    }
    let now = stage.scheduler.stats();
    assert_eq!((now.schedules, now.owners), (before.1.schedules, before.1.owners));
    assert_eq!((now.ticks, stage.system.census()), (1000, before.0));
    strike(stage.system).await;
}
