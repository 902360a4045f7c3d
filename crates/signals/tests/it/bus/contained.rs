//! Code of the user that a publisher comes to run: what panics there is told, and takes nobody
//! down.

use std::future::IntoFuture;

use foundation::{
    Actor, ActorRef, ChildSpec, Context, Flow, Init, Mailbox, Overflow, Restart, Result,
};
use futures_util::FutureExt;
use signals::Delivery;
use testkit::Log;

use super::fixture::{Message, SECOND, Scene, done, kill, outcomes, signal};

/// Panics when it is dropped, unless it was handled.
struct Bomb(bool);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(self.0 || std::thread::panicking(), "a bomb");
    }
}

/// An actor whose messages must be handled, and which handles none until it ends.
struct Careful;

enum Parcel {
    Wait,
    Signal(Bomb, #[expect(dead_code, reason = "what is waited for, and never comes")] Delivery),
}

impl From<Delivery> for Parcel {
    fn from(delivery: Delivery) -> Self {
        Self::Signal(Bomb(false), delivery)
    }
}

impl Actor for Careful {
    type Args = Log;
    type Message = Parcel;

    async fn init(log: Log, _: &mut Context<Self>) -> Result<Init<Self>> {
        log.push("started");
        Ok(Init::Ready(Self))
    }

    async fn handle(&mut self, message: Parcel, _: &mut Context<Self>) -> Result<Flow> {
        match message {
            Parcel::Wait => std::future::pending().await,
            Parcel::Signal(mut bomb, _) => bomb.0 = true,
        }
        Ok(Flow::Continue)
    }
}

async fn careful(scene: &Scene, overflow: Overflow) -> ActorRef<Careful> {
    let spec = ChildSpec::<Careful>::actor("careful", scene.log.clone());
    let mailbox = Mailbox::bounded(1).overflow(overflow);
    let spec = spec.mailbox(mailbox).restart(Restart::Temporary);
    let careful = scene.system.start(spec).await.unwrap();
    careful.tell(Parcel::Wait).await.unwrap();
    testkit::eventually(|| match careful.mailbox_len() {
        0 => Ok(()),
        many => Err(format!("{many} messages")),
    })
    .await;
    careful
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_made_is_that_receivers_failure() {
    let scene = Scene::new().await;
    let bad = scene.listener_in("bad", Mailbox::bounded(1)).await;
    let other = scene.listener("other").await;
    let make = |delivery: Delivery| panic!("of {}", delivery.signal().topic());
    scene.bus.subscribe_as("a", &bad, make).priority(1).await.unwrap();
    scene.bus.subscribe("a", &other).await.unwrap();
    // More often than there are places: each one is given back.
    for _ in 0..5 {
        let report = scene.publish("a").await.unwrap();
        assert_eq!(outcomes(&report), ["bad: callback_panicked", "other: accepted"]);
        assert_eq!(report.failures().next().unwrap().1.message(), "of a");
        assert_eq!(scene.asked("a").await, ["bad: callback_panicked", "other: acknowledged"]);
    }
    let reports = scene.bus.publish_all([signal("a")]).await.unwrap();
    assert_eq!(outcomes(&reports[0]), ["bad: callback_panicked", "other: accepted"]);
    assert_eq!(bad.mailbox_len(), 0);
    scene.bus.subscribe("b", &bad).await.unwrap();
    assert_eq!(scene.asked("b").await, ["bad: acknowledged"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_panics_where_it_is_dropped_takes_no_publisher_down_and_no_place_away() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        let scene = Scene::new().await;
        let careful = careful(&scene, overflow).await;
        let other = scene.listener_in("other", Mailbox::bounded(2)).await;
        scene.bus.subscribe("a", &careful).priority(1).await.unwrap();
        scene.bus.subscribe("a", &other).await.unwrap();
        assert_eq!(scene.told("a").await, ["careful: accepted", "other: accepted"]);
        for round in 0..6 {
            done(&other).await;
            let report = match round % 3 {
                0 => scene.publish("a").await.unwrap(),
                1 => scene.bus.publish_and_wait(signal("a"), SECOND).await.unwrap(),
                _ => scene.bus.publish_all([signal("a")]).await.unwrap().remove(0),
            };
            assert_eq!(report.receipts().len(), 2);
            assert_eq!(report.accepted(), 1, "the other one has it: {report:?}");
            assert_eq!(outcomes(&report)[0], "careful: callback_panicked");
        }
        done(&other).await;
        assert_eq!(scene.log.count("other a"), 7);
        careful.kill();
        careful.exited().await;
        scene.system.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_subscription_holds_may_panic_where_it_is_dropped() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    let mortal = scene.listener("mortal").await;
    for actor in [&listener, &mortal] {
        let bomb = Bomb(false);
        let subscribing = scene.bus.subscribe(["a", "*", "b"], actor);
        let holds = move |_: &signals::Signal| {
            let _held = &bomb;
            Ok(true)
        };
        subscribing.when(holds).await.unwrap();
        let bomb = Bomb(false);
        let subscribing = scene.bus.subscribe_as(["a", "b"], actor, move |delivery| {
            let _held = &bomb;
            Message::Signal(delivery)
        });
        subscribing.await.unwrap();
    }
    // The report is the last that refers to some of them.
    let report = scene.publish("a").await.unwrap();
    assert_eq!(report.accepted(), 4);
    for info in scene.bus.subscriptions() {
        if &*info.receiver == "one" {
            scene.bus.unsubscribe(info.id).await.unwrap();
        }
    }
    kill(&mortal).await;
    assert_eq!(scene.bus.subscriptions(), []);
    drop(report);
    assert_eq!(listener.status().registrations, 0);
    assert_eq!(scene.told("a").await, [""; 0]);
    let bomb = Bomb(false);
    let handling = scene.bus.handle("a", move |_| {
        let _held = &bomb;
        async { Ok(()) }
    });
    let id = handling.await.unwrap();
    assert_eq!(scene.told("a").await, ["handler: accepted"]);
    scene.bus.unsubscribe(id).await.unwrap();
    assert_eq!(scene.told("a").await, [""; 0]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn conditions_and_makers_may_use_the_bus() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    let (bus, actor) = (scene.bus.clone(), listener.clone());
    let condition = move |signal: &signals::Signal| {
        assert_eq!(bus.subscriptions().len(), bus.stats().subscriptions);
        let id = bus.subscribe("b", &actor).into_future().now_or_never().unwrap()?;
        let published = bus.publish(super::fixture::signal("b")).now_or_never().unwrap()?;
        assert_eq!(published.accepted(), 1);
        bus.unsubscribe(id).now_or_never().unwrap()?;
        let me = bus.find("me").unwrap();
        bus.unsubscribe(me).now_or_never().unwrap()?;
        Ok(signal.topic().as_str() == "a")
    };
    scene.bus.subscribe("a", &listener).name("me").when(condition).await.unwrap();
    let bus = scene.bus.clone();
    let make = move |delivery: Delivery| {
        assert_eq!(bus.find("me"), None);
        drop(bus.publish(super::fixture::signal("c")).now_or_never().unwrap().unwrap());
        bus.unsubscribe(delivery.subscription()).now_or_never().unwrap().unwrap();
        Message::By("'s", delivery)
    };
    scene.bus.subscribe_as("a", &listener, make).await.unwrap();
    scene.bus.subscribe("c", &listener).await.unwrap();
    let told = scene.told("a").await;
    done(&listener).await;
    // It had ended by the time at which it would have been delivered to.
    assert_eq!(told, ["one: no_such_subscription", "one: accepted"]);
    assert_eq!(scene.log.take(), ["one b", "one c", "one's a"]);
    assert_eq!(scene.told("a").await, [""; 0]);
    scene.end().await;
}
