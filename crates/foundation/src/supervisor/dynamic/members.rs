//! The children of one incarnation of a dynamic supervisor, as all share them who have to do with
//! them: whoever starts one, the children themselves, and the supervisor's loop.
//!
//! A child is started by the task that asks for it, and one that is not restarted is forgotten by
//! its own task. So a supervisor is no bottleneck, however many start and end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::options::Rules;
use super::run::{Message, Said};
use super::state::{Outcome, Refused, State};
use super::table::Traits;
use crate::actor::{
    ChildDid, ChildEvent, Nursery, Options, Parent, Peer, Reply, Restart, Shutdown, Slot,
    Supervised, Supervises, TimerKey, Unresponsive, catch,
};
use crate::error::{Error, Result, codes};
use crate::supervisor::child::Child;
use crate::supervisor::report;
use crate::sync::{Mutex, MutexGuard};

/// The children, and how to reach the loop.
pub(in crate::supervisor) struct Members {
    state: Mutex<State<Whom, Body>>,
    slot: Arc<Slot<Message>>,
    generation: u32,
    started: Instant,
}

/// Who waits for an answer.
pub(super) enum Whom {
    /// For the incarnation that was started.
    Child(Reply<Result<Peer>>),
    Done(Reply<Result<()>>),
}

/// What is known of a child.
pub(super) struct Body {
    /// The incarnation that was started last.
    pub(super) peer: Peer,
    pub(super) more: Option<Box<More>>,
}

/// What few children need.
#[derive(Default)]
pub(super) struct More {
    /// How it is started again, if it ever is.
    pub(super) child: Option<Arc<dyn Child>>,
    pub(super) timer: Option<TimerKey>,
}

/// A child that is about to be taken in.
pub(super) struct Newcomer<'a> {
    pub(super) members: &'a Arc<Members>,
    pub(super) traits: Traits,
    pub(super) child: Option<Arc<dyn Child>>,
    /// Whether it needs no time to start.
    pub(super) runs: bool,
}

// === impl Members ===

impl Members {
    pub(super) fn new(rules: Rules, slot: &Arc<Slot<Message>>, generation: u32) -> Self {
        let state = Mutex::new(State::new(rules));
        Self { state, slot: Arc::clone(slot), generation, started: Instant::now() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<Whom, Body>> {
        self.state.lock()
    }

    /// Time, as a supervisor counts it.
    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// The name of the supervisor.
    pub(super) fn name(&self) -> &str {
        self.slot.name()
    }

    /// Does what an outcome leaves to whoever is told of it.
    fn see_to(&self, child: Option<Arc<str>>, outcome: Outcome<Body>) {
        let Outcome { forgotten, report, wake } = outcome;
        if let (Some(child), Some(report)) = (child, report) {
            report::child(self.name(), &child, &report);
        }
        if let Some(body) = forgotten {
            self.let_go(body);
        }
        if wake {
            self.slot.say(self.generation, Message(Said::Wake));
        }
    }

    /// Lets go of a child that is forgotten. What its specification holds belongs to the user.
    pub(super) fn let_go(&self, body: Body) {
        if let Err(panic) = catch(|| drop(body)) {
            report::panicked_in_drop(self.name(), &panic);
        }
    }
}

impl Supervises for Members {
    fn child(&self, _: u32, ChildEvent { child, attempt, what }: ChildEvent) {
        // The clock is read before the lock is taken, and for an end only.
        let now = if matches!(what, ChildDid::End(_)) { self.now() } else { Duration::ZERO };
        let mut state = self.lock();
        let name = state.table.get(child).map(|child| child.body.peer.name());
        let outcome = match what {
            ChildDid::Ignore => return state.ignores(child, attempt),
            ChildDid::Run => state.runs(child, attempt),
            ChildDid::End(reason) => state.ended(child, attempt, reason, now),
        };
        drop(state);
        self.see_to(name, outcome);
    }
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members").field("supervisor", &self.name()).finish_non_exhaustive()
    }
}

// === impl Newcomer ===

impl<'a> Newcomer<'a> {
    pub(super) fn new(members: &'a Arc<Members>, options: &Options) -> Self {
        let traits = Traits {
            restart: options.restart.unwrap_or_default(),
            kind: options.kind,
            abandoned_when_unresponsive: options.unresponsive == Unresponsive::Abandon,
            brutal: options.shutdown == Shutdown::BrutalKill,
        };
        Self { members, traits, child: None, runs: false }
    }

    /// One that is not restarted, and needs no time to start.
    pub(super) fn running(members: &'a Arc<Members>, options: &Options) -> Self {
        let newcomer = Self::new(members, options);
        let traits = Traits { restart: Restart::Temporary, ..newcomer.traits };
        Self { traits, runs: true, ..newcomer }
    }

    /// Whether it is to be started again, so that its specification is kept.
    pub(super) fn comes_back(&self) -> bool {
        self.traits.restart != Restart::Temporary
    }
}

impl Nursery for Newcomer<'_> {
    /// # Errors
    ///
    /// `max_children`; `no_process` when the supervisor ends.
    fn adopt(&self, child: &Peer) -> Result<Parent> {
        let (members, key) = (self.members, child.pid().slot);
        let more = self
            .child
            .as_ref()
            .map(|child| Box::new(More { child: Some(Arc::clone(child)), timer: None }));
        let body = Body { peer: child.clone(), more };
        let mut state = members.lock();
        let (adopted, most) = (state.adopt(key, self.traits, body), state.rules.max_children);
        let runs = (adopted.is_ok() && self.runs).then(|| state.runs(key, 1));
        drop(state);
        if let Some(runs) = runs {
            members.see_to(Some(child.name()), runs);
        }
        match adopted {
            Ok(()) => Ok(Some(Supervised {
                supervisor: Arc::clone(members) as _,
                generation: members.generation,
                child: key,
                attempt: 1,
            })),
            Err(Refused::Full) => Err(Error::from(codes::MAX_CHILDREN)
                .with_detail("supervisor", members.name())
                .with_detail("max_children", most)),
            Err(Refused::Closed) => {
                Err(Error::from(codes::NO_PROCESS).with_detail("actor", members.name()))
            }
        }
    }

    fn give_up(&self, child: &Peer, why: Error) {
        let outcome = self.members.lock().give_up(child.pid().slot, why);
        self.members.see_to(None, outcome);
    }
}

// === impl Body ===

impl Body {
    pub(super) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }
}
