//! Whose turn it is at a consumer, what stands in between, and what belongs to which bus.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use foundation::{Error, Result};
use serde_json::json;
use signals::{Bus, Dispatch, DurableOptions, LogPosition, Middleware, Signal, SubscriptionInfo};
use testkit::{eventually, pass};

use crate::clerk::{Answer, Book};
use crate::shop::{BEGINNING, Shop};

/// A consumer that works through a backlog has not failed: the time of a signal begins when it is
/// its turn. It began when it came into the inbox: with 100 in flight and 30 s, a handler of 1 s
/// got those behind the thirtieth twice, and those behind the hundred and fiftieth as dead letters.
#[tokio::test(start_paused = true)]
async fn what_waits_in_the_inbox_of_a_slow_handler_is_not_delivered_twice() {
    let shop = Shop::new().await;
    shop.publish_many("s", 300).await;
    let done = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&done);
    let handler = move |_| {
        let done = Arc::clone(&counting);
        async move {
            pass(Duration::from_secs(1)).await;
            done.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    };
    let options = DurableOptions::new("slow").start(BEGINNING);
    let slow = shop.bus.handle("s.*", handler).durable(options).await.unwrap();
    for _ in 0..320 {
        pass(Duration::from_secs(1)).await;
    }
    shop.settles(&slow).await;
    let status = slow.status();
    assert_eq!((status.acknowledged, status.redelivered, status.dead_letters), (300, 0, 0));
    assert_eq!(done.load(Ordering::SeqCst), 300);
    shop.stop().await;
}

/// A handler that panics once is called again.
#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_is_tried_again() {
    let shop = Shop::new().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&calls);
    let handler = move |_| {
        let call = counting.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(call > 0, "the first time");
            Ok(())
        }
    };
    let options = DurableOptions::new("jumpy").start(BEGINNING);
    let jumpy = shop.bus.handle("s.*", handler).durable(options).await.unwrap();
    shop.publish("s.1").await;
    pass(Duration::from_secs(1)).await;
    shop.settles(&jumpy).await;
    assert_eq!((calls.load(Ordering::SeqCst), jumpy.status().dead_letters), (2, 0));
    shop.stop().await;
}

/// Hides, skips and refuses, by the last segment of the type.
struct Censor;

#[async_trait]
impl Middleware for Censor {
    fn name(&self) -> &'static str {
        "censor"
    }

    async fn before_dispatch(&self, signal: Signal, to: &SubscriptionInfo) -> Result<Dispatch> {
        assert_eq!(to.name.as_deref(), Some("audit"));
        match signal.topic().segments().last() {
            Some("secret") => {
                let hidden = Signal::new("s.hidden", "/censor").id("hidden").build()?;
                Ok(Dispatch::Deliver(hidden))
            }
            Some("private") => Ok(Dispatch::Skip),
            Some("forbidden") => Err(Error::business("forbidden")),
            _ => Ok(Dispatch::Deliver(signal)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_between_is_asked_before_a_durable_subscription_delivers() {
    let shop = Shop::with(|builder| builder.middleware(Censor)).await;
    let book = Book::willing();
    let clerk = book.open(&shop.system).await;
    let options = DurableOptions::new("audit").start(BEGINNING);
    let audit = shop.bus.subscribe("s.*", &clerk).durable(options).await.unwrap();
    for topic in ["s.open", "s.secret", "s.private", "s.forbidden", "s.last"] {
        shop.publish(topic).await;
    }
    shop.settles(&audit).await;
    assert_eq!(book.topics(), ["s.open", "s.hidden", "s.last"]);
    let dead = audit.dead_letters(LogPosition::START).await.unwrap();
    assert_eq!(dead.letters.len(), 1);
    assert_eq!(dead.letters[0].error.as_ref().unwrap()["code"], "forbidden");
    // It is asked each time.
    assert_eq!(audit.redrive_all().await.unwrap(), 1);
    pass(Duration::from_secs(1)).await;
    assert_eq!((book.seen().len(), audit.status().dead_letters), (3, 1));
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn two_buses_on_one_log_have_subscriptions_of_their_own() {
    let shop = Shop::new().await;
    let other = Bus::builder().name("other").log(Arc::new(shop.memory.clone()));
    let other = other.start(&shop.system).await.unwrap();
    let (ours, theirs) = (Book::willing(), Book::new(|_| Answer::Keep));
    let options = || DurableOptions::new("audit").start(BEGINNING);
    let clerk = ours.open(&shop.system).await;
    let audit = shop.bus.subscribe("s.*", &clerk).durable(options()).await.unwrap();
    let clerk = theirs.open(&shop.system).await;
    let kept = other.subscribe("s.*", &clerk).durable(options()).await.unwrap();
    shop.publish("s.1").await;
    shop.settles(&audit).await;
    theirs.wait_for(1).await;
    assert_eq!((audit.status().acknowledged, kept.status().acknowledged), (1, 0));
    assert_eq!(shop.bus.durables().await.unwrap(), ["audit"]);
    other.forget("audit").await.unwrap();
    assert!(other.durables().await.unwrap().is_empty());
    assert_eq!(shop.bus.durables().await.unwrap(), ["audit"]);
    shop.stop().await;
}

/// A dead letter with a refusal of over a mebibyte could not be written, and ended its runner over
/// and over.
#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_very_large_is_a_dead_letter_all_the_same() {
    let shop = Shop::new().await;
    let refuse =
        |_| async { Err(Error::business("no").with_detail("why", json!("n".repeat(3 << 20)))) };
    let options = DurableOptions::new("wordy").start(BEGINNING);
    let wordy = shop.bus.handle("s.*", refuse).durable(options).await.unwrap();
    shop.publish("s.1").await;
    shop.settles(&wordy).await;
    let dead = wordy.dead_letters(LogPosition::START).await.unwrap();
    assert_eq!(dead.letters[0].error.as_ref().unwrap()["code"], "no");
    shop.stop().await;
}

/// A handler that was started and given up before it consumes anything went on for good.
#[tokio::test(start_paused = true)]
async fn a_handler_that_is_given_up_while_it_is_opened_ends() {
    let shop = Shop::new().await;
    let before = shop.system.census().actors;
    let held =
        shop.log.hold(signals::testing::Operation::StoreParts, signals::testing::Moment::Before);
    let open = shop.bus.handle("s.*", async |_| Ok(())).durable("slow");
    tokio::time::timeout(Duration::from_secs(1), open).await.unwrap_err();
    drop(held);
    eventually(|| {
        let handlers = shop.system.census().actors - before;
        // The runner may be there: somebody opens it again.
        if handlers <= 1 { Ok(()) } else { Err(handlers) }
    })
    .await;
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_released_waits_for_its_next_consumer_and_charges_nobody() {
    let shop = Shop::new().await;
    let (first, second) = (Book::new(|_| Answer::Keep), Book::willing());
    let options = || DurableOptions::new("audit").start(BEGINNING);
    let clerk = first.open(&shop.system).await;
    let audit = shop.bus.subscribe("s.*", &clerk).durable(options()).await.unwrap();
    shop.publish("s.1").await;
    first.wait_for(1).await;
    let another = second.open(&shop.system).await;
    let refused = shop.bus.subscribe("s.*", &another).durable(options()).await.unwrap_err();
    assert_eq!(refused.code(), "consumer_exists");
    assert!(audit.release() && !audit.release());
    assert_eq!(audit.status().consumer, None);
    shop.publish("s.2").await;
    shop.bus.subscribe("s.*", &another).durable(options()).await.unwrap();
    second.wait_for(2).await;
    shop.settles(&audit).await;
    let tries = [("s.1".to_owned(), 1), ("s.2".to_owned(), 1)];
    assert_eq!((second.tries().as_slice(), first.seen().len()), (tries.as_slice(), 1));
    shop.stop().await;
}
