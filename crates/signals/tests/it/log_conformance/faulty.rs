//! A log within one that could fail and does not is as it was.

use std::sync::Arc;

use foundation::{Result, System};
use signals::testing::{FaultyLog, LogHarness};
use signals::{MemoryLog, SignalLog};

struct Harmless;

#[async_trait::async_trait]
impl LogHarness for Harmless {
    async fn open(&self, system: &System) -> Result<Arc<dyn SignalLog>> {
        Ok(Arc::new(FaultyLog::new(MemoryLog::new(system))))
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
    Harmless
}
