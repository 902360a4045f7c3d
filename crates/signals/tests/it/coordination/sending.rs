//! One message to one receiver: what its sender learns, and when. SEND-1, COORD-3.

use std::time::Duration;

use foundation::ExitReason;
use signals::coordination::{Coordinated, Coordination};
use testkit::{Telemetry, eventually};
use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_message_is_acknowledged_by_whoever_handled_it() {
    let (system, coordination) = started().await;
    let (_, script) = agent(&system, &coordination, "b").await;
    let began = Instant::now();
    acknowledged(coordination.delegate("a", "b", signal("one")).await);
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(script.log.entries(), ["one"]);
    assert_eq!(places(&coordination), [0; 4]);
    let stats = coordination.stats();
    assert_eq!((stats.sent, stats.acknowledged, stats.failed, stats.late), (1, 1, 0, 0));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_an_answer_and_no_failure() {
    let (system, coordination) = started().await;
    let (_, script) = agent(&system, &coordination, "b").await;
    script.then(Does::Refuse);
    for _ in 0..20 {
        assert_eq!(refused(coordination.delegate("a", "b", signal("one")).await), "not_mine");
    }
    let receiver = coordination.receiver("b").unwrap();
    assert_eq!((receiver.failures, receiver.buffered), (0, 0));
    assert_eq!(places(&coordination), [0; 4]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_gets_a_message_to_an_id_under_which_nobody_receives() {
    let (system, coordination) = started().await;
    let unknown = coordination.delegate("a", "b", signal("one")).await.unwrap_err();
    assert_eq!((unknown.code(), &unknown.details()["receiver"]), ("no_such_receiver", &"b".into()));
    assert!(unknown.is_retryable());
    let (b, _) = agent(&system, &coordination, "b").await;
    b.stop(ExitReason::Normal).await.unwrap();
    assert_eq!(refused(coordination.delegate("a", "b", signal("one")).await), "no_such_receiver");
    assert_eq!(places(&coordination), [0; 4]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_agent_does_not_delegate_to_itself() {
    let (system, coordination) = started().await;
    let (_, script) = agent(&system, &coordination, "a").await;
    assert_eq!(refused(coordination.delegate("a", "a", signal("one")).await), "calling_self");
    settle().await;
    assert!(script.log.entries().is_empty());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_sent_to_nobody() {
    let (system, coordination) = started().await;
    let (_, script) = agent(&system, &coordination, "b").await;
    let no_type = coordination.delegate("a", "b", Signal::new("", "/test")).await;
    assert_eq!(refused(no_type), "invalid_signal");
    let no_time = coordination.delegate("a", "b", signal("one")).within(Duration::ZERO).await;
    assert_eq!(refused(no_time), "invalid_options");
    let messages = [("b", signal("one")), ("b", Signal::new("", "/test"))];
    let error = coordination.distribute("a", messages).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["index"]), ("invalid_signal", &1.into()));
    settle().await;
    assert!(script.log.entries().is_empty());
    assert_eq!(coordination.stats().sent, 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_begun_and_takes_too_long_is_in_progress_and_not_sent_again() {
    let (system, coordination) = started().await;
    let (_, script) = agent(&system, &coordination, "b").await;
    script.next([Does::Take(Duration::from_millis(1_500))]);
    let began = Instant::now();
    let outcome = coordination.delegate("a", "b", signal("one")).await.unwrap();
    assert!(matches!(outcome, Coordinated::InProgress), "{outcome:?}");
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    assert_eq!(places(&coordination), [0, 0, 1, 0]);
    assert_eq!(coordination.receiver("b").unwrap().failures, 1);
    pause(Duration::from_secs(100)).await;
    assert_eq!(script.log.entries(), ["one"]);
    assert_eq!(places(&coordination), [0; 4]);
    let stats = coordination.stats();
    assert_eq!((stats.acknowledged, stats.late), (1, 1));
    // It works, as has turned out.
    assert_eq!(coordination.receiver("b").unwrap().failures, 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_fails_when_nobody_waits_any_more_is_a_dead_letter() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    script.then(Does::Keep);
    for topic in ["refused", "dropped", "dies"] {
        let outcome = coordination.delegate("a", "b", signal(topic)).await.unwrap();
        assert!(matches!(outcome, Coordinated::InProgress), "{outcome:?}");
    }
    let mut kept = std::mem::take(&mut *script.kept.lock().unwrap()).into_iter();
    assert!(!kept.as_slice()[0].is_awaited());
    kept.next().unwrap().refuse(foundation::Error::business("not_mine"));
    drop(kept.next());
    b.kill();
    drop(kept);
    let letters = coordination.dead_letters().list(10);
    let told: Vec<_> = letters
        .iter()
        .map(|letter| (letter.signal.topic().as_str(), letter.reason.code(), letter.may_be_handled))
        .collect();
    assert_eq!(
        told,
        [
            ("refused", "not_mine", false),
            ("dropped", "outcome_unknown", true),
            ("dies", "outcome_unknown", true)
        ]
    );
    let letter = &letters[0];
    assert_eq!((&*letter.from, &*letter.to, letter.attempts), ("a", "b", 0));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sender_learns_at_once_that_nobody_knows_what_came_of_his_message() {
    let (system, coordination) = started().await;
    let (_, script) = agent(&system, &coordination, "b").await;
    let began = Instant::now();
    script.next([Does::Drop, Does::Panic]);
    assert_eq!(refused(coordination.delegate("a", "b", signal("one")).await), "outcome_unknown");
    assert_eq!(refused(coordination.delegate("a", "b", signal("two")).await), "outcome_unknown");
    assert_eq!(began.elapsed(), Duration::ZERO);
    eventually(|| if coordination.receiver("b").is_none() { Ok(()) } else { Err("there") }).await;
    // Whoever is told keeps it; nothing is left here.
    assert_eq!(places(&coordination), [0; 4]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_receiver_had_not_begun_when_it_ended_is_its_senders() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    let delegated = coordination.delegate("a", "b", signal("one"));
    let killed = async {
        settle().await;
        b.kill();
    };
    let (outcome, ()) = tokio::join!(delegated.into_future(), killed);
    assert_eq!(refused(outcome), "no_such_receiver");
    drop(until);
    assert!(script.log.entries().is_empty());
    assert_eq!(places(&coordination), [0; 4]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_sender_goes_away_is_handled_once_all_the_same() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    let delegated = coordination.delegate("a", "b", signal("one")).into_future();
    let gone = tokio::time::timeout(Duration::from_millis(10), delegated).await;
    assert!(gone.is_err());
    assert_eq!(places(&coordination), [1, 0, 0, 0]);
    // That says nothing of the receiver.
    assert_eq!(coordination.receiver("b").unwrap().failures, 0);
    until.notify_one();
    script.log.wait_for("one").await;
    pause(Duration::from_mins(1)).await;
    assert_eq!(script.log.entries(), ["one"]);
    assert_eq!(places(&coordination), [0; 4]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn messages_whose_senders_go_away_are_kept_like_others() {
    let (system, coordination) = started_with(Coordination::builder().buffer(1)).await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    for topic in ["one", "two"] {
        let delegated = coordination.delegate("a", "b", signal(topic)).into_future();
        assert!(tokio::time::timeout(Duration::from_millis(10), delegated).await.is_err());
    }
    let letters = coordination.dead_letters().list(10);
    assert_eq!(letters.len(), 1);
    assert_eq!(
        (letters[0].signal.topic().as_str(), letters[0].reason.code()),
        ("one", "buffer_overflowed")
    );
    until.notify_one();
    settle().await;
    assert_eq!(script.log.entries(), ["two"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_thousand_messages_take_no_time() {
    let (system, coordination) = started().await;
    let (_, script) = agent(&system, &coordination, "b").await;
    let began = Instant::now();
    for number in 0..1_000 {
        acknowledged(coordination.delegate("a", "b", numbered(number)).await);
    }
    let messages = (0..1_000).map(|number| ("b", numbered(number)));
    let sent = coordination.distribute("a", messages).await.unwrap();
    assert!(sent.iter().all(signals::coordination::Sent::is_acknowledged));
    assert_eq!(began.elapsed(), Duration::ZERO);
    let expected: Vec<_> = (0..1_000).map(|number| format!("n.{number}")).collect();
    assert_eq!(script.log.entries(), [&expected[..], &expected[..]].concat());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn events_tell_what_becomes_of_messages() {
    let (system, coordination) = started().await;
    let telemetry = Telemetry::listen();
    let (b, script) = agent(&system, &coordination, "b").await;
    acknowledged(coordination.delegate("a", "b", signal("one")).await);
    let until = hang(&b).await;
    buffered(coordination.delegate("a", "b", signal("two")).await);
    until.notify_one();
    script.log.wait_for("two").await;
    script.next([Does::Keep]);
    coordination.delegate("a", "b", signal("three")).await.unwrap();
    b.stop(ExitReason::Normal).await.unwrap();
    script.kept.lock().unwrap().clear();
    let events = telemetry.about("coordination.");
    let names = events.iter().filter_map(|event| event.split(' ').nth(1));
    let names: Vec<_> = names.filter(|name| name.starts_with("coordination.")).collect();
    let expected = [
        "coordination.joined",
        "coordination.sent",
        "coordination.settled",
        "coordination.sent",
        "coordination.buffered",
        "coordination.settled",
        "coordination.sent",
        "coordination.in_progress",
        "coordination.left",
        "coordination.settled",
        "coordination.dead_letter",
    ];
    assert_eq!(names, expected, "{events:?}");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn coordination_is_found_by_name_and_refuses_what_comes_before_it_runs() {
    let system = System::builder().name("agents").start().await.unwrap();
    let (coordination, child) = Coordination::builder().name("talk").build(&system).unwrap();
    let not_running = coordination.delegate("a", "b", signal("one")).await;
    assert_eq!(refused(not_running), "coordination_not_running");
    let code = |result: Result<()>| result.unwrap_err().code().to_owned();
    let supervisor = system.start(child).await.unwrap();
    let found = Coordination::lookup(&system, "talk").await.unwrap();
    let (b, _) = agent(&system, &found, "b").await;
    acknowledged(coordination.delegate("a", "b", signal("one")).await);
    supervisor.stop(ExitReason::Shutdown).await.unwrap();
    let not_running = coordination.delegate("a", "b", signal("one")).await;
    assert_eq!(refused(not_running), "coordination_not_running");
    assert_eq!(code(coordination.join("c", &b)), "coordination_not_running");
    system.stop().await.unwrap();
}
