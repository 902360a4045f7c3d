//! What a reference to a dynamic supervisor can do beside what every reference can.

use std::future::Future;
use std::sync::Arc;

use super::DynamicSupervisor;
use super::members::{Body, Members, Newcomer};
use super::options::validate;
use super::run::{Message, Said, not_found};
use super::state::State;
use super::table::{Child, Key, Status};
use crate::actor::{
    Actor, ActorRef, Context, Options, Peer, Pid, Slot, place, start_in, start_running,
};
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;
use crate::supervisor::child::Child as Specified;
use crate::supervisor::{ChildInfo, ChildState, Counts, IntoChildSpec, Line};

impl From<Status> for ChildState {
    fn from(status: Status) -> Self {
        match status {
            Status::Starting => Self::Starting,
            Status::Running => Self::Running,
            Status::Restarting => Self::Restarting,
            Status::Quarantined => Self::Quarantined,
            Status::Stopping | Status::Killed => Self::Stopping,
            Status::Unresponsive => Self::Unresponsive,
        }
    }
}

/// What only a dynamic supervisor can do. A child that calls one of those that wait on its own
/// supervisor while it stops waits for itself.
impl ActorRef<DynamicSupervisor> {
    /// Starts a child, and waits until it runs. Given up, the child is killed: nobody else knows
    /// it.
    ///
    /// # Errors
    ///
    /// `invalid_options`; `max_children`; `already_started` when somebody has the name it is to be
    /// registered under; `no_process` when the supervisor does not run; what the
    /// child's `init` returns, `actor_panicked`, `timeout` or `start_ignored`, and then nothing of
    /// it is kept; `unresponsive` when it holds its thread; `actor_stopped` when it is ended before
    /// it runs.
    pub async fn start_child<C: IntoChildSpec>(&self, child: C) -> Result<ActorRef<C::Actor>> {
        let spec = child.into_child_spec();
        validate(spec.options())?;
        let members = self.members()?;
        let slot = place(self.system(), spec.options());
        let mut newcomer = Newcomer::new(&members, spec.options());
        let start_within = spec.options().start_within;
        let args = spec.args();
        if newcomer.comes_back() {
            newcomer.child = Some(spec.placed_at(Arc::clone(&slot)));
        }
        start_in(&newcomer, slot, args, start_within).await
    }

    /// Ends a child, as its specification says, and waits until it has ended. One that is being
    /// restarted is not; then any of its incarnations names it, and else only the one that it is
    /// now. One that was killed, does not end and is to be abandoned is not waited for.
    ///
    /// # Errors
    ///
    /// `child_not_found`; `unresponsive` when it was killed and does not end; as [`ActorRef::ask`]
    /// when the supervisor ends.
    pub async fn terminate_child(&self, child: Pid) -> Result<()> {
        self.ask(|reply| Message(Said::Terminate(child, reply))).without_deadline().await?
    }

    /// Starts a child that is quarantined, with a budget that is whole again, and waits until it
    /// runs. If it does not, it goes on as after any failed start.
    ///
    /// # Errors
    ///
    /// `child_not_found`; `not_quarantined`; what its start fails with; as [`ActorRef::ask`] when
    /// the supervisor ends.
    pub async fn release_child(&self, child: Pid) -> Result<Pid> {
        let released = self.ask(|reply| Message(Said::Release(child, reply)));
        Ok(released.without_deadline().await??.pid())
    }

    /// A reference to a child, whether or not it runs.
    ///
    /// # Errors
    ///
    /// `child_not_found`; `wrong_type` when its messages are not those of `A`; `no_process` when
    /// the supervisor does not run.
    pub fn child<A: Actor>(&self, child: Pid) -> Result<ActorRef<A>> {
        let members = self.members()?;
        let state = members.lock();
        let key = state.find(child).ok_or_else(|| not_found(child))?;
        let peer = state.table.get(key).map(|child| child.body.peer.clone());
        drop(state);
        peer.ok_or_else(|| not_found(child))?.reference()
    }

    /// The children, in the order of their start.
    ///
    /// # Errors
    ///
    /// `no_process` when the supervisor does not run.
    pub fn which_children(&self) -> Result<Vec<ChildInfo>> {
        Ok(self.members()?.listed(|_| ()).into_iter().map(|(child, ())| child).collect())
    }

    /// How many children there are.
    ///
    /// # Errors
    ///
    /// `no_process` when the supervisor does not run.
    pub fn count_children(&self) -> Result<Counts> {
        let members = self.members()?;
        let state = members.lock();
        let (specs, tally) = (state.table.len(), state.table.tally());
        Ok(Counts {
            specs,
            active: tally.alive,
            supervisors: tally.supervisors,
            workers: specs - tally.supervisors,
        })
    }

    /// Changes how many children there may be, until the supervisor is restarted. Those that are
    /// there stay, however many.
    ///
    /// # Errors
    ///
    /// `no_process` when the supervisor does not run.
    pub fn set_max_children(&self, most: usize) -> Result<()> {
        self.members()?.lock().rules.max_children = most;
        Ok(())
    }

    /// Starts the first incarnation of a place that does nothing but `run`, and is not restarted.
    /// As [`start_running`].
    pub(crate) fn adopt_running<A: Actor, F, R>(
        &self,
        options: &Options,
        slot: &Arc<Slot<A::Message>>,
        before: impl FnOnce(&Peer) -> Result<R>,
        run: impl FnOnce(Context<A>) -> F,
    ) -> Result<R>
    where
        F: Future<Output = ExitReason> + Send + 'static,
    {
        let members = self.members()?;
        start_running(&Newcomer::running(&members, options), slot, before, run)
    }

    /// What the incarnation that runs shares.
    pub(super) fn members(&self) -> Result<Arc<Members>> {
        let shared = self.shared().and_then(|shared| shared.downcast().ok());
        shared.ok_or_else(|| Error::from(codes::NO_PROCESS).with_detail("actor", self.name()))
    }
}

impl Members {
    /// The children in the order of their first start, for whoever lists a whole tree.
    pub(in crate::supervisor) fn lines(&self) -> Vec<Line> {
        let lines = self.listed(Peer::clone).into_iter();
        lines.map(|(info, peer)| Line { info, peer: Some(peer) }).collect()
    }

    fn listed<T>(&self, of: impl Fn(&Peer) -> T) -> Vec<(ChildInfo, T)> {
        let state = self.lock();
        let children = state.table.iter();
        let mut children: Vec<_> =
            children.map(|(key, child)| (key, info(child), of(&child.body.peer))).collect();
        drop(state);
        // After the lock: there may be very many.
        children.sort_unstable_by_key(|(key, ..)| *key);
        children.into_iter().map(|(_, info, more)| (info, more)).collect()
    }
}

fn info<T>(child: &Child<T, Body>) -> ChildInfo {
    let (peer, status) = (&child.body.peer, child.status());
    let pid = peer.pid();
    ChildInfo {
        name: peer.name(),
        pid: status.is_alive().then_some(pid),
        last_pid: Some(pid),
        state: status.into(),
        kind: child.traits.kind,
        starts: child.attempt - child.more.as_ref().map_or(0, |more| more.moves),
    }
}

impl<T> State<T, Body> {
    /// The child that a pid names: the incarnation that is there, or any while the child has not
    /// come back.
    pub(super) fn find(&self, pid: Pid) -> Option<Key> {
        let key = match self.table.get(pid.slot) {
            Some(_) => pid.slot,
            // One whose place was abandoned has another one than it had first.
            None if self.moved => {
                self.table.keys().into_iter().find(|key| self.slot_of(*key) == Some(pid.slot))?
            }
            None => return None,
        };
        let child = self.table.get(key)?;
        let last = child.body.peer.pid();
        let has_come_back =
            !matches!(child.status(), Status::Starting | Status::Restarting | Status::Quarantined);
        (last == pid || !has_come_back).then_some(key)
    }

    /// What starts the child again.
    pub(super) fn specified(&self, key: Key) -> Option<Arc<dyn Specified>> {
        self.table.get(key)?.body.more.as_ref()?.child.clone()
    }

    fn slot_of(&self, key: Key) -> Option<u64> {
        self.table.get(key).map(|child| child.body.peer.pid().slot)
    }

    /// The incarnations that are there.
    pub(super) fn peers(&self) -> Vec<Peer> {
        self.picked(Status::is_alive)
    }

    /// The incarnations in one status.
    pub(super) fn all(&self, status: Status) -> Vec<Peer> {
        self.picked(|other| other == status)
    }

    fn picked(&self, wanted: impl Fn(Status) -> bool) -> Vec<Peer> {
        let keys = self.table.keys().into_iter();
        let children = keys.filter_map(|key| self.table.get(key));
        let children = children.filter(|child| wanted(child.status()));
        children.map(|child| child.body.peer.clone()).collect()
    }
}
