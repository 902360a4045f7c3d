//! A change that is too large to be written at a time is written in lots, and the bus ends between
//! them: nothing is lost, and what is counted is there.

use signals::testing::{Fault, Moment, Operation};
use signals::{Delivery, Durable, DurableOptions, LogPosition, Signal, SignalLog};

use super::{SECOND, audit, consume};
use crate::clerk::{Answer, Book};
use crate::shop::Shop;

/// More dead letters than are written at a time.
const MANY: u64 = 1100;
/// Of large ones each is a lot of its own.
const LARGE: usize = 600 << 10;

fn roomy() -> DurableOptions {
    audit().max_in_flight(2000)
}

/// A new bus on what is there, and the subscription as an operator finds it.
async fn reopened(shop: &mut Shop) -> Durable {
    shop.tree.kill();
    shop.tree.exited().await;
    shop.log.heal();
    shop.crash().await;
    let durable = shop.bus.durable("audit").await.unwrap();
    testkit::pass(SECOND).await;
    durable
}

/// Of which signals there are dead letters: as many as are counted.
async fn counted(shop: &Shop, durable: &Durable, context: &str) -> Vec<u64> {
    let parts = shop.memory.list_parts("signals/audit", "dead/", usize::MAX).await.unwrap();
    let position = |(key, _): &(String, _)| key.strip_prefix("dead/")?.parse().ok();
    let there: Vec<u64> = parts.iter().filter_map(position).collect();
    assert_eq!(durable.status().dead_letters, there.len() as u64, "{context}: {there:?}");
    there
}

/// Which call fails, and when, with all after it, so that the bus comes to an end at every point
/// between the calls that write a change. `Before` the one behind the last nothing has failed;
/// `After` a call it is written, and nobody knows.
fn points(calls: u64) -> impl Iterator<Item = (u64, Moment)> {
    let before = (1..=calls + 1).map(|nth| (nth, Moment::Before));
    before.chain((1..=calls).map(|nth| (nth, Moment::After)))
}

/// How many calls of these have written something.
fn written((nth, moment): (u64, Moment)) -> u64 {
    if moment == Moment::After { nth } else { nth - 1 }
}

/// Five large signals are delivered: the first stays open, three are given up, and the last is
/// acknowledged, all at once.
async fn give_up(shop: &Shop, fault: Option<(u64, Moment)>) -> u64 {
    let book = Book::new(|_| Answer::Keep);
    consume(shop, &book, audit()).await;
    for number in 1..=5 {
        let large = Signal::new(format!("s.{number}"), "/shop").text("x".repeat(LARGE));
        assert!(shop.bus.publish(large).await.unwrap().is_complete());
    }
    book.wait_for(5).await;
    testkit::pass(SECOND).await;
    let before = shop.log.calls(Operation::StoreParts);
    if let Some((nth, moment)) = fault {
        shop.log.inject(Fault::of_any(&[Operation::StoreParts], moment).nth(nth).lasting());
    }
    let mut kept = book.take_kept();
    kept.pop().unwrap().acknowledge();
    let first = kept.remove(0);
    for one in kept {
        one.refuse(foundation::Error::business("unwanted"));
    }
    testkit::pass(SECOND).await;
    let calls = shop.log.calls(Operation::StoreParts) - before;
    // The bus has ended by the time at which it is let go of.
    shop.tree.kill();
    shop.tree.exited().await;
    drop(first);
    calls
}

/// Symptom: fewer dead letters were counted than there were, for good, when the bus ended between
/// the lots. Mechanism: those of the lots that were written were not in the state, which comes
/// last, and when they were given up again they were there already. It is now written before
/// the first lot that they have to be counted when it begins again.
#[tokio::test(start_paused = true)]
async fn an_end_between_the_lots_of_what_is_given_up_loses_nothing_and_counts_right() {
    let harmless = Shop::new().await;
    let calls = give_up(&harmless, None).await;
    assert_eq!(calls, 4, "one before, and then each dead letter is a lot");
    harmless.stop().await;
    for point in points(calls) {
        let context = format!("{point:?}");
        let mut shop = Shop::new().await;
        give_up(&shop, Some(point)).await;
        let durable = reopened(&mut shop).await;
        let there = counted(&shop, &durable, &context).await;
        assert_eq!(there, (2..=written(point)).collect::<Vec<_>>(), "{context}");
        assert_eq!(durable.status().cursor, LogPosition::START, "{context}");
        let book = Book::new(|seen| match seen.topic.as_str() {
            "s.1" | "s.5" => Answer::Acknowledge,
            _ => Answer::Reject,
        });
        let durable = consume(&shop, &book, audit()).await;
        shop.settles(&durable).await;
        assert_eq!(counted(&shop, &durable, &context).await, [2, 3, 4], "{context}");
        // The one that was open comes again, and what is settled behind it; of the others only
        // those that are not known to be given up.
        let is_known = point == (calls + 1, Moment::Before);
        let again: &[_] =
            if is_known { &["s.1", "s.5"] } else { &["s.1", "s.2", "s.3", "s.4", "s.5"] };
        assert_eq!(book.topics(), again, "{context}");
        let durable = reopened(&mut shop).await;
        assert_eq!(counted(&shop, &durable, &context).await, [2, 3, 4], "{context}");
        consume(&shop, &book, audit()).await;
        testkit::pass(SECOND).await;
        assert_eq!(book.topics(), again, "{context}: nothing comes once more");
        shop.stop().await;
    }
}

/// So many signals are given up, then redriven, and acknowledged all at once.
async fn redrive(shop: &Shop, fault: Option<(u64, Moment)>) -> u64 {
    let all = (1..=MANY).map(|number| Signal::new(format!("s.{number}"), "/shop"));
    let all = all.map(|draft| draft.stamp(&shop.system).unwrap()).collect();
    shop.memory.append(all).await.unwrap();
    let book = Book::new(|_| Answer::Reject);
    let durable = consume(shop, &book, roomy()).await;
    shop.settles(&durable).await;
    book.rule(|_| Answer::Keep);
    book.clear();
    let all: Vec<_> = (1..=MANY).map(LogPosition::new).collect();
    for some in all.chunks(1000) {
        durable.redrive(some).await.unwrap();
    }
    book.wait_for(all.len()).await;
    testkit::pass(SECOND).await;
    let before = shop.log.calls(Operation::StoreParts);
    if let Some((nth, moment)) = fault {
        shop.log.inject(Fault::of_any(&[Operation::StoreParts], moment).nth(nth).lasting());
    }
    book.take_kept().into_iter().for_each(Delivery::acknowledge);
    testkit::pass(SECOND).await;
    shop.log.calls(Operation::StoreParts) - before
}

/// Symptom: more dead letters were counted than there were, so that delivery stopped too early, for
/// good. Mechanism: as above, with those that were no dead letters any more.
#[tokio::test(start_paused = true)]
async fn an_end_between_the_lots_of_what_is_redriven_loses_nothing_and_counts_right() {
    let harmless = Shop::new().await;
    let calls = redrive(&harmless, None).await;
    assert_eq!(calls, 3, "one before, and two lots");
    harmless.stop().await;
    for point in points(calls) {
        let context = format!("{point:?}");
        let mut shop = Shop::new().await;
        redrive(&shop, Some(point)).await;
        let durable = reopened(&mut shop).await;
        let there = counted(&shop, &durable, &context).await;
        let first = [1, 1, 1025, MANY + 1][usize::try_from(written(point)).unwrap()];
        assert_eq!(there, (first..=MANY).collect::<Vec<_>>(), "{context}");
        assert_eq!(durable.status().cursor, shop.end().await, "{context}");
        // Those that are still there may be handled twice, and are not lost.
        let book = Book::willing();
        let durable = consume(&shop, &book, roomy()).await;
        for _ in 0..2 {
            durable.redrive_all().await.unwrap();
            testkit::pass(SECOND).await;
        }
        let mut positions: Vec<_> = book.seen().iter().map(|seen| seen.position.get()).collect();
        positions.sort_unstable();
        assert_eq!(positions, there, "{context}: each once");
        assert_eq!(counted(&shop, &durable, &context).await, [0; 0], "{context}");
        shop.stop().await;
    }
}

/// Symptom: of a subscription that was forgotten half-way, and began anew, dead letters were
/// counted for good that were not there, so that it delivered nothing more. Mechanism: the state
/// goes last, and said how many there had been.
#[tokio::test(start_paused = true)]
async fn one_that_was_forgotten_half_way_and_begins_anew_counts_what_is_left() {
    for point in points(3) {
        let context = format!("{point:?}");
        let mut shop = Shop::new().await;
        let all = (1..=MANY).map(|number| Signal::new(format!("s.{number}"), "/shop"));
        let all = all.map(|draft| draft.stamp(&shop.system).unwrap()).collect();
        shop.memory.append(all).await.unwrap();
        let book = Book::new(|_| Answer::Reject);
        let durable = consume(&shop, &book, roomy()).await;
        shop.settles(&durable).await;
        assert_eq!(durable.status().dead_letters, MANY);
        shop.log.inject(Fault::of_any(&[Operation::StoreParts], point.1).nth(point.0).lasting());
        let _ = shop.bus.forget("audit").await;
        shop.log.heal();
        shop.crash().await;
        let book = Book::willing();
        let durable = consume(&shop, &book, roomy()).await;
        shop.settles(&durable).await;
        let left = counted(&shop, &durable, &context).await;
        assert_eq!(durable.purge_all().await.unwrap(), left.len() as u64, "{context}");
        assert_eq!(counted(&shop, &durable, &context).await, [0; 0], "{context}");
        shop.stop().await;
    }
}
