//! What a system takes from outside: the wall clock, and where its ids and seeds come from.
//!
//! They are persisted, so they are given and not taken: a test that sets both has the same ids and
//! times in every run. Waiting does not come from here; it uses the runtime's clock.

mod clock;
mod ids;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

pub use clock::{Clock, SystemClock};
pub(crate) use ids::Ids;

use crate::sync::Mutex;

/// The ports of one system.
pub(crate) struct Ports {
    clock: Arc<dyn Clock>,
    ids: Mutex<Ids>,
}

impl Ports {
    pub(crate) fn new(clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self { clock, ids: Mutex::new(Ids::new(seed)) }
    }

    /// The wall-clock time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A new id, greater than every earlier one of this system.
    pub(crate) fn new_id(&self) -> Uuid {
        self.new_id_at(self.now())
    }

    /// As [`Self::new_id`], of what the clock has said.
    pub(crate) fn new_id_at(&self, now: Timestamp) -> Uuid {
        self.ids.lock().next(now)
    }

    /// A seed for something that needs chance.
    pub(crate) fn new_seed(&self) -> u64 {
        self.ids.lock().seed()
    }
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").finish_non_exhaustive()
    }
}
