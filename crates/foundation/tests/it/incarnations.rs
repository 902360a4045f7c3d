//! What is meant for one incarnation: places in several mailboxes, and what is done at its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foundation::{Caller, ChildSpec, ExitReason, Mailbox, Overflow, Supervisor, System, Told};
use testkit::eventually;

use crate::fixture::{Message, Script, Scripted, hold, spec, with_mailbox};

#[tokio::test(start_paused = true)]
async fn a_reserved_place_counts_as_a_message_until_it_is_used_or_given_back() {
    let (system, actor, log) = with_mailbox(Mailbox::bounded(2).overflow(Overflow::Reject)).await;
    let gate = hold(&actor, &log).await;
    let incarnation = actor.incarnation();
    let first = incarnation.try_reserve().unwrap();
    let second = incarnation.try_reserve().unwrap();
    assert_eq!(incarnation.try_reserve().unwrap_err().code(), "mailbox_full");
    assert_eq!(actor.try_tell(Message::Note("no room")).unwrap_err().error.code(), "mailbox_full");
    drop(first);
    actor.try_tell(Message::Note("instead")).unwrap();
    assert_eq!(second.tell(Message::Note("reserved")).unwrap(), Told::Accepted);
    assert_eq!(incarnation.try_reserve().unwrap_err().code(), "mailbox_full");
    gate.notify_one();
    actor.drain().await.unwrap();
    assert_eq!(log.entries()[3..5], ["instead", "reserved"]);
    assert_eq!(log.count("no room"), 0);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_place_that_is_given_back_lets_in_who_waits() {
    let (system, actor, log) = with_mailbox(Mailbox::bounded(1)).await;
    let incarnation = actor.incarnation();
    let place = incarnation.try_reserve().unwrap();
    let waiting = actor.tell(Message::Note("waited"));
    let giving_back = async {
        tokio::task::yield_now().await;
        assert_eq!(log.count("waited"), 0);
        drop(place);
    };
    let (told, ()) = tokio::join!(waiting, giving_back);
    told.unwrap();
    actor.drain().await.unwrap();
    assert_eq!(log.count("waited"), 1);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_who_reserves_overtakes_those_who_wait() {
    let (system, actor, log) = with_mailbox(Mailbox::bounded(1)).await;
    let gate = hold(&actor, &log).await;
    actor.tell(Message::Note("accepted")).await.unwrap();
    let waiting = actor.tell(Message::Note("waits"));
    let reserving = async {
        tokio::task::yield_now().await;
        assert_eq!(actor.incarnation().try_reserve().unwrap_err().code(), "mailbox_full");
        gate.notify_one();
    };
    let (told, ()) = tokio::join!(waiting, reserving);
    told.unwrap();
    actor.drain().await.unwrap();
    assert_eq!(log.entries()[3..5], ["accepted", "waits"]);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_place_follows_the_policy_of_its_mailbox() {
    for (overflow, told) in
        [(Overflow::DropOldest, Told::Accepted), (Overflow::DropNewest, Told::Dropped)]
    {
        let (system, actor, log) = with_mailbox(Mailbox::bounded(1).overflow(overflow)).await;
        let gate = hold(&actor, &log).await;
        actor.try_tell(Message::Note("first")).unwrap();
        let incarnation = actor.incarnation();
        let place = incarnation.try_reserve().unwrap();
        assert_eq!(place.tell(Message::Note("second")).unwrap(), told);
        assert_eq!(incarnation.try_tell(Message::Note("third")).unwrap(), told);
        assert_eq!(actor.dropped(), 2);
        gate.notify_one();
        actor.drain().await.unwrap();
        let handled = if told == Told::Accepted { "third" } else { "first" };
        assert_eq!(log.entries()[3..4], [handled]);
        system.stop().await.unwrap();
    }
    let (system, actor, log) = with_mailbox(Mailbox::bounded(1).overflow(Overflow::Stop)).await;
    let gate = hold(&actor, &log).await;
    actor.try_tell(Message::Note("first")).unwrap();
    let incarnation = actor.incarnation();
    assert_eq!(incarnation.try_reserve().unwrap_err().code(), "mailbox_full");
    gate.notify_one();
    let ExitReason::Error(error) = actor.exited().await else { panic!("it was to overflow") };
    assert_eq!(error.code(), "mailbox_overflow");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_place_has_room_unless_a_message_is_to_be_dropped() {
    for overflow in [Overflow::Reject, Overflow::DropOldest, Overflow::DropNewest] {
        let (system, actor, log) = with_mailbox(Mailbox::bounded(2).overflow(overflow)).await;
        let gate = hold(&actor, &log).await;
        let incarnation = actor.incarnation();
        actor.try_tell(Message::Note("first")).unwrap();
        let place = incarnation.try_reserve().unwrap();
        assert!(place.has_room(), "{overflow:?}, with room");
        // The place counts: with it there is no room for another one.
        match incarnation.try_reserve() {
            // Where the oldest goes, none is kept for anybody.
            Ok(second) => assert_eq!(second.has_room(), overflow == Overflow::DropOldest),
            Err(error) => {
                assert_eq!((error.code(), overflow), ("mailbox_full", Overflow::Reject));
            }
        }
        drop(place);
        assert!(incarnation.try_reserve().unwrap().has_room(), "{overflow:?}, given back");
        let kept = incarnation.try_reserve().unwrap().keep();
        assert!(incarnation.redeem(kept).has_room(), "{overflow:?}, kept");
        actor.try_tell(Message::Note("second")).unwrap();
        match incarnation.try_reserve() {
            Ok(third) => assert!(!third.has_room(), "{overflow:?}, full"),
            Err(_) => assert_eq!(overflow, Overflow::Reject),
        }
        let (other_system, other, _) = with_mailbox(Mailbox::bounded(1)).await;
        let others = other.incarnation().try_reserve().unwrap().keep();
        assert!(!incarnation.redeem(others).has_room(), "with nobody");
        gate.notify_one();
        system.stop().await.unwrap();
        other_system.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_that_was_kept_is_redeemed_by_its_own_incarnation_only() {
    let (system, actor, _log) = with_mailbox(Mailbox::bounded(1)).await;
    let (other_system, other, _) = with_mailbox(Mailbox::bounded(1)).await;
    let (incarnation, others) = (actor.incarnation(), other.incarnation());
    let kept = incarnation.try_reserve().unwrap().keep();
    assert_eq!(incarnation.try_reserve().unwrap_err().code(), "mailbox_full");
    drop(incarnation.redeem(kept));
    let kept = incarnation.try_reserve().unwrap().keep();
    let asked = incarnation.redeem(kept).ask(|reply| Message::Number(7, reply)).unwrap();
    assert_eq!(incarnation.answer(asked).await.unwrap(), 7);
    let asked = incarnation.try_reserve().unwrap();
    let asked = asked.ask(|reply| Message::Number(7, reply)).unwrap();
    assert_eq!(others.answer(asked).await.unwrap_err().code(), "no_reply", "of another one");
    // Neither the place of another actor, nor one that is there no more.
    let started = system.start(spec(&Script::default())).await.unwrap();
    let kept = started.incarnation().try_reserve().unwrap().keep();
    let unsent = incarnation.redeem(kept).tell(Message::Note("astray")).unwrap_err();
    assert_eq!(unsent.error.code(), "no_process");
    system.stop().await.unwrap();
    other_system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_meant_for_one_incarnation_does_not_reach_the_next() {
    let system = System::builder().name("lives").start().await.unwrap();
    let script = Script::default();
    let log = script.log.clone();
    Supervisor::one_for_one()
        .name("top")
        .child(ChildSpec::<Scripted>::actor("one", script).registered())
        .start(&system)
        .await
        .unwrap();
    let actor = system.lookup::<Scripted>("one").unwrap();
    let first = actor.incarnation();
    let ended = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&ended);
    let _hook = first
        .at_end(move || {
            counting.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
    let kept = first.try_reserve().unwrap().keep();
    actor.kill();
    let runs_again = || {
        let runs = actor.is_alive() && actor.pid() != first.pid();
        runs.then_some(()).ok_or("it does not run again")
    };
    eventually(runs_again).await;
    assert_eq!(ended.load(Ordering::SeqCst), 1, "once, before the next one runs");
    assert!(!first.is_alive());
    assert_eq!(first.try_reserve().unwrap_err().code(), "no_process");
    assert_eq!(first.try_tell(Message::Note("late")).unwrap_err().error.code(), "no_process");
    let unsent = first.redeem(kept).tell(Message::Note("late")).unwrap_err();
    assert_eq!(unsent.error.code(), "no_process");
    assert_eq!(first.at_end(|| ()).unwrap_err().code(), "no_process");
    assert_eq!(actor.incarnation().try_tell(Message::Note("now")).unwrap(), Told::Accepted);
    actor.ask(|reply| Message::Number(1, reply)).await.unwrap();
    assert_eq!((log.count("late"), log.count("now")), (0, 1));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_done_at_an_end_can_be_called_off_and_may_panic() {
    let (system, actor, _log) = with_mailbox(Mailbox::default()).await;
    let done = Arc::new(AtomicUsize::new(0));
    let incarnation = actor.incarnation();
    let count = || {
        let done = Arc::clone(&done);
        move || {
            done.fetch_add(1, Ordering::SeqCst);
        }
    };
    let called_off = incarnation.at_end(count()).unwrap();
    assert_eq!(called_off.pid(), actor.pid());
    let _panics = incarnation.at_end(|| panic!("in a hook")).unwrap();
    let _kept = incarnation.at_end(count()).unwrap();
    called_off.call_off();
    assert_eq!(actor.stop(ExitReason::Shutdown).await.unwrap(), ExitReason::Shutdown);
    assert_eq!(done.load(Ordering::SeqCst), 1);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_asks_itself_through_a_place_is_refused() {
    // The fixture asks another one; here one asks itself, while it handles a message.
    struct Selfish;
    impl foundation::Actor for Selfish {
        type Args = ();
        type Message = Option<foundation::Reply<String>>;
        async fn init(
            (): (),
            _: &mut foundation::Context<Self>,
        ) -> foundation::Result<foundation::Init<Self>> {
            Ok(foundation::Init::Ready(Self))
        }
        async fn handle(
            &mut self,
            message: Self::Message,
            cx: &mut foundation::Context<Self>,
        ) -> foundation::Result<foundation::Flow> {
            if let Some(reply) = message {
                let me = cx.me().incarnation();
                let asked = me.try_reserve()?.ask(Some);
                reply.send(asked.map(|_| ()).unwrap_err().code().to_owned());
            }
            Ok(foundation::Flow::Continue)
        }
    }
    let system = System::builder().name("self").start().await.unwrap();
    let actor = system.start(ChildSpec::<Selfish>::actor("selfish", ())).await.unwrap();
    assert_eq!(actor.ask(Some).await.unwrap(), "calling_self");
    assert_eq!(actor.mailbox_len(), 0);
    // For somebody else it is asked, whoever does so.
    let incarnation = actor.incarnation();
    let asked = incarnation.try_reserve().unwrap().ask_for(Caller::current(), Some).unwrap();
    assert_eq!(incarnation.answer(asked).await.unwrap(), "calling_self");
    system.stop().await.unwrap();
}
