//! What is delivered, how often, and where the cursor is.

use signals::{LogPosition, Retention, Signal, SignalLog, Start};

use super::{SECOND, audit, consume};
use crate::clerk::{Answer, Book};
use crate::shop::Shop;

#[tokio::test(start_paused = true)]
async fn what_matches_comes_once_in_order_with_attempt_and_position() {
    let shop = Shop::new().await;
    let book = Book::willing();
    let audit = consume(&shop, &book, audit()).await;
    let topics = shop.publish_many("s", 5).await;
    shop.publish_many("other", 3).await;
    shop.settles(&audit).await;
    testkit::pass(60 * SECOND).await;
    assert_eq!(book.topics(), topics);
    let positions: Vec<_> = book.seen().iter().map(|seen| seen.position.get()).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5]);
    assert!(book.seen().iter().all(|seen| seen.attempt == 1));
    let status = audit.status();
    assert_eq!((status.acknowledged, status.redelivered), (5, 0));
    assert_eq!((status.in_flight, status.waiting, status.cursor.get()), (0, 0, 8));
    shop.stop().await;
}

/// B5: acknowledging only the last of three loses nothing.
#[tokio::test(start_paused = true)]
async fn those_before_the_one_that_was_acknowledged_come_again() {
    let mut shop = Shop::new().await;
    let book = Book::new(|seen| match seen.topic.as_str() {
        "s.3" => Answer::Acknowledge,
        _ => Answer::Keep,
    });
    let durable = consume(&shop, &book, audit()).await;
    shop.publish_many("s", 3).await;
    book.wait_for(3).await;
    testkit::pass(SECOND).await;
    assert_eq!(durable.status().cursor, LogPosition::START);
    shop.restart().await;
    let next = Book::willing();
    let clerk = next.open(&shop.system).await;
    let durable = shop.bus.subscribe("s.*", &clerk).durable(audit()).await.unwrap();
    shop.settles(&durable).await;
    assert_eq!(next.topics()[..2], ["s.1", "s.2"]);
    shop.stop().await;
}

/// B6: what is never acknowledged is delivered again, and is given up in the end.
#[tokio::test(start_paused = true)]
async fn what_is_not_acknowledged_in_time_is_delivered_again_and_then_given_up() {
    let shop = Shop::new().await;
    let book = Book::new(|_| Answer::Keep);
    let audit = consume(&shop, &book, audit().max_attempts(3)).await;
    shop.publish("s.1").await;
    book.wait_for(1).await;
    testkit::pass(9 * SECOND).await;
    assert_eq!(book.tries().len(), 1, "the deadline has not passed");
    testkit::pass(2 * SECOND).await;
    assert_eq!(book.tries(), [("s.1".to_owned(), 1), ("s.1".to_owned(), 2)]);
    shop.settles(&audit).await;
    assert_eq!(book.tries().len(), 3);
    let letters = audit.dead_letters(LogPosition::START).await.unwrap().letters;
    assert_eq!((letters[0].attempts, letters[0].because.as_str()), (3, "too late"));
    assert_eq!(audit.status().redelivered, 2);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_late_acknowledgement_of_an_earlier_attempt_settles_it() {
    let shop = Shop::new().await;
    let book = Book::new(|_| Answer::Keep);
    let audit = consume(&shop, &book, audit()).await;
    shop.publish("s.1").await;
    book.wait_for(1).await;
    let mut first = book.take_kept();
    book.wait_for(2).await;
    first.pop().unwrap().acknowledge();
    shop.settles(&audit).await;
    let again = book.take_kept().pop().unwrap();
    assert_eq!((again.attempt(), again.is_awaited()), (Some(2), true));
    again.acknowledge();
    testkit::pass(60 * SECOND).await;
    assert_eq!((book.tries().len(), audit.status().acknowledged), (2, 1));
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn with_one_in_flight_order_is_kept_over_failures() {
    let shop = Shop::new().await;
    let book = Book::new(|seen| match (seen.topic.as_str(), seen.attempt) {
        ("s.2", 1 | 2) => Answer::Refuse,
        ("s.3", 1) => Answer::Drop,
        _ => Answer::Acknowledge,
    });
    let audit = consume(&shop, &book, audit().max_in_flight(1)).await;
    shop.publish_many("s", 4).await;
    shop.settles(&audit).await;
    let tries: Vec<_> = book.tries();
    let tries: Vec<_> = tries.iter().map(|(topic, attempt)| (topic.as_str(), *attempt)).collect();
    let expected =
        [("s.1", 1), ("s.2", 1), ("s.2", 2), ("s.2", 3), ("s.3", 1), ("s.3", 2), ("s.4", 1)];
    assert_eq!(tries, expected);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn not_more_than_may_be_are_in_flight() {
    let shop = Shop::new().await;
    let book = Book::new(|_| Answer::Keep);
    let audit = consume(&shop, &book, audit().max_in_flight(3)).await;
    shop.publish_many("s", 10).await;
    book.wait_for(3).await;
    testkit::pass(SECOND).await;
    assert_eq!((book.topics().len(), audit.status().in_flight), (3, 3));
    let mut kept = book.take_kept();
    kept.pop().unwrap().acknowledge();
    book.wait_for(4).await;
    testkit::pass(SECOND).await;
    assert_eq!(book.topics().len(), 4);
    shop.stop().await;
}

/// B8: where it is to begin counts.
#[tokio::test(start_paused = true)]
async fn it_begins_where_it_is_told() {
    let shop = Shop::new().await;
    shop.publish_many("s", 4).await;
    let time = shop.memory.read(LogPosition::new(2), 1).await.unwrap().entries[0].at;
    let first = shop.memory.position_at(time).await.unwrap().get();
    for (name, start, before) in [
        ("beginning", Start::Beginning, 0),
        ("after", Start::After(LogPosition::new(3)), 3),
        ("at", Start::At(time), first),
        ("now", Start::Now, 4),
    ] {
        let book = Book::willing();
        let options = signals::DurableOptions::new(name).start(start);
        let durable = consume(&shop, &book, options).await;
        shop.publish(format!("other.{name}")).await;
        shop.settles(&durable).await;
        let expected: Vec<_> = (before + 1..=4).map(|number| format!("s.{number}")).collect();
        assert_eq!(book.topics(), expected, "{name}");
    }
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_cursor_follows_what_does_not_match_so_that_little_is_read_again() {
    let mut shop = Shop::new().await;
    let book = Book::willing();
    let audit = consume(&shop, &book, audit()).await;
    shop.publish("s.1").await;
    shop.publish_many("other", 50).await;
    testkit::pass(11 * SECOND).await;
    assert_eq!(audit.status().cursor, shop.end().await);
    shop.crash().await;
    let audit = shop.bus.durable("audit").await.unwrap();
    testkit::pass(SECOND).await;
    assert_eq!(audit.status().cursor, shop.end().await);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_told_and_it_goes_on_behind_it() {
    let shop = Shop::new().await;
    let book = Book::willing();
    shop.publish_many("s", 10).await;
    shop.memory.retain(Retention::forever().count(3)).await.unwrap();
    let options = signals::DurableOptions::new("audit").start(Start::After(LogPosition::new(2)));
    let durable = consume(&shop, &book, options).await;
    shop.settles(&durable).await;
    assert_eq!(book.topics(), ["s.8", "s.9", "s.10"]);
    let gaps = durable.status().gaps;
    let gaps: Vec<_> = gaps.iter().map(|gap| (gap.from.get(), gap.to.get())).collect();
    assert_eq!(gaps, [(2, 7)]);
    shop.publish("s.11").await;
    book.wait_for(4).await;
    shop.stop().await;
}

/// B8: nor is anything given up because nobody is there.
#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_away_misses_nothing_and_many_subscriptions_are_their_own() {
    let shop = Shop::new().await;
    let mut books = Vec::new();
    for number in 0..50 {
        let book = Book::willing();
        let clerk = book.open(&shop.system).await;
        let options = signals::DurableOptions::new(format!("audit{number}"));
        let pattern = format!("s.{number}.*");
        shop.bus.subscribe(pattern, &clerk).durable(options).await.unwrap();
        books.push((book, clerk));
    }
    for (_, clerk) in &books[..25] {
        clerk.kill();
        clerk.exited().await;
    }
    for round in 0..3 {
        for number in 0..50 {
            let _ = shop.bus.publish(Signal::new(format!("s.{number}.{round}"), "/shop")).await;
        }
    }
    for (number, (book, clerk)) in books.iter_mut().enumerate() {
        if number < 25 {
            *clerk = book.open(&shop.system).await;
            let options = signals::DurableOptions::new(format!("audit{number}"));
            let pattern = format!("s.{number}.*");
            shop.bus.subscribe(pattern, clerk).durable(options).await.unwrap();
        }
        book.wait_for(3).await;
        let expected: Vec<_> = (0..3).map(|round| format!("s.{number}.{round}")).collect();
        assert_eq!(book.topics(), expected);
    }
    assert_eq!(shop.bus.durables().await.unwrap().len(), 50);
    shop.stop().await;
}
