//! Receivers without room: nobody gets it, or they are left out, and the others lose nothing.

use foundation::{ActorRef, ExitReason, Mailbox, Overflow};
use signals::WhenFull;

use super::fixture::{Message, Scene, done, numbered, outcomes, release};

#[tokio::test(start_paused = true)]
async fn one_without_room_refuses_a_signal_for_all() {
    let scene = Scene::new().await;
    let (first, last) = (scene.listener("first").await, scene.listener("last").await);
    let full = scene.listener_in("full", Mailbox::bounded(1)).await;
    for (listener, priority) in [(&first, 1), (&full, 0), (&last, -1)] {
        scene.bus.subscribe("a", listener).priority(priority).await.unwrap();
    }
    let gates = [scene.hold(&first).await, scene.hold(&full).await, scene.hold(&last).await];
    assert_eq!(scene.told("a").await.len(), 3);
    for waits in [false, true] {
        let refused = scene.publish_or_ask("a", waits).await;
        let error = refused.unwrap_err();
        assert_eq!((error.code(), &error.details()["receiver"]), ("receiver_full", &"full".into()));
        assert!(error.is_retryable());
        // Those before and behind it have what they had: their places were given back.
        assert_eq!([&first, &full, &last].map(ActorRef::mailbox_len), [1, 1, 1]);
    }
    let stats = scene.bus.stats();
    assert_eq!((stats.published, stats.refused, stats.accepted), (1, 2, 3));
    release(&gates);
    for listener in [&first, &full, &last] {
        done(listener).await;
    }
    assert_eq!(scene.told("a").await, ["first: accepted", "full: accepted", "last: accepted"]);
    for listener in [&first, &full, &last] {
        done(listener).await;
        assert_eq!(scene.log.count(&format!("{} a", listener.name())), 2);
    }
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn places_that_are_given_back_are_there_for_others() {
    let scene = Scene::new().await;
    let tight = scene.listener_in("tight", Mailbox::bounded(1)).await;
    let full = scene.listener_in("full", Mailbox::bounded(1)).await;
    scene.bus.subscribe(["a", "b"], &tight).priority(1).await.unwrap();
    scene.bus.subscribe("a", &full).await.unwrap();
    let _held = [scene.hold(&tight).await, scene.hold(&full).await];
    full.try_tell(Message::Panic).unwrap();
    for _ in 0..10 {
        assert_eq!(scene.publish("a").await.unwrap_err().code(), "receiver_full");
    }
    // Were one of the places lost, this would find no room.
    assert_eq!(scene.told("b").await, ["tight: accepted"]);
    assert_eq!(scene.publish("b").await.unwrap_err().details()["receiver"], "tight");
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_actor_needs_a_place_for_each_of_its_subscriptions() {
    let scene = Scene::new().await;
    let listener = scene.listener_in("one", Mailbox::bounded(2)).await;
    for pattern in ["a", "*", "**"] {
        scene.bus.subscribe(pattern, &listener).await.unwrap();
    }
    let gate = scene.hold(&listener).await;
    assert_eq!(scene.publish("a").await.unwrap_err().code(), "receiver_full");
    assert_eq!(listener.mailbox_len(), 0);
    assert_eq!(scene.told("b").await, ["one: accepted"; 2]);
    gate.notify_one();
    done(&listener).await;
    assert_eq!(scene.log.count("one b"), 2);
    assert_eq!(scene.log.count("one a"), 0);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_policy_of_a_mailbox_goes_before_that_of_a_subscription() {
    let scene = Scene::new().await;
    let oldest = Mailbox::bounded(1).overflow(Overflow::DropOldest);
    let oldest = scene.listener_in("oldest", oldest).await;
    let newest = Mailbox::bounded(1).overflow(Overflow::DropNewest);
    let newest = scene.listener_in("newest", newest).await;
    scene.bus.subscribe("a", &oldest).await.unwrap();
    scene.bus.subscribe("a", &newest).await.unwrap();
    let gates = [scene.hold(&oldest).await, scene.hold(&newest).await];
    for number in 0..3 {
        let report = scene.bus.publish(numbered("a", number)).await.unwrap();
        let newest = if number == 0 { "newest: accepted" } else { "newest: left out" };
        assert_eq!(outcomes(&report), ["oldest: accepted", newest]);
    }
    assert_eq!((oldest.dropped(), newest.dropped()), (2, 2));
    release(&gates);
    // A message to be sure of that would be dropped or push out another one.
    oldest.drain().await.unwrap();
    newest.drain().await.unwrap();
    assert_eq!(scene.log.count("oldest a#2") + scene.log.count("newest a#0"), 2);
    assert_eq!(scene.log.entries().len(), 4, "two were held");
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_pushed_out_is_not_acknowledged() {
    let scene = Scene::new().await;
    let oldest = Mailbox::bounded(1).overflow(Overflow::DropOldest);
    let oldest = scene.listener_in("oldest", oldest).await;
    scene.bus.subscribe("a", &oldest).await.unwrap();
    let gate = scene.hold(&oldest).await;
    let pushing = async {
        assert_eq!(scene.told("a").await, ["oldest: accepted"]);
        gate.notify_one();
    };
    let (first, ()) = tokio::join!(scene.asked("a"), pushing);
    assert_eq!(first, ["oldest: no_reply"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_worthless_when_late_ends_and_the_publisher_is_refused_once() {
    let scene = Scene::new().await;
    let stops = Mailbox::bounded(1).overflow(Overflow::Stop);
    let stops = scene.listener_in("stops", stops).await;
    let other = scene.listener("other").await;
    scene.bus.subscribe("a", &stops).await.unwrap();
    scene.bus.subscribe("a", &other).await.unwrap();
    let gate = scene.hold(&stops).await;
    assert_eq!(scene.told("a").await, ["stops: accepted", "other: accepted"]);
    done(&other).await;
    let error = scene.publish("a").await.unwrap_err();
    assert_eq!(error.code(), "receiver_full");
    assert_eq!(other.mailbox_len(), 0);
    gate.notify_one();
    let ExitReason::Error(error) = stops.exited().await else { panic!("it was to overflow") };
    assert_eq!(error.code(), "mailbox_overflow");
    assert_eq!(scene.told("a").await, ["other: accepted"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_receiver_may_be_left_out_and_the_others_get_it() {
    let scene = Scene::new().await;
    let full = scene.listener_in("full", Mailbox::bounded(1)).await;
    let other = scene.listener("other").await;
    scene.bus.subscribe("a", &full).when_full(WhenFull::LeaveOut).await.unwrap();
    scene.bus.subscribe("a", &other).await.unwrap();
    let _held = scene.hold(&full).await;
    assert_eq!(scene.told("a").await, ["full: accepted", "other: accepted"]);
    assert_eq!(scene.told("a").await, ["full: left out", "other: accepted"]);
    assert_eq!(scene.asked("a").await, ["full: left out", "other: acknowledged"]);
    // One that refuses still does, though another may be left out.
    let tight = scene.listener_in("tight", Mailbox::bounded(1)).await;
    scene.bus.subscribe("a", &tight).await.unwrap();
    let _tight = scene.hold(&tight).await;
    assert_eq!(scene.told("a").await.len(), 3);
    done(&other).await;
    assert_eq!(scene.publish("a").await.unwrap_err().details()["receiver"], "tight");
    assert_eq!(other.mailbox_len(), 0);
    scene.end().await;
}
