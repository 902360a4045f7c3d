//! Telling actors what is registered and what no longer is.
//!
//! An event is put into the control lane of each listener under the lock of the shard where it
//! happened, so that all hear it in one order. The message is made of it by the listener, in its
//! own task: nobody else ever runs its code.

use std::fmt;
use std::sync::Arc;

use super::RegistryEvent;
use crate::actor::{Actor, ActorRef, Control, HeldAs, Holding, Peer, Pid, Slot, catch};
use crate::sync::{AtomicU64, AtomicUsize, Mutex, Ordering};

/// How many events may wait for a listener, each some hundred bytes: more than the largest commit
/// has changes, so that one which is not busy misses nothing of it; few enough that one which hangs
/// costs little.
const MOST_PENDING: usize = 16_384;

/// Who is told.
#[derive(Default)]
pub(super) struct Listeners {
    count: AtomicUsize,
    all: Mutex<Vec<Listener>>,
}

/// One incarnation that listens.
#[derive(Clone)]
struct Listener {
    /// Which holding of the incarnation this is.
    number: u64,
    pid: Pid,
    /// Whatever type the listener is of.
    hears: Arc<dyn Hears>,
}

/// Somebody who hears of events.
trait Hears: Send + Sync {
    fn hear(&self, event: RegistryEvent);
}

struct Ear<M> {
    slot: Arc<Slot<M>>,
    generation: u32,
    told: Arc<Told<M>>,
}

struct Told<M> {
    make: Box<dyn Fn(RegistryEvent) -> M + Send + Sync>,
    pending: AtomicUsize,
    /// How many there was no room for, of which it has not learnt.
    missed: AtomicU64,
}

/// An event on its way to a listener whose messages are `M`.
pub(crate) struct News<M> {
    event: RegistryEvent,
    told: Arc<Told<M>>,
}

impl Listeners {
    pub(super) fn add<A: Actor>(
        &self,
        number: u64,
        listener: &ActorRef<A>,
        owner: &Peer,
        make: impl Fn(RegistryEvent) -> A::Message + Send + Sync + 'static,
    ) {
        let (pending, missed) = (AtomicUsize::new(0), AtomicU64::new(0));
        let told = Arc::new(Told { make: Box::new(make), pending, missed });
        let (slot, generation) = (Arc::clone(listener.place()), owner.generation);
        let hears = Arc::new(Ear { slot, generation, told });
        let mut all = self.all.lock();
        all.push(Listener { number, pid: owner.pid(), hears });
        self.count.store(all.len(), Ordering::Release);
    }

    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Tells all of them. Called under the lock of the shard where it happened.
    pub(super) fn tell(&self, event: &RegistryEvent) {
        if self.len() > 0 {
            for listener in self.all.lock().iter() {
                listener.hears.hear(event.clone());
            }
        }
    }

    /// Tells an incarnation nothing more, and gives the numbers of its holdings.
    pub(super) fn remove_all(&self, pid: Pid) -> Vec<u64> {
        self.remove(|listener| listener.pid == pid)
    }

    pub(super) fn remove_one(&self, number: u64) {
        self.remove(|listener| listener.number == number);
    }

    fn remove(&self, wanted: impl Fn(&Listener) -> bool) -> Vec<u64> {
        let mut all = self.all.lock();
        let removed: Vec<_> = all.extract_if(.., |listener| wanted(listener)).collect();
        self.count.store(all.len(), Ordering::Release);
        drop(all);
        let numbers = removed.iter().map(|listener| listener.number).collect();
        // With them goes what makes messages, which is the user's.
        if let Err(panic) = catch(|| drop(removed)) {
            tracing::error!(%panic, "registry.panicked_in_drop");
        }
        numbers
    }
}

impl<M: Send + 'static> Hears for Ear<M> {
    fn hear(&self, event: RegistryEvent) {
        if self.told.pending.load(Ordering::Acquire) >= MOST_PENDING {
            self.told.missed.fetch_add(1, Ordering::AcqRel);
            return;
        }
        self.told.pending.fetch_add(1, Ordering::AcqRel);
        let event = RegistryEvent { missed: self.told.missed.swap(0, Ordering::AcqRel), ..event };
        let news = News { event, told: Arc::clone(&self.told) };
        self.slot.control(self.generation, Control::News(news));
    }
}

impl<M> News<M> {
    /// The message that the listener makes of it. Called in its task.
    pub(crate) fn message(mut self) -> M {
        if self.told.pending.fetch_sub(1, Ordering::AcqRel) == 1 {
            // The last that waits: no later one may ever tell what was missed.
            self.event.missed += self.told.missed.swap(0, Ordering::AcqRel);
        }
        (self.told.make)(self.event)
    }
}

impl Holding for Listeners {
    /// A listener has ended.
    fn let_go(&self, held: &HeldAs) {
        self.remove_one(held.number);
    }
}

impl<M> fmt::Debug for News<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.event.fmt(f)
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners").field("len", &self.len()).finish_non_exhaustive()
    }
}
