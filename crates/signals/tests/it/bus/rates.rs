//! How much is published, and at which cost.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foundation::RateLimit;
use signals::Bus;

use super::fixture::{SECOND, Scene, done, numbered, signal};

// B9
#[tokio::test(start_paused = true)]
async fn whoever_publishes_too_much_is_told_so_and_when_to_try_again() {
    let limit = RateLimit::tokens(1, SECOND).burst(5);
    let scene = Scene::with(Bus::builder().rate(limit)).await;
    let listener = scene.listener("one").await;
    scene.bus.subscribe("a", &listener).await.unwrap();
    let mut refused = 0;
    for number in 0..50 {
        match scene.bus.publish(numbered("a", number)).await {
            Ok(report) => assert_eq!((report.accepted(), number < 5), (1, true)),
            Err(error) => {
                assert_eq!(error.code(), "rate_limited");
                assert_eq!(error.retry_after(), Some(SECOND));
                assert!(error.is_retryable());
                refused += 1;
            }
        }
    }
    done(&listener).await;
    assert_eq!(scene.log.take(), (0..5).map(|n| format!("one a#{n}")).collect::<Vec<_>>());
    let stats = scene.bus.stats();
    assert_eq!((refused, stats.published, stats.refused), (45, 5, 45));
    testkit::pass(SECOND).await;
    assert_eq!(scene.asked("a").await, ["one: acknowledged"]);
    let error = scene.bus.publish_and_wait(signal("a"), SECOND).await.unwrap_err();
    assert_eq!(error.code(), "rate_limited");
    scene.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_cannot_be_is_refused_when_the_bus_is_made() {
    let scene = Scene::new().await;
    let builder = Bus::builder().name("other").rate(RateLimit::tokens(1, SECOND).burst(0));
    assert_eq!(builder.start(&scene.system).await.unwrap_err().code(), "invalid_options");
    let builder = Bus::builder().name("other").middleware_deadline(Duration::ZERO);
    assert_eq!(builder.build(&scene.system).unwrap_err().code(), "invalid_options");
    scene.end().await;
}

/// What a signal holds, so that it is seen when it is let go of.
struct Held(#[expect(dead_code, reason = "it is only counted")] Arc<()>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        b"data"
    }
}

// B1
#[tokio::test(start_paused = true)]
async fn nothing_of_what_was_published_is_kept() {
    let scene = Scene::new().await;
    let listener = scene.listener("one").await;
    scene.bus.subscribe(["a", "*"], &listener).await.unwrap();
    scene.bus.handle("a", |_| async { Ok(()) }).name("handler").await.unwrap();
    let held = Arc::new(());
    let signal = || {
        let data = Bytes::from_owner(Held(Arc::clone(&held)));
        signal("a").bytes(data)
    };
    for _ in 0..100 {
        drop(scene.bus.publish(signal()).await.unwrap());
        drop(scene.bus.publish_and_wait(signal(), SECOND).await.unwrap());
        drop(scene.bus.publish_all([signal(), signal()]).await.unwrap());
    }
    assert_eq!(scene.asked("a").await, ["one: acknowledged", "handler: acknowledged"]);
    done(&listener).await;
    assert_eq!((scene.log.take().len(), scene.bus.stats().published), (401, 401));
    assert_eq!(Arc::strong_count(&held), 1);
    scene.end().await;
}
