//! What waits for the commit loop: appends, and what is asked of the loop itself, in one order.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, PoisonError};

use foundation::{Error, Result};
use tokio::sync::{Notify, oneshot};

use super::blobs::BlobWrite;
use super::tables::GROUP_SLOTS;
use super::tail::Entry;
use crate::blob::BlobId;
use crate::codes;
use crate::permit::Permit;
use crate::stats::Retained;
use crate::stream::{Epoch, Shard};
use crate::sync::{Mutex, MutexGuard};
use crate::ticket::{Resolver, unknown};

/// The queue of the commit loop. Its bound are the permits: every append has one.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// How many appends wait. Changed under the lock, and looked at without it: whoever looks again
    /// and again would be in the way of those who come.
    appends: AtomicUsize,
    /// Whether nothing more is taken in, in the same way.
    is_closed: AtomicBool,
    /// For a loop on a thread.
    ready: Condvar,
    /// For a loop on the runtime.
    notify: Notify,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    /// Set once: nothing more is taken in.
    closed: Option<Closed>,
    /// Whether the loop waits: only then it has to be woken.
    waits: bool,
}

/// Why nothing more is taken in: a failure, or that it is the end.
#[derive(Debug)]
struct Closed {
    cause: Option<Error>,
}

/// One thing that waits.
#[derive(Debug)]
pub(super) enum Item {
    Append(Pending),
    /// Makes the next epoch of a shard durable.
    Epoch(Shard, oneshot::Sender<Result<Epoch>>),
    /// Answered when everything before it is durable or refused.
    Barrier(oneshot::Sender<Result<()>>),
    /// Folds everything that was durable when it was asked.
    Fold(oneshot::Sender<Result<()>>),
    /// Drops what has passed its retention.
    Retain(oneshot::Sender<Result<Retained>>),
    /// Writes to a blob.
    Blob(BlobWrite),
    /// Raises the format of the store.
    Raise(oneshot::Sender<Result<u8>>),
}

/// An append that waits.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) entry: Arc<Entry>,
    pub(super) writer: u64,
    /// The record, with no position yet.
    pub(super) record: Vec<u8>,
    pub(super) shard: Shard,
    pub(super) version: u64,
    pub(super) signals: u32,
    pub(super) tombstone: bool,
    pub(super) wake: Option<crate::append::Wake>,
    /// Keys that it answers, with their fingerprints.
    pub(super) answers: Vec<(String, u128)>,
    /// Blobs that it holds.
    pub(super) holds: Vec<BlobId>,
    pub(super) resolver: Resolver,
    pub(super) permit: Permit,
}

/// What the loop is to do.
#[derive(Debug)]
pub(super) enum Next {
    /// These, in this order; none when nothing waits.
    Work(Vec<Item>),
    /// End: nothing waits, and nothing will.
    End,
}

/// Bytes of one group at most, so that it is one value of the store and memory stays bounded.
const GROUP_BYTES: usize = 16 << 20;
/// How often the loop looks whether more have come, and none has, before it commits what is there:
/// about as long as a thread of the runtime takes to wake up.
const QUIET: u32 = 60;
/// How often it looks at most: a small part of the time that a commit takes.
const LOOKS: u32 = 300;
/// Turns between two looks: about a microsecond.
const SPINS: u32 = 20;
/// Items of one group at most.
const GROUP_ITEMS: usize = 8192;

impl Queue {
    /// Puts an item at the end, unless the queue is closed or `admit` refuses, which is asked under
    /// the lock.
    ///
    /// # Errors
    ///
    /// `store_closed`, and what `admit` comes to.
    pub(super) fn push(&self, item: Item, admit: impl FnOnce() -> Result<()>) -> Result<()> {
        let mut state = self.state.lock();
        if let Some(why) = &state.closed {
            return Err(closed(why.cause.as_ref()));
        }
        admit()?;
        if matches!(item, Item::Append(_)) {
            self.appends.fetch_add(1, Ordering::Relaxed);
        }
        state.items.push_back(item);
        let wake = std::mem::take(&mut state.waits);
        drop(state);
        if wake {
            self.wake();
        }
        Ok(())
    }

    /// Nothing more is taken in, because of `cause` or because it is the end. What waits is given
    /// to the loop all the same. Later calls change nothing.
    pub(super) fn close(&self, cause: Option<Error>) {
        let mut state = self.state.lock();
        if state.closed.is_none() {
            self.set_closed(&mut state, cause);
        }
        drop(state);
        self.wake();
    }

    fn set_closed(&self, state: &mut State, cause: Option<Error>) {
        state.closed = Some(Closed { cause });
        self.is_closed.store(true, Ordering::Release);
    }

    /// Runs `then` while nothing can be put in. It is told whether anything could be.
    pub(super) fn locked<T>(&self, then: impl FnOnce(bool) -> T) -> T {
        let state = self.state.lock();
        then(state.closed.is_none())
    }

    /// Everything that waits, when the loop has failed. The first cause stays.
    pub(super) fn fail(&self, cause: &Error) -> Vec<Item> {
        let mut state = self.state.lock();
        if state.closed.as_ref().is_none_or(|why| why.cause.is_none()) {
            self.set_closed(&mut state, Some(cause.clone()));
        }
        self.drain(state)
    }

    /// Everything that waits, when the loop has ended, which it may have after a failure or because
    /// the queue was closed: then that stays the reason.
    pub(super) fn end(&self, cause: &Error) -> Vec<Item> {
        let mut state = self.state.lock();
        if state.closed.is_none() {
            self.set_closed(&mut state, Some(cause.clone()));
        }
        self.drain(state)
    }

    fn drain(&self, mut state: MutexGuard<'_, State>) -> Vec<Item> {
        self.appends.store(0, Ordering::Relaxed);
        let items = state.items.drain(..).collect();
        drop(state);
        // It may have been a reader that failed.
        self.wake();
        items
    }

    /// Why nothing is taken in any more, if that is so.
    pub(super) fn check(&self) -> Result<()> {
        if !self.is_closed.load(Ordering::Acquire) {
            return Ok(());
        }
        match &self.state.lock().closed {
            Some(why) => Err(closed(why.cause.as_ref())),
            None => Ok(()),
        }
    }

    /// How many appends wait.
    pub(super) fn appends(&self) -> usize {
        self.appends.load(Ordering::Relaxed)
    }

    /// What waits, as much of it as one group holds; blocks until something does. With `busy` it
    /// does not.
    ///
    /// Those who have just been answered append again at about the same time, and the first of them
    /// would be committed alone, while all others wait for that. So it lets them in first: as long as
    /// more come, and there are fewer than `expected`.
    pub(super) fn take_blocking(&self, busy: bool, expected: usize) -> Next {
        let mut state = self.state.lock();
        loop {
            let open = state.closed.is_none();
            while state.items.is_empty() && open && !busy && state.closed.is_none() {
                state.waits = true;
                state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.waits = false;
            }
            if self.appends() < expected && state.closed.is_none() {
                drop(state);
                self.gather(expected);
                state = self.state.lock();
            }
            match self.take_from(&mut state) {
                Next::Work(items) if items.is_empty() && !busy => {}
                next => return next,
            }
        }
    }

    /// Looks until there are as many as are expected, or no more come.
    fn gather(&self, expected: usize) {
        let (mut seen, mut quiet, mut looks) = (self.appends(), 0, 0);
        while seen < expected && quiet < QUIET && looks < LOOKS {
            // Not a yield: on a busy machine that takes as long as others like.
            for _ in 0..SPINS {
                std::hint::spin_loop();
            }
            let now = self.appends();
            quiet = if now == seen { quiet + 1 } else { 0 };
            seen = now;
            looks += 1;
        }
    }

    /// The same for a loop on the runtime. Given up, nothing was taken.
    pub(super) async fn take_async(&self, busy: bool) -> Next {
        loop {
            let woken = self.notify.notified();
            {
                let mut state = self.state.lock();
                match self.take_from(&mut state) {
                    Next::Work(items) if items.is_empty() && !busy => state.waits = true,
                    next => return next,
                }
            }
            woken.await;
        }
    }

    fn take_from(&self, state: &mut MutexGuard<'_, State>) -> Next {
        if state.items.is_empty() {
            return if state.closed.is_some() { Next::End } else { Next::Work(Vec::new()) };
        }
        let (mut bytes, mut slots, mut count) = (0, 0, 0);
        for item in &state.items {
            match item {
                Item::Append(pending) => {
                    bytes += pending.record.len();
                    slots += u64::from(pending.signals.max(1));
                }
                Item::Blob(blob) => bytes += blob.size(),
                _ => {}
            }
            let full = bytes > GROUP_BYTES || slots > GROUP_SLOTS || count == GROUP_ITEMS;
            if full && count > 0 {
                break;
            }
            count += 1;
        }
        let items: Vec<_> = state.items.drain(..count).collect();
        let appends = items.iter().filter(|item| matches!(item, Item::Append(_))).count();
        self.appends.fetch_sub(appends, Ordering::Relaxed);
        Next::Work(items)
    }

    fn wake(&self) {
        self.ready.notify_one();
        self.notify.notify_one();
    }
}

impl Item {
    /// Answers with a failure: an append is of unknown outcome, everything else was not done.
    pub(super) fn fail(self, cause: &Error) {
        // Whoever asked may be gone.
        match self {
            Self::Append(pending) => pending.resolver.resolve(Err(unknown(cause))),
            Self::Epoch(_, reply) => drop(reply.send(Err(closed(Some(cause))))),
            Self::Barrier(reply) | Self::Fold(reply) => {
                drop(reply.send(Err(closed(Some(cause)))));
            }
            Self::Retain(reply) => drop(reply.send(Err(unknown(cause)))),
            Self::Blob(blob) => blob.answer(Err(unknown(cause))),
            Self::Raise(reply) => drop(reply.send(Err(unknown(cause)))),
        }
    }
}

/// The error of whoever comes after the end.
pub(super) fn closed(cause: Option<&Error>) -> Error {
    let error = Error::from(codes::STORE_CLOSED);
    match cause {
        Some(cause) => error.with_source(cause.clone()),
        None => error,
    }
}

#[cfg(test)]
mod tests;
