//! Actors that are told of what is registered.

use foundation::{
    ActorRef, Changes, ChildSpec, ExitReason, Mailbox, Overflow, Pid, Registration, RegistryChange,
    RegistryEvent, Supervisor, System,
};
use testkit::{Puppet, eventually};

use super::{end, idle, puppet};
use crate::fixture::{Said, strike, system};

pub(crate) type Listener = crate::fixture::Listener<RegistryEvent>;

async fn listener(system: &System) -> ActorRef<Listener> {
    system.start(ChildSpec::<Listener>::actor("listener", ())).await.unwrap()
}

/// One that is started again when it has ended.
async fn restarted_listener(system: &System) -> ActorRef<Listener> {
    let supervisor = Supervisor::one_for_one().child(ChildSpec::<Listener>::actor("listener", ()));
    supervisor.start(system).await.unwrap().child("listener").await.unwrap()
}

async fn heard(listener: &ActorRef<Listener>) -> Vec<(char, String, Pid)> {
    let heard = listener.ask(Said::Heard).await.unwrap();
    assert!(heard.iter().all(|event| event.missed == 0));
    let sign = |event: &RegistryEvent| match event.change {
        RegistryChange::Registered => '+',
        _ => '-',
    };
    heard.iter().map(|event| (sign(event), event.key.to_string(), event.pid)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_listener_hears_of_every_registration_and_of_every_end_of_one() {
    // OTP I34
    let system = system().await;
    let (first, second) = (listener(&system).await, listener(&system).await);
    let actor = puppet(&system, "puppet").await;
    let registry = system.registry();
    registry.register("early", &actor).unwrap();
    for listener in [&first, &second] {
        registry.listen(listener, Said::Event).unwrap();
    }
    registry.register("a", &actor).unwrap();
    registry.register("a", &actor).unwrap_err();
    registry.set_metadata("a", 1).unwrap();
    registry.unregister("a").unwrap();
    registry.unregister("a").unwrap_err();
    registry.register("b", &actor).unwrap();
    let pid = actor.pid();
    Puppet::exit(&actor, ExitReason::Normal).await;
    let event = |sign, key: &str| (sign, key.to_owned(), pid);
    let expected =
        [event('+', "a"), event('-', "a"), event('+', "b"), event('-', "early"), event('-', "b")];
    assert_eq!(heard(&first).await, expected);
    assert_eq!(heard(&second).await, expected);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn of_changes_that_are_made_together_it_hears_all_or_nothing() {
    let system = system().await;
    let listener = listener(&system).await;
    let actors = idle(&system, 2).await;
    let registry = system.registry();
    registry.register("a", &actors[0]).unwrap();
    registry.listen(&listener, Said::Event).unwrap();
    let changes = || Changes::new().unregister("a").register(Registration::new("b", &actors[1]));
    registry.commit(changes().unregister("c")).unwrap_err();
    assert_eq!(heard(&listener).await, []);
    registry.commit(changes()).unwrap();
    let (a, b) = (actors[0].pid(), actors[1].pid());
    assert_eq!(heard(&listener).await, [('-', "a".to_owned(), a), ('+', "b".to_owned(), b)]);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_is_gone_with_its_incarnation() {
    let system = system().await;
    let listener = listener(&system).await;
    let (registry, groups) = (system.registry(), system.groups());
    registry.listen(&listener, Said::Event).unwrap();
    groups.listen(&listener, Said::Event).unwrap();
    assert_eq!(
        (registry.listeners(), groups.listeners(), listener.status().registrations),
        (1, 1, 2)
    );
    listener.stop(ExitReason::Normal).await.unwrap();
    assert_eq!(
        (registry.listeners(), groups.listeners(), listener.status().registrations),
        (0, 0, 0)
    );
    assert_eq!(registry.listen(&listener, Said::Event).unwrap_err().code(), "no_process");
    assert_eq!(registry.listeners(), 0);
    let other = crate::fixture::system().await;
    let stranger = self::listener(&other).await;
    let error = registry.listen(&stranger, Said::Event).unwrap_err();
    assert_eq!((error.code(), registry.listeners()), ("invalid_options", 0));
    other.stop().await.unwrap();
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn what_there_is_no_room_for_is_missed_and_it_learns_how_much_that_was() {
    let system = system().await;
    let listener = listener(&system).await;
    let actor = idle(&system, 1).await.remove(0);
    let registry = system.registry();
    registry.listen(&listener, Said::Event).unwrap();
    // It gets no turn meanwhile, and no mailbox is large enough for all of it.
    for _ in 0..8200 {
        registry.register("a", &actor).unwrap();
        registry.unregister("a").unwrap();
    }
    let heard = listener.ask(Said::Heard).await.unwrap();
    let missed: Vec<_> = heard.iter().map(|it| it.missed).filter(|missed| *missed > 0).collect();
    // The last one says it, because no other may ever come.
    assert_eq!((heard.len(), missed, heard[16_383].missed), (16_384, vec![16], 16));
    registry.register("b", &actor).unwrap();
    assert_eq!(listener.ask(Said::Heard).await.unwrap()[0].missed, 0);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_busy_misses_nothing_of_the_largest_commit() {
    let system = system().await;
    let listener = listener(&system).await;
    let actor = idle(&system, 1).await.remove(0);
    system.registry().listen(&listener, Said::Event).unwrap();
    let batch = (0..10_000).map(|n| Registration::new(n.to_string(), &actor));
    system.registry().register_all(batch).unwrap();
    assert_eq!(heard(&listener).await.len(), 10_000);
    // Nor of the end of somebody with that many names.
    end(&actor).await;
    assert_eq!(heard(&listener).await.len(), 10_000);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn events_come_before_messages_and_ask_no_policy_of_the_mailbox() {
    let system = system().await;
    let mailbox = Mailbox::bounded(1).overflow(Overflow::Stop);
    let spec = ChildSpec::<Listener>::actor("listener", ()).mailbox(mailbox);
    let listener = system.start(spec).await.unwrap();
    let actors = idle(&system, 10).await;
    system.registry().listen(&listener, Said::Event).unwrap();
    let heard = listener.ask(Said::Heard);
    let batch = actors.iter().enumerate();
    let batch = batch.map(|(n, actor)| Registration::new(n.to_string(), actor));
    let registering = async { system.registry().register_all(batch) };
    let (heard, registered) = tokio::join!(heard, registering);
    assert_eq!((heard.unwrap().len(), registered), (10, Ok(())));
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_over_an_event_has_panicked_itself_and_nobody_else_notices() {
    let system = system().await;
    let (bad, good) = (listener(&system).await, listener(&system).await);
    let actor = puppet(&system, "puppet").await;
    let registry = system.registry();
    registry.listen(&bad, |_| panic!("a bug")).unwrap();
    registry.listen(&good, Said::Event).unwrap();
    let exited = bad.exited();
    registry.register("a", &actor).unwrap();
    registry.register("b", &actor).unwrap();
    assert!(matches!(exited.await, ExitReason::Panic(_)));
    assert_eq!((heard(&good).await.len(), registry.listeners()), (2, 1));
    strike(system).await;
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a bomb");
    }
}

#[tokio::test(start_paused = true)]
async fn one_whose_closure_panics_when_it_is_dropped_ends_as_any_other() {
    let system = system().await;
    let listener = restarted_listener(&system).await;
    let actors = idle(&system, 1).await;
    for with_news in [false, true] {
        let bomb = Bomb;
        let make = move |event| {
            let _ = &bomb;
            Said::Event(event)
        };
        system.registry().listen(&listener, make).unwrap();
        if with_news {
            system.registry().register("a", &actors[0]).unwrap();
        }
        let (exited, before) = (listener.exited(), listener.pid().generation);
        listener.kill();
        assert_eq!(exited.await, ExitReason::Killed);
        // Its supervisor was told all the same.
        eventually(|| match listener.pid().generation {
            now if now > before && listener.is_alive() => Ok(()),
            now => Err(format!("incarnation {now}")),
        })
        .await;
        assert_eq!(system.registry().listeners(), 0);
    }
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_listen_no_more_and_the_next_incarnation_hears_nothing_by_itself() {
    let system = system().await;
    let listener = restarted_listener(&system).await;
    let actor = puppet(&system, "puppet").await;
    let registry = system.registry();
    assert_eq!(registry.unlisten(&listener).unwrap_err().code(), "not_registered");
    registry.listen(&listener, Said::Event).unwrap();
    registry.listen(&listener, Said::Event).unwrap();
    registry.register("a", &actor).unwrap();
    assert_eq!(heard(&listener).await.len(), 2);
    registry.unlisten(&listener).unwrap();
    registry.register("b", &actor).unwrap();
    assert_eq!((heard(&listener).await.len(), listener.status().registrations), (0, 0));

    registry.listen(&listener, Said::Event).unwrap();
    let exited = listener.exited();
    // On its way when it ends.
    registry.register("c", &actor).unwrap();
    listener.kill();
    exited.await;
    eventually(|| if listener.is_alive() { Ok(()) } else { Err("restarting") }).await;
    registry.register("d", &actor).unwrap();
    assert_eq!(heard(&listener).await.len(), 0);
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_change_what_it_hears_of() {
    let system = system().await;
    let listener = listener(&system).await;
    let actors = idle(&system, 1).await;
    let registry = system.registry().clone();
    let (names, actor) = (registry.clone(), actors[0].clone());
    registry
        .listen(&listener, move |event| {
            if &*event.key == "a" && event.change == RegistryChange::Registered {
                names.register("b", &actor).unwrap();
                names.unregister("a").unwrap();
            }
            Said::Event(event)
        })
        .unwrap();
    registry.register("a", &actors[0]).unwrap();
    let pid = actors[0].pid();
    let event = |sign, key: &str| (sign, key.to_owned(), pid);
    assert_eq!(heard(&listener).await, [event('+', "a"), event('+', "b"), event('-', "a")]);
    end(&actors[0]).await;
    assert!(registry.is_empty());
    strike(system).await;
}
