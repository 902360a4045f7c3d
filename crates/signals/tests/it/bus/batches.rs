//! Several signals at once: all of them are delivered, or none is.

use foundation::{Mailbox, RateLimit};
use signals::{Bus, Draft, WhenFull};

use super::fixture::{SECOND, Scene, done, numbered, outcomes, signal};

fn signals(many: u64) -> Vec<Draft> {
    (0..many).map(|number| numbered("x.n", number)).collect()
}

#[tokio::test(start_paused = true)]
async fn several_signals_come_in_order_and_each_has_its_report() {
    let scene = Scene::new().await;
    let (all, some) = (scene.listener("all").await, scene.listener("some").await);
    scene.bus.subscribe("x.*", &all).await.unwrap();
    scene.bus.subscribe("x.b", &some).await.unwrap();
    let topics = ["x.a", "x.b", "y", "x.c"];
    let reports = scene.bus.publish_all(topics.map(signal)).await.unwrap();
    let told: Vec<_> = reports.iter().map(outcomes).collect();
    assert_eq!(
        told,
        [
            vec!["all: accepted"],
            vec!["some: accepted", "all: accepted"],
            vec![],
            vec!["all: accepted"]
        ]
    );
    let published: Vec<_> = reports.iter().map(|it| it.signal().topic().to_string()).collect();
    assert_eq!(published, topics);
    assert!(reports.is_sorted_by_key(|report| report.signal().id().to_string()));
    done(&all).await;
    let heard = scene.log.take().into_iter().filter(|entry| entry.starts_with("all"));
    assert_eq!(heard.collect::<Vec<_>>(), ["all x.a", "all x.b", "all x.c"]);
    assert_eq!(scene.bus.stats().published, 4);
    assert_eq!(scene.bus.publish_all(Vec::<Draft>::new()).await.unwrap().len(), 0);
    scene.end().await;
}

// B4
#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_refused_whole_and_the_error_says_which_did_not() {
    let scene = Scene::new().await;
    let tight = scene.listener_in("tight", Mailbox::bounded(1)).await;
    let other = scene.listener("other").await;
    scene.bus.subscribe("x.**", &other).priority(1).await.unwrap();
    let id = scene.bus.subscribe("x.**", &tight).await.unwrap();
    let gate = scene.hold(&tight).await;
    let _held = scene.hold(&other).await;
    let four = ["x.1", "x.2", "x.3", "x.4"].map(signal);
    let error = scene.bus.publish_all(four).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["index"]), ("receiver_full", &1.into()));
    assert_eq!(error.details()["receiver"], "tight");
    assert_eq!((tight.mailbox_len(), other.mailbox_len()), (0, 0));
    let stats = scene.bus.stats();
    assert_eq!((stats.published, stats.accepted, stats.refused), (0, 0, 1));
    assert_eq!(scene.bus.subscription(id).unwrap().accepted, 0);
    // And every place was given back.
    assert_eq!(scene.told("x.5").await, ["other: accepted", "tight: accepted"]);
    gate.notify_one();
    done(&tight).await;
    assert_eq!(scene.log.entries().iter().filter(|it| it.starts_with("tight x")).count(), 1);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_may_be_left_out_gets_the_first_ones() {
    let scene = Scene::new().await;
    let tight = scene.listener_in("tight", Mailbox::bounded(2)).await;
    scene.bus.subscribe("x.*", &tight).when_full(WhenFull::LeaveOut).await.unwrap();
    let gate = scene.hold(&tight).await;
    let reports = scene.bus.publish_all(signals(4)).await.unwrap();
    let told: Vec<_> = reports.iter().flat_map(outcomes).collect();
    assert_eq!(told, ["tight: accepted", "tight: accepted", "tight: left out", "tight: left out"]);
    gate.notify_one();
    done(&tight).await;
    assert_eq!(scene.log.entries()[1..], ["tight x.n#0", "tight x.n#1"]);
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_stops_all_of_them() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    scene.bus.subscribe("**", &listener).await.unwrap();
    let error = scene.bus.publish_all([signal("a"), signal("b"), signal("c d")]).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["index"]), ("invalid_signal", &2.into()));
    done(&listener).await;
    assert_eq!((scene.log.take().len(), scene.bus.stats().published), (0, 0));
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn several_count_as_several() {
    let limit = RateLimit::tokens(5, SECOND);
    let scene = Scene::with(Bus::builder().rate(limit)).await;
    let listener = scene.listener("one").await;
    scene.bus.subscribe("**", &listener).await.unwrap();
    drop(scene.bus.publish_all(signals(3)).await.unwrap());
    let error = scene.bus.publish_all(signals(3)).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), ("rate_limited", Some(SECOND / 5)));
    drop(scene.bus.publish_all(signals(2)).await.unwrap());
    let error = scene.bus.publish_all(signals(6)).await.unwrap_err();
    assert_eq!(error.code(), "cost_too_high");
    done(&listener).await;
    assert_eq!((scene.log.take().len(), scene.bus.stats().refused), (5, 2));
    scene.end().await;
}
