//! The recorder writes down what comes, and does what a test tells it to.

use std::time::Duration;

use foundation::{Error, Mailbox, System};
use signals::testing::{Answer, Recorder};
use signals::{Bus, Draft, Outcome, Published, Signal, WhenFull};
use testkit::eventually;

use crate::polled::polled;

const SECOND: Duration = Duration::from_secs(1);

async fn shop() -> (System, Bus, Recorder) {
    let system = System::builder().name("shop").start().await.unwrap();
    let bus = Bus::builder().start(&system).await.unwrap();
    let recorder = Recorder::start(&system).await.unwrap();
    bus.subscribe("**", recorder.actor()).await.unwrap();
    (system, bus, recorder)
}

fn paid(number: usize) -> Draft {
    Signal::new(format!("order.{number}.paid"), "/shop")
}

/// What became of it at the only receiver.
fn outcome(report: &Published) -> String {
    match report.receipts()[0].outcome() {
        Outcome::Failed(error) => error.code().to_owned(),
        other => format!("{other:?}"),
    }
}

/// Waits until nothing is in the mailbox any more.
async fn has_taken_up_all(recorder: &Recorder) {
    eventually(|| match recorder.actor().mailbox_len() {
        0 => Ok(()),
        len => Err(format!("{len} are in the mailbox")),
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn everything_is_written_down_in_order_and_acknowledged() {
    let (system, bus, recorder) = shop().await;
    for number in 0..5 {
        assert_eq!(bus.publish(paid(number)).await.unwrap().accepted(), 1);
    }
    let report = bus.publish_and_wait(paid(5), SECOND).await.unwrap();
    assert_eq!(report.acknowledged(), 1);
    assert_eq!(recorder.wait_for(6).await.len(), 6);
    let expected: Vec<_> = (0..6).map(|number| format!("order.{number}.paid")).collect();
    assert_eq!(recorder.topics(), expected);
    let deliveries = recorder.deliveries();
    assert!(deliveries[5].signal.is_same(report.signal()));
    assert_eq!(deliveries[5].subscription, bus.subscriptions()[0].id);
    let awaited: Vec<_> = deliveries.iter().map(|delivery| delivery.was_awaited).collect();
    assert_eq!(awaited, [false, false, false, false, false, true]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_given_what_is_there_already_and_what_comes() {
    let (system, bus, recorder) = shop().await;
    assert!(recorder.wait_for(0).await.is_empty());
    let (later, waiting) = (bus.clone(), recorder.clone());
    system.executor("later").execute(async move {
        waiting.wait_for(1).await;
        assert_eq!(later.publish(paid(2)).await.unwrap().accepted(), 1);
    });
    assert_eq!(bus.publish(paid(1)).await.unwrap().accepted(), 1);
    assert_eq!(recorder.wait_for(2).await.len(), 2);
    assert_eq!(recorder.wait_for(1).await.len(), 2, "all that is there is given");
    recorder.clear();
    assert!(recorder.signals().is_empty());
    assert_eq!(bus.publish(paid(3)).await.unwrap().accepted(), 1);
    assert_eq!(recorder.wait_for(1).await[0].topic().as_str(), "order.3.paid");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_is_told_what_there_was() {
    let (system, bus, recorder) = shop().await;
    assert_eq!(bus.publish(paid(1)).await.unwrap().accepted(), 1);
    recorder.wait_for(1).await;
    let mut waiting = Box::pin(recorder.wait_for_within(2, SECOND));
    assert!(polled(waiting.as_mut()).is_pending());
    testkit::pass(2 * SECOND).await;
    let said = testkit::panics(|| polled(waiting.as_mut()));
    assert_eq!(said, "1 of 2 signals came within 1s: [\"order.1.paid\"]");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_is_held_is_a_slow_receiver() {
    let system = System::builder().name("shop").start().await.unwrap();
    let bus = Bus::builder().start(&system).await.unwrap();
    let recorder = Recorder::start_with(&system, "slow", |spec| spec.mailbox(Mailbox::bounded(2)));
    let recorder = recorder.await.unwrap();
    bus.subscribe("**", recorder.actor()).when_full(WhenFull::LeaveOut).await.unwrap();
    recorder.hold();
    assert_eq!(bus.publish(paid(0)).await.unwrap().accepted(), 1);
    has_taken_up_all(&recorder).await;
    let mut outcomes = Vec::new();
    for number in 1..4 {
        outcomes.push(outcome(&bus.publish(paid(number)).await.unwrap()));
    }
    assert_eq!(outcomes, ["Accepted", "Accepted", "LeftOut"]);
    assert!(recorder.signals().is_empty(), "what it has not taken up is not written down");
    recorder.release();
    recorder.wait_for(3).await;
    assert_eq!(recorder.topics(), ["order.0.paid", "order.1.paid", "order.2.paid"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_recorder_that_is_held_does_not_hold_up_the_end_of_its_system() {
    let (system, bus, recorder) = shop().await;
    recorder.hold();
    assert_eq!(bus.publish(paid(1)).await.unwrap().accepted(), 1);
    has_taken_up_all(&recorder).await;
    let started = tokio::time::Instant::now();
    system.stop().await.unwrap();
    assert!(started.elapsed() < SECOND, "it ends when it is asked to");
    assert!(recorder.signals().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_of_one_signal() {
    let (system, bus, recorder) = shop().await;
    recorder.refuse_next(Error::business("out_of_stock"));
    recorder.refuse_next(Error::business("out_of_money"));
    let mut outcomes = Vec::new();
    for number in 0..3 {
        outcomes.push(outcome(&bus.publish_and_wait(paid(number), SECOND).await.unwrap()));
    }
    assert_eq!(outcomes, ["out_of_stock", "out_of_money", "Acknowledged"]);
    assert_eq!(recorder.signals().len(), 3, "what is refused is written down too");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn it_answers_as_it_was_told_to() {
    let (system, bus, recorder) = shop().await;
    recorder.answer(Answer::Drop);
    let report = bus.publish_and_wait(paid(0), SECOND).await.unwrap();
    assert_eq!(outcome(&report), "no_reply");
    recorder.answer(Answer::Keep);
    let report = bus.publish_and_wait(paid(1), SECOND).await.unwrap();
    assert_eq!(outcome(&report), "timeout");
    let answering = recorder.clone();
    system.executor("answering").execute(async move {
        answering.wait_for(4).await;
        for delivery in answering.take_kept().into_iter().rev() {
            delivery.acknowledge();
        }
    });
    let (one, other) =
        tokio::join!(bus.publish_and_wait(paid(2), SECOND), bus.publish_and_wait(paid(3), SECOND));
    assert_eq!((one.unwrap().acknowledged(), other.unwrap().acknowledged()), (1, 1));
    assert!(recorder.take_kept().is_empty());
    recorder.answer(Answer::Acknowledge);
    let report = bus.publish_and_wait(paid(4), SECOND).await.unwrap();
    assert_eq!(outcome(&report), "Acknowledged");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_written_down_outlives_a_panic() {
    let (system, bus, recorder) = shop().await;
    recorder.panic_next();
    let report = bus.publish_and_wait(paid(0), SECOND).await.unwrap();
    assert_eq!(outcome(&report), "actor_stopped");
    recorder.actor().exited().await;
    let recorder = recorder.start_again(&system).await.unwrap();
    assert!(bus.subscriptions().is_empty(), "its subscription was that of the incarnation");
    bus.subscribe("order.*.paid", recorder.actor()).await.unwrap();
    assert_eq!(bus.publish_and_wait(paid(1), SECOND).await.unwrap().acknowledged(), 1);
    assert_eq!(recorder.topics(), ["order.0.paid", "order.1.paid"]);
    system.stop().await.unwrap();
}
