//! A lane with its receiver, and how it is changed: under its lock, for a few lines, with what
//! follows done after that.

use std::sync::Arc;

use foundation::{AtEnd, CircuitState, Error};
use tokio::sync::Notify;

use super::dead_letters::{Past, Remains};
use super::lane::{Lane, Rules};
use super::receiver::Receive;
use super::send::{Sender, no_such_receiver};
use super::shared::Shared;
use crate::codes;
use crate::signal::Signal;
use crate::sync::Mutex;

/// All about one receiver.
pub(super) struct Cell {
    pub(super) id: Arc<str>,
    state: Mutex<State>,
    /// Whoever cares for it should look again.
    pub(super) changed: Notify,
}

pub(super) struct State {
    pub(super) lane: Lane<Message>,
    pub(super) receiver: Option<Arc<dyn Receive>>,
    /// The how many-th that receives, or did last.
    pub(super) epoch: u64,
    /// What sees to it that the receiver's end is heard of.
    pub(super) at_end: Option<AtEnd>,
    /// Whether there is a task for it.
    pub(super) is_cared_for: bool,
}

/// What a circuit was, and is.
#[derive(Debug, Clone, Copy)]
#[must_use = "somebody may want to hear of it"]
pub(super) struct Changed {
    from: CircuitState,
    to: CircuitState,
}

/// A message on its way.
pub(super) struct Message {
    pub(super) from: Arc<str>,
    pub(super) signal: Signal,
    pub(super) attempts: u32,
    /// If it was a dead letter.
    pub(super) past: Option<Past>,
    /// Who learns what comes of it; one that does not wait any longer does not listen.
    pub(super) sender: Sender,
}

impl Cell {
    pub(super) fn new(id: Arc<str>, rules: Rules) -> Self {
        let lane = Lane::new(rules);
        let (receiver, epoch, at_end, is_cared_for) = (None, 0, None, false);
        let state = State { lane, receiver, epoch, at_end, is_cared_for };
        Self { id, state: Mutex::new(state), changed: Notify::new() }
    }

    /// Looks at it, or changes something that nobody has to hear of.
    pub(super) fn with<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.state.lock())
    }
}

impl Shared {
    /// Changes a cell, and does what follows from that: whoever cares for it looks again, one is
    /// started if there is none and should be, and it is forgotten if nothing is left in it.
    ///
    /// `change` runs under the lock: it drops no message, which would run somebody else's code.
    pub(super) fn change<R>(
        self: &Arc<Self>,
        cell: &Arc<Cell>,
        change: impl FnOnce(&mut State, u64) -> R,
    ) -> R {
        let (result, needs_care, is_spent) = self.change_quietly(cell, |state, now| {
            let result = change(state, now);
            let needs_care = state.lane.needs_care() && !state.is_cared_for;
            state.is_cared_for |= needs_care;
            (result, needs_care, state.lane.is_spent())
        });
        cell.changed.notify_one();
        if needs_care {
            self.care_for(cell);
        }
        if is_spent {
            self.forget_if_spent(cell);
        }
        result
    }

    /// Changes a cell, and only tells of it, and of what was kept for too long by then.
    pub(super) fn change_quietly<R>(
        &self,
        cell: &Cell,
        change: impl FnOnce(&mut State, u64) -> R,
    ) -> R {
        // The time is read under the lock, so that it does not go back from one to the next.
        let ((expired, is_there, result), changed) = cell.with(|state| {
            state.watched(|state| {
                let now = self.now();
                // Whatever is done, it is not done with a message whose time is over.
                let expired = state.lane.expire(now);
                let is_there = state.receiver.is_some();
                (expired, is_there, change(state, now))
            })
        });
        changed.tell(&cell.id);
        for message in expired {
            self.bury_expired(cell, message, is_there);
        }
        result
    }

    fn bury_expired(&self, cell: &Cell, message: Message, is_there: bool) {
        self.counts.expired();
        let error = if is_there {
            let error = Error::from(codes::KEPT_TOO_LONG).with_detail("receiver", &*cell.id);
            error.with_detail("after_ms", self.rules.patience / 1_000_000)
        } else {
            no_such_receiver(&cell.id)
        };
        self.bury(message.into_remains(&cell.id), error, false);
    }

    /// Has a task care for it, which says so already.
    pub(super) fn care_for(self: &Arc<Self>, cell: &Arc<Cell>) {
        let caring = super::care::care(Arc::clone(self), Arc::clone(cell));
        let started = match self.tasks() {
            Some(tasks) => tasks.async_nolink(caring),
            None => return drop(caring),
        };
        // Without one it is cared for when that part of the tree runs again.
        if let Ok(task) = started {
            let _ = task.ignore();
        }
    }

    /// Takes it out of the table if nothing is left in it.
    pub(super) fn forget_if_spent(&self, cell: &Arc<Cell>) {
        let mut lanes = self.lanes.write();
        // Nobody joins it meanwhile: that needs the table, too.
        let is_there = lanes.get(&cell.id).is_some_and(|there| Arc::ptr_eq(there, cell));
        if is_there && cell.with(|state| state.lane.is_spent()) {
            lanes.remove(&cell.id);
        }
    }
}

impl State {
    /// Changes it, and says how its circuit has changed by that.
    pub(super) fn watched<R>(&mut self, change: impl FnOnce(&mut Self) -> R) -> (R, Changed) {
        let from = self.lane.looks().circuit.state();
        let result = change(self);
        (result, Changed { from, to: self.lane.looks().circuit.state() })
    }
}

impl Changed {
    /// Tells of it, outside of every lock: whoever listens may run anything.
    pub(super) fn tell(self, receiver: &str) {
        if self.from != self.to {
            self.tell_of_change(receiver);
        }
    }

    #[cold]
    fn tell_of_change(self, receiver: &str) {
        let Self { from, to } = self;
        if to == CircuitState::Open {
            tracing::warn!(receiver, ?from, ?to, "coordination.circuit_changed");
        } else {
            tracing::info!(receiver, ?from, ?to, "coordination.circuit_changed");
        }
    }
}

impl Message {
    /// Who learns what comes of it, and what is kept of it when nobody does.
    pub(super) fn into_parts(self, to: &Arc<str>) -> (Sender, Remains) {
        let Self { from, signal, attempts, past, sender } = self;
        (sender, Remains { to: Arc::clone(to), from, signal, attempts, past })
    }

    /// What is kept of it when nobody gets it.
    pub(super) fn into_remains(self, to: &Arc<str>) -> Remains {
        self.into_parts(to).1
    }
}
