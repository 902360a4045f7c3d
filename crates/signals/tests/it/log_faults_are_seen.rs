//! The kit for logs sees when a promise is broken: each of these logs breaks one.

mod flawed;

use std::sync::Arc;

use foundation::{Result, System};
use signals::SignalLog;
use signals::testing::{LOG_CASES, LogCase, LogHarness};
use tokio::sync::oneshot;

use self::flawed::{FLAWS, Flaw, Flawed};

struct Broken(Flaw);

#[async_trait::async_trait]
impl LogHarness for Broken {
    async fn open(&self, system: &System) -> Result<Arc<dyn SignalLog>> {
        Ok(Arc::new(Flawed::new(system, self.0)))
    }

    async fn crash(&self, log: Arc<dyn SignalLog>) {
        drop(log);
    }

    fn survives(&self) -> bool {
        false
    }
}

/// Whether a log with that flaw passes a case, run in a task so that a panic in it is its own.
async fn passes(system: &System, case: &'static LogCase, flaw: Flaw) -> bool {
    let (done, passed) = oneshot::channel();
    system.executor("case").execute(async move {
        case.run(&Broken(flaw)).await;
        done.send(()).unwrap();
    });
    passed.await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn each_flaw_is_seen_by_the_case_that_is_about_it() {
    let system = System::builder().start().await.unwrap();
    for (flaw, expected) in FLAWS {
        let mut failed = Vec::new();
        for case in LOG_CASES {
            if !passes(&system, case, *flaw).await {
                failed.push(case.name);
            }
        }
        assert!(failed.contains(expected), "{flaw:?} is seen only by {failed:?}");
        assert!(failed.len() < LOG_CASES.len() / 2, "{flaw:?} is one flaw, seen by {failed:?}");
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_log_without_a_flaw_passes() {
    let system = System::builder().start().await.unwrap();
    for case in LOG_CASES {
        assert!(passes(&system, case, Flaw::None).await, "{}", case.name);
    }
    system.stop().await.unwrap();
}

#[test]
fn every_flaw_is_about_a_case_that_there_is() {
    for (flaw, expected) in FLAWS {
        assert!(LOG_CASES.iter().any(|case| case.name == *expected), "{flaw:?}: {expected}");
    }
}
