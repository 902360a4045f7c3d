//! Telling actors what has happened elsewhere: in a registry, to a circuit, to a flag.
//!
//! An event is put into the control lane of each listener by whoever made it happen, in one order
//! for all. The message is made of it by the listener, in its own task: nobody else ever runs its
//! code, and nobody waits for it.

use std::fmt;
use std::sync::{Arc, Weak};

use crate::actor::{Actor, ActorRef, Control, HeldAs, Holding, Peer, Pid, Slot, catch, refused};
use crate::error::{Error, Result, codes};
use crate::ports::Ports;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, Ordering};

/// How many events may wait for a listener, each some hundred bytes: more than the largest commit
/// of a registry has changes, so that one which is not busy misses nothing of it; few enough that
/// one which hangs costs little.
const MOST_PENDING: usize = 16_384;

/// What a listener hears.
pub(crate) trait Event: fmt::Debug + Clone + Send + Sync + 'static {
    /// How many events the listener was not told of.
    fn missed(&mut self) -> &mut u64;
}

/// Who is told.
pub(crate) struct Listeners<E> {
    /// What only actors of the same system have.
    ports: Arc<Ports>,
    count: AtomicUsize,
    all: Mutex<Vec<Listener<E>>>,
}

/// One incarnation that listens.
struct Listener<E> {
    /// Which holding of the incarnation this is.
    number: u64,
    pid: Pid,
    /// Whatever type the listener is of.
    hears: Arc<dyn Hears<E>>,
}

/// Somebody who hears of events.
trait Hears<E>: Send + Sync {
    fn hear(&self, event: E);
    /// It listens no more, as this holding.
    fn unhold(&self, number: u64);
}

/// What a listener holds of what it listens to: no more than it needs to listen no more.
#[derive(Debug)]
struct Listening<E>(Weak<Listeners<E>>);

struct Ear<E, M> {
    slot: Arc<Slot<M>>,
    generation: u32,
    told: Arc<Told<E, M>>,
}

struct Told<E, M> {
    make: Box<dyn Fn(E) -> M + Send + Sync>,
    pending: AtomicUsize,
    /// How many there was no room for, of which it has not learnt.
    missed: AtomicU64,
}

/// An event on its way to a listener whose messages are `M`.
pub(crate) struct News<M>(Box<dyn Makes<M>>);

/// An event of whatever type, of which a message can be made.
pub(crate) trait Makes<M>: fmt::Debug + Send {
    fn message(self: Box<Self>) -> M;
}

struct Pending<E, M> {
    event: E,
    told: Arc<Told<E, M>>,
}

impl<E: Event> Listeners<E> {
    pub(crate) fn new(ports: &Arc<Ports>) -> Self {
        let (count, all) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        Self { ports: Arc::clone(ports), count, all }
    }

    /// Has an incarnation hear of everything from now on.
    ///
    /// # Errors
    ///
    /// `no_process` when it has ended; `invalid_options` when it is of another system.
    pub(crate) fn add<A: Actor>(
        self: &Arc<Self>,
        listener: &ActorRef<A>,
        make: impl Fn(E) -> A::Message + Send + Sync + 'static,
    ) -> Result<()> {
        let owner = listener.peer();
        if !Arc::ptr_eq(&owner.process.core().system.ports, &self.ports) {
            return Err(refused("listener", "it belongs to another system"));
        }
        let number = owner.process.core().system.next_number();
        self.insert(number, listener, &owner, Box::new(make));
        let listens = owner.hold(held_as(number), Arc::new(Listening(Arc::downgrade(self))));
        if listens.is_err() {
            self.remove_one(number);
        }
        listens
    }

    /// Has an incarnation hear of nothing more.
    ///
    /// # Errors
    ///
    /// `not_registered` when it does not listen.
    pub(crate) fn remove(&self, listener: &Peer) -> Result<()> {
        let pid = listener.pid();
        let numbers = self.extract(|listener| listener.pid == pid);
        for number in &numbers {
            listener.process.core().life.unhold(&held_as(*number));
        }
        if numbers.is_empty() {
            return Err(Error::from(codes::NOT_REGISTERED)
                .with_message("the actor does not listen")
                .with_detail("actor", &*listener.name()));
        }
        Ok(())
    }

    fn insert<M: Send + 'static>(
        &self,
        number: u64,
        listener: &ActorRef<impl Actor<Message = M>>,
        owner: &Peer,
        make: Box<dyn Fn(E) -> M + Send + Sync>,
    ) {
        let (pending, missed) = (AtomicUsize::new(0), AtomicU64::new(0));
        let told = Arc::new(Told { make, pending, missed });
        let (slot, generation) = (Arc::clone(listener.place()), owner.generation);
        let hears = Arc::new(Ear { slot, generation, told });
        let mut all = self.all.lock();
        all.push(Listener { number, pid: owner.pid(), hears });
        self.count.store(all.len(), Ordering::Release);
    }

    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Tells all of them. Called under the lock of what the event is about, so that all hear of
    /// that in one order.
    pub(crate) fn tell(&self, event: &E) {
        if self.len() > 0 {
            for listener in self.all.lock().iter() {
                listener.hears.hear(event.clone());
            }
        }
    }

    fn remove_one(&self, number: u64) {
        self.extract(|listener| listener.number == number);
    }

    fn extract(&self, wanted: impl Fn(&Listener<E>) -> bool) -> Vec<u64> {
        let mut all = self.all.lock();
        let removed: Vec<_> = all.extract_if(.., |listener| wanted(listener)).collect();
        self.count.store(all.len(), Ordering::Release);
        drop(all);
        let numbers = removed.iter().map(|listener| listener.number).collect();
        let_go(removed);
        numbers
    }
}

/// Drops listeners, and with them what makes messages, which is the user's.
fn let_go<E>(listeners: Vec<Listener<E>>) {
    if let Err(panic) = catch(|| drop(listeners)) {
        tracing::error!(%panic, "listener.panicked_in_drop");
    }
}

/// What a listener holds. It has no name.
fn held_as(number: u64) -> HeldAs {
    HeldAs { number, key: "".into() }
}

impl<E: Event, M: Send + 'static> Hears<E> for Ear<E, M> {
    fn hear(&self, mut event: E) {
        if self.told.pending.load(Ordering::Acquire) >= MOST_PENDING {
            self.told.missed.fetch_add(1, Ordering::AcqRel);
            return;
        }
        self.told.pending.fetch_add(1, Ordering::AcqRel);
        *event.missed() = self.told.missed.swap(0, Ordering::AcqRel);
        let pending = Pending { event, told: Arc::clone(&self.told) };
        self.slot.control(self.generation, Control::News(News::of(pending)));
    }

    fn unhold(&self, number: u64) {
        self.slot.core().life.unhold(&held_as(number));
    }
}

impl<M> News<M> {
    /// Something of which a message is made when it is taken.
    pub(crate) fn of(event: impl Makes<M> + 'static) -> Self {
        Self(Box::new(event))
    }

    /// The message that the listener makes of it. Called in its task.
    pub(crate) fn message(self) -> M {
        self.0.message()
    }
}

impl<E: Event, M> Makes<M> for Pending<E, M> {
    fn message(mut self: Box<Self>) -> M {
        if self.told.pending.fetch_sub(1, Ordering::AcqRel) == 1 {
            // The last that waits: no later one may ever tell what was missed.
            *self.event.missed() += self.told.missed.swap(0, Ordering::AcqRel);
        }
        (self.told.make)(self.event)
    }
}

impl<E: Event> Holding for Listening<E> {
    /// A listener has ended.
    fn let_go(&self, held: &HeldAs) {
        if let Some(listeners) = self.0.upgrade() {
            listeners.remove_one(held.number);
        }
    }
}

impl<E> Drop for Listeners<E> {
    /// There is nothing to listen to any more.
    fn drop(&mut self) {
        let all = std::mem::take(&mut *self.all.lock());
        for listener in &all {
            listener.hears.unhold(listener.number);
        }
        let_go(all);
    }
}

impl<M> fmt::Debug for News<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: fmt::Debug, M> fmt::Debug for Pending<E, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.event.fmt(f)
    }
}

impl<E> fmt::Debug for Listeners<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.count.load(Ordering::Acquire);
        f.debug_struct("Listeners").field("len", &count).finish_non_exhaustive()
    }
}
