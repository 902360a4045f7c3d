//! A log that is away for a while.

use std::time::Duration;

use signals::testing::{Fault, Moment, Operation, Recorder};
use signals::{DurableOptions, Signal};

use crate::clerk::Book;
use crate::shop::{BEGINNING, Shop};

/// Symptom: a log that could not be read for a few seconds took the bus along, with every handler
/// and runner, and then the system. Mechanism: whoever reads it failed, and used up the restarts of
/// its supervisors. It now waits and tries again.
#[tokio::test(start_paused = true)]
async fn a_log_that_is_away_for_minutes_is_outlasted() {
    for operations in [&[Operation::Read][..], &[Operation::StoreParts], Operation::ALL] {
        for moment in [Moment::Before, Moment::After] {
            let shop = Shop::new().await;
            let recorder = Recorder::start(&shop.system).await.unwrap();
            shop.bus.subscribe("s.*", recorder.actor()).await.unwrap();
            let book = Book::willing();
            let clerk = book.open(&shop.system).await;
            let options = DurableOptions::new("audit").start(BEGINNING);
            let audit = shop.bus.subscribe("s.*", &clerk).durable(options).await.unwrap();
            shop.publish("s.1").await;
            book.wait_for(1).await;
            shop.log.inject(Fault::of_any(operations, moment).lasting());
            let _ = shop.bus.publish(Signal::new("s.2", "/shop")).await;
            testkit::pass(Duration::from_mins(3)).await;
            shop.log.heal();
            shop.publish("s.3").await;
            shop.settles(&audit).await;
            assert_eq!(recorder.topics(), shop.logged().await, "{operations:?} {moment:?}");
            assert_eq!(book.topics(), shop.logged().await, "{operations:?} {moment:?}");
            shop.stop().await;
        }
    }
}
