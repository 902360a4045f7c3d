//! A log that hangs holds up whoever opens a durable subscription, and nobody else.

use std::future::IntoFuture;

use signals::testing::{Moment, Operation, Recorder};

use super::{SECOND, audit, consume};
use crate::clerk::Book;
use crate::polled::polled;
use crate::shop::Shop;

const OPENING: [(Operation, Moment); 4] = [
    (Operation::LoadPart, Moment::Before),
    (Operation::LoadPart, Moment::After),
    (Operation::StoreParts, Moment::Before),
    (Operation::StoreParts, Moment::After),
];

#[tokio::test(start_paused = true)]
async fn opening_waits_while_the_log_is_held_and_goes_on_when_it_is_released() {
    for (operation, moment) in OPENING {
        let context = format!("{operation:?} {moment:?}");
        let shop = Shop::new().await;
        let recorder = Recorder::start(&shop.system).await.unwrap();
        shop.bus.subscribe("s.*", recorder.actor()).await.unwrap();
        let (book, other) = (Book::willing(), Book::willing());
        let clerk = book.open(&shop.system).await;
        let hold = shop.log.hold(operation, moment);
        let mut opening = Box::pin(shop.bus.subscribe("s.*", &clerk).durable(audit()));
        assert!(polled(opening.as_mut()).is_pending(), "{context}");
        hold.reached(1).await;
        // Others are opened one after the other.
        let second = other.open(&shop.system).await;
        let options = signals::DurableOptions::new("second").start(crate::shop::BEGINNING);
        let mut next = Box::pin(shop.bus.subscribe("s.*", &second).durable(options));
        assert!(polled(next.as_mut()).is_pending(), "{context}");
        // Whoever publishes, or is subscribed, is not held up.
        let topics = shop.publish_many("s", 3).await;
        assert_eq!(recorder.wait_for(3).await.len(), 3);
        testkit::pass(3 * SECOND).await;
        assert!(polled(opening.as_mut()).is_pending(), "{context}");
        assert!(polled(next.as_mut()).is_pending(), "{context}");
        assert_eq!(hold.came(), 1, "{context}: it is not asked again meanwhile");
        assert_eq!((book.topics(), other.topics()), (vec![], vec![]), "{context}");
        hold.release();
        let (opened, next) = (opening.await.unwrap(), next.await.unwrap());
        shop.settles(&opened).await;
        shop.settles(&next).await;
        assert_eq!((book.topics(), other.topics()), (topics.clone(), topics), "{context}");
        shop.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_opening_while_the_log_is_held_leaves_the_way_free() {
    for (operation, moment) in OPENING {
        let context = format!("{operation:?} {moment:?}");
        let shop = Shop::new().await;
        let (impatient, book) = (Book::willing(), Book::willing());
        let clerk = impatient.open(&shop.system).await;
        let hold = shop.log.hold(operation, moment);
        let opening = shop.bus.subscribe("s.*", &clerk).durable(audit());
        let gave_up = tokio::time::timeout(3 * SECOND, opening.into_future()).await;
        assert!(gave_up.is_err(), "{context}");
        assert_eq!(hold.came(), 1, "{context}");
        hold.release();
        let durable = consume(&shop, &book, audit()).await;
        let topics = shop.publish_many("s", 3).await;
        shop.settles(&durable).await;
        assert_eq!((book.topics(), impatient.topics()), (topics, vec![]), "{context}");
        shop.stop().await;
    }
}
