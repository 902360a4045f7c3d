//! A task for each of many inputs, so many at a time, and what they come to as a stream.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::FuturesUnordered;
use tokio::task::coop;

use super::TaskSupervisor;
use super::context::{Owned, Owner};
use super::handle::{Task, took_too_long};
use super::job::{DEFAULT_NAME, Job, JobFuture};
use crate::actor::{ActorRef, Shutdown, refused};
use crate::error::{Error, Result};

/// How long one task may take, unless it is said. Elixir's value.
const WITHIN: Duration = Duration::from_secs(5);
/// Tasks at a time at most. More would be a mistake: each has a place of its own.
const MOST: usize = 1 << 20;

/// What becomes of a stream when one of its tasks takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "Elixir has these two and no others")]
pub enum OnOverrun {
    /// It ends with that error, and its other tasks are dropped. The default.
    #[default]
    End,
    /// That task is killed, and the stream goes on.
    Kill,
}

/// How a stream of tasks runs.
///
/// | option | default | refused |
/// |---|---|---|
/// | [`max_concurrency`](Self::max_concurrency) | as many as the runtime has workers | 0, or above 1,048,576 |
/// | [`unordered`](Self::unordered) | in the order of the inputs | – |
/// | [`within`](Self::within) | 5 s for each | – |
/// | [`on_overrun`](Self::on_overrun) | the stream ends | – |
/// | [`shutdown`](Self::shutdown) | asked, killed after 5 s | – |
/// | [`name`](Self::name) | `task` | empty, or longer than 255 bytes |
/// | [`linked`](Self::linked) | nobody | – |
///
/// What is refused is refused with `invalid_options`, before anything is started.
#[derive(Debug, Clone)]
#[must_use]
pub struct StreamOptions {
    max_concurrency: Option<usize>,
    ordered: bool,
    within: Option<Duration>,
    on_overrun: OnOverrun,
    shutdown: Shutdown,
    name: Arc<str>,
    owner: Option<Owned>,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            max_concurrency: None,
            ordered: true,
            within: None,
            on_overrun: OnOverrun::End,
            shutdown: Shutdown::default(),
            name: DEFAULT_NAME.into(),
            owner: None,
        }
    }
}

impl StreamOptions {
    /// How many tasks run at a time. In the order of the inputs as many results again may wait for
    /// an earlier one.
    pub const fn max_concurrency(mut self, tasks: usize) -> Self {
        self.max_concurrency = Some(tasks);
        self
    }

    /// Gives each result when it is there, in place of in the order of the inputs.
    pub const fn unordered(mut self) -> Self {
        self.ordered = false;
        self
    }

    /// How long each task may take.
    pub const fn within(mut self, time: Duration) -> Self {
        self.within = Some(time);
        self
    }

    /// What follows when one takes longer.
    pub const fn on_overrun(mut self, then: OnOverrun) -> Self {
        self.on_overrun = then;
        self
    }

    /// How its tasks are ended by their supervisor.
    pub const fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// What its tasks are called.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Has `owner` own its tasks and be linked to them: the first that fails ends it, unless it
    /// traps exits.
    pub fn linked(mut self, owner: &mut impl Owner) -> Self {
        self.owner = Some(owner.owned());
        self
    }

    /// For the tasks of a supervisor: as many at a time as there are workers, each as long as any,
    /// unless it is said.
    fn of_supervisor(mut self, tasks: &ActorRef<TaskSupervisor>) -> Self {
        let workers = || tasks.system().spawner.workers();
        self.max_concurrency = Some(self.max_concurrency.unwrap_or_else(workers));
        self.within = self.within.or(Some(WITHIN));
        self
    }

    /// For the tasks of a pool: as many at a time as it has places, unless it is said. How long
    /// each may take is the pool's matter, and given to it.
    pub(super) fn of_pool(mut self, places: usize) -> (Self, Option<Duration>) {
        self.max_concurrency = self.max_concurrency.or(Some(places));
        let within = self.within.take();
        (self, within)
    }

    fn validate(&self) -> Result<()> {
        if self.max_concurrency.is_some_and(|most| !(1..=MOST).contains(&most)) {
            return Err(refused("max_concurrency", "1 to 1,048,576 tasks run at a time"));
        }
        self.job(std::future::ready(Ok(()))).options.validate()
    }

    fn job<F, T>(&self, work: F) -> Job<JobFuture<F>>
    where
        F: Future<Output = Result<T>>,
    {
        Job::new(work).name(Arc::clone(&self.name)).shutdown(self.shutdown)
    }
}

/// What the tasks of [`async_stream`](ActorRef::async_stream) come to. Inputs are taken and tasks
/// started when it is polled, and it is then that a task which takes too long is ended; dropping it
/// drops those under way.
///
/// An item is what one task came to, and after an error the stream goes on, with two exceptions
/// that end it: a task that cannot be started (`max_children`, `no_process`), after the results
/// that can be given by then, and one that takes too long ([`OnOverrun::End`]). What waits for an
/// earlier result is lost with it.
#[must_use = "nothing is started until it is polled"]
pub struct TaskStream<T>(Engine<(), T>);

/// As [`TaskStream`], with each result its input.
#[must_use = "nothing is started until it is polled"]
pub struct ZippedTaskStream<I, T>(Engine<I, T>);

impl ActorRef<TaskSupervisor> {
    /// Runs `work` for every input in a task of its own, so many at a time.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// use foundation::{StreamOptions, System, TaskSupervisor};
    /// use futures_util::TryStreamExt;
    ///
    /// let system = System::builder().start().await?;
    /// let tasks = TaskSupervisor::builder().start(&system).await?;
    /// let options = StreamOptions::default().max_concurrency(2);
    /// let squares = tasks.async_stream(1..=4, options, |n| async move { Ok(n * n) })?;
    /// assert_eq!(squares.try_collect::<Vec<_>>().await?, [1, 4, 9, 16]);
    /// system.stop().await
    /// # })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
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
        let (tasks, options) = (self.clone(), options.of_supervisor(self));
        let start = move |job, owner: Option<&Owned>| tasks.start_task(job, owner);
        TaskStream::started_with(start, inputs, options, move |input| ((), work(input)))
    }

    /// As [`Self::async_stream`], and gives each result with its input.
    ///
    /// # Errors
    ///
    /// `invalid_options`.
    pub fn async_stream_zipped<I, T, F>(
        &self,
        inputs: I,
        options: StreamOptions,
        mut work: impl FnMut(I::Item) -> F + Send + 'static,
    ) -> Result<ZippedTaskStream<I::Item, T>>
    where
        I: IntoIterator<Item: Clone + Send + 'static, IntoIter: Send + 'static>,
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (tasks, options) = (self.clone(), options.of_supervisor(self));
        let start = move |job, owner: Option<&Owned>| tasks.start_task(job, owner);
        let work = move |input: I::Item| (input.clone(), work(input));
        Ok(ZippedTaskStream(Engine::new(start, inputs, options, work)?))
    }
}

impl<T: Send + 'static> TaskStream<T> {
    /// A stream of tasks that `start` starts.
    pub(super) fn started_with<I, F>(
        start: impl FnMut(Job<JobFuture<F>>, Option<&Owned>) -> Result<Task<T>> + Send + 'static,
        inputs: I,
        options: StreamOptions,
        work: impl FnMut(I::Item) -> ((), F) + Send + 'static,
    ) -> Result<Self>
    where
        I: IntoIterator<IntoIter: Send + 'static>,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        Ok(Self(Engine::new(start, inputs, options, work)?))
    }

    /// The next result; none when there are no more.
    pub async fn next(&mut self) -> Option<Result<T>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<I: Send + 'static, T: Send + 'static> ZippedTaskStream<I, T> {
    /// The next input and result; none when there are no more.
    pub async fn next(&mut self) -> Option<(I, Result<T>)> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<T: Send + 'static> Stream for TaskStream<T> {
    type Item = Result<T>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        let engine = &mut self.get_mut().0;
        engine.poll(cx).map(|next| next.map(|((), result)| result))
    }
}

impl<I: Send + 'static, T: Send + 'static> Stream for ZippedTaskStream<I, T> {
    type Item = (I, Result<T>);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().0.poll(cx)
    }
}

impl<T> fmt::Debug for TaskStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskStream").field(&self.0).finish()
    }
}

impl<I, T> fmt::Debug for ZippedTaskStream<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ZippedTaskStream").field(&self.0).finish()
    }
}

/// A stream of what tasks come to, each with what is kept of its input.
struct Engine<K, T> {
    /// Takes the next input and starts its task.
    start: Start<K, T>,
    /// No input is taken any more.
    is_over: bool,
    /// The one that could not be started, until that is given.
    not_started: Option<(K, Error)>,
    most: usize,
    ordered: bool,
    within: Option<Duration>,
    on_overrun: OnOverrun,
    running: FuturesUnordered<Settling<K, T>>,
    /// Results that wait for an earlier one, by the number of their input.
    done: BTreeMap<usize, (K, Result<T>)>,
    started: usize,
    given: usize,
}

type Start<K, T> = Box<dyn FnMut() -> Option<(K, Result<Task<T>>)> + Send>;

/// A task under way.
type Settling<K, T> = Pin<Box<dyn Future<Output = Settled<K, T>> + Send>>;

struct Settled<K, T> {
    number: usize,
    kept: K,
    result: Result<T>,
    overran: bool,
}

/// Nothing in it is pinned.
impl<K, T> Unpin for Engine<K, T> {}

impl<K: Send + 'static, T: Send + 'static> Engine<K, T> {
    fn new<I, F>(
        mut start: impl FnMut(Job<JobFuture<F>>, Option<&Owned>) -> Result<Task<T>> + Send + 'static,
        inputs: I,
        options: StreamOptions,
        mut work: impl FnMut(I::Item) -> (K, F) + Send + 'static,
    ) -> Result<Self>
    where
        I: IntoIterator<IntoIter: Send + 'static>,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        options.validate()?;
        let mut inputs = inputs.into_iter();
        let (ordered, within) = (options.ordered, options.within);
        let (most, on_overrun) = (options.max_concurrency.unwrap_or(1), options.on_overrun);
        let start = Box::new(move || {
            let (kept, work) = work(inputs.next()?);
            Some((kept, start(options.job(work), options.owner.as_ref())))
        });
        Ok(Self {
            start,
            is_over: false,
            not_started: None,
            most,
            ordered,
            within,
            on_overrun,
            running: FuturesUnordered::new(),
            done: BTreeMap::new(),
            started: 0,
            given: 0,
        })
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<(K, Result<T>)>> {
        loop {
            self.start_more();
            if let Some(next) = self.done.remove(&self.given) {
                self.given += 1;
                return Poll::Ready(Some(next));
            }
            match Pin::new(&mut self.running).poll_next(cx) {
                // Before the end: something may be ready that was not looked at, because the turn
                // of this task is over.
                Poll::Pending if self.not_started.is_some() && !coop::has_budget_remaining() => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                nothing @ (Poll::Pending | Poll::Ready(None)) => {
                    return match self.not_started.take() {
                        Some((kept, error)) => Poll::Ready(Some(self.end(kept, error))),
                        None => nothing.map(|_| None),
                    };
                }
                Poll::Ready(Some(Settled { kept, result: Err(error), overran: true, .. }))
                    if self.on_overrun == OnOverrun::End =>
                {
                    return Poll::Ready(Some(self.end(kept, error)));
                }
                Poll::Ready(Some(Settled { number, kept, result, .. })) => {
                    // Where order is of no account, each is the next.
                    let at = if self.ordered { number } else { self.given };
                    self.done.insert(at, (kept, result));
                }
            }
        }
    }

    /// Starts as many as may run, until one cannot be started.
    fn start_more(&mut self) {
        while !self.is_over
            && self.running.len() < self.most
            && self.started - self.given < self.most.saturating_mul(2)
        {
            match (self.start)() {
                None => self.is_over = true,
                Some((kept, Err(error))) => {
                    self.is_over = true;
                    self.not_started = Some((kept, error));
                }
                Some((kept, Ok(task))) => {
                    self.running.push(Box::pin(settle(self.started, kept, task, self.within)));
                    self.started += 1;
                }
            }
        }
    }

    /// Ends the stream with an error, and drops what is under way.
    fn end(&mut self, kept: K, error: Error) -> (K, Result<T>) {
        self.is_over = true;
        self.running = FuturesUnordered::new();
        self.done.clear();
        (kept, Err(error))
    }
}

/// Waits for a task, and kills it when it takes too long.
async fn settle<K, T>(
    number: usize,
    kept: K,
    mut task: Task<T>,
    within: Option<Duration>,
) -> Settled<K, T> {
    let Some(within) = within else {
        return Settled { number, kept, result: task.await, overran: false };
    };
    if let Some(result) = task.yield_for(within).await {
        return Settled { number, kept, result, overran: false };
    }
    // Its place is free when the next one starts, unless it holds its thread, which is reported.
    let _ = task.shutdown(Shutdown::BrutalKill).await;
    Settled { number, kept, result: Err(took_too_long(within)), overran: true }
}

impl<K, T> fmt::Debug for Engine<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Engine");
        shown.field("running", &self.running.len()).field("given", &self.given);
        shown.finish_non_exhaustive()
    }
}
