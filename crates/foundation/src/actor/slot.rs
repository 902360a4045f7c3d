//! The place of an actor: what its task, its references and its system share.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::Poll;

use super::life::{Life, Watch, Watcher};
use super::spec::{ChildKind, Shutdown};
use super::watch::{Down, Exit};
use crate::exit::ExitReason;
use crate::mailbox::{Mailbox, Queue};
use crate::spawn::TaskNumber;
use crate::system::Shared;

/// Control bit: end at once. See also [`crate::mailbox::SPACE`] and [`crate::mailbox::CONTROL`].
pub(crate) const KILL: u32 = 1 << 2;
/// Control bit: end after the message being handled; the reason lies in [`Life`].
pub(crate) const STOP: u32 = 1 << 3;
/// Control bit: a task ends when it chooses to, having been asked.
pub(crate) const TRAPS: u32 = 1 << 4;
/// Control bit: nobody wants what a task comes to, and it ends where it waits next, whatever it
/// chooses.
pub(crate) const UNWANTED: u32 = 1 << 5;

/// One incarnation of an actor: the place it has, and the how many-th in it.
///
/// Pids of one system never repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Pid {
    /// The place, which outlives a restart.
    pub slot: u64,
    /// Which incarnation, from 1.
    pub generation: u32,
}

/// An actor's place: its mailbox, and between senders and receiver of that, [`Core`].
pub(crate) struct Slot<M> {
    pub(super) queue: Queue<M, Control<M>, Core>,
}

/// What of a place does not depend on the type of its messages.
#[derive(Debug)]
pub(crate) struct Core {
    pub(super) slot: u64,
    pub(super) name: Arc<str>,
    pub(super) shutdown: Shutdown,
    pub(super) kind: ChildKind,
    pub(super) system: Arc<Shared>,
    pub(super) task: TaskNumber,
    pub(super) life: Life<Peer>,
}

/// What comes through the control lane.
#[derive(Debug)]
pub(crate) enum Control<M> {
    Signal(Signal),
    /// What the actor's own parts say to it.
    Own(M),
}

/// What actors are told of each other.
#[derive(Debug)]
pub(crate) enum Signal {
    Down(Down),
    Exit(Exit),
}

/// One incarnation of an actor, of whatever type.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) process: Arc<dyn Process>,
    pub(crate) generation: u32,
}

/// An actor of whatever type.
pub(crate) trait Process: fmt::Debug + Send + Sync {
    fn core(&self) -> &Core;
    /// Raises control bits of one incarnation and wakes it.
    fn raise(&self, generation: u32, bits: u32);
    /// Lets no more messages in; the actor ends when it has handled those it has.
    fn drain(&self, generation: u32);
    /// Tells one incarnation something; nothing when it has gone.
    fn signal(&self, generation: u32, signal: Signal);
    /// The place itself, to find out of what type it is.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

// === impl Pid ===

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}.{}>", self.slot, self.generation)
    }
}

// === impl Slot ===

impl<M> Slot<M> {
    pub(super) fn new(core: Core, mailbox: Mailbox) -> Self {
        Self { queue: Queue::new(mailbox, core) }
    }

    #[inline]
    pub(super) const fn core(&self) -> &Core {
        &self.queue.between
    }

    /// Whether an incarnation runs.
    pub(crate) fn is_alive(&self) -> bool {
        self.core().life.is_alive()
    }

    /// The name of the actor.
    pub(crate) fn name(&self) -> &str {
        &self.core().name
    }

    /// The control word.
    pub(crate) fn word(&self) -> u32 {
        self.queue.word()
    }

    /// The incarnation that lives, or the last that did.
    pub(crate) fn pid(&self) -> Pid {
        self.core().pid()
    }

    /// Ready when it is asked to end. Polled by its own task, which whoever asks wakes.
    pub(crate) fn stopping(self: &Arc<Self>) -> impl Future<Output = ()> + Send + use<M>
    where
        M: Send,
    {
        let slot = Arc::clone(self);
        std::future::poll_fn(move |_| match slot.word() & STOP {
            0 => Poll::Pending,
            _ => Poll::Ready(()),
        })
    }

    /// What everything in its system shares.
    pub(crate) fn system(&self) -> &Arc<Shared> {
        &self.core().system
    }

    /// Ends the first incarnation, which was not started after all, for those who have heard of it.
    pub(crate) fn call_off(&self) {
        self.core().announce(&ExitReason::NoProc, || ());
    }

    /// Says something to one incarnation before everything else.
    pub(crate) fn say(&self, generation: u32, message: M) {
        drop(self.queue.signal(generation, Control::Own(message)));
    }
}

impl<M> fmt::Debug for Slot<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.queue.between.fmt(f)
    }
}

impl<M: Send + 'static> Process for Slot<M> {
    fn core(&self) -> &Core {
        &self.queue.between
    }

    fn raise(&self, generation: u32, bits: u32) {
        self.queue.raise(generation, bits);
    }

    fn drain(&self, generation: u32) {
        drop(self.queue.drain(generation));
        self.queue.raise(generation, 0);
    }

    fn signal(&self, generation: u32, signal: Signal) {
        drop(self.queue.signal(generation, Control::Signal(signal)));
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl dyn Process {
    /// The name it was started under.
    pub(crate) fn name(&self) -> Arc<str> {
        Arc::clone(&self.core().name)
    }
}

// === impl Peer ===

impl Peer {
    /// Asks the actor to end after the message being handled. The first reason given counts.
    pub(crate) fn request_stop(&self, reason: ExitReason) {
        self.process.core().life.request(self.generation, reason);
        self.process.raise(self.generation, STOP);
    }

    /// Waits for its end, or gives why it has ended.
    pub(crate) fn wait(&self) -> Watch {
        self.process.core().life.wait(self.generation)
    }

    /// Waits no longer.
    pub(crate) fn unwatch(&self, key: u64) {
        self.process.core().life.unwatch(key);
    }

    /// Ends a task where it waits next. Not a kill: its end is clean.
    pub(crate) fn dismiss(&self) {
        self.process.raise(self.generation, UNWANTED);
    }

    /// Lets the end of another one, which is linked, be of no account to this one.
    pub(crate) fn hush(&self, other: Pid) {
        self.process.core().life.hush(other);
    }

    /// Ends the actor where it waits next.
    pub(crate) fn kill(&self) {
        self.process.raise(self.generation, KILL);
    }

    /// The incarnation that lives in a place, or the last that did.
    pub(crate) fn of(process: Arc<dyn Process>) -> Self {
        let generation = process.core().life.generation();
        Self { process, generation }
    }

    /// The name of the actor.
    pub(crate) fn name(&self) -> Arc<str> {
        self.process.name()
    }

    /// How it is ended.
    pub(crate) fn shutdown(&self) -> Shutdown {
        self.process.core().shutdown
    }

    /// Whether the incarnation has not ended.
    pub(crate) fn is_there(&self) -> bool {
        self.process.core().life.exit_of(self.generation).is_none()
    }

    /// The incarnation.
    pub(crate) fn pid(&self) -> Pid {
        Pid { slot: self.process.core().slot, generation: self.generation }
    }

    pub(super) fn signal(&self, signal: Signal) {
        self.process.signal(self.generation, signal);
    }
}

// === impl Core ===

impl Core {
    /// The incarnation that lives, or the last that did.
    pub(crate) fn pid(&self) -> Pid {
        Pid { slot: self.slot, generation: self.life.generation() }
    }

    /// Tells everybody who waits for the end, `first` before all others. From here on the actor is
    /// dead.
    pub(super) fn announce(&self, reason: &ExitReason, first: impl FnOnce()) {
        // Whoever is first may begin the next incarnation at once.
        let pid = self.pid();
        let bereaved = self.life.end(reason);
        first();
        for watcher in bereaved.watchers {
            match watcher {
                // Whoever has gone wants nothing.
                Watcher::Waiting(waiting) => drop(waiting.send(reason.clone())),
                Watcher::Monitor(owner, monitor) => {
                    let name = Arc::clone(&self.name);
                    let down = Down { monitor, pid, name, reason: reason.clone() };
                    owner.signal(Signal::Down(down));
                }
            }
        }
        for peer in bereaved.links {
            // Of many that have ended nothing is to be left, also where nobody is listening now.
            let (life, normal) = (&peer.process.core().life, *reason == ExitReason::Normal);
            if life.ends_unheard(peer.generation, pid, normal) {
                continue;
            }
            let exit = Exit { pid, name: Arc::clone(&self.name), reason: reason.clone() };
            peer.signal(Signal::Exit(exit));
        }
    }
}
