//! Parts of the bus end and begin again.

use std::pin::pin;
use std::time::Duration;

use signals::testing::{Fault, Moment, Operation, Recorder};
use signals::{Signal, SignalLog};

use crate::clerk::Book;
use crate::polled::polled;
use crate::shop::{BEGINNING, Shop};

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_doubled_when_whoever_reads_the_tail_is_killed() {
    let shop = Shop::new().await;
    let recorder = Recorder::start(&shop.system).await.unwrap();
    shop.bus.subscribe("s.**", recorder.actor()).await.unwrap();
    let mut topics = Vec::new();
    for number in 0..20 {
        let topic = format!("s.{number}");
        let mut publish = pin!(shop.bus.publish(Signal::new(topic.clone(), "/shop")));
        let moment = if number % 2 == 0 { Moment::Before } else { Moment::After };
        let hold = shop.log.hold(Operation::Read, moment);
        assert!(polled(publish.as_mut()).is_pending());
        hold.reached(1).await;
        shop.kill_tail().await;
        hold.release();
        let report = publish.await.unwrap();
        assert_eq!((report.is_complete(), report.accepted()), (true, 1), "{number}");
        topics.push(topic);
        testkit::pass(Duration::from_secs(6)).await;
    }
    assert_eq!(recorder.topics(), topics);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_publisher_whose_report_does_not_come_is_told_that_it_is_not_complete() {
    let shop = Shop::new().await;
    let recorder = Recorder::start(&shop.system).await.unwrap();
    shop.bus.subscribe("**", recorder.actor()).await.unwrap();
    let hold = shop.log.hold(Operation::Read, Moment::Before);
    let report = shop.report("one").await;
    assert!(!report.is_complete());
    assert!(report.receipts().is_empty());
    assert!(report.position().is_some());
    hold.release();
    recorder.wait_for(1).await;
    shop.stop().await;
}

/// B11: the log outlives the bus.
#[tokio::test(start_paused = true)]
async fn a_new_bus_on_a_log_begins_at_its_end_for_transient_subscribers() {
    let mut shop = Shop::new().await;
    shop.publish_many("before", 3).await;
    for _ in 0..2 {
        shop.crash().await;
        let recorder = Recorder::start(&shop.system).await.unwrap();
        shop.bus.subscribe("**", recorder.actor()).await.unwrap();
        shop.publish("after").await;
        recorder.wait_for(1).await;
        testkit::pass(Duration::from_secs(20)).await;
        assert_eq!(recorder.topics(), ["after"]);
        assert_eq!(shop.logged().await[..3], ["before.1", "before.2", "before.3"]);
        recorder.actor().kill();
        recorder.actor().exited().await;
    }
    shop.stop().await;
}

/// Symptom: the first signal of a log was never delivered. Mechanism: a bus that began with an
/// empty log took "nothing handed on" for "not begun", and when its part of the tree was restarted
/// before the first one was handed on it began behind that. It now knows whether it has begun.
#[tokio::test(start_paused = true)]
async fn the_first_signal_of_a_log_is_not_skipped_when_the_bus_restarts() {
    let shop = Shop::new().await;
    let recorder = Recorder::start(&shop.system).await.unwrap();
    shop.bus.subscribe("first", recorder.actor()).await.unwrap();
    shop.log.inject(Fault::before(Operation::Read).lasting());
    let first = Signal::new("first", "/shop").stamp(&shop.system).unwrap();
    shop.memory.append(vec![first]).await.unwrap();
    testkit::pass(Duration::from_secs(1)).await;
    shop.kill_handlers().await;
    shop.log.heal();
    shop.runs().await;
    assert_eq!(recorder.wait_for(1).await.len(), 1);
    shop.stop().await;
}

/// Symptom: a durable subscription whose consumer lives outside of the bus stood still for good
/// when the supervisor of its runner was restarted. Mechanism: that supervisor begins without
/// children, and only whoever opens a subscription started its runner. Whoever reads the tail now
/// does.
#[tokio::test(start_paused = true)]
async fn durable_subscriptions_go_on_when_the_supervisor_of_their_runners_was_restarted() {
    let shop = Shop::new().await;
    let book = Book::willing();
    let clerk = book.open(&shop.system).await;
    let options = signals::DurableOptions::new("audit").start(BEGINNING);
    let audit = shop.bus.subscribe("s.*", &clerk).durable(options).await.unwrap();
    shop.publish("s.1").await;
    book.wait_for(1).await;
    shop.settles(&audit).await;
    shop.kill_handlers().await;
    shop.runs().await;
    shop.publish("s.2").await;
    book.wait_for(2).await;
    assert_eq!(book.topics(), ["s.1", "s.2"]);
    audit.pause().await.unwrap();
    audit.resume().await.unwrap();
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_dropped_before_the_tail_was_read_is_passed_and_the_rest_is_delivered() {
    let shop = Shop::new().await;
    let recorder = Recorder::start(&shop.system).await.unwrap();
    shop.bus.subscribe("s.*", recorder.actor()).await.unwrap();
    let book = Book::willing();
    let clerk = book.open(&shop.system).await;
    let options = signals::DurableOptions::new("audit").start(BEGINNING);
    let audit = shop.bus.subscribe("s.*", &clerk).durable(options).await.unwrap();
    let hold = shop.log.hold(Operation::Read, Moment::Before);
    let ten = (1..=10).map(|number| Signal::new(format!("s.{number}"), "/shop"));
    let ten = ten.map(|draft| draft.stamp(&shop.system).unwrap()).collect();
    shop.memory.append(ten).await.unwrap();
    hold.reached(1).await;
    shop.memory.retain(signals::Retention::forever().count(2)).await.unwrap();
    hold.release();
    shop.publish("s.11").await;
    recorder.wait_for(3).await;
    assert_eq!(recorder.topics(), ["s.9", "s.10", "s.11"]);
    shop.settles(&audit).await;
    assert_eq!(book.topics(), ["s.9", "s.10", "s.11"]);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_to_be_kept_is_dropped_every_minute() {
    let retention = signals::Retention::forever().count(5);
    let shop = Shop::with(|builder| builder.retention(retention)).await;
    shop.publish_many("s", 20).await;
    assert_eq!(shop.logged().await.len(), 20);
    testkit::pass(Duration::from_secs(61)).await;
    let bounds = shop.memory.bounds().await.unwrap();
    assert_eq!((bounds.kept_after.get(), bounds.end.get()), (15, 20));
    shop.log.inject(Fault::before(Operation::Retain));
    testkit::pass(Duration::from_secs(61)).await;
    shop.publish_many("s", 3).await;
    testkit::pass(Duration::from_secs(61)).await;
    assert_eq!(shop.memory.bounds().await.unwrap().kept_after.get(), 18);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_durable_subscription_that_cannot_be_read_takes_nothing_else_along() {
    let shop = Shop::new().await;
    let recorder = Recorder::start(&shop.system).await.unwrap();
    shop.bus.subscribe("s.*", recorder.actor()).await.unwrap();
    let book = Book::willing();
    for name in ["a", "b", "c"] {
        let clerk = book.open(&shop.system).await;
        let options = signals::DurableOptions::new(name).start(BEGINNING);
        shop.bus.subscribe("s.*", &clerk).durable(options).await.unwrap();
    }
    let torn = signals::PartChange { key: "state".into(), value: Some(b"torn".to_vec()) };
    testkit::pass(Duration::from_secs(1)).await;
    shop.memory.store_parts("signals/a", vec![torn]).await.unwrap();
    shop.kill_handlers().await;
    shop.runs().await;
    testkit::pass(Duration::from_mins(1)).await;
    shop.publish("s.1").await;
    book.wait_for(2).await;
    testkit::pass(Duration::from_secs(1)).await;
    assert_eq!(book.topics(), ["s.1", "s.1"]);
    assert_eq!(recorder.topics(), ["s.1"]);
    shop.stop().await;
}
