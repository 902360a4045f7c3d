//! Who receives under which id, and as long as which incarnation lives.

use foundation::{CircuitState, ExitReason};
use signals::coordination::{Assignment, Coordination};
use testkit::eventually;

use super::*;

fn code(result: Result<()>) -> String {
    result.unwrap_err().code().to_owned()
}

#[tokio::test(start_paused = true)]
async fn an_id_is_one_receivers_at_a_time() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let (c, _) = agent(&system, &coordination, "c").await;
    assert_eq!(code(coordination.join("b", &c)), "receiver_exists");
    assert_eq!(code(coordination.join("b", &b)), "receiver_exists");
    acknowledged(coordination.delegate("a", "b", signal("one")).await);
    assert_eq!(script.log.entries(), ["one"]);
    b.stop(ExitReason::Normal).await.unwrap();
    coordination.join("b", &c).unwrap();
    acknowledged(coordination.delegate("a", "b", signal("two")).await);
    assert_eq!(script.log.entries(), ["one"]);
    let ids: Vec<_> = coordination.receivers().iter().map(|one| one.id.to_string()).collect();
    assert_eq!(ids, ["b", "c"]);
    let pids: Vec<_> = coordination.receivers().iter().map(|one| one.pid).collect();
    assert_eq!(pids, [Some(c.pid()), Some(c.pid())]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_joins_who_has_ended_or_under_an_id_that_cannot_be() {
    let (system, coordination) = started_with(Coordination::builder().max_receivers(2)).await;
    let (b, _) = agent(&system, &coordination, "b").await;
    assert_eq!(code(coordination.join("", &b)), "invalid_options");
    assert_eq!(code(coordination.join("x".repeat(256), &b)), "invalid_options");
    coordination.join("x".repeat(255), &b).unwrap();
    assert_eq!(code(coordination.join("more", &b)), "too_many_receivers");
    assert_eq!(code(coordination.join("b", &b)), "receiver_exists");
    b.stop(ExitReason::Normal).await.unwrap();
    assert!(coordination.receivers().is_empty());
    assert_eq!(code(coordination.join("b", &b)), "no_process");
    assert!(coordination.receivers().is_empty());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_is_made_as_the_receiver_says() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    coordination.join_as("other", &b, Message::Assignment).unwrap();
    acknowledged(coordination.delegate("a", "other", signal("one")).await);
    assert_eq!(script.log.entries(), ["one"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_message_is_made_is_a_failure_of_the_receiver_and_none_of_the_sender() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let panics = |_: Assignment| -> Message { panic!("no message") };
    coordination.join_as("other", &b, panics).unwrap();
    for _ in 0..5 {
        let outcome = coordination.delegate("a", "other", signal("one")).await;
        assert_eq!(buffered(outcome), "callback_panicked");
    }
    let receiver = coordination.receiver("other").unwrap();
    assert_eq!((receiver.circuit, receiver.buffered), (CircuitState::Open, 5));
    // Its place in the mailbox was given back each time.
    pause(std::time::Duration::from_mins(4)).await;
    assert_eq!((b.mailbox_len(), script.log.entries().len()), (0, 0));
    assert_eq!(coordination.receiver("other").unwrap().buffered, 5);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_offered_to_one_incarnation_is_not_begun_by_the_next() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeps = Arc::clone(&kept);
    let until = Arc::new(Notify::new());
    let hangs = Arc::clone(&until);
    // The assignment leaves the receiver; the message that it gets is another one.
    let keep = move |assignment: Assignment| {
        keeps.lock().unwrap().push(assignment);
        Message::Hang(Arc::clone(&hangs))
    };
    coordination.join_as("other", &b, keep).unwrap();
    assert_eq!(buffered(coordination.delegate("a", "other", signal("one")).await), "timeout");
    b.kill();
    b.exited().await;
    drop(until);
    let c = system.start(script.spec()).await.unwrap();
    coordination.join("other", &c).unwrap();
    let stale = kept.lock().unwrap().pop().unwrap();
    assert_eq!(stale.to(), "other");
    assert!(stale.begin().is_none());
    script.log.wait_for("one").await;
    assert_eq!(script.log.entries(), ["one"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_alive_by_what_was_said() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let alive = Arc::new(());
    let held = Arc::clone(&alive);
    let make = move |assignment| {
        assert!(Arc::strong_count(&held) > 0);
        Message::Assignment(assignment)
    };
    coordination.join_as("other", &b, make).unwrap();
    let until = hang(&b).await;
    buffered(coordination.delegate("a", "other", signal("one")).await);
    assert_eq!(Arc::strong_count(&alive), 2);
    b.kill();
    b.exited().await;
    drop((until, script));
    eventually(|| if Arc::strong_count(&alive) == 1 { Ok(()) } else { Err("held") }).await;
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_with_a_receiver_that_was_forgotten() {
    let (system, coordination) = started().await;
    let (b, _) = agent(&system, &coordination, "b").await;
    let id: Arc<str> = "other".into();
    for _ in 0..3 {
        coordination.join(Arc::clone(&id), &b).unwrap();
        assert!(Arc::strong_count(&id) > 1);
        coordination.forget("other").unwrap();
        // Whatever would have been done at its end is called off.
        assert_eq!(Arc::strong_count(&id), 1);
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_id_is_free_as_soon_as_its_receiver_has_ended() {
    let (system, coordination) = started().await;
    let (b, _) = agent(&system, &coordination, "b").await;
    let (c, script) = agent(&system, &coordination, "c").await;
    let joined = Arc::new(Mutex::new(None));
    let (join, result) = (coordination.clone(), Arc::clone(&joined));
    // It is called at the end of the receiver, before coordination hears of that.
    let at_end = b.incarnation().at_end(move || {
        *result.lock().unwrap() = Some(join.join("other", &c));
    });
    let _lasts = at_end.unwrap();
    coordination.join("other", &b).unwrap();
    b.kill();
    b.exited().await;
    joined.lock().unwrap().take().unwrap().unwrap();
    acknowledged(coordination.delegate("a", "other", signal("one")).await);
    assert_eq!(script.log.entries(), ["one"]);
    system.stop().await.unwrap();
}
