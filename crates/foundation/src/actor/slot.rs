//! The place of an actor: what its task, its references and its system share.

use std::fmt;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::spec::Shutdown;
use crate::exit::ExitReason;
use crate::mailbox::{Mailbox, Queue};
use crate::spawn::TaskNumber;
use crate::sync::Mutex;
use crate::system::Shared;

/// Control bit: end at once. See also [`crate::mailbox::SPACE`].
pub(super) const KILL: u32 = 1 << 1;
/// Control bit: end after the message being handled; the reason lies in [`Life::request`].
pub(super) const STOP: u32 = 1 << 2;

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
    pub(super) queue: Queue<M, Core>,
}

/// What of a place does not depend on the type of its messages.
#[derive(Debug)]
pub(crate) struct Core {
    pub(super) pid: Pid,
    pub(super) name: Box<str>,
    pub(super) shutdown: Shutdown,
    pub(super) system: Arc<Shared>,
    pub(super) task: TaskNumber,
    life: Mutex<Option<Box<Life>>>,
}

/// How the end of an actor is asked for and told. There only when somebody asks or waits for it, or
/// when it comes.
#[derive(Debug, Default)]
struct Life {
    /// Why it should end, if it was asked to.
    request: Option<ExitReason>,
    /// Why it is ending, once that is decided.
    ending: Option<ExitReason>,
    /// Why it ended, and that it did.
    exit: Option<ExitReason>,
    watchers: Vec<(u64, oneshot::Sender<ExitReason>)>,
    next_watcher: u64,
}

/// An actor of whatever type.
pub(crate) trait Process: fmt::Debug + Send + Sync {
    fn core(&self) -> &Core;
    /// Raises control bits and wakes the actor.
    fn raise(&self, bits: u32);
    /// Lets no more messages in; the actor ends when it has handled those it has.
    fn drain(&self);
}

/// What a watcher gets: the reason now, or later with the key to leave.
pub(super) enum Watch {
    Ended(ExitReason),
    Later(u64, oneshot::Receiver<ExitReason>),
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
}

impl<M> fmt::Debug for Slot<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.queue.between.fmt(f)
    }
}

impl<M: Send> Process for Slot<M> {
    fn core(&self) -> &Core {
        &self.queue.between
    }

    fn raise(&self, bits: u32) {
        self.queue.raise(bits);
    }

    fn drain(&self) {
        drop(self.queue.drain());
        self.queue.raise(0);
    }
}

// === impl dyn Process ===

impl dyn Process + '_ {
    /// Asks the actor to end after the message being handled. The first reason given counts.
    pub(crate) fn request_stop(&self, reason: ExitReason) {
        self.core().life(|life| {
            life.request.get_or_insert(reason);
        });
        self.raise(STOP);
    }

    /// Ends the actor where it waits next.
    pub(crate) fn kill(&self) {
        self.raise(KILL);
    }
}

// === impl Core ===

impl Core {
    pub(super) fn new(pid: Pid, name: String, shutdown: Shutdown, system: Arc<Shared>) -> Self {
        Self {
            pid,
            name: name.into_boxed_str(),
            shutdown,
            system,
            task: TaskNumber::default(),
            life: Mutex::default(),
        }
    }

    /// The reason that was given with a request to stop.
    pub(super) fn take_request(&self) -> ExitReason {
        self.life(|life| life.request.take()).unwrap_or(ExitReason::Shutdown)
    }

    /// Decides why the actor ends, unless that was decided before.
    pub(super) fn set_ending(&self, reason: &ExitReason) {
        self.life(|life| {
            life.ending.get_or_insert_with(|| reason.clone());
        });
    }

    /// Why it is ending or has ended.
    pub(super) fn ending(&self) -> Option<ExitReason> {
        self.life(|life| life.exit.clone().or_else(|| life.ending.clone()))
    }

    /// Why it ended, when it has.
    pub(crate) fn exit(&self) -> Option<ExitReason> {
        self.life.lock().as_ref()?.exit.clone()
    }

    /// Tells everybody who waits for the end. From here on the actor is dead.
    pub(super) fn announce(&self, reason: &ExitReason) {
        let watchers = self.life(|life| {
            life.exit = Some(reason.clone());
            life.request = None;
            std::mem::take(&mut life.watchers)
        });
        for (_, watcher) in watchers {
            // A watcher that has gone wants nothing.
            let _ = watcher.send(reason.clone());
        }
    }

    pub(super) fn watch(&self) -> Watch {
        self.life(|life| {
            if let Some(reason) = &life.exit {
                return Watch::Ended(reason.clone());
            }
            let (watcher, exit) = oneshot::channel();
            let key = life.next_watcher;
            life.next_watcher += 1;
            life.watchers.push((key, watcher));
            Watch::Later(key, exit)
        })
    }

    pub(super) fn unwatch(&self, key: u64) {
        self.life(|life| life.watchers.retain(|(other, _)| *other != key));
    }

    /// How many wait for the end.
    #[cfg(test)]
    pub(super) fn watchers(&self) -> usize {
        self.life.lock().as_ref().map_or(0, |life| life.watchers.len())
    }

    fn life<T>(&self, with: impl FnOnce(&mut Life) -> T) -> T {
        with(self.life.lock().get_or_insert_default())
    }
}
