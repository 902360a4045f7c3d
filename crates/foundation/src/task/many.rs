//! Several tasks at a time.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::Task;
use crate::actor::{Shutdown, limit};
use crate::deadline::Within;
use crate::error::Result;

/// How long to wait, unless it is said. Elixir's value.
const WITHIN: Duration = Duration::from_secs(5);

/// What becomes of tasks that are not done when the time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::exhaustive_enums, reason = "Elixir has these three and no others")]
pub enum OnTimeout {
    /// Nothing: they go on, and can be awaited again. The default.
    #[default]
    Nothing,
    /// They are killed, and dead before anything is given, except those that hold their thread.
    Kill,
    /// They go on without a holder, as after [`Task::ignore`].
    Ignore,
}

/// For [`Task::yield_many`]: how long, for how many, and what then.
///
/// | option | default |
/// |---|---|
/// | [`within`](Self::within) | 5 s |
/// | [`limit`](Self::limit) | all of them |
/// | [`on_timeout`](Self::on_timeout) | nothing |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct YieldOptions {
    within: Duration,
    limit: usize,
    on_timeout: OnTimeout,
}

impl Default for YieldOptions {
    fn default() -> Self {
        Self { within: WITHIN, limit: usize::MAX, on_timeout: OnTimeout::Nothing }
    }
}

impl YieldOptions {
    /// How long to wait at most.
    pub const fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// How many have to be done for the waiting to be over before its time. The others then go on.
    pub const fn limit(mut self, tasks: usize) -> Self {
        self.limit = tasks;
        self
    }

    /// What becomes of those that are not done in time.
    pub const fn on_timeout(mut self, then: OnTimeout) -> Self {
        self.on_timeout = then;
        self
    }
}

impl<T> Task<T> {
    /// Awaits all of them, and gives what they come to in the order of the tasks.
    ///
    /// # Errors
    ///
    /// With the first of them that fails, at once; the others are dropped.
    pub async fn await_many(tasks: impl IntoIterator<Item = Self>) -> Result<Vec<T>> {
        let numbered = tasks.into_iter().enumerate();
        let mut running: FuturesUnordered<_> =
            numbered.map(|(number, task)| async move { (number, task.await) }).collect();
        let mut values = Vec::with_capacity(running.len());
        while let Some((number, result)) = running.next().await {
            values.push((number, result?));
        }
        values.sort_unstable_by_key(|(number, _)| *number);
        Ok(values.into_iter().map(|(_, value)| value).collect())
    }

    /// Waits for several of them, and gives what each has come to, in their order; nothing of those
    /// that have not. Dropped half-way, what has been there by then is lost.
    pub async fn yield_many(tasks: &mut [Self], options: YieldOptions) -> Vec<Option<Result<T>>> {
        let YieldOptions { within, limit: wanted, on_timeout } = options;
        let mut came_to: Vec<_> = tasks.iter().map(|_| None).collect();
        let wanted = wanted.min(tasks.len());
        let peer = tasks.iter().find_map(|task| task.peer().cloned());
        let in_time = {
            let mut running: FuturesUnordered<_> = tasks
                .iter_mut()
                .zip(&mut came_to)
                .map(|(task, came_to)| settle(task, came_to))
                .collect();
            let enough = async {
                let mut done = 0;
                while done < wanted && running.next().await.is_some() {
                    done += 1;
                }
            };
            let Some(peer) = &peer else {
                // All of them have ended.
                enough.await;
                drop(running);
                return came_to;
            };
            Within::new(limit(peer, Some(within)), enough).await.is_ok()
        };
        if in_time {
            return came_to;
        }
        if on_timeout == OnTimeout::Kill {
            // All before any is waited for.
            tasks.iter().for_each(Self::kill);
        }
        for (task, came_to) in tasks.iter_mut().zip(&mut came_to).filter(|(_, it)| it.is_none()) {
            match on_timeout {
                OnTimeout::Nothing => {}
                OnTimeout::Ignore => *came_to = task.let_go(),
                OnTimeout::Kill => {
                    let killed = std::mem::replace(task, Self::taken());
                    *came_to = killed.shutdown(Shutdown::BrutalKill).await.transpose();
                }
            }
        }
        came_to
    }
}

async fn settle<T>(task: &mut Task<T>, came_to: &mut Option<Result<T>>) {
    *came_to = Some(task.await);
}
