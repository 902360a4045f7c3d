//! The root: the children of the system itself, in the order in which they were started.

use std::collections::BTreeMap;

use crate::actor::{Nursery, Parent, Peer, Pid, end};
use crate::error::{Error, Result, codes};
use crate::exit::ExitReason;
use crate::sync::Mutex;

/// The children of a system.
#[derive(Debug, Default)]
pub(crate) struct Root(Mutex<Children>);

#[derive(Debug, Default)]
struct Children {
    /// By place, and places are numbered in the order of their start.
    running: BTreeMap<u64, Peer>,
    stopping: bool,
    /// The first actor, anywhere in the tree, that did not end while the system stopped.
    unresponsive: Option<Error>,
}

impl Nursery for Root {
    /// # Errors
    ///
    /// `system_stopping` when nothing starts any more.
    fn adopt(&self, child: &Peer) -> Result<Parent> {
        let mut children = self.0.lock();
        if children.stopping {
            return Err(Error::from(codes::SYSTEM_STOPPING));
        }
        children.running.insert(child.pid().slot, child.clone());
        Ok(None)
    }
}

impl Root {
    /// Forgets a child that has ended.
    pub(crate) fn remove(&self, pid: Pid) {
        let removed = self.0.lock().running.remove(&pid.slot);
        drop(removed);
    }

    /// The children, in the order of their start.
    pub(crate) fn children(&self) -> Vec<Peer> {
        self.0.lock().running.values().cloned().collect()
    }

    /// Remembers what whoever stops the system is to learn.
    pub(crate) fn report(&self, unresponsive: &Error) {
        let mut children = self.0.lock();
        if children.stopping {
            children.unresponsive.get_or_insert_with(|| unresponsive.clone());
        }
    }

    /// Ends all children, the last one first, each before the next is asked.
    ///
    /// # Errors
    ///
    /// `unresponsive`, for the first one in the tree that does not end; all others have ended.
    pub(crate) async fn stop(&self) -> Result<()> {
        self.0.lock().stopping = true;
        // Whoever ends removes itself. Whoever does not is passed by.
        let mut before = u64::MAX;
        loop {
            let last = self.0.lock().running.range(..before).next_back().map(|(_, it)| it.clone());
            let Some(child) = last else { break };
            before = child.pid().slot;
            // Whoever is unresponsive has been reported.
            let _ = end(&child, |child| child.request_stop(ExitReason::Shutdown)).await;
        }
        self.0.lock().unresponsive.take().map_or(Ok(()), Err)
    }
}
