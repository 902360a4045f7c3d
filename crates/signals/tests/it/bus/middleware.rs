//! What stands in between: in which order it is asked, what it may change, and what its faults do.

mod faults;
mod station;

use foundation::Result;
use signals::{Bus, Signal};
use testkit::Log;
use tokio::time::Instant;

use self::station::{Does, Stage, Station};
use super::fixture::{SECOND, Scene, done, outcomes, signal};

/// A scene with two listeners, `one` before `two`, and some stations in between.
async fn scene(stations: impl IntoIterator<Item = Station>) -> Scene {
    let builder = stations.into_iter().fold(Bus::builder(), signals::BusBuilder::middleware);
    let scene = Scene::with(builder).await;
    for (name, priority) in [("one", 1), ("two", 0)] {
        let listener = scene.listener(name).await;
        scene.bus.subscribe("a.*", &listener).priority(priority).await.unwrap();
    }
    scene
}

#[tokio::test(start_paused = true)]
async fn what_comes_first_is_asked_first_before_and_last_afterwards() {
    let log = Log::default();
    let scene = scene([Station::new("outer", &log), Station::new("inner", &log)]).await;
    let onion = [
        "outer BeforePublish",
        "inner BeforePublish",
        "outer BeforeDispatch one",
        "inner BeforeDispatch one",
        "outer BeforeDispatch two",
        "inner BeforeDispatch two",
        "inner AfterDispatch one: accepted",
        "outer AfterDispatch one: accepted",
        "inner AfterDispatch two: accepted",
        "outer AfterDispatch two: accepted",
        "inner AfterPublish 2",
        "outer AfterPublish 2",
    ];
    assert_eq!(scene.told("a.b").await, ["one: accepted", "two: accepted"]);
    assert_eq!(log.take(), onion);
    assert_eq!(scene.asked("a.b").await, ["one: acknowledged", "two: acknowledged"]);
    let acknowledged = onion.map(|entry| entry.replace("accepted", "acknowledged"));
    assert_eq!(log.take(), acknowledged);
    // One signal after the other is let through, and then one after the other has been.
    drop(scene.bus.publish_all([signal("a.b"), signal("a.b")]).await.unwrap());
    let (before, after) = onion.split_at(6);
    assert_eq!(log.take(), [before, before, after, after].concat());
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_signal_may_be_replaced_before_it_is_routed() {
    let log = Log::default();
    let renames = Station::new("renames", &log).does(Stage::BeforePublish, Does::Rename("a.new"));
    let scene = scene([renames, Station::new("sees", &log)]).await;
    let listener = scene.listener("old").await;
    scene.bus.subscribe("old", &listener).await.unwrap();
    let report = scene.publish("old").await.unwrap();
    assert_eq!(report.signal().topic().as_str(), "a.new");
    assert_eq!(outcomes(&report), ["one: accepted", "two: accepted"]);
    let reports = scene.bus.publish_all([signal("old")]).await.unwrap();
    assert_eq!(reports[0].signal().topic().as_str(), "a.new");
    assert_eq!(scene.asked("old").await.len(), 2);
    done(&listener).await;
    assert_eq!((scene.log.count("one a.new"), scene.log.count("old old")), (3, 0));
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_receiver_may_get_another_signal_than_the_others() {
    let log = Log::default();
    let renames = Station::new("renames", &log).does(Stage::BeforeDispatch, Does::Rename("x"));
    let shouts = Station::new("shouts", &log).does(Stage::BeforeDispatch, Does::Prefix("y"));
    let scene = scene([renames.only("one"), shouts.only("one")]).await;
    let report = scene.bus.publish_and_wait(signal("a.b"), SECOND).await.unwrap();
    assert_eq!(report.signal().topic().as_str(), "a.b");
    assert_eq!(outcomes(&report), ["one: acknowledged", "two: acknowledged"]);
    drop(scene.publish("a.b").await.unwrap());
    drop(scene.asked("a.b").await);
    let mut heard = scene.log.take();
    heard.sort();
    assert_eq!(heard, ["one y.x", "one y.x", "one y.x", "two a.b", "two a.b", "two a.b"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_is_stopped_gets_the_error_and_nobody_the_signal() {
    let log = Log::default();
    let stops = Station::new("stops", &log).does(Stage::BeforePublish, Does::Fail("closed"));
    let scene = scene([Station::new("outer", &log), stops, Station::new("inner", &log)]).await;
    let errors = [
        scene.publish("a.b").await.map(drop),
        scene.bus.publish_and_wait(signal("a.b"), SECOND).await.map(drop),
        scene.bus.publish_all([signal("a.b"), signal("a.c")]).await.map(drop),
    ];
    assert_eq!(errors.map(|error| error.unwrap_err().code().to_owned()), ["closed"; 3]);
    assert_eq!(log.take(), ["outer BeforePublish", "stops BeforePublish"].repeat(3));
    let stats = scene.bus.stats();
    assert_eq!((stats.published, stats.accepted, stats.failed), (0, 0, 0));
    assert_eq!(scene.log.take().len(), 0);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_signal_that_stops_all_of_them_is_named() {
    let log = Log::default();
    let stops = Station::new("stops", &log).does(Stage::BeforePublish, Does::FailAt("a.bad"));
    let scene = scene([stops]).await;
    let signals = ["a.x", "a.y", "a.bad", "a.z"].map(signal);
    let error = scene.bus.publish_all(signals).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["index"]), ("stopped", &2.into()));
    assert_eq!((scene.bus.stats().published, scene.bus.stats().accepted), (0, 0));
    assert_eq!(
        log.take(),
        ["stops BeforePublish"; 3].map(String::from)[..2]
            .iter()
            .cloned()
            .flat_map(|before| [
                before,
                "stops BeforeDispatch one".into(),
                "stops BeforeDispatch two".into()
            ])
            .chain(["stops BeforePublish".into()])
            .collect::<Vec<_>>()
    );
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_receiver_may_be_skipped_or_refused_and_the_others_get_it() {
    for (does, outcome) in [(Does::Skip, "skipped"), (Does::Fail("not_for_you"), "not_for_you")] {
        let log = Log::default();
        let station = Station::new("picks", &log).does(Stage::BeforeDispatch, does).only("one");
        let scene = scene([station, Station::new("inner", &log)]).await;
        assert_eq!(scene.told("a.b").await, [format!("one: {outcome}"), "two: accepted".into()]);
        assert_eq!(log.count("inner BeforeDispatch one"), 0, "the one behind is not asked");
        assert_eq!(log.count(&format!("inner AfterDispatch one: {outcome}")), 1);
        let asked = [format!("one: {outcome}"), "two: acknowledged".into()];
        assert_eq!(scene.asked("a.b").await, asked);
        let reports = scene.bus.publish_all([signal("a.b")]).await.unwrap();
        assert_eq!(outcomes(&reports[0])[0], format!("one: {outcome}"));
        assert_eq!((scene.log.count("one a.b"), reports[0].accepted()), (0, 1));
        let failed = if outcome == "skipped" { 0 } else { 3 };
        assert_eq!((scene.bus.stats().failed, scene.bus.stats().left_out), (failed, 0));
        let info = &scene.bus.subscriptions()[0];
        assert_eq!((info.accepted, info.left_out), (0, 0), "there was room, and somebody");
        scene.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_skipped_needs_no_room() {
    let log = Log::default();
    let skips = Station::new("skips", &log).does(Stage::BeforeDispatch, Does::Skip).only("full");
    let scene = scene([skips]).await;
    let full = scene.listener_in("full", foundation::Mailbox::bounded(1)).await;
    scene.bus.subscribe("a.b", &full).await.unwrap();
    let _held = scene.hold(&full).await;
    full.try_tell(super::fixture::Message::Panic).unwrap();
    assert_eq!(scene.told("a.b").await, ["full: skipped", "one: accepted", "two: accepted"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_middleware_keeps_stays() {
    let log = Log::default();
    let station = Station::new("counts", &log);
    let seen = station.seen();
    let scene = scene([station]).await;
    for _ in 0..3 {
        scene.told("a.b").await;
    }
    drop(scene.bus.publish_all([signal("a.b"), signal("c")]).await.unwrap());
    assert_eq!(seen.load(std::sync::atomic::Ordering::Relaxed), 5);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_publisher_that_is_held_up_holds_up_no_other() -> Result<()> {
    let log = Log::default();
    let slow = Station::new("slow", &log).does(Stage::BeforePublish, Does::TakeFor("a.slow"));
    let scene = scene([slow]).await;
    let began = Instant::now();
    let slow = async {
        let report = scene.told("a.slow").await;
        (report, began.elapsed())
    };
    let others = async {
        for _ in 0..50 {
            assert_eq!(scene.told("a.b").await.len(), 2);
        }
        began.elapsed()
    };
    let ((report, slow), others) = tokio::join!(slow, others);
    assert_eq!(report, ["one: accepted", "two: accepted"]);
    assert!(slow >= station::SLOW && others < station::SLOW / 10, "{slow:?} {others:?}");
    scene.end().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whoever_is_unsubscribed_while_somebody_in_between_works_gets_nothing() {
    let log = Log::default();
    let slow = Station::new("slow", &log).does(Stage::BeforeDispatch, Does::Take).only("two");
    let scene = scene([slow]).await;
    let full = scene.listener_in("full", foundation::Mailbox::bounded(1)).await;
    let second = scene.bus.subscribe("a.*", &full).priority(2).await.unwrap();
    let _held = scene.hold(&full).await;
    full.try_tell(super::fixture::Message::Panic).unwrap();
    let first = scene.bus.subscriptions()[0].id;
    let unsubscribing = async {
        testkit::pass(station::SLOW / 2).await;
        scene.bus.unsubscribe(first).await.unwrap();
        scene.bus.unsubscribe(second).await.unwrap();
    };
    let (told, ()) = tokio::join!(scene.told("a.b"), unsubscribing);
    // Whether it has room does not matter any more, either.
    let gone = ["full: no_such_subscription", "one: no_such_subscription"];
    assert_eq!(told, [&gone[..], &["two: accepted"]].concat());
    scene.log.wait_for("two a.b").await;
    assert_eq!(scene.log.take(), ["full is held", "two a.b"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_gives_up_while_somebody_in_between_works_has_published_nothing() {
    let log = Log::default();
    let slow = Station::new("slow", &log).does(Stage::BeforeDispatch, Does::Take).only("two");
    let scene = scene([slow]).await;
    for many in [1, 2] {
        let publishing = async {
            if many == 1 {
                scene.publish("a.b").await.map(drop)
            } else {
                scene.bus.publish_all([signal("a.b"), signal("a.b")]).await.map(drop)
            }
        };
        assert!(tokio::time::timeout(station::SLOW / 2, publishing).await.is_err());
        testkit::pass(station::SLOW * 4).await;
        assert_eq!((scene.bus.stats().accepted, scene.log.entries().len()), (0, 0));
    }
    assert_eq!(scene.told("a.b").await, ["one: accepted", "two: accepted"]);
    scene.end().await;
}

/// A signal of another type, and else the same.
fn renamed(signal: &Signal, topic: String) -> Result<Signal> {
    let renamed = Signal::new(topic, signal.source().as_str().to_owned());
    renamed.id(signal.id().to_string()).data(signal.data().clone()).build()
}
