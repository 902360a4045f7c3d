//! Dead letters: looked at, sent again, thrown away. DLQ-1.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use foundation::{Clock, ExitReason};
use jiff::{SignedDuration, Timestamp};
use signals::coordination::{Coordination, DeadLetterId, Purge};
use tokio::time::Instant;

use super::*;

/// Sends a message to somebody who is not there, which becomes a dead letter.
async fn lost(coordination: &Coordination, topic: &'static str) -> DeadLetterId {
    let outcome = coordination.delegate("a", "b", signal(topic)).or_dead_letter().await.unwrap();
    let Coordinated::DeadLettered(id, error) = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.code(), "no_such_receiver");
    id
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_delivered_is_a_dead_letter_if_its_sender_wants_that() {
    let (system, coordination) = started().await;
    let id = lost(&coordination, "one").await;
    let letters = coordination.dead_letters();
    let letter = letters.get(id).unwrap();
    assert_eq!((&*letter.from, &*letter.to, letter.attempts), ("a", "b", 0));
    assert_eq!((letter.signal.topic().as_str(), letter.may_be_handled), ("one", false));
    assert_eq!(letters.list(10).len(), 1);
    assert!(letters.list(0).is_empty());
    let (_, script) = agent(&system, &coordination, "b").await;
    // What is refused is the sender's; what nobody knows of is a dead letter, too.
    script.next([Does::Refuse, Does::Drop]);
    let send = || coordination.delegate("a", "b", signal("two")).or_dead_letter();
    assert_eq!(refused(send().await), "not_mine");
    let unknown = send().await.unwrap();
    let Coordinated::DeadLettered(unknown, _) = unknown else { panic!("{unknown:?}") };
    assert!(letters.get(unknown).unwrap().may_be_handled);
    assert_eq!(letters.len(), 2);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_is_handled_when_it_is_sent_again_is_gone() {
    let (system, coordination) = started().await;
    let id = lost(&coordination, "one").await;
    let letters = coordination.dead_letters();
    assert_eq!(letters.retry(id).await.unwrap_err().code(), "no_such_receiver");
    // It was offered to nobody.
    assert_eq!(letters.get(id).unwrap().attempts, 0);
    // Whoever receives under the id by now gets it.
    let (b, script) = agent(&system, &coordination, "b").await;
    b.stop(ExitReason::Normal).await.unwrap();
    let _b = system.start(script.spec()).await.unwrap();
    acknowledged(letters.retry(id).await);
    assert!(letters.is_empty());
    assert_eq!(script.log.entries(), ["one"]);
    assert_eq!(letters.retry(id).await.unwrap_err().code(), "no_such_dead_letter");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_is_sent_again_five_times_and_no_more() {
    let (system, coordination) = started().await;
    let id = lost(&coordination, "one").await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let letters = coordination.dead_letters();
    script.next([Does::Refuse, Does::Drop]);
    assert_eq!(letters.retry(id).await.unwrap_err().code(), "not_mine");
    assert_eq!(letters.get(id).unwrap().reason.code(), "not_mine");
    assert_eq!(letters.retry(id).await.unwrap_err().code(), "outcome_unknown");
    assert!(letters.get(id).unwrap().may_be_handled);
    let until = hang(&b).await;
    for attempts in 3..=5 {
        assert_eq!(letters.retry(id).await.unwrap_err().code(), "timeout");
        let letter = letters.get(id).unwrap();
        // The second time it may have been handled, whatever came of it since.
        assert_eq!((letter.attempts, letter.may_be_handled), (attempts, true));
    }
    let error = letters.retry(id).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["attempts"]), ("attempts_used_up", &5.into()));
    // What was taken back leaves nothing behind.
    assert_eq!(places(&coordination), [0, 0, 0, 1]);
    until.notify_one();
    settle().await;
    assert_eq!(script.log.entries(), ["one", "one"]);
    acknowledged(coordination.delegate("a", "b", signal("two")).await);
    assert_eq!(letters.purge(Purge::Expired), 1);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn all_are_sent_again_but_those_that_may_have_been_handled_and_those_used_up() {
    let (system, coordination) = started().await;
    let letters = coordination.dead_letters();
    let used_up = lost(&coordination, "used_up").await;
    let (b, script) = agent(&system, &coordination, "b").await;
    script.next([Does::Refuse; 5]);
    for _ in 0..5 {
        assert_eq!(letters.retry(used_up).await.unwrap_err().code(), "not_mine");
    }
    script.next([Does::Drop]);
    let unknown = coordination.delegate("a", "b", signal("unknown")).or_dead_letter().await;
    let Coordinated::DeadLettered(unknown, _) = unknown.unwrap() else { panic!() };
    b.stop(ExitReason::Normal).await.unwrap();
    let lost = [lost(&coordination, "one").await, lost(&coordination, "two").await];
    let _b = system.start(script.spec()).await.unwrap();
    script.next([Does::Acknowledge, Does::Refuse]);
    let outcomes = letters.retry_all().await;
    let ids: Vec<_> = outcomes.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, lost);
    assert!(outcomes[0].1.is_ok());
    assert_eq!(outcomes[1].1.as_ref().unwrap_err().code(), "not_mine");
    let left: Vec<_> = letters.list(10).iter().map(|letter| letter.id).collect();
    assert_eq!(left, [used_up, unknown, lost[1]]);
    // Somebody has to decide about it; then it is sent.
    acknowledged(letters.retry(unknown).await);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_is_not_sent_again_twice_at_the_same_time() {
    let (system, coordination) = started().await;
    let id = lost(&coordination, "one").await;
    let (_, script) = agent(&system, &coordination, "b").await;
    script.next([Does::Take(Duration::from_millis(100))]);
    let letters = coordination.dead_letters();
    let (first, second) = tokio::join!(letters.retry(id), letters.retry(id));
    acknowledged(first);
    assert_eq!(second.unwrap_err().code(), "no_such_dead_letter");
    assert_eq!(script.log.entries(), ["one"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_is_in_progress_is_a_dead_letter_again_if_it_fails() {
    let (system, coordination) = started().await;
    let id = lost(&coordination, "one").await;
    let (_, script) = agent(&system, &coordination, "b").await;
    script.next([Does::Drop, Does::Keep]);
    let letters = coordination.dead_letters();
    let since = letters.get(id).unwrap().since;
    assert_eq!(letters.retry(id).await.unwrap_err().code(), "outcome_unknown");
    let outcome = letters.retry(id).await.unwrap();
    assert!(matches!(outcome, Coordinated::InProgress), "{outcome:?}");
    assert!(letters.is_empty());
    let kept = script.kept.lock().unwrap().pop().unwrap();
    kept.refuse(foundation::Error::business("not_mine"));
    let letter = letters.get(id).unwrap();
    assert_eq!((letter.attempts, letter.reason.code()), (2, "not_mine"));
    // The first time it may have been handled, and that is when it came here.
    assert_eq!((letter.may_be_handled, letter.since), (true, since));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_is_not_lost_when_nobody_waits_for_its_retry_any_more() {
    let (system, coordination) = started().await;
    let id = lost(&coordination, "one").await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let until = hang(&b).await;
    let letters = coordination.dead_letters();
    let gone = tokio::time::timeout(Duration::from_millis(10), letters.retry(id)).await;
    assert!(gone.is_err());
    assert_eq!(places(&coordination), [1, 0, 0, 0]);
    b.kill();
    drop(until);
    b.exited().await;
    coordination.forget("b").unwrap();
    assert_eq!(letters.get(id).unwrap().attempts, 1);
    assert!(script.log.entries().is_empty());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_whose_receiver_is_left_alone_stays_a_dead_letter() {
    let (system, coordination) = started().await;
    let id = lost(&coordination, "one").await;
    let (_, script) = agent(&system, &coordination, "b").await;
    script.next([Does::Fail; 5]);
    for _ in 0..5 {
        refused(coordination.delegate("a", "b", signal("two")).await);
    }
    let letters = coordination.dead_letters();
    let began = Instant::now();
    // However often that is: there is no attempt unless it was offered.
    for _ in 0..10 {
        let error = letters.retry(id).await.unwrap_err();
        let after = Some(Duration::from_secs(30));
        assert_eq!((error.code(), error.retry_after()), ("circuit_open", after));
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    let letter = letters.get(id).unwrap();
    assert_eq!((letter.attempts, letter.reason.code()), (0, "circuit_open"));
    assert_eq!(places(&coordination), [0, 0, 0, 1]);
    assert!(!script.log.entries().contains(&"one".into()));
    pause(Duration::from_secs(30)).await;
    // When it is tried, it is one, and may be the probe.
    script.next([Does::Fail, Does::Acknowledge]);
    assert_eq!(letters.retry(id).await.unwrap_err().code(), "bank_unreachable");
    assert_eq!(letters.get(id).unwrap().attempts, 1);
    assert_eq!(letters.retry(id).await.unwrap_err().code(), "circuit_open");
    assert_eq!(letters.get(id).unwrap().attempts, 1);
    pause(Duration::from_secs(30)).await;
    acknowledged(letters.retry(id).await);
    assert_eq!(script.log.entries().iter().filter(|topic| *topic == "one").count(), 2);
    assert_eq!(places(&coordination), [0; 4]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_for_which_there_is_no_room_or_that_waits_behind_a_probe_is_not_tried() {
    let (system, coordination) = started().await;
    let id = lost(&coordination, "one").await;
    let (b, script) = agent_with(&system, &coordination, "b", room_for(1)).await;
    let letters = coordination.dead_letters();
    let until = hang(&b).await;
    b.try_tell(Message::Hang(Arc::clone(&until))).unwrap();
    for _ in 0..5 {
        assert_eq!(letters.retry(id).await.unwrap_err().code(), "mailbox_full");
    }
    // Each of them was a failure of the receiver.
    assert_eq!(letters.retry(id).await.unwrap_err().code(), "circuit_open");
    for _ in 0..2 {
        until.notify_one();
        settle().await;
    }
    script.next([Does::Keep]);
    pause(Duration::from_secs(30)).await;
    let probe = coordination.delegate("a", "b", signal("probe")).into_future();
    let behind = async {
        settle().await;
        let error = letters.retry(id).await.unwrap_err();
        assert_eq!((error.code(), error.retry_after()), ("circuit_open", None));
        script.kept.lock().unwrap().pop().unwrap().acknowledge();
    };
    let (outcome, ()) = tokio::join!(probe, behind);
    acknowledged(outcome);
    assert_eq!(letters.get(id).unwrap().attempts, 0);
    acknowledged(letters.retry(id).await);
    assert_eq!(script.log.entries(), ["probe", "one"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn with_one_more_than_there_may_be_the_oldest_is_dropped_and_counted() {
    let (system, coordination) = started_with(Coordination::builder().dead_letters(3)).await;
    let first = lost(&coordination, "n").await;
    let mut last = first;
    for _ in 0..4 {
        last = lost(&coordination, "n").await;
    }
    let stats = coordination.stats();
    assert_eq!((stats.dead_letters, stats.dead_letters_dropped), (3, 2));
    let letters = coordination.dead_letters();
    assert!(letters.get(first).is_none());
    assert!(letters.get(last).is_some());
    assert_eq!((letters.purge(Purge::All), letters.len()), (3, 0));
    system.stop().await.unwrap();
}

/// A clock that is set.
#[derive(Debug, Default)]
struct Set(AtomicI64);

#[derive(Debug, Clone)]
struct SetClock(Arc<Set>);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(self.0.0.load(Ordering::Relaxed))
    }
}

#[tokio::test(start_paused = true)]
async fn those_that_are_there_for_longer_than_a_day_are_purged_as_expired() {
    let set = Arc::new(Set::default());
    let system = System::builder().clock(SetClock(Arc::clone(&set))).start().await.unwrap();
    let coordination = Coordination::builder().start(&system).await.unwrap();
    let letters = coordination.dead_letters();
    let old = lost(&coordination, "old").await;
    set.0.store(10, Ordering::Relaxed);
    let young = lost(&coordination, "young").await;
    let day = 24 * 60 * 60;
    set.0.store(day, Ordering::Relaxed);
    assert_eq!(letters.purge(Purge::Expired), 0);
    set.0.store(day + 1, Ordering::Relaxed);
    assert_eq!(letters.purge(Purge::Expired), 1);
    assert!(letters.get(old).is_none());
    assert_eq!(
        letters.get(young).unwrap().since,
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(10)
    );
    system.stop().await.unwrap();
}
