//! A log that does not answer.

use std::time::Duration;

use foundation::Error;
use signals::testing::{Moment, Operation};
use signals::{Bus, DurableOptions, LogPosition, Signal, SignalLog};
use tokio::time::Instant;

use super::Followed;
use crate::clerk::Book;
use crate::shop::{BEGINNING, Shop};

/// What a call of the log may take, and a bit more.
const DEADLINE: Duration = Duration::from_secs(30);
const SOON: Duration = Duration::from_secs(32);

/// That a call of the log was given up: which, and after how long.
fn given_up(error: &Error) -> (String, serde_json::Value, serde_json::Value) {
    let detail = |name: &str| error.details()[name].clone();
    (error.code().to_owned(), detail("call"), detail("after_ms"))
}

#[tokio::test(start_paused = true)]
async fn a_log_that_hangs_for_minutes_is_outlasted_whatever_it_hangs_in() {
    for &operation in Operation::ALL {
        for moment in [Moment::Before, Moment::After] {
            let followed = Followed::begin().await;
            let shop = &followed.shop;
            let hold = shop.log.hold(operation, moment);
            let began = Instant::now();
            let _ = shop.bus.publish(Signal::new("s.2", "/shop")).await;
            assert!(began.elapsed() < SOON, "{operation:?} {moment:?}");
            testkit::pass(Duration::from_mins(3)).await;
            hold.release();
            followed.has_everything(&format!("{operation:?} {moment:?}")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_publisher_is_told_that_the_log_does_not_answer_and_the_signal_may_be_there() {
    for (moment, is_there) in [(Moment::Before, false), (Moment::After, true)] {
        let shop = Shop::new().await;
        let hold = shop.log.hold(Operation::Append, moment);
        let began = Instant::now();
        let error = shop.bus.publish(Signal::new("s.1", "/shop")).await.unwrap_err();
        assert_eq!(began.elapsed(), DEADLINE);
        assert_eq!(given_up(&error), ("timeout".into(), "append".into(), 30_000.into()));
        assert!(error.is_retryable());
        hold.release();
        // By its id it can be found out whether it is there.
        let id = error.details()["signal"].as_str().unwrap().to_owned();
        let page = shop.memory.read(LogPosition::START, 10).await.unwrap();
        let has_it = page.entries.iter().any(|entry| entry.signal.id().to_string() == id);
        assert_eq!(has_it, is_there);
        shop.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_the_first_is_named() {
    let shop = Shop::new().await;
    let _hold = shop.log.hold(Operation::Append, Moment::Before);
    let one = |topic: &'static str| Signal::new(topic, "/shop").id(topic).build().unwrap();
    let error = shop.bus.publish_all([one("s.1"), one("s.2")]).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["signal"]), ("timeout", &"s.1".into()));
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_opens_a_durable_subscription_is_told_too_and_the_next_one_is_not_held_up() {
    let shop = Shop::with(|builder| builder.log_deadline(Duration::from_secs(2))).await;
    let book = Book::willing();
    let clerk = book.open(&shop.system).await;
    let hold = shop.log.hold(Operation::LoadPart, Moment::Before);
    let options = || DurableOptions::new("audit").start(BEGINNING);
    let error = shop.bus.subscribe("s.*", &clerk).durable(options()).await.unwrap_err();
    assert_eq!(given_up(&error), ("timeout".into(), "load_part".into(), 2000.into()));
    let error = shop.bus.durable("audit").await.unwrap_err();
    assert_eq!(given_up(&error), ("timeout".into(), "load_part".into(), 2000.into()));
    hold.release();
    let audit = shop.bus.subscribe("s.*", &clerk).durable(options()).await.unwrap();
    shop.publish("s.1").await;
    shop.settles(&audit).await;
    assert_eq!(book.topics(), ["s.1"]);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_log_that_may_take_longer_may_do_so_where_something_begins_too() {
    let shop = Shop::with(|builder| builder.log_deadline(Duration::from_mins(1))).await;
    let book = Book::willing();
    let clerk = book.open(&shop.system).await;
    let hold = shop.log.hold(Operation::StoreParts, Moment::Before);
    let options = DurableOptions::new("audit").start(BEGINNING);
    let opening = shop.bus.subscribe("s.*", &clerk).durable(options);
    let (audit, ()) = tokio::join!(opening, async {
        hold.reached(1).await;
        testkit::pass(Duration::from_secs(40)).await;
        hold.release();
    });
    shop.publish("s.1").await;
    shop.settles(&audit.unwrap()).await;
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_bus_whose_log_would_have_no_time_is_not_made() {
    let shop = Shop::new().await;
    let builder = Bus::builder().name("other").log_deadline(Duration::ZERO);
    let error = builder.build(&shop.system).unwrap_err();
    assert_eq!(
        (error.code(), &error.details()["field"]),
        ("invalid_options", &"log_deadline".into())
    );
    shop.stop().await;
}
