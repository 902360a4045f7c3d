//! What a task is to do, and how it is called and ended.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::context::TaskContext;
use crate::actor::{Options, Shutdown};
use crate::error::{ErrorContext, Result};

/// What a task is called that has no name of its own.
pub(super) const DEFAULT_NAME: &str = "task";

/// Work for a task: a future, or a closure that makes one, and options.
///
/// | option | default | refused |
/// |---|---|---|
/// | [`name`](Self::name) | `task` | empty, or longer than 255 bytes |
/// | [`shutdown`](Self::shutdown) | asked, killed after 5 s | – |
/// | [`in_context`](Self::in_context) | of an owned task that of its owner | – |
///
/// A future alone is a job too, with the defaults.
#[must_use = "nothing is done until a supervisor is given it"]
pub struct Job<W> {
    pub(super) options: Options,
    pub(super) context: Option<ErrorContext>,
    pub(super) work: W,
}

/// Work that can begin. What [`Job::new`] and [`Job::with`] are given is.
pub trait Work: Send + 'static {
    /// What comes of it.
    type Output: Send + 'static;
    /// The work in progress.
    type Future: Future<Output = Result<Self::Output>> + Send + 'static;

    /// Begins, in the task.
    fn begin(self, cx: TaskContext) -> Self::Future;
}

/// A job, or what is made into one.
pub trait IntoJob {
    /// Its work.
    type Work: Work;

    /// The job.
    fn into_job(self) -> Job<Self::Work>;
}

/// Work that is a future.
#[derive(Debug)]
pub struct JobFuture<F>(F);

/// Work that is a closure, which is given the context of its task.
#[derive(Debug)]
pub struct JobFn<F>(F);

impl<T, F> Work for JobFuture<F>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    type Output = T;
    type Future = F;

    fn begin(self, _: TaskContext) -> F {
        self.0
    }
}

impl<T, F, Fut> Work for JobFn<F>
where
    T: Send + 'static,
    F: FnOnce(TaskContext) -> Fut + Send + 'static,
    Fut: Future<Output = Result<T>> + Send + 'static,
{
    type Output = T;
    type Future = Fut;

    fn begin(self, cx: TaskContext) -> Fut {
        (self.0)(cx)
    }
}

impl<T, F> IntoJob for F
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    type Work = JobFuture<F>;

    fn into_job(self) -> Job<JobFuture<F>> {
        Job::new(self)
    }
}

impl<W: Work> IntoJob for Job<W> {
    type Work = W;

    fn into_job(self) -> Self {
        self
    }
}

impl<F> Job<JobFuture<F>> {
    /// Work that is a future. It is polled in the task only.
    pub fn new<T>(work: F) -> Self
    where
        F: Future<Output = Result<T>>,
    {
        Self::of(JobFuture(work))
    }
}

impl<F> Job<JobFn<F>> {
    /// Work that is a closure, which is called in the task and given its context.
    pub fn with<Fut, T>(work: F) -> Self
    where
        F: FnOnce(TaskContext) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        Self::of(JobFn(work))
    }
}

impl<W> Job<W> {
    fn of(work: W) -> Self {
        let mut options = Options::new(DEFAULT_NAME.into());
        options.is_task = true;
        Self { options, context: None, work }
    }

    /// What the task is called in lists and logs; 1 to 255 bytes.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.options.name = name.into();
        self
    }

    /// How the task is ended.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.options.shutdown = shutdown;
        self
    }

    /// The operation that it works for: its errors carry what led to it.
    pub fn in_context(mut self, context: &ErrorContext) -> Self {
        self.context = Some(context.clone());
        self
    }
}

impl<W> fmt::Debug for Job<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("options", &self.options).finish_non_exhaustive()
    }
}
