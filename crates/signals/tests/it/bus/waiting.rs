//! Publishing and waiting: who has acknowledged, by when, and what goes on meanwhile.

use std::time::Duration;

use tokio::time::Instant;

use super::fixture::{Message, SECOND, Scene, Then, done, kill, outcomes, signal};

const SLOW: Duration = Duration::from_millis(900);

// SIG-2
#[tokio::test(start_paused = true)]
async fn receivers_are_asked_at_the_same_time_and_those_count_that_answer_by_the_deadline() {
    let scene = Scene::new().await;
    for index in 0..50 {
        let slow = scene.listener_that(format!("slow {index}"), Then::After(SLOW)).await;
        scene.bus.subscribe("a", &slow).await.unwrap();
    }
    for index in 0..7 {
        let late = Then::After(SECOND + Duration::from_millis(100));
        let late = scene.listener_that(format!("late {index}"), late).await;
        scene.bus.subscribe("a", &late).await.unwrap();
    }
    let began = Instant::now();
    let report = scene.bus.publish_and_wait(signal("a"), SECOND).await.unwrap();
    let took = began.elapsed();
    assert_eq!((report.acknowledged(), report.accepted()), (50, 50));
    assert_eq!(report.failures().count(), 7);
    assert!(report.failures().all(|(receipt, error)| {
        receipt.receiver().starts_with("late") && error.code() == "timeout"
    }));
    assert!((SECOND..SECOND + Duration::from_millis(20)).contains(&took), "{took:?}");
    scene.end().await;
}

// SIG-2
#[tokio::test(start_paused = true)]
async fn whoever_answers_last_is_waited_for_and_no_longer() {
    let scene = Scene::new().await;
    for (name, then) in [("fast", Then::Acknowledge), ("slow", Then::After(SLOW))] {
        let listener = scene.listener_that(name, then).await;
        for _ in 0..3 {
            scene.bus.subscribe(name, &listener).await.unwrap();
        }
    }
    let began = Instant::now();
    assert_eq!(scene.asked("fast").await, ["fast: acknowledged"; 3]);
    assert!(began.elapsed() < Duration::from_millis(1));
    // One actor takes one after the other, which is more than a second.
    assert_eq!(scene.asked("slow").await, ["slow: acknowledged", "slow: timeout", "slow: timeout"]);
    let listener = scene.listener_that("once", Then::After(SLOW)).await;
    scene.bus.subscribe("once", &listener).await.unwrap();
    let began = Instant::now();
    assert_eq!(scene.asked("once").await, ["once: acknowledged"]);
    let took = began.elapsed();
    assert!((SLOW..SLOW + Duration::from_millis(20)).contains(&took), "{took:?}");
    assert_eq!(scene.asked("nobody").await, [""; 0]);
    scene.end().await;
}

// SIG-2
#[tokio::test(start_paused = true)]
async fn others_publish_while_one_waits() {
    let scene = Scene::new().await;
    let slow = scene.listener_that("slow", Then::After(SLOW)).await;
    let fast = scene.listener("fast").await;
    scene.bus.subscribe("a", &slow).await.unwrap();
    scene.bus.subscribe("*", &fast).await.unwrap();
    let waiting = scene.bus.publish_and_wait(signal("a"), SECOND);
    let meanwhile = async {
        let began = Instant::now();
        for _ in 0..100 {
            assert_eq!(scene.told("b").await, ["fast: accepted"]);
            assert_eq!(scene.asked("b").await, ["fast: acknowledged"]);
        }
        began.elapsed()
    };
    let (waited, took) = tokio::join!(waiting, meanwhile);
    assert_eq!(outcomes(&waited.unwrap()), ["slow: acknowledged", "fast: acknowledged"]);
    assert!(took < Duration::from_millis(10), "{took:?}");
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_receiver_may_acknowledge_later_than_it_handles() {
    let scene = Scene::new().await;
    let listener = scene.listener_that("keeps", Then::Keep).await;
    scene.bus.subscribe("a", &listener).await.unwrap();
    let settling = async {
        scene.log.wait_for("keeps a").await;
        testkit::pass(SLOW).await;
        listener.tell(Message::Settle).await.unwrap();
    };
    let (report, ()) = tokio::join!(scene.asked("a"), settling);
    assert_eq!(report, ["keeps: acknowledged"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_gives_up_has_published_all_the_same() {
    let scene = Scene::new().await;
    let listener = scene.listener_that("one", Then::After(SLOW)).await;
    scene.bus.subscribe("a", &listener).await.unwrap();
    let waiting = scene.bus.publish_and_wait(signal("a"), SECOND);
    assert!(tokio::time::timeout(SLOW / 2, waiting).await.is_err());
    done(&listener).await;
    assert_eq!(scene.log.take(), ["one a"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn without_time_to_wait_it_is_published_and_nobody_is_waited_for() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    scene.bus.subscribe("a", &listener).await.unwrap();
    let report = scene.bus.publish_and_wait(signal("a"), Duration::ZERO).await.unwrap();
    assert_eq!(outcomes(&report), ["one: timeout"]);
    done(&listener).await;
    assert_eq!(scene.log.take(), ["one a"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_waits_for_itself_is_told_so_and_the_others_are_asked() {
    let scene = Scene::new().await;
    let (one, other) = (scene.listener("one").await, scene.listener("other").await);
    scene.bus.subscribe("a", &one).await.unwrap();
    scene.bus.subscribe("a", &other).await.unwrap();
    let bus = scene.bus.clone();
    let told = one.ask(|reply| Message::Publish(bus, "a", reply)).await.unwrap().unwrap();
    assert_eq!(told, ["one: calling_self", "other: acknowledged"]);
    done(&one).await;
    assert_eq!((scene.log.take(), one.mailbox_len()), (vec!["other a".to_owned()], 0));
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_ends_while_it_is_waited_for_is_not_waited_for_any_longer() {
    let scene = Scene::new().await;
    let (held, other) = (scene.listener("held").await, scene.listener("other").await);
    scene.bus.subscribe("a", &held).await.unwrap();
    scene.bus.subscribe("a", &other).await.unwrap();
    let _gate = scene.hold(&held).await;
    let began = Instant::now();
    let killing = async {
        scene.log.wait_for("other a").await;
        kill(&held).await;
    };
    let (report, ()) = tokio::join!(scene.asked("a"), killing);
    assert_eq!(report, ["held: actor_stopped", "other: acknowledged"]);
    assert!(began.elapsed() < SECOND / 2, "{:?}", began.elapsed());
    scene.end().await;
}
