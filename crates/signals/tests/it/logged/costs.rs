//! What a publish costs is counted, not timed.

use signals::testing::{Operation, Recorder};
use signals::{DurableOptions, Signal, SignalLog};

use crate::clerk::Book;
use crate::shop::{BEGINNING, Shop};

/// What a hundred publishes ask of the log, by operation.
async fn asked(shop: &Shop) -> Vec<u64> {
    let calls = || Operation::ALL.iter().map(|one| shop.log.calls(*one)).collect::<Vec<_>>();
    let before = calls();
    shop.publish_many("s", 100).await;
    before.iter().zip(calls()).map(|(before, after)| after - before).collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_publish_asks_of_the_log_does_not_depend_on_its_length() {
    let mut costs = Vec::new();
    for length in [0_usize, 1000, 30_000] {
        let shop = Shop::new().await;
        let recorder = Recorder::start(&shop.system).await.unwrap();
        shop.bus.subscribe("s.*", recorder.actor()).await.unwrap();
        let filler = Signal::new("filler", "/shop").stamp(&shop.system).unwrap();
        shop.memory.append(vec![filler; length]).await.unwrap();
        shop.publish("is.there").await;
        let cost = asked(&shop).await;
        assert_eq!(cost[0], 100, "one append for each");
        assert!(cost[1] <= 100, "one read for each at most: {cost:?}");
        costs.push(cost);
        shop.stop().await;
    }
    assert!(costs.windows(2).all(|pair| pair[0] == pair[1]), "{costs:?}");
}

#[tokio::test(start_paused = true)]
async fn a_durable_subscription_that_keeps_up_does_not_read_the_log() {
    let shop = Shop::new().await;
    let book = Book::willing();
    let clerk = book.open(&shop.system).await;
    let options = DurableOptions::new("audit").start(BEGINNING);
    let audit = shop.bus.subscribe("s.*", &clerk).durable(options).await.unwrap();
    shop.publish("s.0").await;
    book.wait_for(1).await;
    assert!(audit.status().is_live);
    let cost = asked(&shop).await;
    shop.settles(&audit).await;
    assert!(cost[1] <= 200, "only those read who read the tail: {cost:?}");
    shop.stop().await;
}
