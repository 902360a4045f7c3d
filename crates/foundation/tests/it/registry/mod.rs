//! Names, groups, queries, locks and listeners.

mod batches;
mod groups;
mod listeners;
mod locks;
mod names;
mod queries;
mod races;
mod specified_names;

use foundation::{ActorRef, ChildSpec, System};
use testkit::{Log, Puppet};

use crate::fixture::Idle;

/// A puppet in the system itself.
pub(crate) async fn puppet(system: &System, name: &'static str) -> ActorRef<Puppet> {
    system.start(Puppet::spec(name, &Log::default())).await.unwrap()
}

/// So many actors that do nothing.
pub(crate) async fn idle(system: &System, many: usize) -> Vec<ActorRef<Idle>> {
    let mut all = Vec::new();
    for _ in 0..many {
        all.push(system.start(ChildSpec::<Idle>::actor("idle", ())).await.unwrap());
    }
    all
}

/// Ends an actor, and waits until it has.
pub(crate) async fn end(actor: &ActorRef<Idle>) {
    let exited = actor.exited();
    actor.kill();
    exited.await;
}
