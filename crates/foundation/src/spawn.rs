//! The only file that starts tasks and threads. Everything that runs is counted here, by whom it belongs to.
//!
//! There are three kinds: actors, which end through their system's tree; services, which the system
//! itself needs; and tasks of libraries, which take an [`Executor`] where they would spawn. A task
//! that was started in any other way is missing from the [`Census`], and [`System::strays`] finds
//! it.
//!
//! [`System::strays`]: crate::System::strays

use std::collections::BTreeMap;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::{Error, Result, codes};
use crate::sync::{AtomicU64, AtomicUsize, Mutex, Ordering};

/// Starts and counts the tasks of one system.
#[derive(Debug)]
pub(crate) struct Spawner {
    runtime: Handle,
    actors: AtomicUsize,
    services: AtomicUsize,
    libraries: Mutex<BTreeMap<&'static str, Arc<Library>>>,
    /// Set once, when the libraries have to end.
    closing: watch::Sender<bool>,
}

/// How many tasks run now, by whom they belong to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Census {
    /// Actors, those included that are starting or stopping.
    pub actors: usize,
    /// Tasks that the system itself needs.
    pub services: usize,
    /// Tasks that libraries started through the [`Executor`] they were given, by its name. Those of
    /// `commands` collect programs that were killed.
    pub libraries: BTreeMap<&'static str, usize>,
    /// Threads that libraries started in the same way. They are no tasks of the runtime.
    pub threads: BTreeMap<&'static str, usize>,
}

impl Census {
    /// All tasks; threads are none.
    #[must_use]
    pub fn total(&self) -> usize {
        self.actors + self.services + self.libraries.values().sum::<usize>()
    }
}

/// What a library is given in place of `spawn`, so that its tasks are counted and end with the
/// system. Made by [`System::executor`](crate::System::executor) and
/// [`Home::executor`](crate::Home::executor).
#[derive(Debug, Clone)]
#[must_use]
pub struct Executor {
    spawner: Arc<Spawner>,
    library: Arc<Library>,
}

#[derive(Debug)]
struct Library {
    live: watch::Sender<Live>,
}

/// What of a library has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Live {
    tasks: usize,
    threads: usize,
}

pin_project! {
    /// A library's task: ends when it is done, and when the system closes it.
    struct LibraryTask<F, C> {
        #[pin]
        future: F,
        #[pin]
        closing: C,
        live: LiveTask,
    }
}

/// A library's task that has not ended.
struct LiveTask(Arc<Library>);

/// A library's thread that has not ended.
struct LiveThread(Arc<Library>);

// === impl Spawner ===

impl Spawner {
    pub(crate) fn new(runtime: Handle) -> Self {
        Self {
            runtime,
            actors: AtomicUsize::new(0),
            services: AtomicUsize::new(0),
            libraries: Mutex::new(BTreeMap::new()),
            closing: watch::Sender::new(false),
        }
    }

    /// Starts an actor's task, which has to report its end with [`Self::actor_ended`].
    #[expect(clippy::disallowed_methods, reason = "ban: spawn, the one place that starts tasks")]
    pub(crate) fn actor(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.actors.fetch_add(1, Ordering::Relaxed);
        drop(self.runtime.spawn(task));
    }

    pub(crate) fn actor_ended(&self) {
        self.actors.fetch_sub(1, Ordering::Relaxed);
    }

    /// Starts a task of the system itself.
    #[expect(clippy::disallowed_methods, reason = "ban: spawn, the one place that starts tasks")]
    pub(crate) fn service(
        self: &Arc<Self>,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        struct Live(Arc<Spawner>);
        impl Drop for Live {
            fn drop(&mut self) {
                self.0.services.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.services.fetch_add(1, Ordering::Relaxed);
        let live = Live(Arc::clone(self));
        self.runtime.spawn(async move {
            let _live = live;
            task.await;
        })
    }

    /// What `name` is to spawn with. One name is one line of the census.
    pub(crate) fn executor(self: &Arc<Self>, name: &'static str) -> Executor {
        let mut libraries = self.libraries.lock();
        let library = libraries
            .entry(name)
            .or_insert_with(|| Arc::new(Library { live: watch::Sender::new(Live::default()) }));
        Executor { spawner: Arc::clone(self), library: Arc::clone(library) }
    }

    /// Ends the tasks of all libraries: each is dropped where it waits.
    pub(crate) async fn close_libraries(&self) {
        self.closing.send_replace(true);
        let libraries: Vec<_> = self.libraries.lock().values().cloned().collect();
        for library in libraries {
            // The sender is alive as long as `library` is, so this cannot fail.
            let _ = library.live.subscribe().wait_for(|live| *live == Live::default()).await;
        }
    }

    pub(crate) fn census(&self) -> Census {
        let libraries = self.libraries.lock();
        let live = |count: fn(Live) -> usize| {
            libraries.iter().map(|(name, it)| (*name, count(*it.live.borrow()))).collect()
        };
        Census {
            actors: self.actors.load(Ordering::Relaxed),
            services: self.services.load(Ordering::Relaxed),
            libraries: live(|live| live.tasks),
            threads: live(|live| live.threads),
        }
    }

    /// How many threads run tasks.
    pub(crate) fn workers(&self) -> usize {
        self.runtime.metrics().num_workers()
    }

    /// How many tasks the runtime has, whoever started them.
    pub(crate) fn alive_in_runtime(&self) -> usize {
        self.runtime.metrics().num_alive_tasks()
    }
}

// === impl Executor ===

impl Executor {
    /// Runs `task` in the background. It is dropped when the system stops, and never started when
    /// it has stopped already.
    pub fn execute(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut closing = self.spawner.closing.subscribe();
        if *closing.borrow() {
            return;
        }
        self.run(task, async move {
            // Fails when the system is gone altogether, which ends the task too.
            let _ = closing.wait_for(|closing| *closing).await;
        });
    }

    /// Runs `work` on a thread of its own, under the name `name`. It is counted beside the tasks of
    /// the library until it ends, and a system that stops waits for it as for those; whoever starts one
    /// ends it in time, for example when a task that it has [executed](Self::execute) is dropped.
    ///
    /// A panic in `work` ends the thread and nothing else: whoever starts one that may panic
    /// catches it there.
    ///
    /// # Errors
    ///
    /// `system_stopping`; `process_error` when the operating system gives no thread.
    pub fn thread(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
        if *self.spawner.closing.borrow() {
            return Err(codes::SYSTEM_STOPPING.into());
        }
        self.library.live.send_modify(|live| live.threads += 1);
        let live = LiveThread(Arc::clone(&self.library));
        #[expect(
            clippy::disallowed_methods,
            reason = "ban: spawn, the one place that starts threads"
        )]
        let started = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _live = live;
            work();
        });
        match started {
            Ok(_detached) => Ok(()),
            Err(error) => Err(Error::from(codes::PROCESS_ERROR).with_source(error)),
        }
    }

    /// Runs `task` in the background, to its end: a system that stops waits for it, as long as for
    /// any task of a library, and then goes without it.
    pub(crate) fn finish(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.run(task, std::future::pending());
    }

    #[expect(clippy::disallowed_methods, reason = "ban: spawn, the one place that starts tasks")]
    fn run(
        &self,
        task: impl Future<Output = ()> + Send + 'static,
        closing: impl Future<Output = ()> + Send + 'static,
    ) {
        self.library.live.send_modify(|live| live.tasks += 1);
        let live = LiveTask(Arc::clone(&self.library));
        drop(self.spawner.runtime.spawn(LibraryTask { future: task, closing, live }));
    }
}

impl<F: Future<Output = ()>, C: Future<Output = ()>> Future for LibraryTask<F, C> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        match this.closing.poll(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => this.future.poll(cx),
        }
    }
}

impl Drop for LiveTask {
    fn drop(&mut self) {
        self.0.live.send_modify(|live| live.tasks -= 1);
    }
}

impl Drop for LiveThread {
    fn drop(&mut self) {
        self.0.live.send_modify(|live| live.threads -= 1);
    }
}

/// Which task runs the code that asks, as a number; 0 outside of every task.
#[inline]
pub(crate) fn current_task() -> u64 {
    /// The runtime gives its number to a hasher and to nobody else.
    struct Number(u64);
    impl Hasher for Number {
        fn finish(&self) -> u64 {
            self.0
        }
        fn write(&mut self, bytes: &[u8]) {
            for byte in bytes {
                self.0 = self.0.wrapping_mul(257).wrapping_add(u64::from(*byte));
            }
        }
        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }
    }
    let Some(task) = tokio::task::try_id() else { return 0 };
    let mut number = Number(0);
    task.hash(&mut number);
    number.finish()
}

/// The number of a task, 0 while there is none.
#[derive(Debug, Default)]
pub(crate) struct TaskNumber(AtomicU64);

impl TaskNumber {
    /// Remembers the task that runs now.
    pub(crate) fn remember(&self) {
        self.0.store(current_task(), Ordering::Relaxed);
    }

    /// Whether that task runs the code that asks.
    #[inline]
    pub(crate) fn is_current(&self) -> bool {
        let number = self.get();
        number != 0 && number == current_task()
    }

    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
