//! What a reference to a partitioned supervisor can do beside what every reference can.

use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{PartitionSupervisor, route};
use crate::actor::{Actor, ActorRef, Peer, refused};
use crate::error::{Error, Result, codes};
use crate::supervisor::child::Child;
use crate::supervisor::run::Supervisor;
use crate::supervisor::{ChildInfo, ChildState, Counts};
use crate::sync::{AtomicUsize, Ordering};

/// The partitions of one incarnation of the supervisor.
pub(super) struct Partitions<A> {
    /// All there may be, by number.
    all: Vec<Arc<dyn Child>>,
    /// How many there are, of the first.
    active: AtomicUsize,
    /// Held by whoever changes how many there are.
    resizing: tokio::sync::Mutex<()>,
    partition: PhantomData<fn() -> A>,
}

impl<A> Partitions<A> {
    pub(super) fn new(all: Vec<Arc<dyn Child>>) -> Self {
        let active = AtomicUsize::new(all.len());
        Self { all, active, resizing: tokio::sync::Mutex::default(), partition: PhantomData }
    }
}

/// What only a partitioned supervisor can do.
impl<A: Actor> ActorRef<PartitionSupervisor<A>> {
    /// The partition of a number: what is left of its absolute value when it is divided by how many
    /// there are. The reference survives restarts of the partition, not changes of their number.
    ///
    /// # Errors
    ///
    /// `no_process` when the supervisor does not run, or was resized to no partitions; `wrong_type`
    /// when its partitions are not of type `A`.
    pub fn route(&self, number: i64) -> Result<ActorRef<A>> {
        self.routed(|partitions| route::of_number(number, partitions))
    }

    /// The partition of any key: by its hash, which is the same in every run of one program.
    ///
    /// # Errors
    ///
    /// As [`Self::route`].
    pub fn route_by(&self, key: &impl Hash) -> Result<ActorRef<A>> {
        self.routed(|partitions| route::of_key(key, partitions))
    }

    /// How many partitions there are.
    ///
    /// # Errors
    ///
    /// As [`Self::route`].
    pub fn partitions(&self) -> Result<usize> {
        Ok(self.shared_partitions()?.active.load(Ordering::Acquire))
    }

    /// Changes how many there are, and gives how many there were. Those that are too many end, the
    /// last one first; those that are missing start, each when the one before runs. Keys then mean
    /// other partitions. The number is as it was at first when the supervisor is restarted. A
    /// change that fails or is given up half-way can be repeated, or replaced by another one.
    ///
    /// # Errors
    ///
    /// `invalid_options` for more than there were at first; what a partition's start fails with,
    /// and then those that were to start after it have not; `unresponsive` when one does not end,
    /// and then it and the others that are too many are not routed to; `child_not_found` when
    /// somebody has deleted one; `no_process`, as [`Self::route`]; as [`ActorRef::ask`] when the
    /// supervisor ends. A partition that changes its own supervisor waits for itself when it is
    /// among those that end.
    pub async fn resize(&self, wanted: usize) -> Result<usize> {
        let mut partitions = self.shared_partitions()?;
        if wanted > partitions.all.len() {
            return Err(refused("partitions", "there are no more than at first"));
        }
        let mut first = None;
        loop {
            let resizing = partitions.resizing.lock().await;
            let before = partitions.active.load(Ordering::Acquire);
            first.get_or_insert(before);
            let changed = self.change(&partitions, before, wanted).await;
            drop(resizing);
            let now = self.shared_partitions()?;
            if Arc::ptr_eq(&now, &partitions) {
                return changed.map(|()| first.unwrap_or(before));
            }
            // The supervisor was restarted meanwhile, and has as many as at first.
            partitions = now;
        }
    }

    /// Ends those that are too many, also those that an earlier change has left, and starts those
    /// that are missing; or less, when the supervisor is restarted meanwhile.
    async fn change(&self, these: &Arc<Partitions<A>>, before: usize, wanted: usize) -> Result<()> {
        let supervisor = self.supervisor();
        let is_another = || self.shared_partitions().map_or(true, |now| !Arc::ptr_eq(&now, these));
        // Nobody is sent to one that is about to end.
        these.active.fetch_min(wanted, Ordering::AcqRel);
        for number in (wanted..these.all.len()).rev() {
            if is_another() {
                return Ok(());
            }
            supervisor.terminate_child(&number.to_string()).await?;
        }
        let children = supervisor.which_children().await?;
        let is_down = |name: &str| {
            let child = children.iter().find(|child| &*child.name == name);
            child.is_none_or(|child| child.state == ChildState::Stopped)
        };
        for number in 0..wanted {
            let name = number.to_string();
            if is_another() {
                return Ok(());
            }
            if number >= before {
                // One that an earlier change was ending is waited for.
                supervisor.terminate_child(&name).await?;
            }
            if number >= before || is_down(&name) {
                match supervisor.restart_child(&name).await {
                    // It has chosen not to run, which is its own matter.
                    Err(error) if error.code() == codes::START_IGNORED.name => {}
                    started => drop(started?),
                }
            }
            these.active.fetch_max(number + 1, Ordering::AcqRel);
        }
        Ok(())
    }

    /// The partitions, the last one first, those included that do not run.
    ///
    /// # Errors
    ///
    /// As [`ActorRef::ask`].
    pub async fn which_children(&self) -> Result<Vec<ChildInfo>> {
        self.supervisor().which_children().await
    }

    /// How many partitions there are: `active` of those that there may be.
    ///
    /// # Errors
    ///
    /// As [`ActorRef::ask`].
    pub async fn count_children(&self) -> Result<Counts> {
        self.supervisor().count_children().await
    }

    /// The same place, as that of a supervisor, which understands the same.
    fn supervisor(&self) -> ActorRef<Supervisor> {
        self.understanding_the_same()
    }

    fn shared_partitions(&self) -> Result<Arc<Partitions<A>>> {
        let error = |code| Error::from(code).with_detail("actor", self.name());
        // Nothing while it starts, and partitions of another type where that was guessed wrongly.
        let shared = self.shared().ok_or_else(|| error(codes::NO_PROCESS))?;
        shared.downcast().map_err(|_| error(codes::WRONG_TYPE))
    }

    fn routed(&self, partition: impl FnOnce(usize) -> Option<usize>) -> Result<ActorRef<A>> {
        let partitions = self.shared_partitions()?;
        let number = partition(partitions.active.load(Ordering::Acquire));
        let child = number.and_then(|number| partitions.all.get(number)).ok_or_else(|| {
            Error::from(codes::NO_PROCESS)
                .with_message("there are no partitions")
                .with_detail("actor", self.name())
        })?;
        Peer::of(child.process(self.system())).reference()
    }
}
