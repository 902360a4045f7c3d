//! What an owner is told when something is due.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::handle::Shared;
use super::state::Due;
use crate::actor::{Actor, ActorRef, Control, HeldAs, Peer, Slot, catch};
use crate::listen::{Makes, News};

/// Something is due. It is at work until this is dropped, and does not come again before that: an
/// owner that has others do the work hands it on.
#[must_use = "when it is dropped the work is done"]
pub struct Tick {
    name: Arc<str>,
    due: Due,
    number: u64,
    shared: Arc<Shared>,
}

/// Whoever is told.
pub(super) trait Target: Send + Sync {
    /// Whether there is anybody to tell.
    fn tell(&self, tick: Tick) -> bool;
    fn owner(&self) -> &Peer;
}

/// An incarnation of an actor, and how it makes a message of a tick.
struct Told<M, F> {
    slot: Arc<Slot<M>>,
    owner: Peer,
    make: Arc<F>,
}

/// A tick that its owner has not taken.
struct Pending<F> {
    tick: Tick,
    make: Arc<F>,
}

impl Tick {
    pub(super) const fn new(name: Arc<str>, due: Due, number: u64, shared: Arc<Shared>) -> Self {
        Self { name, due, number, shared }
    }

    /// What its schedule is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When it was due, jitter included; when it was asked for if [that is so](Self::is_forced).
    #[must_use]
    pub const fn due(&self) -> Timestamp {
        self.due.at
    }

    /// How many ticks were missed since the one before. Of a pattern 2,000 are counted at most.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.due.missed
    }

    /// Whether somebody asked for it, with [`run_now`](super::Scheduler::run_now).
    #[must_use]
    pub const fn is_forced(&self) -> bool {
        self.due.is_forced
    }
}

impl Drop for Tick {
    fn drop(&mut self) {
        self.shared.over(self.number);
    }
}

/// Who is told of ticks.
pub(super) fn target<A: Actor>(
    owner: &ActorRef<A>,
    make: impl Fn(Tick) -> A::Message + Send + Sync + 'static,
) -> Arc<dyn Target> {
    let (slot, owner) = (Arc::clone(owner.place()), owner.peer());
    Arc::new(Told { slot, owner, make: Arc::new(make) })
}

/// What an owner holds. It has no name.
pub(super) fn held_as(number: u64) -> HeldAs {
    HeldAs { number, key: "".into() }
}

/// Drops whatever makes messages, which is the user's.
pub(super) fn let_go<T>(targets: T) {
    if let Err(panic) = catch(|| drop(targets)) {
        tracing::error!(%panic, "schedule.panicked_in_drop");
    }
}

impl<M, F> Target for Told<M, F>
where
    M: Send + 'static,
    F: Fn(Tick) -> M + Send + Sync + 'static,
{
    fn tell(&self, tick: Tick) -> bool {
        let pending = Pending { tick, make: Arc::clone(&self.make) };
        self.slot.control(self.owner.generation, Control::News(News::of(pending)))
    }

    fn owner(&self) -> &Peer {
        &self.owner
    }
}

impl<M, F: Fn(Tick) -> M + Send + Sync> Makes<M> for Pending<F> {
    fn message(self: Box<Self>) -> M {
        (self.make)(self.tick)
    }
}

impl<F> fmt::Debug for Pending<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tick.fmt(f)
    }
}

impl fmt::Debug for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Tick");
        shown.field("name", &self.name).field("due", &self.due.at);
        shown.field("is_forced", &self.due.is_forced).finish_non_exhaustive()
    }
}
