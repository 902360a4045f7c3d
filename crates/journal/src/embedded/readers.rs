//! Threads that read, so that nobody waits for the disk on a thread of the runtime.
//!
//! To hand a small read to a thread and back takes longer than the read, when all of it is in memory.
//! So small reads are made at once, where they are asked for, until one of them has to wait for the
//! disk: then the next ones go to the threads, and after a while one is tried again.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, PoisonError};

use foundation::{Executor, Result};
use redb::Database;
use tokio::sync::{Semaphore, oneshot, watch};

use super::core::Core;
use super::failure::{Failure, Outcome};
use super::guard::{guarded, let_go};
use crate::sync::Mutex;

/// Reads that wait at a time. More wait before they are queued: each holds what it asks for.
const WAITING: usize = 1024;

/// What runs the reads of one store.
#[derive(Debug)]
pub(super) struct Readers {
    core: Arc<Core>,
    room: Arc<Semaphore>,
    queue: Option<Arc<JobQueue>>,
    /// How many hold the store: the loop, the threads, and reads that are made at once.
    live: Arc<watch::Sender<usize>>,
}

/// Jobs for the threads; none when reads run where they are asked for.
#[derive(Debug, Default)]
struct JobQueue {
    state: Mutex<Jobs>,
    ready: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    closed: bool,
}

type Job = Box<dyn FnOnce() + Send>;

impl Readers {
    /// Readers that run where they are asked for.
    pub(super) fn inline(core: Arc<Core>, live: Arc<watch::Sender<usize>>) -> Self {
        Self { core, room: Arc::new(Semaphore::new(WAITING)), queue: None, live }
    }

    /// Starts `count` threads, which are counted in `live`.
    pub(super) fn start(
        core: Arc<Core>,
        executor: &Executor,
        count: usize,
        live: Arc<watch::Sender<usize>>,
    ) -> Result<Self> {
        let queue = Arc::new(JobQueue::default());
        let room = Arc::new(Semaphore::new(WAITING));
        let readers = Self { core, room, queue: Some(Arc::clone(&queue)), live };
        for _ in 0..count {
            let (queue, live) = (Arc::clone(&queue), Arc::clone(&readers.live));
            let started = executor.thread("journal-read", move || {
                while let Some(job) = queue.next() {
                    job();
                }
                one_less(&live);
            });
            if let Err(error) = started {
                readers.close();
                return Err(error);
            }
        }
        Ok(readers)
    }

    /// Runs a small read at once, where it is asked for; none when it may have to wait for the disk.
    pub(super) fn at_once<T>(
        &self,
        work: impl FnOnce(&Core, &Database) -> Outcome<T>,
    ) -> Option<Result<T>> {
        // Once it is closed, the answer is that of the queue.
        let open = self.queue.as_ref().is_some_and(|queue| !queue.state.lock().closed);
        if !open || !self.core.is_warm() {
            return None;
        }
        let _held = Held::new(&self.live)?;
        Some(run(&self.core, work))
    }

    /// Runs a small read, at once or on a thread.
    pub(super) async fn small<T: Send + 'static>(
        &self,
        work: impl Fn(&Core, &Database) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        match self.at_once(&work) {
            Some(result) => result,
            None => self.read(work).await,
        }
    }

    /// Runs a read. Given up, it is not run any more, unless it has begun.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Core, &Database) -> Outcome<T> + Send + 'static,
    ) -> Result<T> {
        let room = Arc::clone(&self.room).acquire_owned().await;
        let Ok(room) = room else { return Err(self.core.closed()) };
        let core = Arc::clone(&self.core);
        let Some(queue) = &self.queue else { return run(&core, work) };
        let (sender, receiver) = oneshot::channel();
        queue.push(Box::new(move || {
            // What was given up takes its room until it comes to it here, so that they are bounded.
            let _room = room;
            if !sender.is_closed() {
                drop(sender.send(run(&core, work)));
            }
        }));
        receiver.await.unwrap_or_else(|_ended| Err(self.core.closed()))
    }

    /// Runs what nobody waits for, behind the reads that wait. When the journal has ended it is
    /// dropped.
    pub(super) fn later(&self, work: impl FnOnce() + Send + 'static) {
        match &self.queue {
            Some(queue) => queue.push(Box::new(work)),
            None => work(),
        }
    }

    /// The format that the store is written in.
    pub(super) fn format(&self) -> u8 {
        self.core.format()
    }

    /// How many reads wait or run.
    pub(super) fn busy(&self) -> usize {
        WAITING.saturating_sub(self.room.available_permits())
    }

    /// Ends the threads when they have done what waits.
    pub(super) fn close(&self) {
        if let Some(queue) = &self.queue {
            queue.state.lock().closed = true;
            queue.ready.notify_all();
        }
    }
}

/// Keeps the store from being let go, so that it can be opened again when a close is over.
struct Held<'a>(&'a watch::Sender<usize>);

impl<'a> Held<'a> {
    /// None when it is gone already.
    fn new(live: &'a watch::Sender<usize>) -> Option<Self> {
        let is_there = live.send_if_modified(|live| {
            let is_there = *live > 0;
            *live += usize::from(is_there);
            is_there
        });
        is_there.then_some(Self(live))
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        one_less(self.0);
    }
}

/// One less holds the store.
pub(super) fn one_less(live: &watch::Sender<usize>) {
    live.send_modify(|live| *live = live.saturating_sub(1));
}

/// Runs a read against the open store. One that panics stops the journal.
fn run<T>(core: &Core, work: impl FnOnce(&Core, &Database) -> Outcome<T>) -> Result<T> {
    let database = core.database()?;
    let outcome = guarded(|| work(core, &database));
    // The journal may have ended meanwhile, and this be the last that holds the store.
    let_go(database);
    outcome.map_err(|failure| {
        let stops = matches!(failure, Failure::Panic(_));
        let error = failure.at(&core.path);
        if stops {
            core.fail(&error);
        }
        error
    })
}

impl JobQueue {
    fn push(&self, job: Job) {
        let mut jobs = self.state.lock();
        if !jobs.closed {
            jobs.waiting.push_back(job);
            drop(jobs);
            self.ready.notify_one();
        }
    }

    fn next(&self) -> Option<Job> {
        let mut jobs = self.state.lock();
        loop {
            if let Some(job) = jobs.waiting.pop_front() {
                return Some(job);
            }
            if jobs.closed {
                return None;
            }
            jobs = self.ready.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}
