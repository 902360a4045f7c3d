//! A bus in the tree: how it is found, and what becomes of it when its part does not run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use foundation::{Supervisor, System};
use signals::{Bus, Middleware};
use testkit::eventually;
use tokio::sync::oneshot;

use super::fixture::{SECOND, Scene, signal};

// SIG-3
#[tokio::test(start_paused = true)]
async fn a_bus_is_found_by_its_name_and_one_that_is_not_there_is_an_error() {
    let scene = Scene::new().await;
    let other = Bus::builder().name("other").start(&scene.system).await.unwrap();
    assert_eq!((scene.bus.name(), other.name()), ("signals", "other"));
    let listener = scene.listener("one").await;
    Bus::lookup(&scene.system, "other").await.unwrap().subscribe("a", &listener).await.unwrap();
    assert_eq!((other.stats().subscriptions, scene.bus.stats().subscriptions), (1, 0));
    assert_eq!(scene.told("a").await, [""; 0]);
    assert_eq!(other.publish(signal("a")).await.unwrap().accepted(), 1);
    let error = Bus::lookup(&scene.system, "nowhere").await.unwrap_err();
    assert_eq!(error.code(), "not_registered");
    let error = Bus::builder().name("other").start(&scene.system).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    assert!(source.to_string().contains("already_started"), "{source}");
    scene.end().await;
}

/// Everything that a bus refuses while it does not run.
async fn refused(scene: &Scene) -> Vec<String> {
    let listener = scene.listener("late").await;
    let bus = &scene.bus;
    let errors = [
        bus.publish(signal("a")).await.map(drop),
        bus.publish_all([signal("a")]).await.map(drop),
        bus.publish_and_wait(signal("a"), SECOND).await.map(drop),
        bus.subscribe("a", &listener).await.map(drop),
        bus.handle("a", |_| async { Ok(()) }).await.map(drop),
    ];
    listener.stop(foundation::ExitReason::Shutdown).await.unwrap();
    errors.map(|refused| refused.unwrap_err().code().to_owned()).into()
}

// SIG-3
#[tokio::test(start_paused = true)]
async fn a_bus_refuses_everything_while_its_part_does_not_run_and_comes_back() {
    let system = System::builder().name("shop").start().await.unwrap();
    let (bus, child) = Bus::builder().name("b").build(&system).unwrap();
    let scene = Scene { system, bus, log: testkit::Log::default() };
    assert_eq!(refused(&scene).await, ["bus_not_running"; 5]);
    let error = scene.publish("a").await.unwrap_err();
    assert_eq!((&error.details()["bus"], error.is_retryable()), (&"b".into(), true));
    let top = Supervisor::one_for_one().name("top").child(child).start(&scene.system).await;
    let top = top.unwrap();
    let listener = scene.listener("one").await;
    scene.bus.subscribe("a", &listener).await.unwrap();
    let handler = scene.bus.handle("a", |_| async { Ok(()) }).name("handler").await.unwrap();
    assert_eq!(scene.told("a").await, ["one: accepted", "handler: accepted"]);
    top.terminate_child("b").await.unwrap();
    assert_eq!(refused(&scene).await, ["bus_not_running"; 5]);
    assert_eq!(Bus::lookup(&scene.system, "b").await.unwrap_err().code(), "not_registered");
    // Its handlers have ended; the actor has not, and stays subscribed.
    assert_eq!(scene.bus.subscription(handler), None);
    top.restart_child("b").await.unwrap();
    assert_eq!(scene.told("a").await, ["one: accepted"]);
    scene.bus.handle("a", |_| async { Ok(()) }).name("handler").await.unwrap();
    assert_eq!(scene.asked("a").await, ["one: acknowledged", "handler: acknowledged"]);
    assert_eq!(scene.bus.stats().refused, 0, "that is no matter of load");
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_bus_whose_handlers_have_ended_is_started_again() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    scene.bus.subscribe("a", &listener).await.unwrap();
    scene.bus.handle("a", |_| async { Ok(()) }).await.unwrap();
    let handlers = scene.system.lookup::<foundation::DynamicSupervisor>("signals.handlers");
    let handlers = handlers.unwrap();
    let before = handlers.pid();
    handlers.kill();
    eventually(|| match (handlers.pid() != before, scene.bus.stats().subscriptions) {
        (true, 1) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let works = async || scene.bus.handle("b", |_| async { Ok(()) }).name("new").await;
    let mut made = works().await;
    while made.as_ref().is_err_and(|error| error.code() == "bus_not_running") {
        tokio::task::yield_now().await;
        made = works().await;
    }
    made.unwrap();
    assert_eq!(scene.told("a").await, ["one: accepted"]);
    assert_eq!(scene.asked("b").await, ["new: acknowledged"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_bus_of_a_system_that_has_ended_refuses_everything() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    scene.bus.subscribe("a", &listener).await.unwrap();
    let Scene { system, bus, .. } = scene;
    system.stop().await.unwrap();
    assert_eq!(bus.stats().subscriptions, 0);
    assert_eq!(bus.publish(signal("a")).await.unwrap_err().code(), "bus_not_running");
    let error = bus.subscribe("a", &listener).await.unwrap_err();
    assert_eq!(error.code(), "bus_not_running");
}

#[tokio::test(start_paused = true)]
async fn buses_of_two_systems_do_not_see_each_other() {
    let (one, other) = (Scene::new().await, Scene::new().await);
    let listener = one.listener("one").await;
    one.bus.subscribe("a", &listener).await.unwrap();
    assert_eq!(other.told("a").await, [""; 0]);
    // Whose system an actor is of does not matter to a bus.
    other.bus.subscribe("a", &listener).await.unwrap();
    assert_eq!(other.asked("a").await, ["one: acknowledged"]);
    one.end().await;
    assert_eq!(other.bus.stats().subscriptions, 0);
    other.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_bus_is_shown_by_its_name_and_with_what_it_has_done() {
    let scene = Scene::new().await;
    drop(scene.publish("a").await.unwrap());
    let shown = format!("{:?}", scene.bus);
    assert!(shown.contains("\"signals\"") && shown.contains("published: 1"), "{shown}");
    scene.end().await;
}

/// Holds something, so that it is seen when the bus is let go of.
struct Holds(#[expect(dead_code, reason = "it is only counted")] Arc<()>);

#[async_trait]
impl Middleware for Holds {
    fn name(&self) -> &'static str {
        "holds"
    }
}

#[tokio::test(start_paused = true)]
async fn a_bus_is_gone_when_its_system_has_ended_and_nobody_has_it() {
    let held = Arc::new(());
    let scene = Scene::with(Bus::builder().middleware(Holds(Arc::clone(&held)))).await;
    let listener = scene.listener("one").await;
    scene.bus.subscribe("a", &listener).await.unwrap();
    let bus = scene.bus.clone();
    let handler = move |_| {
        let bus = bus.clone();
        async move { bus.publish(signal("a")).await.map(drop) }
    };
    scene.bus.handle("b", handler).name("handler").await.unwrap();
    assert_eq!(scene.asked("b").await, ["handler: acknowledged"]);
    assert_eq!(Arc::strong_count(&held), 2);
    scene.end().await;
    assert_eq!(Arc::strong_count(&held), 1);
}

/// More than one publishes at a stretch.
const MANY: usize = 100_000;

/// Publishes in a task that never has to wait, until somebody else has run; tells how often.
async fn published_alone() -> usize {
    let scene = Scene::new().await;
    let (bus, others) = (scene.bus.clone(), Arc::new(AtomicBool::new(false)));
    let ran = Arc::clone(&others);
    let (sender, published) = oneshot::channel();
    scene.system.executor("tasks").execute(async move {
        let mut published = 0;
        while !ran.load(Ordering::Relaxed) && published < MANY {
            drop(bus.publish(signal("a")).await.unwrap());
            published += 1;
        }
        sender.send(published).unwrap();
    });
    tokio::task::yield_now().await;
    others.store(true, Ordering::Relaxed);
    let published = published.await.unwrap();
    scene.end().await;
    published
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_never_has_to_wait_lets_others_run() {
    assert!(published_alone().await < MANY, "nobody else has run");
}
