//! Full mailboxes, one policy after the other, as their senders meet them.

use std::time::Duration;

use foundation::{ExitReason, Mailbox, Overflow};
use tokio::time::timeout;

use crate::fixture::{Message, hold, with_mailbox};

/// Notes, to fill a mailbox with.
const NOTES: [&str; 6] = ["0", "1", "2", "3", "4", "5"];

#[tokio::test(start_paused = true)]
async fn waiting_senders_are_let_in_in_the_order_in_which_they_came() {
    let (system, actor, log) = with_mailbox(Mailbox::bounded(2)).await;
    let gate = hold(&actor, &log).await;
    let senders = async {
        let send = |note| actor.tell(Message::Note(note));
        tokio::try_join!(
            send(NOTES[0]),
            send(NOTES[1]),
            send(NOTES[2]),
            send(NOTES[3]),
            send(NOTES[4]),
            send(NOTES[5])
        )
    };
    let opening = async {
        tokio::task::yield_now().await;
        assert_eq!(actor.mailbox_len(), 2);
        gate.notify_one();
    };
    let (sent, ()) = tokio::join!(senders, opening);
    sent.unwrap();
    actor.drain().await.unwrap();
    assert_eq!(log.entries()[3..9], NOTES);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_gives_up_waiting_has_sent_nothing() {
    let (system, actor, log) = with_mailbox(Mailbox::bounded(1)).await;
    let gate = hold(&actor, &log).await;
    actor.tell(Message::Note("accepted")).await.unwrap();
    let given_up = actor.tell(Message::Note("given up"));
    timeout(Duration::from_millis(10), given_up).await.unwrap_err();
    gate.notify_one();
    actor.drain().await.unwrap();
    assert_eq!((log.count("accepted"), log.count("given up")), (1, 0));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_waiting_sender_learns_that_the_actor_has_ended() {
    let (system, actor, log) = with_mailbox(Mailbox::bounded(1)).await;
    hold(&actor, &log).await;
    actor.tell(Message::Note("accepted")).await.unwrap();
    let killing = async {
        tokio::task::yield_now().await;
        actor.kill();
    };
    let (sent, ()) = tokio::join!(actor.tell(Message::Note("waits")), killing);
    assert_eq!(sent.unwrap_err().code(), "no_process");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_actor_does_not_wait_for_room_in_its_own_mailbox() {
    let (system, actor, _) = with_mailbox(Mailbox::bounded(1)).await;
    let asking = actor.ask(|reply| Message::TellOther(actor.clone(), "in time", reply));
    let filling = async {
        // The question is being handled when this is sent, or this would not fit.
        tokio::task::yield_now().await;
    };
    let (told, ()) = tokio::join!(asking, filling);
    told.unwrap().unwrap();
    let (system2, full, log) = with_mailbox(Mailbox::bounded(1)).await;
    let gate = hold(&full, &log).await;
    let asking = full.ask(|reply| Message::TellOther(full.clone(), "in time", reply));
    let opening = async {
        while full.mailbox_len() < 1 {
            tokio::task::yield_now().await;
        }
        gate.notify_one();
        // Comes into the mailbox while the question is handled, or after; either is an answer.
        let _ = full.try_tell(Message::Note("fills it"));
    };
    let (told, ()) = tokio::join!(asking, opening);
    if let Err(error) = told.unwrap() {
        assert_eq!(error.code(), "mailbox_full");
    }
    system.stop().await.unwrap();
    system2.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn reject_tells_the_sender_at_once() {
    let mailbox = Mailbox::bounded(2).overflow(Overflow::Reject);
    let (system, actor, log) = with_mailbox(mailbox).await;
    let gate = hold(&actor, &log).await;
    for note in &NOTES[..2] {
        actor.tell(Message::Note(note)).await.unwrap();
    }
    let error = actor.tell(Message::Note("no room")).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["actor"]), ("mailbox_full", &"scripted".into()));
    let unsent = actor.try_tell(Message::Note("given back")).unwrap_err();
    assert!(matches!(unsent.message, Message::Note("given back")));
    let asked = actor.ask(|reply| Message::Number(1, reply)).await.unwrap_err();
    assert_eq!(asked.code(), "mailbox_full");
    gate.notify_one();
    actor.drain().await.unwrap();
    assert_eq!((log.count("0"), log.count("1"), log.count("no room")), (1, 1, 0));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn drop_newest_keeps_what_is_there_and_counts_the_rest() {
    let mailbox = Mailbox::bounded(2).overflow(Overflow::DropNewest);
    let (system, actor, log) = with_mailbox(mailbox).await;
    let gate = hold(&actor, &log).await;
    for note in NOTES {
        actor.tell(Message::Note(note)).await.unwrap();
    }
    // Nobody would answer it, and whoever asks wants to know.
    let asked = actor.ask(|reply| Message::Number(1, reply)).await.unwrap_err();
    assert_eq!((asked.code(), actor.dropped()), ("mailbox_full", 5));
    gate.notify_one();
    actor.drain().await.unwrap();
    assert_eq!(log.entries()[3..5], NOTES[..2]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn drop_oldest_keeps_what_is_new_and_fails_the_questions_it_drops() {
    let mailbox = Mailbox::bounded(2).overflow(Overflow::DropOldest);
    let (system, actor, log) = with_mailbox(mailbox).await;
    let gate = hold(&actor, &log).await;
    let asking = actor.ask(|reply| Message::Number(1, reply));
    let telling = async {
        tokio::task::yield_now().await;
        for note in NOTES {
            actor.tell(Message::Note(note)).await.unwrap();
        }
    };
    let (answer, ()) = tokio::join!(asking, telling);
    assert_eq!((answer.unwrap_err().code(), actor.dropped()), ("no_reply", 5));
    gate.notify_one();
    actor.drain().await.unwrap();
    assert_eq!(log.entries()[3..5], NOTES[4..]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn stop_ends_an_actor_that_falls_behind() {
    let mailbox = Mailbox::bounded(1).overflow(Overflow::Stop);
    let (system, actor, log) = with_mailbox(mailbox).await;
    let gate = hold(&actor, &log).await;
    actor.tell(Message::Note("0")).await.unwrap();
    let error = actor.tell(Message::Note("1")).await.unwrap_err();
    assert_eq!(error.code(), "mailbox_full");
    gate.notify_one();
    let ExitReason::Error(error) = actor.exited().await else { panic!("not an error") };
    assert_eq!(error.code(), "mailbox_overflow");
    assert_eq!(log.count("0"), 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn messages_of_one_sender_arrive_in_order_however_many() {
    let (system, actor, log) = with_mailbox(Mailbox::bounded(7)).await;
    let numbers: Vec<&'static str> = NOTES.iter().copied().cycle().take(1000).collect();
    for note in &numbers {
        actor.tell(Message::Note(note)).await.unwrap();
    }
    actor.drain().await.unwrap();
    assert_eq!(log.entries()[2..1002], numbers);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_hibernates_wakes_up_for_the_next_message() {
    let (system, actor, log) = with_mailbox(Mailbox::default()).await;
    for round in 0..3 {
        for note in NOTES {
            actor.tell(Message::Note(note)).await.unwrap();
        }
        actor.tell(Message::Hibernate).await.unwrap();
        assert_eq!(actor.ask(|reply| Message::Number(round, reply)).await.unwrap(), round);
    }
    actor.drain().await.unwrap();
    assert_eq!(log.entries()[2..20], NOTES.repeat(3));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_busy_actor_lets_others_run() {
    // On one thread, an actor that never runs out of messages must not keep it, whether it tells
    // itself or goes on with something.
    struct Endless(bool);
    impl foundation::Actor for Endless {
        type Args = bool;
        type Message = ();
        async fn init(
            continues: bool,
            cx: &mut foundation::Context<Self>,
        ) -> foundation::Result<foundation::Init<Self>> {
            cx.me().try_tell(())?;
            Ok(foundation::Init::Ready(Self(continues)))
        }
        async fn handle(
            &mut self,
            (): (),
            cx: &mut foundation::Context<Self>,
        ) -> foundation::Result<foundation::Flow> {
            if self.0 {
                cx.continue_with(());
            } else {
                cx.me().try_tell(())?;
            }
            Ok(foundation::Flow::Continue)
        }
    }
    let system = crate::fixture::system().await;
    for continues in [false, true] {
        let spec = foundation::ChildSpec::<Endless>::actor("endless", continues);
        let endless = system.start(spec).await.unwrap();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(endless.stop(ExitReason::Shutdown).await.unwrap(), ExitReason::Shutdown);
    }
    system.stop().await.unwrap();
}
