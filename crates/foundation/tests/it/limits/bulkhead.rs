//! Bulkheads: how many run, who waits, and who comes next.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foundation::{Bulkhead, BulkheadOptions, ChildSpec, Result, System, TaskSupervisor};
use futures_util::future::join_all;
use testkit::{Telemetry, eventually};

use crate::fixture::{after, system};

const SECOND: Duration = Duration::from_secs(1);

fn bulkhead(system: &System, max_concurrent: usize, max_queue: usize) -> Bulkhead {
    let options = BulkheadOptions::new(max_concurrent).max_queue(max_queue);
    Bulkhead::new(system, "bank", options).unwrap()
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_a_time_than_may_and_all_get_their_turn() {
    let system = system().await;
    let bulkhead = bulkhead(&system, 5, 100);
    let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let call = || {
        let operation = async {
            let now = running.fetch_add(1, Ordering::Relaxed) + 1;
            most.fetch_max(now, Ordering::Relaxed);
            after(SECOND).await;
            running.fetch_sub(1, Ordering::Relaxed);
            Ok(17)
        };
        bulkhead.call(10 * SECOND, operation)
    };
    let results = join_all((0..20).map(|_| call())).await;
    assert!(results.into_iter().all(|result| result.is_ok()));
    assert_eq!(most.load(Ordering::Relaxed), 5);
    let status = bulkhead.status();
    assert_eq!((status.running, status.waiting), (0, 0));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_come_in_order_and_nobody_overtakes_them() {
    let system = system().await;
    let bulkhead = bulkhead(&system, 1, 10);
    let permit = bulkhead.try_acquire().unwrap();
    let order = std::sync::Mutex::new(Vec::new());
    let wait = async |n: u32| {
        let permit = bulkhead.acquire(10 * SECOND).await.unwrap();
        order.lock().unwrap().push(n);
        after(SECOND).await;
        drop(permit);
    };
    let leave = async {
        after(SECOND).await;
        assert_eq!((bulkhead.status().running, bulkhead.status().waiting), (1, 3));
        drop(permit);
        // The place is already that of the first who waits.
        assert_eq!(bulkhead.try_acquire().unwrap_err().code(), "bulkhead_full");
    };
    tokio::join!(wait(1), wait(2), wait(3), leave);
    assert_eq!(order.into_inner().unwrap(), [1, 2, 3]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_more_wait_than_may() {
    let system = system().await;
    let bulkhead = bulkhead(&system, 1, 2);
    let permit = bulkhead.try_acquire().unwrap();
    let begun = tokio::time::Instant::now();
    let telemetry = Telemetry::listen();
    // Two wait, and the rest is told at once.
    let times = std::sync::Mutex::new(Vec::new());
    let acquire = async || {
        let acquired = bulkhead.acquire(SECOND).await;
        times.lock().unwrap().push(begun.elapsed().as_secs());
        acquired
    };
    let results = join_all((0..5).map(|_| acquire())).await;
    assert_eq!(times.into_inner().unwrap(), [0, 0, 0, 1, 1]);
    assert_eq!(telemetry.about("bulkhead.refused").len(), 5);
    let codes: Vec<_> = results.iter().map(|it| it.as_ref().unwrap_err().code()).collect();
    let full = "bulkhead_full";
    assert_eq!(codes, [full; 5]);
    let error = results[4].as_ref().unwrap_err();
    assert_eq!((&error.details()["bulkhead"], error.is_retryable()), (&"bank".into(), true));
    drop(permit);
    drop(bulkhead.acquire(Duration::ZERO).await.unwrap());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn giving_up_waiting_gives_the_place_to_the_next() {
    let system = system().await;
    let bulkhead = bulkhead(&system, 1, 2);
    let permit = bulkhead.try_acquire().unwrap();
    let waiting = bulkhead.acquire(10 * SECOND);
    let given_up = async {
        tokio::select! { biased; _ = waiting => panic!("it came"), () = after(SECOND) => {} }
        drop(permit);
    };
    let ((), next) = tokio::join!(given_up, bulkhead.acquire(10 * SECOND));
    assert_eq!((bulkhead.status().running, bulkhead.status().waiting), (1, 0));
    drop(next.unwrap());
    assert_eq!(bulkhead.status().running, 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_dies_leaves_its_place() {
    // LEAK-10
    let system = system().await;
    let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
    let bulkhead = bulkhead(&system, 2, 0);
    let inside = bulkhead.clone();
    let panics = async move {
        let _permit = inside.try_acquire()?;
        panic!("inside") as Result<()>
    };
    tasks.async_nolink(panics).unwrap().await.unwrap_err();
    let inside = bulkhead.clone();
    let hangs = move |_| {
        let inside = inside.clone();
        async move {
            let _permit = inside.try_acquire()?;
            std::future::pending::<Result<()>>().await
        }
    };
    let task = system.start(ChildSpec::task("hangs", hangs)).await.unwrap();
    let is_inside = |n| {
        let bulkhead = &bulkhead;
        move || (bulkhead.status().running == n).then_some(()).ok_or("not yet")
    };
    eventually(is_inside(1)).await;
    task.kill();
    task.exited().await;
    eventually(is_inside(0)).await;
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_system_that_goes_ends_every_wait() {
    let system = system().await;
    let bulkhead = bulkhead(&system, 1, 2);
    let _permit = bulkhead.try_acquire().unwrap();
    let (stopped, waited) = tokio::join!(system.stop(), bulkhead.acquire(3600 * SECOND));
    stopped.unwrap();
    assert_eq!(waited.unwrap_err().code(), "system_stopping");
}

#[tokio::test(start_paused = true)]
async fn options_that_cannot_be_are_refused() {
    let system = system().await;
    let table = [
        (BulkheadOptions::new(0), "max_concurrent"),
        (BulkheadOptions::new(usize::MAX), "max_concurrent"),
        (BulkheadOptions::new(1).max_queue(usize::MAX), "max_queue"),
    ];
    for (options, field) in table {
        let error = Bulkhead::new(&system, "bank", options).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
    }
    system.stop().await.unwrap();
}
