//! A sender that gives up when the answer is on its way to it: nothing is lost on nobody.

use std::future::{IntoFuture, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use super::*;

/// Polls it once, which is not enough, and lets everybody else go on until it has its answer. Then
/// it is given up.
async fn gives_up_on_the_answer(mut waits: Pin<Box<impl Future<Output = Result<Coordinated>>>>) {
    let polled = poll_fn(|cx| Poll::Ready(waits.as_mut().poll(cx).is_ready())).await;
    assert!(!polled, "it waits");
    settle().await;
    drop(waits);
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_when_its_sender_gave_up_is_a_dead_letter() {
    let (system, coordination) = started().await;
    let (_b, script) = agent(&system, &coordination, "b").await;
    script.next([Does::Refuse, Does::Drop]);
    for (code, may_be_handled) in [("not_mine", false), ("outcome_unknown", true)] {
        let delegate = coordination.delegate("a", "b", signal("one"));
        gives_up_on_the_answer(Box::pin(delegate.into_future())).await;
        let letters = coordination.dead_letters().list(10);
        let [.., letter] = &letters[..] else { panic!("it is lost") };
        assert_eq!((letter.reason.code(), letter.may_be_handled), (code, may_be_handled));
        assert_eq!((letter.signal.topic().as_str(), letter.attempts), ("one", 0));
    }
    assert_eq!(coordination.stats().late, 2);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_handled_when_its_sender_gave_up_is_none_and_counted() {
    let (system, coordination) = started().await;
    let (_b, script) = agent(&system, &coordination, "b").await;
    let delegate = coordination.delegate("a", "b", signal("one"));
    gives_up_on_the_answer(Box::pin(delegate.into_future())).await;
    assert_eq!(script.log.entries(), ["one"]);
    assert_eq!((coordination.dead_letters().len(), coordination.stats().late), (0, 1));
    // Whoever waits is not late.
    acknowledged(coordination.delegate("a", "b", signal("two")).await);
    assert_eq!(coordination.stats().late, 1);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_ended_when_the_sender_gave_up_loses_nothing() {
    let (system, coordination) = started().await;
    let (b, _) = agent(&system, &coordination, "b").await;
    let _until = hang(&b).await;
    let delegate = coordination.delegate("a", "b", signal("one"));
    let mut waits = Box::pin(delegate.into_future());
    let polled = poll_fn(|cx| Poll::Ready(waits.as_mut().poll(cx).is_ready())).await;
    assert!(!polled, "it waits");
    b.kill();
    b.exited().await;
    settle().await;
    drop(waits);
    let letters = coordination.dead_letters().list(10);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reason.code(), "no_such_receiver");
    assert_eq!(coordination.stats().late, 0, "nobody has settled it");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_given_up_when_it_was_refused_leaves_its_dead_letter() {
    let (system, coordination) = started().await;
    let outcome = coordination.delegate("a", "b", signal("one")).or_dead_letter().await.unwrap();
    let Coordinated::DeadLettered(id, _) = outcome else { panic!("{outcome:?}") };
    let (_b, script) = agent(&system, &coordination, "b").await;
    script.next([Does::Refuse]);
    let letters = coordination.dead_letters();
    gives_up_on_the_answer(Box::pin(letters.retry(id))).await;
    let letter = letters.get(id).expect("it is the same one");
    assert_eq!((letter.reason.code(), letter.attempts), ("not_mine", 1));
    assert_eq!(letters.len(), 1);
    system.stop().await.unwrap();
}
