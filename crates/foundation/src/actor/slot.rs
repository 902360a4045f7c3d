//! The place of an actor: what its task, its references and its system share.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::Poll;

use super::Actor;
use super::handle::ActorRef;
use super::inspect::ActorStatus;
use super::life::{HeldAs, Holding, Life, Watch, Watcher};
use super::observed::{Inquiries, Inquiry};
use super::spec::{ChildKind, Shutdown};
use super::watch::{Down, Exit};
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;
use crate::listen::News;
use crate::mailbox::{Mailbox, Queue};
use crate::registry::Naming;
use crate::spawn::TaskNumber;
use crate::sync::{AtomicU64, Ordering};
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

/// Control bit: it handles nothing until it is resumed. Raised and lowered by itself.
pub(crate) const SUSPENDED: u32 = 1 << 6;
/// Control bit: somebody wants to know what it does. Raised and lowered by itself.
pub(crate) const TRACED: u32 = 1 << 7;
/// Control bit: a task goes on when it is asked to end, and not when somebody ends that it is
/// linked to.
pub(crate) const DRAINS: u32 = 1 << 8;

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
pub(crate) struct Core {
    pub(super) slot: u64,
    pub(super) name: Arc<str>,
    pub(super) shutdown: Shutdown,
    pub(crate) kind: ChildKind,
    pub(crate) system: Arc<Shared>,
    pub(super) task: TaskNumber,
    /// The name that every incarnation takes, if it does.
    pub(super) naming: Option<Arc<Naming>>,
    /// Whether it is a task, and handles no messages.
    pub(super) is_task: bool,
    pub(crate) inquiries: Inquiries,
    /// When the last incarnation began, and whether it has come through `init`.
    pub(super) since: Since,
    pub(crate) life: Life<Peer>,
}

/// A moment in milliseconds since the start of the system, and in the lowest bit whether what began
/// then has come through its `init`.
#[derive(Debug, Default)]
pub(super) struct Since(AtomicU64);

/// What comes through the control lane.
#[derive(Debug)]
pub(crate) enum Control<M> {
    Signal(Signal),
    /// What the actor's own parts say to it.
    Own(M),
    /// What it hears of that it listens to.
    News(News<M>),
}

/// What actors are told of each other.
#[derive(Debug)]
pub(crate) enum Signal {
    Down(Down),
    Exit(Exit),
    Inquiry(Inquiry),
}

/// One incarnation of an actor, of whatever type.
#[derive(Clone)]
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
    /// Tells one incarnation something. False when it has gone.
    fn signal(&self, generation: u32, signal: Signal) -> bool;
    /// What is seen of it from outside.
    fn status(&self) -> ActorStatus;
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
    pub(crate) const fn core(&self) -> &Core {
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

    /// Puts something into the control lane of one incarnation. False when it has gone.
    pub(crate) fn control(&self, generation: u32, control: Control<M>) -> bool {
        self.queue.signal(generation, control).is_none()
    }

    /// Says something to one incarnation before everything else. False when it has gone.
    pub(crate) fn say(&self, generation: u32, message: M) -> bool {
        self.control(generation, Control::Own(message))
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

    fn signal(&self, generation: u32, signal: Signal) -> bool {
        self.control(generation, Control::Signal(signal))
    }

    fn status(&self) -> ActorStatus {
        self.observe()
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

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peer({} {:?})", self.pid(), self.process.core().name)
    }
}

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

    /// Takes all from it that it holds elsewhere, its names above all: somebody else is to have its
    /// place in the world. It goes on without.
    pub(crate) fn give_up(&self) {
        let life = &self.process.core().life;
        if life.generation() == self.generation {
            life.give_up().let_go();
        }
    }

    /// Has it hold something until it ends.
    ///
    /// # Errors
    ///
    /// `no_process` when it has ended.
    pub(crate) fn hold(&self, held: HeldAs, by: Arc<dyn Holding>) -> Result<()> {
        let core = self.process.core();
        core.life
            .hold(self.generation, held, by)
            .map_err(|_| Error::from(codes::NO_PROCESS).with_detail("actor", &*core.name))
    }

    /// A reference to the place, if the actor in it is of type `A`.
    ///
    /// # Errors
    ///
    /// `wrong_type` when it is not.
    pub(crate) fn reference<A: Actor>(self) -> Result<ActorRef<A>> {
        let name = self.name();
        let place: Arc<dyn Any + Send + Sync> = self.process.into_any();
        match place.downcast::<Slot<A::Message>>() {
            Ok(slot) => Ok(ActorRef::new(slot)),
            Err(_) => Err(Error::from(codes::WRONG_TYPE)
                .with_message(format!("the messages of {name:?} are others"))
                .with_detail("actor", &*name)
                .with_detail("expected", std::any::type_name::<A>())),
        }
    }

    /// Tells it something. False when it has gone, and wants nothing.
    pub(super) fn signal(&self, signal: Signal) -> bool {
        self.process.signal(self.generation, signal)
    }
}

// === impl Since ===

impl Since {
    /// Something begins at `now`, in milliseconds.
    pub(super) fn begin(&self, now: u64) {
        self.0.store(now << 1, Ordering::Release);
    }

    /// It has come through its `init`.
    pub(super) fn is_up(&self) {
        self.0.fetch_or(1, Ordering::AcqRel);
    }

    /// When it began, and whether it has come through its `init`.
    pub(super) fn get(&self) -> (u64, bool) {
        let since = self.0.load(Ordering::Acquire);
        (since >> 1, since & 1 == 1)
    }
}

// === impl Core ===

impl fmt::Debug for Core {
    /// Which actor it is, and not what it has: that may be locked by whoever prints this.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Core({} {:?})", self.pid(), self.name)
    }
}

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
        let mut bereaved = self.life.end(reason);
        // Before anybody can start the next one under the same name.
        bereaved.let_go();
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
