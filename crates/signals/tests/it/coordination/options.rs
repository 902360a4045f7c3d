//! Options are what they are said to be, and what cannot be is refused by name.

use std::time::Duration;

use signals::coordination::Coordination;
use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_by_name() {
    let system = System::builder().start().await.unwrap();
    let new = Coordination::builder;
    let year = Duration::from_hours(24 * 365);
    let table = [
        (new().deadline(Duration::ZERO), "deadline"),
        (new().reset_after(Duration::ZERO), "reset_after"),
        (new().keep_for(year + Duration::from_secs(1)), "keep_for"),
        (new().expiry(Duration::ZERO), "expiry"),
        (new().failure_threshold(0), "failure_threshold"),
        (new().buffer(0), "buffer"),
        (new().dead_letters(0), "dead_letters"),
        (new().max_attempts(0), "max_attempts"),
    ];
    for (builder, field) in table {
        let error = builder.start(&system).await.unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn they_are_followed() {
    let builder = Coordination::builder()
        .deadline(Duration::from_millis(200))
        .failure_threshold(2)
        .reset_after(Duration::from_secs(3))
        .buffer(2)
        .keep_for(Duration::from_secs(7));
    let (system, coordination) = started_with(builder).await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    let began = Instant::now();
    let later = coordination.delegate("a", "b", numbered(0)).within(Duration::from_millis(500));
    assert_eq!(buffered(later.await), "timeout");
    assert_eq!(began.elapsed(), Duration::from_millis(500));
    assert_eq!(buffered(coordination.delegate("a", "b", numbered(1)).await), "timeout");
    assert_eq!(began.elapsed(), Duration::from_millis(700));
    assert_eq!(buffered(coordination.delegate("a", "b", numbered(2)).await), "circuit_open");
    assert_eq!(places(&coordination), [2, 0, 0, 1]);
    pause(Duration::from_millis(2_900)).await;
    assert_eq!(coordination.stats().circuits_open, 1);
    until.notify_one();
    pause(Duration::from_millis(3_400)).await;
    assert_eq!(script.log.entries(), ["n.1", "n.2"]);
    let until = hang(&b).await;
    buffered(coordination.delegate("a", "b", numbered(3)).await);
    b.kill();
    b.exited().await;
    drop(until);
    pause(Duration::from_millis(7_100)).await;
    assert_eq!(places(&coordination), [0, 0, 0, 2]);
    system.stop().await.unwrap();
}
