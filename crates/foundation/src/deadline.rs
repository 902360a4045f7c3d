//! Deadlines: one keeper for a whole system, because a timer of its own for each call would cost
//! more than the call.
//!
//! A wait that is over before its first suspension never gets here. One that suspends takes a slot
//! in a table, and gives it back when it is over, which nearly always is long before its deadline.
//! The keeper sleeps until the earliest deadline it has seen; it is woken only by an earlier one.
//! A deadline is never early, and late by no more than the runtime's timers are: a millisecond.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::timer::sleep_until;

/// Tables of one system. Each has its lock: more of them than cores make two callers rarely meet.
const SHARDS: usize = 8;
/// No deadline at all.
const NEVER: u64 = u64::MAX;

/// The deadlines of one system.
pub(crate) struct Deadlines {
    shards: [Mutex<Shard>; SHARDS],
    started: Instant,
    /// When the keeper wakes up by itself, in nanoseconds since the start; while it looks, never.
    wakes: AtomicU64,
    changed: Notify,
}

/// A table of deadlines, with a list of its free places.
#[derive(Default)]
struct Shard {
    places: Vec<Place>,
    free: Option<usize>,
}

enum Place {
    Free { next: Option<usize> },
    Armed { at: u64, waker: Waker },
    Passed,
}

/// A place taken in a table. Dropping it frees the place.
#[must_use]
pub(crate) struct Armed {
    deadlines: Arc<Deadlines>,
    shard: usize,
    place: usize,
}

/// The deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed;

pin_project! {
    /// A future with a deadline, which runs from its first suspension.
    #[must_use]
    pub(crate) struct Within<F> {
        #[pin]
        future: F,
        limit: Limit,
    }
}

/// How long a wait may take. It counts from the first call of [`Limit::poll`].
pub(crate) struct Limit {
    deadlines: Arc<Deadlines>,
    shard: usize,
    after: Option<Duration>,
    armed: Option<Armed>,
}

// === impl Deadlines ===

impl Deadlines {
    pub(crate) fn new() -> Self {
        Self {
            shards: Default::default(),
            started: Instant::now(),
            wakes: AtomicU64::new(NEVER),
            changed: Notify::new(),
        }
    }

    /// The keeper: runs as long as the system.
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            self.wakes.store(NEVER, Ordering::SeqCst);
            let earliest = self.wake_passed();
            let changed = pin!(self.changed.notified());
            match earliest {
                None => changed.await,
                Some(at) => {
                    self.wakes.store(at, Ordering::SeqCst);
                    let until = self.started + Duration::from_nanos(at);
                    let sleep = pin!(sleep_until(until));
                    // Both arms may be dropped and made again: nothing is lost with them.
                    tokio::select! { biased; () = sleep => {}, () = changed => {} }
                }
            }
        }
    }

    /// How many waits have a deadline now.
    #[cfg(test)]
    fn armed(&self) -> usize {
        let armed = |place: &&Place| !matches!(place, Place::Free { .. });
        self.shards.iter().map(|shard| shard.lock().places.iter().filter(armed).count()).sum()
    }

    /// Wakes everybody whose deadline has passed, and gives the earliest of the others.
    fn wake_passed(&self) -> Option<u64> {
        let now = self.since_start(Instant::now());
        let mut earliest = None;
        for shard in &self.shards {
            let mut passed = Vec::new();
            for place in &mut shard.lock().places {
                match place {
                    Place::Armed { at, .. } if *at <= now => {
                        if let Place::Armed { waker, .. } = std::mem::replace(place, Place::Passed) {
                            passed.push(waker);
                        }
                    }
                    Place::Armed { at, .. } => {
                        earliest = Some(earliest.map_or(*at, |earliest: u64| earliest.min(*at)));
                    }
                    Place::Free { .. } | Place::Passed => {}
                }
            }
            passed.into_iter().for_each(Waker::wake);
        }
        earliest
    }

    fn arm(self: &Arc<Self>, shard: usize, after: Duration, waker: &Waker) -> Armed {
        let shard = shard % SHARDS;
        let at = Instant::now().checked_add(after).map_or(NEVER, |at| self.since_start(at));
        let armed = Place::Armed { at, waker: waker.clone() };
        let place = self.shard(shard).lock().insert(armed);
        if at < self.wakes.load(Ordering::SeqCst) {
            self.changed.notify_one();
        }
        Armed { deadlines: Arc::clone(self), shard, place }
    }

    fn since_start(&self, at: Instant) -> u64 {
        let nanoseconds = at.saturating_duration_since(self.started).as_nanos();
        u64::try_from(nanoseconds).unwrap_or(NEVER)
    }

    #[expect(clippy::indexing_slicing, reason = "every index is taken modulo the length")]
    fn shard(&self, shard: usize) -> &Mutex<Shard> {
        &self.shards[shard % SHARDS]
    }
}

impl fmt::Debug for Deadlines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadlines").finish_non_exhaustive()
    }
}

// === impl Shard ===

impl Shard {
    fn insert(&mut self, place: Place) -> usize {
        match self.free.and_then(|at| Some((at, self.places.get_mut(at)?))) {
            Some((at, free)) => {
                if let Place::Free { next } = std::mem::replace(free, place) {
                    self.free = next;
                }
                at
            }
            None => {
                self.places.push(place);
                self.places.len() - 1
            }
        }
    }

    fn remove(&mut self, at: usize) -> Option<Place> {
        let place = self.places.get_mut(at)?;
        let removed = std::mem::replace(place, Place::Free { next: self.free });
        self.free = Some(at);
        Some(removed)
    }
}

// === impl Armed ===

impl Armed {
    /// Ready when the deadline has passed.
    fn poll(&self, waker: &Waker) -> Poll<Passed> {
        let mut shard = self.deadlines.shard(self.shard).lock();
        match shard.places.get_mut(self.place) {
            Some(Place::Armed { waker: known, .. }) => {
                known.clone_from(waker);
                Poll::Pending
            }
            _ => Poll::Ready(Passed),
        }
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        let removed = self.deadlines.shard(self.shard).lock().remove(self.place);
        // What the waker keeps alive may go with it, so outside of the lock.
        drop(removed);
    }
}

// === impl Limit ===

impl Limit {
    /// A limit of `after`, or none. Waits of different `shard`s do not share a lock.
    pub(crate) const fn new(
        deadlines: Arc<Deadlines>,
        shard: usize,
        after: Option<Duration>,
    ) -> Self {
        Self { deadlines, shard, after, armed: None }
    }

    pub(crate) const fn set(&mut self, after: Option<Duration>) {
        self.after = after;
    }

    /// How long it is.
    pub(crate) const fn after(&self) -> Option<Duration> {
        self.after
    }

    /// Ready when the time is over. For a wait that has just been found to go on.
    pub(crate) fn poll(&mut self, waker: &Waker) -> Poll<Passed> {
        match (&self.armed, self.after) {
            (_, None) => Poll::Pending,
            (_, Some(Duration::ZERO)) => Poll::Ready(Passed),
            (Some(armed), _) => armed.poll(waker),
            (None, Some(after)) => {
                self.armed = Some(self.deadlines.arm(self.shard, after, waker));
                Poll::Pending
            }
        }
    }
}

// === impl Within ===

impl<F: Future> Within<F> {
    pub(crate) const fn new(limit: Limit, future: F) -> Self {
        Self { future, limit }
    }
}

impl<F: Future> Future for Within<F> {
    type Output = Result<F::Output, Passed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.future.poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => this.limit.poll(cx.waker()).map(Err),
        }
    }
}

#[cfg(test)]
mod tests;
