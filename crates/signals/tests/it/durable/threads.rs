//! Publishers, consumers that end, and the bus on several threads: what races there are is found by
//! what must never happen.

use std::collections::BTreeSet;

use signals::Signal;
use testkit::eventually;

use super::audit;
use crate::clerk::Book;
use crate::shop::Shop;

const PUBLISHERS: usize = 4;
const EACH: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_several_threads_nothing_is_lost_and_what_never_fails_comes_once_in_order() {
    let shop = Shop::new().await;
    let steady = Book::willing();
    let clerk = steady.open(&shop.system).await;
    let options = signals::DurableOptions::new("steady").start(crate::shop::BEGINNING);
    let steadily = shop.bus.subscribe("s.**", &clerk).durable(options).await.unwrap();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let (bus, (done, is_done)) = (shop.bus.clone(), tokio::sync::oneshot::channel());
            shop.system.executor("publisher").execute(async move {
                for number in 0..EACH {
                    let topic = format!("s.{publisher}.{number}");
                    assert!(bus.publish(Signal::new(topic, "/shop")).await.unwrap().is_complete());
                }
                done.send(()).unwrap();
            });
            is_done
        })
        .collect();
    let (mut handled, mut given) = (BTreeSet::new(), BTreeSet::new());
    for consumer in 0..20 {
        let book = Book::willing();
        let clerk = book.open(&shop.system).await;
        let options = audit().max_in_flight(16).max_attempts(1000);
        shop.bus.subscribe("s.**", &clerk).durable(options).await.unwrap();
        eventually(|| match book.topics().len() {
            0 if handled.len() < PUBLISHERS * EACH => Err("nothing came"),
            _ => Ok(()),
        })
        .await;
        clerk.kill();
        clerk.exited().await;
        for seen in book.seen() {
            handled.insert(seen.position);
            let (position, attempt) = (seen.position, seen.attempt);
            assert!(given.insert((consumer, position, attempt)), "{seen:?} came twice");
        }
    }
    for publisher in publishers {
        publisher.await.unwrap();
    }
    let book = Book::willing();
    let clerk = book.open(&shop.system).await;
    let last = shop.bus.subscribe("s.**", &clerk).durable(audit()).await.unwrap();
    shop.settles(&last).await;
    shop.settles(&steadily).await;
    handled.extend(book.seen().iter().map(|seen| seen.position));
    assert_eq!(handled.len(), PUBLISHERS * EACH);
    assert_eq!(steady.topics(), shop.logged().await);
    assert_eq!(last.status().dead_letters, 0);
    shop.stop().await;
}
