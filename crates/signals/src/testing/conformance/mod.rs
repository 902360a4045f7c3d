//! What every log has to pass: the promises of [`SignalLog`](crate::SignalLog), each as a case.
//!
//! A log is given to the kit by a [`LogHarness`], and
//! [`log_conformance!`](crate::log_conformance) makes one test of each case.
//!
//! Cases that read do so several times: at once, and where the log survives also after a close and
//! after a crash. They do not know what the numbers of positions are, nor how large a page is.
//!
//! The cases move a clock of their own and wait for nothing but answers, each for ten seconds at
//! most. They work in paused time when the log works on the runtime, and in real time otherwise.

mod appending;
mod ask;
mod concurrency;
mod gaps;
mod giving_up;
mod parts;
mod reading;
mod retention;
mod store;
mod survival;
mod table;
mod tail;
mod times;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use foundation::{Result, System};

use crate::log::SignalLog;

/// One log that the kit may open again and again. Each case is given a new one.
#[async_trait]
pub trait LogHarness: Send + Sync {
    /// Opens the log, which is created by the first call. Later calls come when the one before was
    /// closed or has crashed; only if the log [survives](Self::survives).
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being opened: the case fails.
    async fn open(&self, system: &System) -> Result<Arc<dyn SignalLog>>;

    /// Ends the log in good order. On return it can be opened again. Nobody else has it, but
    /// somebody may have its tail.
    async fn close(&self, log: Arc<dyn SignalLog>) {
        self.crash(log).await;
    }

    /// Ends the log as kill -9 would: what was on its way is there or not. On return it can be
    /// opened again. Calls that were not answered may be about.
    async fn crash(&self, log: Arc<dyn SignalLog>);

    /// Whether what is durable outlives [`Self::close`] and [`Self::crash`]. Without that the log
    /// is opened once.
    fn survives(&self) -> bool;

    /// Whether [`retain`](SignalLog::retain) drops all that it may. A log that drops whole
    /// segments, or looks at other things too, does not.
    fn drops_all_it_may(&self) -> bool {
        true
    }
}

/// Something that the port promises, as a test.
#[derive(Clone, Copy)]
pub struct LogCase {
    /// What is promised. No two have the same.
    pub name: &'static str,
    run: for<'a> fn(&'a dyn LogHarness) -> Running<'a>,
}

type Running<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// No case needs this long; one that does hangs in a place where nothing else bounds the wait.
const LONGEST: Duration = Duration::from_mins(2);

/// Every case, for logs that cannot use [`log_conformance!`](crate::log_conformance).
pub const LOG_CASES: &[LogCase] = crate::log_conformance!(@list table []);

/// Runs the case of that name.
///
/// # Panics
///
/// When the log does not keep the promise, and when there is no such case.
pub async fn run_log_case(name: &str, harness: &dyn LogHarness) {
    match LOG_CASES.iter().find(|case| case.name == name) {
        Some(case) => case.run(harness).await,
        None => panic!("there is no case {name:?}"),
    }
}

impl LogCase {
    /// Runs it on a log that nobody has used.
    ///
    /// # Panics
    ///
    /// When the log does not keep the promise.
    pub async fn run(&self, harness: &dyn LogHarness) {
        let run = tokio::time::timeout(LONGEST, (self.run)(harness));
        assert!(run.await.is_ok(), "{}: it does not end", self.name);
    }
}

impl fmt::Debug for LogCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogCase").field("name", &self.name).finish_non_exhaustive()
    }
}
