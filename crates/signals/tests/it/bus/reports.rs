//! What a report says of each receiver.

use std::time::Duration;

use async_trait::async_trait;
use foundation::{Mailbox, Overflow, Result};
use serde_json::json;
use signals::{Bus, Dispatch, Middleware, Signal, SubscriptionInfo, WhenFull};

use super::fixture::{SECOND, Scene, Then, done, kill, outcomes, release, signal};

#[tokio::test(start_paused = true)]
async fn a_report_names_each_receiver_and_what_it_did() {
    let scene = Scene::new().await;
    let does = [
        ("fine", Then::Acknowledge),
        ("refuses", Then::Refuse("sold_out")),
        ("drops", Then::Drop),
        ("panics", Then::Panic),
        ("late", Then::After(SECOND * 2)),
        ("keeps", Then::Keep),
    ];
    let mut expected = Vec::new();
    for (name, then) in does {
        let listener = scene.listener_that(name, then).await;
        let id = scene.bus.subscribe("a", &listener).name(format!("{name}'s")).await.unwrap();
        expected.push((id, listener.pid(), name, format!("{name}'s")));
    }
    let report = scene.bus.publish_and_wait(signal("a"), SECOND).await.unwrap();
    assert_eq!(
        outcomes(&report),
        [
            "fine: acknowledged",
            "refuses: sold_out",
            "drops: no_reply",
            "panics: actor_stopped",
            "late: timeout",
            "keeps: timeout",
        ]
    );
    for (receipt, (id, pid, name, called)) in report.receipts().iter().zip(&expected) {
        assert_eq!((receipt.subscription(), receipt.pid()), (*id, *pid));
        assert_eq!((receipt.receiver(), receipt.name()), (*name, Some(&**called)));
        assert!(format!("{receipt:?}").contains(name), "{receipt:?}");
    }
    assert_eq!((report.accepted(), report.acknowledged()), (1, 1));
    let failed: Vec<_> = report.failures().map(|(receipt, _)| receipt.receiver()).collect();
    assert_eq!(failed, ["refuses", "drops", "panics", "late", "keeps"]);
    let panicked = report.failures().find(|(receipt, _)| receipt.receiver() == "panics").unwrap().1;
    let source = std::error::Error::source(panicked).unwrap();
    assert!(source.to_string().contains("panics at a"), "{source}");
    assert!(report.is_complete() && report.position().is_none());
    assert_eq!(report.middleware_failures().len(), 0);
    let stats = scene.bus.stats();
    assert_eq!((stats.published, stats.accepted, stats.failed, stats.left_out), (1, 1, 5, 0));
    // The one that panicked is there no more.
    assert_eq!(stats.subscriptions, 5);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_published_to_nobody_is_published() {
    let scene = Scene::new().await;
    let report = scene.publish("a").await.unwrap();
    assert_eq!((report.receipts().len(), report.accepted()), (0, 0));
    let stats = scene.bus.stats();
    assert_eq!((stats.published, stats.accepted, stats.refused), (1, 0, 0));
    scene.end().await;
}

// SIG-3
#[tokio::test(start_paused = true)]
async fn a_draft_is_stamped_and_a_signal_is_published_as_it_is() {
    let scene = Scene::new().await;
    let before = scene.system.now();
    let draft = Signal::new("order.placed", "/shop").subject("7").json(json!({ "id": 7 }));
    let report = scene.bus.publish(draft.schema("https://example.com/s")).await.unwrap();
    let first = report.signal();
    assert_eq!((first.topic().as_str(), first.source().as_str()), ("order.placed", "/shop"));
    assert_eq!((first.subject(), first.schema()), (Some("7"), Some("https://example.com/s")));
    assert_eq!(first.content_type(), Some("application/json"));
    assert!(first.time().unwrap() >= before && first.time().unwrap() <= scene.system.now());
    let id = first.id().to_string();
    assert_eq!((id.len(), id.as_bytes()[14]), (36, b'7'), "a UUID of version 7: {id}");
    let second = scene.publish("order.placed").await.unwrap();
    assert!(second.signal().id().to_string() > id, "ids grow");
    let again = scene.bus.publish(first.clone()).await.unwrap();
    assert!(again.signal().is_same(first) && again.signal() == first);
    let error = scene.bus.publish(Signal::new("bad type", "/shop")).await.unwrap_err();
    assert_eq!(error.code(), "invalid_signal");
    assert_eq!(scene.bus.stats().published, 3);
    scene.end().await;
}

// SIG-3
#[tokio::test(start_paused = true)]
async fn a_flow_can_be_followed_through_three_agents() {
    let scene = Scene::new().await;
    let (bus, log) = (scene.bus.clone(), scene.log.clone());
    for (pattern, next) in [("placed", "paid"), ("paid", "packed"), ("packed", "sent")] {
        let (bus, log) = (bus.clone(), log.clone());
        let agent = move |signal: Signal| {
            let (bus, log) = (bus.clone(), log.clone());
            async move {
                let report = bus.publish(Signal::new(next, "/agents").caused_by(&signal)).await?;
                let caused = report.signal();
                assert_eq!(caused.causation_id(), Some(&*signal.id().to_string()));
                log.push(format!("{next} of {}", caused.correlation_id().unwrap()));
                Ok(())
            }
        };
        scene.bus.handle(pattern, agent).name(pattern).await.unwrap();
    }
    drop(bus.publish(signal("placed").correlation("order 7")).await.unwrap());
    log.wait_for("sent of order 7").await;
    assert_eq!(log.take(), ["paid of order 7", "packed of order 7", "sent of order 7"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_may_be_left_out_is_reported_as_left_out() {
    let scene = Scene::new().await;
    let newest = Mailbox::bounded(1).overflow(Overflow::DropNewest);
    let policy = scene.listener_in("policy", newest).await;
    let told = scene.listener_in("told", Mailbox::bounded(1)).await;
    scene.bus.subscribe("a", &policy).await.unwrap();
    let id = scene.bus.subscribe("a", &told).when_full(WhenFull::LeaveOut).await.unwrap();
    let gates = [scene.hold(&policy).await, scene.hold(&told).await];
    assert_eq!(scene.told("a").await, ["policy: accepted", "told: accepted"]);
    assert_eq!(scene.told("a").await, ["policy: left out", "told: left out"]);
    assert_eq!(scene.asked("a").await, ["policy: left out", "told: left out"]);
    release(&gates);
    // A message to be sure of that would be dropped, too.
    policy.drain().await.unwrap();
    done(&told).await;
    assert_eq!((scene.log.count("policy a"), scene.log.count("told a")), (1, 1));
    let info = scene.bus.subscription(id).unwrap();
    assert_eq!((info.accepted, info.left_out), (1, 2));
    let stats = scene.bus.stats();
    assert_eq!((stats.accepted, stats.left_out, stats.refused, stats.failed), (2, 4, 0, 0));
    scene.end().await;
}

/// Takes some time before each delivery.
struct Slow;

#[async_trait]
impl Middleware for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    async fn before_dispatch(&self, signal: Signal, _: &SubscriptionInfo) -> Result<Dispatch> {
        testkit::pass(Duration::from_millis(50)).await;
        Ok(Dispatch::Deliver(signal))
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_ends_between_being_found_and_being_delivered_to_is_reported_as_gone() {
    let scene = Scene::with(Bus::builder().middleware(Slow)).await;
    let (one, other) = (scene.listener("one").await, scene.listener("other").await);
    scene.bus.subscribe("a", &one).await.unwrap();
    scene.bus.subscribe("a", &other).await.unwrap();
    for waits in [false, true] {
        let one = if waits {
            let again = scene.listener("one").await;
            scene.bus.subscribe("a", &again).priority(1).await.unwrap();
            again
        } else {
            one.clone()
        };
        let publishing =
            async { if waits { scene.asked("a").await } else { scene.told("a").await } };
        let killing = async {
            testkit::pass(Duration::from_millis(10)).await;
            kill(&one).await;
        };
        let (report, ()) = tokio::join!(publishing, killing);
        let expected = if waits { "other: acknowledged" } else { "other: accepted" };
        assert_eq!(report, ["one: no_process", expected]);
    }
    scene.end().await;
}
