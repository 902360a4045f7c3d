//! Handlers: what becomes of a call, and when they end.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use foundation::{Error, Mailbox, System, TreeNode};
use futures_util::FutureExt;
use signals::WhenFull;
use testkit::eventually;
use tokio::sync::Notify;

use super::fixture::{SECOND, Scene, Then, kill, outcomes, signal};

/// How many handlers run under the bus.
async fn running(system: &System) -> usize {
    let tree = system.tree().await;
    tree.find(&["signals", "signals.handlers"]).map_or(0, |node: &TreeNode| node.children.len())
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_waits_learns_what_a_handler_returns() {
    let scene = Scene::new().await;
    let bus = &scene.bus;
    bus.handle("a", |_| async { Ok(()) }).name("fine").await.unwrap();
    let fails = |_| async { Err(Error::business("out_of_stock")) };
    bus.handle("a", fails).name("fails").await.unwrap();
    let panics = |signal: signals::Signal| async move { panic!("at {}", signal.topic()) };
    bus.handle("a", panics).name("panics").await.unwrap();
    let early = |signal: signals::Signal| {
        assert!(signal.topic().as_str() != "a", "before there is a future");
        async { Ok(()) }
    };
    bus.handle("a", early).name("early").await.unwrap();
    let slow = |_| async {
        testkit::pass(Duration::from_millis(200)).await;
        Ok(())
    };
    bus.handle("a", slow).name("slow").deadline(Duration::from_millis(50)).await.unwrap();
    let expected = [
        "fine: acknowledged",
        "fails: out_of_stock",
        "panics: callback_panicked",
        "early: callback_panicked",
        "slow: timeout",
    ];
    // Twice: what happened to one call is none of the next.
    for _ in 0..2 {
        let report = bus.publish_and_wait(signal("a"), SECOND).await.unwrap();
        assert_eq!(outcomes(&report), expected);
        let messages: Vec<_> = report.failures().map(|(_, error)| error.message()).collect();
        assert_eq!(messages[1..3], ["at a", "before there is a future"]);
        let (_, timeout) = report.failures().last().unwrap();
        assert_eq!(timeout.details()["after_ms"], 50);
    }
    assert_eq!(bus.stats().subscriptions, 5);
    assert_eq!(scene.told("a").await.len(), 5);
    scene.end().await;
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a bomb");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_where_a_call_is_dropped_ends_that_call_and_nothing_else() {
    let scene = Scene::new().await;
    let returns = |_| async {
        let _bomb = Bomb;
        Ok(())
    };
    scene.bus.handle("a", returns).name("returns").await.unwrap();
    let hangs = |_| async {
        let _bomb = Bomb;
        std::future::pending().await
    };
    scene.bus.handle("a", hangs).name("hangs").deadline(Duration::from_millis(50)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(scene.asked("a").await, ["returns: callback_panicked", "hangs: timeout"]);
    }
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_killed_takes_its_subscription_with_it() {
    let scene = Scene::new().await;
    let id = scene.bus.handle("a", |_| async { Ok(()) }).name("mortal").await.unwrap();
    scene.bus.handle("a", |_| async { Ok(()) }).name("other").await.unwrap();
    assert_eq!(running(&scene.system).await, 2);
    let handlers = scene.system.lookup::<foundation::DynamicSupervisor>("signals.handlers");
    let pid = scene.bus.subscription(id).unwrap().pid;
    handlers.unwrap().terminate_child(pid).await.unwrap();
    assert_eq!(scene.told("a").await, ["other: accepted"]);
    assert_eq!((scene.bus.subscription(id), scene.bus.find("mortal")), (None, None));
    assert_eq!(scene.bus.unsubscribe(id).await.unwrap_err().code(), "no_such_subscription");
    assert_eq!(running(&scene.system).await, 1);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_ends_with_its_subscription_and_with_it_what_is_in_its_inbox() {
    let scene = Scene::new().await;
    let (gate, log) = (Arc::new(Notify::new()), scene.log.clone());
    let waits = Arc::clone(&gate);
    let handler = move |_| {
        let (gate, log) = (Arc::clone(&waits), log.clone());
        async move {
            log.push("called");
            gate.notified().await;
            log.push("returned");
            Ok(())
        }
    };
    let id = scene.bus.handle("a", handler).await.unwrap();
    scene.told("a").await;
    scene.told("a").await;
    scene.log.wait_for("called").await;
    let ending = async {
        tokio::task::yield_now().await;
        gate.notify_one();
    };
    let (ended, ()) = tokio::join!(scene.bus.unsubscribe(id), ending);
    ended.unwrap();
    assert_eq!(running(&scene.system).await, 0);
    // The call that had begun came to its end, the other one never began.
    assert_eq!(scene.log.take(), ["called", "returned"]);
    assert_eq!(scene.told("a").await, [""; 0]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_ends_with_its_owner() {
    let scene = Scene::new().await;
    let owner = scene.listener_that("owner", Then::Drop).await;
    let id = scene.bus.handle("a", |_| async { Ok(()) }).name("owned").owner(&owner).await;
    let id = id.unwrap();
    assert_eq!(scene.asked("a").await, ["owned: acknowledged"]);
    kill(&owner).await;
    eventually(|| scene.bus.subscription(id).map_or(Ok(()), |info| Err(format!("{info:?}")))).await;
    assert_eq!(scene.told("a").await, [""; 0]);
    assert_eq!(running(&scene.system).await, 0);
    let late = scene.bus.handle("a", |_| async { Ok(()) }).name("owned").owner(&owner).await;
    assert_eq!(late.unwrap_err().code(), "no_process");
    assert_eq!((scene.bus.stats().subscriptions, running(&scene.system).await), (0, 0));
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_handler_leaves_its_owner_alone() {
    let scene = Scene::new().await;
    let owner = scene.listener_that("owner", Then::Drop).await;
    let id = scene.bus.handle("a", |_| async { Ok(()) }).owner(&owner).await.unwrap();
    assert_eq!(owner.watchers(), 1);
    scene.bus.unsubscribe(id).await.unwrap();
    assert!(owner.is_alive());
    assert_eq!((owner.watchers(), owner.status().registrations), (0, 0));
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_cannot_be_leaves_nothing() {
    let scene = Scene::new().await;
    let bus = &scene.bus;
    let subscribing = bus.handle("a..b", |_| async { Ok(()) });
    assert_eq!(subscribing.await.unwrap_err().code(), "invalid_pattern");
    let subscribing = bus.handle("a", |_| async { Ok(()) }).priority(101);
    assert_eq!(subscribing.await.unwrap_err().code(), "invalid_route");
    let subscribing = bus.handle("a", |_| async { Ok(()) }).deadline(Duration::ZERO);
    assert_eq!(subscribing.await.unwrap_err().code(), "invalid_options");
    let subscribing = bus.handle("a", |_| async { Ok(()) }).mailbox(Mailbox::bounded(0));
    assert_eq!(subscribing.await.unwrap_err().code(), "invalid_options");
    assert_eq!((bus.stats().subscriptions, running(&scene.system).await), (0, 0));
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_has_conditions_priority_and_room_as_others_do() {
    let scene = Scene::new().await;
    let (gate, log) = (Arc::new(Notify::new()), scene.log.clone());
    let waits = Arc::clone(&gate);
    let handler = move |_| {
        let (gate, log) = (Arc::clone(&waits), log.clone());
        async move {
            log.push("called");
            gate.notified().await;
            Ok(())
        }
    };
    let listener = scene.listener("listener").await;
    scene.bus.subscribe("*", &listener).await.unwrap();
    let subscribing = scene.bus.handle("*", handler).name("small").priority(1);
    let subscribing = subscribing.when(|signal| Ok(signal.topic().as_str() != "b"));
    let subscribing = subscribing.mailbox(Mailbox::bounded(1)).when_full(WhenFull::LeaveOut);
    subscribing.await.unwrap();
    assert_eq!(scene.told("b").await, ["listener: accepted"]);
    assert_eq!(scene.told("a").await, ["small: accepted", "listener: accepted"]);
    // Once the handler has begun with the first there is room for one.
    scene.log.wait_for("called").await;
    assert_eq!(scene.told("a").await, ["small: accepted", "listener: accepted"]);
    assert_eq!(scene.told("a").await, ["small: left out", "listener: accepted"]);
    gate.notify_one();
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_ends_its_own_subscription_ends() {
    let scene = Scene::new().await;
    let (bus, log) = (scene.bus.clone(), scene.log.clone());
    let handler = move |_| {
        let (bus, log) = (bus.clone(), log.clone());
        async move {
            log.push("called");
            let id = bus.find("once").unwrap();
            bus.unsubscribe(id).await
        }
    };
    scene.bus.handle("a", handler).name("once").await.unwrap();
    assert_eq!(scene.told("a").await, ["once: accepted"]);
    eventually(|| match scene.bus.stats().subscriptions {
        0 => Ok(()),
        many => Err(format!("{many} subscriptions")),
    })
    .await;
    assert_eq!(scene.told("a").await, [""; 0]);
    scene.log.wait_for("called").await;
    testkit::pass(Duration::from_secs(30)).await;
    assert_eq!(running(&scene.system).await, 0);
    assert_eq!(scene.log.count("called"), 1);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_given_up_while_it_is_made_is_subscribed_or_does_not_run() {
    let scene = Scene::new().await;
    let mut made = 0;
    for polls in 0..20 {
        let mut making = scene.bus.handle("a", |_| async { Ok(()) }).into_future();
        for _ in 0..polls {
            if (&mut making).now_or_never().is_some() {
                made += 1;
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(making);
        testkit::pass(SECOND).await;
        assert_eq!(running(&scene.system).await, made, "after {polls} polls");
        assert_eq!(scene.bus.stats().subscriptions, made);
    }
    assert!((1..20).contains(&made), "some were given up: {made}");
    scene.end().await;
}
