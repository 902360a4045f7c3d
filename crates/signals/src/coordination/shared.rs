//! What coordination, what is on its way and its part of the tree have in common.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use foundation::{ActorRef, Error, Home, InSystem, Result, TaskSupervisor};
use tokio::time::Instant;

use super::cell::Cell;
use super::dead_letters::{DeadLetter, DeadLetterId, Letters, Limits, Remains};
use super::lane::Rules;
use super::stats::Counts;
use crate::codes;
use crate::sync::{AtomicBool, Mutex, Ordering, RwLock};

/// What coordination, what is on its way and its part of the tree share.
pub(super) struct Shared {
    pub(super) home: Home,
    pub(super) name: Arc<str>,
    pub(super) rules: Rules,
    pub(super) deadline: Duration,
    pub(super) max_receivers: usize,
    pub(super) started: Instant,
    pub(super) lanes: RwLock<BTreeMap<Arc<str>, Arc<Cell>>>,
    pub(super) letters: Mutex<Letters>,
    /// Where tasks run; nowhere while the part of the tree does not.
    tasks: Mutex<Option<ActorRef<TaskSupervisor>>>,
    runs: AtomicBool,
    pub(super) counts: Counts,
}

// === impl Shared ===

impl Shared {
    pub(super) fn new(
        system: &impl InSystem,
        name: Arc<str>,
        rules: Rules,
        limits: Limits,
        max_receivers: usize,
    ) -> Self {
        Self {
            home: system.home(),
            name,
            rules,
            deadline: Duration::from_nanos(rules.deadline),
            max_receivers,
            started: Instant::now(),
            lanes: RwLock::default(),
            letters: Mutex::new(Letters::new(limits)),
            tasks: Mutex::new(None),
            runs: AtomicBool::new(false),
            counts: Counts::default(),
        }
    }

    /// Refuses while the part of the tree does not run.
    pub(super) fn check_runs(&self) -> Result<()> {
        if self.runs.load(Ordering::Acquire) {
            return Ok(());
        }
        let error = Error::from(codes::COORDINATION_NOT_RUNNING);
        Err(error.with_detail("coordination", &*self.name))
    }

    /// Where tasks run, if they do.
    pub(super) fn tasks(&self) -> Option<ActorRef<TaskSupervisor>> {
        self.tasks.lock().clone()
    }

    /// The part of the tree runs, with that supervisor of tasks, or does not any more.
    pub(super) fn run_in(self: &Arc<Self>, tasks: Option<ActorRef<TaskSupervisor>>) {
        let runs = tasks.is_some();
        let before = std::mem::replace(&mut *self.tasks.lock(), tasks);
        drop(before);
        self.runs.store(runs, Ordering::Release);
        if runs {
            // The tasks that cared for something have gone with the supervisor before.
            let cells: Vec<_> = self.lanes.read().values().cloned().collect();
            for cell in &cells {
                self.change(cell, |_, _| ());
            }
        }
    }

    /// Nanoseconds since it was made.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Keeps what nobody handled.
    pub(super) fn bury(
        &self,
        remains: Remains,
        reason: Error,
        may_be_handled: bool,
    ) -> DeadLetterId {
        let (to, now) = (Arc::clone(&remains.to), self.home.now());
        let error = reason.clone();
        let (id, dropped) = self.letters.lock().bury(remains, reason, may_be_handled, now);
        tracing::warn!(receiver = &*to, %error, may_be_handled, "coordination.dead_letter");
        tell_of_dropped(dropped);
        id
    }

    /// Keeps a dead letter that was sent again to no avail.
    pub(super) fn put_back(&self, letter: DeadLetter) {
        let dropped = self.letters.lock().put_back(letter);
        tell_of_dropped(dropped);
    }
}

fn tell_of_dropped(dropped: Option<DeadLetter>) {
    if let Some(letter) = dropped {
        tracing::error!(receiver = &*letter.to, "coordination.dead_letter_dropped");
    }
}
