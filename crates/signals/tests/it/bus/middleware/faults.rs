//! Middleware that panics, fails or hangs, at each stage: the publisher is told, and goes on.

use std::error::Error as _;
use std::time::Duration;

use foundation::Error;
use signals::Bus;
use testkit::{Log, Telemetry};
use tokio::time::Instant;

use super::super::fixture::{SECOND, Scene, outcomes, signal};
use super::scene;
use super::station::{Does, Stage, Station};

/// How long a call may take, unless it is said.
const DEADLINE: Duration = Duration::from_millis(100);
const FAULTS: [(Does, &str); 3] =
    [(Does::Panic, "callback_panicked"), (Does::Hang, "timeout"), (Does::HangAndPanic, "timeout")];

async fn faulty(stage: Stage, does: Does) -> Scene {
    let log = Log::default();
    scene([Station::new("faulty", &log).does(stage, does), Station::new("inner", &log)]).await
}

/// That an error names who failed, where, and why.
fn assert_names(error: &Error, stage: &str, cause: &str) {
    assert_eq!(error.code(), "middleware_failed");
    assert_eq!(
        (&error.details()["middleware"], &error.details()["stage"]),
        (&"faulty".into(), &stage.into())
    );
    let source = error.source().unwrap().downcast_ref::<Error>().unwrap();
    assert_eq!(source.code(), cause, "{source:?}");
    assert!(!error.is_retryable(), "a fault of a program is not one of the moment");
}

#[tokio::test(start_paused = true)]
async fn a_fault_before_a_signal_is_published_is_the_publishers_error() {
    for (does, cause) in FAULTS {
        let scene = faulty(Stage::BeforePublish, does).await;
        let began = Instant::now();
        assert_names(&scene.publish("a.b").await.unwrap_err(), "before_publish", cause);
        let is_late = began.elapsed() >= DEADLINE;
        assert_eq!(is_late, does != Does::Panic, "{:?}", began.elapsed());
        assert!(began.elapsed() < DEADLINE * 2);
        let waited = scene.bus.publish_and_wait(signal("a.b"), SECOND).await;
        assert_names(&waited.unwrap_err(), "before_publish", cause);
        let error = scene.bus.publish_all([signal("a.b")]).await.unwrap_err();
        assert_names(&error, "before_publish", cause);
        assert_eq!(error.details()["index"], 0);
        assert_eq!((scene.bus.stats().published, scene.log.take().len()), (0, 0));
        scene.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_before_a_delivery_is_that_receivers_and_no_other_ones() {
    for (does, cause) in FAULTS {
        let log = Log::default();
        let faulty = Station::new("faulty", &log).does(Stage::BeforeDispatch, does).only("one");
        let scene = scene([faulty, Station::new("inner", &log)]).await;
        for waits in [false, true] {
            let report = scene.publish_or_ask("a.b", waits).await.unwrap();
            let two = if waits { "two: acknowledged" } else { "two: accepted" };
            assert_eq!(outcomes(&report), ["one: middleware_failed", two]);
            assert_names(report.failures().next().unwrap().1, "before_dispatch", cause);
            assert_eq!(report.middleware_failures().len(), 0);
        }
        assert_eq!((scene.bus.stats().published, scene.bus.stats().failed), (2, 2));
        scene.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_one_that_looks_on_is_told_and_nothing_else_comes_of_it() {
    for (stage, name, many) in
        [(Stage::AfterDispatch, "after_dispatch", 2), (Stage::AfterPublish, "after_publish", 1)]
    {
        for (does, cause) in FAULTS {
            let scene = faulty(stage, does).await;
            let report = scene.publish("a.b").await.unwrap();
            assert_eq!(outcomes(&report), ["one: accepted", "two: accepted"]);
            assert_eq!(report.middleware_failures().len(), many);
            for failure in report.middleware_failures() {
                assert_names(failure, name, cause);
            }
            let reports = scene.bus.publish_all([signal("a.b"), signal("c")]).await.unwrap();
            let failures = reports.iter().map(|report| report.middleware_failures().len());
            let none = usize::from(stage == Stage::AfterPublish);
            assert_eq!(failures.collect::<Vec<_>>(), [many, none]);
            let waited = scene.bus.publish_and_wait(signal("a.b"), SECOND).await.unwrap();
            assert_eq!((waited.acknowledged(), waited.middleware_failures().len()), (2, many));
            scene.end().await;
        }
        let scene = faulty(stage, Does::Fail("own")).await;
        let report = scene.publish("a.b").await.unwrap();
        let failures: Vec<_> = report.middleware_failures().iter().map(Error::code).collect();
        assert_eq!(failures, vec!["own"; many], "an error of its own is told as it is");
        assert_eq!(report.accepted(), 2);
        scene.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_has_its_own_time_and_it_can_be_said_how_much() {
    let log = Log::default();
    let slow = || Station::new("slow", &log).does(Stage::BeforePublish, Does::Take);
    let scene = scene([slow(), slow(), slow()]).await;
    assert_eq!(scene.told("a.b").await.len(), 2, "each of them is within its time");
    scene.end().await;
    let deadline = Duration::from_millis(20);
    let builder = Bus::builder().middleware(slow()).middleware_deadline(deadline);
    let scene = Scene::with(builder).await;
    let began = Instant::now();
    let error = scene.publish("a.b").await.unwrap_err();
    assert_eq!(error.code(), "middleware_failed");
    let source = error.source().unwrap().downcast_ref::<Error>().unwrap();
    assert_eq!((source.code(), &source.details()["after_ms"]), ("timeout", &20.into()));
    assert!((deadline..deadline * 2).contains(&began.elapsed()));
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_is_an_event_even_of_one_that_cannot_say_its_name() {
    let telemetry = Telemetry::listen();
    let log = Log::default();
    let nameless = Station::new("nameless", &log).does(Stage::BeforePublish, Does::Panic);
    let scene = scene([nameless]).await;
    let error = scene.publish("a.b").await.unwrap_err();
    assert_eq!((error.code(), &error.details()["middleware"]), ("middleware_failed", &"".into()));
    let events = telemetry.about("signals.middleware_failed");
    assert_eq!(events.len(), 1);
    assert!(events[0].starts_with("ERROR") && events[0].contains("before_publish"), "{events:?}");
    scene.end().await;
}
