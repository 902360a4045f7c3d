//! The log in memory keeps what the port promises.

use std::sync::Arc;

use foundation::{Result, System};
use signals::testing::LogHarness;
use signals::{MemoryLog, SignalLog};

/// A log that is gone when it is closed.
pub(super) struct Memory;

#[async_trait::async_trait]
impl LogHarness for Memory {
    async fn open(&self, system: &System) -> Result<Arc<dyn SignalLog>> {
        Ok(Arc::new(MemoryLog::new(system)))
    }

    async fn crash(&self, log: Arc<dyn SignalLog>) {
        drop(log);
    }

    fn survives(&self) -> bool {
        false
    }
}

signals::log_conformance! {
    #[tokio::test(start_paused = true)]
    Memory
}
