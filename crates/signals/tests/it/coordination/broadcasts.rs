//! One message to several: to whoever can take it, to all or none, to one or more. SEND-1.

use std::time::Duration;

use foundation::ExitReason;
use signals::coordination::{Coordinated, Reach, Sent};
use tokio::time::Instant;

use super::*;

/// What became of each, in a word.
fn outcomes(sent: &[Sent]) -> Vec<(&str, &str)> {
    let outcome = |sent: &Sent| match &sent.outcome {
        Ok(Coordinated::Acknowledged) => "acknowledged",
        Ok(Coordinated::Buffered(_)) => "kept",
        Ok(Coordinated::InProgress) => "in progress",
        Ok(_) => "other",
        Err(error) if error.code() == "no_such_receiver" => "nobody",
        Err(error) if error.code() == "not_mine" => "refused",
        Err(error) if error.code() == "calling_self" => "self",
        Err(_) => "failed",
    };
    sent.iter().map(|sent| (&*sent.receiver, outcome(sent))).collect()
}

#[tokio::test(start_paused = true)]
async fn as_many_as_can_get_it_and_the_report_names_each_in_the_order_of_the_call() {
    let (system, coordination) = started().await;
    let (_, b) = agent(&system, &coordination, "b").await;
    let (hanging, c) = agent(&system, &coordination, "c").await;
    let (_, d) = agent(&system, &coordination, "d").await;
    let (_, e) = agent(&system, &coordination, "e").await;
    let until = hang(&hanging).await;
    d.then(Does::Refuse);
    e.then(Does::Keep);
    let began = Instant::now();
    let ids = ["nobody", "c", "b", "d", "c", "a", "e"];
    let sent = coordination.broadcast("a", ids, signal("news"), Reach::BestEffort).await.unwrap();
    // They are asked at the same time.
    assert_eq!(began.elapsed(), Duration::from_secs(1));
    let expected = [
        ("nobody", "nobody"),
        ("c", "kept"),
        ("b", "acknowledged"),
        ("d", "refused"),
        ("a", "self"),
        ("e", "in progress"),
    ];
    assert_eq!(outcomes(&sent), expected);
    assert!(sent.iter().all(|one| one.signal.is_same(&sent[0].signal)));
    until.notify_one();
    c.log.wait_for("news").await;
    settle().await;
    assert_eq!((b.log.entries().len(), c.log.entries().len()), (1, 1));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn all_get_it_when_all_can() {
    let (system, coordination) = started().await;
    let (_, b) = agent(&system, &coordination, "b").await;
    let (_, c) = agent(&system, &coordination, "c").await;
    c.then(Does::Refuse);
    let ids = ["b", "c", "b"];
    let sent = coordination.broadcast("a", ids, signal("news"), Reach::AllOrNothing).await.unwrap();
    assert_eq!(outcomes(&sent), [("b", "acknowledged"), ("c", "refused")]);
    assert_eq!((b.log.entries(), c.log.entries()), (vec!["news".into()], vec!["news".into()]));
    let nobody: [&str; 0] = [];
    let sent = coordination.broadcast("a", nobody, signal("news"), Reach::AllOrNothing).await;
    assert!(sent.unwrap().is_empty());
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_gets_it_when_one_of_all_cannot() {
    let (system, coordination) = started().await;
    let (b, b_script) = agent_with(&system, &coordination, "b", room_for(1)).await;
    let (c, c_script) = agent_with(&system, &coordination, "c", room_for(1)).await;
    let (_, d_script) = agent(&system, &coordination, "d").await;
    let until = hang(&c).await;
    c.try_tell(Message::Hang(Arc::clone(&until))).unwrap();
    d_script.next([Does::Fail; 5]);
    for _ in 0..5 {
        assert_eq!(
            refused(coordination.delegate("a", "d", signal("one")).await),
            "bank_unreachable"
        );
    }
    let began = Instant::now();
    let ids = ["b", "c", "d", "nobody", "a"];
    let sent = coordination.broadcast("a", ids, signal("news"), Reach::AllOrNothing).await;
    let error = sent.unwrap_err();
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(error.code(), "broadcast_refused");
    let expected = serde_json::json!({
        "c": "mailbox_full", "d": "circuit_open", "nobody": "no_such_receiver", "a": "calling_self"
    });
    assert_eq!(error.details()["receivers"], expected);
    // The place that was taken with the one who could is given back.
    until.notify_one();
    until.notify_one();
    settle().await;
    assert!(b.try_tell(Message::Hang(Arc::clone(&until))).is_ok());
    settle().await;
    until.notify_one();
    settle().await;
    assert_eq!((b_script.log.entries().len(), c_script.log.entries().len()), (0, 0));
    assert_eq!(places(&coordination), [0; 4]);
    acknowledged(coordination.delegate("a", "b", signal("one")).await);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_has_no_room_though_it_drops_what_is_too_much() {
    for overflow in [Overflow::DropNewest, Overflow::DropOldest] {
        is_left_alone_while_full(overflow).await;
    }
}

async fn is_left_alone_while_full(overflow: Overflow) {
    let (system, coordination) = started().await;
    let (_, b_script) = agent(&system, &coordination, "b").await;
    let mailbox = Mailbox::bounded(1).overflow(overflow);
    let (c, c_script) = agent_with(&system, &coordination, "c", mailbox).await;
    let until = hang(&c).await;
    c.try_tell(Message::Hang(Arc::clone(&until))).unwrap();
    let to_both = |topic, reach| coordination.broadcast("a", ["b", "c"], signal(topic), reach);
    let error = to_both("all", Reach::AllOrNothing).await.unwrap_err();
    assert_eq!(error.code(), "broadcast_refused");
    assert_eq!(error.details()["receivers"], serde_json::json!({ "c": "mailbox_full" }));
    // Others get it, and it is kept for the one who is left out.
    for (topic, reach) in [("best", Reach::BestEffort), ("least", Reach::AtLeastOne)] {
        let sent = to_both(topic, reach).await.unwrap();
        assert_eq!(outcomes(&sent), [("b", "acknowledged"), ("c", "kept")]);
        let Ok(Coordinated::Buffered(error)) = &sent[1].outcome else { panic!("{sent:?}") };
        assert_eq!(error.code(), "mailbox_full");
    }
    let error = coordination.broadcast("a", ["c"], signal("alone"), Reach::AtLeastOne).await;
    let error = error.unwrap_err();
    assert_eq!(error.details()["receivers"], serde_json::json!({ "c": "mailbox_full" }));
    assert_eq!(c.dropped(), 0);
    for _ in 0..2 {
        until.notify_one();
        settle().await;
    }
    pause(Duration::from_secs(2)).await;
    assert_eq!(b_script.log.entries(), ["best", "least"]);
    assert_eq!(c_script.log.entries(), ["best", "least", "alone"]);
    // With room it is one of all.
    let sent = to_both("all", Reach::AllOrNothing).await.unwrap();
    assert_eq!(outcomes(&sent), [("b", "acknowledged"), ("c", "acknowledged")]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_or_more_is_an_error_when_nobody_has_handled_it() {
    let (system, coordination) = started().await;
    let (b, script) = agent(&system, &coordination, "b").await;
    let (_, c_script) = agent(&system, &coordination, "c").await;
    let until = hang(&b).await;
    c_script.next([Does::Refuse, Does::Keep]);
    let ids = ["b", "c", "nobody"];
    let reach = Reach::AtLeastOne;
    let error = coordination.broadcast("a", ids, signal("news"), reach).await.unwrap_err();
    assert_eq!(error.code(), "nobody_acknowledged");
    let expected = serde_json::json!({
        "b": "timeout", "c": "not_mine", "nobody": "no_such_receiver"
    });
    assert_eq!(error.details()["receivers"], expected);
    let error = coordination.broadcast("a", ["c"], signal("news"), reach).await.unwrap_err();
    assert_eq!(error.details()["receivers"], serde_json::json!({ "c": "in_progress" }));
    let sent = coordination.broadcast("a", ids, signal("more"), reach).await.unwrap();
    assert_eq!(outcomes(&sent), [("b", "kept"), ("c", "acknowledged"), ("nobody", "nobody")]);
    let nobody: [&str; 0] = [];
    let error = coordination.broadcast("a", nobody, signal("news"), reach).await.unwrap_err();
    assert_eq!(error.code(), "nobody_acknowledged");
    // What is kept by then is kept.
    until.notify_one();
    script.log.wait_for("more").await;
    assert_eq!(script.log.entries(), ["news", "more"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_ends_in_between_is_reported() {
    let (system, coordination) = started().await;
    let (b, _) = agent(&system, &coordination, "b").await;
    let (c, _) = agent(&system, &coordination, "c").await;
    let _until = hang(&c).await;
    b.tell(Message::End(ExitReason::Normal)).await.unwrap();
    let sent = coordination.broadcast("a", ["b", "c"], signal("news"), Reach::AllOrNothing);
    let sent = sent.await.unwrap();
    assert_eq!(outcomes(&sent), [("b", "nobody"), ("c", "kept")]);
    system.stop().await.unwrap();
}
