//! Calls that are held until they are released.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::fault::{Moment, Operation};
use crate::sync::Mutex;

/// Long enough for any test; a call that does not come in this time will not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Holds calls of a [`FaultyLog`](super::FaultyLog) until it is released or dropped. Made by
/// [`FaultyLog::hold`](super::FaultyLog::hold).
#[must_use = "calls go on when it is dropped"]
pub struct Hold {
    gate: Arc<Gate>,
    holds: Holds,
}

/// All that is held of one log.
#[derive(Clone, Default)]
pub(super) struct Holds(Arc<Mutex<Vec<Arc<Gate>>>>);

struct Gate {
    operation: Operation,
    moment: Moment,
    is_open: watch::Sender<bool>,
    /// How many calls have come.
    came: watch::Sender<u64>,
}

impl Hold {
    /// Waits until so many calls have come here, in all.
    ///
    /// # Panics
    ///
    /// When they do not within 10 s.
    pub async fn reached(&self, calls: u64) {
        let mut came = self.gate.came.subscribe();
        let reached = came.wait_for(|came| *came >= calls);
        let has_come = tokio::time::timeout(PATIENCE, reached).await.is_ok();
        assert!(has_come, "{} of {calls} calls have come within {PATIENCE:?}", self.came());
    }

    /// How many calls have come here.
    #[must_use]
    pub fn came(&self) -> u64 {
        *self.gate.came.borrow()
    }

    /// Lets all calls go on, and holds no others.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.holds.0.lock().retain(|gate| !Arc::ptr_eq(gate, &self.gate));
        self.gate.is_open.send_replace(true);
    }
}

impl Holds {
    pub(super) fn hold(&self, operation: Operation, moment: Moment) -> Hold {
        let (is_open, came) = (watch::Sender::new(false), watch::Sender::new(0));
        let gate = Arc::new(Gate { operation, moment, is_open, came });
        self.0.lock().push(Arc::clone(&gate));
        Hold { gate, holds: self.clone() }
    }

    /// Goes on when nothing holds it.
    pub(super) async fn pass(&self, operation: Operation, moment: Moment) {
        let holds = |gate: &&Arc<Gate>| gate.operation == operation && gate.moment == moment;
        let gates: Vec<_> = self.0.lock().iter().filter(holds).cloned().collect();
        for gate in gates {
            let mut is_open = gate.is_open.subscribe();
            gate.came.send_modify(|came| *came += 1);
            // The gate is there as long as this is, so it is opened and not gone.
            let _ = is_open.wait_for(|is_open| *is_open).await;
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Gate { operation, moment, .. } = &*self.gate;
        let mut shown = f.debug_struct("Hold");
        shown.field("operation", operation).field("moment", moment).field("came", &self.came());
        shown.finish_non_exhaustive()
    }
}
