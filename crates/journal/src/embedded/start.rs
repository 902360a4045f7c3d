//! Starting what serves a store: the loop that commits, and the readers.

use std::sync::{Arc, Weak};

use foundation::{Error, Executor, Home, Result};
use tokio::sync::{oneshot, watch};

use super::commit::Committer;
use super::core::Core;
use super::engine::RedbEngine;
use super::guard::guarded;
use super::open::{self, Opened};
use super::options::{Driver, RedbOptions};
use super::queue::{Next, closed};
use super::readers::{Readers, one_less};
use crate::handle::Journal;

/// What everything of a journal is counted under.
const LIBRARY: &str = "journal";

/// Opens a store and starts what serves it.
pub(super) async fn open(options: RedbOptions, home: Home) -> Result<Journal> {
    let executor = home.executor(LIBRARY);
    let threads = match options.driver {
        Driver::Threads => 1 + options.readers,
        Driver::Runtime => 1,
    };
    let (live, lives) = watch::channel(threads);
    let live = Arc::new(live);
    let core = match options.driver {
        Driver::Threads => start_thread(options, home, &executor, &live).await?,
        Driver::Runtime => start_task(options, home, &executor, &live)?,
    };
    let readers = match core.options.driver {
        Driver::Runtime => Readers::inline(Arc::clone(&core), live),
        Driver::Threads => {
            let count = core.options.readers;
            let readers = Readers::start(Arc::clone(&core), &executor, count, live);
            readers.inspect_err(|_| core.queue.close(None))?
        }
    };
    let readers = Arc::new(readers);
    let closing =
        CloseWithSystem { core: Arc::downgrade(&core), readers: Arc::downgrade(&readers) };
    let mut ends = core.shards.first().map(super::core::ShardState::ends);
    executor.execute(async move {
        // Dropped when the system stops; over when the journal is closed.
        let _closing = closing;
        while let Some(ends) = &mut ends
            && ends.changed().await.is_ok()
        {}
    });
    Ok(Journal::new(Arc::new(RedbEngine { core, readers, live: lives })))
}

/// Closes the journal when the system goes, or when it has ended by itself.
struct CloseWithSystem {
    core: Weak<Core>,
    readers: Weak<Readers>,
}

impl Drop for CloseWithSystem {
    fn drop(&mut self) {
        if let Some(core) = self.core.upgrade() {
            core.queue.close(None);
        }
        if let Some(readers) = self.readers.upgrade() {
            readers.close();
        }
    }
}

/// The core and the loop of a store that was opened.
fn assemble(options: RedbOptions, home: Home, mut opened: Opened) -> (Arc<Core>, Committer) {
    let path = options.place.path();
    let (database, next) = (Arc::clone(&opened.database), opened.next);
    let epochs = std::mem::take(&mut opened.epochs);
    let core = Arc::new(Core::new(options, path, home, opened));
    core.look_at_room();
    let committer = Committer::new(Arc::clone(&core), database, next, epochs);
    (core, committer)
}

/// Opens the store on the thread that commits from then on.
async fn start_thread(
    options: RedbOptions,
    home: Home,
    executor: &Executor,
    live: &Arc<watch::Sender<usize>>,
) -> Result<Arc<Core>> {
    let (sender, receiver) = oneshot::channel();
    let live = Arc::clone(live);
    executor.thread("journal-commit", move || {
        let path = options.place.path();
        match guarded(|| open::open(&options)) {
            Err(failure) => drop(sender.send(Err(failure.at(&path)))),
            Ok(opened) => {
                let (core, committer) = assemble(options, home, opened);
                let running = Running { core: Arc::clone(&core), live };
                // When whoever opens it is gone, now or before they look, it is closed again.
                drop(sender.send(Ok(Unclaimed(Some(core)))));
                run_blocking(&running, committer);
                return;
            }
        }
        one_less(&live);
    })?;
    receiver.await.unwrap_or_else(|_ended| Err(closed(None)))?.claim()
}

/// A journal on its way to whoever opens it. Dropped before it is there, it is closed.
struct Unclaimed(Option<Arc<Core>>);

impl Unclaimed {
    fn claim(mut self) -> Result<Arc<Core>> {
        self.0.take().ok_or_else(|| closed(None))
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(core) = &self.0 {
            core.queue.close(None);
        }
    }
}

/// The commit loop on a thread.
fn run_blocking(running: &Running, mut committer: Committer) {
    let queue = &running.core.queue;
    while let Next::Work(items) = queue.take_blocking(committer.is_busy(), committer.expected()) {
        if committer.step(items).is_err() {
            break;
        }
    }
}

/// Opens the store here, and commits in a task of the runtime.
fn start_task(
    options: RedbOptions,
    home: Home,
    executor: &Executor,
    live: &Arc<watch::Sender<usize>>,
) -> Result<Arc<Core>> {
    let path = options.place.path();
    let opened = guarded(|| open::open(&options)).map_err(|failure| failure.at(&path))?;
    let (core, committer) = assemble(options, home, opened);
    let running = Running { core: Arc::clone(&core), live: Arc::clone(live) };
    executor.execute(run_on_runtime(running, committer));
    Ok(core)
}

/// Ends the journal when its loop ends, panics, or is dropped with what waits.
struct Running {
    core: Arc<Core>,
    live: Arc<watch::Sender<usize>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let message = "the loop that commits panicked";
            self.core.fail(&Error::from(foundation::codes::STORE_ERROR).with_message(message));
        }
        let cause = Error::from(foundation::codes::SYSTEM_STOPPING);
        for item in self.core.queue.end(&cause) {
            item.fail(&cause);
        }
        self.core.end();
        one_less(&self.live);
    }
}

/// The commit loop on the runtime.
async fn run_on_runtime(running: Running, mut committer: Committer) {
    while let Next::Work(items) = running.core.queue.take_async(committer.is_busy()).await {
        if committer.step(items).is_err() {
            break;
        }
        // Others go on between two commits, as they do beside a thread.
        tokio::task::yield_now().await;
    }
    drop(committer);
}
