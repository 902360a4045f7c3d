//! Who opens a durable subscription, again, and with what.

use foundation::{ActorRef, DynamicSupervisor};
use signals::{DurableOptions, LogPosition, Signal, WhenFull};

use super::{SECOND, audit, consume};
use crate::clerk::{Answer, Book, Clerk};
use crate::shop::{BEGINNING, Shop};

async fn refused(shop: &Shop, patterns: &[&str], clerk: &ActorRef<Clerk>) -> String {
    let refused = shop.bus.subscribe(patterns, clerk).durable(audit()).await.unwrap_err();
    refused.code().to_owned()
}

/// Symptom: a consumer that was refused changed what the subscription was about. Mechanism: the
/// terms were taken over before it was looked whether anybody consumes it.
#[tokio::test(start_paused = true)]
async fn a_second_consumer_is_refused_and_changes_nothing() {
    let shop = Shop::new().await;
    let book = Book::willing();
    let durable = consume(&shop, &book, audit()).await;
    let other = Book::willing().open(&shop.system).await;
    assert_eq!(refused(&shop, &["other.*"], &other).await, "consumer_exists");
    shop.publish("other.1").await;
    shop.publish("s.1").await;
    shop.settles(&durable).await;
    assert_eq!(book.topics(), ["s.1"]);
    assert_eq!(durable.status().patterns[0].as_str(), "s.*");
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_many_that_come_at_once_one_consumes() {
    let shop = Shop::new().await;
    let book = Book::willing();
    let mut clerks = Vec::new();
    for _ in 0..8 {
        clerks.push(book.open(&shop.system).await);
    }
    let opened = clerks.iter().map(|clerk| shop.bus.subscribe("s.*", clerk).durable(audit()));
    let opened = futures_util::future::join_all(opened).await;
    let durables: Vec<_> = opened.iter().filter_map(|one| one.as_ref().ok()).collect();
    assert_eq!(durables.len(), 1);
    let topics = shop.publish_many("s", 5).await;
    shop.settles(durables[0]).await;
    assert_eq!(book.topics(), topics);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_whose_consumer_has_ended_already_is_refused_and_the_next_is_not() {
    let shop = Shop::new().await;
    let book = Book::willing();
    let gone = book.open(&shop.system).await;
    gone.kill();
    gone.exited().await;
    assert_eq!(refused(&shop, &["s.*"], &gone).await, "no_process");
    let durable = consume(&shop, &book, audit()).await;
    shop.publish("s.1").await;
    shop.settles(&durable).await;
    assert_eq!(book.topics(), ["s.1"]);
    shop.stop().await;
}

/// Symptom: options of a consumer that came later were not used. Mechanism: the runner took them
/// when it began, which may be for somebody who only looks after the subscription. It now takes
/// them over.
#[tokio::test(start_paused = true)]
async fn options_and_patterns_of_the_latest_consumer_count_and_survive() {
    let mut shop = Shop::new().await;
    let book = Book::willing();
    consume(&shop, &book, audit()).await;
    shop.crash().await;
    let looked_after = shop.bus.durable("audit").await.unwrap();
    let book = Book::new(|_| Answer::Keep);
    let clerk = book.open(&shop.system).await;
    let options = audit().max_in_flight(1).max_attempts(2);
    let patterns = ["s.*", "t.*"];
    shop.bus.subscribe(patterns, &clerk).durable(options).await.unwrap();
    shop.publish_many("s", 3).await;
    shop.publish_many("t", 1).await;
    book.wait_for(1).await;
    testkit::pass(SECOND).await;
    assert_eq!(book.topics(), ["s.1"]);
    book.rule(|_| Answer::Refuse);
    shop.settles(&looked_after).await;
    assert_eq!(looked_after.status().dead_letters, 4);
    assert_eq!(book.tries().iter().map(|(_, attempt)| *attempt).max(), Some(2));
    shop.crash().await;
    let looked_after = shop.bus.durable("audit").await.unwrap();
    testkit::pass(SECOND).await;
    let patterns = looked_after.status().patterns;
    assert_eq!(patterns.iter().map(signals::Pattern::as_str).collect::<Vec<_>>(), ["s.*", "t.*"]);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn other_patterns_count_from_where_it_has_read_to() {
    let shop = Shop::new().await;
    let book = Book::willing();
    let clerk = book.open(&shop.system).await;
    let durable = shop.bus.subscribe("s.*", &clerk).durable(audit()).await.unwrap();
    shop.publish("s.1").await;
    shop.settles(&durable).await;
    clerk.kill();
    clerk.exited().await;
    let clerk = book.open(&shop.system).await;
    shop.bus.subscribe(["t.*", "**.both"], &clerk).durable(audit()).await.unwrap();
    for topic in ["s.2", "t.1", "t.both"] {
        shop.publish(topic).await;
    }
    shop.settles(&durable).await;
    assert_eq!(book.topics(), ["s.1", "t.1", "t.both"], "each once");
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_was_forgotten_is_gone_and_begins_anew() {
    let shop = Shop::new().await;
    let book = Book::new(|_| Answer::Reject);
    let clerk = book.open(&shop.system).await;
    let durable = shop.bus.subscribe("s.*", &clerk).durable(audit()).await.unwrap();
    shop.publish_many("s", 3).await;
    shop.settles(&durable).await;
    shop.bus.forget("audit").await.unwrap();
    assert!(shop.bus.durables().await.unwrap().is_empty());
    assert_eq!(shop.bus.durable("audit").await.unwrap_err().code(), "no_such_subscription");
    assert_eq!(shop.bus.forget("audit").await.unwrap_err().code(), "no_such_subscription");
    shop.publish("s.4").await;
    testkit::pass(20 * SECOND).await;
    assert_eq!(book.topics().len(), 3, "nothing more comes");
    assert!(clerk.is_alive(), "an actor of somebody else goes on");
    assert!(shop.bus.durables().await.unwrap().is_empty());
    book.rule(|_| Answer::Acknowledge);
    book.clear();
    let durable = shop.bus.subscribe("s.*", &clerk).durable(audit()).await.unwrap();
    shop.settles(&durable).await;
    assert_eq!((book.topics().len(), durable.status().dead_letters), (4, 0));
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_ends_with_the_subscription_that_is_forgotten() {
    let shop = Shop::new().await;
    let handler = shop.bus.handle("s.*", async |_| Ok(()));
    let durable = handler.durable(audit()).await.unwrap();
    shop.publish("s.1").await;
    shop.settles(&durable).await;
    assert!(durable.status().consumer.is_some());
    let handlers = shop.tree.child::<DynamicSupervisor>("signals.handlers").await.unwrap();
    assert_eq!(handlers.which_children().unwrap().len(), 2, "its runner and the handler");
    shop.bus.forget("audit").await.unwrap();
    assert_eq!(durable.status().consumer, None);
    assert_eq!(handlers.which_children().unwrap().len(), 0);
    let again = shop.bus.handle("s.*", async |_| Ok(())).durable(audit()).await.unwrap();
    shop.settles(&again).await;
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_with_the_option_that_cannot() {
    let shop = Shop::new().await;
    let clerk = Book::willing().open(&shop.system).await;
    let zero = std::time::Duration::ZERO;
    for (field, options) in [
        ("name", DurableOptions::new("")),
        ("name", DurableOptions::new("a b")),
        ("max_in_flight", audit().max_in_flight(0)),
        ("max_in_flight", audit().max_in_flight(10_001)),
        ("ack_deadline", audit().ack_deadline(zero)),
        ("max_attempts", audit().max_attempts(0)),
        ("max_dead_letters", audit().max_dead_letters(0)),
    ] {
        let refused = shop.bus.subscribe("s.*", &clerk).durable(options).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.details()["field"].as_str()),
            ("invalid_options", Some(field))
        );
    }
    let subscribe = shop.bus.subscribe("s.*", &clerk).when_full(WhenFull::LeaveOut);
    assert_eq!(subscribe.durable(audit()).await.unwrap_err().code(), "invalid_options");
    let bus = signals::Bus::builder().name("plain").start(&shop.system).await.unwrap();
    let refused = bus.subscribe("s.*", &clerk).durable(audit()).await.unwrap_err();
    assert_eq!(refused.code(), "no_log");
    assert_eq!(bus.durables().await.unwrap_err().code(), "no_log");
    assert!(shop.bus.durables().await.unwrap().is_empty());
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_made_leaves_nothing_behind() {
    let shop = Shop::new().await;
    let book = Book::willing();
    let clerk = book.open(&shop.system).await;
    for operation in
        [signals::testing::Operation::LoadPart, signals::testing::Operation::StoreParts]
    {
        shop.log.inject(signals::testing::Fault::before(operation));
        let refused = shop.bus.subscribe("s.*", &clerk).durable(audit()).await.unwrap_err();
        assert_eq!(refused.code(), "log_fault");
        assert!(shop.bus.durables().await.unwrap().is_empty(), "{operation:?}");
    }
    let durable = shop.bus.subscribe("s.*", &clerk).durable(audit()).await.unwrap();
    let _ = shop.bus.publish(Signal::new("s.1", "/shop")).await.unwrap();
    shop.settles(&durable).await;
    assert_eq!(durable.status().cursor, LogPosition::new(1));
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn there_are_only_as_many_as_there_may_be_whether_they_are_open_or_not() {
    let mut shop = Shop::with(|builder| builder.max_durables(2)).await;
    let book = Book::willing();
    let named = |name: &str| DurableOptions::new(name).start(BEGINNING);
    consume(&shop, &book, named("one")).await;
    consume(&shop, &book, named("two")).await;
    let clerk = book.open(&shop.system).await;
    let third = || shop.bus.subscribe("s.*", &clerk).durable(named("three"));
    let error = third().await.unwrap_err();
    assert_eq!(
        (error.code(), &error.details()["max_durables"]),
        ("too_many_subscriptions", &2.into())
    );
    assert_eq!(shop.bus.durables().await.unwrap(), ["one", "two"]);
    shop.bus.forget("one").await.unwrap();
    third().await.unwrap();
    // Those that nobody has opened since count too, and can be opened.
    shop.crash_with(|builder| builder.max_durables(2)).await;
    let clerk = book.open(&shop.system).await;
    let error = shop.bus.subscribe("s.*", &clerk).durable(named("four")).await.unwrap_err();
    assert_eq!(error.code(), "too_many_subscriptions");
    consume(&shop, &book, named("two")).await;
    consume(&shop, &book, named("three")).await;
    shop.stop().await;
}
