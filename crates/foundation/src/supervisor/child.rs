//! A child, whatever it is: its specification, and the place it has.

use std::sync::Arc;

use crate::actor::{
    Actor, ChildSpec, Options, Peer, Process, Slot, Supervised, Unresponsive, place, start_next,
};
use crate::error::{Error, Result, codes};
use crate::sync::Mutex;
use crate::system::Shared;

/// A child of whatever type. Shared by the incarnations of its supervisor.
pub(super) trait Child: Send + Sync {
    fn options(&self) -> &Options;
    /// Another child of the same specification, with a place of its own.
    fn another(&self) -> Arc<dyn Child>;
    /// Its place, for references to it.
    fn process(&self, system: &Arc<Shared>) -> Arc<dyn Process>;
    /// Starts its next incarnation.
    ///
    /// # Errors
    ///
    /// `unresponsive` when the one before is still there, and is not to be abandoned;
    /// `already_started` when somebody has the name that it is to have.
    fn start(&self, system: &Arc<Shared>, parent: Supervised) -> Result<Peer>;
    /// Leaves its place to whoever does not go, and takes another one.
    fn abandon(&self);
}

/// A specification, and the place that is made when it is needed first. Incarnations of a
/// supervisor share it, so that references survive the restart of a supervisor too.
struct Placed<A: Actor> {
    spec: ChildSpec<A>,
    slot: Mutex<Option<Place<A>>>,
}

type Place<A> = Arc<Slot<<A as Actor>::Message>>;

impl<A: Actor> Placed<A> {
    fn slot(&self, system: &Arc<Shared>) -> Place<A> {
        let mut slot = self.slot.lock();
        Arc::clone(slot.get_or_insert_with(|| place(system, self.spec.options())))
    }
}

impl<A: Actor> Child for Placed<A> {
    fn options(&self) -> &Options {
        self.spec.options()
    }

    fn another(&self) -> Arc<dyn Child> {
        self.spec.clone().placed()
    }

    fn process(&self, system: &Arc<Shared>) -> Arc<dyn Process> {
        self.slot(system) as _
    }

    fn start(&self, system: &Arc<Shared>, parent: Supervised) -> Result<Peer> {
        let mut slot = self.slot(system);
        if slot.is_alive() && self.spec.options().unresponsive == Unresponsive::Abandon {
            self.abandon();
            slot = self.slot(system);
        }
        if slot.is_alive() {
            return Err(Error::from(codes::UNRESPONSIVE)
                .with_message("the incarnation before is still there")
                .with_detail("actor", &*self.spec.options().name));
        }
        start_next(&slot, &self.spec, parent)
    }

    fn abandon(&self) {
        let abandoned = self.slot.lock().take();
        if let Some(slot) = abandoned {
            Peer::of(slot as _).give_up();
        }
    }
}

impl<A: Actor> ChildSpec<A> {
    /// The child that it specifies.
    pub(super) fn placed(self) -> Arc<dyn Child> {
        Arc::new(Placed { spec: self, slot: Mutex::default() })
    }

    /// The child that it specifies, in a place that is there.
    pub(super) fn placed_at(self, slot: Arc<Slot<A::Message>>) -> Arc<dyn Child> {
        Arc::new(Placed { spec: self, slot: Mutex::new(Some(slot)) })
    }
}
