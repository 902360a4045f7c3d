//! A task in a pool: waits for its place, does its work in time, and leaves.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use super::handle::Pool;
use super::state::Outcome;
use crate::deadline::Within;
use crate::error::{Error, Result, codes};
use crate::sync::{AtomicU8, Ordering};
use crate::task::TaskContext;
use crate::task::handle::took_too_long;
use crate::task::job::Work;

/// It has a place.
const PLACED: u8 = 1;
/// It is to end.
const ENDED: u8 = 2;

/// What a pool tells one of its tasks.
#[derive(Default)]
pub(super) struct Entry {
    word: AtomicU8,
    waker: AtomicWaker,
}

/// A task's stay in a pool. Dropping it leaves.
pub(super) struct Stay {
    pool: Arc<Pool>,
    number: u64,
    entry: Arc<Entry>,
    /// How long the work may take, beside what the pool allows.
    within: Option<Duration>,
    began: Option<Instant>,
    outcome: Option<Outcome>,
}

/// Work that waits for a place first.
pub(super) struct Pooled<W> {
    // Whatever it holds is gone before its place is.
    pub(super) work: W,
    pub(super) stay: Stay,
}

// === impl Entry ===

impl Entry {
    pub(super) fn place(&self) {
        self.tell(PLACED);
    }

    pub(super) fn end(&self) {
        self.tell(ENDED);
    }

    fn tell(&self, bit: u8) {
        self.word.fetch_or(bit, Ordering::AcqRel);
        self.waker.wake();
    }

    fn is(&self, bit: u8) -> bool {
        self.word.load(Ordering::Acquire) & bit != 0
    }
}

// === impl Stay ===

impl Stay {
    pub(super) fn new(pool: &Arc<Pool>, number: u64, entry: Arc<Entry>) -> Self {
        let pool = Arc::clone(pool);
        Self { pool, number, entry, within: None, began: None, outcome: None }
    }

    /// The work may take no longer than this.
    pub(super) const fn set_within(&mut self, within: Option<Duration>) {
        self.within = within;
    }

    /// Waits for a place, and begins. Gives how long the work may take.
    async fn begin(&mut self) -> Result<Duration> {
        let Self { entry, .. } = &*self;
        let is_ended = std::future::poll_fn(|cx| {
            entry.waker.register(cx.waker());
            if entry.is(ENDED) {
                return Poll::Ready(true);
            }
            if entry.is(PLACED) { Poll::Ready(false) } else { Poll::Pending }
        })
        .await;
        if is_ended {
            return Err(self.closed());
        }
        self.began = Some(Instant::now());
        let deadline = self.pool.state.lock().begin(self.number);
        Ok(self.within.map_or(deadline, |within| within.min(deadline)))
    }

    /// Does the work, unless it is to end before or takes too long.
    async fn work<T>(
        &mut self,
        deadline: Duration,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let (pool, entry) = (Arc::clone(&self.pool), Arc::clone(&self.entry));
        let done = {
            let mut work = pin!(Within::new(pool.home.limit(Some(deadline)), work));
            std::future::poll_fn(|cx| {
                entry.waker.register(cx.waker());
                if entry.is(ENDED) { Poll::Ready(None) } else { work.as_mut().poll(cx).map(Some) }
            })
            .await
            // What is left of the work goes here, before its place does.
        };
        let (outcome, result) = match done {
            Some(Ok(Ok(value))) => (Outcome::Completed, Ok(value)),
            Some(Ok(Err(error))) => (Outcome::Failed, Err(error)),
            Some(Err(_passed)) if pool.home.has_stopped() => {
                (Outcome::Stopped, Err(codes::SYSTEM_STOPPING.into()))
            }
            Some(Err(_passed)) => {
                (Outcome::TimedOut, Err(took_too_long(deadline).with_detail("pool", &*pool.name)))
            }
            None => (Outcome::Stopped, Err(self.closed())),
        };
        self.outcome = Some(outcome);
        result
    }

    fn closed(&self) -> Error {
        self.pool.closed().with_message("the pool was closed before the task was done")
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let outcome = match self.outcome {
            Some(outcome) => outcome,
            None if std::thread::panicking() => Outcome::Panicked,
            None => Outcome::Stopped,
        };
        let took = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        self.pool.leave(self.number, outcome, took);
    }
}

// === impl Pooled ===

impl<W: Work> Work for Pooled<W> {
    type Output = W::Output;
    type Future = Pin<Box<dyn Future<Output = Result<W::Output>> + Send>>;

    fn begin(self, cx: TaskContext) -> Self::Future {
        // When its supervisor stops it goes on, as long as the pool says.
        cx.drain();
        Box::pin(async move {
            let Self { work, mut stay } = self;
            let deadline = match stay.begin().await {
                Ok(deadline) => deadline,
                Err(closed) => {
                    drop(work);
                    return Err(closed);
                }
            };
            let work = work.begin(cx);
            stay.work(deadline, work).await
        })
    }
}
