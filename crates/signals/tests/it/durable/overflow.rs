//! A consumer that lags by more than is handed on, and catches up.

use signals::{Signal, SignalLog};

use super::{SECOND, audit, consume};
use crate::clerk::{Answer, Book};
use crate::shop::Shop;

async fn append(shop: &Shop, from: usize, to: usize) {
    for first in (from..to).step_by(100) {
        let some = (first..to.min(first + 100)).map(|number| {
            let topic = if number % 3 == 0 { "other" } else { "s" };
            Signal::new(format!("{topic}.{number}"), "/shop").stamp(&shop.system).unwrap()
        });
        shop.memory.append(some.collect()).await.unwrap();
        testkit::pass(std::time::Duration::from_millis(1)).await;
    }
}

fn matching(to: usize) -> Vec<String> {
    (0..to).filter(|number| number % 3 != 0).map(|number| format!("s.{number}")).collect()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_doubled_when_a_consumer_lags_and_catches_up() {
    for max_in_flight in [1, 7, 100] {
        let shop = Shop::new().await;
        let book = Book::willing();
        let options = audit().max_in_flight(max_in_flight);
        let durable = consume(&shop, &book, options).await;
        append(&shop, 0, 10).await;
        shop.settles(&durable).await;
        assert!(durable.status().is_live);
        book.rule(|_| Answer::Keep);
        append(&shop, 10, 5000).await;
        testkit::pass(SECOND).await;
        book.rule(|_| Answer::Acknowledge);
        let kept = book.take_kept();
        assert_eq!(kept.len(), max_in_flight);
        kept.into_iter().for_each(signals::Delivery::acknowledge);
        append(&shop, 5000, 8000).await;
        shop.settles(&durable).await;
        assert_eq!(book.topics(), matching(8000), "{max_in_flight}");
        assert!(durable.status().is_live, "{max_in_flight}");
        shop.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn while_it_catches_up_others_append_and_nothing_is_lost_or_doubled() {
    let shop = Shop::new().await;
    append(&shop, 0, 3000).await;
    let book = Book::willing();
    let ((), durable) = futures_util::future::join(
        append(&shop, 3000, 6000),
        consume(&shop, &book, audit().max_in_flight(10)),
    )
    .await;
    append(&shop, 6000, 6500).await;
    shop.settles(&durable).await;
    assert_eq!(book.topics(), matching(6500));
    shop.stop().await;
}
