//! Conditions beside patterns: one that fails is told of, and is none of the others' business.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foundation::Error;

use super::fixture::{Scene, done, number, numbered, outcomes, signal};

#[tokio::test(start_paused = true)]
async fn only_what_a_condition_says_yes_to_is_delivered() {
    let scene = Scene::new().await;
    let listener = scene.listener("even").await;
    let even = scene.bus.subscribe("a", &listener);
    even.when(|signal| Ok(number(signal).is_some_and(|it| it % 2 == 0))).await.unwrap();
    for it in 0..4 {
        let report = scene.bus.publish(numbered("a", it)).await.unwrap();
        assert_eq!(report.receipts().len(), usize::from(it % 2 == 0), "no is no failure");
    }
    done(&listener).await;
    assert_eq!(scene.log.take(), ["even a#0", "even a#2"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_fails_or_panics_is_told_of_and_the_others_get_the_signal() {
    let scene = Scene::new().await;
    for name in ["before", "fails", "panics", "no", "after"] {
        let listener = scene.listener(name).await;
        let subscribing = scene.bus.subscribe(["a", "*", "**"], &listener).name(name);
        match name {
            "fails" => subscribing.when(|_| Err(Error::business("no_such_field"))).await,
            "panics" => subscribing.when(|signal| panic!("at {}", signal.topic())).await,
            "no" => subscribing.when(|_| Ok(false)).await,
            _ => subscribing.await,
        }
        .unwrap();
    }
    for waits in [false, true] {
        let report = scene.publish_or_ask("a", waits).await.unwrap();
        let good = if waits { "acknowledged" } else { "accepted" };
        let expected = [
            format!("before: {good}"),
            format!("after: {good}"),
            "fails: no_such_field".into(),
            "panics: callback_panicked".into(),
        ];
        assert_eq!(outcomes(&report), expected, "each once, though three patterns match");
        let messages: Vec<_> = report.failures().map(|(_, error)| error.message()).collect();
        assert_eq!(messages[1], "at a");
    }
    let reports = scene.bus.publish_all([signal("a")]).await.unwrap();
    assert_eq!(reports[0].failures().count(), 2);
    let stats = scene.bus.stats();
    assert_eq!((stats.published, stats.accepted, stats.failed, stats.left_out), (3, 6, 6, 0));
    let infos = scene.bus.subscriptions();
    assert!(infos.iter().all(|info| info.left_out == 0), "there was room: {infos:?}");
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_of_several_patterns_whose_condition_holds_is_enough() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    // It fails when it is asked for the first time, and so for one of two patterns.
    let subscribing = scene.bus.subscribe(["a", "*"], &listener).when(move |_| {
        match counting.fetch_add(1, Ordering::Relaxed) {
            0 => Err(Error::business("not_yet")),
            _ => Ok(true),
        }
    });
    subscribing.await.unwrap();
    assert_eq!(scene.told("a").await, ["one: accepted"]);
    scene.end().await;
}

// B3
#[tokio::test(start_paused = true)]
async fn conditions_of_patterns_that_do_not_match_are_not_asked() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    let asked = Arc::new(AtomicUsize::new(0));
    for index in 0..1_000 {
        let counting = Arc::clone(&asked);
        let subscribing = scene.bus.subscribe(format!("other.{index}.*"), &listener);
        let counts = move |_: &signals::Signal| {
            counting.fetch_add(1, Ordering::Relaxed);
            Ok(true)
        };
        subscribing.when(counts).await.unwrap();
    }
    assert_eq!((scene.told("a").await.len(), asked.load(Ordering::Relaxed)), (0, 0));
    assert_eq!(scene.told("other.7.x").await, ["one: accepted"]);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    scene.end().await;
}
