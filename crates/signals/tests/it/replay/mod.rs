//! Reading the log again, with a cursor.

use signals::{LogPosition, Replay, Retention, SignalLog, Start, gap_end};

use crate::shop::{BEGINNING, Shop};

async fn rest(replay: &mut Replay) -> Vec<String> {
    let mut topics = Vec::new();
    while let Some(entry) = replay.next().await.unwrap() {
        assert_eq!(entry.position, replay.position());
        topics.push(entry.signal.topic().as_str().to_owned());
    }
    topics
}

/// B7, and more than Jido's default: whatever matches, and nothing else.
#[tokio::test(start_paused = true)]
async fn whatever_matches_any_of_the_patterns_comes_once_in_the_order_of_the_log() {
    let shop = Shop::new().await;
    for topic in ["a", "a.b", "x", "a.b.c", "c.b"] {
        shop.publish(topic).await;
    }
    let mut replay = shop.bus.replay(["a.**", "*.b"], BEGINNING).await.unwrap();
    assert_eq!(rest(&mut replay).await, ["a", "a.b", "a.b.c", "c.b"]);
    assert_eq!(replay.position(), shop.end().await);
    assert!(shop.bus.replay("a..b", BEGINNING).await.is_err());
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn at_the_end_it_waits_for_nobody_and_goes_on_when_there_is_more() {
    let shop = Shop::new().await;
    let mut replay = shop.bus.replay("s.*", BEGINNING).await.unwrap();
    assert!(replay.next().await.unwrap().is_none());
    let topics = shop.publish_many("s", 3).await;
    shop.publish_many("other", 600).await;
    assert_eq!(rest(&mut replay).await, topics);
    assert_eq!(replay.position(), shop.end().await, "it has looked at what does not match");
    shop.publish("s.4").await;
    assert_eq!(rest(&mut replay).await, ["s.4"]);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn another_one_goes_on_where_one_has_stopped() {
    let shop = Shop::new().await;
    let topics = shop.publish_many("s", 700).await;
    let (mut got, mut position) = (Vec::new(), LogPosition::START);
    while got.len() < topics.len() {
        let mut replay = shop.bus.replay("s.*", Start::After(position)).await.unwrap();
        for _ in 0..99 {
            let Some(entry) = replay.next().await.unwrap() else { break };
            got.push(entry.signal.topic().as_str().to_owned());
        }
        position = replay.position();
    }
    assert_eq!(got, topics);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_told_each_time_until_it_is_skipped() {
    let shop = Shop::new().await;
    shop.publish_many("s", 10).await;
    let mut replay = shop.bus.replay("s.*", Start::After(LogPosition::new(1))).await.unwrap();
    shop.memory.retain(Retention::forever().count(2)).await.unwrap();
    for _ in 0..2 {
        let error = replay.next().await.unwrap_err();
        assert_eq!((error.code(), gap_end(&error)), ("signal_gap", Some(LogPosition::new(8))));
    }
    replay.skip(LogPosition::new(8));
    assert_eq!(rest(&mut replay).await, ["s.9", "s.10"]);
    let mut from_the_first = shop.bus.replay("s.*", BEGINNING).await.unwrap();
    assert_eq!(rest(&mut from_the_first).await, ["s.9", "s.10"]);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_log_that_fails_is_told_and_nothing_is_left_out() {
    use signals::testing::{Fault, Operation};
    let shop = Shop::new().await;
    let topics = shop.publish_many("s", 600).await;
    let mut replay = shop.bus.replay("s.*", BEGINNING).await.unwrap();
    shop.log.inject(Fault::before(Operation::Read).nth(2));
    let (mut got, mut failures) = (Vec::new(), 0);
    loop {
        match replay.next().await {
            Ok(Some(entry)) => got.push(entry.signal.topic().as_str().to_owned()),
            Ok(None) => break,
            Err(_) => failures += 1,
        }
    }
    assert_eq!((got, failures), (topics, 1));
    shop.stop().await;
}
