//! A pool, as whoever gives it work sees it.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::entry::{Entry, Pooled, Stay};
use super::options::TaskPoolOptions;
use super::state::{Outcome, Refusal, State, TaskPoolStats};
use crate::actor::{ActorRef, Shutdown, refused};
use crate::deadline::Within;
use crate::error::{Error, Result, codes};
use crate::sync::Mutex;
use crate::system::Home;
use crate::task::context::{Owned, Owner};
use crate::task::job::{DEFAULT_NAME, IntoJob, Job, Work};
use crate::task::stream::{StreamOptions, TaskStream};
use crate::task::{Task, TaskSupervisor};

/// How long a task that is told to end may take to be gone. Longer than any that waits takes; one
/// that holds its thread is reported.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the name of a pool may be, in bytes: as that of a task, which has it.
const LONGEST_NAME: usize = 255;

/// A pool of tasks: so many run at a time, however many are started together; so many wait, in the
/// order in which they came; and each may take so long. A clone is the same pool.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use foundation::{System, TaskPool, TaskPoolOptions, TaskSupervisor};
///
/// async fn price(of: &str) -> foundation::Result<usize> {
///     Ok(of.len())
/// }
///
/// let system = System::builder().name("shop").start().await?;
/// let tasks = TaskSupervisor::builder().name("tasks").start(&system).await?;
/// let pool = TaskPool::new(&tasks, "prices", TaskPoolOptions::new(2))?;
///
/// let (tea, bread) = (pool.async_nolink(price("tea"))?, pool.async_nolink(price("bread"))?);
/// assert_eq!((tea.await?, bread.await?), (3, 5));
/// assert_eq!(pool.stats().completed, 2);
/// system.stop().await
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # When the supervisor of the tasks stops
///
/// Its tasks go on, those that wait included, for as long as [`drain`](TaskPoolOptions::drain)
/// says; then those that are left are killed. No more are taken in. Whoever kills the supervisor
/// kills its tasks; the pool is as before, and goes on when the supervisor runs again. Until then,
/// and when it has ended, `no_process` is given.
///
/// A task that waits for another of its own pool keeps its place meanwhile: where all places wait
/// so, they wait until their deadlines.
#[derive(Clone)]
pub struct TaskPool {
    tasks: ActorRef<TaskSupervisor>,
    pool: Arc<Pool>,
}

/// What a pool and its tasks share.
pub(super) struct Pool {
    pub(super) name: Arc<str>,
    pub(super) home: Home,
    pub(super) state: Mutex<State<Arc<Entry>>>,
    /// When nothing is left to do.
    idle: Notify,
}

/// How a task comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entrance {
    /// As one of those for whom there is a queue.
    Queue,
    /// As one of a batch, which has a bound of its own, and perhaps a time for each.
    Batch { within: Option<Duration> },
}

// === impl TaskPool ===

impl TaskPool {
    /// A pool called `name`, in errors and lists, whose tasks run under `tasks`. Names have 1 to 255
    /// bytes.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn new(
        tasks: &ActorRef<TaskSupervisor>,
        name: impl Into<Arc<str>>,
        options: TaskPoolOptions,
    ) -> Result<Self> {
        options.validate()?;
        let (name, home) = (name.into(), tasks.system().home());
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Err(refused("name", "a pool has a name of 1 to 255 bytes"));
        }
        let (state, idle) = (Mutex::new(State::new(options)), Notify::new());
        Ok(Self { tasks: tasks.clone(), pool: Arc::new(Pool { name, home, state, idle }) })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.pool.name
    }

    /// Gives it a task that nobody is linked to, without waiting: the task begins when it has a
    /// place, and what it comes to is learned by awaiting it. A task without a name of its own has
    /// that of the pool. Its [`shutdown`](Job::shutdown) is the pool's
    /// [`drain`](TaskPoolOptions::drain); a [`Task::shutdown`] gives it as long as that says, and
    /// dropping the [`Task`] ends it at once.
    ///
    /// Awaiting it gives `timeout` also when it took longer than the pool allows, and `pool_closed`
    /// when the pool was [closed](Self::close) before it was done.
    ///
    /// # Errors
    ///
    /// `pool_full` when as many wait as may; `pool_closed`; and as
    /// [`async_nolink`](ActorRef::async_nolink) of a supervisor.
    pub fn async_nolink<J: IntoJob>(&self, job: J) -> Result<Task<<J::Work as Work>::Output>> {
        self.start(job.into_job(), None, Entrance::Queue)
    }

    /// As [`Self::async_nolink`], a task that `owner` owns and is linked to, as that of
    /// [`async_linked`](ActorRef::async_linked) of a supervisor.
    ///
    /// # Errors
    ///
    /// As [`Self::async_nolink`]; `no_process` also when the owner has ended.
    pub fn async_linked<J: IntoJob>(
        &self,
        owner: &mut impl Owner,
        job: J,
    ) -> Result<Task<<J::Work as Work>::Output>> {
        self.start(job.into_job(), Some(&owner.owned()), Entrance::Queue)
    }

    /// Runs `work` for every input in a task of the pool, as
    /// [`async_stream`](ActorRef::async_stream) of a supervisor, with two differences. It has as
    /// many tasks under way as the pool has places when it is made, unless it is said; those of
    /// them that wait take nothing of the pool's queue. And each may take as long as the pool
    /// allows, or a shorter time that [is said](StreamOptions::within), from when it begins; one
    /// that takes longer gives `timeout`, and the stream goes on, whatever
    /// [`on_overrun`](StreamOptions::on_overrun) says.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn async_stream<I, T, F>(
        &self,
        inputs: I,
        options: StreamOptions,
        mut work: impl FnMut(I::Item) -> F + Send + 'static,
    ) -> Result<TaskStream<T>>
    where
        I: IntoIterator<IntoIter: Send + 'static>,
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let places = self.stats().options.max_concurrent;
        let pool = self.clone();
        let (options, within) = options.of_pool(places);
        let entrance = Entrance::Batch { within };
        let start = move |job, owner: Option<&Owned>| pool.start(job, owner, entrance);
        let work = move |input| ((), work(input));
        TaskStream::started_with(start, inputs, options, work)
    }

    /// Runs its tasks otherwise from now on. Those that run keep their places, however many; a
    /// deadline holds for those that begin later.
    ///
    /// # Errors
    ///
    /// `invalid_options`; then nothing has changed.
    pub fn update(&self, options: TaskPoolOptions) -> Result<()> {
        options.validate()?;
        let placed = self.pool.state.lock().update(options);
        for entry in placed {
            entry.place();
        }
        Ok(())
    }

    /// Takes no more tasks in, and waits until all that were taken in are over, those that wait
    /// included, for `deadline` at most. Then those that are left are ended, whoever awaits them
    /// has `pool_closed`, and this waits until they are gone. A deadline of zero ends them at once.
    /// A pool that is closed stays so.
    ///
    /// Dropped before `deadline`, it takes no more tasks in, and has ended none.
    ///
    /// # Errors
    ///
    /// `timeout` when tasks were ended, and how many in `ended`; `unresponsive` when some of them
    /// hold their threads, and go on, and how many in `left`; `system_stopping`.
    pub async fn close(&self, deadline: Duration) -> Result<()> {
        let pool = &*self.pool;
        pool.state.lock().close();
        let limit = pool.home.limit(Some(deadline));
        if Within::new(limit, pool.until_idle()).await.is_ok() {
            return Ok(());
        }
        let ended = pool.state.lock().everybody();
        if ended.is_empty() {
            return Ok(());
        }
        for entry in &ended {
            entry.end();
        }
        let limit = pool.home.limit(Some(PATIENCE));
        if Within::new(limit, pool.until_idle()).await.is_ok() {
            tracing::warn!(pool = %pool.name, ended = ended.len(), "pool.ended_tasks");
            return Err(pool.home.passed_or(|| {
                Error::from(codes::TIMEOUT)
                    .with_message("tasks of the pool were ended that took too long")
                    .with_detail("pool", &*pool.name)
                    .with_detail("ended", ended.len())
            }));
        }
        let left = pool.state.lock().everybody().len();
        Err(pool.home.passed_or(|| {
            Error::from(codes::UNRESPONSIVE)
                .with_message("tasks of the pool hold their threads")
                .with_detail("pool", &*pool.name)
                .with_detail("left", left)
        }))
    }

    /// Waits until there is nothing to do.
    ///
    /// # Errors
    ///
    /// `timeout` after `deadline`; `system_stopping`.
    pub async fn idle(&self, deadline: Duration) -> Result<()> {
        let pool = &*self.pool;
        let idle = async {
            pool.until_idle().await;
            Ok(())
        };
        pool.home.within(deadline, idle).await
    }

    /// How it does.
    #[must_use]
    pub fn stats(&self) -> TaskPoolStats {
        self.pool.state.lock().stats()
    }

    fn start<W: Work>(
        &self,
        job: Job<W>,
        owner: Option<&Owned>,
        entrance: Entrance,
    ) -> Result<Task<W::Output>> {
        let Job { mut options, context, work } = job;
        let (stay, drain) = self.pool.enter(entrance)?;
        if &*options.name == DEFAULT_NAME {
            options.name = Arc::clone(&self.pool.name);
        }
        options.shutdown = Shutdown::Within(drain);
        self.tasks.start_task(Job { options, context, work: Pooled { work, stay } }, owner)
    }
}

impl fmt::Debug for TaskPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TaskPool");
        shown.field("name", &self.name()).field("stats", &self.stats()).finish_non_exhaustive()
    }
}

// === impl Pool ===

impl Pool {
    /// Takes a task in. Gives its stay, and how long it may go on when its supervisor stops.
    fn enter(self: &Arc<Self>, entrance: Entrance) -> Result<(Stay, Duration)> {
        let entry = Arc::new(Entry::default());
        let mut state = self.state.lock();
        let entered = state.enter(Arc::clone(&entry), entrance == Entrance::Queue);
        let drain = state.options().drain;
        drop(state);
        match entered {
            Ok((number, has_place)) => {
                if has_place {
                    entry.place();
                }
                let mut stay = Stay::new(self, number, entry);
                if let Entrance::Batch { within } = entrance {
                    stay.set_within(within);
                }
                Ok((stay, drain))
            }
            Err(refusal) => {
                tracing::debug!(pool = %self.name, "pool.refused");
                Err(match refusal {
                    Refusal::Closed => self.closed(),
                    Refusal::Full => Error::from(codes::POOL_FULL).with_detail("pool", &*self.name),
                })
            }
        }
    }

    pub(super) fn leave(&self, number: u64, outcome: Outcome, took: Duration) {
        let mut state = self.state.lock();
        let placed = state.leave(number, outcome, took);
        let is_idle = state.is_idle();
        drop(state);
        for entry in placed {
            entry.place();
        }
        if is_idle {
            self.idle.notify_waiters();
        }
    }

    pub(super) fn closed(&self) -> Error {
        Error::from(codes::POOL_CLOSED).with_detail("pool", &*self.name)
    }

    async fn until_idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.state.lock().is_idle() {
                return;
            }
            idle.await;
        }
    }
}
