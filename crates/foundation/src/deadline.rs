//! Deadlines: one keeper for a whole system, because a timer of its own for each call would cost
//! more than the call.
//!
//! A wait that is over before its first suspension never gets here. One that suspends takes a slot
//! in a table, and gives it back when it is over, which nearly always is long before its deadline.
//! Reading the clock is left to the keeper too, for waits of a second and more: it looks every
//! [`TICK`] while there are any, and a wait begins when it is first seen. So a deadline is never
//! early. A short one is late by no more than the runtime's timers are, a millisecond; a long one
//! by a tick more.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::sync::{Notify, oneshot};
use tokio::task::coop;
use tokio::time::Instant;

use crate::error::{Error, codes};
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::timer::sleep_until;

/// Tables of one system. Each has its lock: more of them than cores make two callers rarely meet.
const SHARDS: usize = 8;
/// No deadline at all.
const NEVER: u64 = u64::MAX;
/// How often the keeper looks for new waits. A hundredth of the shortest wait that leaves the clock
/// to it, and so rare that nobody notices the keeper.
const TICK: Duration = Duration::from_millis(10);
/// The shortest wait that leaves the clock to the keeper.
const LONG: Duration = Duration::from_secs(1);

/// The deadlines of one system.
pub(crate) struct Deadlines {
    shards: [Mutex<Shard>; SHARDS],
    started: Instant,
    /// When the keeper wakes up by itself, in nanoseconds since the start; [`NEVER`] while it looks
    /// and while it sleeps for good, when everybody has to wake it.
    wakes: AtomicU64,
    changed: Notify,
}

/// A table of deadlines, with a list of its free places.
#[derive(Default)]
struct Shard {
    places: Vec<Place>,
    free: Option<usize>,
    /// How many places were ever taken.
    taken: u64,
    /// Whether the keeper has gone, so that every wait is over.
    closed: bool,
}

enum Place {
    Free {
        next: Option<usize>,
    },
    /// A long wait that the keeper has not seen.
    New {
        after: Duration,
        waker: Waker,
    },
    Armed {
        at: u64,
        waker: Waker,
    },
    Passed,
}

/// A place taken in a table. Dropping it frees the place.
#[must_use]
pub(crate) struct Armed<'a> {
    deadlines: &'a Deadlines,
    shard: usize,
    place: usize,
}

/// The deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed;

pin_project! {
    /// A future with a deadline, which runs from its first suspension.
    #[must_use]
    pub(crate) struct Within<'a, F> {
        #[pin]
        future: F,
        limit: Limit<'a>,
    }
}

/// How long a wait may take. It counts from the first call of [`Limit::poll`].
pub(crate) struct Limit<'a> {
    deadlines: &'a Deadlines,
    shard: usize,
    after: Option<Duration>,
    armed: Option<Armed<'a>>,
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

    /// The keeper: runs as long as the system. It says that it is ready when it has seen that it
    /// can wait: in a runtime without time it panics, and `ready` is dropped.
    pub(crate) async fn keep(self: Arc<Self>, ready: oneshot::Sender<()>) {
        // However it goes, nobody waits for it then.
        let _closing = Closing(&self);
        drop(sleep_until(self.started));
        // Whoever starts a system waits for this, unless it has given up.
        let _ = ready.send(());
        let mut taken_before = 0;
        loop {
            self.wakes.store(NEVER, Ordering::SeqCst);
            let now = self.since_start(Instant::now());
            let Look { earliest, taken } = self.look(now);
            let changed = pin!(self.changed.notified());
            // Waits come and go between two looks. The keeper sleeps for good only after a tick
            // without any, or every other call would have to wake it.
            if earliest.is_none() && taken == taken_before {
                changed.await;
                continue;
            }
            taken_before = taken;
            let tick = now.saturating_add(u64::try_from(TICK.as_nanos()).unwrap_or(NEVER));
            let at = earliest.unwrap_or(NEVER).min(tick);
            self.wakes.store(at, Ordering::SeqCst);
            let sleep = pin!(sleep_until(self.started + Duration::from_nanos(at)));
            // Both arms may be dropped and made again: nothing is lost with them.
            tokio::select! { biased; () = sleep => {}, () = changed => {} }
        }
    }

    /// How many waits have a deadline now.
    #[cfg(test)]
    fn armed(&self) -> usize {
        let armed = |place: &&Place| !matches!(place, Place::Free { .. });
        self.shards.iter().map(|shard| shard.lock().places.iter().filter(armed).count()).sum()
    }

    /// Begins new waits, wakes everybody whose deadline has passed, and finds the earliest other.
    fn look(&self, now: u64) -> Look {
        let mut look = Look { earliest: None, taken: 0 };
        for shard in &self.shards {
            let mut passed = Vec::new();
            let mut shard = shard.lock();
            look.taken += shard.taken;
            for place in &mut shard.places {
                place.begin(now);
                match place.deadline() {
                    Some(at) if at <= now => passed.extend(place.pass()),
                    Some(at) => look.earliest = Some(look.earliest.map_or(at, |it| it.min(at))),
                    None => {}
                }
            }
            drop(shard);
            passed.into_iter().for_each(Waker::wake);
        }
        look
    }

    fn arm(&self, shard: usize, after: Duration, waker: &Waker) -> Armed<'_> {
        let (at, place) = if after >= LONG {
            (NEVER - 1, Place::New { after, waker: waker.clone() })
        } else {
            let at = self.since_start(Instant::now() + after);
            (at, Place::Armed { at, waker: waker.clone() })
        };
        let mut locked = self.shard(shard).lock();
        let closed = locked.closed;
        let place = locked.insert(if closed { Place::Passed } else { place });
        drop(locked);
        if closed {
            waker.wake_by_ref();
        } else if at < self.wakes.load(Ordering::SeqCst) {
            self.changed.notify_one();
        }
        Armed { deadlines: self, shard, place }
    }

    /// The error about a wait that is over after this time; or before it, because the system has
    /// stopped.
    pub(crate) fn passed(&self, after: Option<Duration>) -> Error {
        if self.is_closed() {
            return codes::SYSTEM_STOPPING.into();
        }
        let after = after.unwrap_or_default().as_secs_f64();
        Error::from(codes::TIMEOUT).with_detail("after_seconds", after)
    }

    /// Whether the keeper has gone, so that every wait is over.
    pub(crate) fn is_closed(&self) -> bool {
        self.shard(0).lock().closed
    }

    /// Ends every wait, those that are to come included: the keeper has gone, and nobody would.
    fn close(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.closed = true;
            let passed: Vec<_> = shard.places.iter_mut().filter_map(Place::pass_if_taken).collect();
            drop(shard);
            passed.into_iter().for_each(Waker::wake);
        }
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

/// Closes when the keeper goes.
struct Closing<'a>(&'a Deadlines);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What the keeper found.
struct Look {
    earliest: Option<u64>,
    /// How many places were ever taken.
    taken: u64,
}

// === impl Place ===

impl Place {
    /// Begins a wait that was not yet seen.
    fn begin(&mut self, now: u64) {
        if let Self::New { after, waker } = self {
            let after = u64::try_from(after.as_nanos()).unwrap_or(NEVER);
            *self = Self::Armed { at: now.saturating_add(after), waker: waker.clone() };
        }
    }

    const fn deadline(&self) -> Option<u64> {
        match self {
            Self::Armed { at, .. } => Some(*at),
            Self::Free { .. } | Self::New { .. } | Self::Passed => None,
        }
    }

    /// As [`Self::pass`], of one that is taken.
    fn pass_if_taken(&mut self) -> Option<Waker> {
        match self {
            Self::Free { .. } => None,
            _ => self.pass(),
        }
    }

    /// The deadline has passed: whom to wake.
    fn pass(&mut self) -> Option<Waker> {
        match std::mem::replace(self, Self::Passed) {
            Self::Armed { waker, .. } | Self::New { waker, .. } => Some(waker),
            Self::Free { .. } | Self::Passed => None,
        }
    }
}

// === impl Shard ===

impl Shard {
    fn insert(&mut self, place: Place) -> usize {
        self.taken += 1;
        if let Some((at, free)) = self.free.and_then(|at| Some((at, self.places.get_mut(at)?))) {
            if let Place::Free { next } = std::mem::replace(free, place) {
                self.free = next;
            }
            return at;
        }
        self.places.push(place);
        self.places.len() - 1
    }

    fn remove(&mut self, at: usize) -> Option<Place> {
        let place = self.places.get_mut(at)?;
        let removed = std::mem::replace(place, Place::Free { next: self.free });
        self.free = Some(at);
        Some(removed)
    }
}

// === impl Armed ===

impl Armed<'_> {
    /// Ready when the deadline has passed.
    fn poll(&self, waker: &Waker) -> Poll<Passed> {
        let mut shard = self.deadlines.shard(self.shard).lock();
        match shard.places.get_mut(self.place) {
            Some(Place::Armed { waker: known, .. } | Place::New { waker: known, .. }) => {
                known.clone_from(waker);
                Poll::Pending
            }
            _ => Poll::Ready(Passed),
        }
    }
}

impl Drop for Armed<'_> {
    fn drop(&mut self) {
        let removed = self.deadlines.shard(self.shard).lock().remove(self.place);
        // What the waker keeps alive may go with it, so outside of the lock.
        drop(removed);
    }
}

// === impl Limit ===

impl<'a> Limit<'a> {
    #[inline]
    /// A limit of `after`, or none. Waits of different `shard`s do not share a lock.
    pub(crate) const fn new(
        deadlines: &'a Deadlines,
        shard: usize,
        after: Option<Duration>,
    ) -> Self {
        Self { deadlines, shard, after, armed: None }
    }

    #[inline]
    pub(crate) const fn set(&mut self, after: Option<Duration>) {
        self.after = after;
    }

    /// How long it is.
    pub(crate) const fn after(&self) -> Option<Duration> {
        self.after
    }

    #[inline]
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

impl<'a, F: Future> Within<'a, F> {
    pub(crate) const fn new(limit: Limit<'a>, future: F) -> Self {
        Self { future, limit }
    }
}

impl<F: Future> Future for Within<'_, F> {
    type Output = Result<F::Output, Passed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(output) = this.future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if this.limit.poll(cx.waker()).is_pending() {
            return Poll::Pending;
        }
        // It may be ready and not have been looked at, because its task has used up its turn.
        Poll::Ready(look_again(this.future, cx).ok_or(Passed))
    }
}

/// Looks once more whether something is ready of which nothing was seen because the turn of its
/// task is over. Before it is given up: then it has to be known.
pub(crate) fn look_again<F: Future>(
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Option<F::Output> {
    if coop::has_budget_remaining() {
        return None;
    }
    match pin!(coop::unconstrained(future)).poll(cx) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[cfg(test)]
mod tests;
