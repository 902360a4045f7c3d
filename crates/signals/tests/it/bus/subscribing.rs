//! Subscribing and what is refused, unsubscribing and what stays.

use foundation::Error;
use signals::{Bus, Pattern, WhenFull};

use super::fixture::{Message, Scene, done, kill};

/// How an error names what is wrong.
fn wrong(error: &Error, detail: &str) -> (String, Option<String>) {
    (error.code().to_owned(), error.details().get(detail).map(ToString::to_string))
}

#[tokio::test(start_paused = true)]
async fn subscribers_get_what_matches_their_pattern_and_nothing_else() {
    let scene = Scene::new().await;
    let (exact, segment, rest) = (
        scene.listener("exact").await,
        scene.listener("segment").await,
        scene.listener("rest").await,
    );
    scene.bus.subscribe("order.placed", &exact).await.unwrap();
    scene.bus.subscribe("order.*", &segment).await.unwrap();
    scene.bus.subscribe("order.**", &rest).await.unwrap();
    let expected: [(&str, &[&str]); 5] = [
        ("order.placed", &["exact", "segment", "rest"]),
        ("order.paid", &["segment", "rest"]),
        ("order.7.paid", &["rest"]),
        ("order", &["rest"]),
        ("orders", &[]),
    ];
    for (topic, receivers) in expected {
        let accepted: Vec<_> = receivers.iter().map(|name| format!("{name}: accepted")).collect();
        assert_eq!(scene.told(topic).await, accepted, "{topic}");
        for listener in [&exact, &segment, &rest] {
            done(listener).await;
        }
        let mut heard = scene.log.take();
        heard.sort();
        let mut told: Vec<_> = receivers.iter().map(|name| format!("{name} {topic}")).collect();
        told.sort();
        assert_eq!(heard, told);
    }
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_with_several_patterns_gets_a_signal_once() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    let patterns = ["order.placed", "order.*", "order.**", "**", "order.placed"];
    scene.bus.subscribe(patterns, &listener).await.unwrap();
    assert_eq!(scene.told("order.placed").await, ["one: accepted"]);
    assert_eq!(scene.told("user").await, ["one: accepted"]);
    // Another subscription of the same actor is another one.
    scene.bus.subscribe("order.placed", &listener).await.unwrap();
    assert_eq!(scene.told("order.placed").await, ["one: accepted"; 2]);
    done(&listener).await;
    assert_eq!(scene.log.count("one order.placed"), 3);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_may_have_a_message_of_its_own() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    scene.bus.subscribe_as("a", &listener, |it| Message::By("'s", it)).await.unwrap();
    scene.bus.subscribe("a", &listener).await.unwrap();
    assert_eq!(scene.asked("a").await, ["one: acknowledged"; 2]);
    assert_eq!(scene.log.take(), ["one's a", "one a"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn subscriptions_can_be_looked_at() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    let first = scene.bus.subscribe(["a", "b.**"], &listener).name("both").priority(7);
    let first = first.when_full(WhenFull::LeaveOut).await.unwrap();
    let second = scene.bus.subscribe("c", &listener).await.unwrap();
    assert!(second > first && first.to_string() != second.to_string());
    let info = scene.bus.subscription(first).unwrap();
    let patterns: Vec<_> = info.patterns.iter().map(Pattern::as_str).collect();
    assert_eq!((info.id, info.name.as_deref(), info.priority), (first, Some("both"), 7));
    assert_eq!((patterns, info.when_full), (vec!["a", "b.**"], WhenFull::LeaveOut));
    assert_eq!((&*info.receiver, info.pid), ("one", listener.pid()));
    assert_eq!((info.accepted, info.left_out), (0, 0));
    assert!(info.since <= scene.system.now());
    let ids: Vec<_> = scene.bus.subscriptions().into_iter().map(|info| info.id).collect();
    assert_eq!(ids, [first, second]);
    assert_eq!((scene.bus.find("both"), scene.bus.find("neither")), (Some(first), None));
    scene.told("b.c").await;
    assert_eq!(scene.bus.subscription(first).unwrap().accepted, 1);
    assert_eq!(scene.bus.subscription(second).unwrap().accepted, 0);
    scene.bus.unsubscribe(first).await.unwrap();
    assert_eq!((scene.bus.find("both"), scene.bus.subscription(first)), (None, None));
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_subscribed_to_is_refused_and_leaves_nothing() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    let bus = &scene.bus;
    let error = bus.subscribe("a..b", &listener).await.unwrap_err();
    assert_eq!(wrong(&error, "pattern"), ("invalid_pattern".into(), Some("\"a..b\"".into())));
    let error = bus.subscribe(["a", "b*"], &listener).await.unwrap_err();
    assert_eq!(error.code(), "invalid_pattern");
    for priority in [101, -101, i8::MIN, i8::MAX] {
        let error = bus.subscribe("a", &listener).name("n").priority(priority).await.unwrap_err();
        let detail = Some(priority.to_string());
        assert_eq!(wrong(&error, "priority"), ("invalid_route".into(), detail));
    }
    for patterns in [Vec::new(), vec![Pattern::new("a").unwrap(); 257]] {
        let error = bus.subscribe(patterns, &listener).await.unwrap_err();
        assert_eq!(wrong(&error, "field"), ("invalid_options".into(), Some("\"patterns\"".into())));
    }
    for name in ["", &"n".repeat(256)] {
        let error = bus.subscribe("a", &listener).name(name).await.unwrap_err();
        assert_eq!(wrong(&error, "field"), ("invalid_options".into(), Some("\"name\"".into())));
    }
    assert_eq!(bus.subscriptions(), []);
    assert_eq!(scene.told("a").await, [""; 0]);
    assert_eq!(listener.status().registrations, 0);
    // The name that was refused is free.
    bus.subscribe(vec![Pattern::new("a").unwrap(); 256], &listener).name("n").await.unwrap();
    bus.subscribe("b", &listener).name("n".repeat(255)).priority(-100).await.unwrap();
    bus.subscribe("c", &listener).priority(100).await.unwrap();
    assert_eq!(scene.told("a").await, ["one: accepted"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_name_is_that_of_one_subscription_until_it_ends() {
    let scene = Scene::new().await;
    let (one, two) = (scene.listener("one").await, scene.listener("two").await);
    let bus = &scene.bus;
    let first = bus.subscribe("a", &one).name("taken").await.unwrap();
    let error = bus.subscribe("b", &two).name("taken").await.unwrap_err();
    assert_eq!(wrong(&error, "name"), ("subscription_exists".into(), Some("\"taken\"".into())));
    let error = bus.handle("b", |_| async { Ok(()) }).name("taken").await.unwrap_err();
    assert_eq!(error.code(), "subscription_exists");
    assert_eq!(scene.told("b").await, [""; 0]);
    assert_eq!(scene.told("a").await, ["one: accepted"]);
    bus.unsubscribe(first).await.unwrap();
    bus.subscribe("b", &two).name("taken").await.unwrap();
    kill(&two).await;
    let third = bus.subscribe("b", &one).name("taken").await.unwrap();
    assert_eq!(bus.find("taken"), Some(third));
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn there_are_only_as_many_subscriptions_as_there_may_be() {
    let scene = Scene::with(Bus::builder().max_subscriptions(2)).await;
    let listener = scene.listener("one").await;
    let first = scene.bus.subscribe("a", &listener).await.unwrap();
    scene.bus.subscribe("b", &listener).await.unwrap();
    let error = scene.bus.subscribe("c", &listener).await.unwrap_err();
    assert_eq!(
        wrong(&error, "max_subscriptions"),
        ("too_many_subscriptions".into(), Some("2".into()))
    );
    assert!(error.is_retryable());
    let error = scene.bus.handle("c", |_| async { Ok(()) }).await.unwrap_err();
    assert_eq!(error.code(), "too_many_subscriptions");
    scene.bus.unsubscribe(first).await.unwrap();
    scene.bus.subscribe("c", &listener).await.unwrap();
    assert_eq!(scene.bus.stats().subscriptions, 2);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_has_ended_cannot_be_subscribed() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    kill(&listener).await;
    let error = scene.bus.subscribe("a", &listener).name("late").await.unwrap_err();
    assert_eq!(error.code(), "no_process");
    assert_eq!((scene.bus.subscriptions(), scene.bus.find("late")), (vec![], None));
    assert_eq!(scene.told("a").await, [""; 0]);
    scene.end().await;
}

// B12
#[tokio::test(start_paused = true)]
async fn the_end_of_a_subscription_leaves_others_of_the_same_pattern() {
    let scene = Scene::new().await;
    let (one, two) = (scene.listener("one").await, scene.listener("two").await);
    let first = scene.bus.subscribe("a.*", &one).await.unwrap();
    let second = scene.bus.subscribe("a.*", &two).await.unwrap();
    let third = scene.bus.subscribe("a.*", &one).await.unwrap();
    scene.bus.unsubscribe(first).await.unwrap();
    assert_eq!(scene.told("a.b").await, ["two: accepted", "one: accepted"]);
    scene.bus.unsubscribe(second).await.unwrap();
    assert_eq!(scene.told("a.b").await, ["one: accepted"]);
    let error = scene.bus.unsubscribe(first).await.unwrap_err();
    let detail = Some(first.to_string());
    assert_eq!(wrong(&error, "subscription"), ("no_such_subscription".into(), detail));
    scene.bus.unsubscribe(third).await.unwrap();
    assert_eq!(scene.told("a.b").await, [""; 0]);
    assert_eq!(scene.bus.unsubscribe(third).await.unwrap_err().code(), "no_such_subscription");
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_still_handles_what_was_in_its_inbox_when_it_was_unsubscribed() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    let id = scene.bus.subscribe("a", &listener).await.unwrap();
    let gate = scene.hold(&listener).await;
    assert_eq!(scene.told("a").await, ["one: accepted"]);
    scene.bus.unsubscribe(id).await.unwrap();
    assert_eq!(scene.told("a").await, [""; 0]);
    gate.notify_one();
    done(&listener).await;
    assert_eq!(scene.log.count("one a"), 1);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_not_awaited_is_none() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    let subscribing = scene.bus.subscribe("a.*", &listener);
    assert!(format!("{subscribing:?}").contains("a.*"), "{subscribing:?}");
    drop(subscribing);
    drop(scene.bus.handle("a.*", |_| async { Ok(()) }));
    assert_eq!(scene.bus.stats().subscriptions, 0);
    scene.end().await;
}
