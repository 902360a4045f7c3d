//! Subscriptions belong to one incarnation of an actor.

use foundation::{
    Actor, ActorRef, ChildSpec, Context, Error, ExitReason, Flow, Init, Restart, Result, Supervisor,
};
use signals::{Bus, Delivery};

use super::fixture::{
    Listener, Message, Part, Scene, Then, done, numbered, outcomes, runs_again, signal,
};

/// Starts an actor that is started again when it fails.
async fn restarted(scene: &Scene, part: Part) -> ActorRef<Listener> {
    let top = Supervisor::one_for_one().name("top").intensity(100, super::fixture::SECOND);
    top.child(part.restarted().registered()).start(&scene.system).await.unwrap();
    scene.system.lookup::<Listener>("one").unwrap()
}

/// Has it fail, and waits until the next incarnation runs.
async fn fail(actor: &ActorRef<Listener>) {
    let before = actor.pid();
    actor.tell(Message::Panic).await.unwrap();
    runs_again(actor, before).await;
}

#[tokio::test(start_paused = true)]
async fn the_next_incarnation_gets_nothing_unless_it_subscribes() {
    let scene = Scene::new().await;
    let actor = restarted(&scene, scene.part("one", Then::Acknowledge)).await;
    let id = scene.bus.subscribe("a", &actor).await.unwrap();
    let subscribing = scene.bus.subscribe("a", &actor);
    assert_eq!(scene.asked("a").await, ["one: acknowledged"]);
    fail(&actor).await;
    assert_eq!((scene.bus.subscription(id), scene.told("a").await), (None, vec![]));
    // What was said of the incarnation before holds for that.
    assert_eq!(subscribing.await.unwrap_err().code(), "no_process");
    scene.bus.subscribe("a", &actor).await.unwrap();
    assert_eq!(scene.asked("a").await, ["one: acknowledged"]);
    assert_eq!(scene.log.count("one a"), 2);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_subscribes_whenever_it_starts_gets_each_signal_once() {
    let scene = Scene::new().await;
    let part = scene.part("one", Then::Acknowledge).subscribes(&scene.bus, "a");
    let actor = restarted(&scene, part).await;
    for number in 0..20 {
        let report = scene.bus.publish(numbered("a", number)).await.unwrap();
        assert_eq!(outcomes(&report), ["one: accepted"]);
        assert_eq!(report.receipts()[0].pid(), actor.pid());
        done(&actor).await;
        assert_eq!(scene.bus.find("one's"), Some(report.receipts()[0].subscription()));
        fail(&actor).await;
        assert_eq!(scene.bus.stats().subscriptions, 1);
    }
    let heard: Vec<_> = (0..20).map(|number| format!("one a#{number}")).collect();
    assert_eq!(scene.log.take(), heard);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_one_incarnation_had_in_its_inbox_does_not_reach_the_next() {
    let scene = Scene::new().await;
    let part = scene.part("one", Then::Acknowledge).subscribes(&scene.bus, "a");
    let actor = restarted(&scene, part).await;
    let gate = scene.hold(&actor).await;
    actor.try_tell(Message::Panic).unwrap();
    assert_eq!(scene.told("a").await, ["one: accepted"]);
    let before = actor.pid();
    let waiting = scene.asked("a");
    let failing = async {
        tokio::task::yield_now().await;
        gate.notify_one();
    };
    let (asked, ()) = tokio::join!(waiting, failing);
    assert_eq!(asked, ["one: actor_stopped"]);
    runs_again(&actor, before).await;
    assert_eq!(scene.asked("a").await, ["one: acknowledged"]);
    assert_eq!(scene.log.count("one a"), 1);
    scene.end().await;
}

/// Subscribes when it begins and when it ends, and does not come to run unless it is told to.
struct Fleeting(Bus);

#[derive(Clone, Copy)]
enum Start {
    Run,
    Fail,
    Ignore,
    Panic,
}

impl Actor for Fleeting {
    type Args = (Bus, Start);
    type Message = Delivery;

    async fn init((bus, start): (Bus, Start), cx: &mut Context<Self>) -> Result<Init<Self>> {
        bus.subscribe("a", &cx.me()).name("early").await?;
        assert_eq!(bus.publish(signal("a")).await?.accepted(), 1, "it has an inbox by then");
        match start {
            Start::Run => Ok(Init::Ready(Self(bus))),
            Start::Fail => Err(Error::business("not_today")),
            Start::Ignore => Ok(Init::Ignore),
            Start::Panic => panic!("in init"),
        }
    }

    async fn handle(&mut self, delivery: Delivery, cx: &mut Context<Self>) -> Result<Flow> {
        delivery.acknowledge();
        assert!(cx.me().is_alive());
        Ok(Flow::Continue)
    }

    async fn terminate(&mut self, _: &ExitReason, cx: &mut Context<Self>) {
        let _ = self.0.subscribe("b", &cx.me()).name("late").await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_does_not_come_to_run_or_is_about_to_end_leaves_no_subscription() {
    let scene = Scene::new().await;
    for start in [Start::Fail, Start::Ignore, Start::Panic, Start::Run] {
        let spec = ChildSpec::<Fleeting>::actor("fleeting", (scene.bus.clone(), start));
        let started = scene.system.start(spec.restart(Restart::Temporary)).await;
        if let Ok(actor) = started {
            assert_eq!(scene.asked("a").await, ["fleeting: acknowledged"]);
            assert_eq!(actor.stop(ExitReason::Shutdown).await.unwrap(), ExitReason::Shutdown);
        } else {
            assert!(!matches!(start, Start::Run), "{started:?}");
        }
        assert_eq!(scene.bus.subscriptions(), []);
        assert_eq!((scene.told("a").await, scene.told("b").await), (vec![], vec![]));
    }
    scene.end().await;
}
