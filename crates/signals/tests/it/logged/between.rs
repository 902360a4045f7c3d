//! What happens while whoever reads the tail waits for a middleware.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use foundation::Result;
use signals::testing::Recorder;
use signals::{Dispatch, DurableOptions, Middleware, Signal, SignalLog, SubscriptionInfo};
use tokio::sync::Semaphore;

use crate::clerk::Book;
use crate::shop::{BEGINNING, Shop};

/// Lets `held` through to transient subscribers when there is a permit.
#[derive(Debug, Clone)]
struct Gate {
    permits: Arc<Semaphore>,
    came: Arc<Semaphore>,
}

#[async_trait]
impl Middleware for Gate {
    fn name(&self) -> &'static str {
        "gate"
    }

    async fn before_dispatch(&self, signal: Signal, to: &SubscriptionInfo) -> Result<Dispatch> {
        if signal.topic().as_str() == "s.held" && to.name.is_none() {
            self.came.add_permits(1);
            self.permits.acquire().await.unwrap().forget();
        }
        Ok(Dispatch::Deliver(signal))
    }
}

async fn shop() -> (Shop, Gate, Recorder) {
    let gate = Gate { permits: Arc::new(Semaphore::new(0)), came: Arc::new(Semaphore::new(0)) };
    let between = gate.clone();
    let shop = Shop::with(|builder| {
        builder.middleware(between).middleware_deadline(Duration::from_mins(5))
    })
    .await;
    let recorder = Recorder::start(&shop.system).await.unwrap();
    shop.bus.subscribe("s.*", recorder.actor()).await.unwrap();
    (shop, gate, recorder)
}

async fn append(shop: &Shop, topics: &[&str]) {
    let stamp =
        |topic: &&str| Signal::new((*topic).to_owned(), "/shop").stamp(&shop.system).unwrap();
    shop.memory.append(topics.iter().map(stamp).collect()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_handed_on_of_a_page_is_not_handed_on_again() {
    let (shop, gate, recorder) = shop().await;
    append(&shop, &["s.1", "s.2", "s.held", "s.4"]).await;
    gate.came.acquire().await.unwrap().forget();
    shop.kill_tail().await;
    gate.came.acquire().await.unwrap().forget();
    gate.permits.add_permits(1);
    recorder.wait_for(4).await;
    testkit::pass(Duration::from_secs(1)).await;
    assert_eq!(recorder.topics(), ["s.1", "s.2", "s.held", "s.4"]);
    shop.stop().await;
}

/// One that goes live reads up to what has begun to be handed on, and not only up to what was: what
/// lies between was handed on before it went live.
#[tokio::test(start_paused = true)]
async fn one_that_goes_live_does_not_miss_what_is_being_handed_on() {
    let (shop, gate, recorder) = shop().await;
    // As many as are read at a time, and one more.
    append(&shop, &["s.1"; 256]).await;
    recorder.wait_for(256).await;
    let book = Book::willing();
    let clerk = book.open(&shop.system).await;
    append(&shop, &["s.held"]).await;
    gate.came.acquire().await.unwrap().forget();
    let options = DurableOptions::new("audit").start(BEGINNING).max_in_flight(1000);
    let audit = shop.bus.subscribe("s.*", &clerk).durable(options).await.unwrap();
    book.wait_for(256).await;
    gate.permits.add_permits(1);
    recorder.wait_for(257).await;
    append(&shop, &["s.last"]).await;
    shop.settles(&audit).await;
    assert_eq!(book.topics()[255..], ["s.1", "s.held", "s.last"]);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_durable_subscription_does_not_wait_for_what_stands_before_others() {
    let (shop, gate, recorder) = shop().await;
    let book = Book::willing();
    let clerk = book.open(&shop.system).await;
    let options = DurableOptions::new("audit").start(BEGINNING);
    shop.bus.subscribe("s.*", &clerk).durable(options).await.unwrap();
    append(&shop, &["s.held"]).await;
    gate.came.acquire().await.unwrap().forget();
    book.wait_for(1).await;
    assert!(recorder.topics().is_empty());
    gate.permits.add_permits(1);
    recorder.wait_for(1).await;
    shop.stop().await;
}
