//! Threads that read, so that nobody waits for the disk on a thread of the runtime.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, PoisonError};

use foundation::{Executor, Result};
use redb::Database;
use tokio::sync::{Semaphore, oneshot};

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
    pub(super) fn inline(core: Arc<Core>) -> Self {
        Self { core, room: Arc::new(Semaphore::new(WAITING)), queue: None }
    }

    /// Starts `count` threads. `ended` is called when one ends.
    pub(super) fn start(
        core: Arc<Core>,
        executor: &Executor,
        count: usize,
        ended: impl Fn() + Clone + Send + 'static,
    ) -> Result<Self> {
        let queue = Arc::new(JobQueue::default());
        let room = Arc::new(Semaphore::new(WAITING));
        let readers = Self { core, room, queue: Some(Arc::clone(&queue)) };
        for _ in 0..count {
            let (queue, ended) = (Arc::clone(&queue), ended.clone());
            let started = executor.thread("journal-read", move || {
                while let Some(job) = queue.next() {
                    job();
                }
                ended();
            });
            if let Err(error) = started {
                readers.close();
                return Err(error);
            }
        }
        Ok(readers)
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
