//! Logs that lose something when they crash are seen by the cases about that.

use std::sync::{Arc, Mutex};

use foundation::{Result, System};
use signals::testing::{LOG_CASES, LogHarness};
use signals::{MemoryLog, PartChange, SignalLog};
use tokio::sync::oneshot;

/// What a crash loses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Nothing,
    Everything,
    TheLastSignal,
    TheLastPart,
    Owners,
}

struct Forgetful {
    loss: Loss,
    /// What is on the disk, as it were.
    log: Mutex<Option<MemoryLog>>,
}

impl Forgetful {
    /// What is left of a log.
    async fn left(&self, log: &MemoryLog, system: &System) -> Result<MemoryLog> {
        let left = MemoryLog::new(system);
        let after = log.bounds().await?.kept_after;
        let entries = log.read(after, usize::MAX).await?.entries;
        let mut signals: Vec<_> = entries.into_iter().map(|entry| entry.signal).collect();
        if self.loss == Loss::TheLastSignal {
            signals.pop();
        }
        left.append(signals).await?;
        let mut owners = log.owners().await?;
        if self.loss == Loss::Owners {
            owners.truncate(1);
        }
        for owner in owners {
            let mut parts = log.list_parts(&owner, "", usize::MAX).await?;
            if self.loss == Loss::TheLastPart {
                parts.pop();
            }
            let put = |(key, value)| PartChange { key, value: Some(value) };
            left.store_parts(&owner, parts.into_iter().map(put).collect()).await?;
        }
        Ok(left)
    }
}

#[async_trait::async_trait]
impl LogHarness for Forgetful {
    async fn open(&self, system: &System) -> Result<Arc<dyn SignalLog>> {
        let before = self.log.lock().unwrap().take();
        let log = match before {
            Some(log) if self.loss == Loss::Nothing => log,
            Some(log) if self.loss != Loss::Everything => self.left(&log, system).await?,
            _ => MemoryLog::new(system),
        };
        *self.log.lock().unwrap() = Some(log.clone());
        Ok(Arc::new(log))
    }

    async fn crash(&self, log: Arc<dyn SignalLog>) {
        drop(log);
    }

    fn survives(&self) -> bool {
        true
    }
}

#[tokio::test(start_paused = true)]
async fn each_loss_is_seen_by_the_case_that_is_about_it() {
    let system = System::builder().start().await.unwrap();
    for (loss, expected) in [
        (Loss::Everything, "what_was_appended_is_there_after_a_crash"),
        (Loss::Everything, "positions_and_times_go_on_behind_those_before"),
        (Loss::Everything, "parts_are_there_after_a_crash"),
        // What was dropped before is not known any more.
        (Loss::TheLastSignal, "what_was_dropped_stays_dropped"),
        (Loss::TheLastSignal, "an_append_that_crashed_is_there_wholly_or_not_at_all"),
        (Loss::TheLastPart, "parts_are_there_after_a_crash"),
        (Loss::Owners, "parts_are_there_after_a_crash"),
    ] {
        assert!(!passes(&system, expected, loss).await, "{expected} does not see {loss:?}");
        assert!(passes(&system, expected, Loss::Nothing).await, "{expected} without a loss");
    }
    system.stop().await.unwrap();
}

/// Whether a log passes a case, run in a task so that a panic in it is its own.
async fn passes(system: &System, name: &'static str, loss: Loss) -> bool {
    let case = LOG_CASES.iter().find(|case| case.name == name).unwrap();
    let (done, passed) = oneshot::channel();
    system.executor("case").execute(async move {
        case.run(&Forgetful { loss, log: Mutex::default() }).await;
        done.send(()).unwrap();
    });
    passed.await.is_ok()
}
