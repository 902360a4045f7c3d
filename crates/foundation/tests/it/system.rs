//! The system: what it owns, what it counts, and that nothing of it is left.

use std::future::pending;
use std::time::Duration;

use foundation::{Clock, ExitReason, System};
use jiff::Timestamp;
use testkit::eventually;

use crate::fixture::{AtTerminate, Message, Script, running, spec, system};

/// A clock that stands still.
#[derive(Debug, Clone, Copy)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }
}

/// Waits until the runtime has no task that `system` does not know.
async fn no_strays(system: &System) {
    eventually(|| match system.strays() {
        0 => Ok(()),
        strays => Err(format!("{strays} strays beside {:?}", system.census())),
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn counts_return_to_where_they_began() {
    let system = system().await;
    let before = system.census();
    assert_eq!((before.actors, before.services, before.total()), (0, 1, 1));
    for _ in 0..10 {
        let mut actors = Vec::new();
        for _ in 0..20 {
            actors.push(system.start(spec(&Script::default())).await.unwrap());
        }
        assert_eq!(system.census().actors, 20);
        no_strays(&system).await;
        for (n, actor) in actors.iter().enumerate() {
            match n % 4 {
                0 => actor.tell(Message::Panic("oops")).await.unwrap(),
                1 => actor.kill(),
                2 => drop(actor.stop(ExitReason::Normal).await.unwrap()),
                _ => drop(actor.drain().await.unwrap()),
            }
            actor.exited().await;
        }
        assert_eq!(system.census(), before);
        no_strays(&system).await;
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
#[expect(clippy::disallowed_methods, reason = "ban: spawn, this one is to be found")]
async fn a_task_that_nobody_supervises_is_found() {
    // SUP-12
    let (system, _actor) = running(&Script::default()).await;
    no_strays(&system).await;
    let stray = tokio::spawn(pending::<()>());
    assert_eq!(system.strays(), 1);
    stray.abort();
    no_strays(&system).await;
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn tasks_of_libraries_are_counted_and_end_with_the_system() {
    let system = system().await;
    let executor = system.executor("hyper");
    let log = testkit::Log::default();
    for _ in 0..3 {
        let log = log.clone();
        executor.execute(async move {
            log.push("runs");
            pending::<()>().await;
        });
    }
    system.executor("other").execute(async {});
    eventually(|| match log.count("runs") {
        3 => Ok(()),
        runs => Err(format!("{runs} run")),
    })
    .await;
    eventually(|| match system.census().libraries["other"] {
        0 => Ok(()),
        other => Err(format!("{other} of the other")),
    })
    .await;
    assert_eq!(system.census().libraries["hyper"], 3);
    no_strays(&system).await;
    system.stop().await.unwrap();
    executor.execute(async move { log.push("too late") });
    let runtime = tokio::runtime::Handle::current();
    eventually(|| match runtime.metrics().num_alive_tasks() {
        0 => Ok(()),
        alive => Err(format!("{alive} tasks are left")),
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_a_stop_no_task_is_left() {
    let (system, actor) = running(&Script::default()).await;
    system.stop().await.unwrap();
    assert_eq!(actor.exited().await, ExitReason::Shutdown);
    let runtime = tokio::runtime::Handle::current();
    eventually(|| match runtime.metrics().num_alive_tasks() {
        0 => Ok(()),
        alive => Err(format!("{alive} tasks are left")),
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_system_that_is_dropped_stops_in_the_background() {
    let script = Script { terminate: AtTerminate::End, ..Script::default() };
    let (system, actor) = running(&script).await;
    drop(system);
    assert_eq!(actor.exited().await, ExitReason::Shutdown);
    assert_eq!(script.log.entries(), ["init", "ready", "terminate: shutdown", "dropped"]);
    let runtime = tokio::runtime::Handle::current();
    eventually(|| match runtime.metrics().num_alive_tasks() {
        0 => Ok(()),
        alive => Err(format!("{alive} tasks are left")),
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_systems_do_not_see_each_other() {
    let first = System::builder().name("first").seed(1).clock(Still).start().await.unwrap();
    let second = System::builder().name("second").seed(1).clock(Still).start().await.unwrap();
    let one = first.start(spec(&Script::default())).await.unwrap();
    assert_eq!((first.census().actors, second.census().actors), (1, 0));
    let other = second.start(spec(&Script::default())).await.unwrap();
    // Each counts for itself, so the two have the same pid and are not the same.
    assert_eq!(one.pid(), other.pid());
    assert_ne!(one, other);
    assert_eq!((first.new_id(), first.new_seed()), (second.new_id(), second.new_seed()));
    first.stop().await.unwrap();
    assert_eq!(other.ask(|reply| Message::Number(7, reply)).await.unwrap(), 7);
    second.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ids_and_times_come_from_what_the_system_was_given() {
    let ids = async |seed| {
        let system = System::builder().seed(seed).clock(Still).start().await.unwrap();
        let ids: Vec<_> = (0..3).map(|_| system.new_id()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert_eq!(system.now(), Still.now());
        system.stop().await.unwrap();
        ids
    };
    assert_eq!(ids(1).await, ids(1).await);
    assert_ne!(ids(1).await, ids(2).await);
}

#[tokio::test(start_paused = true)]
async fn a_name_has_something_in_it() {
    for name in [String::new(), "x".repeat(256)] {
        let error = System::builder().name(name).start().await.unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &"name".into()));
    }
}

#[test]
fn there_is_no_system_outside_of_a_runtime() {
    let mut starting = std::pin::pin!(System::builder().start());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = starting.as_mut().poll(&mut cx) else {
        panic!("it started, or waits for something");
    };
    assert_eq!(error.code(), "no_runtime");
}

#[test]
fn there_is_no_system_in_a_runtime_without_time() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(System::builder().start()).unwrap_err();
    assert_eq!(error.code(), "no_runtime");
}

#[test]
fn an_actor_whose_runtime_is_gone_has_ended() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap()
    };
    let script = Script::default();
    let first = runtime();
    let (system, actor) = first.block_on(running(&script));
    drop(first);
    drop(system);
    runtime().block_on(async {
        assert_eq!(actor.exited().await, ExitReason::Killed);
        let error = actor.tell(Message::Note("late")).await.unwrap_err();
        assert_eq!(error.code(), "no_process");
    });
    assert_eq!(script.log.entries(), ["init", "ready", "dropped"]);
}

/// Symptom: a stop that was given up half-way left the rest running, and nobody could end them.
#[tokio::test(start_paused = true)]
async fn a_stop_that_is_given_up_goes_on_in_the_background() {
    let (system, script) = (system().await, Script::default());
    let slow = Script { terminate: AtTerminate::Take(Duration::from_secs(2)), ..script.clone() };
    let (first, last) =
        (system.start(spec(&script)).await.unwrap(), system.start(spec(&slow)).await);
    let last = last.unwrap();
    let given_up = tokio::time::timeout(Duration::from_secs(1), system.stop()).await;
    assert!(given_up.is_err());
    assert!(first.is_alive() && last.is_alive());
    assert_eq!(
        (last.exited().await, first.exited().await),
        (ExitReason::Shutdown, ExitReason::Shutdown)
    );
    let runtime = tokio::runtime::Handle::current();
    eventually(|| match runtime.metrics().num_alive_tasks() {
        0 => Ok(()),
        alive => Err(format!("{alive} tasks are left")),
    })
    .await;
}
