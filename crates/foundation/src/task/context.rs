//! What a task is given: itself, time and ids, and whether it is to end.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::run::TaskMessage;
use crate::actor::{Actor, Context, DRAINS, Peer, Pid, Process, STOP, Slot, TRAPS};
use crate::error::ErrorContext;
use crate::registry::{Groups, Registry};
use crate::system::Shared;
use crate::tracker::ErrorTracker;

/// What belongs to one incarnation of a task. Given to work that is a closure; see
/// [`Job::with`](super::Job::with).
pub struct TaskContext {
    slot: Arc<Slot<TaskMessage>>,
    pid: Pid,
    /// The operation that it works for.
    outer: Option<ErrorContext>,
    /// Made when it is needed.
    errors: Option<ErrorContext>,
}

/// Who can own a task: an actor, by its context, and a task, by its own. Nobody else implements
/// this.
pub trait Owner: sealed::Sealed {
    /// What a task has to know of its owner.
    #[doc(hidden)]
    fn owned(&mut self) -> Owned;
}

/// An owner, as a task knows it.
#[derive(Debug, Clone)]
pub struct Owned {
    pub(super) peer: Peer,
    pub(super) errors: ErrorContext,
}

mod sealed {
    pub trait Sealed {}
    impl<A: crate::actor::Actor> Sealed for crate::actor::Context<A> {}
    impl Sealed for super::TaskContext {}
}

impl<A: Actor> Owner for Context<A> {
    fn owned(&mut self) -> Owned {
        Owned { peer: self.peer(), errors: self.error_context().clone() }
    }
}

impl Owner for TaskContext {
    fn owned(&mut self) -> Owned {
        let process = Arc::clone(&self.slot) as _;
        let peer = Peer { process, generation: self.pid.generation };
        Owned { peer, errors: self.error_context().clone() }
    }
}

// === impl TaskContext ===

impl TaskContext {
    pub(super) fn new(slot: &Arc<Slot<TaskMessage>>, outer: Option<ErrorContext>) -> Self {
        Self { slot: Arc::clone(slot), pid: slot.pid(), outer, errors: None }
    }

    pub(crate) fn system(&self) -> &Shared {
        self.slot.system()
    }

    /// What counts the errors of the system, as [`System::errors`](crate::System::errors).
    #[must_use]
    pub fn errors(&self) -> &ErrorTracker {
        &self.slot.system().errors
    }

    /// The names of the system's actors, as [`System::registry`](crate::System::registry).
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.slot.system().names
    }

    /// The groups of the system's actors, as [`System::groups`](crate::System::groups).
    #[must_use]
    pub fn groups(&self) -> &Groups {
        &self.slot.system().groups
    }

    /// This incarnation.
    #[must_use]
    pub const fn pid(&self) -> Pid {
        self.pid
    }

    /// The name that it was started under.
    #[must_use]
    pub fn name(&self) -> &str {
        self.slot.name()
    }

    /// From here on the task ends when it chooses to: whoever asks it to end, or ends being linked
    /// to it, makes [`Self::stopping`] ready and no more. It is killed when it takes too long, and
    /// ends all the same when its holder drops it or its owner has ended.
    pub fn trap_exits(&self) {
        self.slot.raise(self.pid.generation, TRAPS);
    }

    /// From here on the task goes on when it is asked to end, as if it trapped exits, and ends all
    /// the same when somebody does whom it is linked to.
    pub(super) fn drain(&self) {
        self.slot.raise(self.pid.generation, DRAINS);
    }

    /// Whether the task was asked to end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.slot.word() & STOP != 0
    }

    /// Ready when the task is asked to end, for work that [traps exits](Self::trap_exits). Whoever
    /// asks wakes the task, so this belongs into its own work or a `select!` there; a set of
    /// futures that wakes each by itself, such as `FuturesUnordered`, does not look at it again.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        self.slot.stopping()
    }

    /// The wall-clock time of the system.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.slot.system().ports.now()
    }

    /// A new id of the system.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.slot.system().ports.new_id()
    }

    /// The context of what the task does. A task that is owned begins with that of its owner.
    pub fn error_context(&mut self) -> &mut ErrorContext {
        let (slot, pid, outer) = (&self.slot, self.pid, &self.outer);
        self.errors.get_or_insert_with(|| {
            let context = match outer {
                Some(outer) => outer.inherit(slot.name()),
                None => ErrorContext::new(slot.system(), slot.name()),
            };
            context.with("pid", pid.to_string())
        })
    }
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TaskContext");
        shown.field("pid", &self.pid).field("name", &self.name()).finish_non_exhaustive()
    }
}
