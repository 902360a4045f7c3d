//! A thread that commits: whatever waits becomes one group, is made durable at once, and is
//! answered. The raw file and the peers are driven by it, so that they differ only in how they
//! store.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use tokio::sync::oneshot;

use super::Record;

/// Something that makes a group of appends durable.
pub trait Store: Send + 'static {
    /// Makes all of `group` durable, with one sync.
    ///
    /// # Errors
    ///
    /// When it cannot: nothing more is committed.
    fn commit(&mut self, group: &[Record]) -> Result<()>;
}

/// How often the thread looks whether callers have come, and none has; how often at most; and turns
/// between two looks: all as the journal has them.
const QUIET: u32 = 60;
const LOOKS: u32 = 300;
const SPINS: u32 = 20;

/// A store and the thread that commits to it.
#[derive(Debug)]
pub struct Grouped {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<Result<()>>>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// How many wait. Changed under the lock, and looked at without it.
    callers: AtomicUsize,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    records: Vec<Record>,
    callers: Vec<oneshot::Sender<()>>,
    /// Nothing more is taken.
    closed: bool,
}

impl Grouped {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When the system refuses it.
    #[expect(clippy::disallowed_methods, reason = "ban: spawn, a sync holds its thread")]
    pub fn start(mut store: impl Store) -> Result<Self> {
        let queue = Arc::new(Queue::default());
        let of_thread = Arc::clone(&queue);
        let work = move || {
            let ended = of_thread.work(&mut store);
            // Callers that wait would wait for ever.
            let mut waiting = of_thread.lock();
            waiting.closed = true;
            waiting.callers.clear();
            ended
        };
        let thread = std::thread::Builder::new().name("commit".to_owned()).spawn(work)?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// Appends, and waits until that is durable.
    ///
    /// # Errors
    ///
    /// When the thread has ended.
    pub async fn append(&self, record: Record) -> Result<()> {
        let (caller, answer) = oneshot::channel();
        {
            let mut waiting = self.queue.lock();
            if waiting.closed {
                return Err(anyhow!("nothing more is committed"));
            }
            waiting.records.push(record);
            waiting.callers.push(caller);
            self.queue.callers.fetch_add(1, Ordering::Relaxed);
        }
        self.queue.changed.notify_one();
        answer.await.context("the commit has failed")
    }

    /// Commits what waits and ends the thread.
    ///
    /// # Errors
    ///
    /// That of a commit that has failed.
    pub fn close(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        self.queue.lock().closed = true;
        self.queue.changed.notify_one();
        let Some(thread) = self.thread.take() else { return Ok(()) };
        thread.join().map_err(|_panic| anyhow!("the thread that commits has panicked"))?
    }
}

impl Drop for Grouped {
    fn drop(&mut self) {
        // Whoever wants to know closes it.
        drop(self.end());
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As the journal does: the first of those who were answered does not go alone.
    fn gather(&self, expected: usize) {
        let callers = || self.callers.load(Ordering::Relaxed);
        let (mut seen, mut quiet, mut looks) = (callers(), 0, 0);
        while seen < expected && quiet < QUIET && looks < LOOKS {
            for _ in 0..SPINS {
                std::hint::spin_loop();
            }
            let now = callers();
            quiet = if now == seen { quiet + 1 } else { 0 };
            seen = now;
            looks += 1;
        }
    }

    fn work(&self, store: &mut impl Store) -> Result<()> {
        let (mut group, mut expected) = (Waiting::default(), 0);
        loop {
            {
                let mut waiting = self.lock();
                while waiting.records.is_empty() {
                    if waiting.closed {
                        return Ok(());
                    }
                    waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                }
                drop(waiting);
                self.gather(expected);
                let mut waiting = self.lock();
                self.callers.store(0, Ordering::Relaxed);
                std::mem::swap(&mut waiting.records, &mut group.records);
                std::mem::swap(&mut waiting.callers, &mut group.callers);
            }
            store.commit(&group.records)?;
            group.records.clear();
            expected = group.callers.len() + self.callers.load(Ordering::Relaxed);
            for caller in group.callers.drain(..) {
                // A caller that is gone does not mind.
                let _ = caller.send(());
            }
        }
    }
}
