//! One incarnation of an actor: what is meant for it does not reach the one after it.
//!
//! An [`ActorRef`] refers to a place, and so survives restarts. Whoever keeps something on behalf
//! of an actor, such as what it has subscribed to, refers to the incarnation that asked for it: the
//! next one has not asked.

use std::fmt;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::Actor;
use super::ask::Ask;
use super::handle::ActorRef;
use super::life::{HeldAs, Holding};
use super::reply::{Answer, Reply};
use super::slot::{Peer, Pid, Slot};
use super::task::catch;
use super::tell::{Unsent, mailbox_full, no_process, overflow};
use crate::error::{Result, codes};
use crate::mailbox::Promise;
use crate::spawn::current_task;

/// One incarnation of an actor. Made by [`ActorRef::incarnation`]; it keeps nothing alive.
pub struct Incarnation<A: Actor> {
    slot: Arc<Slot<A::Message>>,
    generation: u32,
}

/// A place in a mailbox, promised to whoever has this: with places in several mailboxes, all of
/// them get a message or none does. Dropping it gives the place back.
///
/// While it is there it counts as a message in the mailbox; it is not to be kept across an `await`.
#[must_use = "a place that is dropped is given back"]
pub struct Place<'a, M: Send> {
    slot: &'a Slot<M>,
    generation: u32,
    promise: Promise,
}

/// A [place](Place) that is kept by its number, for whoever cannot borrow the incarnation
/// meanwhile. Made by [`Place::keep`], and only good for [`Incarnation::redeem`]: one that is
/// dropped is a place less, as long as the incarnation lives.
#[derive(Debug)]
#[must_use = "the place is lost unless it is redeemed"]
pub struct KeptPlace {
    /// Which actor it is of: where that is in memory, since two systems count from the same number.
    slot: usize,
    generation: u32,
    promise: Promise,
}

/// A request that was sent, and whose answer may be waited for. Made by [`Place::ask`]; dropping it
/// gives the answer up.
#[must_use = "the answer is given up unless it is waited for"]
pub struct Asked<T> {
    /// As in [`KeptPlace`].
    slot: usize,
    pid: Pid,
    answer: oneshot::Receiver<Answer<T>>,
}

/// Who waits for an answer: a task of the runtime, if it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller(u64);

impl Caller {
    /// Whoever calls this.
    #[must_use]
    pub fn current() -> Self {
        Self(current_task())
    }
}

/// What became of a message that nobody waits with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Told {
    /// It is in the mailbox.
    Accepted,
    /// It was dropped and counted, because the policy of the mailbox says so.
    Dropped,
}

/// Something that is done when an incarnation ends. Made by [`Incarnation::at_end`]; dropping it
/// changes nothing.
#[must_use = "it cannot be called off without this"]
pub struct AtEnd {
    owner: Peer,
    number: u64,
}

/// What an incarnation holds: something to do when it ends.
struct Hook<F>(F);

// === impl Incarnation ===

impl<A: Actor> Incarnation<A> {
    pub(super) fn new(slot: &Arc<Slot<A::Message>>) -> Self {
        let generation = slot.core().life.generation();
        Self { slot: Arc::clone(slot), generation }
    }

    /// Which one it is.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid { slot: self.slot.core().slot, generation: self.generation }
    }

    /// The name it was started under.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.slot.core().name
    }

    /// Whether it has not ended.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.slot.core().life.exit_of(self.generation).is_none()
    }

    /// Sends a message to this incarnation, without waiting.
    ///
    /// # Errors
    ///
    /// `no_process` when it has ended or takes no more messages, whoever is in its place;
    /// `mailbox_full` when there is no room, and the policy is not to drop something. The message
    /// comes back with the error.
    pub fn try_tell(&self, message: A::Message) -> std::result::Result<Told, Unsent<A::Message>> {
        send_to(&self.slot, self.generation, message)
    }

    /// Takes a place in its mailbox for a message that comes right after, without waiting. Senders
    /// that wait go first.
    ///
    /// # Errors
    ///
    /// As [`Self::try_tell`].
    pub fn try_reserve(&self) -> Result<Place<'_, A::Message>> {
        let (slot, generation) = (&*self.slot, self.generation);
        let promise = slot.queue.promise(generation);
        match promise {
            Promise::Closed => Err(no_process(slot)),
            Promise::Full => Err(mailbox_full(slot)),
            Promise::Overflow => {
                overflow(slot, generation);
                Err(mailbox_full(slot))
            }
            Promise::Place | Promise::Push | Promise::PushOut | Promise::Drop => {
                Ok(Place { slot, generation, promise })
            }
        }
    }

    /// A place that was kept. One of another incarnation is a place with nobody.
    #[expect(clippy::needless_pass_by_value, reason = "a place that was kept is redeemed once")]
    pub fn redeem(&self, kept: KeptPlace) -> Place<'_, A::Message> {
        let is_ours = kept.slot == address(&self.slot) && kept.generation == self.generation;
        let promise = if is_ours { kept.promise } else { Promise::Closed };
        Place { slot: &self.slot, generation: kept.generation, promise }
    }

    /// Waits for what comes of a request that was sent to this incarnation: 5 s, unless
    /// [`Ask::within`] says otherwise. Of a request to another one nothing comes.
    pub fn answer<T>(&self, asked: Asked<T>) -> Ask<'_, A::Message, T> {
        let is_ours = asked.slot == address(&self.slot) && asked.pid == self.pid();
        // The other half of this is dropped at once, which is no reply.
        let nothing = || oneshot::channel().1;
        let answer = if is_ours { asked.answer } else { nothing() };
        Ask::of(&self.slot, self.generation, answer)
    }

    /// Has `run` called once when this incarnation has ended, before another one takes its place,
    /// in a task of the system. It must not wait for anything; a panic in it is logged.
    ///
    /// # Errors
    ///
    /// `no_process` when it has ended.
    pub fn at_end(&self, run: impl Fn() + Send + Sync + 'static) -> Result<AtEnd> {
        let process = Arc::clone(&self.slot) as _;
        let owner = Peer { process, generation: self.generation };
        let number = self.slot.core().system.next_number();
        owner.hold(held_as(number), Arc::new(Hook(run)))?;
        Ok(AtEnd { owner, number })
    }
}

impl<A: Actor> ActorRef<A> {
    /// The incarnation that the actor is now, or was last.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation<A> {
        Incarnation::new(self.place())
    }
}

/// Where the place of an actor is in memory.
fn address<M>(slot: &Slot<M>) -> usize {
    std::ptr::from_ref(slot).addr()
}

fn send_to<M: Send>(
    slot: &Slot<M>,
    generation: u32,
    message: M,
) -> std::result::Result<Told, Unsent<M>> {
    let Err((promise, message)) = slot.queue.send_to(generation, message) else {
        return Ok(Told::Accepted);
    };
    let error = match promise {
        // Here ends the oldest one, in whose place the message is.
        Promise::Push | Promise::PushOut => return Ok(Told::Accepted),
        Promise::Drop => return Ok(Told::Dropped),
        Promise::Overflow => {
            overflow(slot, generation);
            mailbox_full(slot)
        }
        Promise::Full => mailbox_full(slot),
        Promise::Closed | Promise::Place => no_process(slot),
    };
    Err(Unsent { message, error })
}

impl<A: Actor> Clone for Incarnation<A> {
    fn clone(&self) -> Self {
        Self { slot: Arc::clone(&self.slot), generation: self.generation }
    }
}

impl<A: Actor> fmt::Debug for Incarnation<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incarnation({} {:?})", self.pid(), self.name())
    }
}

// === impl Place ===

impl<M: Send> Place<'_, M> {
    /// Whether there was room for it. Where there was none, the policy of the mailbox is to drop a
    /// message: this one, or the oldest.
    #[must_use]
    pub fn has_room(&self) -> bool {
        matches!(self.promise, Promise::Place | Promise::Push)
    }

    /// Sends the message that the place was for.
    ///
    /// # Errors
    ///
    /// `no_process` when the incarnation has ended meanwhile, with the message.
    pub fn tell(mut self, message: M) -> std::result::Result<Told, Unsent<M>> {
        match std::mem::replace(&mut self.promise, Promise::Closed) {
            Promise::Place => match self.slot.queue.fulfil(self.generation, message) {
                None => Ok(Told::Accepted),
                Some(message) => Err(Unsent { message, error: no_process(self.slot) }),
            },
            Promise::Push | Promise::PushOut | Promise::Drop => {
                send_to(self.slot, self.generation, message)
            }
            Promise::Closed | Promise::Full | Promise::Overflow => {
                Err(Unsent { message, error: no_process(self.slot) })
            }
        }
    }

    /// Keeps the place without borrowing.
    pub fn keep(mut self) -> KeptPlace {
        let promise = std::mem::replace(&mut self.promise, Promise::Closed);
        KeptPlace { slot: address(self.slot), generation: self.generation, promise }
    }

    /// Sends the request that the place was for. [`Incarnation::answer`] waits for what comes of
    /// it.
    ///
    /// # Errors
    ///
    /// `no_process` when the incarnation has ended meanwhile; `mailbox_full` when the policy is to
    /// drop the message; `calling_self` when an actor asks itself.
    pub fn ask<T>(self, make: impl FnOnce(Reply<T>) -> M) -> Result<Asked<T>> {
        self.ask_for(Caller::current(), make)
    }

    /// As [`Self::ask`], for somebody else, who waits for the answer.
    ///
    /// # Errors
    ///
    /// As [`Self::ask`]; `calling_self` when whoever waits is the actor that is asked.
    pub fn ask_for<T>(self, caller: Caller, make: impl FnOnce(Reply<T>) -> M) -> Result<Asked<T>> {
        let (slot, generation) = (self.slot, self.generation);
        if caller.0 != 0 && slot.core().task.get() == caller.0 {
            return Err(codes::CALLING_SELF.into());
        }
        let (reply, answer) = Reply::new(slot.core().task.get());
        match self.tell(make(reply))? {
            Told::Accepted => {
                let pid = Pid { slot: slot.core().slot, generation };
                Ok(Asked { slot: address(slot), pid, answer })
            }
            Told::Dropped => Err(mailbox_full(slot)),
        }
    }
}

impl<M: Send> Drop for Place<'_, M> {
    fn drop(&mut self) {
        if self.promise == Promise::Place {
            self.slot.queue.give_back(self.generation);
        }
    }
}

impl<M: Send> fmt::Debug for Place<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("of", &&*self.slot.core().name).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Asked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("pid", &self.pid).finish_non_exhaustive()
    }
}

// === impl AtEnd ===

impl AtEnd {
    /// Calls it off. What it would have done is dropped.
    pub fn call_off(self) {
        self.owner.process.core().life.unhold(&held_as(self.number));
    }

    /// Whose end it is about.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.owner.pid()
    }
}

impl fmt::Debug for AtEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AtEnd({})", self.pid())
    }
}

/// What an owner holds. It has no name.
fn held_as(number: u64) -> HeldAs {
    HeldAs { number, key: "".into() }
}

impl<F: Fn() + Send + Sync> Holding for Hook<F> {
    fn let_go(&self, _: &HeldAs) {
        if let Err(panic) = catch(&self.0) {
            tracing::error!(%panic, "actor.panicked_at_end");
        }
    }
}

impl<F> fmt::Debug for Hook<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
