//! What a publisher learns, and what is in the log.

use std::time::Duration;

use async_trait::async_trait;
use foundation::{Error, Mailbox, RateLimit, Result};
use signals::testing::{Fault, Moment, Operation, Recorder};
use signals::{Middleware, Outcome, Signal, SignalLog, WhenFull};

use crate::polled::polled;
use crate::shop::Shop;

const SECOND: Duration = Duration::from_secs(1);

fn signal(topic: &str) -> signals::Draft {
    Signal::new(topic.to_owned(), "/shop")
}

async fn recorder(shop: &Shop, name: &str) -> Recorder {
    let recorder = Recorder::start_with(&shop.system, name, |spec| spec).await.unwrap();
    shop.bus.subscribe("**", recorder.actor()).name(name).await.unwrap();
    recorder
}

#[tokio::test(start_paused = true)]
async fn nothing_is_delivered_before_it_is_in_the_log() {
    let shop = Shop::new().await;
    let recorder = recorder(&shop, "a").await;
    let hold = shop.log.hold(Operation::Append, Moment::Before);
    let mut publish = Box::pin(shop.bus.publish(signal("one")));
    assert!(polled(publish.as_mut()).is_pending());
    hold.reached(1).await;
    testkit::pass(SECOND).await;
    assert!(recorder.signals().is_empty());
    hold.release();
    let report = publish.await.unwrap();
    assert_eq!((report.accepted(), report.position()), (1, Some(shop.end().await)));
    assert!(report.is_complete());
    recorder.wait_for(1).await;
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_delivered_is_read_from_the_tail_whoever_appended_it() {
    let shop = Shop::new().await;
    let recorder = recorder(&shop, "a").await;
    let hold = shop.log.hold(Operation::Read, Moment::Before);
    let mut publish = Box::pin(shop.bus.publish(signal("ours")));
    assert!(polled(publish.as_mut()).is_pending());
    hold.reached(1).await;
    assert_eq!(shop.logged().await, ["ours"]);
    assert!(recorder.signals().is_empty(), "it was not read yet");
    let other = signal("theirs").stamp(&shop.system).unwrap();
    shop.memory.append(vec![other]).await.unwrap();
    hold.release();
    assert_eq!(publish.await.unwrap().accepted(), 1);
    recorder.wait_for(2).await;
    assert_eq!(recorder.topics(), ["ours", "theirs"]);
    assert_eq!(shop.bus.stats().published, 2);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_report_names_transient_receivers_and_their_outcomes() {
    let shop = Shop::new().await;
    let (a, b) = (recorder(&shop, "a").await, recorder(&shop, "b").await);
    b.refuse_next(Error::business("out_of_stock"));
    let report = shop.bus.publish_and_wait(signal("one"), SECOND).await.unwrap();
    assert_eq!((report.accepted(), report.acknowledged()), (1, 1));
    let (receipt, error) = report.failures().next().unwrap();
    assert_eq!((receipt.name(), error.code()), (Some("b"), "out_of_stock"));
    assert!(report.position().is_some());
    a.hold();
    let report = shop.bus.publish_and_wait(signal("two"), SECOND).await.unwrap();
    let codes: Vec<_> = report.failures().map(|(_, error)| error.code().to_owned()).collect();
    assert_eq!(codes, ["timeout"]);
    a.release();
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_receiver_without_room_is_left_out_whatever_it_says_and_the_signal_is_logged() {
    let shop = Shop::new().await;
    let slow = Recorder::start_with(&shop.system, "slow", |spec| {
        spec.mailbox(Mailbox::bounded(1).overflow(foundation::Overflow::Reject))
    });
    let slow = slow.await.unwrap();
    shop.bus.subscribe("**", slow.actor()).when_full(WhenFull::Refuse).await.unwrap();
    let other = recorder(&shop, "other").await;
    slow.hold();
    let mut left_out = 0;
    for number in 0..5 {
        let report = shop.report(format!("s.{number}")).await;
        let is_left_out = |receipt: &&signals::Receipt| {
            matches!(receipt.outcome(), Outcome::LeftOut) && receipt.receiver() == "slow"
        };
        left_out += report.receipts().iter().filter(is_left_out).count();
    }
    assert!(left_out >= 3, "{left_out}");
    assert_eq!(other.wait_for(5).await.len(), 5);
    assert_eq!(shop.logged().await.len(), 5);
    assert_eq!(shop.bus.stats().refused, 0);
    slow.release();
    shop.stop().await;
}

#[derive(Debug)]
struct Refusing;

#[async_trait]
impl Middleware for Refusing {
    fn name(&self) -> &'static str {
        "refusing"
    }

    async fn before_publish(&self, signal: Signal) -> Result<Signal> {
        if signal.topic().as_str() == "bad" {
            return Err(Error::business("bad"));
        }
        Ok(signal)
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_refused_before_it_is_in_the_log() {
    let rate = RateLimit::window(4, Duration::from_mins(1));
    let shop = Shop::with(|builder| builder.middleware(Refusing).rate(rate)).await;
    let recorder = recorder(&shop, "a").await;
    let refused = shop.bus.publish(signal("bad")).await.unwrap_err();
    assert_eq!(refused.code(), "bad");
    let both = [signal("good"), signal("bad")];
    let refused = shop.bus.publish_all(both).await.unwrap_err();
    assert_eq!((refused.code(), refused.details()["index"].as_u64()), ("bad", Some(1)));
    assert!(shop.bus.publish(signal("good")).await.is_ok());
    let refused = shop.bus.publish(signal("good")).await.unwrap_err();
    assert_eq!(refused.code(), "rate_limited");
    assert_eq!(shop.logged().await, ["good"]);
    assert_eq!(recorder.wait_for(1).await.len(), 1);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn when_the_log_fails_what_is_in_it_is_delivered_and_nothing_else() {
    let shop = Shop::new().await;
    let recorder = recorder(&shop, "a").await;
    shop.log.inject(Fault::before(Operation::Append));
    assert_eq!(shop.bus.publish(signal("one")).await.unwrap_err().code(), "log_fault");
    shop.log.inject(Fault::after(Operation::Append));
    assert_eq!(shop.bus.publish(signal("two")).await.unwrap_err().code(), "log_fault");
    shop.publish("three").await;
    assert_eq!(shop.logged().await, ["two", "three"]);
    recorder.wait_for(2).await;
    assert_eq!(recorder.topics(), ["two", "three"]);
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn signals_that_are_published_together_are_in_the_log_together_or_not_at_all() {
    let shop = Shop::new().await;
    let recorder = recorder(&shop, "a").await;
    let three = || ["a", "b", "c"].map(signal);
    shop.log.inject(Fault::before(Operation::Append));
    shop.bus.publish_all(three()).await.unwrap_err();
    assert_eq!(shop.logged().await, Vec::<String>::new());
    let reports = shop.bus.publish_all(three()).await.unwrap();
    let positions: Vec<_> = reports.iter().map(|report| report.position().unwrap().get()).collect();
    assert_eq!(positions, [1, 2, 3]);
    assert!(reports.iter().all(|report| report.is_complete() && report.accepted() == 1));
    recorder.wait_for(3).await;
    assert_eq!(recorder.topics(), ["a", "b", "c"]);
    assert!(shop.bus.publish_all(Vec::<signals::Draft>::new()).await.unwrap().is_empty());
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn all_receivers_see_the_order_of_the_log() {
    let shop = Shop::new().await;
    let (a, b) = (recorder(&shop, "a").await, recorder(&shop, "b").await);
    let publishers = (0..8).map(|publisher| {
        let bus = shop.bus.clone();
        async move {
            for number in 0..20 {
                let _ = bus.publish(signal(&format!("p{publisher}.{number}"))).await.unwrap();
            }
        }
    });
    futures_util::future::join_all(publishers).await;
    a.wait_for(160).await;
    b.wait_for(160).await;
    assert_eq!(a.topics(), shop.logged().await);
    assert_eq!(b.topics(), a.topics());
    shop.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_publisher_gave_up_is_delivered_all_the_same_and_counted() {
    let shop = Shop::new().await;
    let recorder = recorder(&shop, "a").await;
    {
        let hold = shop.log.hold(Operation::Read, Moment::After);
        let mut publish = Box::pin(shop.bus.publish(signal("one")));
        assert!(polled(publish.as_mut()).is_pending());
        hold.reached(1).await;
    }
    recorder.wait_for(1).await;
    assert_eq!(shop.bus.stats().published, 1);
    shop.publish("two").await;
    recorder.wait_for(2).await;
    assert_eq!((shop.bus.stats().published, shop.bus.stats().accepted), (2, 2));
    shop.stop().await;
}

/// The request of somebody who waits for itself is refused at once, whoever delivers it.
#[tokio::test(start_paused = true)]
async fn an_actor_that_waits_for_its_own_acknowledgement_is_told_so() {
    struct Selfish(signals::Bus);
    enum Message {
        Signal(signals::Delivery),
        Publish(foundation::Reply<Vec<String>>),
    }
    impl From<signals::Delivery> for Message {
        fn from(delivery: signals::Delivery) -> Self {
            Self::Signal(delivery)
        }
    }
    impl foundation::Actor for Selfish {
        type Args = signals::Bus;
        type Message = Message;
        async fn init(
            bus: signals::Bus,
            cx: &mut foundation::Context<Self>,
        ) -> foundation::Result<foundation::Init<Self>> {
            bus.subscribe("s.*", &cx.me()).await?;
            Ok(foundation::Init::Ready(Self(bus)))
        }
        async fn handle(
            &mut self,
            message: Message,
            _: &mut foundation::Context<Self>,
        ) -> foundation::Result<foundation::Flow> {
            match message {
                Message::Signal(delivery) => delivery.acknowledge(),
                Message::Publish(reply) => {
                    let signal = Signal::new("s.1", "/self");
                    let report = self.0.publish_and_wait(signal, Duration::from_secs(3)).await?;
                    let codes = report.failures().map(|(_, error)| error.code().to_owned());
                    reply.send(codes.collect());
                }
            }
            Ok(foundation::Flow::Continue)
        }
    }
    let shop = Shop::new().await;
    let spec = foundation::ChildSpec::<Selfish>::actor("selfish", shop.bus.clone());
    let selfish = shop.system.start(spec).await.unwrap();
    let started = tokio::time::Instant::now();
    assert_eq!(selfish.ask(Message::Publish).await.unwrap(), ["calling_self"]);
    assert!(started.elapsed() < Duration::from_secs(1));
    shop.stop().await;
}

/// All of a batch wait for one moment, and not for one each.
#[tokio::test(start_paused = true)]
async fn a_batch_that_nobody_hands_on_is_given_up_at_once() {
    let shop = Shop::new().await;
    let held = shop.log.hold(signals::testing::Operation::Read, signals::testing::Moment::Before);
    let started = tokio::time::Instant::now();
    let batch = (0..100).map(|_| Signal::new("s.1", "/shop"));
    let published = shop.bus.publish_all(batch).await.unwrap();
    assert!(published.iter().all(|one| !one.is_complete() && one.position().is_some()));
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    drop(held);
    testkit::pass(Duration::from_secs(1)).await;
    assert_eq!(shop.bus.stats().published, 100, "each once");
    shop.stop().await;
}
