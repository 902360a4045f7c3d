//! What happens between two steps: seen from inside, where each step can be taken by itself.

use std::sync::Arc;

use serde_json::Value;

use super::table::Registering;
use super::{Changes, Registration, Registry};
use crate::actor::{ActorRef, Options, Peer, Slot, place};
use crate::exit::ExitReason;
use crate::system::System;
use crate::testing::{Idle, idle};

/// A place in which nothing has begun.
fn unborn(system: &System) -> (Arc<Slot<()>>, Peer) {
    let slot: Arc<Slot<()>> = place(system.shared(), &Options::new("unborn".into()));
    let peer = Peer { process: Arc::clone(&slot) as _, generation: 1 };
    (slot, peer)
}

fn holds(actor: &ActorRef<Idle>) -> usize {
    actor.status().registrations
}

/// Symptom in other registries: the notice of a death that comes late removes the name of whoever
/// has taken it since.
#[tokio::test(start_paused = true)]
async fn a_holder_that_has_ended_is_seen_to_be_dead_before_it_lets_go() {
    let system = System::builder().start().await.unwrap();
    let (first, second) = (idle(&system).await, idle(&system).await);
    let names = system.registry();
    names.register("a", &first).unwrap();
    names.register("b", &first).unwrap();
    // It ends, and has not yet come to letting go.
    let mut bereaved = first.peer().process.core().life.end(&ExitReason::Killed);
    for key in ["a", "b"] {
        assert_eq!(names.lookup::<Idle>(key).unwrap_err().code(), "not_registered");
    }
    assert!(names.keys().is_empty());
    names.register("b", &second).unwrap();
    bereaved.let_go();
    assert_eq!(names.lookup("b"), Ok(second.clone()));
    assert_eq!((names.len(), holds(&second)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_leaves_a_holder_that_has_ended_to_let_go_by_itself() {
    let system = System::builder().start().await.unwrap();
    let (first, second) = (idle(&system).await, idle(&system).await);
    let names = system.registry();
    names.register("a", &first).unwrap();
    let mut bereaved = first.peer().process.core().life.end(&ExitReason::Killed);
    let changes = Changes::new().register(Registration::new("a", &second)).unregister("b");
    assert_eq!(names.commit(changes).unwrap_err().code(), "not_registered");
    assert_eq!((names.len(), holds(&second)), (1, 0));
    bereaved.let_go();
    assert_eq!(names.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_owner_begins_with_its_name_or_not_at_all() {
    let system = System::builder().start().await.unwrap();
    let names = system.registry();
    let (slot, peer) = unborn(&system);
    let registering =
        |key: &str| Registering { key: key.into(), owner: peer.clone(), metadata: Value::Null };
    names.register("taken", &idle(&system).await).unwrap();
    let begin = || panic!("the name is taken");
    let error = names.table.register(registering("taken"), begin).unwrap_err();
    assert_eq!(error.code(), "already_registered");
    assert!(!slot.is_alive());
    let begin = || assert_eq!(slot.core().life.begin(), 1);
    names.table.register(registering("free"), begin).unwrap();
    assert_eq!(peer.status().registrations, 1);
    slot.call_off();
    assert_eq!((names.len(), peer.status().registrations), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_registry_goes_when_nobody_has_it_and_nobody_is_in_it() {
    let system = System::builder().start().await.unwrap();
    let (actor, listener) = (idle(&system).await, idle(&system).await);
    let rooms = Registry::new(&system, "rooms");
    let table = Arc::downgrade(&rooms.table);
    rooms.register("a", &actor).unwrap();
    rooms.listen(&listener, drop).unwrap();
    drop(rooms);
    assert!(table.upgrade().is_some(), "somebody is in it");
    actor.stop(ExitReason::Normal).await.unwrap();
    assert!(table.upgrade().is_none());
    listener.stop(ExitReason::Normal).await.unwrap();
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_printed_locks_nothing() {
    let system = System::builder().start().await.unwrap();
    let actor = idle(&system).await;
    let names = system.registry();
    names.register("a", &actor).unwrap();
    let (registration, exited) = (Registration::new("b", &actor), actor.exited());
    let locked = names.table.lock_all(["a", "b"].into_iter());
    let printed = format!("{registration:?} {exited:?} {names:?} {actor:?} {:?}", system.groups());
    drop(locked);
    assert!(printed.contains("idle") && printed.contains("names"), "{printed}");
}
