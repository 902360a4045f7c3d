//! Who receives under which id: joining, leaving, and being forgotten.

use std::sync::Arc;

use foundation::{Actor, ActorRef, CircuitState, Error, Pid, Result, contain};

use super::assignment::Assignment;
use super::cell::{Cell, State};
use super::handle::Coordination;
use super::lane::Circuit;
use super::receiver::{Receive, Receiver};
use super::send::no_such_receiver;
use super::shared::Shared;
use crate::codes;
use crate::error::invalid_options;

/// The longest id.
const LONGEST_ID: usize = 255;

/// A receiver as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceiverInfo {
    /// Under which id it receives.
    pub id: Arc<str>,
    /// The incarnation; none when it has ended and something is kept for the next one.
    pub pid: Option<Pid>,
    /// Its circuit. An open one stays so until something is tried.
    pub circuit: CircuitState,
    /// While that is closed: how many failures there were in a row.
    pub failures: u32,
    /// How many messages are kept for it.
    pub buffered: usize,
    /// How many it was offered, and has not begun, whose senders wait.
    pub waiting: usize,
    /// How many it has begun, and has not said what came of.
    pub in_progress: usize,
}

impl Coordination {
    /// An actor receives under that id, which has 1 to 255 bytes, as long as the incarnation lives
    /// that it is now. What is kept for the id is offered to it, one message after the other.
    ///
    /// An actor that is to receive whenever it runs joins in its `init`.
    ///
    /// # Errors
    ///
    /// `receiver_exists` when somebody receives under that id; `no_process` when the actor has
    /// ended; `too_many_receivers`; `invalid_options` for an id that cannot be;
    /// `coordination_not_running`.
    pub fn join<A>(&self, id: impl Into<Arc<str>>, actor: &ActorRef<A>) -> Result<()>
    where
        A: Actor,
        A::Message: From<Assignment>,
    {
        self.join_as(id, actor, A::Message::from)
    }

    /// As [`Self::join`], with a message that `make` makes of an assignment. It runs in the
    /// sender's task, or in one that cares for what is kept.
    ///
    /// # Errors
    ///
    /// As [`Self::join`].
    pub fn join_as<A, F>(&self, id: impl Into<Arc<str>>, actor: &ActorRef<A>, make: F) -> Result<()>
    where
        A: Actor,
        F: Fn(Assignment) -> A::Message + Send + Sync + 'static,
    {
        self.shared.check_runs()?;
        let id = id.into();
        if id.is_empty() || id.len() > LONGEST_ID {
            return Err(invalid_options("id", "an id has 1 to 255 bytes"));
        }
        let incarnation = actor.incarnation();
        let receiver = Arc::new(Receiver { incarnation: incarnation.clone(), make });
        let (cell, epoch) = self.shared.take_seat(&id, receiver)?;
        // From here on its end empties the seat; if it has come before, that is done here.
        let (weak, left) = (Arc::downgrade(&self.shared), Arc::clone(&cell));
        let at_end = incarnation.at_end(move || {
            if let Some(shared) = weak.upgrade() {
                shared.left(&left, epoch);
            }
        });
        let at_end = at_end.inspect_err(|_| self.shared.left(&cell, epoch))?;
        let not_kept = cell.with(|state| {
            let is_seated = state.epoch == epoch && state.receiver.is_some();
            if is_seated { state.at_end.replace(at_end) } else { Some(at_end) }
        });
        if let Some(at_end) = not_kept {
            at_end.call_off();
        }
        tracing::debug!(receiver = &*id, pid = %incarnation.pid(), "coordination.joined");
        Ok(())
    }

    /// Nobody receives under that id any more, until somebody joins again. What is kept for it goes
    /// to the dead letters; whoever waits for a message that was not begun gets `no_such_receiver`.
    /// What was begun can still be acknowledged.
    ///
    /// # Errors
    ///
    /// `no_such_receiver` when nobody does, and nothing is kept.
    pub fn forget(&self, id: &str) -> Result<()> {
        let cell = self.shared.lanes.read().get(id).cloned();
        let cell = cell.ok_or_else(|| no_such_receiver(id))?;
        let epoch = cell.with(|state| state.epoch);
        self.shared.left(&cell, epoch);
        let kept = self.shared.change(&cell, |state, _| state.lane.abandon());
        for message in kept {
            self.shared.bury(message.into_remains(&cell.id), no_such_receiver(id), false);
        }
        Ok(())
    }

    /// All receivers, by id, each as it is at some moment of the call.
    #[must_use]
    pub fn receivers(&self) -> Vec<ReceiverInfo> {
        let cells: Vec<_> = self.shared.lanes.read().values().cloned().collect();
        cells.iter().map(|cell| info(cell)).collect()
    }

    /// The receiver of that id; also one that has ended, while something is kept for the next one.
    #[must_use]
    pub fn receiver(&self, id: &str) -> Option<ReceiverInfo> {
        let cell = self.shared.lanes.read().get(id).cloned();
        cell.map(|cell| info(&cell))
    }
}

impl Shared {
    fn take_seat(
        self: &Arc<Self>,
        id: &Arc<str>,
        receiver: Arc<dyn Receive>,
    ) -> Result<(Arc<Cell>, u64)> {
        self.empty_seat_of_the_dead(id);
        let mut lanes = self.lanes.write();
        if lanes.len() >= self.max_receivers && !lanes.contains_key(id) {
            let error = Error::from(codes::TOO_MANY_RECEIVERS);
            return Err(error.with_detail("max_receivers", self.max_receivers));
        }
        let new = || Arc::new(Cell::new(Arc::clone(id), self.rules));
        let cell = Arc::clone(lanes.entry(Arc::clone(id)).or_insert_with(new));
        let mut receiver = Some(receiver);
        // Under the lock of the table, or the lane might be forgotten in between.
        let (epoch, changed) = cell.with(|state| {
            state.watched(|state| {
                let epoch = state.lane.join(self.now())?;
                state.epoch = epoch;
                state.receiver = receiver.take();
                Some(epoch)
            })
        });
        drop(lanes);
        changed.tell(id);
        let exists = || Error::from(codes::RECEIVER_EXISTS).with_detail("receiver", &**id);
        let epoch = epoch.ok_or_else(exists)?;
        // Whoever cares for what is kept has to know, or has to be there.
        self.change(&cell, |_, _| ());
        Ok((cell, epoch))
    }

    /// Whoever has ended has left, also if that was not heard of yet.
    fn empty_seat_of_the_dead(self: &Arc<Self>, id: &str) {
        let Some(cell) = self.lanes.read().get(id).cloned() else { return };
        let dead = cell.with(|state| {
            let is_dead = state.receiver.as_ref().is_some_and(|receiver| !receiver.is_alive());
            is_dead.then_some(state.epoch)
        });
        if let Some(epoch) = dead {
            self.left(&cell, epoch);
        }
    }

    /// A receiver has ended, or is not to receive any more.
    fn left(self: &Arc<Self>, cell: &Arc<Cell>, epoch: u64) {
        let (told, receiver, at_end) = self.change(cell, |state, _| {
            let State { lane, receiver, at_end, epoch: current, .. } = state;
            let (receiver, at_end) =
                if *current == epoch { (receiver.take(), at_end.take()) } else { (None, None) };
            (lane.leave(epoch), receiver, at_end)
        });
        if let Some(at_end) = at_end {
            at_end.call_off();
        }
        for message in told {
            self.return_to_sender(cell, message);
        }
        let Some(receiver) = receiver else { return };
        let pid = receiver.pid();
        tracing::debug!(receiver = &*cell.id, %pid, "coordination.left");
        // What makes messages is the receiver's, and goes with the last reference.
        if let Err(error) = contain(|| drop(receiver)) {
            tracing::error!(%error, "signals.panicked_in_drop");
        }
    }
}

fn info(cell: &Cell) -> ReceiverInfo {
    cell.with(|state| {
        let looks = state.lane.looks();
        let failures = match looks.circuit {
            Circuit::Closed { failures } => failures,
            Circuit::Open { .. } | Circuit::HalfOpen { .. } => 0,
        };
        ReceiverInfo {
            id: Arc::clone(&cell.id),
            pid: state.receiver.as_ref().map(|receiver| receiver.pid()),
            circuit: looks.circuit.state(),
            failures,
            buffered: looks.kept,
            waiting: looks.waiting,
            in_progress: looks.in_progress,
        }
    })
}
