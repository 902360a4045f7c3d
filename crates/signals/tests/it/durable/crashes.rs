//! The log fails at every operation, and the bus ends at every one: nothing is lost, the cursor
//! passes nothing that is open, and order is kept.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use signals::testing::{Fault, Moment, Operation};
use signals::{LogPosition, Signal};

use super::{SECOND, audit, consume};
use crate::clerk::{Answer, Book, Seen};
use crate::shop::Shop;

/// What was handled, in the order in which it first was.
#[derive(Clone, Default)]
struct Handled(Arc<Mutex<Vec<u64>>>);

impl Handled {
    /// A consumer that refuses the second one at first, and the fourth for good.
    fn book(&self) -> Book {
        let handled = Arc::clone(&self.0);
        Book::new(move |seen: &Seen| match (seen.topic.as_str(), seen.attempt) {
            ("s.2", 1) => Answer::Refuse,
            ("s.4", _) => Answer::Reject,
            _ => {
                let mut handled = handled.lock().unwrap();
                if !handled.contains(&seen.position.get()) {
                    handled.push(seen.position.get());
                }
                Answer::Acknowledge
            }
        })
    }

    fn get(&self) -> Vec<u64> {
        self.0.lock().unwrap().clone()
    }
}

const SIGNALS: usize = 6;

/// Opens, publishes and consumes as far as it goes.
async fn run(shop: &Shop, handled: &Handled) {
    let clerk = handled.book().open(&shop.system).await;
    let options = audit().max_in_flight(1);
    let _ = shop.bus.subscribe("s.*", &clerk).durable(options).await;
    for number in 1..=SIGNALS {
        let _ = shop.bus.publish(Signal::new(format!("s.{number}"), "/shop")).await;
        testkit::pass(SECOND).await;
    }
}

/// Everything that is in the log was handled, in order, or is a dead letter.
async fn check(shop: &Shop, handled: &Handled, context: &str) {
    let durable = shop.bus.durable("audit").await.unwrap();
    shop.settles(&durable).await;
    let letters = durable.dead_letters(LogPosition::START).await.unwrap().letters;
    let dead: Vec<_> = letters.iter().map(|letter| letter.signal.clone().unwrap()).collect();
    assert!(dead.iter().all(|signal| signal.topic().as_str() == "s.4"), "{context}: {dead:?}");
    assert_eq!(durable.status().dead_letters, dead.len() as u64, "{context}");
    let logged = shop.logged().await;
    let expected = (1..).zip(&logged).filter(|(_, topic)| *topic != "s.4").map(|(at, _)| at);
    assert_eq!(handled.get(), expected.collect::<Vec<u64>>(), "{context}: {logged:?}");
    assert_eq!(dead.len(), logged.iter().filter(|topic| *topic == "s.4").count(), "{context}");
}

#[tokio::test(start_paused = true)]
async fn one_failure_of_any_operation_loses_nothing() {
    let harmless = Shop::new().await;
    run(&harmless, &Handled::default()).await;
    for operation in [Operation::Read, Operation::StoreParts, Operation::Append] {
        for nth in 1..=harmless.log.calls(operation) {
            for moment in [Moment::Before, Moment::After] {
                let context = format!("{operation:?} {nth} {moment:?}");
                let (shop, handled) = (Shop::new().await, Handled::default());
                shop.log.inject(Fault::of_any(&[operation], moment).nth(nth));
                run(&shop, &handled).await;
                // The one that could not be opened is opened now.
                if shop.bus.durable("audit").await.is_err() || handled.get().is_empty() {
                    consume(&shop, &handled.book(), audit().max_in_flight(1)).await;
                }
                check(&shop, &handled, &context).await;
                shop.stop().await;
            }
        }
    }
    harmless.stop().await;
}

/// B11: neither the log nor where a subscription is in it is lost with the bus.
#[tokio::test(start_paused = true)]
async fn an_end_of_the_bus_at_any_operation_loses_nothing() {
    let harmless = Shop::new().await;
    run(&harmless, &Handled::default()).await;
    for operation in [Operation::Read, Operation::StoreParts] {
        for nth in 1..=harmless.log.calls(operation) {
            for moment in [Moment::Before, Moment::After] {
                let context = format!("{operation:?} {nth} {moment:?}");
                let (mut shop, handled) = (Shop::new().await, Handled::default());
                shop.log.inject(Fault::of_any(&[operation], moment).nth(nth).lasting());
                run(&shop, &handled).await;
                shop.tree.kill();
                shop.tree.exited().await;
                shop.log.heal();
                shop.crash().await;
                let book = handled.book();
                let before = shop.bus.durable("audit").await;
                if let Ok(durable) = &before {
                    testkit::pass(SECOND).await;
                    let cursor = durable.status().cursor.get();
                    let dead = durable.dead_letters(LogPosition::START).await.unwrap().letters;
                    let mut settled: BTreeSet<_> = handled.get().into_iter().collect();
                    settled.extend(dead.iter().map(|letter| letter.position.get()));
                    let open = (1..u64::MAX).find(|position| !settled.contains(position)).unwrap();
                    assert!(cursor < open, "{context}: {cursor} has passed {open}");
                }
                let durable = consume(&shop, &book, audit().max_in_flight(1)).await;
                shop.settles(&durable).await;
                check(&shop, &handled, &context).await;
                shop.stop().await;
            }
        }
    }
    harmless.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_and_written_does_not_come_again() {
    let mut shop = Shop::new().await;
    let book = Book::willing();
    let durable = consume(&shop, &book, audit()).await;
    let topics = shop.publish_many("s", 5).await;
    shop.settles(&durable).await;
    shop.crash().await;
    let durable = consume(&shop, &book, audit()).await;
    shop.settles(&durable).await;
    testkit::pass(60 * SECOND).await;
    assert_eq!(book.topics(), topics);
    shop.stop().await;
}

/// A signal that ends the process each time is charged with that, and is given up; none of the
/// others is charged, however many there are.
#[tokio::test(start_paused = true)]
async fn a_signal_that_ends_the_process_each_time_is_given_up() {
    let mut shop = Shop::new().await;
    shop.publish_many("s", 600).await;
    let book = Book::new(|_| Answer::Keep);
    let options = audit().max_in_flight(200).max_attempts(3);
    let mut firsts = Vec::new();
    for _ in 0..3 {
        book.clear();
        let clerk = book.open(&shop.system).await;
        shop.bus.subscribe("s.*", &clerk).durable(options.clone()).await.unwrap();
        book.wait_for(1).await;
        testkit::pass(SECOND).await;
        firsts.push((book.tries()[0].clone(), book.topics().len()));
        shop.crash().await;
        clerk.kill();
        clerk.exited().await;
    }
    let expected = [(1, 200), (2, 1), (3, 1)];
    assert_eq!(firsts, expected.map(|(attempt, count)| (("s.1".to_owned(), attempt), count)));
    let book = Book::willing();
    let durable = consume(&shop, &book, options).await;
    shop.settles(&durable).await;
    let letters = durable.dead_letters(LogPosition::START).await.unwrap().letters;
    let letters: Vec<_> =
        letters.iter().map(|one| (one.position.get(), one.attempts, &*one.because)).collect();
    assert_eq!(letters, [(1, 3, "ended")]);
    assert_eq!(book.topics().len(), 599);
    shop.stop().await;
}

/// Symptom: after a restart with very much to read the signal that may have ended the process went
/// out with all others, and was not charged before. Mechanism: it was charged when everything was
/// read, and deliveries began with the first page. It is now charged as soon as it is read.
#[tokio::test(start_paused = true)]
async fn what_may_have_ended_the_process_goes_alone_however_much_there_is_to_read() {
    let shop = Shop::new().await;
    shop.publish_many("s", 600).await;
    let book = Book::new(|_| Answer::Keep);
    let durable = consume(&shop, &book, audit().max_in_flight(200)).await;
    book.wait_for(200).await;
    let stale = book.take_kept();
    book.clear();
    // The consumer lives elsewhere, and is there already when its runner begins again.
    shop.kill_handlers().await;
    testkit::pass(5 * SECOND).await;
    assert_eq!(book.tries(), [("s.1".to_owned(), 2)]);
    book.rule(|_| Answer::Acknowledge);
    book.take_kept().pop().unwrap().acknowledge();
    shop.settles(&durable).await;
    drop(stale);
    testkit::pass(5 * SECOND).await;
    assert_eq!(book.topics().len(), 600);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_delivered_before_it_is_written_that_it_may_be() {
    let shop = Shop::new().await;
    let book = Book::willing();
    let durable = consume(&shop, &book, audit()).await;
    testkit::pass(SECOND).await;
    shop.log.inject(Fault::before(Operation::StoreParts).lasting());
    shop.publish_many("s", 3).await;
    testkit::pass(20 * SECOND).await;
    assert_eq!(book.topics(), Vec::<String>::new());
    shop.log.heal();
    shop.settles(&durable).await;
    assert_eq!(book.tries(), [1, 2, 3].map(|number| (format!("s.{number}"), 1)));
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_charged_when_the_bus_ends_in_order() {
    let mut shop = Shop::new().await;
    let book = Book::new(|_| Answer::Keep);
    consume(&shop, &book, audit()).await;
    shop.publish_many("s", 3).await;
    book.wait_for(3).await;
    shop.restart().await;
    let next = Book::willing();
    let durable = consume(&shop, &next, audit()).await;
    shop.settles(&durable).await;
    assert_eq!(next.tries(), [1, 2, 3].map(|number| (format!("s.{number}"), 1)));
    shop.stop().await;
}

/// Symptom: what was dropped behind the cursor was missed after a crash. Mechanism: the cursor was
/// shown before it was written, and a log that failed kept it from being written.
#[tokio::test(start_paused = true)]
async fn the_cursor_that_is_shown_is_written() {
    let shop = Shop::new().await;
    let book = Book::new(|_| Answer::Keep);
    let durable = consume(&shop, &book, audit()).await;
    shop.publish_many("s", 3).await;
    book.wait_for(3).await;
    shop.log.inject(Fault::before(Operation::StoreParts).lasting());
    book.take_kept().into_iter().for_each(signals::Delivery::acknowledge);
    testkit::pass(SECOND).await;
    assert_eq!(durable.status().cursor, LogPosition::START);
    shop.log.heal();
    shop.settles(&durable).await;
    shop.stop().await;
}
