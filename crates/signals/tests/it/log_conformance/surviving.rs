//! A log in memory that outlives those who use it, as it does a bus that is started anew.

use std::sync::{Arc, Mutex};

use foundation::{Result, System};
use signals::testing::{LogHarness, run_log_case};
use signals::{MemoryLog, SignalLog};

/// Gives clones of one log.
#[derive(Default)]
struct Surviving(Mutex<Option<MemoryLog>>);

#[async_trait::async_trait]
impl LogHarness for Surviving {
    async fn open(&self, system: &System) -> Result<Arc<dyn SignalLog>> {
        let mut log = self.0.lock().unwrap();
        Ok(Arc::new(log.get_or_insert_with(|| MemoryLog::new(system)).clone()))
    }

    async fn crash(&self, log: Arc<dyn SignalLog>) {
        drop(log);
    }

    fn survives(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn what_promises_hold_for_a_log_that_survives_hold_for_its_clones() {
    for case in signals::testing::LOG_CASES {
        // Nobody closes this log while there are clones.
        if case.name != "a_tail_is_closed_with_its_log" {
            run_log_case(case.name, &Surviving::default()).await;
        }
    }
}
