//! Consumers come, end, panic, and are slow.

use foundation::{Mailbox, Overflow};
use signals::LogPosition;
use signals::testing::Recorder;

use super::{SECOND, audit, consume};
use crate::clerk::{Answer, Book};
use crate::shop::Shop;

#[tokio::test(start_paused = true)]
async fn the_next_incarnation_goes_on_where_the_one_before_ended() {
    let shop = Shop::new().await;
    let book = Book::new(|seen| match seen.topic.as_str() {
        "s.1" => Answer::Acknowledge,
        _ => Answer::Keep,
    });
    let clerk = book.open(&shop.system).await;
    let audit = shop.bus.subscribe("s.*", &clerk).durable(audit()).await.unwrap();
    assert_eq!(audit.status().consumer, Some(clerk.pid()));
    shop.publish_many("s", 3).await;
    book.wait_for(3).await;
    clerk.kill();
    clerk.exited().await;
    assert_eq!(audit.status().consumer, None);
    shop.publish("s.4").await;
    testkit::pass(60 * SECOND).await;
    assert_eq!(audit.status().cursor, LogPosition::new(1));
    let next = Book::willing();
    consume(&shop, &next, super::audit()).await;
    shop.settles(&audit).await;
    assert_eq!(next.topics(), ["s.2", "s.3", "s.4"]);
    // The first that was in flight may have ended the consumer, and is charged; the others are not.
    let attempts: Vec<_> = next.seen().iter().map(|seen| seen.attempt).collect();
    assert_eq!(attempts, [2, 1, 1]);
    shop.stop().await;
}

/// Symptom: a delivery that outlived its consumer, when it was dropped or refused, was taken for
/// the one that the next consumer had in flight, which was charged and delivered twice at a time.
/// Mechanism: both are the same attempt, since others than the first are not charged with the end
/// of a consumer. Deliveries now know in which epoch they were made.
#[tokio::test(start_paused = true)]
async fn what_an_ended_consumer_lets_go_of_is_none_of_the_next_ones_deliveries() {
    let shop = Shop::new().await;
    let book = Book::new(|_| Answer::Keep);
    let clerk = book.open(&shop.system).await;
    let durable = shop.bus.subscribe("s.*", &clerk).durable(audit()).await.unwrap();
    shop.publish_many("s", 3).await;
    book.wait_for(3).await;
    clerk.kill();
    clerk.exited().await;
    let stale = book.take_kept();
    let next = Book::new(|_| Answer::Keep);
    let options = audit().max_in_flight(10);
    let clerk = next.open(&shop.system).await;
    shop.bus.subscribe("s.*", &clerk).durable(options).await.unwrap();
    next.wait_for(1).await;
    next.take_kept().pop().unwrap().acknowledge();
    next.wait_for(3).await;
    drop(stale);
    testkit::pass(5 * SECOND).await;
    assert_eq!(next.topics(), ["s.1", "s.2", "s.3"]);
    for delivery in next.take_kept() {
        delivery.acknowledge();
    }
    shop.settles(&durable).await;
    assert_eq!(next.topics().len(), 3);
    shop.stop().await;
}

/// Symptom: signals that only waited in the mailbox of a consumer that ended became dead letters.
/// Mechanism: one that was let go of at its last attempt was given up at once, before it was known
/// that its consumer was ending. That is now known before it is given up.
#[tokio::test(start_paused = true)]
async fn what_waits_in_the_mailbox_of_a_consumer_that_ends_is_not_given_up() {
    let shop = Shop::new().await;
    let book = Book::new(|seen| match seen.topic.as_str() {
        "s.1" => Answer::Panic,
        _ => Answer::Acknowledge,
    });
    let clerk = book.open(&shop.system).await;
    let once = audit().max_attempts(1);
    let durable = shop.bus.subscribe("s.*", &clerk).durable(once.clone()).await.unwrap();
    let all = (1..=4).map(|number| signals::Signal::new(format!("s.{number}"), "/shop"));
    shop.bus.publish_all(all.collect::<Vec<_>>()).await.unwrap();
    clerk.exited().await;
    let next = book.open(&shop.system).await;
    shop.bus.subscribe("s.*", &next).durable(once).await.unwrap();
    shop.settles(&durable).await;
    let letters = durable.dead_letters(LogPosition::START).await.unwrap().letters;
    let letters: Vec<_> =
        letters.iter().map(|letter| (letter.position.get(), letter.because.as_str())).collect();
    assert_eq!(letters, [(1, "ended")]);
    assert_eq!(book.topics(), ["s.1", "s.2", "s.3", "s.4"]);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_lets_go_each_time_is_given_up_after_so_many_attempts() {
    let shop = Shop::new().await;
    let book = Book::new(|_| Answer::Drop);
    let durable = consume(&shop, &book, audit().max_attempts(2)).await;
    shop.publish("s.1").await;
    shop.settles(&durable).await;
    assert_eq!(book.tries(), [("s.1".to_owned(), 1), ("s.1".to_owned(), 2)]);
    let letters = durable.dead_letters(LogPosition::START).await.unwrap().letters;
    assert_eq!((letters[0].attempts, letters[0].because.as_str()), (2, "dropped"));
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_signal_that_ends_every_consumer_is_given_up_and_the_others_come_once() {
    let shop = Shop::new().await;
    let book = Book::new(|seen| match seen.topic.as_str() {
        "s.3" => Answer::Panic,
        _ => Answer::Acknowledge,
    });
    let mut clerk = book.open(&shop.system).await;
    let durable = shop.bus.subscribe("s.*", &clerk).durable(audit()).await.unwrap();
    let all = (1..=6).map(|number| signals::Signal::new(format!("s.{number}"), "/shop"));
    shop.bus.publish_all(all.collect::<Vec<_>>()).await.unwrap();
    for _ in 0..5 {
        clerk.exited().await;
        clerk = book.open(&shop.system).await;
        shop.bus.subscribe("s.*", &clerk).durable(audit()).await.unwrap();
    }
    shop.settles(&durable).await;
    let count = |topic: &str| book.topics().iter().filter(|one| *one == topic).count();
    let counts: Vec<_> = (1..=6).map(|number| count(&format!("s.{number}"))).collect();
    assert_eq!(counts, [1, 1, 5, 1, 1, 1]);
    let letters = durable.dead_letters(LogPosition::START).await.unwrap().letters;
    assert_eq!((letters[0].attempts, letters[0].because.as_str()), (5, "ended"));
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_without_room_delays_and_charges_nothing() {
    for overflow in [Overflow::Wait, Overflow::Reject, Overflow::DropNewest] {
        let shop = Shop::new().await;
        let book = Book::willing();
        let mailbox = Mailbox::bounded(2).overflow(overflow);
        let clerk = book.open_with(&shop.system, mailbox).await;
        let all = (1..=50).map(|number| signals::Signal::new(format!("s.{number}"), "/shop"));
        shop.bus.publish_all(all.collect::<Vec<_>>()).await.unwrap();
        let durable = shop.bus.subscribe("s.*", &clerk).durable(audit()).await.unwrap();
        shop.settles(&durable).await;
        assert_eq!(book.topics(), shop.logged().await, "{overflow:?}");
        assert!(book.seen().iter().all(|seen| seen.attempt == 1), "{overflow:?}");
        shop.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_mailbox_drops_for_newer_ones_comes_again_or_is_a_dead_letter() {
    let shop = Shop::new().await;
    let book = Book::willing();
    let mailbox = Mailbox::bounded(2).overflow(Overflow::DropOldest);
    let clerk = book.open_with(&shop.system, mailbox).await;
    shop.publish_many("s", 20).await;
    let durable = shop.bus.subscribe("s.*", &clerk).durable(audit()).await.unwrap();
    shop.settles(&durable).await;
    let letters = durable.dead_letters(LogPosition::START).await.unwrap().letters;
    let mut known: Vec<_> = book.seen().iter().map(|seen| seen.position).collect();
    known.extend(letters.iter().map(|letter| letter.position));
    known.sort_unstable();
    known.dedup();
    assert_eq!(known.len(), 20);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_others_have_filled_is_looked_at_again_soon() {
    let shop = Shop::new().await;
    let recorder = Recorder::start_with(&shop.system, "busy", |spec| {
        spec.mailbox(Mailbox::bounded(1).overflow(Overflow::Reject))
    });
    let recorder = recorder.await.unwrap();
    shop.bus.subscribe("t.*", recorder.actor()).await.unwrap();
    shop.bus.subscribe("s.*", recorder.actor()).durable(audit()).await.unwrap();
    recorder.hold();
    // One is being handled, and one waits.
    shop.publish("t.1").await;
    testkit::pass(SECOND).await;
    shop.publish("t.2").await;
    shop.publish("s.1").await;
    testkit::pass(SECOND).await;
    recorder.release();
    testkit::pass(SECOND).await;
    assert_eq!(recorder.topics(), ["t.1", "t.2", "s.1"]);
    shop.stop().await;
}
