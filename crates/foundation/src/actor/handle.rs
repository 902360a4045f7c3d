//! A reference to an actor: how others speak to it.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::Actor;
use super::ask::Ask;
use super::ending::{Ended, end};
use super::life::Watch;
use super::reply::Reply;
use super::slot::{Core, Peer, Pid, Process, STOP, Slot};
use super::tell::{Tell, Unsent, try_send};
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;
use crate::system::Shared;

/// A reference to an actor. It may be cloned, sent and kept; it keeps no actor alive.
///
/// It refers to the place of the actor, so it survives restarts: what is sent reaches the
/// incarnation that runs then. While none runs, it is refused with `no_process`.
///
/// Messages from one sender arrive in the order in which they were accepted.
pub struct ActorRef<A: Actor> {
    slot: Arc<Slot<A::Message>>,
}

impl<A: Actor> ActorRef<A> {
    pub(crate) const fn new(slot: Arc<Slot<A::Message>>) -> Self {
        Self { slot }
    }

    /// Sends a message, and waits only for a place in the mailbox, if its policy is to wait. `Ok`
    /// means accepted: it says nothing of handled.
    ///
    /// # Errors
    ///
    /// `no_process` when the actor has ended or takes no more messages; `mailbox_full` when there
    /// is no room and the policy is to refuse. An actor that tells itself, and whose mailbox is
    /// full, would wait for itself: there it gets `mailbox_full` too, whatever the policy.
    #[inline]
    pub fn tell(&self, message: A::Message) -> Tell<'_, A::Message> {
        Tell::new(&self.slot, message)
    }

    /// Sends a message without waiting, wherever it is called.
    ///
    /// # Errors
    ///
    /// As [`Self::tell`], and `mailbox_full` when there is no room and the policy is to wait. The
    /// message comes back with the error.
    pub fn try_tell(&self, message: A::Message) -> std::result::Result<(), Unsent<A::Message>> {
        try_send(&self.slot, message, None).map(|_| ())
    }

    /// Sends a request and waits for the answer: 5 s, unless [`Ask::within`] says otherwise.
    /// `make` puts the [`Reply`] into a message.
    ///
    /// # Errors
    ///
    /// As [`Self::tell`]; `actor_stopped` at once when the actor ends before it answers; `no_reply`
    /// when it drops the reply; `timeout` when the deadline passes; `calling_self` when an actor
    /// asks itself.
    #[inline]
    pub fn ask<T>(&self, make: impl FnOnce(Reply<T>) -> A::Message) -> Ask<'_, A::Message, T> {
        Ask::new(&self.slot, make)
    }

    /// Ends the actor as its specification says: asks it to, and kills it when it has not ended in
    /// time. The message being handled is finished; the others are not delivered. Gives the reason
    /// with which it ended.
    ///
    /// # Errors
    ///
    /// `no_process` when it has ended already; `calling_self` from inside of it, where
    /// [`Flow::Stop`](super::Flow::Stop) does that; `unresponsive` when it was killed and holds its
    /// thread.
    pub async fn stop(&self, reason: ExitReason) -> Result<ExitReason> {
        self.finish(|peer| peer.request_stop(reason)).await
    }

    /// Ends the actor after it has handled all messages it has accepted; more are refused. The
    /// deadline of its specification holds for all of them together.
    ///
    /// # Errors
    ///
    /// As [`Self::stop`].
    pub async fn drain(&self) -> Result<ExitReason> {
        self.finish(|peer| peer.process.drain(peer.generation)).await
    }

    /// Ends the actor where it waits next, without asking it and without waiting for its end.
    pub fn kill(&self) {
        self.peer().kill();
    }

    /// Waits until the incarnation that the actor is now has ended, and gives the reason; at once
    /// when it has.
    pub fn exited(&self) -> Exited<'_> {
        let core = self.slot.core();
        Exited::of(core, core.life.generation())
    }

    /// Whether an incarnation of the actor runs. It may have ended by the time this is looked at.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.slot.core().life.is_alive()
    }

    /// The incarnation that the actor is now, or was last.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.slot.core().pid()
    }

    /// The name it was started under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.slot.core().name
    }

    /// How many messages are accepted and not yet begun.
    #[must_use]
    pub fn mailbox_len(&self) -> usize {
        self.slot.queue.len()
    }

    /// How many messages the policy of the mailbox has dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.slot.queue.dropped()
    }

    /// How many wait for its end: monitors, and code that awaits [`Self::exited`].
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.slot.core().life.watchers()
    }

    /// How many incarnations of others it is linked to.
    #[must_use]
    pub fn links(&self) -> usize {
        self.slot.core().life.links()
    }

    /// What the incarnation that runs shares, if it does.
    pub(crate) fn shared(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.slot.core().life.shared()
    }

    /// The same place, as that of an actor whose messages are the same.
    pub(crate) fn understanding_the_same<B: Actor<Message = A::Message>>(&self) -> ActorRef<B> {
        ActorRef::new(Arc::clone(&self.slot))
    }

    /// Whether the incarnation that lives was asked to end, or ends by itself.
    pub(crate) fn is_stopping(&self) -> bool {
        self.slot.word() & STOP != 0 || self.slot.core().life.ending().is_some()
    }

    pub(crate) const fn place(&self) -> &Arc<Slot<A::Message>> {
        &self.slot
    }

    pub(crate) fn system(&self) -> &Arc<Shared> {
        &self.slot.core().system
    }

    pub(super) fn process(&self) -> Arc<dyn Process> {
        Arc::clone(&self.slot) as _
    }

    /// The incarnation that the actor is now.
    pub(crate) fn peer(&self) -> Peer {
        Peer::of(self.process())
    }

    async fn finish(&self, ask: impl FnOnce(&Peer)) -> Result<ExitReason> {
        if self.slot.core().task.is_current() {
            return Err(codes::CALLING_SELF.into());
        }
        if !self.is_alive() {
            return Err(Error::from(codes::NO_PROCESS).with_detail("actor", self.name()));
        }
        match end(&self.peer(), ask).await {
            Ended::With(reason) => Ok(reason),
            Ended::Unresponsive(error) => Err(error),
        }
    }
}

impl<A: Actor> Clone for ActorRef<A> {
    fn clone(&self) -> Self {
        Self { slot: Arc::clone(&self.slot) }
    }
}

impl<A: Actor> PartialEq for ActorRef<A> {
    /// Whether both refer to the same place in the same system.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.slot, &other.slot)
    }
}

impl<A: Actor> Eq for ActorRef<A> {}

impl<A: Actor> Hash for ActorRef<A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.slot.core().slot.hash(state);
    }
}

impl<A: Actor> fmt::Debug for ActorRef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorRef({} {:?})", self.pid(), self.name())
    }
}

/// The end of an actor. Made by [`ActorRef::exited`].
#[derive(Debug)]
#[must_use = "nothing is waited for until it is awaited"]
pub struct Exited<'a> {
    core: &'a Core,
    waits: Waits,
}

#[derive(Debug)]
enum Waits {
    Ended(ExitReason),
    For(u64, oneshot::Receiver<ExitReason>),
}

impl<'a> Exited<'a> {
    pub(crate) fn of(core: &'a Core, generation: u32) -> Self {
        let waits = match core.life.wait(generation) {
            Watch::Ended(reason) => Waits::Ended(reason),
            Watch::Later(key, exit) => Waits::For(key, exit),
        };
        Self { core, waits }
    }
}

impl Future for Exited<'_> {
    type Output = ExitReason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ExitReason> {
        match &mut self.waits {
            Waits::Ended(reason) => Poll::Ready(reason.clone()),
            // An actor whose place is gone was never announced dead: its runtime is gone.
            Waits::For(_, exit) => {
                Pin::new(exit).poll(cx).map(|told| told.unwrap_or(ExitReason::Killed))
            }
        }
    }
}

impl Drop for Exited<'_> {
    fn drop(&mut self) {
        if let Waits::For(key, _) = &self.waits {
            let _ = self.core.life.unwatch(*key);
        }
    }
}
