//! Collects what was killed and has not ended yet: a process that has ended keeps its number, and
//! its place in the table of the kernel, until it is collected.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::group::Members;
use crate::error::{Error, Result, codes};
use crate::spawn::Executor;
use crate::sync::Mutex;
use crate::task::{TaskPool, TaskPoolOptions};
use crate::timer::sleep_until;

/// How long a program may take to be gone that was killed. The kernel needs no time for that,
/// unless it waits for a device.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Collects in the background. A clone is the same collector.
#[derive(Clone)]
pub(super) struct Collector {
    executor: Executor,
    places: Arc<Places>,
}

/// The places of those that run. A leader that was killed and does not end keeps one.
struct Places {
    pool: TaskPool,
    options: TaskPoolOptions,
    max_concurrent: usize,
    /// How many leaders were killed that do not end.
    stuck: Mutex<usize>,
}

/// A leader that was killed and does not end.
struct Stuck(Arc<Places>);

impl Collector {
    /// A collector for those that run in a pool with `options`, which has `max_concurrent` places.
    pub(super) fn new(
        executor: Executor,
        pool: &TaskPool,
        options: TaskPoolOptions,
        max_concurrent: usize,
    ) -> Self {
        let (pool, stuck) = (pool.clone(), Mutex::new(0));
        Self { executor, places: Arc::new(Places { pool, options, max_concurrent, stuck }) }
    }

    /// How many leaders were killed that do not end.
    pub(super) fn stuck(&self) -> usize {
        *self.places.stuck.lock()
    }

    /// Refuses one more when there is no place left for any: a pool has one at least.
    pub(super) fn check(&self) -> Result<()> {
        let stuck = self.stuck();
        if stuck < self.places.max_concurrent {
            return Ok(());
        }
        Err(Error::from(codes::UNRESPONSIVE)
            .with_message("as many commands as may run were killed and do not end")
            .with_detail("unresponsive", stuck))
    }

    /// Collects a group that was killed. It `is_stuck` when it should have ended by now.
    pub(super) fn collect(&self, mut members: Members, is_stuck: bool) {
        match members.has_ended() {
            Ok(true) => self.collect_all(members),
            Ok(false) => {
                let stuck = is_stuck.then(|| Stuck::new(&self.places));
                self.executor.finish(self.clone().wait_and_collect(members, stuck));
            }
            // Somebody else has collected it.
            Err(_) => {}
        }
    }

    async fn wait_and_collect(self, mut members: Members, stuck: Option<Stuck>) {
        if stuck.is_none() {
            let ended = tokio::select! {
                biased;
                ended = members.ended() => ended.map(|()| true),
                () = sleep_until(Instant::now() + PATIENCE) => Ok(false),
            };
            match ended {
                Ok(true) => return self.collect_all(members),
                Ok(false) => {}
                Err(_) => return,
            }
        }
        let _stuck = stuck.unwrap_or_else(|| Stuck::new(&self.places));
        if members.ended().await.is_ok() {
            self.collect_all(members);
        }
    }

    /// Collects a group whose leader has ended.
    fn collect_all(&self, mut members: Members) {
        if members.collect_leader().is_ok() {
            self.collect_others(members);
        }
    }

    /// Collects the others of a group whose leader was, unless they take too long: those that we
    /// may not kill.
    pub(super) fn collect_others(&self, mut members: Members) {
        if !Members::may_have_others() || !members.collect_others() {
            return;
        }
        let until = Instant::now() + PATIENCE;
        self.executor.finish(async move {
            while members.collect_others() && Instant::now() < until {
                members.some_has_ended().await;
            }
        });
    }
}

impl Places {
    /// As many others may run as places are left, one at least: the pool has one.
    fn change(&self, change: impl FnOnce(&mut usize)) {
        let mut stuck = self.stuck.lock();
        change(&mut stuck);
        let left = self.max_concurrent.saturating_sub(*stuck).max(1);
        // These were good for one more place.
        let _ = self.pool.update(self.options.max_concurrent(left));
    }
}

impl Stuck {
    fn new(places: &Arc<Places>) -> Self {
        places.change(|stuck| *stuck += 1);
        Self(Arc::clone(places))
    }
}

impl Drop for Stuck {
    fn drop(&mut self) {
        self.0.change(|stuck| *stuck -= 1);
    }
}
