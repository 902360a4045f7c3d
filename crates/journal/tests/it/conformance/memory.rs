//! The memory engine keeps what the port promises.

use foundation::{Result, System};
use journal::testing::{Harness, Setup};
use journal::{Journal, MemoryOptions};

/// A store that is gone with its journal.
struct Memory;

#[async_trait::async_trait]
impl Harness for Memory {
    async fn open(&self, system: &System, setup: &Setup) -> Result<Journal> {
        MemoryOptions::default()
            .shards(setup.shards)
            .limits(setup.limits)
            .pressure(setup.pressure)
            .retention(setup.retention)
            .open(system)
    }

    async fn crash(&self, journal: Journal) {
        drop(journal);
    }

    async fn settle(&self, _journal: &Journal) -> Result<()> {
        Ok(())
    }

    fn survives(&self) -> bool {
        false
    }
}

journal::conformance! {
    #[tokio::test(start_paused = true)]
    Memory
}
