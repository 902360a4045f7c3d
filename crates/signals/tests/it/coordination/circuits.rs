//! A receiver that hangs or fails is left alone for a while, and nothing is lost meanwhile.
//! COORD-4.

use std::time::Duration;

use foundation::{CircuitState, Mailbox, Overflow};
use tokio::time::Instant;

use super::*;

/// Has the circuit of a receiver that hangs open.
async fn open(coordination: &Coordination) {
    for number in 0..5 {
        assert_eq!(circuit(coordination), (CircuitState::Closed, u32::try_from(number).unwrap()));
        let began = Instant::now();
        assert_eq!(buffered(coordination.delegate("a", "b", numbered(number)).await), "timeout");
        assert_eq!(began.elapsed(), Duration::from_secs(1));
    }
    assert_eq!(circuit(coordination).0, CircuitState::Open);
}

fn circuit(coordination: &Coordination) -> (CircuitState, u32) {
    let receiver = coordination.receiver("b").unwrap();
    (receiver.circuit, receiver.failures)
}

fn numbers(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("n.{number}")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_is_left_alone_and_gets_everything_in_order_when_it_is_back() {
    // COORD-4
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    open(&coordination).await;
    let began = Instant::now();
    for number in 5..110 {
        let outcome = coordination.delegate("a", "b", numbered(number)).await;
        let Ok(Coordinated::Buffered(error)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(error.code(), "circuit_open");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(places(&coordination), [100, 0, 0, 10]);
    assert_eq!(coordination.stats().overflowed, 10);
    let letters = coordination.dead_letters().list(100);
    let topics: Vec<_> = letters.iter().map(|letter| letter.signal.topic().as_str()).collect();
    assert_eq!(topics, numbers(0..10));
    assert!(letters.iter().all(|letter| letter.reason.code() == "buffer_overflowed"));
    // It is back; but it is left alone as long as the circuit is open.
    until.notify_one();
    pause(Duration::from_millis(29_999)).await;
    assert!(script.log.entries().is_empty());
    pause(Duration::from_millis(2)).await;
    assert_eq!(script.log.entries(), numbers(10..110));
    assert_eq!(circuit(&coordination), (CircuitState::Closed, 0));
    pause(Duration::from_mins(10)).await;
    assert_eq!(script.log.entries().len(), 100);
    assert_eq!(places(&coordination), [0, 0, 0, 10]);
    acknowledged(coordination.delegate("a", "b", signal("next")).await);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn five_messages_at_the_same_time_are_five_failures() {
    let (system, coordination) = started().await;
    let (b, _) = agent(&system, &coordination, "b").await;
    let _until = hang(&b).await;
    let began = Instant::now();
    let sent = coordination.distribute("a", (0..5).map(|number| ("b", numbered(number)))).await;
    for one in sent.unwrap() {
        assert_eq!(buffered(one.outcome), "timeout");
    }
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    assert_eq!(circuit(&coordination).0, CircuitState::Open);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_back_before_its_circuit_opens_handles_what_it_was_offered() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    for number in 0..4 {
        assert_eq!(buffered(coordination.delegate("a", "b", numbered(number)).await), "timeout");
    }
    let next = coordination.delegate("a", "b", numbered(4)).into_future();
    let back = async {
        pause(Duration::from_millis(500)).await;
        until.notify_one();
    };
    let (outcome, ()) = tokio::join!(next, back);
    acknowledged(outcome);
    assert_eq!(script.log.entries(), numbers(0..5));
    assert_eq!(circuit(&coordination), (CircuitState::Closed, 0));
    assert_eq!(coordination.stats().late, 4);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_opens_the_circuit_again_and_is_not_sent_twice() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    open(&coordination).await;
    script.next([Does::Take(Duration::from_secs(10))]);
    until.notify_one();
    pause(Duration::from_millis(30_500)).await;
    assert_eq!(script.log.entries(), numbers(0..1));
    assert_eq!(circuit(&coordination).0, CircuitState::HalfOpen);
    pause(Duration::from_secs(1)).await;
    assert_eq!(circuit(&coordination).0, CircuitState::Open);
    assert_eq!(places(&coordination), [4, 0, 1, 0]);
    pause(Duration::from_secs(29)).await;
    // The probe was acknowledged late, which changes nothing.
    assert_eq!(places(&coordination), [4, 0, 0, 0]);
    assert_eq!(script.log.entries(), numbers(0..1));
    pause(Duration::from_secs(2)).await;
    assert_eq!(script.log.entries(), numbers(0..5));
    assert_eq!(circuit(&coordination).0, CircuitState::Closed);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_for_long_is_offered_one_message_in_its_mailbox_and_no_more() {
    let builder = Coordination::builder().keep_for(Duration::from_hours(2));
    let (system, coordination) = started_with(builder).await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    open(&coordination).await;
    pause(Duration::from_hours(1)).await;
    assert_eq!(b.mailbox_len(), 5);
    assert_eq!(places(&coordination), [5, 0, 0, 0]);
    until.notify_one();
    pause(Duration::from_secs(40)).await;
    assert_eq!(script.log.entries(), numbers(0..5));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_offered_one_by_one_and_no_more_after_a_failure() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    open(&coordination).await;
    script.next([Does::Acknowledge, Does::Refuse, Does::Fail]);
    until.notify_one();
    pause(Duration::from_millis(30_100)).await;
    assert_eq!(script.log.entries(), numbers(0..3));
    assert_eq!(circuit(&coordination).0, CircuitState::Open);
    assert_eq!(places(&coordination), [2, 0, 0, 2]);
    let letters = coordination.dead_letters().list(10);
    let reasons: Vec<_> = letters.iter().map(|letter| letter.reason.code()).collect();
    assert_eq!(reasons, ["not_mine", "bank_unreachable"]);
    // What comes meanwhile is behind what is kept.
    assert_eq!(buffered(coordination.delegate("a", "b", numbered(5)).await), "circuit_open");
    pause(Duration::from_secs(31)).await;
    assert_eq!(script.log.entries(), numbers(0..6));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn while_a_probe_is_under_way_nothing_else_is() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    open(&coordination).await;
    script.then(Does::Keep);
    until.notify_one();
    pause(Duration::from_millis(30_100)).await;
    assert_eq!(script.log.entries(), numbers(0..1));
    let meanwhile = coordination.delegate("a", "b", numbered(5)).await;
    let Ok(Coordinated::Buffered(error)) = meanwhile else { panic!("{meanwhile:?}") };
    assert_eq!((error.code(), error.retry_after()), ("circuit_open", None));
    script.kept.lock().unwrap().pop().unwrap().acknowledge();
    settle().await;
    assert_eq!(script.log.entries(), numbers(0..2));
    script.then(Does::Acknowledge);
    script.kept.lock().unwrap().pop().unwrap().acknowledge();
    settle().await;
    assert_eq!(script.log.entries(), numbers(0..6));
    assert_eq!(circuit(&coordination).0, CircuitState::Closed);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn errors_that_say_that_a_receiver_does_not_work_open_its_circuit_and_others_do_not() {
    let (system, coordination) = started().await;
    let (_, script) = agent(&system, &coordination, "b").await;
    let send = || coordination.delegate("a", "b", signal("one")).into_future();
    script.next([Does::Fail, Does::Fail, Does::Fail, Does::Fail, Does::Refuse]);
    script.next([Does::Fail, Does::Bug, Does::Fail, Does::Fail, Does::Bug, Does::Fail, Does::Fail]);
    for failures in [1, 2, 3, 4, 0, 1, 1, 2, 3, 3, 4] {
        refused(send().await);
        assert_eq!(circuit(&coordination), (CircuitState::Closed, failures));
    }
    assert_eq!(refused(send().await), "bank_unreachable");
    assert_eq!(circuit(&coordination).0, CircuitState::Open);
    // Nothing is kept, so nobody tries until somebody sends.
    pause(Duration::from_mins(1)).await;
    assert_eq!(circuit(&coordination).0, CircuitState::Open);
    acknowledged(send().await);
    assert_eq!(circuit(&coordination), (CircuitState::Closed, 0));
    assert_eq!(places(&coordination), [0; 4]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sender_may_be_the_probe_and_its_failure_opens_the_circuit_again() {
    let (system, coordination) = started().await;
    let (_, script) = agent(&system, &coordination, "b").await;
    let send = || coordination.delegate("a", "b", signal("one")).into_future();
    script.next([Does::Fail; 6]);
    for _ in 0..5 {
        assert_eq!(refused(send().await), "bank_unreachable");
    }
    pause(Duration::from_secs(30)).await;
    assert_eq!(refused(send().await), "bank_unreachable");
    assert_eq!(circuit(&coordination).0, CircuitState::Open);
    assert_eq!(buffered(send().await), "circuit_open");
    pause(Duration::from_secs(31)).await;
    assert_eq!(circuit(&coordination).0, CircuitState::Closed);
    assert_eq!(script.log.entries().len(), 7);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_room_is_a_failure_and_what_is_kept_comes_when_there_is_room() {
    let (system, coordination) = started().await;
    let (b, script) = agent_with(&system, &coordination, "b", room_for(2)).await;
    let until = hang(&b).await;
    let sent = coordination.distribute("a", (0..5).map(|number| ("b", numbered(number)))).await;
    let codes: Vec<_> = sent.unwrap().into_iter().map(|one| buffered(one.outcome)).collect();
    assert_eq!(codes, ["timeout", "timeout", "mailbox_full", "mailbox_full", "mailbox_full"]);
    assert_eq!(circuit(&coordination).0, CircuitState::Open);
    until.notify_one();
    pause(Duration::from_secs(31)).await;
    assert_eq!(script.log.entries(), numbers(0..5));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_room_for_a_moment_opens_no_circuit() {
    let (system, coordination) = started().await;
    let (b, script) = agent_with(&system, &coordination, "b", room_for(2)).await;
    let until = hang(&b).await;
    let began = Instant::now();
    let sent = coordination.distribute("a", (0..4).map(|number| ("b", numbered(number))));
    let back = async {
        settle().await;
        assert_eq!(places(&coordination), [2, 2, 0, 0]);
        until.notify_one();
    };
    let (sent, ()) = tokio::join!(sent, back);
    let outcomes: Vec<_> =
        sent.unwrap().iter().map(signals::coordination::Sent::is_acknowledged).collect();
    assert_eq!(outcomes, [true, true, false, false]);
    // As soon as there is room, and not a moment later.
    settle().await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(script.log.entries(), numbers(0..4));
    assert_eq!(circuit(&coordination), (CircuitState::Closed, 0));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_drops_loses_nothing() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest] {
        let (system, coordination) = started().await;
        let mailbox = Mailbox::bounded(2).overflow(overflow);
        let (b, script) = agent_with(&system, &coordination, "b", mailbox).await;
        let until = hang(&b).await;
        let sent = coordination.distribute("a", (0..4).map(|number| ("b", numbered(number)))).await;
        for one in sent.unwrap() {
            buffered(one.outcome);
        }
        assert_eq!(places(&coordination), [4, 0, 0, 0]);
        until.notify_one();
        pause(Duration::from_mins(1)).await;
        assert_eq!(script.log.entries(), numbers(0..4), "{overflow:?}");
        assert_eq!(places(&coordination), [0; 4]);
        system.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_begins_nothing_gets_no_stream_of_offers() {
    let (system, coordination) = started().await;
    let (_, script) = agent(&system, &coordination, "b").await;
    script.then(Does::Ignore);
    open(&coordination).await;
    pause(Duration::from_secs(100)).await;
    assert_eq!(places(&coordination), [5, 0, 0, 0]);
    script.then(Does::Acknowledge);
    pause(Duration::from_secs(31)).await;
    assert_eq!(script.log.entries(), numbers(0..5));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_mailbox_of_a_receiver_that_is_left_alone_is_left_alone_too() {
    // A mailbox that stops its actor when there is no room for a message that is sent.
    let (system, coordination) = started().await;
    let mailbox = Mailbox::bounded(5).overflow(Overflow::Stop);
    let (b, script) = agent_with(&system, &coordination, "b", mailbox).await;
    let until = hang(&b).await;
    open(&coordination).await;
    assert_eq!(b.mailbox_len(), 5);
    for number in 5..10 {
        assert_eq!(
            buffered(coordination.delegate("a", "b", numbered(number)).await),
            "circuit_open"
        );
    }
    until.notify_one();
    pause(Duration::from_secs(31)).await;
    assert!(b.is_alive());
    assert_eq!(script.log.entries(), numbers(0..10));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_receiver_whose_mailbox_is_full_of_other_things_is_tried_again_and_again() {
    let builder = Coordination::builder().keep_for(Duration::from_hours(1));
    let (system, coordination) = started_with(builder).await;
    let (b, script) = agent_with(&system, &coordination, "b", room_for(2)).await;
    let until = hang(&b).await;
    for _ in 0..2 {
        b.try_tell(Message::Hang(Arc::clone(&until))).unwrap();
    }
    assert_eq!(buffered(coordination.delegate("a", "b", numbered(0)).await), "mailbox_full");
    // It is tried every second, until that opens the circuit; and then every half a minute.
    for failures in 1..5 {
        assert_eq!(circuit(&coordination), (CircuitState::Closed, failures));
        pause(Duration::from_millis(1_001)).await;
    }
    assert_eq!(circuit(&coordination).0, CircuitState::Open);
    pause(Duration::from_mins(10)).await;
    assert_eq!(circuit(&coordination).0, CircuitState::Open);
    for _ in 0..3 {
        until.notify_one();
        settle().await;
    }
    pause(Duration::from_secs(31)).await;
    assert_eq!(script.log.entries(), numbers(0..1));
    assert_eq!(circuit(&coordination), (CircuitState::Closed, 0));
    system.stop().await.unwrap();
}
