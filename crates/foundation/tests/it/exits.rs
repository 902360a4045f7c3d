//! Ending by itself: what the reason is, what is called, and what becomes of the rest.

use foundation::{Error, ExitReason};

use crate::fixture::{AtTerminate, Bomb, Message, Payload, Script, hold, running};

async fn reason_after(script: &Script, message: Message) -> ExitReason {
    let (system, actor) = running(script).await;
    actor.tell(message).await.unwrap();
    let reason = actor.exited().await;
    assert_eq!(actor.exited().await, reason, "the reason stays");
    assert_eq!(system.census().actors, 0);
    system.stop().await.unwrap();
    reason
}

#[tokio::test(start_paused = true)]
async fn an_actor_ends_for_the_reason_it_gives() {
    let reasons = [ExitReason::Normal, ExitReason::Shutdown, ExitReason::shutdown_with("done")];
    for reason in reasons {
        let script = Script::default();
        assert_eq!(reason_after(&script, Message::Stop(reason.clone())).await, reason);
        let farewell = format!("terminate: {reason}");
        assert_eq!(script.log.entries(), ["init", "ready", &farewell, "dropped"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_a_handler_ends_the_actor_and_is_stamped_with_it() {
    let script = Script::default();
    let error = Error::infrastructure("bank_gone");
    let ExitReason::Error(error) = reason_after(&script, Message::Fail(error)).await else {
        panic!("not an error");
    };
    assert_eq!(error.code(), "bank_gone");
    let origin = error.origin().unwrap();
    assert_eq!((&*origin.operation, &origin.metadata["pid"]), ("scripted", &"<1.1>".into()));
    assert_eq!(script.log.count("terminate: error: bank_gone"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_the_reason_with_message_and_place_and_there_is_no_farewell() {
    // K04: text in both forms is kept; of anything else it is only known that it is no text.
    let table = [
        (Message::Panic("oops"), "oops"),
        (Message::PanicWith(Payload::Text("late".to_owned())), "late"),
        (Message::PanicWith(Payload::Number(7)), "a payload that is no text"),
    ];
    for (message, said) in table {
        let script = Script::default();
        let ExitReason::Panic(panic) = reason_after(&script, message).await else {
            panic!("not a panic");
        };
        assert_eq!(&*panic.message, said);
        let location = panic.location.unwrap();
        assert!(location.contains("fixture.rs:"), "{location}");
        assert_eq!(script.log.entries(), ["init", "ready", "dropped"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_terminate_changes_nothing() {
    // K06
    let script = Script { terminate: AtTerminate::Panic, ..Script::default() };
    let reason = reason_after(&script, Message::Stop(ExitReason::Normal)).await;
    assert_eq!(reason, ExitReason::Normal);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_drop_changes_nothing() {
    let script = Script { panics_in_drop: true, ..Script::default() };
    let reason = reason_after(&script, Message::Stop(ExitReason::shutdown_with("done"))).await;
    assert_eq!(reason, ExitReason::shutdown_with("done"));
    // Nor when the state is dropped by a kill.
    let (system, actor) = running(&script).await;
    actor.kill();
    assert_eq!(actor.exited().await, ExitReason::Killed);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_end_is_announced_when_nothing_of_the_actor_is_left() {
    // K09
    let script = Script::default();
    let (system, actor) = running(&script).await;
    let watching = async {
        let reason = actor.exited().await;
        script.log.push("announced");
        reason
    };
    let (reason, sent) = tokio::join!(watching, actor.tell(Message::Panic("oops")));
    sent.unwrap();
    assert!(reason.is_abnormal());
    assert_eq!(script.log.entries(), ["init", "ready", "dropped", "announced"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_undelivered_hides_none_of_the_other_messages() {
    // K12
    let script = Script::default();
    let (system, actor) = running(&script).await;
    let gate = hold(&actor, &script.log).await;
    actor.tell(Message::PanicWith(Payload::Text("in undelivered".to_owned()))).await.unwrap();
    let asking = actor.ask(|reply| Message::Number(1, reply));
    let stopping = async {
        while actor.mailbox_len() < 2 {
            tokio::task::yield_now().await;
        }
        gate.notify_one();
        actor.stop(ExitReason::Shutdown).await
    };
    let (answer, reason) = tokio::join!(asking, stopping);
    assert_eq!(reason.unwrap(), ExitReason::Shutdown);
    assert_eq!(answer.unwrap_err().code(), "actor_stopped");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_that_panics_when_it_is_dropped_does_not_hide_the_end() {
    let mailbox = foundation::Mailbox::bounded(1);
    let (system, actor, log) = crate::fixture::with_mailbox(mailbox).await;
    hold(&actor, &log).await;
    actor.tell(Message::Bomb(Bomb)).await.unwrap();
    let killing = async {
        tokio::task::yield_now().await;
        actor.kill();
        actor.exited().await
    };
    // One bomb was accepted, the other one waits for room.
    let (refused, reason) = tokio::join!(actor.tell(Message::Bomb(Bomb)), killing);
    assert_eq!((refused.unwrap_err().code(), reason), ("no_process", ExitReason::Killed));
    assert_eq!(system.census().actors, 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn undelivered_gets_what_was_never_begun_in_order() {
    struct Keeper;
    impl foundation::Actor for Keeper {
        type Args = ();
        type Message = (u32, testkit::Log);
        async fn init(
            (): (),
            _: &mut foundation::Context<Self>,
        ) -> foundation::Result<foundation::Init<Self>> {
            Ok(foundation::Init::Ready(Self))
        }
        async fn handle(
            &mut self,
            (number, log): Self::Message,
            _: &mut foundation::Context<Self>,
        ) -> foundation::Result<foundation::Flow> {
            log.push(format!("handled {number}"));
            assert_ne!(number, 1, "one is enough");
            tokio::task::yield_now().await;
            Ok(foundation::Flow::Continue)
        }
        fn undelivered((number, log): Self::Message) {
            log.push(format!("undelivered {number}"));
        }
    }
    let (system, log) = (crate::fixture::system().await, testkit::Log::default());
    let spec = foundation::ChildSpec::<Keeper>::actor("keeper", ());
    let actor = system.start(spec).await.unwrap();
    for number in 0..5 {
        actor.try_tell((number, log.clone())).unwrap();
    }
    assert!(actor.exited().await.is_abnormal());
    let undelivered = ["undelivered 2", "undelivered 3", "undelivered 4"];
    assert_eq!(log.entries(), [&["handled 0", "handled 1"][..], &undelivered].concat());
    system.stop().await.unwrap();
}
