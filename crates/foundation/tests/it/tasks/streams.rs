//! Streams of tasks: order, bounds, failures, and what happens to those that take too long.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foundation::{ActorRef, OnOverrun, Result, StreamOptions, TaskSupervisor};
use futures_util::{Stream, StreamExt};
use testkit::pass;
use tokio::time::Instant;

use super::{MOMENT, SECOND, Stage, failed, why};

fn options() -> StreamOptions {
    StreamOptions::default().max_concurrency(4)
}

/// A task for each number, which gives it after so many milliseconds.
fn sleeps(
    tasks: &ActorRef<TaskSupervisor>,
    times: &[u64],
    options: StreamOptions,
) -> impl Stream<Item = Result<u64>> + Send + Unpin + use<> {
    let sleep = |time| async move {
        pass(Duration::from_millis(time)).await;
        Ok(time)
    };
    tasks.async_stream(times.to_vec(), options, sleep).unwrap()
}

/// What the items are: a value, or the code of the error.
async fn items(stream: impl Stream<Item = Result<u64>>) -> Vec<String> {
    let shown = stream.map(|item| match item {
        Ok(value) => value.to_string(),
        Err(error) => why(Err::<(), _>(error)),
    });
    shown.collect().await
}

#[tokio::test(start_paused = true)]
async fn results_come_in_the_order_of_the_inputs() {
    // OTP H20, H21
    let stage = Stage::set().await;
    assert_eq!(items(sleeps(&stage.tasks, &[1, 2, 3, 4], options())).await, ["1", "2", "3", "4"]);
    for concurrency in [1, 2, 4, 100] {
        let slowest_first = sleeps(
            &stage.tasks,
            &[4, 3, 2, 1],
            StreamOptions::default().max_concurrency(concurrency),
        );
        assert_eq!(items(slowest_first).await, ["4", "3", "2", "1"]);
    }
    assert_eq!(items(sleeps(&stage.tasks, &[], options())).await, Vec::<String>::new());
    assert_eq!(stage.count(), 0);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn results_come_when_they_are_there_if_order_is_of_no_account() {
    // OTP I21
    let stage = Stage::set().await;
    let times = [400, 300, 200, 100];
    let one = StreamOptions::default().unordered().max_concurrency(1);
    assert_eq!(items(sleeps(&stage.tasks, &times, one)).await, ["400", "300", "200", "100"]);
    let four = options().unordered();
    assert_eq!(items(sleeps(&stage.tasks, &times, four)).await, ["100", "200", "300", "400"]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_is_an_item_and_the_stream_goes_on() {
    // OTP H22
    let stage = Stage::set().await;
    let work = |n| async move {
        match n {
            1 => Err(failed()),
            2 => panic!("oops"),
            3 => Ok(3),
            _ => Err::<u64, _>(failed()),
        }
    };
    let stream = stage.tasks.async_stream(1..=4, options(), work).unwrap();
    assert_eq!(items(stream).await, ["failed", "actor_panicked", "3", "failed"]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_a_time_than_allowed_and_no_more_results_wait() {
    let stage = Stage::set().await;
    for (ordered, most_ahead) in [(true, 6), (false, 3)] {
        let options = StreamOptions::default().max_concurrency(3).within(SECOND * 9);
        let options = if ordered { options } else { options.unordered() };
        let started = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&started);
        // The first one is the slowest by far.
        let work = move |n| {
            count.fetch_add(1, Ordering::Relaxed);
            async move {
                pass(if n == 0 { SECOND } else { MOMENT }).await;
                Ok(n)
            }
        };
        let mut stream = pin!(stage.tasks.async_stream(0_u64..100, options, work).unwrap());
        assert_eq!(started.load(Ordering::Relaxed), 0);
        let mut given = 0;
        while let Some(item) = stream.next().await {
            given += 1;
            assert!(stage.count() <= 3);
            assert!(started.load(Ordering::Relaxed) <= given + most_ahead);
            assert!(item.is_ok());
        }
        assert_eq!((given, started.load(Ordering::Relaxed)), (100, 100));
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_its_supervisor_takes_no_more() {
    // OTP H24
    let stage = Stage::with_at_most(1).await;
    let stream =
        sleeps(&stage.tasks, &[100, 100, 100], StreamOptions::default().max_concurrency(2));
    assert_eq!(items(stream).await, ["max_children"]);
    stage.settle().await;
    // The one that was running is not any more.
    assert_eq!(stage.count(), 0);
    let stream = sleeps(&stage.tasks, &[1, 2], StreamOptions::default().max_concurrency(1));
    assert_eq!(items(stream).await, ["1", "2"]);
    stage.tasks.stop(foundation::ExitReason::Shutdown).await.unwrap();
    assert_eq!(items(sleeps(&stage.tasks, &[1, 2], options())).await, ["no_process"]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn results_that_are_there_come_before_the_error_that_ends_the_stream() {
    let stage = Stage::set().await;
    let mut stream = sleeps(&stage.tasks, &[1, 2, 3, 4, 5, 6, 7, 8, 9000], options());
    assert_eq!(stream.next().await, Some(Ok(1)));
    pass(SECOND).await;
    stage.tasks.set_max_children(0).unwrap();
    assert_eq!(items(stream).await, ["2", "3", "4", "5", "max_children"]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn results_are_not_lost_however_late_they_are_looked_at() {
    // A task that uses up its turn is told that nothing is ready. Once, that was taken for an
    // overrun.
    let stage = Stage::set().await;
    let options = StreamOptions::default().max_concurrency(200).within(SECOND * 5);
    let mut stream = sleeps(&stage.tasks, &[1000; 400], options);
    assert_eq!(stream.next().await, Some(Ok(1000)));
    pass(SECOND * 6).await;
    let items = items(stream).await;
    assert_eq!((items.len(), items.iter().filter(|item| *item == "1000").count()), (399, 399));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_made_here_and_run_there() {
    // OTP H25
    let stage = Stage::set().await;
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let work = move |n: usize| {
        count.fetch_add(n, Ordering::Relaxed);
        async move { Ok(n as u64) }
    };
    let stream = stage.tasks.async_stream(1..=3, options(), work).unwrap();
    let there = stage.tasks.async_nolink(async move { Ok(items(stream).await) }).unwrap();
    assert_eq!(there.await, Ok(vec!["1".to_owned(), "2".into(), "3".into()]));
    assert_eq!(seen.load(Ordering::Relaxed), 6);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_takes_too_long_is_killed_and_the_stream_goes_on_if_that_is_wanted() {
    // OTP I20
    let stage = Stage::set().await;
    let kill = options().within(Duration::from_millis(50)).on_overrun(OnOverrun::Kill);
    let times = [100, 1, 100, 1];
    let ordered = items(sleeps(&stage.tasks, &times, kill.clone())).await;
    assert_eq!(ordered, ["timeout", "1", "timeout", "1"]);
    let unordered = items(sleeps(&stage.tasks, &times, kill.unordered())).await;
    assert_eq!(unordered, ["1", "1", "timeout", "timeout"]);
    assert_eq!(stage.count(), 0);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_takes_too_long_ends_the_stream_unless_something_else_is_said() {
    // OTP I20 for the default
    let stage = Stage::set().await;
    let end = options().within(Duration::from_millis(50)).unordered();
    let started = Instant::now();
    assert_eq!(items(sleeps(&stage.tasks, &[9000, 1, 9000], end)).await, ["1", "timeout"]);
    assert!(started.elapsed() < SECOND);
    stage.settle().await;
    assert_eq!(stage.count(), 0);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn each_result_has_its_input_if_that_is_wanted() {
    // OTP H26
    let stage = Stage::set().await;
    let options = options().within(Duration::from_millis(50)).on_overrun(OnOverrun::Kill);
    let work = |time| async move {
        pass(Duration::from_millis(time)).await;
        Ok(time)
    };
    let zipped = stage.tasks.async_stream_zipped([1, 100], options, work).unwrap();
    let items: Vec<_> = zipped.collect().await;
    assert_eq!((&items[0], items[1].0), (&(1, Ok(1)), 100));
    assert_eq!(why(items.into_iter().nth(1).unwrap().1), "timeout");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn two_streams_side_by_side_do_not_disturb_each_other() {
    // OTP I24; nobody can put a message of an end into a typed mailbox.
    let stage = Stage::set().await;
    let stream = || sleeps(&stage.tasks, &[3, 1, 2], options());
    let pairs: Vec<_> = stream().zip(stream()).collect().await;
    let expected = [3, 1, 2].map(|n| (Ok(n), Ok(n)));
    assert_eq!(pairs, expected);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_before_anything_is_started() {
    // OTP I22; times, what follows an overrun, and shutdown cannot be said wrongly.
    let stage = Stage::set().await;
    let begun = Arc::new(AtomicUsize::new(0));
    let table = [
        (StreamOptions::default().max_concurrency(0), "max_concurrency"),
        (StreamOptions::default().max_concurrency(usize::MAX), "max_concurrency"),
        (StreamOptions::default().name(""), "name"),
    ];
    for (options, field) in table {
        let count = Arc::clone(&begun);
        let work = move |n: u64| {
            count.fetch_add(1, Ordering::Relaxed);
            async move { Ok(n) }
        };
        let error = stage.tasks.async_stream(0..9, options, work).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
    }
    assert_eq!((begun.load(Ordering::Relaxed), stage.count()), (0, 0));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_takes_its_tasks_along() {
    let stage = Stage::set().await;
    let mut stream = sleeps(&stage.tasks, &[1, 9000, 9000, 9000], options());
    assert_eq!(stream.next().await, Some(Ok(1)));
    assert_eq!(stage.count(), 3);
    drop(stream);
    stage.settle().await;
    assert_eq!(stage.count(), 0);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn the_tasks_of_a_stream_belong_to_its_owner() {
    // K08
    let stage = Stage::set().await;
    let tasks = stage.tasks.clone();
    let owner = foundation::Job::with(move |mut cx: foundation::TaskContext| async move {
        let options = options().linked(&mut cx).name("owned");
        let work = |n: u64| async move {
            pass(SECOND * 9).await;
            Ok(n)
        };
        let stream = tasks.async_stream(0..9, options, work)?;
        Ok(items(stream).await)
    });
    let owner = stage.tasks.async_nolink(owner).unwrap();
    stage.settle().await;
    assert_eq!(stage.count(), 5);
    assert_eq!(owner.shutdown(foundation::Shutdown::default()).await, Ok(None));
    assert_eq!(stage.count(), 0);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn an_owner_keeps_nothing_of_the_tasks_of_its_stream() {
    // OTP H20: no links are left over, also while the owner hears of nothing.
    let stage = Stage::set().await;
    let tasks = stage.tasks.clone();
    let owner = foundation::Job::with(move |mut cx: foundation::TaskContext| async move {
        let own = tasks.child::<foundation::TaskActor>(cx.pid())?;
        let mut stream =
            tasks.async_stream(0..500_u64, options().linked(&mut cx), |n| async move { Ok(n) })?;
        let mut most = 0;
        while let Some(item) = stream.next().await {
            item?;
            most = most.max(own.links());
        }
        Ok((most, own.links()))
    });
    let (most, left) = stage.tasks.async_nolink(owner).unwrap().await.unwrap();
    assert!(most <= 4 && left == 0, "{most} and {left}");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_started_for_an_owner_that_has_ended() {
    let stage = Stage::set().await;
    let tasks = stage.tasks.clone();
    let owner = foundation::Job::with(move |mut cx: foundation::TaskContext| async move {
        tasks.async_stream(0..9_u64, options().linked(&mut cx), |n| async move { Ok(n) })
    });
    let stream = stage.tasks.async_nolink(owner).unwrap().await.unwrap();
    assert_eq!((items(stream).await, stage.count()), (vec!["no_process".to_owned()], 0));
    stage.strike().await;
}
