//! Several tasks at a time.

use std::time::Duration;

use foundation::{ExitReason, OnTimeout, Task, YieldOptions};
use testkit::pass;
use tokio::time::Instant;

use super::{MOMENT, SECOND, Stage, failed, why};

#[tokio::test(start_paused = true)]
async fn results_come_in_the_order_of_the_tasks() {
    // OTP I01, I02
    let stage = Stage::set().await;
    let tasks = [(3, 1), (1, 2), (2, 3)].map(|(time, value)| stage.after(SECOND * time, value));
    assert_eq!(Task::await_many(tasks).await, Ok(vec![1, 2, 3]));
    assert_eq!(Task::<u32>::await_many([]).await, Ok(vec![]));
    let many: Vec<_> = (0..100).map(|n| stage.after(MOMENT * (100 - n), n)).collect();
    assert_eq!(Task::await_many(many).await, Ok((0..100).collect()));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_is_that_of_all() {
    // OTP I04
    let stage = Stage::set().await;
    let panics = || stage.tasks.async_nolink(async { panic!("oops") }).unwrap();
    let fails = || stage.tasks.async_nolink(async { Err(failed()) }).unwrap();
    let exits = stage.ended_with(ExitReason::shutdown_with("x")).await;
    for (failing, expected) in
        [(panics(), "actor_panicked"), (fails(), "failed"), (exits, "actor_stopped shutdown: x")]
    {
        let started = Instant::now();
        let (forever, other) = (stage.forever(), stage.forever());
        let watched = stage.reference(&forever);
        assert_eq!(why(Task::await_many([forever, failing, other]).await), expected);
        assert!(started.elapsed() < SECOND);
        // Nobody watches any more, and the others are dead.
        assert_eq!(watched.exited().await, ExitReason::shutdown_with("unwanted"));
        assert_eq!((watched.watchers(), stage.count()), (0, 0));
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_is_that_of_all_however_many_there_are() {
    // OTP I04
    let stage = Stage::set().await;
    for many in [31, 500] {
        let mut left = many;
        let tasks = std::iter::from_fn(|| {
            left -= 1;
            let fails = || stage.tasks.async_nolink(async { Err(failed()) }).unwrap();
            (left >= 0).then(|| if left == 0 { fails() } else { stage.forever() })
        });
        assert_eq!(why(Task::await_many(tasks).await), "failed");
        stage.settle().await;
        assert_eq!(stage.count(), 0);
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_several_gives_what_is_there_in_time() {
    // OTP I08 for several
    let stage = Stage::set().await;
    let mut tasks = [1, 3, 1].map(|time| stage.after(SECOND * time, time));
    let options = YieldOptions::default().within(SECOND * 2);
    assert_eq!(Task::yield_many(&mut tasks, options).await, [Some(Ok(1)), None, Some(Ok(1))]);
    let [_, slow, _] = tasks;
    assert_eq!(slow.await, Ok(3));
    assert_eq!(Task::<u32>::yield_many(&mut [], options).await, []);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_several_is_over_when_as_many_are_done_as_are_wanted() {
    // OTP I09
    let stage = Stage::set().await;
    let mut tasks = [2, 1, 3].map(|time| stage.after(SECOND * time, time));
    let options = YieldOptions::default().limit(1).on_timeout(OnTimeout::Kill);
    assert_eq!(Task::yield_many(&mut tasks, options).await, [None, Some(Ok(1)), None]);
    // The time was not over, so the others go on.
    assert_eq!(stage.count(), 2);
    let none = Task::yield_many(&mut tasks, YieldOptions::default().limit(0)).await;
    assert_eq!(none, [None, None, None]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn those_that_are_not_done_in_time_are_killed_or_let_go_if_that_is_wanted() {
    // OTP I10
    let stage = Stage::set().await;
    let options = YieldOptions::default().within(MOMENT);
    let mut tasks = [stage.after(Duration::ZERO, 1), stage.after(SECOND, 2)];
    let slow = stage.reference(&tasks[1]);
    let kill = options.on_timeout(OnTimeout::Kill);
    assert_eq!(Task::yield_many(&mut tasks, kill).await, [Some(Ok(1)), None]);
    assert!(!slow.is_alive());

    let mut tasks = [stage.after(Duration::ZERO, 1), stage.after(SECOND, 2)];
    let slow = stage.reference(&tasks[1]);
    let ignore = options.on_timeout(OnTimeout::Ignore);
    assert_eq!(Task::yield_many(&mut tasks, ignore).await, [Some(Ok(1)), None]);
    assert!(slow.is_alive() && slow.watchers() == 0);
    drop(tasks);
    assert!(slow.is_alive());
    pass(SECOND).await;
    assert_eq!((slow.exited().await, stage.count()), (ExitReason::Normal, 0));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_over_in_time_however_many_are_done() {
    // The last result used up the turn of the caller, which was taken for the reason that nothing
    // more was ready: nobody looked at the time any more.
    let stage = Stage::set().await;
    for done in 120..140 {
        let done = (0..done).map(|n| stage.after(Duration::ZERO, n));
        let mut tasks: Vec<_> = std::iter::once(stage.forever()).chain(done).collect();
        stage.settle().await;
        let options = YieldOptions::default().within(SECOND).on_timeout(OnTimeout::Kill);
        let came_to = Task::yield_many(&mut tasks, options).await;
        assert!(came_to[0].is_none() && came_to[1..].iter().all(Option::is_some));
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_before_is_not_waited_for() {
    let stage = Stage::set().await;
    let mut tasks = [stage.after(MOMENT, 1), Task::completed(2), stage.forever()];
    let options = YieldOptions::default().within(SECOND);
    let first = Task::yield_many(&mut tasks, options).await;
    assert_eq!(first, [Some(Ok(1)), Some(Ok(2)), None]);
    let mut second = Task::yield_many(&mut tasks, options.limit(2)).await;
    assert_eq!(second.pop(), Some(None));
    for taken in second {
        assert_eq!(why(taken.unwrap()), "no_process");
    }
    stage.strike().await;
}
