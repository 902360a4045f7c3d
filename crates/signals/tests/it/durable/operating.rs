//! What operators do: pause and resume, seek, look.

use signals::LogPosition;

use super::{SECOND, audit, consume};
use crate::clerk::{Answer, Book};
use crate::shop::Shop;

#[tokio::test(start_paused = true)]
async fn what_is_paused_stays_so_over_restarts_until_it_is_resumed() {
    let mut shop = Shop::new().await;
    let book = Book::willing();
    let durable = consume(&shop, &book, audit()).await;
    shop.publish("s.1").await;
    shop.settles(&durable).await;
    durable.pause().await.unwrap();
    shop.publish("s.2").await;
    testkit::pass(60 * SECOND).await;
    assert_eq!(book.topics(), ["s.1"]);
    for abruptly in [true, false] {
        if abruptly {
            shop.crash().await;
        } else {
            shop.restart().await;
        }
        let clerk = book.open(&shop.system).await;
        let durable = shop.bus.subscribe("s.*", &clerk).durable(audit()).await.unwrap();
        testkit::pass(60 * SECOND).await;
        assert!(durable.status().is_paused);
        assert_eq!(book.topics(), ["s.1"]);
        clerk.kill();
        clerk.exited().await;
    }
    let durable = consume(&shop, &book, audit()).await;
    durable.resume().await.unwrap();
    shop.settles(&durable).await;
    assert_eq!(book.topics(), ["s.1", "s.2"]);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_in_flight_when_it_was_paused_may_still_be_settled() {
    let shop = Shop::new().await;
    let book = Book::new(|_| Answer::Keep);
    let durable = consume(&shop, &book, audit()).await;
    shop.publish("s.1").await;
    book.wait_for(1).await;
    durable.pause().await.unwrap();
    book.take_kept().pop().unwrap().acknowledge();
    shop.settles(&durable).await;
    assert!(durable.status().is_paused);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn seeking_back_delivers_again_and_forward_leaves_out() {
    let shop = Shop::new().await;
    let book = Book::willing();
    let durable = consume(&shop, &book, audit()).await;
    shop.publish_many("s", 4).await;
    shop.settles(&durable).await;
    durable.seek(LogPosition::new(2)).await.unwrap();
    book.wait_for(6).await;
    shop.settles(&durable).await;
    assert_eq!(book.topics()[4..], ["s.3", "s.4"]);
    assert!(book.seen().iter().all(|seen| seen.attempt == 1));
    durable.pause().await.unwrap();
    shop.publish_many("s", 4).await;
    durable.seek(LogPosition::new(6)).await.unwrap();
    durable.resume().await.unwrap();
    book.wait_for(8).await;
    shop.settles(&durable).await;
    assert_eq!(book.topics()[6..], ["s.3", "s.4"]);
    durable.seek(LogPosition::new(10)).await.unwrap();
    shop.publish_many("s", 4).await;
    book.wait_for(10).await;
    testkit::pass(SECOND).await;
    assert_eq!(book.topics()[8..], ["s.3", "s.4"], "also to where nothing is yet");
    shop.stop().await;
}

/// Symptom: what was to be delivered again after a seek was not. Mechanism: an acknowledgement of a
/// delivery from before the seek settled the signal once more.
#[tokio::test(start_paused = true)]
async fn what_was_in_flight_before_a_seek_is_of_no_account() {
    let shop = Shop::new().await;
    let book = Book::new(|_| Answer::Keep);
    let durable = consume(&shop, &book, audit()).await;
    shop.publish_many("s", 2).await;
    book.wait_for(2).await;
    let before = book.take_kept();
    durable.pause().await.unwrap();
    durable.seek(LogPosition::START).await.unwrap();
    for delivery in before {
        delivery.acknowledge();
    }
    testkit::pass(SECOND).await;
    assert_eq!(durable.status().cursor, LogPosition::START);
    durable.resume().await.unwrap();
    book.wait_for(4).await;
    assert_eq!(book.topics()[2..], ["s.1", "s.2"]);
    for delivery in book.take_kept() {
        delivery.acknowledge();
    }
    shop.settles(&durable).await;
    assert_eq!(durable.status().acknowledged, 2);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_can_be_looked_after_without_a_consumer() {
    let mut shop = Shop::new().await;
    let book = Book::new(|_| Answer::Reject);
    consume(&shop, &book, audit()).await;
    shop.publish_many("s", 3).await;
    book.wait_for(3).await;
    testkit::pass(SECOND).await;
    shop.crash().await;
    assert_eq!(shop.bus.durables().await.unwrap(), ["audit"]);
    let durable = shop.bus.durable("audit").await.unwrap();
    assert_eq!(durable.purge_all().await.unwrap(), 3);
    let status = durable.status();
    assert_eq!((status.consumer, status.patterns[0].as_str()), (None, "s.*"));
    assert!(status.created.is_some());
    assert_eq!(shop.bus.durable("other").await.unwrap_err().code(), "no_such_subscription");
    shop.tree.kill();
    shop.tree.exited().await;
    assert_eq!(durable.pause().await.unwrap_err().category(), foundation::Category::Infrastructure);
    shop.stop().await;
}
