//! Work that crashes, hangs or fails in a task of its own.

use std::time::Duration;

use foundation::{ActorRef, Error, Result, System, TaskSupervisor};
use testkit::eventually;

use crate::fixture::{after, system};

async fn tasks(system: &System) -> ActorRef<TaskSupervisor> {
    TaskSupervisor::builder().start(system).await.unwrap()
}

const SECONDS: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn a_crash_is_an_error_and_takes_nobody_with_it() {
    // ISO-1
    let system = system().await;
    let tasks = tasks(&system).await;
    let crash = tasks.isolate(SECONDS, async { panic!("the plugin is broken") as Result<u32> });
    let error = crash.await.unwrap_err();
    assert_eq!(error.code(), "isolated_operation_failed");
    assert!(error.report().to_string().contains("the plugin is broken"), "{error:?}");
    assert_eq!(tasks.which_children().unwrap().len(), 0);
    assert_eq!(tasks.isolate(SECONDS, async { Ok(17) }).await.unwrap(), 17);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_ended_and_gone() {
    // ISO-1
    let system = system().await;
    let tasks = tasks(&system).await;
    let before = system.census().total();
    let begun = tokio::time::Instant::now();
    let hangs = tasks.isolate(SECONDS, std::future::pending::<Result<u32>>());
    let error = hangs.await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("timeout", true));
    assert!((5000..5020).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    assert_eq!(system.census().total(), before);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_work_is_its_own_whatever_its_code() {
    let system = system().await;
    let tasks = tasks(&system).await;
    for error in [Error::business("no"), Error::system("actor_panicked"), Error::system("broken")] {
        let failing = error.clone();
        let result = tasks.isolate(SECONDS, async { Err::<u32, _>(failing) }).await.unwrap_err();
        assert_eq!((result.code(), result.category()), (error.code(), error.category()));
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn work_that_somebody_kills_has_crashed() {
    let system = system().await;
    let tasks = tasks(&system).await;
    let hangs = tasks.isolate(SECONDS, std::future::pending::<Result<u32>>());
    let kills = async {
        after(Duration::from_secs(1)).await;
        let child = tasks.which_children().unwrap().pop().unwrap();
        tasks.terminate_child(child.pid.unwrap()).await.unwrap();
    };
    let (result, ()) = tokio::join!(hangs, kills);
    assert_eq!(result.unwrap_err().code(), "isolated_operation_failed");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn giving_it_up_ends_the_task() {
    let system = system().await;
    let tasks = tasks(&system).await;
    let hangs = tasks.isolate(SECONDS, std::future::pending::<Result<u32>>());
    tokio::select! { biased; _ = hangs => panic!("it ended"), () = after(SECONDS / 2) => {} }
    let none = || match system.census().total() {
        // The supervisor, and the keeper of deadlines.
        0..=2 => Ok(()),
        more => Err(format!("{more} run")),
    };
    eventually(none).await;
    system.stop().await.unwrap();
}
