//! Looking at an actor that runs: its status, its state, what it does; and holding it.
//!
//! Whoever looks speaks through the control lane, so it is heard before all messages, and changes
//! nothing: what an actor does is the same whether or not somebody looks.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::Actor;
use super::ending::limit;
use super::handle::ActorRef;
use super::observed::Inquiry;
use super::reply::{Answer, Reply};
use super::slot::{KILL, Peer, Pid, STOP, SUSPENDED, Signal, Slot};
use super::spec::{ChildKind, refused};
use super::tell::{mailbox_full, no_process};
use crate::deadline::Within;
use crate::error::{Result, codes};
use crate::exit::ExitReason;
use crate::sync::Mutex;

/// How long an actor may take to answer. It answers between two messages, so this is how long one
/// may take. As a request.
const DEADLINE: Duration = Duration::from_secs(5);
/// How many steps a trace may hold: a step is some hundred bytes, and nobody reads more of them.
const LONGEST_TRACE: usize = 65_536;

/// What is seen of an actor from outside, without asking it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActorStatus {
    /// The incarnation that the actor is now, or was last. Of generation 0 if there was none yet.
    pub pid: Pid,
    /// The name it was started under.
    pub name: Arc<str>,
    /// Whether it is a supervisor.
    pub kind: ChildKind,
    /// What it does.
    pub state: ActorState,
    /// How many messages are accepted and not yet begun.
    pub mailbox_len: usize,
    /// How many messages the policy of its mailbox has dropped.
    pub dropped: u64,
    /// How many incarnations there were in its place before this one.
    pub restarts: u32,
    /// How long ago this incarnation began, to the millisecond; none when it has ended.
    pub uptime: Option<Duration>,
    /// How many wait for its end: monitors, and code that awaits it.
    pub watchers: usize,
    /// How many it is linked to.
    pub links: usize,
    /// How many names and places in groups it has, and registries, breakers and others it listens
    /// to.
    pub registrations: usize,
}

/// What an actor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ActorState {
    /// It has not come through its `init`.
    Starting,
    /// It handles messages, or waits for one.
    Running,
    /// It was [suspended](ActorRef::suspend).
    Suspended,
    /// It was asked to end or killed, or is about to end by itself.
    Stopping,
    /// It has ended, or was never started.
    Ended,
}

/// What was done in the steps of an actor that is traced: a window on the last of them, which goes
/// on as long as this is kept. Made by [`ActorRef::trace`].
///
/// What was seen stays readable when the actor has ended: the last step is the one that it ended
/// in.
#[must_use = "the trace ends when this is dropped"]
pub struct Trace {
    ring: Arc<Ring>,
}

/// One step of an actor.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TraceEntry {
    /// The how many-th step since the trace began, from 0.
    pub number: u64,
    /// When it began, by the clock of the system.
    pub at: Timestamp,
    /// What the step was.
    pub step: TraceStep,
    /// How long it took; none while it is going on, and if it was the last.
    pub took: Option<Duration>,
}

/// What one step of an actor was.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TraceStep {
    /// It handled a message, or what a timer or it itself has put in the place of one; with what
    /// [`Actor::describe`] says of it.
    Message(Option<Cow<'static, str>>),
    /// It heard of the end of an actor it monitors.
    Down(Pid, ExitReason),
    /// It heard of the end of an actor it is linked to.
    Exit(Pid, ExitReason),
    /// It was asked for its state.
    Inspected,
    /// It was asked to end, or had to.
    Stop(ExitReason),
}

/// The last steps, and room for as many as are wanted.
#[derive(Debug)]
pub(crate) struct Ring {
    capacity: usize,
    steps: Mutex<Steps>,
}

#[derive(Debug, Default)]
struct Steps {
    kept: VecDeque<TraceEntry>,
    next: u64,
}

/// How to look at an actor. All of these but [`Self::status`] wait for it to come between two
/// messages: 5 s at most.
impl<A: Actor> ActorRef<A> {
    /// What is seen of it from outside. It is not asked, so this is there also when it hangs.
    #[must_use]
    pub fn status(&self) -> ActorStatus {
        self.peer().process.status()
    }

    /// What it says of its state: see [`Actor::inspect`].
    ///
    /// # Errors
    ///
    /// `no_process` when it does not run; `actor_stopped` when it ends before it answers;
    /// `timeout`; `calling_self`; `mailbox_full` when 64 others wait for it so; and
    /// `actor_panicked` when [`Actor::inspect`] panics, which does not end the actor.
    pub async fn inspect(&self) -> Result<Option<Value>> {
        self.inquire(Inquiry::State).await?
    }

    /// Holds it between two messages, until it is [resumed](Self::resume). What comes meanwhile
    /// waits, timers too; monitors and links tell it nothing. It can be looked at and ended; the
    /// end of a linked actor ends it, unless it traps that. A second time is none. Its next
    /// incarnation is not suspended. A supervisor that is suspended restarts nobody. When this
    /// fails the actor is not suspended, unless it was before; when it is dropped half-way it may
    /// be.
    ///
    /// # Errors
    ///
    /// `handles_no_messages` for a task, and for a supervisor that is starting or stopping; as
    /// [`Self::inspect`], but for the panic.
    pub async fn suspend(&self) -> Result<()> {
        self.inquire(Inquiry::Suspend).await?
    }

    /// Has it go on where it was suspended. Where it was not, it does anyhow.
    ///
    /// # Errors
    ///
    /// As [`Self::inspect`], but for the panic.
    pub async fn resume(&self) -> Result<()> {
        self.inquire(Inquiry::Resume).await
    }

    /// Writes down what it does from now on, and keeps the last `capacity` steps, of 1 to 65,536.
    /// Only this incarnation is traced; one that is not traced pays nothing. Several traces of one
    /// actor do not disturb each other.
    ///
    /// # Errors
    ///
    /// `invalid_options`; as [`Self::suspend`].
    pub async fn trace(&self, capacity: usize) -> Result<Trace> {
        if !(1..=LONGEST_TRACE).contains(&capacity) {
            return Err(refused("capacity", "a trace holds 1 to 65,536 steps"));
        }
        let ring = Arc::new(Ring { capacity, steps: Mutex::default() });
        let weak = Arc::downgrade(&ring);
        self.inquire(|reply| Inquiry::Trace(weak, reply)).await??;
        Ok(Trace { ring })
    }

    async fn inquire<T>(&self, inquiry: impl FnOnce(Reply<T>) -> Inquiry) -> Result<T> {
        let (peer, slot) = (self.peer(), self.place());
        let core = slot.core();
        if core.task.is_current() {
            return Err(codes::CALLING_SELF.into());
        }
        if !peer.is_there() || peer.generation == 0 {
            return Err(no_process(slot));
        }
        if !core.inquiries.begin() {
            let message = "too many others wait to look at it";
            return Err(mailbox_full(slot).with_message(message));
        }
        let (reply, mut answer) = Reply::new(core.task.get());
        if !peer.signal(Signal::Inquiry(inquiry(reply))) {
            core.inquiries.end();
        }
        let waited = Within::new(limit(&peer, Some(DEADLINE)), &mut answer).await;
        // What was answered at the last moment counts: from here on nothing is.
        answer.close();
        match waited.or_else(|passed| answer.try_recv().map(Ok).map_err(|_| passed)) {
            Ok(Ok(Answer::Value(value))) => Ok(value),
            Ok(Ok(Answer::Panicked) | Err(_)) => {
                let reason = core.life.exit_of(peer.generation).or_else(|| core.life.ending());
                Err(reason.map_or_else(|| codes::ACTOR_STOPPED.into(), |it| it.to_error()))
            }
            Err(_) => Err(core
                .system
                .deadlines
                .passed(Some(DEADLINE))
                .with_message(format!("{:?} does not come to its next message", core.name))
                .with_detail("actor", &*core.name)),
        }
    }
}

impl<M: Send + 'static> Slot<M> {
    /// What is seen of it, all of one incarnation.
    pub(super) fn observe(&self) -> ActorStatus {
        loop {
            let status = self.observe_once();
            if self.pid() == status.pid {
                return status;
            }
        }
    }

    fn observe_once(&self) -> ActorStatus {
        let (core, pid, word) = (self.core(), self.pid(), self.word());
        let is_alive = core.life.is_alive();
        let (began, is_up) = core.since.get();
        let is_ending = word & (KILL | STOP) != 0 || core.life.ending().is_some();
        let state = match is_alive {
            false => ActorState::Ended,
            true if is_ending => ActorState::Stopping,
            true if word & SUSPENDED != 0 => ActorState::Suspended,
            true if is_up => ActorState::Running,
            true => ActorState::Starting,
        };
        let age = core.system.milliseconds().saturating_sub(began);
        ActorStatus {
            pid,
            name: Arc::clone(&core.name),
            kind: core.kind,
            state,
            mailbox_len: self.queue.len(),
            dropped: self.queue.dropped(),
            restarts: pid.generation.saturating_sub(1),
            uptime: is_alive.then(|| Duration::from_millis(age)),
            watchers: core.life.watchers(),
            links: core.life.links(),
            registrations: core.life.holdings(),
        }
    }
}

// === impl Trace ===

impl Trace {
    /// The last steps, the earliest of them first. One that has been pushed out by later ones is
    /// seen by its number.
    #[must_use]
    pub fn entries(&self) -> Vec<TraceEntry> {
        self.ring.steps.lock().kept.iter().cloned().collect()
    }

    /// How many steps it keeps.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.capacity
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = self.ring.steps.lock().next;
        let mut shown = f.debug_struct("Trace");
        shown.field("capacity", &self.ring.capacity).field("seen", &seen).finish_non_exhaustive()
    }
}

impl Ring {
    pub(super) fn begin(&self, at: Timestamp, step: &TraceStep) {
        let mut steps = self.steps.lock();
        let pushed_out = (steps.kept.len() == self.capacity).then(|| steps.kept.pop_front());
        let entry = TraceEntry { number: steps.next, at, step: step.clone(), took: None };
        steps.kept.push_back(entry);
        steps.next += 1;
        drop(steps);
        // With it may go an error of the user's.
        drop(pushed_out);
    }

    pub(super) fn finish(&self, took: Duration) {
        if let Some(last) = self.steps.lock().kept.back_mut() {
            last.took.get_or_insert(took);
        }
    }
}

impl Peer {
    /// What is seen of the actor from outside.
    pub(crate) fn status(&self) -> ActorStatus {
        self.process.status()
    }
}
