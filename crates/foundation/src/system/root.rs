//! The root: the children of the system itself, in the order in which they were started.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::{Ended, Pid, Process, end};
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;
use crate::sync::Mutex;

/// The children of a system.
#[derive(Debug, Default)]
pub(crate) struct Root(Mutex<Children>);

#[derive(Debug, Default)]
struct Children {
    /// By place, and places are numbered in the order of their start.
    running: BTreeMap<u64, Arc<dyn Process>>,
    stopping: bool,
}

impl Root {
    /// Adds a child that is about to start.
    ///
    /// # Errors
    ///
    /// `system_stopping` when nothing starts any more.
    pub(crate) fn add(&self, pid: Pid, child: Arc<dyn Process>) -> Result<()> {
        let mut children = self.0.lock();
        if children.stopping {
            return Err(Error::from(codes::SYSTEM_STOPPING));
        }
        children.running.insert(pid.slot, child);
        Ok(())
    }

    /// Forgets a child that has ended.
    pub(crate) fn remove(&self, pid: Pid) {
        let removed = self.0.lock().running.remove(&pid.slot);
        drop(removed);
    }

    /// Ends all children, the last one first, each before the next is asked.
    ///
    /// # Errors
    ///
    /// `unresponsive`, for the first child that does not end; the others are ended all the same.
    pub(crate) async fn stop(&self) -> Result<()> {
        self.0.lock().stopping = true;
        let mut result = Ok(());
        loop {
            let last = self.0.lock().running.pop_last();
            let Some((_, child)) = last else { return result };
            let asked = end(&*child, |child| child.request_stop(ExitReason::Shutdown));
            if let Ended::Unresponsive(error) = asked.await {
                result = result.and(Err(error));
            }
        }
    }
}
