//! Pools by name, for configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::handle::TaskPool;
use super::options::TaskPoolOptions;
use super::state::TaskPoolStats;
use crate::actor::ActorRef;
use crate::error::{Error, Result, codes};
use crate::sync::Mutex;
use crate::task::TaskSupervisor;

/// Pools that are found by their names: those that a configuration names, and code looks up. The
/// tasks of all run under one supervisor. A clone is the same pools.
///
/// They are no process: whatever is killed, the pools and their options are there.
#[derive(Clone)]
pub struct TaskPools {
    tasks: ActorRef<TaskSupervisor>,
    pools: Arc<Mutex<BTreeMap<Arc<str>, TaskPool>>>,
}

impl TaskPools {
    /// None yet; their tasks will run under `tasks`.
    #[must_use]
    pub fn new(tasks: &ActorRef<TaskSupervisor>) -> Self {
        Self { tasks: tasks.clone(), pools: Arc::default() }
    }

    /// Makes a pool. Names have 1 to 255 bytes.
    ///
    /// # Errors
    ///
    /// `pool_exists`; `invalid_options`.
    pub fn create(&self, name: impl Into<Arc<str>>, options: TaskPoolOptions) -> Result<TaskPool> {
        let name = name.into();
        let pool = TaskPool::new(&self.tasks, Arc::clone(&name), options)?;
        let mut pools = self.pools.lock();
        if pools.contains_key(&name) {
            drop(pools);
            return Err(Error::from(codes::POOL_EXISTS).with_detail("pool", &*name));
        }
        pools.insert(name, pool.clone());
        Ok(pool)
    }

    /// The pool of that name.
    ///
    /// # Errors
    ///
    /// `pool_not_found`.
    pub fn get(&self, name: &str) -> Result<TaskPool> {
        self.pools.lock().get(name).cloned().ok_or_else(|| not_found(name))
    }

    /// Takes a pool out, and gives it: it goes on until it is [closed](TaskPool::close).
    ///
    /// # Errors
    ///
    /// `pool_not_found`.
    pub fn remove(&self, name: &str) -> Result<TaskPool> {
        let removed = self.pools.lock().remove(name);
        removed.ok_or_else(|| not_found(name))
    }

    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<Arc<str>> {
        self.pools.lock().keys().cloned().collect()
    }

    /// How all of them do, by name.
    #[must_use]
    pub fn stats(&self) -> BTreeMap<Arc<str>, TaskPoolStats> {
        let pools: Vec<_> = self.pools.lock().values().cloned().collect();
        pools.into_iter().map(|pool| (pool.name().into(), pool.stats())).collect()
    }
}

fn not_found(name: &str) -> Error {
    Error::from(codes::POOL_NOT_FOUND).with_detail("pool", name)
}

impl fmt::Debug for TaskPools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskPools").field("names", &self.names()).finish_non_exhaustive()
    }
}
