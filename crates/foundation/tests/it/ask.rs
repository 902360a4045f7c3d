//! Asking: answers, deadlines, and failing at once when there will be no answer.

use std::time::Duration;

use foundation::{ActorRef, ExitReason, Mailbox};
use tokio::time::Instant;

use crate::fixture::{Message, Script, Scripted, hold, running, spec, system, with_mailbox};

async fn number(actor: &ActorRef<Scripted>) -> foundation::Result<u32> {
    actor.ask(|reply| Message::Number(1, reply)).await
}

#[tokio::test(start_paused = true)]
async fn gets_the_answer() {
    let (system, actor) = running(&Script::default()).await;
    assert_eq!(number(&actor).await.unwrap(), 1);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_come_later_from_another_message() {
    let (system, actor) = running(&Script::default()).await;
    let asking = actor.ask(Message::Defer);
    let answering = async {
        assert_eq!(number(&actor).await.unwrap(), 1);
        actor.tell(Message::AnswerDeferred(7)).await.unwrap();
    };
    let (answer, ()) = tokio::join!(asking, answering);
    assert_eq!(answer.unwrap(), 7);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn gives_up_when_the_deadline_passes() {
    // OTP I26
    let (system, actor) = running(&Script::default()).await;
    for (deadline, late) in [(Some(300), 0), (Some(0), 0), (None, 20)] {
        let started = Instant::now();
        let asking = actor.ask(Message::Defer);
        let error = match deadline {
            Some(deadline) => asking.within(Duration::from_millis(deadline)).await.unwrap_err(),
            None => asking.await.unwrap_err(),
        };
        let deadline = Duration::from_millis(deadline.unwrap_or(5000));
        assert_eq!((error.code(), error.is_retryable()), ("timeout", true));
        assert_eq!(error.details()["after_seconds"], deadline.as_secs_f64());
        let took = started.elapsed();
        let most = deadline + Duration::from_millis(late);
        assert!(took >= deadline && took <= most, "{deadline:?} took {took:?}");
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deadline_counts_the_wait_for_a_place_in_the_mailbox() {
    let mailbox = foundation::Mailbox::bounded(1);
    let (system, actor, log) = crate::fixture::with_mailbox(mailbox).await;
    let gate = hold(&actor, &log).await;
    actor.tell(Message::Note("full")).await.unwrap();
    let asking = actor.ask(|reply| Message::Number(1, reply)).within(Duration::from_millis(50));
    assert_eq!(asking.await.unwrap_err().code(), "timeout");
    // Given up before it was accepted, the question is never handled.
    gate.notify_one();
    assert_eq!(number(&actor).await.unwrap(), 1);
    assert_eq!(actor.mailbox_len(), 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_it_waits_as_long_as_the_actor_lives() {
    let (system, actor) = running(&Script::default()).await;
    let asking = actor.ask(Message::Defer).without_deadline();
    let stopping = async {
        crate::fixture::after(Duration::from_hours(1)).await;
        actor.stop(ExitReason::Shutdown).await
    };
    let (answer, stopped) = tokio::join!(asking, stopping);
    assert_eq!(
        (answer.unwrap_err().code(), stopped.unwrap()),
        ("actor_stopped", ExitReason::Shutdown)
    );
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn fails_at_once_when_the_actor_is_dead() {
    let (system, actor) = running(&Script::default()).await;
    actor.stop(ExitReason::Shutdown).await.unwrap();
    let started = Instant::now();
    let error = number(&actor).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["reason"]), ("no_process", &"shutdown".into()));
    assert_eq!(started.elapsed(), Duration::ZERO);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn fails_at_once_with_the_reason_when_the_actor_dies_over_the_question() {
    let (system, actor) = running(&Script::default()).await;
    let started = Instant::now();
    let error = actor.ask(Message::PanicHolding).await.unwrap_err();
    assert_eq!(error.code(), "actor_stopped");
    let report = error.report().to_string();
    assert!(report.contains("caused by: actor_panicked: holding a reply"), "{report}");
    assert_eq!(started.elapsed(), Duration::ZERO);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn fails_at_once_when_the_actor_dies_over_an_earlier_message() {
    // K12
    let (system, actor) = running(&Script::default()).await;
    actor.tell(Message::Panic("earlier")).await.unwrap();
    let started = Instant::now();
    let (answer, deferred) = tokio::join!(number(&actor), actor.ask(Message::Defer));
    for error in [answer.unwrap_err(), deferred.unwrap_err()] {
        assert_eq!(error.code(), "actor_stopped");
        assert!(error.details()["reason"].as_str().unwrap().starts_with("panic: earlier"));
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn fails_at_once_when_an_answer_was_deferred_and_the_actor_dies() {
    for killed in [false, true] {
        let (system, actor) = running(&Script::default()).await;
        let started = Instant::now();
        let dying = async {
            number(&actor).await.unwrap();
            if killed {
                actor.kill();
            } else {
                actor.tell(Message::Panic("later")).await.unwrap();
            }
        };
        let (answer, ()) = tokio::join!(actor.ask(Message::Defer), dying);
        let error = answer.unwrap_err();
        assert_eq!(
            (error.code(), started.elapsed()),
            ("actor_stopped", Duration::ZERO),
            "{killed}"
        );
        system.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_dropped_is_no_answer() {
    let (system, actor) = running(&Script::default()).await;
    let error = actor.ask(Message::DropReply).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["actor"]), ("no_reply", &"scripted".into()));
    assert_eq!(number(&actor).await.unwrap(), 1);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_asks_itself_is_told_so_at_once() {
    // OTP I25; names come with the registry
    // I25
    let (system, actor) = running(&Script::default()).await;
    let started = Instant::now();
    let asked = actor.ask(|reply| Message::AskOther(actor.clone(), reply)).await.unwrap();
    assert_eq!((asked.unwrap_err().code(), started.elapsed()), ("calling_self", Duration::ZERO));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_actor_may_ask_another() {
    let system = system().await;
    let first = system.start(spec(&Script::default())).await.unwrap();
    let second = system.start(spec(&Script::default())).await.unwrap();
    let asked = first.ask(|reply| Message::AskOther(second.clone(), reply)).await.unwrap();
    assert_eq!(asked.unwrap(), 1);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_answers_can_see_that_nobody_waits_any_more() {
    let (system, actor) = running(&Script::default()).await;
    let asking = actor.ask(Message::Defer).within(Duration::from_millis(10));
    assert_eq!(asking.await.unwrap_err().code(), "timeout");
    // The late answer goes nowhere, and does no harm.
    actor.tell(Message::AnswerDeferred(7)).await.unwrap();
    assert_eq!(number(&actor).await.unwrap(), 1);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn many_that_wait_for_a_place_all_give_up_in_time() {
    // A sender that used up the turn of its task on the way to a full mailbox was taken for one
    // that had not looked: its deadline was never set, and it waited for ever.
    let (system, actor, log) = with_mailbox(Mailbox::bounded(63)).await;
    let gate = hold(&actor, &log).await;
    for _ in 0..63 {
        actor.tell(Message::Note("fills it")).await.unwrap();
    }
    for callers in [127, 128, 129, 300] {
        let asks = (0..callers).map(|n| actor.ask(|reply| Message::Number(n, reply)));
        let asks: futures_util::stream::FuturesUnordered<_> = asks.collect();
        let answers: Vec<_> = futures_util::StreamExt::collect(asks).await;
        let in_time = |answer: &foundation::Result<u32>| {
            answer.as_ref().is_err_and(|error| error.code() == "timeout")
        };
        assert!(answers.len() == callers as usize && answers.iter().all(in_time));
    }
    gate.notify_one();
    system.stop().await.unwrap();
}
