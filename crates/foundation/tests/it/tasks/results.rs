//! One task: what comes of it, and how it is waited for, ended, and let go.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use foundation::{
    ChildSpec, ExitReason, Job, Restart, Shutdown, Supervisor, Task, TaskActor, TaskContext,
    TaskSupervisor,
};
use testkit::{Log, Telemetry, pass};
use tokio::time::Instant;

use super::{Goodbye, MOMENT, SECOND, Stage, failed, why};

#[tokio::test(start_paused = true)]
async fn a_task_is_a_child_until_its_value_is_there() {
    // OTP H10, for a caller that is no actor
    let stage = Stage::set().await;
    let task = stage.after(SECOND, 7);
    let children = stage.tasks.which_children().unwrap();
    assert_eq!((children.len(), children[0].pid, &*children[0].name), (1, task.pid(), "task"));
    // The supervisor and the task, and nothing that nobody owns.
    assert_eq!((stage.system.census().actors, stage.system.strays()), (2, 0));
    assert_eq!(task.await, Ok(7));
    // Nothing is left by then.
    assert_eq!(stage.count(), 0);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_task_is_its_result() {
    // OTP I06: one that ends normally without a value
    let stage = Stage::set().await;
    let error = stage.tasks.async_nolink(async { Err::<u32, _>(failed()) }).unwrap();
    let error = error.await.unwrap_err();
    assert_eq!(error.code(), "failed");
    assert_eq!(error.origin().map(|origin| origin.operation.as_str()), Some("task"));
    let panics = stage.tasks.async_nolink(async { panic!("oops") });
    let panic = Task::<u32>::await_many([panics.unwrap()]).await.unwrap_err();
    assert_eq!((panic.code(), panic.message()), ("actor_panicked", "oops"));
    assert!(panic.details()["location"].as_str().unwrap().contains("results.rs"));
    for (reason, expected) in [
        (ExitReason::Normal, "actor_stopped normal"),
        (ExitReason::Shutdown, "actor_stopped shutdown"),
        (ExitReason::shutdown_with("x"), "actor_stopped shutdown: x"),
        (ExitReason::Killed, "actor_stopped killed"),
    ] {
        assert_eq!(why(stage.ended_with(reason).await.await), expected);
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_is_awaited_once() {
    // OTP I05 has no counterpart: a task has one holder, as the example of `Task` shows by not
    // compiling. OTP I16: what came of it is taken.
    let stage = Stage::set().await;
    let mut task = stage.after(MOMENT, 7);
    assert_eq!((&mut task).await, Ok(7));
    assert_eq!(why((&mut task).await), "no_process");
    assert_eq!((task.pid(), task.has_ended()), (None, true));
    assert_eq!(why(task.shutdown(Shutdown::default()).await), "no_process");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_done_already_is_awaited_like_any_other() {
    // OTP I18
    let mut task = Task::completed(7);
    assert_eq!((task.has_ended(), task.pid()), (true, None));
    assert_eq!(task.await, Ok(7));
    assert_eq!(Task::completed(7).ignore(), Some(Ok(7)));
    assert_eq!(Task::completed(7).shutdown(Shutdown::BrutalKill).await, Ok(Some(7)));
    assert_eq!(Task::completed(7).within(Duration::ZERO).await, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_takes_too_long_is_ended_and_nothing_comes_of_it() {
    // OTP H18
    let stage = Stage::set().await;
    let log = Log::default();
    let goodbye = Goodbye(log.clone(), "dropped");
    let task = stage.tasks.async_nolink(async move {
        pass(SECOND).await;
        drop(goodbye);
        Ok(7)
    });
    let started = Instant::now();
    let reference = stage.reference(task.as_ref().unwrap());
    assert_eq!(reference.watchers(), 1);
    let late = task.unwrap().within(MOMENT).await.unwrap_err();
    assert_eq!(reference.watchers(), 0);
    assert_eq!((late.code(), &late.details()["after_seconds"]), ("timeout", &0.001.into()));
    assert!(started.elapsed() < SECOND);
    stage.settle().await;
    assert_eq!((stage.count(), log.entries()), (0, vec!["dropped".to_owned()]));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_over_leaves_the_task_as_it_is() {
    // OTP I08
    let stage = Stage::set().await;
    let mut task = stage.after(SECOND, 7);
    assert!(task.yield_for(MOMENT).await.is_none());
    assert!(!task.has_ended() && stage.count() == 1);
    assert_eq!(task.yield_for(SECOND * 2).await, Some(Ok(7)));
    assert_eq!(why(task.yield_for(MOMENT).await.unwrap()), "no_process");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_shut_down_ends_where_it_waits() {
    // OTP I12
    let stage = Stage::set().await;
    for how in [Shutdown::default(), Shutdown::Infinity, Shutdown::BrutalKill] {
        assert_eq!(stage.forever().shutdown(how).await, Ok(None));
        assert_eq!(stage.count(), 0);
    }
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_had_ended_before_it_was_shut_down_gives_what_it_came_to() {
    // OTP I13
    let stage = Stage::set().await;
    let how = Shutdown::default();
    let done = stage.after(Duration::ZERO, 7);
    stage.settle().await;
    assert_eq!(done.shutdown(how).await, Ok(Some(7)));
    let table = [
        (ExitReason::Normal, "actor_stopped normal"),
        (ExitReason::Killed, "actor_stopped killed"),
        (ExitReason::shutdown_with("x"), "actor_stopped shutdown: x"),
    ];
    for (reason, expected) in table {
        assert_eq!(why(stage.ended_with(reason).await.shutdown(how).await), expected);
    }
    assert_eq!(stage.ended_with(ExitReason::Shutdown).await.shutdown(how).await, Ok(None));
    let error = stage.tasks.async_nolink(async { Err::<u32, _>(failed()) }).unwrap();
    stage.settle().await;
    assert_eq!(why(error.shutdown(how).await), "failed");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_end_when_it_is_told_is_killed() {
    // OTP I14
    let stage = Stage::set().await;
    let stubborn = |cx: TaskContext| async move {
        cx.trap_exits();
        std::future::pending::<foundation::Result<u32>>().await
    };
    let task = stage.tasks.async_nolink(Job::with(stubborn)).unwrap();
    stage.settle().await;
    let killed = task.shutdown(Shutdown::Within(MOMENT)).await;
    assert_eq!(why(killed), "actor_stopped killed");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_may_choose_how_it_ends_when_it_is_told() {
    let stage = Stage::set().await;
    let orderly = |cx: TaskContext| async move {
        cx.trap_exits();
        assert!(!cx.is_stopping());
        cx.stopping().await;
        assert!(cx.is_stopping());
        pass(SECOND).await;
        Ok(7)
    };
    let task = stage.tasks.async_nolink(Job::with(orderly)).unwrap();
    stage.settle().await;
    assert_eq!(task.shutdown(Shutdown::default()).await, Ok(Some(7)));
    // Also by its supervisor, within its own deadline.
    let jobs = [SECOND * 2, MOMENT].map(|patience| {
        let job = Job::with(orderly).shutdown(Shutdown::Within(patience));
        stage.tasks.async_nolink(job).unwrap()
    });
    stage.settle().await;
    stage.tasks.stop(ExitReason::Shutdown).await.unwrap();
    let [patient, impatient] = jobs;
    assert_eq!((patient.await, why(impatient.await)), (Ok(7), "actor_stopped killed".to_owned()));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_ignored_goes_on_and_is_nobodys_matter() {
    // OTP I17, H12
    let stage = Stage::set().await;
    let done = stage.after(Duration::ZERO, 7);
    let error = stage.tasks.async_nolink(async { Err::<u32, _>(failed()) }).unwrap();
    stage.settle().await;
    assert_eq!(done.ignore(), Some(Ok(7)));
    assert_eq!(why(error.ignore().unwrap()), "failed");
    let log = Log::default();
    for fails in [false, true] {
        let log = log.clone();
        let task = stage.tasks.async_nolink(async move {
            pass(SECOND).await;
            log.push("done");
            if fails { Err(failed()) } else { Ok(7) }
        });
        assert_eq!(task.unwrap().ignore(), None);
    }
    assert_eq!(stage.count(), 2);
    pass(SECOND * 2).await;
    assert_eq!((stage.count(), log.entries()), (0, vec!["done".to_owned(); 2]));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_dropped_ends_whatever_it_traps_and_that_is_no_fault() {
    let telemetry = Telemetry::listen();
    let stage = Stage::set().await;
    for traps in [false, true] {
        let log = Log::default();
        let goodbye = Goodbye(log.clone(), "dropped");
        let work = move |cx: TaskContext| async move {
            let _goodbye = goodbye;
            if traps {
                cx.trap_exits();
            }
            std::future::pending::<foundation::Result<u32>>().await
        };
        let task = stage.tasks.async_nolink(Job::with(work)).unwrap();
        stage.settle().await;
        let reference = stage.reference(&task);
        drop(task);
        assert_eq!(reference.exited().await, ExitReason::shutdown_with("unwanted"));
        assert_eq!((log.count("dropped"), stage.count()), (1, 0));
    }
    assert_eq!(telemetry.about("ERROR"), Vec::<String>::new());
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn tasks_end_with_their_supervisor_as_they_say() {
    // OTP H13
    let stage = Stage::set().await;
    let asked = stage.forever();
    let brutal = Job::new(std::future::pending::<foundation::Result<u32>>());
    let brutal = stage.tasks.async_nolink(brutal.shutdown(Shutdown::BrutalKill)).unwrap();
    let specified = ChildSpec::<TaskActor>::task("specified", |_| std::future::pending());
    let specified = specified.shutdown(Shutdown::BrutalKill);
    let specified = stage.tasks.start_child(specified).await.unwrap();
    stage.settle().await;
    stage.tasks.stop(ExitReason::Shutdown).await.unwrap();
    assert_eq!(why(asked.await), "actor_stopped shutdown");
    assert_eq!(why(brutal.await), "actor_stopped killed");
    assert_eq!(specified.exited().await, ExitReason::Killed);
    let late = stage.tasks.async_nolink(async { Ok(7) });
    assert_eq!(late.unwrap_err().code(), "no_process");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_terminated_is_unknown_from_then_on() {
    // OTP H16
    let stage = Stage::set().await;
    let task = stage.forever();
    let pid = task.pid().unwrap();
    stage.tasks.terminate_child(pid).await.unwrap();
    assert_eq!(stage.count(), 0);
    let again = stage.tasks.terminate_child(pid).await.unwrap_err();
    assert_eq!(again.code(), "child_not_found");
    assert_eq!(why(task.await), "actor_stopped shutdown");
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn no_more_tasks_than_allowed_and_none_whose_options_cannot_be() {
    let stage = Stage::with_at_most(1).await;
    let first = stage.forever();
    let second = stage.tasks.async_nolink(async { Ok(7) });
    assert_eq!(second.unwrap_err().code(), "max_children");
    assert_eq!(first.shutdown(Shutdown::BrutalKill).await, Ok(None));
    let nameless = stage.tasks.async_nolink(Job::new(async { Ok(7) }).name(""));
    let error = nameless.unwrap_err();
    assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &"name".into()));
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_specified_task_is_restarted_as_its_specification_says() {
    // OTP H14, H12: the default is to be temporary
    let stage = Stage::set().await;
    let runs = Arc::new(AtomicU32::new(0));
    let spec = || {
        let runs = Arc::clone(&runs);
        ChildSpec::<TaskActor>::task("counts", move |_| {
            let runs = Arc::clone(&runs);
            async move {
                runs.fetch_add(1, Ordering::Relaxed);
                std::future::pending().await
            }
        })
    };
    let permanent = stage.tasks.start_child(spec().restart(Restart::Permanent)).await.unwrap();
    let temporary = stage.tasks.start_child(spec()).await.unwrap();
    stage.settle().await;
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    for task in [&permanent, &temporary] {
        assert_eq!(task.stop(ExitReason::Shutdown).await, Ok(ExitReason::Shutdown));
    }
    stage.settle().await;
    assert_eq!((runs.load(Ordering::Relaxed), stage.count()), (3, 1));
    assert!(permanent.is_alive() && !temporary.is_alive());
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_specified_task_ends_normally_when_it_is_done_and_fails_with_its_error() {
    let stage = Stage::set().await;
    let log = Log::default();
    let task = |name, fails| {
        let log = log.clone();
        ChildSpec::<TaskActor>::task(name, move |cx| {
            let log = log.clone();
            async move {
                pass(MOMENT).await;
                log.push(cx.name());
                if fails { Err(failed()) } else { Ok(()) }
            }
        })
    };
    // Under a static supervisor too.
    let top = Supervisor::one_for_one()
        .child(task("first", false))
        .child(TaskSupervisor::builder().name("others"))
        .start(&stage.system)
        .await
        .unwrap();
    let done = top.child::<TaskActor>("first").await.unwrap();
    assert_eq!(done.exited().await, ExitReason::Normal);
    let failing = stage.tasks.start_child(task("second", true)).await.unwrap();
    let ExitReason::Error(error) = failing.exited().await else { panic!("it did not fail") };
    assert_eq!((error.code(), error.origin().unwrap().operation.as_str()), ("failed", "second"));
    assert_eq!(log.entries(), ["first", "second"]);
    stage.strike().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_knows_itself_and_the_time() {
    let stage = Stage::set().await;
    let job = Job::with(|mut cx: TaskContext| async move {
        let error = cx.error_context().stamp(failed());
        Ok((cx.pid(), cx.name().to_owned(), cx.now(), cx.new_id(), error))
    });
    let task = stage.tasks.async_nolink(job.name("curious")).unwrap();
    let pid = task.pid();
    let (own, name, now, id, error) = task.await.unwrap();
    assert_eq!((Some(own), name.as_str()), (pid, "curious"));
    assert!(now <= stage.system.now() && id < stage.system.new_id());
    let origin = error.origin().unwrap();
    assert_eq!(
        (origin.operation.as_str(), &origin.metadata["pid"]),
        ("curious", &own.to_string().into())
    );
    stage.strike().await;
}
