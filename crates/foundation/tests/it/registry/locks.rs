//! Locks on names: one after the other, and free however the holder ends.

use std::sync::Arc;
use std::time::Duration;

use foundation::{Error, ExitReason, Registry, System, Task, TaskSupervisor};
use testkit::{Log, eventually};
use tokio::sync::Notify;

use crate::fixture::{after, strike, system};

/// A task that locks `key`, says so, and holds it until it is told to end in some way.
struct Holder {
    task: Task<()>,
    end: Arc<Notify>,
}

async fn tasks(system: &System) -> foundation::ActorRef<TaskSupervisor> {
    TaskSupervisor::builder().start(system).await.unwrap()
}

fn holder(
    tasks: &foundation::ActorRef<TaskSupervisor>,
    (registry, key): (&Registry, &'static str),
    (name, log): (&'static str, &Log),
    panics: bool,
) -> Holder {
    let (registry, log, end) = (registry.clone(), log.clone(), Arc::new(Notify::new()));
    let until = Arc::clone(&end);
    let task = tasks.async_nolink(async move {
        let lock = registry.lock(key).await?;
        log.push(format!("{name} has {}", lock.key()));
        until.notified().await;
        assert!(!panics, "holding it");
        log.push(format!("{name} lets go"));
        Ok(())
    });
    Holder { task: task.unwrap(), end }
}

#[tokio::test(start_paused = true)]
async fn those_who_want_a_lock_get_it_one_after_the_other() {
    // OTP I33
    let (system, log) = (system().await, Log::default());
    let tasks = tasks(&system).await;
    let names = (system.registry(), "name");
    let first = holder(&tasks, names, ("first", &log), false);
    log.wait_for("first has name").await;
    let second = holder(&tasks, names, ("second", &log), false);
    let third = holder(&tasks, names, ("third", &log), false);
    let other = holder(&tasks, (system.registry(), "other"), ("other", &log), false);
    log.wait_for("other has other").await;
    assert_eq!(system.registry().locks(), 2);
    for holder in [first, second, third, other] {
        holder.end.notify_one();
        holder.task.await.unwrap();
    }
    let expected = [
        "first has name",
        "other has other",
        "first lets go",
        "second has name",
        "second lets go",
        "third has name",
        "third lets go",
        "other lets go",
    ];
    assert_eq!(log.entries(), expected);
    assert_eq!(system.registry().locks(), 0);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_panics_or_is_killed_holds_nothing_and_a_waiter_that_is_killed_gets_nothing()
{
    // OTP I33
    let (system, log) = (system().await, Log::default());
    let tasks = tasks(&system).await;
    let names = (system.registry(), "name");
    let panics = holder(&tasks, names, ("panics", &log), true);
    log.wait_for("panics has name").await;
    let killed = holder(&tasks, names, ("killed", &log), false);
    let waiter = holder(&tasks, names, ("waiter", &log), false);
    let last = holder(&tasks, names, ("last", &log), false);
    panics.end.notify_one();
    assert_eq!(panics.task.await.unwrap_err().code(), "actor_panicked");
    log.wait_for("killed has name").await;
    drop(waiter.task);
    drop(killed.task);
    log.wait_for("last has name").await;
    last.end.notify_one();
    last.task.await.unwrap();
    assert_eq!(log.count("waiter has name"), 0);
    let locks = || match system.registry().locks() {
        0 => Ok(()),
        locks => Err(format!("{locks} locks")),
    };
    eventually(locks).await;
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_too_long_is_told_so() {
    let system = system().await;
    let registry = system.registry().clone();
    let lock = registry.lock("name").await.unwrap();
    let code = |error: Error| error.code().to_owned();
    let started = tokio::time::Instant::now();
    assert_eq!(registry.lock("name").await.map(drop).map_err(code), Err("timeout".into()));
    assert!(started.elapsed() >= Duration::from_secs(5), "{:?}", started.elapsed());
    let short = registry.lock("name").within(Duration::from_millis(10)).await;
    assert_eq!(short.map(drop).map_err(code), Err("timeout".into()));
    assert_eq!(registry.lock("").await.map(drop).map_err(code), Err("invalid_options".into()));
    let patient = async {
        let lock = registry.lock("name").without_deadline().await.unwrap();
        drop(lock);
    };
    let letting_go = async {
        after(Duration::from_hours(1)).await;
        drop(lock);
    };
    tokio::join!(patient, letting_go);
    assert_eq!(registry.locks(), 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_lock_keeps_nobody_from_registering_who_does_not_ask_for_it() {
    let system = system().await;
    let actor = super::puppet(&system, "puppet").await;
    let lock = system.registry().lock("name").await.unwrap();
    system.registry().register("name", &actor).unwrap();
    testkit::Puppet::exit(&actor, ExitReason::Normal).await;
    drop(lock);
    assert!(system.registry().is_empty());
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn when_the_system_has_stopped_nobody_waits_any_more() {
    let system = system().await;
    let registry = system.registry().clone();
    let lock = registry.lock("name").await.unwrap();
    let waiting = async { registry.lock("name").within(Duration::from_hours(1)).await.map(drop) };
    let stopping = async {
        after(Duration::from_secs(1)).await;
        system.stop().await.unwrap();
    };
    let started = tokio::time::Instant::now();
    let (waited, ()) = tokio::join!(waiting, stopping);
    assert_eq!(waited.unwrap_err().code(), "system_stopping");
    let late = registry.lock("name").await.map(drop);
    assert_eq!(late.unwrap_err().code(), "system_stopping");
    assert_eq!(started.elapsed().as_secs(), 1);
    drop(lock);
    assert!(registry.lock("name").await.is_ok());
}
